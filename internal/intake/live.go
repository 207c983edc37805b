package intake

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/source"
)

// Log is what live intake needs of a log: what was appended survives.
type Log interface {
	Append(ctx context.Context, data []byte) (input.Position, error)
}

// Live turns the records of feeds into entries of a log: it decodes them, gathers them to
// batches, and appends each batch together with the marks that belong to it. A record is
// safe when the entry is; what a feed emits waits while the log is busy.
type Live struct {
	in  Intake
	log Log
	now func() time.Time

	lock    sync.Mutex
	emit    *event.Emit
	batch   event.Batch
	marks   []input.Mark
	sources map[string]*liveSource
	named   string // the source that the batch was told of last
	since   time.Time
	failed  error        // why nothing can be appended any more
	waiting []chan error // for the batch at hand to be safe
	latest  int64        // time of the latest event, Unix nanoseconds

	entries chan liveEntry
}

// liveEntry is a batch on its way to the log.
type liveEntry struct {
	data    []byte
	waiting []chan error
}

// liveSource is a source as it is decoded.
type liveSource struct {
	decode  decode.Record
	account Account
}

// Account is what became of the records of one feed's source: Received = Decoded + all
// Rejected, and Lost beside it.
type Account struct {
	Source   string
	Format   string // empty until it is recognised
	Received uint64
	Decoded  uint64
	Events   uint64
	Rejected map[string]uint64
	Lost     map[string]uint64 // what the feed knows it could not take
	First    time.Time         // of the first event of a file that is replayed; else zero
	Seen     time.Time         // when the last record came
	Over     bool              // there is no more: it is a file that was read to its end
	Problem  string            // why it was not read, or not whole; empty if it was
	Last     int64             // time of the latest event, Unix nanoseconds
}

const (
	liveFull  = 1000                  // events in a batch
	liveBytes = 4 << 20               // or about so many bytes
	liveWait  = 50 * time.Millisecond // or so long after its first record
	liveAhead = 4                     // batches on their way to the log
)

// NewLive returns a live intake. Its Run has to be running for anything to get through.
func (in Intake) NewLive(log Log, now func() time.Time) *Live {
	return &Live{
		in: in, log: log, now: now, emit: event.NewEmit(in.Key), sources: map[string]*liveSource{},
		entries: make(chan liveEntry, liveAhead),
	}
}

// Run appends batches until ctx ends; what was emitted by then is appended first, within
// ten seconds. It fails when the log does.
func (l *Live) Run(ctx context.Context) error {
	end := make(chan struct{})
	go func() {
		defer close(end)
		l.push(ctx)
	}()
	var err error
	for e := range l.entries {
		if err == nil && e.data != nil {
			err = l.append(ctx, e.data)
		}
		for _, w := range e.waiting {
			w <- err
		}
		if err != nil {
			l.fail(err)
		}
	}
	<-end
	return err
}

// append appends an entry. At the end it gets ten seconds more.
func (l *Live) append(ctx context.Context, data []byte) error {
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		ctx = last
	}
	_, err := l.log.Append(ctx, data)
	return err
}

func (l *Live) fail(err error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.failed == nil {
		l.failed = err
	}
}

// push sends batches that have waited long enough on their way, and ends them all when ctx
// does.
func (l *Live) push(ctx context.Context) {
	t := time.NewTicker(liveWait / 2)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			l.lock.Lock()
			if l.begun() && l.now().Sub(l.since) >= liveWait/2 {
				l.send()
			}
			l.lock.Unlock()
		case <-ctx.Done():
			l.lock.Lock()
			if l.begun() {
				l.send()
			}
			l.failed = errors.Join(l.failed, context.Cause(ctx))
			close(l.entries)
			l.lock.Unlock()
			return
		}
	}
}

// begun reports whether there is something to append.
func (l *Live) begun() bool { return len(l.batch.Records) > 0 || len(l.marks) > 0 }

// send sends the batch at hand on its way and begins another. The lock is held, so that
// whoever emits waits too while the log is busy. Nothing is dropped here: whoever takes
// entries goes on taking them until there are no more.
func (l *Live) send() {
	out := liveEntry{waiting: l.waiting}
	if l.begun() {
		e := input.Entry{Marks: l.marks}
		if len(l.batch.Records) > 0 {
			e.Batch = &l.batch
		}
		out.data = e.Append(nil)
	}
	l.batch.Reset()
	l.marks, l.waiting, l.named = nil, nil, ""
	l.entries <- out
}

// Tick appends the passing of time, for when nothing comes that would show it.
func (l *Live) Tick(to int64) { l.say(input.Entry{Tick: to}) }

// Set appends what people set. It holds for all that is emitted from here on.
func (l *Live) Set(s input.Setting) { l.say(input.Entry{Setting: &s}) }

// say appends an entry of its own.
func (l *Live) say(e input.Entry) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.failed != nil {
		return
	}
	if l.begun() {
		l.send()
	}
	l.entries <- liveEntry{data: e.Append(nil)}
}

// Latest returns the time of the latest event so far, Unix nanoseconds, 0 if none came.
func (l *Live) Latest() int64 {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.latest
}

// Out returns an out for one goroutine of a feed.
func (l *Live) Out() source.Out { return &liveOut{Live: l} }

// liveOut implements [source.Out]. It holds records until their mark is there, so that a
// batch never goes on its way between the two.
type liveOut struct {
	*Live
	data []byte // of the records
	held []held
}

// held is a record without its data, which is the next n bytes.
type held struct {
	source.Record
	n int
}

// Emit implements [source.Out].
func (o *liveOut) Emit(ctx context.Context, r source.Record) error {
	o.data = append(o.data, r.Data...)
	h := held{r, len(r.Data)}
	h.Data = nil
	o.held = append(o.held, h)
	if len(o.held)%64 != 1 {
		return ctx.Err()
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	return errors.Join(o.failed, ctx.Err())
}

// commit decodes what is held into the batch at hand. The lock is held.
func (o *liveOut) commit() {
	data := o.data
	for _, h := range o.held {
		h.Data, data = data[:h.n], data[h.n:]
		o.take(h.Record)
	}
	o.data, o.held = o.data[:0], o.held[:0]
}

// take decodes a record into the batch at hand.
func (l *Live) take(r source.Record) {
	s := l.source(r)
	s.account.Received++
	s.account.Seen = l.now()
	if s.decode == nil && !l.recognise(s, r) {
		return
	}
	if !l.begun() {
		l.since = l.now()
	}
	l.record(s, r)
}

// full reports whether the batch at hand should go on its way.
func (l *Live) full() bool {
	return len(l.batch.Events) >= liveFull || l.batch.Size() >= liveBytes
}

func (l *Live) source(r source.Record) *liveSource {
	s := l.sources[r.Source]
	if s == nil {
		s = &liveSource{account: Account{Source: r.Source, Rejected: map[string]uint64{}, Lost: map[string]uint64{}}}
		l.sources[r.Source] = s
	}
	return s
}

// recognise finds the decoder of a source from its first record, or counts that record as
// one that nobody knows.
func (l *Live) recognise(s *liveSource, r source.Record) bool {
	for _, k := range l.in.Decoders {
		if k.Name == r.Format || r.Format == "" && sniff(k, r.Data) {
			s.decode, s.account.Format = k.New(), k.Name
			return true
		}
	}
	s.account.Rejected[string(unknown)]++
	return false
}

const unknown = decode.Reason("format not recognised")

// record decodes one record into the batch.
func (l *Live) record(s *liveSource, r source.Record) {
	if l.named != r.Source {
		l.emit.Source(&l.batch, l.in.Tenant, l.in.Site, r.Source)
		l.named = r.Source
	}
	before := len(l.batch.Events)
	l.emit.Begin(r.Position, r.Trust, r.Data)
	l.emit.Tell(r.Time)
	if err := attempt(s.decode, r.Data, l.emit); err != nil {
		l.emit.Abort()
		if err == error(decode.NotRecord) {
			s.account.Received--
			return
		}
		s.account.Rejected[string(reason(err))]++
		return
	}
	s.account.Decoded++
	made := l.batch.Events[before:]
	if len(made) == 0 {
		l.emit.Abort()
		return
	}
	s.account.Events += uint64(len(made))
	for i := range made {
		s.account.Last = max(s.account.Last, made[i].Time)
	}
	l.latest = max(l.latest, s.account.Last)
}

// Mark implements [source.Out].
func (o *liveOut) Mark(name string, place []byte) {
	l := o.Live
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.failed != nil {
		return
	}
	o.commit()
	if !l.begun() {
		l.since = l.now()
	}
	if i := slices.IndexFunc(l.marks, func(m input.Mark) bool { return m.Source == name }); i >= 0 {
		l.marks[i].Place = slices.Clone(place)
	} else {
		l.marks = append(l.marks, input.Mark{Source: name, Place: slices.Clone(place)})
	}
	if l.full() {
		l.send()
	}
}

// Flush implements [source.Out].
func (o *liveOut) Flush(ctx context.Context) error {
	l := o.Live
	l.lock.Lock()
	if l.failed != nil {
		defer l.lock.Unlock()
		return l.failed
	}
	o.commit()
	safe := make(chan error, 1)
	l.waiting = append(l.waiting, safe)
	l.send() // even if there is nothing: what was sent before must be safe first
	l.lock.Unlock()
	select {
	case err := <-safe:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lost implements [source.Out].
func (o *liveOut) Lost(name, why string, n uint64) {
	l := o.Live
	l.lock.Lock()
	defer l.lock.Unlock()
	l.source(source.Record{Source: name}).account.Lost[why] += n
}

// Accounts returns what became of all records so far, in order of the sources' names.
func (l *Live) Accounts() []Account {
	l.lock.Lock()
	defer l.lock.Unlock()
	all := make([]Account, 0, len(l.sources))
	for _, s := range l.sources { // any order: they are sorted
		a := s.account
		a.Rejected, a.Lost = maps.Clone(a.Rejected), maps.Clone(a.Lost)
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Account) int { return cmp.Compare(a.Source, b.Source) })
	return all
}
