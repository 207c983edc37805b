package decode

import (
	"bytes"
	"encoding/base64"
)

// SASL follows an exchange of RFC 4422 as mail protocols carry it, in base64, and finds out
// who wants to sign in. Of what proves it nothing is kept.
type SASL struct {
	mechanism []byte
	user      []byte
	steps     int // responses so far
}

// mostResponse is the longest response that is looked at, in base64.
const mostResponse = 2 << 10

// Begin begins an exchange.
func (s *SASL) Begin(mechanism []byte) {
	*s = SASL{mechanism: bytes.ToUpper(Printable(mechanism[:min(len(mechanism), 20)]))} // RFC 4422, section 3.1
}

// Mechanism returns the mechanism, in upper case.
func (s *SASL) Mechanism() []byte { return s.mechanism }

// User returns who wants to sign in, as far as that was said.
func (s *SASL) User() []byte { return s.user }

// Response takes what the client says next, in base64.
func (s *SASL) Response(line []byte) {
	s.steps++
	if len(line) > mostResponse || s.steps > 1 || len(s.user) > 0 {
		return
	}
	said, err := base64.StdEncoding.DecodeString(string(line))
	if err != nil {
		return
	}
	s.user = bytes.Clone(s.named(said))
}

// named finds the name in a first response.
func (s *SASL) named(said []byte) []byte {
	switch m := string(s.mechanism); {
	case m == "LOGIN":
		return said
	case m == "PLAIN": // RFC 4616
		if parts := bytes.SplitN(said, []byte{0}, 3); len(parts) == 3 {
			return parts[1]
		}
	case m == "CRAM-MD5": // RFC 2195
		if i := bytes.LastIndexByte(said, ' '); i > 0 {
			return said[:i]
		}
	case m == "XOAUTH2":
		return between(said, "user=", 1)
	case m == "OAUTHBEARER": // RFC 7628
		return between(said, "a=", ',')
	case m == "EXTERNAL":
		return said
	case bytes.HasPrefix(s.mechanism, []byte("SCRAM-")): // RFC 5802
		return between(said, "n=", ',')
	}
	return nil
}

// between returns what follows a word up to a byte.
func between(said []byte, word string, end byte) []byte {
	_, rest, ok := bytes.Cut(said, []byte(word))
	if !ok {
		return nil
	}
	if i := bytes.IndexByte(rest, end); i >= 0 {
		rest = rest[:i]
	}
	return rest
}
