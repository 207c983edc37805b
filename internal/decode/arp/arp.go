// Package arp decodes the Address Resolution Protocol (RFC 826) for IPv4 over Ethernet.
//
// An answer says which machine has an address, and so does a machine that announces its
// own (RFC 5227, section 3). A question says who looks for whom; a probe, which has no
// address of its own yet, says nothing.
package arp

import (
	"encoding/binary"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Frame{
	Info:   plug.Info{Name: "arp", Summary: "Who has which address, from the Address Resolution Protocol"},
	Makes:  []event.Type{event.LeaseType, event.OtherType},
	Type:   0x0806,
	Decode: message,
}

// Reasons for rejecting a frame.
const (
	short   = decode.Reason("ARP message ends early")
	strange = decode.Reason("ARP message of another hardware or protocol than Ethernet and IPv4")
)

const length = 28 // of a message for IPv4 over Ethernet

func message(o *packet.Other, emit *event.Emit) error {
	m := o.Payload
	if len(m) < length {
		return short
	}
	if hardware := binary.BigEndian.Uint16(m); hardware != 1 && hardware != 6 || binary.BigEndian.Uint16(m[2:]) != 0x0800 || m[4] != 6 || m[5] != 4 {
		return strange
	}
	sender, target := packet.MAC(m[8:14]), packet.MAC(m[18:24])
	from, to := packet.AddrOf(m[14:18]), packet.AddrOf(m[24:28])
	none := packet.AddrOf([]byte{0, 0, 0, 0})
	switch op := binary.BigEndian.Uint16(m[6:]); {
	case from == none:
		return nil
	case op == 2 || op == 1 && from == to:
		lease(o, sender, target, from, emit)
	case op == 1:
		h, x := emit.Other(o.Time)
		h.Dataset, x.Message = emit.Text([]byte("packet/arp")), emit.Text([]byte("request"))
		h.Subject, h.Object = decode.Hardware(emit, sender), decode.Address(emit, to)
	}
	return nil
}

// lease makes the event of a machine that says it has an address.
func lease(o *packet.Other, sender, target packet.MAC, has packet.Addr, emit *event.Emit) {
	h, l := emit.Lease(o.Time)
	h.Dataset = emit.Text([]byte("packet/arp"))
	h.Subject, h.Object = decode.Hardware(emit, sender), decode.Hardware(emit, target)
	l.Address, l.MAC, l.Message = decode.Address(emit, has).Name, h.Subject.Name, emit.Text([]byte("ARP"))
}
