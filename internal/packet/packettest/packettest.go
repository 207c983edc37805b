// Package packettest makes captures for tests: packets, connections and what is said in
// them, as a sensor would have written them down.
package packettest

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Capture is a capture that is being made. Each packet comes a millisecond after the one
// before it, unless [Capture.Wait] says otherwise.
type Capture struct {
	t   testing.TB
	out bytes.Buffer
	w   *pcapgo.Writer
	now time.Time
}

// New begins a capture of Ethernet on 1 March 2026.
func New(t testing.TB) *Capture {
	t.Helper()
	c := &Capture{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c.w = pcapgo.NewWriterNanos(&c.out)
	if err := c.w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	return c
}

// Bytes returns the capture as a pcap file.
func (c *Capture) Bytes() []byte { return c.out.Bytes() }

// Wait lets time pass.
func (c *Capture) Wait(d time.Duration) { c.now = c.now.Add(d) }

// Frame adds a frame as it is.
func (c *Capture) Frame(data []byte) {
	c.t.Helper()
	c.now = c.now.Add(time.Millisecond)
	if err := c.w.WritePacket(gopacket.CaptureInfo{Timestamp: c.now, CaptureLength: len(data), Length: len(data)}, data); err != nil {
		c.t.Fatal(err)
	}
}

// Layers adds a frame of Ethernet that these layers make.
func (c *Capture) Layers(kind layers.EthernetType, all ...gopacket.SerializableLayer) {
	c.t.Helper()
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, o, append([]gopacket.SerializableLayer{eth}, all...)...); err != nil {
		c.t.Fatal(err)
	}
	c.Frame(b.Bytes())
}

// IP returns the layers of a packet between two addresses, of either version.
func IP(from, to netip.Addr, protocol layers.IPProtocol) (layers.EthernetType, gopacket.SerializableLayer, gopacket.NetworkLayer) {
	if from.Is4() {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: protocol, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		return layers.EthernetTypeIPv4, ip, ip
	}
	ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: protocol, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
	return layers.EthernetTypeIPv6, ip, ip
}

// UDP adds a datagram.
func (c *Capture) UDP(from, to, data string) {
	c.t.Helper()
	f, t := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	kind, ip, net := IP(f.Addr(), t.Addr(), layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: layers.UDPPort(f.Port()), DstPort: layers.UDPPort(t.Port())}
	if err := udp.SetNetworkLayerForChecksum(net); err != nil {
		c.t.Fatal(err)
	}
	c.Layers(kind, ip, udp, gopacket.Payload(data))
}

// TCP is a connection.
type TCP struct {
	c    *Capture
	ends [2]netip.AddrPort
	next [2]uint32
}

// Dial adds the handshake of a connection.
func (c *Capture) Dial(from, to string) *TCP {
	c.t.Helper()
	t := &TCP{c: c, ends: [2]netip.AddrPort{netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)}, next: [2]uint32{1000, 5000}}
	t.segment(0, "S", "")
	t.segment(1, "SA", "")
	t.segment(0, "A", "")
	return t
}

// Client adds what the client says, in one segment, and that the server has it.
func (t *TCP) Client(data string) *TCP { return t.say(0, data) }

// Server adds what the server says.
func (t *TCP) Server(data string) *TCP { return t.say(1, data) }

func (t *TCP) say(side int, data string) *TCP {
	t.c.t.Helper()
	const most = 1400
	for len(data) > 0 {
		n := min(most, len(data))
		t.segment(side, "PA", data[:n])
		data = data[n:]
	}
	t.segment(1-side, "A", "")
	return t
}

// Lose has so many bytes of a side be missing in the capture.
func (t *TCP) Lose(side, n int) *TCP {
	t.next[side] += uint32(n)
	return t
}

// Close ends the connection from both sides.
func (t *TCP) Close() {
	t.c.t.Helper()
	t.segment(0, "FA", "")
	t.segment(1, "FA", "")
	t.segment(0, "A", "")
}

// segment adds a segment of one side, with flags by their letters.
func (t *TCP) segment(side int, flags, data string) {
	t.c.t.Helper()
	from, to := t.ends[side], t.ends[1-side]
	kind, ip, net := IP(from.Addr(), to.Addr(), layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: t.next[side], Window: 65535}
	for _, f := range flags {
		switch f {
		case 'S':
			tcp.SYN = true
		case 'A':
			tcp.ACK, tcp.Ack = true, t.next[1-side]
		case 'F':
			tcp.FIN = true
		case 'P':
			tcp.PSH = true
		}
	}
	if t.next[side] += uint32(len(data)); tcp.SYN || tcp.FIN {
		t.next[side]++
	}
	if err := tcp.SetNetworkLayerForChecksum(net); err != nil {
		t.c.t.Fatal(err)
	}
	t.c.Layers(kind, ip, tcp, gopacket.Payload(data))
}
