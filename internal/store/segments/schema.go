package segments

import (
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go"

	"vedette/internal/event"
)

// layout is which columns there are. The encodings of a file's columns are chosen for what
// is in it; names and types are always the same.
type layout struct {
	columns []column
	place   map[string]int // of a column, by name
}

func newLayout() *layout {
	l := &layout{columns: columns(), place: map[string]int{}}
	for i, c := range l.columns {
		l.place[c.name] = i
	}
	return l
}

// ordered is a group whose fields stand in the order that people read them in.
type ordered struct {
	parquet.Group
	names []string
}

func (o *ordered) add(name string, n parquet.Node) {
	o.Group[name] = n
	o.names = append(o.names, name)
}

// Fields implements [parquet.Node].
func (o *ordered) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(o.names, a.Name()) - slices.Index(o.names, b.Name())
	})
	return fields
}

// schema returns the schema of a file that holds the given events of b.
func (l *layout) schema(b *event.Batch, order []uint32) *parquet.Schema {
	s := newSample(b, order)
	root := &ordered{Group: parquet.Group{}}
	str := func() parquet.Node { return parquet.String() }
	for i := range l.columns {
		c := &l.columns[i]
		n := s.encode(c, node(c.kind))
		if !c.required() {
			n = parquet.Optional(n)
		}
		root.add(c.name, n)
		switch c.name {
		case timeColumn: // what is made of other columns stands where it is looked for
			root.add(idColumn, parquet.Compressed(parquet.Leaf(parquet.FixedLenByteArrayType(16)), &parquet.Uncompressed))
		case typeColumn:
			root.add(classColumn, parquet.Encoded(parquet.Uint(32), &parquet.RLEDictionary))
		}
	}
	root.add(dnsAnswers, parquet.List(str()))
	root.add(mailTo, parquet.List(str()))
	name := parquet.Encoded(str(), &parquet.RLEDictionary)
	root.add(attributes, parquet.List(parquet.Group{"name": name, "value": str()}))
	return parquet.NewSchema("event", root)
}

// required reports whether every row has a value.
func (c *column) required() bool {
	return c.always && len(c.parts) == 1 && c.parts[0].space >= envelopes
}

func node(k kind) parquet.Node {
	switch k {
	case count:
		return parquet.Uint(64)
	case signed:
		return parquet.Int(64)
	case instant:
		return parquet.Timestamp(parquet.Nanosecond)
	case small:
		return parquet.Uint(32)
	case flag, tri:
		return parquet.Leaf(parquet.BooleanType)
	}
	return parquet.String()
}

// sample is some of the events of a file: what tells how its columns are best encoded.
type sample struct {
	batch  *event.Batch
	block  *block
	values []uint64
	seen   map[uint64]bool
}

const sampleSize = 4096

func newSample(b *event.Batch, order []uint32) *sample {
	some := make([]uint32, 0, sampleSize)
	for i := range min(len(order), sampleSize) {
		some = append(some, order[i*len(order)/min(len(order), sampleSize)])
	}
	s := &sample{batch: b, block: new(block), values: make([]uint64, len(some)), seen: map[uint64]bool{}}
	s.block.set(b, some)
	return s
}

// encode returns n with the encoding that suits what is in column c.
func (s *sample) encode(c *column, n parquet.Node) parquet.Node {
	if c.kind == flag || c.kind == tri {
		return n
	}
	if c.kind == word {
		return parquet.Encoded(n, &parquet.RLEDictionary)
	}
	s.block.get(s.batch, c, s.values)
	clear(s.seen)
	filled, most := 0, uint64(0)
	for _, v := range s.values {
		if v == 0 {
			continue
		}
		filled++
		most = max(most, v)
		s.seen[v] = true
	}
	switch few := len(s.seen) <= max(64, filled/8); {
	case few && c.kind != instant:
		return parquet.Encoded(n, &parquet.RLEDictionary)
	case c.kind == texts:
		return parquet.Encoded(n, &parquet.DeltaLengthByteArray)
	case bits.Len64(most) < 48 || c.kind == instant:
		return parquet.Encoded(n, &parquet.DeltaBinaryPacked)
	case len(s.seen) > filled*7/8: // hashes, which do not become smaller
		return parquet.Compressed(n, &parquet.Uncompressed)
	}
	return n
}

// block is some events of a batch, sorted by where their parts are.
type block struct {
	n     int
	parts [spaces]struct{ at, pos []uint32 }
}

// set makes the block one of the given events.
func (k *block) set(b *event.Batch, events []uint32) {
	k.n = len(events)
	for i := range k.parts {
		p := &k.parts[i]
		p.at, p.pos = p.at[:0], p.pos[:0]
	}
	for pos, e := range events {
		h := &b.Events[e]
		k.add(space(h.Type), h.Row, pos)
		k.add(envelopes, e, pos)
		k.add(records, h.Record, pos)
		k.add(origins, b.Records[h.Record].Origin, pos)
	}
}

func (k *block) add(s space, at uint32, pos int) {
	p := &k.parts[s]
	p.at, p.pos = append(p.at, at), append(p.pos, uint32(pos))
}

// get reads column c of the block. Where a type has no such field there is 0. It reports
// whether any event of the block has it.
func (k *block) get(b *event.Batch, c *column, to []uint64) (any bool) {
	clear(to[:k.n])
	for i := range c.parts {
		if p := &k.parts[c.parts[i].space]; len(p.at) > 0 {
			c.parts[i].get(b, p.at, p.pos, to)
			any = true
		}
	}
	return any
}
