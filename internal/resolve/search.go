package resolve

import (
	"bytes"

	"vedette/internal/entity"
	"vedette/internal/text"
)

// Holds reports whether an identifier of an entity holds a text, which is in lower case.
// It makes no garbage, so that all entities can be asked in a moment.
func (d *Directory) Holds(k entity.Key, part []byte) bool {
	e := d.entries.find(uint64(k))
	if e == nil || e.Type == entity.NoID {
		return false
	}
	if d.holds(e.Name, part) {
		return true
	}
	for i := range e.More {
		if d.holds(e.More[i].Value, part) {
			return true
		}
	}
	return false
}

func (d *Directory) holds(r text.Ref, part []byte) bool {
	s := d.words.Bytes(r)
	for _, c := range s {
		if c >= 0x80 { // letters whose other case is of another length; they are rare here
			return bytes.Contains(bytes.ToLower(s), part)
		}
	}
	for i := 0; i+len(part) <= len(s); i++ {
		j := 0
		for j < len(part) && lower(s[i+j]) == part[j] {
			j++
		}
		if j == len(part) {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
