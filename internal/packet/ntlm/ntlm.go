// Package ntlm reads what NTLM says in the clear when somebody signs in (MS-NLMP, section
// 2.2): who, from which machine, to which. Challenges and answers to them are not kept, for
// passwords can be guessed by them.
package ntlm

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind says which of its three messages one is.
type Kind uint8

// The messages.
const (
	None         Kind = iota
	Negotiate         // the client begins
	Challenge         // the server answers
	Authenticate      // the client proves who it is
)

// KindOf returns which message data begins with.
func KindOf(data []byte) Kind {
	if len(data) < 12 || !bytes.HasPrefix(data, []byte("NTLMSSP\x00")) {
		return None
	}
	if n := binary.LittleEndian.Uint32(data[8:]); n <= uint32(Authenticate) {
		return Kind(n)
	}
	return None
}

// Proof says with what a client proves who it is.
type Proof uint8

// The proofs, the weakest first.
const (
	NoProof Proof = iota // nobody in particular signs in
	Version1
	Version2
)

// Version is that of an operating system; zero if it was not said.
type Version struct {
	Major, Minor uint8
	Build        uint16
}

// Exchange is what was said in the messages of one attempt. Text is UTF-8; what was not
// said is nil.
type Exchange struct {
	Begun bool // there was a message

	// Of the server's challenge.
	ServerName   []byte // of the machine, as NetBIOS has it
	ServerDomain []byte
	ServerDNS    []byte // of the machine
	DomainDNS    []byte
	Forest       []byte
	Server       Version

	// Of the client's answer.
	Done        bool // it was given
	User        []byte
	Domain      []byte
	Workstation []byte
	Client      Version
	Proof       Proof
}

// Flags (MS-NLMP, section 2.2.2.5).
const (
	flagUnicode = 1 << 0
	flagVersion = 1 << 25
)

// Read takes the next message, and returns which it was; None if it is malformed. A new
// Negotiate or Challenge begins a new attempt.
func (x *Exchange) Read(data []byte) Kind {
	kind := KindOf(data)
	switch {
	case kind == Negotiate && len(data) >= 16:
		*x = Exchange{Begun: true}
	case kind == Challenge && len(data) >= 32:
		*x = Exchange{Begun: true}
		x.challenge(data)
	case kind == Authenticate && len(data) >= 52:
		x.authenticate(data)
		x.Begun, x.Done = true, true
	default:
		return None
	}
	return kind
}

// Identifiers of the values that a challenge tells about its server (section 2.2.2.1).
const (
	endOfList = iota
	netBIOSComputer
	netBIOSDomain
	dnsComputer
	dnsDomain
	dnsTree
)

func (x *Exchange) challenge(data []byte) {
	if flags := binary.LittleEndian.Uint32(data[20:]); flags&flagVersion != 0 && len(data) >= 56 {
		x.Server = version(data[48:])
	}
	if len(data) < 48 {
		return
	}
	list := field(data, 40)
	if from := binary.LittleEndian.Uint32(data[44:]); list == nil && uint64(from) < uint64(len(data)) {
		list = data[from:] // some say that it is longer than it is
	}
	for n := 0; len(list) >= 4 && n < 32; n++ {
		id, size := binary.LittleEndian.Uint16(list), int(binary.LittleEndian.Uint16(list[2:]))
		if id == endOfList || len(list) < 4+size {
			return
		}
		value := list[4 : 4+size]
		switch list = list[4+size:]; id {
		case netBIOSComputer:
			x.ServerName = UTF16(value)
		case netBIOSDomain:
			x.ServerDomain = UTF16(value)
		case dnsComputer:
			x.ServerDNS = UTF16(value)
		case dnsDomain:
			x.DomainDNS = UTF16(value)
		case dnsTree:
			x.Forest = UTF16(value)
		}
	}
}

func (x *Exchange) authenticate(data []byte) {
	unicode := true // before there were flags, nobody signed in who is still there
	if len(data) >= 64 {
		flags := binary.LittleEndian.Uint32(data[60:])
		unicode = flags&flagUnicode != 0
		if flags&flagVersion != 0 && len(data) >= 72 {
			x.Client = version(data[64:])
		}
	}
	text := func(at int) []byte {
		v := field(data, at)
		if unicode {
			return UTF16(v)
		}
		return bytes.Clone(v[:min(len(v), mostText)])
	}
	x.Domain, x.User, x.Workstation = text(28), text(36), text(44)
	switch old, proof := len(field(data, 12)), len(field(data, 20)); {
	case proof > 24:
		x.Proof = Version2
	case proof == 24 || old == 24:
		x.Proof = Version1
	default:
		x.Proof = NoProof
	}
}

func version(b []byte) Version {
	return Version{b[0], b[1], binary.LittleEndian.Uint16(b[2:])}
}

// field returns what a field of a message refers to: length, room, and where it stands.
func field(data []byte, at int) []byte {
	n, from := int(binary.LittleEndian.Uint16(data[at:])), binary.LittleEndian.Uint32(data[at+4:])
	if n == 0 || uint64(from)+uint64(n) > uint64(len(data)) {
		return nil
	}
	return data[from : int(from)+n]
}

// mostText is the longest text that is kept, in bytes; names of Windows are shorter.
const mostText = 512

// UTF16 returns text that is in UTF-16, little-endian, as UTF-8, as far as 256 characters;
// nil if there is none.
func UTF16(data []byte) []byte {
	data = data[:min(len(data)&^1, mostText)]
	if len(data) == 0 {
		return nil
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(binary.LittleEndian.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > len(data) {
				break
			}
			if r = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(data[i+2:]))); r != utf8.RuneError {
				i += 2
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
