// Package packet makes conversations of what a wire carried: frames to packets, fragments
// to whole packets, packets to flows, segments to streams in order.
//
//	frame -> [Frames] -> Packet -> [Table] -> flows, and what was said in them, in order
//
// It reads no file, knows no clock and starts no goroutine: a packet says when it was, and
// the same frames always make the same calls. Everything it keeps is bounded by [Limits];
// what did not fit is counted, and nothing is guessed.
//
// The layers are parsed by gopacket. Flows and streams are our own, for one lookup has to
// serve both, and what an attacker can make them hold has to have one bound.
package packet

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an IP address as it lies in tables: an IPv4 address is mapped (RFC 4291,
// section 2.5.5.2).
type Addr [16]byte

// NetIP returns the address in the form that prints.
func (a Addr) NetIP() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Is4 reports whether it is an IPv4 address.
func (a Addr) Is4() bool {
	return binary.BigEndian.Uint64(a[:8]) == 0 && binary.BigEndian.Uint32(a[8:]) == 0xffff
}

// AddrOf returns an address of 4 or 16 bytes.
func AddrOf(b []byte) (a Addr) {
	if len(b) == 4 {
		a[10], a[11] = 0xff, 0xff
		copy(a[12:], b)
		return a
	}
	copy(a[:], b)
	return a
}

// MAC is a hardware address.
type MAC [6]byte

// Protocols of IP that are treated apart, by their IANA numbers.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
	SCTP   = 132
)

// Flags of a TCP segment (RFC 9293, section 3.1).
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Packet is one IP packet, whole, with what its transport says. A frame may hold several,
// one inside the other. Its slices are valid until the call that it was given to returns.
type Packet struct {
	Time   int64  // Unix nanoseconds
	Number uint64 // of its frame in its source, from 1
	Depth  uint8  // of tunnels that it came through

	From, To         Addr
	FromPort, ToPort uint16 // ICMP: type and code are the ports of from and to
	FromMAC, ToMAC   MAC    // zero if the link has none
	VLAN             uint16 // the innermost, 0 without
	TTL              uint8
	Protocol         uint8 // IANA's number
	Flags            uint8 // of TCP
	Window           uint16
	Seq, Ack         uint32
	Length           uint32 // of the IP packet by its own header, in bytes
	Missing          uint32 // bytes of the payload that the capture does not have
	Payload          []byte // of the transport; of IP where the transport is not known
	Options          []byte // of TCP, as they stand
}
