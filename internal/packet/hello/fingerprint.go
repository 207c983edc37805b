package hello

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// JA3 returns the fingerprint of a client as it was first published by J. Althouse, J.
// Atkinson and J. Atkins (2017): the MD5 of its numbers, in hex.
func (c *Client) JA3() string {
	b := strconv.AppendUint(nil, uint64(c.Version), 10)
	b = dashed(append(b, ','), c.Ciphers)
	b = dashed(append(b, ','), c.Extensions)
	b = dashed(append(b, ','), c.Groups)
	b = append(b, ',')
	for i, p := range c.Points {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(p), 10)
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// JA3S returns the fingerprint of a server, likewise.
func (v *Server) JA3S() string {
	b := strconv.AppendUint(nil, uint64(v.Version), 10)
	b = strconv.AppendUint(append(b, ','), uint64(v.Cipher), 10)
	b = dashed(append(b, ','), v.Extensions)
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// dashed appends numbers in decimal with dashes between, without those that tell nothing.
func dashed(b []byte, all []uint16) []byte {
	first := true
	for _, n := range all {
		if Grease(n) {
			continue
		}
		if !first {
			b = append(b, '-')
		}
		first = false
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	return b
}

// JA4 returns the fingerprint of a client that does not depend on the order of its
// extensions (FoxIO, JA4 technical details; JA4 itself is under the BSD 3-Clause licence).
// Transport is 't' for TCP, 'q' for QUIC, 'd' for DTLS.
func (c *Client) JA4(transport byte) string {
	b := []byte{transport}
	b = append(b, c.version()...)
	name := byte('i')
	if slices.Contains(c.Extensions, extName) {
		name = 'd'
	}
	ciphers, extensions := sorted(c.Ciphers), sorted(c.Extensions)
	b = append(b, name)
	b = two(two(b, len(ciphers)), len(extensions))
	b = append(b, c.protocol()...)
	b = append(append(b, '_'), twelve(commas(nil, ciphers))...)
	told := extensions[:0]
	for _, e := range extensions {
		if e != extName && e != extALPN {
			told = append(told, e)
		}
	}
	text := commas(nil, told)
	if len(c.Signatures) > 0 && len(text) > 0 {
		text = commas(append(text, '_'), plain(c.Signatures))
	}
	return string(append(append(b, '_'), twelve(text)...))
}

// version returns the highest version that a client offers.
func (c *Client) version() string {
	highest := c.Version
	if len(c.Versions) > 0 {
		highest = 0
		for _, v := range c.Versions {
			if !Grease(v) && (v > highest || highest>>8 == 0xfe && v < highest) {
				highest = v
			}
		}
	}
	switch highest {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	case 0xfeff:
		return "d1"
	case 0xfefd:
		return "d2"
	case 0xfefc:
		return "d3"
	}
	return "00"
}

// protocol returns the first and the last letter of the first protocol that a client names.
func (c *Client) protocol() string {
	if len(c.ALPN) == 0 || len(c.ALPN[0]) == 0 {
		return "00"
	}
	first, last := c.ALPN[0][0], c.ALPN[0][len(c.ALPN[0])-1]
	if alphanumeric(first) && alphanumeric(last) {
		return string([]byte{first, last})
	}
	return string([]byte{hexDigit(first >> 4), hexDigit(last & 15)})
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func hexDigit(n byte) byte { return "0123456789abcdef"[n] }

// two appends a number of two digits, 99 at most.
func two(b []byte, n int) []byte {
	n = min(n, 99)
	return append(b, '0'+byte(n/10), '0'+byte(n%10))
}

// plain returns numbers without those that tell nothing.
func plain(all []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(all), Grease)
}

func sorted(all []uint16) []uint16 {
	s := plain(all)
	slices.Sort(s)
	return s
}

// commas appends numbers as four hex digits each, with commas between.
func commas(b []byte, all []uint16) []byte {
	for i, n := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, hexDigit(byte(n>>12)), hexDigit(byte(n>>8&15)), hexDigit(byte(n>>4&15)), hexDigit(byte(n&15)))
	}
	return b
}

// twelve returns the first twelve hex digits of a text's SHA-256, zeros for no text.
func twelve(text []byte) string {
	if len(text) == 0 {
		return "000000000000"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
