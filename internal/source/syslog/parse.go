package syslog

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// parsed is what is needed of a message. It shares the message's memory.
type parsed struct {
	app  []byte // application or tag; nil if there is none
	data []byte // the telemetry
}

// parse reads a message of RFC 5424 or 3164, or something that is like them. What is
// structured telemetry by itself, JSON, CEF or LEEF, is taken out of its envelope; anything
// else is left whole.
func parse(line []byte) parsed {
	p := parsed{data: line}
	rest, ok := priority(line)
	var message []byte
	if v, after, _ := bytes.Cut(rest, []byte(" ")); ok && len(v) == 1 && v[0] == '1' {
		p.app, message = modern(after)
	} else {
		p.app, message = classic(rest)
	}
	if data := structured(message); data != nil {
		p.data = data
	} else if i := bytes.IndexByte(line, '{'); i >= 0 {
		if data := structured(line[i:]); data != nil {
			p.data = data
		}
	}
	return p
}

// priority cuts <134> off.
func priority(b []byte) (rest []byte, ok bool) {
	if len(b) < 3 || b[0] != '<' {
		return b, false
	}
	n := 1
	for n < len(b) && n < 5 && digit(b[n]) {
		n++
	}
	if n == 1 || n >= len(b) || b[n] != '>' {
		return b, false
	}
	return b[n+1:], true
}

func digit(c byte) bool { return c-'0' < 10 }

// modern reads what stands behind the version: time, host, application, process, kind of
// message, structured data, message.
func modern(b []byte) (app, message []byte) {
	for i := range 5 {
		var field []byte
		field, b, _ = bytes.Cut(b, []byte(" "))
		if i == 2 && !bytes.Equal(field, []byte("-")) {
			app = field
		}
	}
	if bytes.HasPrefix(b, []byte("-")) {
		b = b[1:]
	}
	for len(b) > 0 && b[0] == '[' {
		end := element(b)
		if end < 0 {
			return app, nil
		}
		b = b[end:]
	}
	return app, bytes.TrimPrefix(bytes.TrimPrefix(b, []byte(" ")), []byte("\xef\xbb\xbf"))
}

// element returns the length of the structured data element that b begins with, or -1.
func element(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i + 1
		}
	}
	return -1
}

// classic reads time, host, tag and message, of which any may be missing.
func classic(b []byte) (app, message []byte) {
	b = bytes.TrimLeft(b, " *.")
	switch word, after, _ := bytes.Cut(b, []byte(" ")); {
	case len(b) > 15 && b[3] == ' ' && b[6] == ' ' && b[9] == ':' && b[12] == ':' && digit(b[14]):
		b = bytes.TrimLeft(b[15:], " ")
		if year, after, _ := bytes.Cut(b, []byte(" ")); len(year) == 4 && digit(year[0]) && digit(year[3]) {
			b = after
		}
	case len(word) >= 19 && digit(word[0]) && word[4] == '-' && word[10] == 'T':
		b = after
	}
	if tag, rest, ok := tagged(b); ok { // no host
		return tag, rest
	}
	_, rest, _ := bytes.Cut(b, []byte(" "))
	if tag, rest, ok := tagged(bytes.TrimLeft(rest, " ")); ok {
		return tag, rest
	}
	return nil, rest
}

// tagged reads "tag: " or "tag[5]: ".
func tagged(b []byte) (tag, rest []byte, ok bool) {
	n := 0
	for n < len(b) && n < 128 && b[n] > ' ' && b[n] < 0x7f && b[n] != ':' && b[n] != '[' && b[n] != '{' {
		n++
	}
	tag, rest = b[:n], b[n:]
	if n == 0 || len(rest) == 0 {
		return nil, b, false
	}
	if rest[0] == '[' {
		end := bytes.IndexByte(rest[:min(len(rest), 64)], ']')
		if end < 0 {
			return nil, b, false
		}
		rest = rest[end+1:]
	}
	if len(rest) == 0 || rest[0] != ':' || len(rest) > 1 && rest[1] != ' ' && rest[1] != '{' {
		return nil, b, false
	}
	return tag, bytes.TrimLeft(rest[1:], " "), true
}

// structured returns the message if it is telemetry without its envelope, else nil.
func structured(b []byte) []byte {
	b = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("@cee:")))
	switch {
	case len(b) < 2:
		return nil
	case bytes.HasPrefix(b, []byte("CEF:")) || bytes.HasPrefix(b, []byte("LEEF:")):
		return b
	case b[0] == '{' && b[len(b)-1] == '}' && fastjson.ValidateBytes(b) == nil:
		return b
	}
	return nil
}
