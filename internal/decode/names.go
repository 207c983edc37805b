package decode

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// mostName is the longest name or word that is kept, in bytes.
const mostName = 512

// Printable returns what may be shown of a word that a peer made up: as it is if all of it
// prints, or else with what does not as \DDD. What is too long is cut.
func Printable(s []byte) []byte {
	s = s[:min(len(s), mostName)]
	for i, c := range s {
		if c < ' ' || c > '~' {
			return escaped(s, i)
		}
	}
	return s
}

func escaped(s []byte, from int) []byte {
	out := append(make([]byte, 0, len(s)+16), s[:from]...)
	for _, c := range s[from:] {
		if c < ' ' || c > '~' {
			out = append(out, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			continue
		}
		out = append(out, c)
	}
	return out
}

// HostName returns a host name in lower case, without a final dot, as Printable has it.
func HostName(name []byte) []byte {
	if n := len(name); n > 1 && name[n-1] == '.' {
		name = name[:n-1]
	}
	name = Printable(name)
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			low := append(make([]byte, 0, len(name)), name...)
			for j := i; j < len(low); j++ {
				if 'A' <= low[j] && low[j] <= 'Z' {
					low[j] += 'a' - 'A'
				}
			}
			return low
		}
	}
	return name
}

// Readable is [Printable] for names in any script: letters in UTF-8 stay as they are.
func Readable(s []byte) []byte {
	if len(s) <= mostName && utf8.Valid(s) && bytes.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return Printable(s)
}
