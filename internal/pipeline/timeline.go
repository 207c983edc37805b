package pipeline

import (
	"cmp"
	"errors"
	"slices"

	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/rows"
)

// Timeline puts ticks between events: it cuts batches where a [Window] begins and tells
// the machine that it did. So a machine needs nothing but telemetry to know the time, and
// what it is told is the same on replay.
//
// Events before the window at hand, which come late, count in it.
type Timeline struct {
	machine *Machine
	tick    int64 // the last one; Unix nanoseconds
	Late    uint64
}

// NewTimeline returns the timeline of a new machine.
func NewTimeline(m *Machine) *Timeline { return &Timeline{machine: m} }

// Now returns the beginning of the window at hand.
func (t *Timeline) Now() int64 { return t.tick }

const window = int64(Window)

// Batch applies the events of a batch, which it puts into order of time, and calls found
// for whatever that brings up; see [Machine.Apply].
func (t *Timeline) Batch(at input.Position, b *event.Batch, found func(*Found)) {
	if !slices.IsSortedFunc(b.Events, byTime) {
		slices.SortStableFunc(b.Events, byTime)
	}
	events := b.Events
	for rest := events; len(rest) > 0; {
		if next := rest[0].Time / window * window; next > t.tick {
			t.Tick(at, next, found)
		}
		n, _ := slices.BinarySearchFunc(rest, t.tick+window, func(e event.Envelope, end int64) int { return cmp.Compare(e.Time, end) })
		late, _ := slices.BinarySearchFunc(rest[:n], t.tick, func(e event.Envelope, start int64) int { return cmp.Compare(e.Time, start) })
		t.Late += uint64(late)
		b.Events, rest = rest[:n], rest[n:]
		t.apply(input.Entry{At: at, Batch: b}, found)
	}
	b.Events = events
}

func byTime(a, b event.Envelope) int { return cmp.Compare(a.Time, b.Time) }

// Tick says that no event before a time is waited for any longer.
func (t *Timeline) Tick(at input.Position, to int64, found func(*Found)) {
	if to = to / window * window; to > t.tick {
		t.tick = to
		t.apply(input.Entry{At: at, Tick: to}, found)
	}
}

func (t *Timeline) apply(e input.Entry, found func(*Found)) {
	if f := t.machine.Apply(e); len(f.Findings) > 0 {
		found(f)
	}
}

// Append appends the timeline and its machine to dst.
func (t *Timeline) Append(dst []byte) []byte {
	return t.machine.Save(rows.Append(dst, []int64{t.tick, int64(t.Late)}))
}

// Load puts a new timeline and its machine into a saved state, and returns the bytes after
// it.
func (t *Timeline) Load(src []byte) ([]byte, error) {
	r := rows.Reader{Src: src}
	var head []int64
	if rows.Read(&r, &head); r.Err != nil || len(head) != 2 {
		return nil, errors.Join(ErrDamaged, r.Err)
	}
	t.tick, t.Late = head[0], uint64(head[1])
	return t.machine.Load(r.Src)
}
