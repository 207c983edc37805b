package rdp

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// What client and server say of themselves (MS-RDPBCGR, sections 2.2.1.3 and 2.2.1.4) is in
// blocks, in a message of T.124 in one of T.125. The blocks follow the key by which T.124
// knows that they are Microsoft's.
const (
	clientKey = "Duca"
	serverKey = "McDn"

	clientCore     = 0xc001
	clientNetwork  = 0xc003
	serverSecurity = 0x0c02

	mostChannels = 31 // section 2.2.1.3.4
)

// blocks returns the blocks behind a key.
func blocks(m []byte, key string) []byte {
	i := bytes.Index(m, []byte(key))
	if i < 0 || len(m) < i+len(key)+2 {
		return nil
	}
	m = m[i+len(key):]
	if m[0]&0x80 != 0 { // a length of two bytes (X.691, section 10.9)
		return m[2:]
	}
	return m[1:]
}

// block returns the first block, and what follows it.
func block(m []byte) (kind uint16, body, rest []byte) {
	if len(m) < 4 {
		return 0, nil, nil
	}
	size := int(binary.LittleEndian.Uint16(m[2:]))
	if size < 4 || size > len(m) {
		return 0, nil, nil
	}
	return binary.LittleEndian.Uint16(m), m[4:size], m[size:]
}

// client is what a client says of itself.
type client struct {
	version, layout, build uint32
	width, height          uint16
	depth                  string
	name, product          []byte
	channels               []byte // with commas
}

// read reads an MCS Connect Initial.
func (c *client) read(m []byte) {
	for rest := blocks(m, clientKey); ; {
		var kind uint16
		var b []byte
		kind, b, rest = block(rest)
		switch kind {
		case 0:
			return
		case clientCore:
			c.core(b)
		case clientNetwork:
			c.network(b)
		}
	}
}

// core reads the core data (section 2.2.1.3.2), whose later fields older clients leave out.
func (c *client) core(b []byte) {
	if len(b) < 128 {
		return
	}
	le := binary.LittleEndian
	c.version, c.width, c.height = le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:])
	c.layout, c.build = le.Uint32(b[12:]), le.Uint32(b[16:])
	c.name = wide(b[20:52])
	if len(b) >= 142 {
		c.depth = depth(le.Uint16(b[136:]), le.Uint16(b[140:]))
	}
	if len(b) >= 206 {
		c.product = wide(b[142:206])
	}
}

// network reads the names of channels (section 2.2.1.3.4).
func (c *client) network(b []byte) {
	if len(b) < 4 {
		return
	}
	n := min(binary.LittleEndian.Uint32(b), mostChannels)
	for b = b[4:]; n > 0 && len(b) >= 12; n-- {
		name, _, _ := bytes.Cut(b[:8], []byte{0})
		if len(c.channels) > 0 {
			c.channels = append(c.channels, ',')
		}
		c.channels = append(c.channels, decode.Printable(name)...)
		b = b[12:]
	}
}

func (c *client) tell(emit *event.Emit) {
	if c.version == 0 {
		return
	}
	emit.Extra([]byte("client_channels"), c.channels)
	emit.Extra([]byte("keyboard_layout"), []byte(keyboard(c.layout)))
	emit.Extra([]byte("client_name"), c.name)
	emit.Extra([]byte("client_dig_product_id"), c.product)
	emit.Extra([]byte("desktop_width"), strconv.AppendUint(nil, uint64(c.width), 10))
	emit.Extra([]byte("desktop_height"), strconv.AppendUint(nil, uint64(c.height), 10))
	emit.Extra([]byte("requested_color_depth"), []byte(c.depth))
}

// server is what a server says of how it secures what follows.
type server struct {
	there         bool
	method, level uint32
	certificate   uint32 // its version; 0 if there is none
	certificates  uint32
}

// read reads an MCS Connect Response (T.125, section 11.2), and returns how it ended.
func (s *server) read(m []byte) (result string) {
	for rest := blocks(m, serverKey); ; {
		var kind uint16
		var b []byte
		kind, b, rest = block(rest)
		if kind == 0 {
			break
		}
		if kind == serverSecurity {
			s.security(b)
		}
	}
	if i := bytes.Index(m[:min(len(m), 16)], []byte{0x0a, 0x01}); i >= 0 && i+2 < len(m) {
		return conference(m[i+2])
	}
	return ""
}

// security reads the security data (section 2.2.1.4.3).
func (s *server) security(b []byte) {
	if len(b) < 8 {
		return
	}
	le := binary.LittleEndian
	s.there, s.method, s.level = true, le.Uint32(b), le.Uint32(b[4:])
	if len(b) < 16 {
		return
	}
	skip := uint64(16) + uint64(le.Uint32(b[8:]))
	if skip+4 > uint64(len(b)) {
		return
	}
	cert := b[skip:]
	if s.certificate, s.certificates = le.Uint32(cert), 1; s.certificate&0x7fffffff == 2 && len(cert) >= 8 {
		s.certificates = le.Uint32(cert[4:])
	}
}

func (s *server) tell(emit *event.Emit) {
	if !s.there {
		return
	}
	if s.certificate != 0 {
		kind, permanent := "RSA", "true"
		if s.certificate&0x7fffffff == 2 {
			kind = "X.509"
		}
		if s.certificate>>31 == 1 { // the bit says that it is temporary
			permanent = "false"
		}
		emit.Extra([]byte("cert_type"), []byte(kind))
		emit.Extra([]byte("cert_count"), strconv.AppendUint(nil, uint64(s.certificates), 10))
		emit.Extra([]byte("cert_permanent"), []byte(permanent))
	}
	emit.Extra([]byte("encryption_level"), []byte(level(s.level)))
	emit.Extra([]byte("encryption_method"), []byte(method(s.method)))
}

// wide returns text of UTF-16 up to its first zero, as it may be shown.
func wide(b []byte) []byte {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	var out []byte
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return decode.Printable(out)
}
