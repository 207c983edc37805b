// Package rdp decodes how the Remote Desktop Protocol begins (MS-RDPBCGR, section 1.3.1.1):
// who wants in, how what follows is to be secured, and, where that is RDP's own old way, what
// the client says of itself. A connection makes one event, as soon as it is known how it goes
// on. Whether somebody could sign in is encrypted.
package rdp

import (
	"bytes"
	"encoding/binary"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "rdp", Summary: "Who connects to remote desktops, from which client, and how the connection is secured"},
	Makes: []event.Type{event.LogonType},
	Over:  []uint8{packet.TCP},
	Ports: []uint16{3389, 3388, 3390},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

// Reasons for rejecting a connection.
const (
	noPacket = decode.Reason("RDP packet that cannot be")
	noHello  = decode.Reason("RDP connection request is malformed")
)

// Types of TPDUs (X.224, section 13) and of negotiation structures (MS-RDPBCGR, sections
// 2.2.1.1.1 and 2.2.1.2).
const (
	connectRequest = 0xe0
	connectConfirm = 0xd0
	data           = 0xf0

	negRequest  = 1
	negResponse = 2
	negFailure  = 3
)

const (
	header      = 4 // TPKT (RFC 1006, section 6)
	mostRequest = 512
	fixed       = 7 // of a connection request or confirm: length, type, two references, class
)

// sniff recognises a connection request of a client: what has a cookie, or asks for a way of
// securing. One that has neither may be of other protocols, which say more later.
func sniff(_ *packet.Flow, from packet.Side, head []byte) decode.Guess {
	for i, is := range [...]func(b byte) bool{
		func(b byte) bool { return b == 3 }, func(b byte) bool { return b == 0 }, func(b byte) bool { return b <= mostRequest>>8 },
		func(b byte) bool { return b >= header+fixed || head[2] > 0 }, func(b byte) bool { return b >= fixed-1 },
		func(b byte) bool { return b == kindOf(from) },
	} {
		if i >= len(head) {
			return decode.Maybe
		}
		if !is(head[i]) {
			return decode.No
		}
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	switch {
	case from == packet.Server || len(head) < size:
		return decode.Maybe
	case size == header+fixed:
		return sniffConnect(head[size:])
	case size < header+fixed:
		return decode.No
	}
	rest := head[header+fixed : size]
	_, ok := negotiation(rest, negRequest)
	if ok || bytes.HasPrefix(rest, []byte("Cookie: ")) || bytes.HasPrefix(rest, []byte("mth://")) || bytes.HasPrefix(rest, []byte("tsv://")) {
		return decode.Yes
	}
	return decode.No
}

func kindOf(from packet.Side) byte {
	if from == packet.Client {
		return connectRequest
	}
	return connectConfirm
}

// sniffConnect recognises the first message after a request that says nothing.
func sniffConnect(head []byte) decode.Guess {
	const connect = "\x02\xf0\x80\x7f\x65"
	if len(head) < header+len(connect) {
		return decode.Maybe
	}
	if string(head[header:header+len(connect)]) == connect {
		return decode.Yes
	}
	return decode.No
}

// negotiation finds a negotiation structure at the end of a request or confirm, and returns
// its value.
func negotiation(rest []byte, kind byte) (value uint32, ok bool) {
	for at := len(rest) - 8; at >= 0; at-- { // a correlation structure may follow it (section 2.2.1.1.2)
		if p := rest[at:]; p[0] == kind && p[2] == 8 && p[3] == 0 {
			return binary.LittleEndian.Uint32(p[4:]), true
		}
	}
	return 0, false
}

// stream is one connection.
type stream struct {
	phase    phase
	cookie   []byte
	protocol string
	result   string
	client   client
	server   server
	asked    bool // a request was seen
	told     bool
}

// phase is how far a connection has come.
type phase uint8

const (
	asking     phase = iota // for a connection
	conferring              // the client and the server introduce themselves
	done
)

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, said []byte, emit *event.Emit) (used int, err error) {
	for !t.Again && s.phase != done && len(said)-used >= header {
		p := said[used:]
		size := int(binary.BigEndian.Uint16(p[2:]))
		if p[0] != 3 || size < header+3 {
			return used, s.fail(t, emit, noPacket)
		}
		if len(p) < size {
			return used, nil
		}
		if err := s.tpdu(t, from, p[header:size], emit); err != nil {
			return used, s.fail(t, emit, err)
		}
		used += size
	}
	if s.phase == done && !t.Again {
		used = len(said)
	}
	return used, nil
}

// fail tells of what is known by then.
func (s *stream) fail(t *decode.Talk, emit *event.Emit, err error) error {
	s.tell(t, emit)
	return err
}

// tpdu takes one TPDU.
func (s *stream) tpdu(t *decode.Talk, from packet.Side, p []byte, emit *event.Emit) error {
	switch kind := p[1] & 0xf0; {
	case kind == connectRequest && from == packet.Client && s.phase == asking:
		return s.request(p)
	case kind == connectConfirm && from == packet.Server && s.phase == asking:
		return s.confirm(t, p, emit)
	case kind == data && from == packet.Client && s.client.version == 0:
		s.client.read(p[3:])
		s.phase = conferring
	case kind == data && from == packet.Server:
		s.result = s.server.read(p[3:])
		s.phase = done // what follows is encrypted, or moves windows
		s.tell(t, emit)
	}
	return nil
}

// request takes a connection request.
func (s *stream) request(p []byte) error {
	if len(p) < fixed {
		return noHello
	}
	s.asked = true
	rest := p[fixed:]
	line, _, ok := bytes.Cut(rest, []byte("\r\n"))
	if name, is := bytes.CutPrefix(line, []byte("Cookie: mstshash=")); ok && is {
		s.cookie = bytes.Clone(bytes.TrimSpace(name))
	}
	return nil
}

// confirm takes what the server says to a request.
func (s *stream) confirm(t *decode.Talk, p []byte, emit *event.Emit) error {
	if len(p) < fixed {
		return noHello
	}
	s.asked = true
	if reason, ok := negotiation(p[fixed:], negFailure); ok {
		s.result, s.phase = failure(reason), done
		s.tell(t, emit)
		return nil
	}
	chosen, ok := negotiation(p[fixed:], negResponse)
	s.protocol, s.phase = security(chosen), conferring
	if !ok || chosen == 0 {
		s.protocol = "RDP"
		return nil
	}
	s.result = "encrypted"
	s.tell(t, emit)
	t.Again = true // TLS follows
	return nil
}

// Lost implements [decode.Stream].
func (s *stream) Lost(*decode.Talk, packet.Side, uint32) bool { return s.phase == done }

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) { s.tell(t, emit) }

// tell makes the event of the connection.
func (s *stream) tell(t *decode.Talk, emit *event.Emit) {
	if s.told || !s.asked {
		return
	}
	s.told = true
	h, l := emit.Logon(t.Time)
	t.Fill(h, emit, "packet/rdp")
	l.Protocol = emit.Text([]byte("rdp"))
	l.User = emit.Text(decode.Printable(s.cookie))
	if s.client.version != 0 {
		l.Client = emit.Text(build(s.client.build))
	}
	emit.Extra([]byte("result"), []byte(s.result))
	emit.Extra([]byte("security_protocol"), []byte(s.protocol))
	s.client.tell(emit)
	s.server.tell(emit)
}
