package sourcetest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/source"
)

// Log is where records and marks are kept: what is there survives a crash.
type Log struct {
	mu      sync.Mutex
	records []source.Record
	marks   map[string][]byte
	lost    map[string]uint64
	emitted []source.Record
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{marks: map[string][]byte{}, lost: map[string]uint64{}} }

// Place returns what was marked last, as a feed asks for it.
func (l *Log) Place(name string) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.marks[name])
}

// Records returns what is kept so far.
func (l *Log) Records() []source.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[:len(l.records):len(l.records)]
}

// All returns what was emitted, kept or not.
func (l *Log) All() []source.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.emitted[:len(l.emitted):len(l.emitted)]
}

// Marks returns how many places are kept.
func (l *Log) Marks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.marks)
}

// Lost returns how many records were said to be lost, for each "source: reason".
func (l *Log) Lost() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lost)
}

// Wait waits until ok of the records kept or the time is up, and returns the records.
func (l *Log) Wait(limit time.Duration, ok func([]source.Record) bool) ([]source.Record, bool) {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		all := l.Records()
		if ok(all) {
			return all, true
		}
		if time.Now().After(end) {
			return all, false
		}
	}
}

// Life is one run of a feed, from its start to its end or to a crash. What is emitted is
// kept up to some mark, at a mark, a little later, or when the source asks for it.
type Life struct {
	Log   *Log
	Keep  float64         // the chance that a mark is kept at once
	Crash float64         // the chance that an Emit, Mark or Flush is where the machine stops
	Hold  <-chan struct{} // if not nil, Emit waits until it is closed
	Slow  time.Duration   // how long Flush takes
	Seed  uint64

	mu      sync.Mutex
	rand    *rand.Rand
	crashed bool
	stop    context.CancelFunc
	outs    []*out
}

// ErrCrash is what a source is told after the machine stopped.
var ErrCrash = errors.New("crashed")

// Start runs a feed until stop is called or it crashes. Done gives what Run returned.
func (l *Life) Start(ctx context.Context, feed source.Feed) (stop context.CancelFunc, done <-chan error) {
	ctx, l.stop = context.WithCancel(ctx)
	l.rand = rand.New(rand.NewPCG(l.Seed, 2))
	result := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result <- feed.Run(ctx, l.Log.Place, l.out)
	}()
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
				l.keep()
			}
		}
	}()
	return l.stop, result
}

// Crashed reports whether the machine stopped.
func (l *Life) Crashed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crashed
}

func (l *Life) out() source.Out {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := &out{life: l}
	l.outs = append(l.outs, o)
	return o
}

// keep keeps all up to the last mark.
func (l *Life) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.outs {
		if !l.crashed {
			o.keep(o.marked)
		}
	}
}

// live decides whether the machine goes on. The lock is held.
func (l *Life) live() bool {
	if !l.crashed && l.rand.Float64() < l.Crash {
		l.crashed = true
		l.stop()
	}
	return !l.crashed
}

// entry is a record, or a mark if it has a name.
type entry struct {
	record source.Record
	name   string
	place  []byte
}

// out is what a source has. The lock of its life guards it.
type out struct {
	life    *Life
	entries []entry // not kept yet
	marked  int     // up to the last mark among them
}

// Emit implements [source.Out].
func (o *out) Emit(ctx context.Context, r source.Record) error {
	if o.life.Hold != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.life.Hold:
		}
	}
	r.Data = slices.Clone(r.Data)
	o.life.mu.Lock()
	defer o.life.mu.Unlock()
	if !o.life.live() {
		return ErrCrash
	}
	o.entries = append(o.entries, entry{record: r})
	o.life.Log.mu.Lock()
	defer o.life.Log.mu.Unlock()
	o.life.Log.emitted = append(o.life.Log.emitted, r)
	return ctx.Err()
}

// Mark implements [source.Out].
func (o *out) Mark(name string, place []byte) {
	o.life.mu.Lock()
	defer o.life.mu.Unlock()
	if !o.life.live() {
		return
	}
	o.entries = append(o.entries, entry{name: name, place: slices.Clone(place)})
	o.marked = len(o.entries)
	if o.life.rand.Float64() < o.life.Keep {
		o.keep(o.marked)
	}
}

// Flush implements [source.Out].
func (o *out) Flush(ctx context.Context) error {
	if o.life.Slow > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.life.Slow):
		}
	}
	o.life.mu.Lock()
	defer o.life.mu.Unlock()
	if !o.life.live() {
		return ErrCrash
	}
	o.keep(len(o.entries))
	return nil
}

// Lost implements [source.Out].
func (o *out) Lost(name, reason string, n uint64) {
	l := o.life.Log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost[name+": "+reason] += n
}

// keep keeps the first n entries.
func (o *out) keep(n int) {
	l := o.life.Log
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range o.entries[:n] {
		switch {
		case e.name == "":
			l.records = append(l.records, e.record)
		case e.place == nil:
			delete(l.marks, e.name)
		default:
			l.marks[e.name] = e.place
		}
	}
	o.entries = append([]entry(nil), o.entries[n:]...)
	o.marked = max(0, o.marked-n)
}

// Discard is an Out that takes everything and counts it.
type Discard struct{ Records, Bytes atomic.Int64 }

// Emit implements [source.Out].
func (d *Discard) Emit(ctx context.Context, r source.Record) error {
	d.Records.Add(1)
	d.Bytes.Add(int64(len(r.Data)))
	return ctx.Err()
}

// Mark implements [source.Out].
func (d *Discard) Mark(string, []byte) {}

// Flush implements [source.Out].
func (d *Discard) Flush(ctx context.Context) error { return ctx.Err() }

// Lost implements [source.Out].
func (d *Discard) Lost(string, string, uint64) {}
