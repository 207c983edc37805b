package zeek

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"vedette/internal/decode"
)

// A reader of JSON made for log lines: one object of scalars and lists of scalars, by
// the same writer, with keys in the same order line after line. It walks over the bytes
// once and copies nothing. Objects in objects are read as dotted names. It takes
// everything that is JSON, and some that is not: it need not judge, only find.

// maxDepth is how deep objects and arrays may stand in each other.
const maxDepth = 64

// maxName is how long the names of the objects around a field may be together.
const maxName = 4096

const tooDeep = decode.Reason("JSON nested too deep")

// jsonReader reads the object of a line into a record.
type jsonReader struct {
	d       *dictionary
	r       *record
	b       []byte
	i       int
	escapes bool        // there are backslashes in b
	last    column      // whose key was read last
	next    [][2]column // which columns' keys came after a column's, the last first
	dotted  []byte      // a name with the names around it
	prefix  []byte      // names of the objects around, each with its dot
	stray   []byte      // the name read last, if it has no column
}

// read reads a line.
func (j *jsonReader) read(b []byte) error {
	j.b, j.i, j.prefix, j.last = b, 0, j.prefix[:0], unknown
	j.escapes = bytes.IndexByte(b, '\\') >= 0
	ok := j.object(0)
	if j.i == tooDeepAt {
		return tooDeep
	}
	if j.space(); !ok || j.i != len(b) {
		return decode.NotJSON
	}
	return nil
}

// tooDeepAt is where the reader stands when it gave up because of the depth.
const tooDeepAt = 1 << 30

// space passes white space and returns what stands after it, 0 at the end.
func (j *jsonReader) space() byte {
	for j.i < len(j.b) {
		if c := j.b[j.i]; c > ' ' || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		j.i++
	}
	return 0
}

// object reads the object that begins here.
func (j *jsonReader) object(depth int) bool {
	if depth > maxDepth {
		j.i = tooDeepAt
		return false
	}
	j.i++ // {
	if j.space() == '}' {
		j.i++
		return true
	}
	for {
		c, ok := j.key()
		if !ok || !j.member(c, depth) {
			return false
		}
		switch j.space() {
		case ',':
			j.i++
		case '}':
			j.i++
			return true
		default:
			return false
		}
	}
}

// jsonKey is a name as it stands in JSON, with quotes and colon.
type jsonKey struct {
	text        []byte
	first, last uint64 // its ends, if it has eight bytes
}

func newKey(name string) jsonKey {
	k := jsonKey{text: []byte(`"` + name + `":`)}
	if n := len(k.text); n >= 8 {
		k.first, k.last = binary.LittleEndian.Uint64(k.text), binary.LittleEndian.Uint64(k.text[n-8:])
	}
	return k
}

// at reports whether b has the key at i. Most keys have 8 to 16 bytes, and are compared
// as two numbers.
func (k *jsonKey) at(b []byte, i int) bool {
	n := len(k.text)
	if i+n > len(b) {
		return false
	}
	if s := b[i : i+n]; n < 8 {
		return string(s) == string(k.text)
	} else if binary.LittleEndian.Uint64(s) != k.first || binary.LittleEndian.Uint64(s[n-8:]) != k.last {
		return false
	} else {
		return n <= 16 || string(s[8:n-8]) == string(k.text[8:n-8])
	}
}

// key reads a key and its colon, and returns its column. It first compares with the two
// keys that came after the last one before: that is much cheaper than searching.
func (j *jsonReader) key() (column, bool) {
	if len(j.prefix) == 0 {
		next := &j.next[j.last]
		c := next[0]
		if k := &j.d.keys[c]; k.at(j.b, j.i) {
			j.i, j.last = j.i+len(k.text), c
			return c, true
		}
		c = next[1]
		if k := &j.d.keys[c]; k.at(j.b, j.i) {
			next[0], next[1] = c, next[0]
			j.i, j.last = j.i+len(k.text), c
			return c, true
		}
	}
	if j.space() != '"' {
		return unknown, false
	}
	name, escaped, ok := j.str()
	if !ok || j.space() != ':' {
		return unknown, false
	}
	j.i++
	if escaped {
		name = j.r.unescape(name, escapedJSON)
	}
	if len(j.prefix) > 0 {
		j.dotted = append(append(j.dotted[:0], j.prefix...), name...)
		name = j.dotted
	}
	j.stray = name
	c := j.d.column(name)
	if c != unknown {
		for int(c) >= len(j.next) {
			j.next = append(j.next, [2]column{})
		}
		j.next[j.last], j.last = [2]column{c, j.next[j.last][0]}, c
	}
	return c, true
}

// member reads the value of a key, and adds it to the record if it is set.
func (j *jsonReader) member(key column, depth int) bool {
	start, f := j.i, plain
	c := byte(0)
	if start < len(j.b) {
		c = j.b[start]
	}
	if c <= ' ' {
		c = j.space()
		start = j.i
	}
	switch {
	case c == '"':
		_, escaped, ok := j.str()
		if !ok {
			return false
		}
		if escaped {
			f = escapedJSON
		}
		if start+2 < j.i {
			j.add(key, start+1, j.i-1, f)
		}
		return true
	case c == '-' || c-'0' <= 9:
		f = j.number()
	case c == '{':
		n, name := len(j.prefix), j.stray
		if key != unknown {
			name = j.d.names[key]
		}
		if len(name) > maxName {
			j.i = tooDeepAt
			return false
		}
		j.prefix = append(append(j.prefix[:0], name...), '.') // of which the old one is the beginning
		ok := j.object(depth + 1)
		j.prefix = j.prefix[:n]
		return ok
	case c == '[':
		nested, ok := j.array(depth + 1)
		switch {
		case !ok:
			return false
		case nested:
			j.add(key, start, j.i, nestedJSON)
		case j.i > start+2:
			j.add(key, start+1, j.i-1, listJSON)
		}
		return true
	case !j.word():
		return false
	case c == 'n':
		return true
	}
	j.add(key, start, j.i, f)
	return true
}

func (j *jsonReader) add(c column, start, end int, f form) {
	if c != unknown {
		j.r.add(c, start, end, f)
	} else {
		j.r.stray(j.stray, start, end, f)
	}
}

// str reads the string that begins here, without its quotes, and whether it has escapes.
func (j *jsonReader) str() (s []byte, escaped, ok bool) {
	start := j.i + 1
	if !j.escapes {
		n := quote(j.b[start:])
		if n < 0 {
			return nil, false, false
		}
		j.i = start + n + 1
		return j.b[start : start+n], false, true
	}
	for i := start; i < len(j.b); i++ {
		switch j.b[i] {
		case '"':
			j.i = i + 1
			return j.b[start:i], escaped, true
		case '\\':
			escaped = true
			i++
		}
	}
	return nil, false, false
}

// quote is bytes.IndexByte(b, '"') for the short strings that logs are made of.
func quote(b []byte) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:]) ^ '"'*low
		if x = (x - low) &^ x & high; x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for ; n < len(b); n++ {
		if b[n] == '"' {
			return n
		}
	}
	return -1
}

// number passes the number that begins here.
func (j *jsonReader) number() form {
	b, f := j.b, plain
	i := j.i
	for ; i < len(b); i++ {
		if c := b[i]; c-'0' > 9 {
			if c == '.' {
				f = decimal
			} else if c != '-' && c != '+' && c|0x20 != 'e' {
				break
			}
		}
	}
	j.i = i
	return f
}

// word reads true, false or null.
func (j *jsonReader) word() bool {
	for _, w := range [...]string{"true", "false", "null"} {
		if end := j.i + len(w); end <= len(j.b) && string(j.b[j.i:end]) == w {
			j.i = end
			return true
		}
	}
	return false
}

// array passes the array that begins here and reports whether arrays or objects are in it.
func (j *jsonReader) array(depth int) (nested, ok bool) {
	j.i++ // [
	if j.space() == ']' {
		j.i++
		return false, true
	}
	for {
		c := j.space()
		nested = nested || c == '[' || c == '{'
		if !j.pass(depth) {
			return false, false
		}
		switch j.space() {
		case ',':
			j.i++
		case ']':
			j.i++
			return nested, true
		default:
			return false, false
		}
	}
}

// pass passes a value.
func (j *jsonReader) pass(depth int) bool {
	if depth > maxDepth {
		j.i = tooDeepAt
		return false
	}
	switch c := j.space(); {
	case c == '"':
		_, _, ok := j.str()
		return ok
	case c == '-' || c-'0' <= 9:
		j.number()
		return true
	case c == '[':
		_, ok := j.array(depth + 1)
		return ok
	case c != '{':
		return j.word()
	}
	j.i++
	if j.space() == '}' {
		j.i++
		return true
	}
	for {
		if j.space() != '"' {
			return false
		}
		if _, _, ok := j.str(); !ok || j.space() != ':' {
			return false
		}
		j.i++
		if !j.pass(depth + 1) {
			return false
		}
		switch j.space() {
		case ',':
			j.i++
		case '}':
			j.i++
			return true
		default:
			return false
		}
	}
}

// element returns the next element of a JSON list of scalars. That the list is well
// formed was seen when it was read.
func (l *list) element() []byte {
	j := jsonReader{b: l.rest, escapes: true}
	for c := j.space(); c == ','; c = j.space() {
		j.i++
	}
	var v []byte
	switch c := j.space(); {
	case c == '"':
		s, escaped, ok := j.str()
		if !ok {
			j.i = len(l.rest)
		} else if v = s; escaped {
			v = l.r.unescape(s, escapedJSON)
		}
	case c == '-' || c-'0' <= 9:
		start := j.i
		f := j.number()
		if v = l.rest[start:j.i]; f == decimal {
			v = trimZeros(v)
		}
	default:
		if start := j.i; !j.word() {
			j.i = len(l.rest)
		} else if v = l.rest[start:j.i]; v[0] == 'n' {
			v = nil
		}
	}
	l.rest = l.rest[j.i:]
	return v
}

// unescapeJSON appends s without its escapes. What is no escape stays as it is.
func unescapeJSON(dst, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			u, rest := utf16Escape(s)
			dst, s = utf8.AppendRune(dst, u), rest
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// utf16Escape reads what follows \u, and the second half of a pair.
func utf16Escape(s []byte) (rune, []byte) {
	u, ok := hex4(s)
	if !ok {
		return utf8.RuneError, s
	}
	s = s[4:]
	if utf16.IsSurrogate(u) {
		if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
			if low, ok := hex4(s[2:]); ok {
				if pair := utf16.DecodeRune(u, low); pair != utf8.RuneError {
					return pair, s[6:]
				}
			}
		}
		return utf8.RuneError, s
	}
	return u, s
}

func hex4(s []byte) (u rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		h := hex(c)
		if h > 15 {
			return 0, false
		}
		u = u<<4 | rune(h)
	}
	return u, true
}
