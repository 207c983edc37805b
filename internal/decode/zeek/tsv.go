package zeek

import (
	"bytes"
	"strings"

	"vedette/internal/decode"
)

// header is what the lines that begin with # say of the lines that follow.
type header struct {
	separ        []byte // between columns
	set          byte   // between elements
	empty, unset []byte
	path         []byte
	columns      []tsvColumn
	tail         int // how many columns stand in the last one, with spaces between them
	log          *log
}

// tsvColumn is a column as the header names it.
type tsvColumn struct {
	name   []byte
	column column
	form   form
}

func newHeader() header {
	return header{separ: []byte("\t"), set: ',', empty: []byte("(empty)"), unset: []byte("-")}
}

// line reads a line of the header. Any of them may come again, when files were joined
// or a log was given other columns.
func (h *header) line(d *decoder, b []byte) {
	if value, ok := bytes.CutPrefix(b, []byte("#separator ")); ok {
		*h = newHeader()
		if s := unescapeTSV(nil, value); len(s) > 0 {
			h.separ = s
		}
		return
	}
	name, value, _ := bytes.Cut(b, h.separ)
	switch string(name) {
	case "#set_separator":
		if s := unescapeTSV(nil, value); len(s) == 1 {
			h.set = s[0]
		}
	case "#empty_field":
		h.empty = bytes.Clone(value)
	case "#unset_field":
		h.unset = bytes.Clone(value)
	case "#path":
		h.path, h.columns = bytes.Clone(value), nil
	case "#fields":
		h.names(d, bytes.Clone(value))
	case "#types":
		h.types(value)
	}
}

// names reads the names of the columns. Stratosphere's labelled files have two more in
// the last one, with spaces between them.
func (h *header) names(d *decoder, value []byte) {
	all := bytes.Split(value, h.separ)
	last := bytes.Fields(all[len(all)-1])
	h.tail = max(1, len(last))
	if h.tail > 1 {
		all = append(all[:len(all)-1], last...)
	}
	h.columns = make([]tsvColumn, len(all))
	for i, name := range all {
		h.columns[i] = tsvColumn{name: name, column: d.dictionary.column(name)}
	}
	if h.log = d.guess(h.has); len(h.path) > 0 || h.log == nil {
		h.log = d.logOf(h.path)
	}
}

func (h *header) has(c column) bool {
	for i := range h.columns {
		if h.columns[i].column == c {
			return true
		}
	}
	return false
}

// types reads the types of the columns: which are lists, truths and numbers.
func (h *header) types(value []byte) {
	all := bytes.Split(value, h.separ)
	if last := bytes.Fields(all[len(all)-1]); len(last) > 1 {
		all = append(all[:len(all)-1], last...)
	}
	for i := range min(len(all), len(h.columns)) {
		c := &h.columns[i]
		switch t := string(all[i]); {
		case t == "bool":
			c.form = boolean
		case t == "time" || t == "interval" || t == "double":
			c.form = decimal
		case strings.HasPrefix(t, "set[") || strings.HasPrefix(t, "vector[") || strings.HasPrefix(t, "table["):
			c.form = listTSV
		default:
			c.form = plain
		}
	}
}

// read reads a data line into a record.
func (h *header) read(b []byte, r *record) error {
	if len(h.columns) == 0 {
		return decode.NoHeader
	}
	r.separ = h.set
	escapes := bytes.IndexByte(b, '\\') >= 0
	start, n := 0, len(h.columns)
	for i := range h.columns {
		c, end, next := &h.columns[i], len(b), len(b)
		if i < n-1 {
			j, width := h.cut(b[start:], i >= n-h.tail)
			if j < 0 {
				return decode.WrongShape
			}
			end, next = start+j, start+j+width
		} else if h.tail == 1 && bytes.Contains(b[start:], h.separ) {
			return decode.WrongShape
		}
		if v := b[start:end]; len(v) > 0 && string(v) != string(h.unset) && string(v) != string(h.empty) {
			f := c.form
			if escapes && f == plain && bytes.IndexByte(v, '\\') >= 0 {
				f = escapedTSV
			}
			if c.column != unknown {
				r.add(c.column, start, end, f)
			} else {
				r.stray(c.name, start, end, f)
			}
		}
		start = next
	}
	return nil
}

// cut finds the separator after the first column of b; in the tail that is a run of spaces.
func (h *header) cut(b []byte, tail bool) (at, width int) {
	switch {
	case tail:
		at = bytes.IndexByte(b, ' ')
		for width = 1; at >= 0 && at+width < len(b) && b[at+width] == ' '; width++ {
		}
		return at, width
	case len(h.separ) == 1:
		return bytes.IndexByte(b, h.separ[0]), 1
	}
	return bytes.Index(b, h.separ), len(h.separ)
}

// unescapeTSV appends s with \xNN replaced by the byte. A backslash that begins no such
// escape stands for itself; Zeek writes one in front of a backslash.
func unescapeTSV(dst, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		switch {
		case len(s) >= 4 && s[1] == 'x' && hex(s[2]) < 16 && hex(s[3]) < 16:
			dst, s = append(dst, hex(s[2])<<4|hex(s[3])), s[4:]
		case len(s) >= 2 && s[1] == '\\':
			dst, s = append(dst, '\\'), s[2:]
		default:
			dst, s = append(dst, '\\'), s[1:]
		}
	}
	return dst
}
