package push

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/source"
)

const (
	maxName    = 64   // bytes of what a sender calls its telemetry
	maxHost    = 31   // bytes of the host that it comes from
	maxHosted  = 128  // sources of a token until hosts are told apart no longer
	maxSources = 256  // of a token; what has another name is called "other"
	step       = 1000 // records between marks, at most
	maxGroup   = 64   // requests that are made safe together
)

// said is what a sender says of a record beside it.
type said struct {
	host string // where it comes from; may be empty
	name string // what it is
	time int64  // when it was, Unix nanoseconds; 0 if nothing is said
}

// visitor takes one record.
type visitor func(said said, data []byte) error

// job is a request on its way.
type job struct {
	key   hash
	keyed bool
	each  func(visitor) error // the records, in order; its errors are the visitor's
	state atomic.Int32
	free  func() // gives its memory back
	done  chan answer
}

// The states of a job. Whoever changes it from waiting owns what follows.
const (
	waiting int32 = iota
	taken         // by the worker
	left          // by whoever waited for it
)

// answer is what became of a job.
type answer struct {
	accepted, rejected uint32
	again              bool  // it had been taken before
	err                error // it could not be made safe now
}

// worker takes the requests of one token, one after the other: so the records of a source
// have one order, and a request that comes twice meets itself here.
type worker struct {
	token   token
	trust   event.Trust
	now     func() time.Time
	out     source.Out
	queue   chan *job // closed by nobody
	ring    *ring
	sources map[[2]string]*origin // by the sender's names for it: host, name
	known   map[string]*origin    // by its own
	order   []*origin             // the same, in the order in which they came
	since   int                   // records since the last mark
}

// origin is a source.
type origin struct {
	name     string
	said     string // the last part of it
	position uint64 // of its last record
}

func newWorker(t token, trust event.Trust, now func() time.Time, place func(string) []byte, out source.Out) *worker {
	w := &worker{
		token: t, trust: trust, now: now, out: out, queue: make(chan *job, maxQueue),
		sources: map[[2]string]*origin{}, known: map[string]*origin{},
	}
	var n uint64
	var last []byte
	if p := place(w.head()); len(p) > 0 {
		n, last = w.read(p)
	}
	w.ring = newRing(t.Name, n, last, place)
	return w
}

func (w *worker) head() string { return "push/" + w.token.Name }

// append appends what is marked: the positions of all sources, how many requests had a key,
// and the last of those.
func (w *worker) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(w.order)))
	for _, o := range w.order {
		dst = binary.AppendUvarint(dst, uint64(len(o.said)))
		dst = binary.AppendUvarint(append(dst, o.said...), o.position)
	}
	return w.ring.appendPage(binary.AppendUvarint(dst, w.ring.n))
}

// read reads what append wrote.
func (w *worker) read(p []byte) (n uint64, last []byte) {
	number := func() (v uint64) {
		v, size := binary.Uvarint(p)
		p = p[max(0, size):]
		return v
	}
	for range min(number(), maxSources+1) {
		size := min(number(), uint64(len(p)))
		name := string(p[:size])
		p = p[size:]
		w.called(name).position = number()
	}
	return number(), p
}

// run takes requests until ctx ends. Those that came while others were being made safe are
// made safe together.
func (w *worker) run(ctx context.Context) error {
	for {
		var first *job
		select {
		case <-ctx.Done():
			return nil
		case first = <-w.queue:
		}
		err := w.group(ctx, first)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("keeping what %s pushed: %w", w.token.Name, err)
		}
	}
}

func (w *worker) group(ctx context.Context, first *job) error {
	type one struct {
		*job
		answer
	}
	var all []one
	for j := first; j != nil; {
		if j.state.CompareAndSwap(waiting, taken) {
			a, err := w.take(ctx, j)
			j.free()
			if err != nil {
				return err
			}
			all = append(all, one{j, a})
		}
		j = nil
		if len(all) < maxGroup {
			select {
			case j = <-w.queue:
			default:
			}
		}
	}
	w.mark()
	err := w.out.Flush(ctx)
	if err != nil && fault.KindOf(err) != fault.Unavailable {
		return err
	}
	for _, o := range all {
		o.answer.err = err
		o.done <- o.answer
	}
	return nil
}

// take emits the records of a request, and marks them.
func (w *worker) take(ctx context.Context, j *job) (a answer, err error) {
	slot, skip, now := 0, uint32(0), w.now()
	if j.keyed {
		known := false
		if slot, known = w.ring.find(j.key, now); known {
			q := w.ring.requests[slot]
			if q.whole {
				return answer{accepted: q.accepted, rejected: q.rejected, again: true}, nil
			}
			skip = q.accepted + q.rejected // a part of it is there: it was cut by a crash
			a.accepted, a.rejected = q.accepted, q.rejected
		} else {
			w.turn()
			slot = w.ring.add(j.key, now)
		}
	}
	n := uint32(0)
	err = j.each(func(said said, data []byte) error {
		if n++; n <= skip {
			return nil
		}
		o := w.origin(said.host, said.name)
		o.position++
		if len(data) > maxLine {
			a.rejected++
			w.out.Lost(o.name, "a record longer than 1 MiB", 1)
		} else {
			a.accepted++
			if err := w.out.Emit(ctx, source.Record{Source: o.name, Format: w.token.Format, Position: o.position, Trust: w.trust, Time: said.time, Data: data}); err != nil {
				return err
			}
		}
		if w.since++; w.since >= step {
			if j.keyed {
				w.ring.note(slot, a.accepted, a.rejected, false)
			}
			w.mark()
		}
		return nil
	})
	if err == nil && j.keyed {
		w.ring.note(slot, a.accepted, a.rejected, true)
	}
	return a, err
}

// turn keeps a page of keys that is full, before another begins.
func (w *worker) turn() {
	if w.ring.full() {
		w.mark() // some of the page may not be in a mark yet
		w.out.Mark(w.ring.page(w.ring.current()), w.ring.appendPage(nil))
	}
}

// mark marks what the worker has taken so far. It comes after every step, even in the
// middle of a request, so that what lies between two marks is never much.
func (w *worker) mark() {
	w.since = 0
	w.out.Mark(w.head(), w.append(nil))
}

// origin returns the source that a sender means by a host, which may be empty, and a name.
// When there are many, hosts are told apart no longer; then names are not.
func (w *worker) origin(host, said string) *origin {
	key := [2]string{host, said}
	if o := w.sources[key]; o != nil {
		return o
	}
	name := clean(said)
	if host != "" {
		full := clean(host[:min(len(host), maxHost)]) + ":" + name
		if full = full[:min(len(full), maxName)]; w.known[full] != nil || len(w.known) < maxHosted {
			name = full
		}
	}
	if w.known[name] == nil && len(w.known) >= maxSources {
		name = "other"
	}
	o := w.called(name)
	if len(w.sources) < 4*maxSources && len(host)+len(said) <= 4*maxName {
		w.sources[[2]string{strings.Clone(host), strings.Clone(said)}] = o
	}
	return o
}

// called returns the source with a name of ours, and makes it if it is new.
func (w *worker) called(name string) *origin {
	o := w.known[name]
	if o == nil {
		o = &origin{name: w.head() + "/" + name, said: name}
		w.known[name] = o
		w.order = append(w.order, o)
	}
	return o
}

// clean returns a name with only such characters as do no harm anywhere.
func clean(name string) string {
	b := []byte(name[:min(len(name), maxName)])
	for i, c := range b {
		if c|0x20-'a' >= 26 && c-'0' >= 10 && !slices.Contains([]byte("._:-"), c) {
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "other"
	}
	return string(b)
}
