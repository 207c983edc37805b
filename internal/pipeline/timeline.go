package pipeline

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/rows"
)

// Timeline puts ticks between events: it cuts batches where a [Window] begins and tells
// the machine that it did. So a machine needs nothing but telemetry to know the time, and
// what it is told is the same on replay.
//
// The events of a batch are put into order. Beyond that nothing is held back to wait for
// what may still come, since evidence that decides at once would wait, too: what comes out
// of order counts in the window at hand. That is the window it belongs to, or the next one,
// for whatever comes within [Window]; what comes later still is counted as late.
//
// Events that are ahead of the clock by which they came (see [input.Bound]) do not move
// time. They count when they came, and are counted as ahead.
type Timeline struct {
	machine  *Machine
	tick     int64 // the last one; Unix nanoseconds
	untimely map[string]Untimely
	reined   []int64 // the times of the last events of the batch at hand, which are ahead
}

// Untimely is how many events of a source came when time was not theirs.
type Untimely struct {
	Late  uint64 // by more than a [Window]
	Ahead uint64 // of the clock of this machine
}

// NewTimeline returns the timeline of a new machine.
func NewTimeline(m *Machine) *Timeline {
	return &Timeline{machine: m, untimely: map[string]Untimely{}}
}

// Now returns the beginning of the window at hand.
func (t *Timeline) Now() int64 { return t.tick }

// Untimely returns how many events of each source were untimely, of those that had any.
func (t *Timeline) Untimely() map[string]Untimely { return maps.Clone(t.untimely) }

const window = int64(Window)

// Rein puts the events of a batch that came at a time into order, and has those that are
// ahead of it be of the latest time that is believed, until [Timeline.Unrein]. Between the
// two the batch is resolved and applied.
func (t *Timeline) Rein(b *event.Batch, arrived int64) {
	if !slices.IsSortedFunc(b.Events, byTime) {
		slices.SortStableFunc(b.Events, byTime)
	}
	until := input.Bound(arrived, t.tick)
	n := len(b.Events)
	for n > 0 && b.Events[n-1].Time > until {
		n--
	}
	now := t.tick
	if n > 0 {
		now = max(now, b.Events[n-1].Time)
	}
	if now == 0 { // nothing else was ever told
		now = arrived
	}
	t.reined = t.reined[:0]
	for i := n; i < len(b.Events); i++ {
		t.reined = append(t.reined, b.Events[i].Time)
		b.Events[i].Time = now
		t.note(event.View{Batch: b, I: i}, Untimely{Ahead: 1})
	}
}

// Unrein gives the events of the batch back the times that Rein took.
func (t *Timeline) Unrein(b *event.Batch) {
	for i, at := range t.reined {
		b.Events[len(b.Events)-len(t.reined)+i].Time = at
	}
	t.reined = t.reined[:0]
}

func (t *Timeline) note(v event.View, n Untimely) {
	name := v.Origin().Source
	u, known := t.untimely[string(v.Batch.Text.Bytes(name))]
	if !known && len(t.untimely) >= mostUntimely {
		return
	}
	u.Late, u.Ahead = u.Late+n.Late, u.Ahead+n.Ahead
	t.untimely[v.String(name)] = u
}

// mostUntimely bounds how many sources are counted that way.
const mostUntimely = 1 << 14

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
		b.Events, rest = rest[:n], rest[n:]
		for i := 0; i < n && b.Events[i].Time < t.tick-window; i++ {
			t.note(event.View{Batch: b, I: i}, Untimely{Late: 1})
		}
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
	dst = rows.Append(dst, []int64{t.tick, int64(len(t.untimely))})
	for _, name := range slices.Sorted(maps.Keys(t.untimely)) {
		u := t.untimely[name]
		dst = rows.Append(rows.Append(dst, []byte(name)), []uint64{u.Late, u.Ahead})
	}
	return t.machine.Save(dst)
}

// Load puts a new timeline and its machine into a saved state, and returns the bytes after
// it.
func (t *Timeline) Load(src []byte) ([]byte, error) {
	r := rows.Reader{Src: src}
	var head []int64
	if rows.Read(&r, &head); r.Err != nil || len(head) != 2 {
		return nil, errors.Join(ErrDamaged, r.Err)
	}
	for range head[1] {
		var name []byte
		var n []uint64
		rows.Read(&r, &name)
		if rows.Read(&r, &n); r.Err != nil || len(n) != 2 {
			return nil, errors.Join(ErrDamaged, r.Err)
		}
		t.untimely[string(name)] = Untimely{n[0], n[1]}
	}
	t.tick = head[0]
	return t.machine.Load(r.Src)
}
