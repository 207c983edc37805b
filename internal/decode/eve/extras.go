package eve

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
)

// Bounds of what is kept of a record beyond the fields of its type.
const (
	maxExtras  = 96  // of an event
	maxDepth   = 6   // levels below the object of the record
	maxItems   = 8   // of an array of objects
	maxName    = 128 // bytes of a dotted name
	maxValue   = 512 // bytes; a longer value is content, whatever its name says
	maxKnown   = 2048
	maxJoining = 64 << 10 // bytes of an array that are looked at
)

// policy is what becomes of a field without a place.
type policy uint8

const (
	plain policy = iota + 1 // its text is kept
	blind                   // its length and hash are
	gone                    // nothing is: it only repeats other fields
	magic                   // libmagic's description: its first words are kept, the rest may quote the file
)

// common adds what all records may have to the event that was lent last, and the fields
// that nobody took.
func (d *decoder) common() {
	h := &d.head
	d.add("proto", h.proto)
	d.add("app_proto", h.app)
	d.add("direction", h.direction)
	d.add("community_id", h.community)
	d.remains()
}

// remains adds the fields that nobody took.
func (d *decoder) remains() {
	for i := range d.rest {
		if f := &d.rest[i]; f.value != nil {
			d.path = append(d.path[:0], f.name...)
			d.flatten(f.value, 0)
		}
	}
}

// add adds a field whose name is known to be harmless.
func (d *decoder) add(name string, value []byte) {
	if len(value) > 0 && len(value) <= maxValue && d.kept < maxExtras {
		d.path = append(d.path[:0], name...)
		d.emit.Extra(d.path, value)
		d.kept++
	}
}

// keep adds a field of an object of the record, with all that is inside.
func (d *decoder) keep(top string, key []byte, v *fastjson.Value) {
	d.path = append(append(append(d.path[:0], top...), '.'), key...)
	d.flatten(v, 0)
}

// keepAll adds all fields of an object of the record.
func (d *decoder) keepAll(top string, o *fastjson.Object) {
	o.Visit(func(key []byte, v *fastjson.Value) { d.keep(top, key, v) })
}

// flatten adds the value whose name is d.path.
func (d *decoder) flatten(v *fastjson.Value, depth int) {
	n := len(d.path)
	if d.kept >= maxExtras || depth > maxDepth || n > maxName {
		return
	}
	switch v.Type() {
	case fastjson.TypeObject:
		v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
			d.path = append(append(d.path[:n], '.'), key...)
			d.flatten(v, depth+1)
		})
		d.path = d.path[:n]
	case fastjson.TypeArray:
		d.flattenArray(v.GetArray(), depth)
	case fastjson.TypeString:
		d.leaf(v.GetStringBytes())
	case fastjson.TypeNumber:
		d.text = scalar(d.text[:0], v)
		d.leaf(d.text)
	case fastjson.TypeTrue: // whatever the name: a yes or no is no content
		d.emitExtra([]byte("true"))
	case fastjson.TypeFalse:
		d.emitExtra([]byte("false"))
	}
}

// flattenArray adds scalars as one value with commas between them, and the first objects
// each by its number.
func (d *decoder) flattenArray(a []*fastjson.Value, depth int) {
	n := len(d.path)
	if isHeaders(d.path) {
		d.headerNames(a)
		return
	}
	d.text = d.text[:0]
	for _, v := range a {
		if t := v.Type(); t == fastjson.TypeObject || t == fastjson.TypeArray || len(d.text) > maxJoining {
			continue
		}
		if len(d.text) > 0 {
			d.text = append(d.text, ',')
		}
		d.text = scalar(d.text, v)
	}
	d.leaf(d.text)
	objects := 0
	for _, v := range a {
		if v.Type() == fastjson.TypeObject && objects < maxItems {
			d.path = strconv.AppendInt(append(d.path[:n], '.'), int64(objects), 10)
			d.flatten(v, depth+1)
			objects++
		}
	}
	d.path = d.path[:n]
}

// isHeaders reports whether the array of that name holds headers of HTTP. Their values
// may be secrets or name people, and nobody can list all that may not; their names and
// order tell programs apart.
func isHeaders(path []byte) bool {
	return bytes.HasSuffix(path, []byte("request_headers")) || bytes.HasSuffix(path, []byte("response_headers"))
}

func (d *decoder) headerNames(a []*fastjson.Value) {
	d.text = d.text[:0]
	for _, v := range a {
		name := v.GetStringBytes("name")
		if len(name) == 0 || len(d.text)+len(name) >= maxValue {
			continue
		}
		if len(d.text) > 0 {
			d.text = append(d.text, ',')
		}
		d.text = append(d.text, name...)
	}
	d.emitExtra(d.text)
}

// leaf adds a scalar value under the name d.path.
func (d *decoder) leaf(value []byte) {
	if len(value) == 0 || len(d.path) > maxName || d.kept >= maxExtras {
		return
	}
	p, known := d.policies[string(d.path)]
	if !known {
		p = policyOf(d.path)
		if d.policies == nil {
			d.policies = map[string]policy{}
		}
		if len(d.policies) < maxKnown {
			d.policies[string(d.path)] = p
		}
	}
	switch {
	case p == gone:
	case p == magic:
		d.emitExtra(firstWords(value))
	case p == blind || len(value) > maxValue:
		d.emitExtra(decode.Blinded(d.emit, value))
	default:
		d.emitExtra(value)
	}
}

func (d *decoder) emitExtra(value []byte) {
	d.emit.Extra(d.path, value)
	d.kept++
}

// firstWords returns what libmagic says of a file before the details. Those may quote
// titles, authors, comments and names from the file.
func firstWords(s []byte) []byte {
	if i := bytes.IndexAny(s, ",\"'["); i >= 0 {
		s = s[:i]
	}
	return bytes.TrimSpace(s[:min(len(s), 64)])
}
