package sorter

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"vedette/internal/event"
)

// sort makes the order of a segment.
func (w *Writer) sort(s *segment) {
	b := &s.batch
	rank := ranks(b)
	s.order = slices.Grow(s.order[:0], len(b.Events))
	for i := range b.Events {
		h := &b.Events[i]
		r := &b.Records[h.Record]
		s.order = append(s.order, key{h.Time, r.Position, rank[r.Origin], uint32(i)})
	}
	by := func(x, y key) int {
		switch {
		case x.time != y.time:
			return cmp.Compare(x.time, y.time)
		case x.source != y.source:
			return cmp.Compare(x.source, y.source)
		case x.position != y.position:
			return cmp.Compare(x.position, y.position)
		case b.Events[x.event].Index != b.Events[y.event].Index:
			return cmp.Compare(b.Events[x.event].Index, b.Events[y.event].Index)
		}
		return compare(b, int(x.event), b, int(y.event))
	}
	if slices.IsSortedFunc(s.order, by) { // as most logs are
		return
	}
	shift := w.radix(s)
	for from := 0; from < len(s.order); { // what has the same time, but for its last bits, is left to do
		to := from + 1
		for first := s.order[from].time >> shift; to < len(s.order) && s.order[to].time>>shift == first; {
			to++
		}
		if to-from > 1 {
			slices.SortFunc(s.order[from:to], by)
		}
		from = to
	}
}

// radix sorts a segment's order by time, but for some of the last bits of times, and
// returns how many those are. What is the same otherwise keeps its order.
func (w *Writer) radix(s *segment) (shift int) {
	const digit, passes = 11, 2
	low, high := s.order[0].time, s.order[0].time
	for i := range s.order {
		low, high = min(low, s.order[i].time), max(high, s.order[i].time)
	}
	shift = max(0, bits.Len64(uint64(high>>1)-uint64(low>>1))+2-digit*passes)
	low >>= shift
	if cap(w.scratch) < len(s.order) {
		w.scratch = make([]key, len(s.order))
	}
	from, to := s.order, w.scratch[:len(s.order)]
	for pass := range passes {
		var starts [1 << digit]uint32
		place := func(k *key) uint64 { return uint64(k.time>>shift-low) >> (digit * pass) & (1<<digit - 1) }
		for i := range from {
			starts[place(&from[i])]++
		}
		sum := uint32(0)
		for i, n := range starts {
			starts[i], sum = sum, sum+n
		}
		for i := range from {
			p := place(&from[i])
			to[starts[p]] = from[i]
			starts[p]++
		}
		from, to = to, from
	}
	return shift // after an even number of passes the order is where it was
}

// ranks returns for each origin of b its place among them by source, tenant and site.
// Equal ones have the same.
func ranks(b *event.Batch) []uint32 {
	order := make([]uint32, len(b.Origins))
	for i := range order {
		order[i] = uint32(i)
	}
	by := func(i, j uint32) int { return compareOrigins(b, &b.Origins[i], b, &b.Origins[j]) }
	slices.SortFunc(order, by)
	rank := make([]uint32, len(order))
	for n, i := range order {
		rank[i] = uint32(n)
		if n > 0 && by(order[n-1], i) == 0 {
			rank[i] = rank[order[n-1]]
		}
	}
	return rank
}

func compareOrigins(a *event.Batch, o *event.Origin, b *event.Batch, p *event.Origin) int {
	return cmp.Or(
		bytes.Compare(a.Text.Bytes(o.Source), b.Text.Bytes(p.Source)),
		bytes.Compare(a.Text.Bytes(o.Tenant), b.Text.Bytes(p.Tenant)),
		bytes.Compare(a.Text.Bytes(o.Site), b.Text.Bytes(p.Site)),
	)
}

// compare is the order of events: of event i of a and event j of b. It returns 0 only if
// they are the same in everything.
func compare(a *event.Batch, i int, b *event.Batch, j int) int {
	v, w := event.View{Batch: a, I: i}, event.View{Batch: b, I: j}
	if c := cmp.Compare(v.Head().Time, w.Head().Time); c != 0 {
		return c
	}
	r, s := v.Record(), w.Record()
	if a != b || r.Origin != s.Origin {
		if c := compareOrigins(a, v.Origin(), b, w.Origin()); c != 0 {
			return c
		}
	}
	if c := cmp.Or(
		cmp.Compare(r.Position, s.Position), cmp.Compare(v.Head().Index, w.Head().Index),
		cmp.Compare(r.Content, s.Content), cmp.Compare(r.Trust, s.Trust), cmp.Compare(v.Head().Type, w.Head().Type),
	); c != 0 {
		return c
	}
	return bytes.Compare(alone(a, i), alone(b, j))
}

// alone returns the bytes of an event, which are the same wherever it stands.
func alone(b *event.Batch, i int) []byte {
	var one event.Batch
	var c event.Copier
	c.To(&one)
	c.Copy(b, i)
	return one.Append(nil)
}
