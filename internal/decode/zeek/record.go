package zeek

import (
	"bytes"
	"slices"

	"vedette/internal/decode"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// record is one line of a log, whichever syntax it came in: its fields in their order.
// A log's code takes the fields that it has a place for; what nobody took is kept as
// Extra. So no log needs a list of its columns, and none can be out of date.
type record struct {
	log     *log
	emit    *event.Emit
	names   *dictionary
	data    []byte // the line
	fields  []field
	at      [columns]int16 // of a column's field in fields, plus one; 0 if it is unset
	strays  [][]byte       // names of the fields without a column, in their order
	separ   byte           // between the elements of a TSV list
	scratch []byte         // what had to be rewritten, of this record
	joined  []byte         // lists made into one text, of this record
}

// field is a column that is set. It is small and without pointers, since a record has
// some twenty of them.
type field struct {
	start, end int32 // of the value in the line
	column     column
	form       form
	taken      bool
	shown      bool // not blinded, whatever its name
}

// form says how raw has to be read.
type form uint8

const (
	plain       form = iota
	decimal          // a number with a fraction
	boolean          // T or F
	escapedTSV       // with \xNN in it
	escapedJSON      // with JSON's escapes in it
	listTSV          // elements with a separator between them, each perhaps escaped
	listJSON         // [...] of strings, numbers, true and false
	nestedJSON       // [...] with arrays or objects in it
)

// maxUnknown is how many fields of unknown names a record may have; an event has room
// for 255 Extras.
const maxUnknown = 300

func (r *record) reset(emit *event.Emit, data []byte) {
	for i := range r.fields {
		if c := r.fields[i].column; c < columns {
			r.at[c] = 0
		}
	}
	r.fields, r.strays, r.scratch, r.joined = r.fields[:0], r.strays[:0], r.scratch[:0], r.joined[:0]
	r.emit, r.data, r.log = emit, data, nil
}

// add adds a field that has a column. The first of its name counts.
func (r *record) add(c column, start, end int, f form) {
	if c < columns {
		if r.at[c] != 0 {
			return
		}
		r.at[c] = int16(len(r.fields) + 1)
	} else if len(r.fields) >= maxUnknown {
		return
	}
	r.push(c, start, end, f)
}

// push adds a field. It writes the parts where they belong: a field that was put together
// elsewhere would be read back before it is written, which costs more than all the rest.
func (r *record) push(c column, start, end int, f form) {
	n := len(r.fields)
	if n == cap(r.fields) {
		r.fields = slices.Grow(r.fields, 32)
	}
	r.fields = r.fields[:n+1]
	p := &r.fields[n]
	p.start, p.end, p.column, p.form, p.taken, p.shown = int32(start), int32(end), c, f, false, false
}

// stray adds a field of a name that has no column, and copies the name.
func (r *record) stray(name []byte, start, end int, f form) {
	if len(r.fields) < maxUnknown {
		r.push(unknown, start, end, f)
		n := len(r.scratch)
		r.scratch = append(r.scratch, name...)
		r.strays = append(r.strays, r.scratch[n:len(r.scratch):len(r.scratch)])
	}
}

// raw returns a field's value as it stands in the line.
func (r *record) raw(f *field) []byte { return r.data[f.start:f.end:f.end] }

func (r *record) has(c column) bool { return r.at[c] != 0 }

// text takes a column's value.
func (r *record) text(c column) []byte {
	i := r.at[c]
	if i == 0 {
		return nil
	}
	f := &r.fields[i-1]
	f.taken = true
	return r.value(f)
}

// peek is text that leaves the column to be kept.
func (r *record) peek(c column) []byte {
	if i := r.at[c]; i != 0 {
		return r.value(&r.fields[i-1])
	}
	return nil
}

// put takes a column's value and keeps it in the batch.
func (r *record) put(c column) text.Ref { return r.emit.Text(r.text(c)) }

// lower takes a column's value in lower case.
func (r *record) lower(c column) []byte { return r.lowered(r.text(c)) }

// lowerRef takes a column's value in lower case and keeps it in the batch.
func (r *record) lowerRef(c column) text.Ref { return r.emit.Text(r.lower(c)) }

func (r *record) lowered(v []byte) []byte {
	for _, b := range v {
		if 'A' <= b && b <= 'Z' {
			n := len(r.scratch)
			r.scratch = append(r.scratch, v...)
			v = r.scratch[n:len(r.scratch):len(r.scratch)]
			return decode.Lower(v, v)
		}
	}
	return v
}

// drop takes columns whose values are not kept: secrets, and what only repeats others.
func (r *record) drop(all ...column) {
	for _, c := range all {
		if i := r.at[c]; i != 0 {
			r.fields[i-1].taken = true
		}
	}
}

// untake leaves columns to be kept after all.
func (r *record) untake(all ...column) {
	for _, c := range all {
		if i := r.at[c]; i != 0 {
			r.fields[i-1].taken = false
		}
	}
}

// dropFalse drops those that are false, or 0, which is what they nearly always are.
func (r *record) dropFalse(all ...column) {
	for _, c := range all {
		if i := r.at[c]; i != 0 {
			f := &r.fields[i-1]
			if v := r.raw(f); string(v) == "F" || string(v) == "false" || string(v) == "0" {
				f.taken = true
			}
		}
	}
}

// dropOnly drops a column that has its usual value.
func (r *record) dropOnly(c column, usual string) {
	if string(r.peek(c)) == usual {
		r.drop(c)
	}
}

// show leaves columns to be kept as they are, whatever their names.
func (r *record) show(all ...column) {
	for _, c := range all {
		if i := r.at[c]; i != 0 {
			r.fields[i-1].shown = true
		}
	}
}

// count takes a column that is a whole number. One that is not stays to be kept as text.
func (r *record) count(c column) uint64 {
	i := r.at[c]
	if i == 0 {
		return 0
	}
	f := &r.fields[i-1]
	n, ok := count(r.raw(f))
	f.taken = f.taken || ok
	return n
}

// interval takes a column that is a time span, in nanoseconds; 0 if it makes no sense.
func (r *record) interval(c column) int64 {
	i := r.at[c]
	if i == 0 {
		return 0
	}
	f := &r.fields[i-1]
	n, ok := nanos(r.raw(f))
	if !ok || n < 0 {
		return 0
	}
	f.taken = true
	return n
}

// moment takes a column that is a point in time, Unix nanoseconds; 0 if it makes no sense.
func (r *record) moment(c column) int64 {
	i := r.at[c]
	if i == 0 {
		return 0
	}
	f := &r.fields[i-1]
	t, ok := moment(r.raw(f))
	if !ok {
		return 0
	}
	f.taken = true
	return t
}

// flag takes a column that is true or false.
func (r *record) flag(c column) entity.Tri {
	i := r.at[c]
	if i == 0 {
		return entity.NotSaid
	}
	f := &r.fields[i-1]
	f.taken = true
	switch string(r.raw(f)) {
	case "T", "true":
		return entity.Yes
	case "F", "false":
		return entity.No
	}
	f.taken = false
	return entity.NotSaid
}

// one returns 1 if a column is true.
func (r *record) one(c column) uint8 {
	if r.flag(c) == entity.Yes {
		return 1
	}
	return 0
}

// first takes a column that is a list and returns its first element.
func (r *record) first(c column) []byte {
	l := r.list(c)
	return l.next()
}

// keep adds what no code took to the event that was lent last.
func (r *record) keep() {
	strays := 0
	for i := range r.fields {
		f := &r.fields[i]
		switch {
		case f.column == unknown: // nobody can have taken it
			name := r.strays[strays]
			strays++
			decode.Keep(r.emit, name, r.value(f), f.form == nestedJSON || sensitive(name))
		case !f.taken:
			content := f.form == nestedJSON || !f.shown && r.names.content(f.column)
			decode.Keep(r.emit, r.names.names[f.column], r.value(f), content)
		}
	}
}

// head fills in the envelope of an event between two ends of a connection.
func (r *record) head(h *event.Envelope) error {
	r.base(h)
	var ok1, ok2 bool
	h.Subject, ok1 = r.endpoint(cOrigH, cOrigP)
	h.Object, ok2 = r.endpoint(cRespH, cRespP)
	if !ok1 || !ok2 {
		return badAddress
	}
	return nil
}

// base fills in what all events have.
func (r *record) base(h *event.Envelope) {
	h.Dataset = r.emit.Text(r.log.dataset)
	switch {
	case r.has(cUID):
		h.Link = decode.LinkOf(r.text(cUID))
	case r.has(cUIDs):
		h.Link = decode.LinkOf(r.first(cUIDs))
	case r.has(cConnUIDs):
		h.Link = decode.LinkOf(r.first(cConnUIDs))
	}
}

// endpoint returns the machine at an address and a port. It reports false if they are
// given and make no sense.
func (r *record) endpoint(host, port column) (entity.Ref, bool) {
	e, ok := r.machine(r.text(host))
	if ok && r.has(port) {
		n := r.count(port)
		e.Port, ok = uint16(n), n <= 65535
	}
	return e, ok
}

// machine returns the machine with an IP address. It reports false if v is no address.
func (r *record) machine(v []byte) (entity.Ref, bool) {
	if len(v) == 0 {
		return entity.Ref{}, true
	}
	var buf [48]byte
	a := address(buf[:0], v)
	return r.emit.Entity(entity.Device, entity.IP, a), a != nil
}

// value returns a field's value without escapes. Lists are joined with commas, and
// numbers lose the zeros at the end of their fraction, so that both syntaxes give the same.
func (r *record) value(f *field) []byte { return r.decoded(r.raw(f), f.form) }

// decoded returns a value of some form without escapes.
func (r *record) decoded(raw []byte, f form) []byte {
	switch f {
	case decimal:
		return trimZeros(raw)
	case boolean:
		n := len(r.scratch)
		switch string(raw) {
		case "T":
			r.scratch = append(r.scratch, "true"...)
		case "F":
			r.scratch = append(r.scratch, "false"...)
		default:
			return raw
		}
		return r.scratch[n:len(r.scratch):len(r.scratch)]
	case escapedTSV, escapedJSON:
		return r.unescape(raw, f)
	case listTSV, listJSON:
		n := len(r.joined)
		l := list{r: r, rest: raw, form: f}
		for e := l.next(); e != nil; e = l.next() {
			if len(r.joined) > n {
				r.joined = append(r.joined, ',')
			}
			r.joined = append(r.joined, e...)
		}
		return r.joined[n:len(r.joined):len(r.joined)]
	}
	return raw
}

// join returns a and b with a separator between them.
func (r *record) join(a []byte, separ byte, b []byte) []byte {
	n := len(r.scratch)
	r.scratch = append(append(append(r.scratch, a...), separ), b...)
	return r.scratch[n:len(r.scratch):len(r.scratch)]
}

func trimZeros(b []byte) []byte {
	i := bytes.IndexByte(b, '.')
	if i < 0 || bytes.IndexByte(b, 'e') >= 0 {
		return b
	}
	n := len(b)
	for n > i+1 && b[n-1] == '0' {
		n--
	}
	if n == i+1 {
		n = i
	}
	return b[:n]
}

// unescape returns v without its escapes.
func (r *record) unescape(v []byte, f form) []byte {
	n := len(r.scratch)
	if f == escapedJSON {
		r.scratch = unescapeJSON(r.scratch, v)
	} else {
		r.scratch = unescapeTSV(r.scratch, v)
	}
	return r.scratch[n:len(r.scratch):len(r.scratch)]
}

// list walks over the elements of a list.
type list struct {
	r    *record
	rest []byte
	form form
}

// list takes a column that is a list. A column that is not is a list of one.
func (r *record) list(c column) list {
	i := r.at[c]
	if i == 0 {
		return list{r: r}
	}
	f := &r.fields[i-1]
	f.taken = true
	return list{r, r.raw(f), f.form}
}

// next returns the next element that is not empty, or nil.
func (l *list) next() []byte {
	for len(l.rest) > 0 {
		var v []byte
		switch l.form {
		case listTSV:
			v = l.rest
			if i := bytes.IndexByte(v, l.r.separ); i >= 0 {
				v, l.rest = v[:i], v[i+1:]
			} else {
				l.rest = nil
			}
			if len(v) == 1 && v[0] == '-' {
				v = nil // an element that is unset
			} else if bytes.IndexByte(v, '\\') >= 0 {
				v = l.r.unescape(v, escapedTSV)
			}
		case listJSON:
			v = l.element()
		case nestedJSON:
			l.rest = nil
		default:
			v, l.rest = l.r.decoded(l.rest, l.form), nil
		}
		if len(v) > 0 {
			return v
		}
	}
	return nil
}
