// Package ber reads the Basic Encoding Rules of ASN.1 (ITU-T X.690) as far as protocols on
// the wire use them: Kerberos, LDAP, SNMP, SPNEGO.
//
// Lengths are definite and tags below 31, which these protocols demand or never leave.
// Nothing is copied and nothing recurses: what is inside an element is read by a reader of
// its own, as deep as its caller goes and no deeper.
package ber

import "strconv"

// Tag is the identifier octet of an element: class, whether it holds others, and number.
type Tag uint8

// The tags of types that every ASN.1 has (X.680, section 8.6).
const (
	Boolean    Tag = 1
	Integer    Tag = 2
	Bits       Tag = 3
	Octets     Tag = 4
	Null       Tag = 5
	OID        Tag = 6
	Enumerated Tag = 10
	Time       Tag = 24 // GeneralizedTime
	Text       Tag = 27 // GeneralString
	Sequence   Tag = 0x30
	Set        Tag = 0x31
)

// Context is the tag of a field of that number that holds an element.
func Context(n uint8) Tag { return Tag(0xa0 | n&0x1f) }

// Field is the tag of a field of that number that is itself the value.
func Field(n uint8) Tag { return Tag(0x80 | n&0x1f) }

// Application is the tag of a type of a protocol that holds elements.
func Application(n uint8) Tag { return Tag(0x60 | n&0x1f) }

// Plain is the tag of a type of a protocol that is itself the value.
func Plain(n uint8) Tag { return Tag(0x40 | n&0x1f) }

// Head reads the head of the element that b begins with: its tag, how long its head is, and
// how long what follows it. A head of 0 bytes is not whole yet; what cannot be one is not ok.
func Head(b []byte) (tag Tag, head, body int, ok bool) {
	if len(b) == 0 {
		return 0, 0, 0, true
	}
	tag = Tag(b[0])
	if tag&0x1f == 0x1f {
		return 0, 0, 0, false
	}
	if len(b) < 2 {
		return tag, 0, 0, true
	}
	n := int(b[1])
	if n < 0x80 {
		return tag, 2, n, true
	}
	many := n & 0x7f
	if many == 0 || many > 4 {
		return 0, 0, 0, false
	}
	if len(b) < 2+many {
		return tag, 0, 0, true
	}
	size := uint32(0)
	for _, c := range b[2 : 2+many] {
		size = size<<8 | uint32(c)
	}
	if size > 1<<30 {
		return 0, 0, 0, false
	}
	return tag, 2 + many, int(size), true
}

// Reader reads elements one after the other. Once something was not as it has to be it
// reads nothing more, so its caller may ask at the end.
type Reader struct {
	rest  []byte
	wrong bool
}

// Of returns a reader of the elements in b.
func Of(b []byte) Reader { return Reader{rest: b} }

// OK reports whether all was as it has to be so far.
func (r *Reader) OK() bool { return !r.wrong }

// More reports whether there is more to read.
func (r *Reader) More() bool { return !r.wrong && len(r.rest) > 0 }

// Next reads the next element; at the end it is wrong to.
func (r *Reader) Next() (Tag, []byte) {
	tag, head, body, ok := Head(r.rest)
	if r.wrong || !ok || head == 0 || body > len(r.rest)-head {
		r.rest, r.wrong = nil, true
		return 0, nil
	}
	v := r.rest[head : head+body : head+body]
	r.rest = r.rest[head+body:]
	return tag, v
}

// Take reads the next element, which must have that tag.
func (r *Reader) Take(want Tag) []byte {
	if tag, v := r.Next(); tag == want {
		return v
	}
	r.rest, r.wrong = nil, true
	return nil
}

// Maybe reads the next element if it has that tag, and reports whether it did.
func (r *Reader) Maybe(tag Tag) ([]byte, bool) {
	if !r.More() || Tag(r.rest[0]) != tag {
		return nil, false
	}
	v := r.Take(tag)
	return v, !r.wrong
}

// Inside returns a reader of what is inside the next element, which must have that tag.
func (r *Reader) Inside(tag Tag) Reader {
	v := r.Take(tag)
	return Reader{v, r.wrong}
}

// Int reads a number.
func (r *Reader) Int() int64 {
	n, ok := Number(r.Take(Integer))
	r.wrong = r.wrong || !ok
	return n
}

// Number returns the value of an element that is a number, if it has one that fits.
func Number(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 9 || len(v) == 9 && v[0] != 0 {
		return 0, false
	}
	if v[0]&0x80 != 0 {
		n = -1
	}
	for _, c := range v {
		n = n<<8 | int64(c)
	}
	return n, true
}

// AppendOID appends the value of an element that is an object identifier, in its form with
// dots. What does not fit, or is not whole, is not ok.
func AppendOID(dst, v []byte) ([]byte, bool) {
	if len(v) == 0 || len(v) > 128 {
		return dst, false
	}
	first, arc, begun := true, uint64(0), false
	for _, c := range v {
		if arc >= 1<<56 {
			return dst, false
		}
		arc, begun = arc<<7|uint64(c&0x7f), true
		if c&0x80 != 0 {
			continue
		}
		if first { // the first two are one (X.690, section 8.19.4)
			top := min(arc/40, 2)
			dst = append(dst, byte('0'+top))
			arc -= top * 40
			first = false
		}
		dst = strconv.AppendUint(append(dst, '.'), arc, 10)
		arc, begun = 0, false
	}
	return dst, !begun
}
