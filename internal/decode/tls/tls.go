// Package tls decodes handshakes of TLS and SSL 3 (RFC 8446, 5246, 6101) as far as they
// are in the clear: who asks for whom, what both can and agree on, and which certificate a
// server shows. A connection makes one event, when its handshake is done, fails, or ends.
package tls

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/packet/hello"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "tls", Summary: "Handshakes of TLS: server names, versions, certificates and fingerprints"},
	Makes: []event.Type{event.TLSType},
	Over:  []uint8{packet.TCP},
	Ports: []uint16{443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 6697, 8443, 8883},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

// Reasons for rejecting a connection.
const (
	noRecord = decode.Reason("TLS record that cannot be")
	noHello  = decode.Reason("TLS hello is malformed")
)

// Types of records (RFC 8446, section 5.1) and of handshake messages (section 4).
const (
	changeCipher = 20
	alert        = 21
	handshake    = 22
	application  = 23
	heartbeat    = 24

	clientHello = 1
	serverHello = 2
	certificate = 11
)

const (
	mostRecord    = 1<<14 + 2048 // RFC 5246, section 6.2.3; TLS 1.3 allows less
	mostHandshake = 64 << 10     // of a side, until a message is whole
	mostChain     = 16 << 10     // bytes of a certificate that are looked at
)

// sniff recognises a first record: a handshake whose first message is a hello.
func sniff(_ *packet.Flow, _ packet.Side, head []byte) decode.Guess {
	pattern := []func(b byte) bool{
		func(b byte) bool { return b == handshake },
		func(b byte) bool { return b == 3 },
		func(b byte) bool { return b <= 4 },
		func(b byte) bool { return b <= mostRecord>>8 },
		func(byte) bool { return true },
		func(b byte) bool { return b == clientHello || b == serverHello },
	}
	for i, is := range pattern {
		if i >= len(head) {
			return decode.Maybe
		}
		if !is(head[i]) {
			return decode.No
		}
	}
	return decode.Yes
}

// stream is one connection.
type stream struct {
	sides  [2]side
	client *hello.Client
	server *hello.Server
	chain  cert
	told   bool
	made   bool // the handshake was done
}

// side is what was seen of one side.
type side struct {
	message []byte // of the handshake, not whole yet
	ciphers bool   // what follows is encrypted
	data    bool   // it sent application data
}

// cert is the server's certificate.
type cert struct {
	hash            [32]byte
	subject, issuer string
	from, to        int64
	there           bool
}

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (used int, err error) {
	for len(data)-used >= 5 {
		head := data[used:]
		n := int(binary.BigEndian.Uint16(head[3:]))
		if head[1] != 3 || head[0] < changeCipher || head[0] > heartbeat+2 || n > mostRecord {
			s.tell(t, emit)
			return used, noRecord
		}
		if len(head) < 5+n {
			break
		}
		if err := s.record(t, from, head[0], head[5:5+n], emit); err != nil {
			s.tell(t, emit)
			return used, err
		}
		used += 5 + n
	}
	return used, nil
}

// Lost implements [decode.Stream]. Once the handshake is told there is nothing to make
// sense of; before, what is missing may be a part of it.
func (s *stream) Lost(*decode.Talk, packet.Side, uint32) bool { return false }

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) { s.tell(t, emit) }

// record takes one record.
func (s *stream) record(t *decode.Talk, from packet.Side, kind byte, body []byte, emit *event.Emit) error {
	if s.told {
		return nil
	}
	w := &s.sides[from]
	switch kind {
	case changeCipher:
		if s.server == nil || s.server.Agreed >= 0x0304 {
			return nil // it means nothing there (RFC 8446, appendix D.4)
		}
		if w.ciphers = true; s.sides[from.Other()].ciphers {
			s.made = true
			s.tell(t, emit)
		}
	case application:
		w.data = true
		if s.client != nil && s.server != nil && s.sides[from.Other()].data {
			s.made = true // in TLS 1.3 the end of the handshake looks like data
			s.tell(t, emit)
		}
	case alert:
		if len(body) == 2 && body[0] == 2 && !w.ciphers { // fatal
			s.tell(t, emit)
		}
	case handshake:
		if !w.ciphers {
			return s.messages(from, body)
		}
	}
	return nil
}

// messages takes a record of the handshake, which need not hold whole messages.
func (s *stream) messages(from packet.Side, body []byte) error {
	w := &s.sides[from]
	if len(w.message)+len(body) > mostHandshake {
		w.message, w.ciphers = nil, true // nobody has so long a handshake: what follows is not looked at
		return nil
	}
	w.message = append(w.message, body...)
	rest := w.message
	for len(rest) >= 4 {
		n := int(rest[1])<<16 | int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+n {
			break
		}
		if err := s.message(rest[0], rest[4:4+n]); err != nil {
			return err
		}
		rest = rest[4+n:]
	}
	w.message = append(w.message[:0], rest...)
	return nil
}

// message takes one message of the handshake.
func (s *stream) message(kind byte, body []byte) error {
	switch kind {
	case clientHello:
		if s.client != nil {
			return nil // again, after the server asked for another
		}
		c := new(hello.Client)
		if !c.Read(bytes.Clone(body)) {
			return noHello
		}
		s.client = c
	case serverHello:
		v := new(hello.Server)
		if !v.Read(bytes.Clone(body)) {
			return noHello
		}
		if !v.Retry {
			s.server = v
		}
	case certificate:
		if !s.chain.there && s.server != nil {
			s.chain.read(body)
		}
	}
	return nil
}

// read takes the first certificate of a chain (RFC 5246, section 7.4.2).
func (c *cert) read(body []byte) {
	if len(body) < 6 {
		return
	}
	n := int(body[3])<<16 | int(binary.BigEndian.Uint16(body[4:]))
	if n == 0 || n > mostChain || len(body) < 6+n {
		return
	}
	der := body[6 : 6+n]
	c.there, c.hash = true, sha256.Sum256(der)
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return // its hash is known at least
	}
	c.subject, c.issuer = x.Subject.String(), x.Issuer.String()
	c.from, c.to = x.NotBefore.UnixNano(), x.NotAfter.UnixNano()
}

// tell makes the event of the connection, once.
func (s *stream) tell(t *decode.Talk, emit *event.Emit) {
	if s.told || s.client == nil && s.server == nil {
		return
	}
	s.told = true
	h, e := emit.TLS(t.Time)
	t.Fill(h, emit, "packet/tls")
	if c := s.client; c != nil {
		e.ServerName = emit.Text(decode.HostName(c.Name))
		e.JA3, e.JA4 = emit.Text([]byte(c.JA3())), emit.Text([]byte(c.JA4('t')))
		if s.server == nil && len(c.ALPN) == 1 {
			e.ALPN = emit.Text(decode.Printable(c.ALPN[0]))
		}
	}
	if v := s.server; v != nil {
		e.Version, e.Cipher = emit.Text([]byte(hello.VersionName(v.Agreed))), emit.Text([]byte(hello.CipherName(v.Cipher)))
		e.JA3S = emit.Text([]byte(v.JA3S()))
		e.ALPN = emit.Text(decode.Printable(v.ALPN))
		if c := s.client; v.PSK || c != nil && v.Agreed < 0x0304 && len(v.Session) > 0 && bytes.Equal(c.Session, v.Session) {
			e.Resumed = 1
		}
	}
	if c := &s.chain; c.there {
		e.CertHash = emit.Text(hex.AppendEncode(nil, c.hash[:]))
		e.CertSubject, e.CertIssuer = emit.Text(decode.Printable([]byte(c.subject))), emit.Text(decode.Printable([]byte(c.issuer)))
		e.NotBefore, e.NotAfter = c.from, c.to
	}
	if s.made {
		e.Established = 1
	}
	*s = stream{told: true}
}
