package segments

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"time"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// Query says which events are wanted, and in which order. The zero Query is all of them,
// the oldest first.
type Query struct {
	Entity       entity.Key // 0 is any
	Role         Role
	From, To     time.Time    // from From to before To; zero is without end
	Types        []event.Type // empty is all
	Tenant, Site string       // empty is all
	Newest       bool         // the newest first
	Limit        int          // how many at most; 0 is all
	After        Cursor       // goes on behind this event; zero is from the beginning
}

// Role is the part that an entity plays in an event.
type Role uint8

// The roles.
const (
	AnyRole Role = iota
	AsSubject
	AsObject
)

// Cursor is the place of an event in the order of queries, which is by time, then by
// position and index of its record, then by id. It stays the same for ever.
type Cursor struct {
	Time     int64
	Position uint64
	ID       uint64 // the first half
	Index    uint16
	Set      bool // false is no place
}

// CursorOf returns the place of an event.
func CursorOf(v event.View) Cursor {
	h := v.Head()
	return Cursor{h.Time, v.Record().Position, v.ID()[0], h.Index, true}
}

func (c Cursor) compare(d Cursor) int {
	return cmp.Or(cmp.Compare(c.Time, d.Time), cmp.Compare(c.Position, d.Position), cmp.Compare(c.Index, d.Index), cmp.Compare(c.ID, d.ID))
}

// covers reports whether an event at a time may be wanted.
func (q *Query) covers(at int64) bool { return at >= q.from() && at <= q.last() }

// from returns the first time that is wanted.
func (q *Query) from() int64 {
	at := int64(math.MinInt64)
	if !q.From.IsZero() {
		at = nanoseconds(q.From)
	}
	if q.After.Set && !q.Newest {
		at = max(at, q.After.Time)
	}
	return at
}

// last returns the last time that is wanted.
func (q *Query) last() int64 {
	at := int64(math.MaxInt64)
	if !q.To.IsZero() {
		at = nanoseconds(q.To)
		if at > math.MinInt64 {
			at--
		}
	}
	if q.After.Set && q.Newest {
		at = min(at, q.After.Time)
	}
	return at
}

// nanoseconds returns t as events do; the nearest there is, if it is out of their range.
func nanoseconds(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (q *Query) wants(t event.Type) bool { return len(q.Types) == 0 || slices.Contains(q.Types, t) }

// mask returns a bit for each type that is wanted.
func (q *Query) mask() (m uint32) {
	if len(q.Types) == 0 {
		return math.MaxUint32
	}
	for _, t := range q.Types {
		m |= 1 << t
	}
	return m
}

// may reports whether a segment may hold what is wanted.
func (q *Query) may(g *segment) bool {
	return g.To >= q.from() && g.From <= q.last() && g.Types&q.mask() != 0 &&
		(q.Tenant == "" || q.Tenant == string(g.Tenant)) && (q.Site == "" || q.Site == string(g.Site))
}

// candidate is an event that is wanted.
type candidate struct {
	place Cursor
	row   uint32
}

func candidateOf(v event.View) candidate { return candidate{CursorOf(v), uint32(v.I)} }

// before reports whether a comes before b in the order of the query.
func (q *Query) before(a, b Cursor) bool {
	if q.Newest {
		a, b = b, a
	}
	return a.compare(b) < 0
}

// stream is what one segment, or one memory, has for a query, in the order of the query.
type stream struct {
	segment *segment
	memory  *memory
	bound   int64       // no event comes before this time
	rest    []candidate // what is left; those of a segment that is not asked yet are not known
	asked   bool

	// Of the chunk at hand.
	rows  []uint32
	batch event.Batch
	place map[uint32]int // of a row in batch
}

// Events calls yield with the events that q asks for, in its order, each with a reference
// to its row; the zero Ref if it is not sealed yet. The view is valid until yield returns.
// An error of yield ends it and is returned.
//
// What is in a segment that cannot be read is left out, and said: the error at the end is
// then [fault.Unreadable], and everything else was yielded.
func (s *Store) Events(ctx context.Context, q Query, yield func(Ref, event.View) error) error {
	m := s.begin(&q)
	defer s.unpin(m.pinned)
	left := q.Limit
	if q.Limit <= 0 {
		left = math.MaxInt
	}
	for size := 64; left > 0; size = min(2*size, 64<<10) {
		picks, err := m.pick(ctx, min(size, left))
		if err != nil {
			return err
		}
		if len(picks) == 0 {
			break
		}
		left -= len(picks)
		if err := m.yield(ctx, picks, yield); err != nil {
			return err
		}
	}
	return errors.Join(m.unread...)
}

// merger brings the streams of a query together.
type merger struct {
	s       *Store
	q       *Query
	pinned  []*segment
	waiting []*stream // by bound
	active  []*stream // a heap, by their first candidate
	rebuild rebuilder
	unread  []error
}

// pick is the next event, and where it is.
type pick struct {
	stream *stream
	row    uint32
}

// begin begins a query. What it pins has to be unpinned.
func (s *Store) begin(q *Query) *merger {
	m := &merger{s: s, q: q, rebuild: rebuilder{layout: s.layout}}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, g := range s.segments {
		if q.may(g) {
			x := &stream{segment: g, bound: g.From}
			if q.Newest {
				x.bound = g.To
			}
			m.waiting, m.pinned = append(m.waiting, x), append(m.pinned, g)
		}
	}
	pin(m.pinned)
	for _, mem := range []*memory{s.full, s.open} {
		if mem == nil {
			continue
		}
		x := &stream{memory: mem, asked: true, rest: m.order(mem.find(q))}
		if len(x.rest) > 0 {
			x.bound = x.rest[0].place.Time
			m.waiting = append(m.waiting, x)
		}
	}
	slices.SortStableFunc(m.waiting, func(a, b *stream) int {
		if q.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.bound, b.bound)
	})
	return m
}

// order sorts candidates, and leaves out what comes before the query's cursor.
func (m *merger) order(all []candidate) []candidate {
	if m.q.After.Set {
		all = slices.DeleteFunc(all, func(c candidate) bool { return !m.q.before(m.q.After, c.place) })
	}
	slices.SortFunc(all, func(a, b candidate) int {
		n := cmp.Or(a.place.compare(b.place), cmp.Compare(a.row, b.row))
		if m.q.Newest {
			return -n
		}
		return n
	})
	return all
}

// Len, Less, Swap, Push and Pop make the active streams a heap.
func (m *merger) Len() int { return len(m.active) }

// Less implements heap.Interface.
func (m *merger) Less(i, j int) bool {
	return m.q.before(m.active[i].rest[0].place, m.active[j].rest[0].place)
}

// Swap implements heap.Interface.
func (m *merger) Swap(i, j int) { m.active[i], m.active[j] = m.active[j], m.active[i] }

// Push implements heap.Interface.
func (m *merger) Push(x any) {
	if s, ok := x.(*stream); ok {
		m.active = append(m.active, s)
	}
}

// Pop implements heap.Interface.
func (m *merger) Pop() any {
	x := m.active[len(m.active)-1]
	m.active = m.active[:len(m.active)-1]
	return x
}

// pick returns the next events, n at most.
func (m *merger) pick(ctx context.Context, n int) (picks []pick, err error) {
	for len(picks) < n {
		for len(m.waiting) > 0 && (len(m.active) == 0 || m.reached(m.waiting[0])) {
			x := m.waiting[0]
			m.waiting = m.waiting[1:]
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := m.ask(x); err != nil {
				m.failed(x, err)
			}
			if len(x.rest) > 0 {
				heap.Push(m, x)
			}
		}
		if len(m.active) == 0 {
			return picks, nil
		}
		x := m.active[0]
		picks = append(picks, pick{x, x.rest[0].row})
		if x.rest = x.rest[1:]; len(x.rest) > 0 {
			heap.Fix(m, 0)
		} else {
			heap.Pop(m)
		}
	}
	return picks, nil
}

// reached reports whether events of a waiting stream may come before the next one.
func (m *merger) reached(x *stream) bool {
	next := m.active[0].rest[0].place.Time
	if m.q.Newest {
		return x.bound >= next
	}
	return x.bound <= next
}

// failed takes note that a segment could not be read. One that was removed meanwhile is
// no failure.
func (m *merger) failed(x *stream, err error) {
	g := x.segment
	g.mu.Lock()
	gone := g.gone
	g.mu.Unlock()
	x.rest = nil
	if gone && errors.Is(err, fs.ErrNotExist) {
		return
	}
	m.s.problem(Problem{Path: m.s.relative(g.path + eventsExt), Reason: err.Error(), First: g.First, Last: g.Last, Rows: g.Rows, Lost: true})
	m.unread = append(m.unread, fault.Wrap(fault.Unreadable, fmt.Errorf("reading segment %s: %w", g.name, err)))
}

// ask finds out what a segment has.
func (m *merger) ask(x *stream) error {
	if x.asked {
		return nil
	}
	x.asked = true
	spans := []span{{0, uint32(x.segment.Rows)}}
	if m.q.Entity != 0 {
		var err error
		if spans, err = x.segment.find(m.q); err != nil || len(spans) == 0 {
			return err
		}
	}
	h, err := m.s.file(x.segment)
	if err != nil {
		return err
	}
	defer m.s.files.release(h)
	x.rest, err = m.candidates(h.file, rowsOf(spans))
	x.rest = m.order(x.rest)
	return err
}

// rowsOf returns the rows of spans, each once, in order.
func rowsOf(spans []span) []uint32 {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.First, b.First) })
	n, next := 0, uint32(0)
	for _, s := range spans {
		n += int(s.End - s.First)
	}
	rows := make([]uint32, 0, n)
	for _, s := range spans {
		for r := max(s.First, next); r < s.End; r++ {
			rows = append(rows, r)
		}
		next = max(next, s.End)
	}
	return rows
}

// candidates returns those of rows that are wanted.
func (m *merger) candidates(f *file, rows []uint32) ([]candidate, error) {
	values := make([]uint64, len(rows))
	read := func(name string) error {
		l := m.s.layout
		return f.values(&l.columns[l.place[name]], rows, values[:len(rows)], nil)
	}
	keep := func(wanted func(v uint64) bool) {
		n := 0
		for i, v := range values[:len(rows)] {
			if wanted(v) {
				rows[n], values[n] = rows[i], v
				n++
			}
		}
		rows = rows[:n]
	}
	if len(m.q.Types) > 0 {
		if err := read(typeColumn); err != nil {
			return nil, err
		}
		keep(func(v uint64) bool { return m.q.wants(event.Type(v)) })
	}
	if err := read(timeColumn); err != nil {
		return nil, err
	}
	keep(func(v uint64) bool { return m.q.covers(int64(v)) })
	if limit := m.limit(values[:len(rows)]); limit != m.end() {
		keep(func(v uint64) bool { return !m.later(int64(v), limit) })
	}
	found := make([]candidate, len(rows))
	for i, r := range rows {
		found[i] = candidate{Cursor{Time: int64(values[i]), Set: true}, r}
	}
	if err := read(positionColumn); err != nil {
		return nil, err
	}
	for i := range rows {
		found[i].place.Position = values[i]
	}
	if err := read(indexColumn); err != nil {
		return nil, err
	}
	for i := range rows {
		found[i].place.Index = uint16(values[i])
	}
	err := f.ids(rows, func(i int, id event.ID) { found[i].place.ID = id[0] })
	return found, err
}

// later reports whether time a comes after b in the order of the query.
func (m *merger) later(a, b int64) bool {
	if m.q.Newest {
		a, b = b, a
	}
	return a > b
}

// end returns the time that none comes after.
func (m *merger) end() int64 {
	if m.q.Newest {
		return math.MinInt64
	}
	return math.MaxInt64
}

// limit returns the last of as many times as the query may still yield.
func (m *merger) limit(times []uint64) int64 {
	n := m.q.Limit
	if n <= 0 || n > len(times)/4 {
		return m.end()
	}
	limit := m.end()
	best := make([]int64, 0, 2*n)
	for _, v := range times {
		at := int64(v)
		if m.later(at, limit) || m.q.After.Set && at == m.q.After.Time { // whether these are wanted is not known yet
			continue
		}
		if best = append(best, at); len(best) == 2*n {
			slices.SortFunc(best, func(a, b int64) int {
				if m.q.Newest {
					a, b = b, a
				}
				return cmp.Compare(a, b)
			})
			best = best[:n]
			limit = best[n-1]
		}
	}
	return limit
}

// yield reads the events of picks and passes them on.
func (m *merger) yield(ctx context.Context, picks []pick, yield func(Ref, event.View) error) error {
	var used []*stream
	for _, p := range picks {
		if len(p.stream.rows) == 0 {
			used = append(used, p.stream)
		}
		p.stream.rows = append(p.stream.rows, p.row)
	}
	for _, x := range used {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.load(x); err != nil {
			x.place = nil
			m.failed(x, err)
			m.active = slices.DeleteFunc(m.active, func(y *stream) bool { return x == y })
			heap.Init(m)
		}
	}
	for _, p := range picks {
		i, ok := p.stream.place[p.row]
		if !ok {
			continue
		}
		ref := Ref{}
		if g := p.stream.segment; g != nil {
			ref = Ref{g.name, p.row}
		}
		if err := yield(ref, event.View{Batch: &p.stream.batch, I: i}); err != nil {
			return err
		}
	}
	for _, x := range used {
		x.rows = x.rows[:0]
	}
	return nil
}

// load reads the events of a stream's rows.
func (m *merger) load(x *stream) error {
	slices.Sort(x.rows)
	x.batch.Reset()
	x.place = make(map[uint32]int, len(x.rows))
	for i, r := range x.rows {
		x.place[r] = i
	}
	if x.memory != nil {
		m.s.mu.RLock() // it may be the one that is added to
		defer m.s.mu.RUnlock()
		var c event.Copier
		c.To(&x.batch)
		for _, r := range x.rows {
			c.Copy(&x.memory.batch, int(r))
		}
		return nil
	}
	h, err := m.s.file(x.segment)
	if err != nil {
		return err
	}
	defer m.s.files.release(h)
	return m.rebuild.read(h.file, x.rows, &x.batch)
}
