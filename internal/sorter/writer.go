package sorter

import "vedette/internal/event"

// Writer takes events, in any order. It is used by one goroutine at a time.
type Writer struct {
	dir     string
	share   int // bytes of memory; 0 is without limit
	segment int // bytes of a segment
	frame   int // bytes of a frame in a run
	fan     int // runs of one level that there may be

	at      *segment   // that is being filled
	full    []*segment // sorted
	idle    []*segment // emptied
	memory  int        // bytes that full holds
	scratch []key      // for sorting
	runs    []*run
	events  uint64 // in full and runs
	spills  int
	spilled int64
}

// segment is a batch that was filled, and its order.
type segment struct {
	batch event.Batch
	order []key
}

// key is an event's place in the order within its segment.
type key struct {
	time     int64
	position uint64
	source   uint32 // rank of its origin
	event    uint32 // index in the batch
}

// Batch lends the batch to add to, as intake's Sink says: the one lent before is taken
// back with what was added to it, and is lent again while there is room in it. A batch
// without Origins is a fresh one. It fails when a run cannot be written.
func (w *Writer) Batch() (*event.Batch, error) {
	if w.at != nil && w.at.batch.Size()+keySize*len(w.at.batch.Events) >= w.segment {
		w.seal()
		if w.share > 0 && w.memory+w.segment > w.share {
			if err := w.spill(); err != nil {
				return nil, err
			}
		}
	}
	if w.at == nil {
		if n := len(w.idle); n > 0 {
			w.at, w.idle = w.idle[n-1], w.idle[:n-1]
		} else {
			w.at = new(segment)
			if n := len(w.full); n > 0 {
				w.at.batch.Expect(&w.full[n-1].batch)
			}
		}
	}
	return &w.at.batch, nil
}

// Add adds the events of b, which are copied.
func (w *Writer) Add(b *event.Batch) error {
	var c event.Copier
	for i := 0; i < len(b.Events); {
		to, err := w.Batch()
		if err != nil {
			return err
		}
		c.To(to)
		for end := min(len(b.Events), i+1000); i < end; i++ {
			c.Copy(b, i)
		}
	}
	return nil
}

const keySize = 24

// seal ends the segment that is being filled.
func (w *Writer) seal() {
	s := w.at
	w.at = nil
	if len(s.batch.Events) == 0 {
		w.recycle(s)
		return
	}
	w.sort(s)
	w.full = append(w.full, s)
	w.memory += s.batch.Memory() + keySize*cap(s.order)
	w.events += uint64(len(s.order))
}

func (w *Writer) recycle(s *segment) {
	s.batch.Reset()
	s.order = s.order[:0]
	w.idle = append(w.idle, s)
}
