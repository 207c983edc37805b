// Package hello reads the hellos of TLS, whichever way they came: over TCP, or in QUIC. It
// makes the fingerprints that others know them by: JA3, JA3S and, of clients, JA4.
package hello

import (
	"golang.org/x/crypto/cryptobyte"
)

// Client is a ClientHello (RFC 8446, section 4.1.2). Its slices lie in the message, or are
// reused when the next is read.
type Client struct {
	Version    uint16   // the legacy one
	Versions   []uint16 // of the extension supported_versions
	Ciphers    []uint16
	Extensions []uint16 // in their order
	Groups     []uint16
	Points     []byte // formats of points (RFC 8422, section 5.1.2)
	Signatures []uint16
	ALPN       [][]byte
	Name       []byte // SNI (RFC 6066, section 3)
	Session    []byte // that it offers to go on with
	PSK        bool   // or has a key from one
	ECH        bool   // the true hello is encrypted
}

// Server is a ServerHello (RFC 8446, section 4.1.3).
type Server struct {
	Version    uint16 // the legacy one
	Agreed     uint16 // the one that holds
	Cipher     uint16
	Extensions []uint16
	ALPN       []byte
	Session    []byte // that it goes on with, if it is the client's
	PSK        bool
	Retry      bool // it asks for another ClientHello
}

// Types of extensions (IANA's registry).
const (
	extName       = 0
	extGroups     = 10
	extPoints     = 11
	extSignatures = 13
	extALPN       = 16
	extPSK        = 41
	extVersions   = 43
	extECH        = 0xfe0d
)

// mostExtensions bounds what one hello may have.
const mostExtensions = 512

// Read reads the body of a ClientHello. It reports whether it is one.
func (c *Client) Read(body []byte) bool {
	*c = Client{Versions: c.Versions[:0], Ciphers: c.Ciphers[:0], Extensions: c.Extensions[:0], Groups: c.Groups[:0], Signatures: c.Signatures[:0], ALPN: c.ALPN[:0]}
	s := cryptobyte.String(body)
	var session, ciphers, compression cryptobyte.String
	if !s.ReadUint16(&c.Version) || !s.Skip(32) || !s.ReadUint8LengthPrefixed(&session) || len(session) > 32 ||
		!s.ReadUint16LengthPrefixed(&ciphers) || len(ciphers) == 0 || !s.ReadUint8LengthPrefixed(&compression) || len(compression) == 0 {
		return false
	}
	c.Session = session
	if c.Ciphers, _ = numbers(c.Ciphers, ciphers); c.Version>>8 != 3 && c.Version>>8 != 0xfe {
		return false
	}
	if s.Empty() { // before TLS 1.2 there need be no extensions
		return true
	}
	var all cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&all) {
		return false
	}
	for !all.Empty() && len(c.Extensions) < mostExtensions {
		var kind uint16
		var data cryptobyte.String
		if !all.ReadUint16(&kind) || !all.ReadUint16LengthPrefixed(&data) {
			return false
		}
		c.Extensions = append(c.Extensions, kind)
		c.extension(kind, data)
	}
	return true
}

// extension takes what is of use of an extension; one that is malformed gives nothing.
func (c *Client) extension(kind uint16, data cryptobyte.String) {
	var list cryptobyte.String
	switch kind {
	case extName:
		var what uint8
		var name cryptobyte.String
		if data.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&what) && what == 0 && list.ReadUint16LengthPrefixed(&name) {
			c.Name = name
		}
	case extGroups:
		if data.ReadUint16LengthPrefixed(&list) {
			c.Groups, _ = numbers(c.Groups, list)
		}
	case extPoints:
		if data.ReadUint8LengthPrefixed(&list) {
			c.Points = list
		}
	case extSignatures:
		if data.ReadUint16LengthPrefixed(&list) {
			c.Signatures, _ = numbers(c.Signatures, list)
		}
	case extVersions:
		if data.ReadUint8LengthPrefixed(&list) {
			c.Versions, _ = numbers(c.Versions, list)
		}
	case extALPN:
		for data.ReadUint16LengthPrefixed(&list); !list.Empty() && len(c.ALPN) < 64; {
			var name cryptobyte.String
			if !list.ReadUint8LengthPrefixed(&name) {
				return
			}
			c.ALPN = append(c.ALPN, name)
		}
	case extPSK:
		c.PSK = true
	case extECH:
		c.ECH = true
	}
}

// numbers appends the numbers of two bytes that a list holds.
func numbers(dst []uint16, list cryptobyte.String) ([]uint16, bool) {
	for !list.Empty() {
		var n uint16
		if !list.ReadUint16(&n) {
			return dst, false
		}
		dst = append(dst, n)
	}
	return dst, true
}

// retry is the random of a ServerHello that asks for another ClientHello (RFC 8446, section
// 4.1.3).
const retry = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// Read reads the body of a ServerHello. It reports whether it is one.
func (v *Server) Read(body []byte) bool {
	*v = Server{Extensions: v.Extensions[:0]}
	s := cryptobyte.String(body)
	var random []byte
	var session, all cryptobyte.String
	if !s.ReadUint16(&v.Version) || !s.ReadBytes(&random, 32) || !s.ReadUint8LengthPrefixed(&session) || len(session) > 32 || !s.ReadUint16(&v.Cipher) || !s.Skip(1) {
		return false
	}
	v.Agreed, v.Session, v.Retry = v.Version, session, string(random) == retry
	if s.Empty() {
		return true
	}
	if !s.ReadUint16LengthPrefixed(&all) {
		return false
	}
	for !all.Empty() && len(v.Extensions) < mostExtensions {
		var kind uint16
		var data, list, name cryptobyte.String
		if !all.ReadUint16(&kind) || !all.ReadUint16LengthPrefixed(&data) {
			return false
		}
		v.Extensions = append(v.Extensions, kind)
		switch kind {
		case extVersions:
			data.ReadUint16(&v.Agreed)
		case extALPN:
			if data.ReadUint16LengthPrefixed(&list) && list.ReadUint8LengthPrefixed(&name) {
				v.ALPN = name
			}
		case extPSK:
			v.PSK = true
		}
	}
	return true
}

// Grease reports whether a number is one that clients send so that servers stay tolerant
// (RFC 8701); it tells nothing.
func Grease(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }
