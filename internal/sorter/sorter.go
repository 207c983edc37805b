// Package sorter brings events into their order, however many there are.
//
// The order is that of decision 3: time, then source name, then position of the record,
// then index within it. What is equal in all of these is ordered by tenant, site and
// content, so the order is total: the batches that come out are the same to the byte,
// however the events were spread over writers, in what order they came, and however little
// memory there was.
//
// Each [Writer] fills one segment after the other: a batch of moderate size, whose order
// is sorted once it is full. When a writer's segments outgrow its share of the budget they
// are merged to a run, which goes to a temporary file. At the end segments and runs are
// merged.
package sorter

import (
	"context"
	"errors"

	"vedette/internal/event"
)

// Config is how to sort. The zero Config keeps everything in memory.
type Config struct {
	Dir     string // for temporary files; empty is the system's
	Budget  int64  // bytes of memory for events, of all writers; 0 is without limit, less than 1 MiB is 1 MiB
	Writers int    // how many; 0 is one
	Size    int    // events in each batch that comes out; 0 is 4096
	Ahead   int    // batches that a goroutine prepares ahead; 0 is none, and no goroutine
}

// Sorter sorts events. Its writers may be used at the same time, each by one goroutine;
// after them Sorted, and Close.
type Sorter struct {
	c       Config
	writers []*Writer
}

const (
	minBudget  = 1 << 20
	maxSegment = 16 << 20 // bytes
	maxFrame   = 256 << 10
	maxRuns    = 64 // that are merged at once by a writer
)

// New returns a Sorter without events. It must be closed.
func New(c Config) *Sorter {
	c.Writers = max(1, c.Writers)
	if c.Size <= 0 {
		c.Size = 4096
	}
	if c.Budget > 0 {
		c.Budget = max(minBudget, c.Budget)
	}
	s := &Sorter{c: c}
	for range c.Writers {
		w := &Writer{dir: c.Dir, segment: maxSegment, frame: maxFrame, fan: maxRuns}
		if share := int(c.Budget) / c.Writers; share > 0 {
			w.share = share
			w.segment = min(maxSegment, share/8)
			w.frame = min(maxFrame, share/32)
			w.fan = max(8, min(maxRuns, share/(4*w.frame)))
		}
		s.writers = append(s.writers, w)
	}
	return s
}

// Writers returns the writers.
func (s *Sorter) Writers() []*Writer { return s.writers }

// Stats is what a Sorter has done so far. It is read when no writer is in use.
type Stats struct {
	Events  uint64
	Runs    int   // that were written to temporary files, merged ones included
	Spilled int64 // bytes that were written to them
}

// Stats returns what was done so far.
func (s *Sorter) Stats() (n Stats) {
	for _, w := range s.writers {
		n.Events += w.events
		if w.at != nil {
			n.Events += uint64(len(w.at.batch.Events))
		}
		n.Runs += w.spills
		n.Spilled += w.spilled
	}
	return n
}

// Close removes the temporary files. Afterwards the Sorter is of no use.
func (s *Sorter) Close() error {
	var errs []error
	for _, w := range s.writers {
		for _, r := range w.runs {
			errs = append(errs, r.close())
		}
		*w = Writer{}
	}
	return errors.Join(errs...)
}

// Sorted yields all events in order, in batches of the configured size but the last. A
// batch is valid until yield returns. It ends with the first error of yield, or when ctx
// does. It may be called again, and yields the same.
func (s *Sorter) Sorted(ctx context.Context, yield func(*event.Batch) error) error {
	m, err := s.merger()
	if err != nil {
		return err
	}
	if s.c.Ahead > 0 {
		return m.ahead(ctx, s.c.Ahead, yield)
	}
	var b event.Batch
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.fill(&b); err != nil || len(b.Events) == 0 {
			return err
		}
		if err := yield(&b); err != nil {
			return err
		}
	}
}

// merger returns a merger of everything, of which no more is in memory than may be.
func (s *Sorter) merger() (*merger, error) {
	memory, runs := 0, 0
	for _, w := range s.writers {
		if w.at != nil {
			w.seal()
		}
		memory += w.memory
		runs += 2 * w.frame * len(w.runs)
	}
	m := &merger{size: s.c.Size}
	for _, w := range s.writers {
		if s.c.Budget > 0 && runs > 0 && int64(memory+runs) > s.c.Budget {
			if err := w.spill(); err != nil {
				return nil, err
			}
		}
		w.idle = nil // its memory is for the cursors now
		for _, seg := range w.full {
			m.add(seg.cursor())
		}
		for _, r := range w.runs {
			m.add(r.cursor())
		}
	}
	return m, m.start()
}

// ahead yields what a goroutine prepares.
func (m *merger) ahead(ctx context.Context, n int, yield func(*event.Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ready, idle := make(chan *event.Batch), make(chan *event.Batch, n+1)
	failed := make(chan error, 1)
	for range n + 1 {
		idle <- new(event.Batch)
	}
	go func() { // the only one that sends on ready and failed
		defer close(ready)
		for {
			select {
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			case b := <-idle:
				err := m.fill(b)
				if err != nil || len(b.Events) == 0 {
					failed <- err
					return
				}
				select {
				case ready <- b:
				case <-ctx.Done():
				}
			}
		}
	}()
	defer func() { // it is gone when this returns
		cancel()
		for range ready {
		}
	}()
	for b := range ready {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(b); err != nil {
			return err
		}
		idle <- b
	}
	return <-failed
}
