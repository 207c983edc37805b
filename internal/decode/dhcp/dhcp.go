// Package dhcp decodes the Dynamic Host Configuration Protocol for IPv4 (RFC 2131, 2132):
// which address a machine gets, and what it calls itself. Each message that a server
// confirms, and each that a machine sends with a name, makes an event.
package dhcp

import (
	"encoding/binary"
	"strconv"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "dhcp", Summary: "Leases of addresses and the names machines give themselves, from DHCP"},
	Makes: []event.Type{event.LeaseType},
	Over:  []uint8{packet.UDP},
	Ports: []uint16{67, 68},
	Sniff: sniff,
	New:   func() decode.Stream { return stream{} },
}

// Reasons for rejecting a message.
const (
	short   = decode.Reason("DHCP message ends early")
	strange = decode.Reason("DHCP message without its magic number")
	damaged = decode.Reason("DHCP option longer than its message")
)

const (
	fixed = 236 // bytes before the options (RFC 2131, section 2)
	magic = 0x63825363
)

// Options (RFC 2132).
const (
	optPad       = 0
	optHostName  = 12
	optDomain    = 15
	optRequested = 50
	optLease     = 51
	optMessage   = 53
	optServer    = 54
	optAsked     = 55
	optClass     = 60
	optFQDN      = 81 // RFC 4702
	optEnd       = 255
)

func sniff(_ *packet.Flow, _ packet.Side, head []byte) decode.Guess {
	if len(head) >= fixed+4 && (head[0] == 1 || head[0] == 2) && head[2] <= 16 && binary.BigEndian.Uint32(head[fixed:]) == magic {
		return decode.Yes
	}
	return decode.No
}

// stream is one conversation; each message says all by itself.
type stream struct{}

// Lost implements [decode.Stream].
func (stream) Lost(*decode.Talk, packet.Side, uint32) bool { return true }

// End implements [decode.Stream].
func (stream) End(*decode.Talk, *event.Emit) {}

// told is what the options of a message say.
type told struct {
	kind                    uint8
	name, domain, requested []byte
	class, server, asked    []byte
	seconds                 uint32
}

// Data implements [decode.Stream].
func (stream) Data(t *decode.Talk, _ packet.Side, m []byte, emit *event.Emit) (int, error) {
	if len(m) < fixed+4 {
		return 0, short
	}
	if binary.BigEndian.Uint32(m[fixed:]) != magic {
		return 0, strange
	}
	o, err := options(m[fixed+4:])
	if err != nil {
		return 0, err
	}
	confirms := m[0] == 2 && o.kind == 5
	if o.kind == 0 || m[0] == 2 && !confirms {
		return len(m), nil // BOOTP, or an offer that may never be taken
	}
	tell(t, m, &o, confirms, emit)
	return len(m), nil
}

// options reads options (RFC 2132, section 2). Of one that is split (RFC 3396) the first
// part counts.
func options(rest []byte) (o told, err error) {
	for len(rest) > 0 && rest[0] != optEnd {
		if rest[0] == optPad {
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return o, damaged
		}
		o.take(rest[0], rest[2:2+int(rest[1])])
		rest = rest[2+int(rest[1]):]
	}
	return o, nil
}

func (o *told) take(option uint8, v []byte) {
	switch option {
	case optMessage:
		if len(v) == 1 {
			o.kind = v[0]
		}
	case optHostName:
		o.name = v
	case optFQDN:
		if len(v) > 3 && v[0]&0x04 == 0 && o.name == nil { // not in the encoding of DNS
			o.name = v[3:]
		}
	case optDomain:
		o.domain = v
	case optRequested:
		o.requested = four(v)
	case optServer:
		o.server = four(v)
	case optLease:
		if len(v) == 4 {
			o.seconds = binary.BigEndian.Uint32(v)
		}
	case optClass:
		o.class = v
	case optAsked:
		o.asked = v
	}
}

// four returns an address, if it is one.
func four(v []byte) []byte {
	if len(v) == 4 {
		return v
	}
	return nil
}

// names of types of messages (RFC 2132, section 9.6).
func name(kind uint8) []byte {
	names := [...]string{"", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"}
	if int(kind) < len(names) {
		return []byte(names[kind])
	}
	return []byte("OTHER")
}

// tell makes the event of a message.
func tell(t *decode.Talk, m []byte, o *told, confirms bool, emit *event.Emit) {
	h, l := emit.Lease(t.Time)
	h.Dataset, h.Link = emit.Text([]byte("packet/dhcp")), t.Link
	if m[1] == 1 && m[2] == 6 {
		h.Subject = decode.Hardware(emit, packet.MAC(m[28:34]))
		l.MAC = h.Subject.Name
	}
	yours, own := m[16:20], m[12:16]
	address := yours
	if !confirms {
		if address = o.requested; address == nil {
			address = own
		}
	}
	l.Message = emit.Text(name(o.kind))
	if confirms && zero(yours) { // it answers a machine that has an address and asks for the rest: it binds nothing
		l.Message = emit.Text([]byte("INFORMED"))
		address = own
	}
	if !zero(address) {
		l.Address = decode.Address(emit, packet.AddrOf(address)).Name
	}
	server := &t.Flow.Server.Addr
	if o.server != nil {
		h.Object = decode.Address(emit, packet.AddrOf(o.server))
	} else if !zero(server[12:]) && server[15] != 255 {
		h.Object = decode.Address(emit, *server)
	}
	l.Hostname, l.Domain = emit.Text(decode.HostName(o.name)), emit.Text(decode.HostName(o.domain))
	l.Seconds = uint64(o.seconds)
	emit.Extra([]byte("vendor_class"), decode.Printable(o.class))
	emit.Extra([]byte("parameters"), numbers(o.asked))
}

// numbers writes the options that a machine asks for, in its order: programs are told by it.
func numbers(asked []byte) (list []byte) {
	for i, n := range asked {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendUint(list, uint64(n), 10)
	}
	return list
}

func zero(b []byte) bool { return len(b) < 4 || binary.BigEndian.Uint32(b) == 0 }
