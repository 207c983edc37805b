package segments

import (
	"vedette/internal/event"
)

// sources reads several segments as one, in the order of rows: by subject and time.
type sources struct {
	s       *Store
	rebuild rebuilder
	all     []*run
	copier  event.Copier // the first of those that are joined
	out     event.Batch
}

// run is a segment that is read from its first row to its last, a block at a time.
type run struct {
	h      *handle
	next   int // row to go on with
	batch  event.Batch
	i      int // in batch
	copier event.Copier
}

// open adds a segment.
func (in *sources) open(g *segment) error {
	in.rebuild.layout = in.s.layout
	h, err := in.s.file(g)
	if err != nil {
		return err
	}
	in.all = append(in.all, &run{h: h})
	return nil
}

func (in *sources) close() {
	for _, p := range in.all {
		in.s.files.release(p.h)
	}
}

// sample returns some of the events: what tells how columns are best encoded.
func (in *sources) sample() (*event.Batch, error) {
	const runs = 4 // of each
	b := new(event.Batch)
	for _, p := range in.all {
		n := min(p.h.rows/runs, sampleSize/runs/len(in.all))
		for i := range runs {
			first := i * p.h.rows / runs
			if err := in.rebuild.read(p.h.file, rowsOf([]span{{uint32(first), uint32(first + max(n, 1))}}), b); err != nil {
				return nil, err
			}
			if p.h.rows < runs {
				break
			}
		}
	}
	return b, nil
}

// blocks calls write with all events, a block at a time, and at the end last. What they
// are given is valid until they return.
func (in *sources) blocks(write func(*event.Batch) error, last func() error) error {
	in.copier.To(&in.out)
	for _, p := range in.all {
		p.copier.Join(&in.copier)
		if err := in.fill(p); err != nil {
			return err
		}
	}
	for {
		p := in.first()
		if p == nil || len(in.out.Events) == blockRows {
			if len(in.out.Events) > 0 {
				if err := write(&in.out); err != nil {
					return err
				}
			}
			if p == nil {
				return last()
			}
			in.out.Reset()
			in.copier.To(&in.out)
		}
		p.copier.Copy(&p.batch, p.i)
		if p.i++; p.i == len(p.batch.Events) {
			if err := in.fill(p); err != nil {
				return err
			}
		}
	}
}

// fill reads the next block of p, if there is one.
func (in *sources) fill(p *run) error {
	p.batch.Reset()
	p.copier.Forget()
	p.i = 0
	n := min(blockRows, p.h.rows-p.next)
	if n <= 0 {
		return nil
	}
	rows := rowsOf([]span{{uint32(p.next), uint32(p.next + n)}})
	p.next += n
	return in.rebuild.read(p.h.file, rows, &p.batch)
}

// first returns the run whose next event comes first; nil if none has any.
func (in *sources) first() (first *run) {
	for _, p := range in.all {
		if p.i == len(p.batch.Events) {
			continue
		}
		if first == nil || before(&p.batch.Events[p.i], &first.batch.Events[first.i]) {
			first = p
		}
	}
	return first
}

func before(a, b *event.Envelope) bool {
	if a.Subject.Key != b.Subject.Key {
		return a.Subject.Key < b.Subject.Key
	}
	return a.Time < b.Time
}
