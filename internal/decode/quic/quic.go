// Package quic decodes the beginning of QUIC connections (RFC 9000, 9369): the hellos of
// TLS that Initial packets carry. Those are encrypted with keys that follow from the
// connection's own numbers (RFC 9001, section 5.2), so that nobody in the middle reads
// them by accident, and everybody can on purpose. What comes after stays closed.
//
// A connection makes one event, when the server's hello is seen, or at its end.
package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/packet/hello"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "quic", Summary: "The hellos in the Initial packets of QUIC: server names, versions and fingerprints"},
	Makes: []event.Type{event.TLSType},
	Over:  []uint8{packet.UDP},
	Ports: []uint16{443, 4433, 8443},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

// Reasons for rejecting a datagram.
const (
	short   = decode.Reason("QUIC packet ends early")
	damaged = decode.Reason("QUIC packet with frames that cannot be")
	noHello = decode.Reason("QUIC hello is malformed")
)

const (
	mostID     = 20       // bytes of a connection's number (RFC 9000, section 17.2)
	mostHello  = 32 << 10 // bytes of a side's hello
	mostPieces = 64       // that wait for those before them
	mostKeys   = 4        // numbers of one connection that keys are kept for: a Retry makes a second
)

// dialect is how a version differs from others.
type dialect struct {
	salt    []byte // RFC 9001, section 5.2; RFC 9369, section 3.3.1
	initial byte   // type of Initial packets
	label   string // of the keys
}

// dialectOf returns the dialect of a version; false if it is none that is known.
func dialectOf(version uint32) (dialect, bool) {
	switch {
	case version == 1:
		return dialect{[]byte("\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"), 0, "quic"}, true
	case version == 0x6b3343cf:
		return dialect{[]byte("\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"), 1, "quicv2"}, true
	case version >= 0xff00001d && version <= 0xff000022: // drafts 29 to 34
		return dialect{[]byte("\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"), 0, "quic"}, true
	}
	return dialect{}, false
}

// initial is an Initial packet, still protected.
type initial struct {
	dialect
	to   []byte // the receiver's number of the connection
	all  []byte // the packet
	from int    // where its number is
}

// parse reads the header of the first packet in a datagram (RFC 9000, section 17.2), and how
// long the packet is. It reports whether that is an Initial of a known version.
func parse(data []byte) (p initial, n int, ok bool) {
	if len(data) < 7 || data[0]&0xc0 != 0xc0 {
		return p, 0, false
	}
	d, known := dialectOf(binary.BigEndian.Uint32(data[1:]))
	if !known {
		return p, 0, false
	}
	rest := data[5:]
	for i := range 2 {
		size := int(rest[0])
		if size > mostID || len(rest) < 2+size {
			return p, 0, false
		}
		if i == 0 {
			p.to = rest[1 : 1+size]
		}
		rest = rest[1+size:]
	}
	kind := data[0] >> 4 & 3
	if kind == d.initial {
		token, m := number(rest)
		if m == 0 || token > uint64(len(rest)-m) {
			return p, 0, false
		}
		rest = rest[m+int(token):]
	} else if kind == (d.initial+3)&3 { // a Retry fills its datagram
		return p, len(data), false
	}
	size, m := number(rest)
	if m == 0 || size > uint64(len(rest)-m) || size < 20 {
		return p, 0, false
	}
	p.dialect, p.from = d, len(data)-len(rest)+m
	n = p.from + int(size)
	p.all = data[:n]
	return p, n, kind == d.initial
}

// number reads a number of variable length (RFC 9000, section 16), and returns how many
// bytes it takes; 0 if it is not whole.
func number(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	if n = 1 << (b[0] >> 6); len(b) < n {
		return 0, 0
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

func sniff(_ *packet.Flow, _ packet.Side, head []byte) decode.Guess {
	if _, _, ok := parse(head); ok {
		return decode.Yes
	}
	return decode.No
}

// keys open the Initial packets of one side.
type keys struct {
	aead cipher.AEAD
	iv   []byte
	mask cipher.Block
}

// keysOf derives the keys of both sides (RFC 9001, sections 5.1 and 5.2).
func keysOf(d dialect, to []byte) (k [2]keys, err error) {
	secret, err := hkdf.Extract(sha256.New, to, d.salt)
	if err != nil {
		return k, err
	}
	for side, label := range [...]string{"client in", "server in"} {
		mine, err := expand(secret, label, sha256.Size)
		if err != nil {
			return k, err
		}
		var parts [3][]byte
		for i, p := range [...]struct {
			label string
			n     int
		}{{" key", 16}, {" iv", 12}, {" hp", 16}} {
			if parts[i], err = expand(mine, d.label+p.label, p.n); err != nil {
				return k, err
			}
		}
		block, err := aes.NewCipher(parts[0])
		if err != nil {
			return k, err
		}
		if k[side].aead, err = cipher.NewGCM(block); err != nil {
			return k, err
		}
		if k[side].mask, err = aes.NewCipher(parts[2]); err != nil {
			return k, err
		}
		k[side].iv = parts[1]
	}
	return k, nil
}

// expand is HKDF-Expand-Label (RFC 8446, section 7.1) without a context.
func expand(secret []byte, label string, n int) ([]byte, error) {
	info := []byte{byte(n >> 8), byte(n), byte(len("tls13 ") + len(label))}
	info = append(append(append(info, "tls13 "...), label...), 0)
	return hkdf.Expand(sha256.New, secret, string(info), n)
}

// open takes away the protection of a packet (RFC 9001, section 5.4) and returns its frames;
// nil if the keys are not those.
func (k *keys) open(p *initial) []byte {
	if len(p.all) < p.from+20 {
		return nil
	}
	var mask [16]byte
	k.mask.Encrypt(mask[:], p.all[p.from+4:p.from+20])
	head := slices.Clone(p.all[:p.from+4])
	head[0] ^= mask[0] & 0x0f
	n := int(head[0]&3) + 1
	nonce := slices.Clone(k.iv)
	for i := range n {
		head[p.from+i] ^= mask[1+i]
		nonce[len(nonce)-n+i] ^= head[p.from+i]
	}
	frames, err := k.aead.Open(nil, nonce, p.all[p.from+n:], head[:p.from+n])
	if err != nil {
		return nil
	}
	return frames
}

// stream is one connection.
type stream struct {
	known  []opened
	sides  [2]said
	client *hello.Client
	server *hello.Server
	told   bool
}

// opened is the keys of one number of the connection.
type opened struct {
	to   []byte
	keys [2]keys
}

// said is what a side said of the handshake.
type said struct {
	whole  []byte
	pieces []piece // behind what is there of whole
}

type piece struct {
	at   uint64
	data []byte
}

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (int, error) {
	for rest := data; len(rest) > 0 && !s.told; {
		p, n, ok := parse(rest)
		if n == 0 {
			break // short headers, and padding
		}
		if ok {
			if err := s.initial(t, from, &p, emit); err != nil {
				return 0, err
			}
		}
		rest = rest[n:]
	}
	return len(data), nil
}

// Lost implements [decode.Stream].
func (s *stream) Lost(*decode.Talk, packet.Side, uint32) bool { return true }

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) { s.tell(t, emit) }

// initial takes an Initial packet.
func (s *stream) initial(t *decode.Talk, from packet.Side, p *initial, emit *event.Emit) error {
	frames := s.open(from, p)
	if frames == nil {
		return nil // of another connection between the same ports, or broken on its way
	}
	if err := s.frames(from, frames); err != nil {
		return err
	}
	if s.server != nil {
		s.tell(t, emit)
	}
	return nil
}

// open opens a packet with the keys that are known, or with those of its own number.
func (s *stream) open(from packet.Side, p *initial) []byte {
	for i := range s.known {
		if frames := s.known[i].keys[from].open(p); frames != nil {
			return frames
		}
	}
	if from == packet.Server || len(s.known) >= mostKeys {
		return nil
	}
	k, err := keysOf(p.dialect, p.to)
	if err != nil {
		return nil
	}
	frames := k[from].open(p)
	if frames != nil {
		s.known = append(s.known, opened{slices.Clone(p.to), k})
	}
	return frames
}

// frames reads the frames that an Initial may have (RFC 9000, section 12.4).
func (s *stream) frames(from packet.Side, b []byte) error {
	for len(b) > 0 {
		kind := b[0]
		b = b[1:]
		switch kind {
		case 0x00, 0x01: // padding, ping
		case 0x02, 0x03:
			if b = acknowledgement(b, kind == 0x03); b == nil {
				return damaged
			}
		case 0x06:
			at, n := number(b)
			size, m := number(b[min(n, len(b)):])
			if n == 0 || m == 0 || size > uint64(len(b)-n-m) {
				return short
			}
			body := b[n+m:][:size]
			b = b[n+m+int(size):]
			if err := s.said(from, at, body); err != nil {
				return err
			}
		default:
			return nil // the end of the connection, or what has no place here
		}
	}
	return nil
}

// acknowledgement passes over an ACK frame (RFC 9000, section 19.3); nil if it is not whole.
func acknowledgement(b []byte, congestion bool) []byte {
	numbers := uint64(4) // largest, delay, count of ranges, first range
	if congestion {
		numbers += 3
	}
	for i := uint64(0); i < numbers; i++ {
		v, n := number(b)
		if n == 0 || i == 2 && v > 256 {
			return nil
		}
		if i == 2 {
			numbers += 2 * v
		}
		b = b[n:]
	}
	return b
}

// said takes a piece of what a side says, and the hello when it is whole.
func (s *stream) said(from packet.Side, at uint64, data []byte) error {
	w := &s.sides[from]
	if at+uint64(len(data)) > mostHello || len(w.pieces) >= mostPieces || from == packet.Client && s.client != nil {
		return nil
	}
	w.pieces = append(w.pieces, piece{at, slices.Clone(data)})
	for again := true; again; {
		again = false
		for i, p := range w.pieces {
			have := uint64(len(w.whole))
			if p.at > have {
				continue
			}
			if end := p.at + uint64(len(p.data)); end > have {
				w.whole = append(w.whole, p.data[have-p.at:]...)
			}
			w.pieces = slices.Delete(w.pieces, i, i+1)
			again = true
			break
		}
	}
	return s.hello(from, w.whole)
}

// hello reads the hello of a side, if it is there whole.
func (s *stream) hello(from packet.Side, b []byte) error {
	if len(b) < 4 {
		return nil
	}
	n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if len(b) < 4+n {
		return nil
	}
	switch body := slices.Clone(b[4 : 4+n]); {
	case from == packet.Client && b[0] == 1 && s.client == nil:
		c := new(hello.Client)
		if !c.Read(body) {
			return noHello
		}
		s.client = c
	case from == packet.Server && b[0] == 2 && s.server == nil:
		v := new(hello.Server)
		if !v.Read(body) {
			return noHello
		}
		if !v.Retry {
			s.server = v
		}
	}
	return nil
}

// tell makes the event of the connection, once.
func (s *stream) tell(t *decode.Talk, emit *event.Emit) {
	if s.told || s.client == nil && s.server == nil {
		return
	}
	s.told = true
	h, e := emit.TLS(t.Time)
	t.Fill(h, emit, "packet/quic")
	if c := s.client; c != nil {
		e.ServerName = emit.Text(decode.HostName(c.Name))
		e.JA3, e.JA4 = emit.Text([]byte(c.JA3())), emit.Text([]byte(c.JA4('q')))
		if len(c.ALPN) > 0 {
			e.ALPN = emit.Text(decode.Printable(c.ALPN[0])) // what the server chose is encrypted
		}
	}
	if v := s.server; v != nil {
		e.Version, e.Cipher = emit.Text([]byte(hello.VersionName(v.Agreed))), emit.Text([]byte(hello.CipherName(v.Cipher)))
		e.JA3S = emit.Text([]byte(v.JA3S()))
		e.Established = 1
		if v.PSK {
			e.Resumed = 1
		}
	}
	*s = stream{told: true}
}
