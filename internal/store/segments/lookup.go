package segments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Event appends the event that a reference names to b, and returns it. The error is
// [fault.NotFound] if its segment was removed or merged with others, or never was.
func (s *Store) Event(ref Ref, b *event.Batch) (event.View, error) {
	s.mu.RLock()
	i := slices.IndexFunc(s.segments, func(g *segment) bool { return g.name == ref.Segment })
	var g *segment
	if i >= 0 {
		g = s.segments[i]
		defer s.unpin(pin([]*segment{g}))
	}
	s.mu.RUnlock()
	if g == nil || int(ref.Row) >= g.Rows {
		return event.View{}, fault.New(fault.NotFound, fmt.Sprintf("there is no event %s in the store; it may have been removed, or merged with others", ref))
	}
	if err := s.append(g, []uint32{ref.Row}, b); err != nil {
		return event.View{}, err
	}
	return event.View{Batch: b, I: len(b.Events) - 1}, nil
}

// append appends rows of a segment, which ascend, to b.
func (s *Store) append(g *segment, rows []uint32, b *event.Batch) error {
	h, err := s.file(g)
	if err == nil {
		r := rebuilder{layout: s.layout}
		err = r.read(h.file, rows, b)
		s.files.release(h)
	}
	if err != nil {
		return fault.Wrap(fault.Unreadable, fmt.Errorf("reading segment %s: %w", g.name, err))
	}
	return nil
}

// Place is where a record stands: what evidence says of it. It can be asked for before the
// record's events are sealed, and afterwards.
type Place struct {
	Tenant   string // empty is any
	Source   string
	Position uint64
	Index    int // of the event in its record; less than 0 is all of them
}

// Find calls yield with the events of a record, which are not in any order. The view is
// valid until yield returns.
func (s *Store) Find(ctx context.Context, p Place, yield func(Ref, event.View) error) error {
	s.mu.RLock()
	segments := pin(s.segments)
	defer s.unpin(segments)
	var parts []event.Batch
	for _, m := range []*memory{s.full, s.open} {
		if m == nil {
			continue
		}
		var b event.Batch
		var c event.Copier
		c.To(&b)
		for _, i := range m.record(p) {
			c.Copy(&m.batch, int(i))
		}
		parts = append(parts, b)
	}
	s.mu.RUnlock()
	for i := range parts {
		for e := range parts[i].Events {
			if err := yield(Ref{}, event.View{Batch: &parts[i], I: e}); err != nil {
				return err
			}
		}
	}
	var unread []error
	for _, g := range slices.Backward(segments) { // what is asked for is mostly new
		if !g.holds(p) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var b event.Batch
		rows, err := s.record(g, p, &b)
		if err != nil {
			unread = append(unread, fault.Wrap(fault.Unreadable, fmt.Errorf("reading segment %s: %w", g.name, err)))
			continue
		}
		for i, row := range rows {
			if err := yield(Ref{g.name, row}, event.View{Batch: &b, I: i}); err != nil {
				return err
			}
		}
	}
	return errors.Join(unread...)
}

// holds reports whether a segment may hold a record.
func (g *segment) holds(p Place) bool {
	if p.Tenant != "" && p.Tenant != string(g.Tenant) {
		return false
	}
	return g.Sources == nil || slices.ContainsFunc(g.Sources, func(r sourceRange) bool {
		return string(r.Name) == p.Source && r.First <= p.Position && p.Position <= r.Last
	})
}

// record reads the events of a record in a segment to b, and returns their rows.
func (s *Store) record(g *segment, p Place, b *event.Batch) ([]uint32, error) {
	h, err := s.file(g)
	if err != nil {
		return nil, err
	}
	defer s.files.release(h)
	rows := all(h.rows)
	values := make([]uint64, len(rows))
	if err := h.values(&s.layout.columns[s.layout.place[positionColumn]], rows, values, nil); err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r uint32) bool { return values[r] != p.Position })
	if len(rows) == 0 {
		return nil, nil
	}
	r := rebuilder{layout: s.layout}
	var found event.Batch
	if err := r.read(h.file, rows, &found); err != nil {
		return nil, err
	}
	var c event.Copier
	c.To(b)
	kept := rows[:0]
	for i, row := range rows {
		v := event.View{Batch: &found, I: i}
		if bytes.Equal(found.Text.Bytes(v.Origin().Source), []byte(p.Source)) && (p.Index < 0 || int(v.Head().Index) == p.Index) {
			c.Copy(&found, i)
			kept = append(kept, row)
		}
	}
	return kept, nil
}

// Scan calls yield with the events that q asks for, in the order in which they lie in
// segments, which is the fastest; then with those in memory. It pays no heed to the order,
// limit and cursor of q. Views and errors are like those of Events.
func (s *Store) Scan(ctx context.Context, q Query, yield func(Ref, event.View) error) error {
	q.Limit, q.After, q.Newest = 0, Cursor{}, false
	m := s.begin(&q)
	defer s.unpin(m.pinned)
	for _, x := range m.waiting {
		if x.memory == nil {
			if err := s.scan(ctx, m, x, yield); err != nil {
				return err
			}
		}
	}
	for _, x := range m.waiting {
		for rest := x.rest; x.memory != nil && len(rest) > 0; {
			n := min(len(rest), blockRows)
			var picks []pick
			for _, c := range rest[:n] {
				picks = append(picks, pick{x, c.row})
			}
			if err := m.yield(ctx, picks, yield); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return errors.Join(m.unread...)
}

// scan yields what a segment has.
func (s *Store) scan(ctx context.Context, m *merger, x *stream, yield func(Ref, event.View) error) error {
	g := x.segment
	spans := []span{{0, uint32(g.Rows)}}
	h, err := s.file(g)
	if err != nil {
		m.failed(x, err)
		return nil
	}
	defer s.files.release(h)
	if m.q.Entity != 0 {
		if spans, err = g.find(m.q); err != nil {
			m.failed(x, err)
			return nil
		}
	}
	rows := rowsOf(spans)
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, _ := slices.BinarySearch(rows, (rows[0]/scanRows+1)*scanRows) // whole pages
		x.batch.Reset()
		if err := m.rebuild.read(h.file, rows[:n], &x.batch); err != nil {
			m.failed(x, err)
			return nil
		}
		for i, row := range rows[:n] {
			v := event.View{Batch: &x.batch, I: i}
			if !m.q.covers(v.Head().Time) || !m.q.wants(v.Head().Type) {
				continue
			}
			if err := yield(Ref{g.name, row}, v); err != nil {
				return err
			}
		}
		rows = rows[n:]
	}
	return nil
}

const scanRows = 4 * blockRows // that are read together
