package sorter

import (
	"vedette/internal/event"
)

// cursor is a place in a segment or run.
type cursor struct {
	batch  *event.Batch
	event  int   // index in batch
	time   int64 // of event
	order  []key
	next   int // index of the event after it: in order, or in batch if there is no order
	run    *run
	offset int64   // of the run's next frame
	raw    *[]byte // for reading frames; of the merger
	copier event.Copier
}

// step goes to the next event, and says whether there is one.
func (c *cursor) step() (bool, error) {
	if c.run == nil {
		if c.next == len(c.order) {
			return false, nil
		}
		k := &c.order[c.next]
		c.event, c.time = int(k.event), k.time
		c.next++
		return true, nil
	}
	if c.next == len(c.batch.Events) {
		if ok, err := c.load(); !ok {
			return false, err
		}
		c.next = 0
	}
	c.event, c.time = c.next, c.batch.Events[c.next].Time
	c.next++
	return true, nil
}

// last reports whether the next step loads a frame over the one at hand.
func (c *cursor) last() bool { return c.run != nil && c.next == len(c.batch.Events) }

func (s *segment) cursor() *cursor { return &cursor{batch: &s.batch, order: s.order} }

// merger brings cursors together: a tree of losers, where each inner node holds the
// cursor that lost there and node 0 the one that won them all.
type merger struct {
	size    int // events in a batch
	bytes   int // bytes after which a batch is full too, if not 0
	cursors []*cursor
	times   []int64 // of the events at cursors
	ended   []bool
	tree    []int
	first   event.Copier // all copiers are joined to it
	raw     []byte
	picks   []pick
	touched uint64 // means nothing
}

func (m *merger) add(c *cursor) { m.cursors = append(m.cursors, c) }

// start goes to the first event of each cursor.
func (m *merger) start() error {
	n := len(m.cursors)
	m.times, m.ended, m.tree = make([]int64, n), make([]bool, n), make([]int, n)
	for i := range m.tree {
		m.tree[i] = -1
	}
	m.picks = make([]pick, 0, blockSize)
	m.first.To(new(event.Batch))
	for i := range m.cursors {
		m.cursors[i].copier.Join(&m.first)
		m.cursors[i].raw = &m.raw
		if err := m.step(i); err != nil {
			return err
		}
		m.enter(i)
	}
	return nil
}

func (m *merger) step(i int) error {
	c := m.cursors[i]
	ok, err := c.step()
	if err != nil {
		return err
	}
	if m.ended[i] = !ok; ok {
		m.times[i] = c.time
	}
	return nil
}

// enter lets cursor i play for the first time: up to where nobody has played yet.
func (m *merger) enter(i int) {
	w := i
	for n := (i + len(m.cursors)) / 2; n > 0; n /= 2 {
		if m.tree[n] < 0 {
			m.tree[n] = w
			return
		}
		if m.before(m.tree[n], w) {
			m.tree[n], w = w, m.tree[n]
		}
	}
	m.tree[0] = w
}

// replay lets cursor i, which has won and gone on, play again.
func (m *merger) replay(i int) {
	w := i
	for n := (i + len(m.cursors)) / 2; n > 0; n /= 2 {
		if m.before(m.tree[n], w) {
			m.tree[n], w = w, m.tree[n]
		}
	}
	m.tree[0] = w
}

// before reports whether the event at cursor i comes before that at cursor j.
func (m *merger) before(i, j int) bool {
	switch {
	case m.ended[i] || m.ended[j]:
		return !m.ended[i]
	case m.times[i] != m.times[j]:
		return m.times[i] < m.times[j]
	}
	a, b := m.cursors[i], m.cursors[j]
	return compare(a.batch, a.event, b.batch, b.event) < 0
}

// fill empties b and fills it with the next events. At the end b stays empty.
func (m *merger) fill(b *event.Batch) error {
	b.Reset()
	if len(m.cursors) == 0 {
		return nil
	}
	m.first.To(b)
	for len(b.Events) < m.size && (m.bytes == 0 || b.Size() < m.bytes) {
		before := len(b.Events)
		if err := m.block(min(cap(m.picks), m.size-before)); err != nil {
			return err
		}
		if m.copy(); len(b.Events) == before {
			return nil
		}
	}
	return nil
}

// pick is an event that comes next.
type pick struct {
	cursor *cursor
	event  int
}

const blockSize = 32 // events that are picked together

// block picks up to n events that come next, and may copy some of them.
func (m *merger) block(n int) error {
	for range n {
		i := m.tree[0]
		if m.ended[i] {
			return nil
		}
		c := m.cursors[i]
		m.picks = append(m.picks, pick{c, c.event})
		if c.last() {
			m.copy() // before what was picked is replaced
		}
		if err := m.step(i); err != nil {
			return err
		}
		m.replay(i)
	}
	return nil
}

// copy copies what was picked. Events near in time lie apart in memory, so first it asks
// for all of them at once: waiting for one after the other would take longer than all the
// rest.
func (m *merger) copy() {
	for _, p := range m.picks {
		m.touched += p.cursor.batch.TouchHead(p.event)
	}
	for _, p := range m.picks {
		m.touched += p.cursor.batch.TouchBody(p.event)
	}
	for _, p := range m.picks {
		p.cursor.copier.Copy(p.cursor.batch, p.event)
	}
	m.picks = m.picks[:0]
}
