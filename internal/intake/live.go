package intake

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/source"
)

// Log is what live intake needs of a log: what was appended survives. Nobody else appends
// to it meanwhile.
type Log interface {
	// Append appends an entry. An error of kind Invalid says that it can never be; after
	// any other it may be there all the same.
	Append(ctx context.Context, data []byte) (input.Position, error)
	// Retry appends an entry that could not be appended when after was the last position,
	// unless it is there.
	Retry(ctx context.Context, data []byte, after input.Position) (input.Position, error)
	// Last returns the last position.
	Last() input.Position
}

// Live turns the records of feeds into entries of a log: it decodes them, gathers them to
// batches, and appends each batch together with the marks that belong to it. A record is
// safe when the entry is; what a feed emits waits while the log is busy.
//
// A log that cannot be written is no end: Live tries again until it can, and feeds wait so
// long. Nothing but feeds waits: accounts can be asked for all the time.
type Live struct {
	in   Intake
	log  Log
	now  func() time.Time
	last time.Duration // for what is on its way when it ends

	lock    sync.Mutex
	emit    *event.Emit
	batch   event.Batch
	counts  map[string]uint64 // events of the batch at hand, by source
	marks   []input.Mark
	sources map[string]*liveSource
	named   string // the source that the batch was told of last
	since   time.Time
	waiting []chan error // for the batch at hand to be safe
	latest  moment
	ended   error // why nothing is taken any more

	queue   []liveEntry   // on their way to the log
	more    chan struct{} // has one when there is something in queue, or it has ended
	room    chan struct{} // closed and replaced when there is room in queue
	stalled Stall
}

// liveEntry is a batch on its way to the log.
type liveEntry struct {
	data    []byte
	marks   []input.Mark
	counts  map[string]uint64 // its events, by source; nil if there is no batch
	waiting []chan error
}

// Stall is why the log takes nothing at present. The zero Stall says that it does.
type Stall struct {
	Err   error
	Since time.Time
}

// moment is the time of an event, and when it came.
type moment struct {
	at   int64 // Unix nanoseconds
	came time.Time
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
	Last     int64             // time of the latest event that is not ahead, Unix nanoseconds
}

const (
	liveFull  = 1000                  // events in a batch
	liveBytes = 4 << 20               // or about so many bytes
	liveWait  = 50 * time.Millisecond // or so long after its first record
	liveAhead = 4                     // batches on their way to the log
	liveLast  = 10 * time.Second      // for what is on its way when it ends

	firstPause = 50 * time.Millisecond // until the log is tried again; it doubles
	mostPause  = 2 * time.Second

	tooLarge = "a batch too large for the log"
)

// NewLive returns a live intake. Its Run has to be running for anything to get through.
func (in Intake) NewLive(log Log, now func() time.Time) *Live {
	return &Live{
		in: in, log: log, now: now, last: liveLast, emit: event.NewEmit(in.Key), sources: map[string]*liveSource{}, counts: map[string]uint64{},
		more: make(chan struct{}, 1), room: make(chan struct{}),
	}
}

// Run appends batches until ctx ends; what was emitted by then is appended first, within
// ten seconds. It fails if that cannot be done.
func (l *Live) Run(ctx context.Context) error {
	end := make(chan struct{})
	go func() {
		defer close(end)
		l.push(ctx)
	}()
	limited, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(l.last, cancel) })
	defer stop()
	var err error
	for e := range l.each() {
		if err == nil && e.data != nil {
			err = l.append(limited, e)
		}
		for _, w := range e.waiting {
			w <- err
		}
	}
	<-end
	return err
}

// each gives the entries on their way, until it has ended and there are no more.
func (l *Live) each() func(yield func(liveEntry) bool) {
	return func(yield func(liveEntry) bool) {
		for range l.more {
			for {
				l.lock.Lock()
				if len(l.queue) == 0 {
					ended := l.ended != nil
					l.lock.Unlock()
					if ended {
						return
					}
					break
				}
				e := l.queue[0]
				l.queue = slices.Delete(l.queue, 0, 1)
				l.roomy()
				l.lock.Unlock()
				if !yield(e) {
					return
				}
			}
		}
	}
}

// roomy tells whoever waits for room in the queue. The lock is held.
func (l *Live) roomy() {
	close(l.room)
	l.room = make(chan struct{})
}

// append appends an entry, and tries again until it is there. What can never be appended
// is counted as lost.
func (l *Live) append(ctx context.Context, e liveEntry) error {
	after := l.log.Last()
	_, err := l.log.Append(ctx, e.data)
	for pause := firstPause; err != nil; pause = min(2*pause, mostPause) {
		if fault.KindOf(err) == fault.Invalid && e.counts != nil {
			l.drop(e.counts)
			marks := input.Entry{Marks: e.marks}
			e.data, e.counts = marks.Append(nil), nil
			_, err = l.log.Append(ctx, e.data)
			continue
		}
		l.stall(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		_, err = l.log.Retry(ctx, e.data, after)
	}
	l.stall(nil)
	return nil
}

// drop counts the events of a batch that is too large for the log.
func (l *Live) drop(counts map[string]uint64) {
	l.lock.Lock()
	defer l.lock.Unlock()
	for name, n := range counts { // any order: each by itself
		l.source(source.Record{Source: name}).account.Lost[tooLarge] += n
	}
}

func (l *Live) stall(err error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	switch {
	case err == nil:
		l.stalled = Stall{}
	case l.stalled.Err == nil:
		l.stalled = Stall{err, l.now()}
	default:
		l.stalled.Err = err
	}
}

// Stalled returns why the log takes nothing at present.
func (l *Live) Stalled() Stall {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.stalled
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
			if l.begun() && len(l.queue) < liveAhead && l.now().Sub(l.since) >= liveWait/2 {
				l.send()
			}
			l.lock.Unlock()
		case <-ctx.Done():
			l.lock.Lock()
			if l.begun() {
				l.send()
			}
			l.ended = context.Cause(ctx)
			l.roomy() // whoever waits for room is told
			l.wake()
			l.lock.Unlock()
			return
		}
	}
}

func (l *Live) wake() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// begun reports whether there is something to append.
func (l *Live) begun() bool { return len(l.batch.Records) > 0 || len(l.marks) > 0 }

// send sends the batch at hand on its way and begins another. The lock is held.
func (l *Live) send() {
	out := liveEntry{marks: l.marks, waiting: l.waiting}
	if l.begun() {
		e := input.Entry{Marks: l.marks}
		if len(l.batch.Records) > 0 {
			e.Batch, e.Arrived = &l.batch, arrival(l.now())
			out.counts = maps.Clone(l.counts)
		}
		out.data = e.Append(nil)
	}
	l.batch.Reset()
	clear(l.counts)
	l.marks, l.waiting, l.named = nil, nil, ""
	l.queue = append(l.queue, out)
	l.wake()
}

// written is before this program was: a clock that says so was never set.
const written = 1_735_689_600_000_000_000 // 2025-01-01

// arrival returns what an entry says of when it came: nothing, if the clock was never set.
func arrival(now time.Time) int64 {
	if at := now.UnixNano(); at >= written {
		return at
	}
	return 0
}

// enter takes the lock when there is room for another entry, or returns an error.
func (l *Live) enter(ctx context.Context) error {
	for {
		l.lock.Lock()
		if l.ended != nil {
			defer l.lock.Unlock()
			return l.ended
		}
		if len(l.queue) < liveAhead {
			return nil
		}
		room := l.room
		l.lock.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Tick appends the passing of time, for when nothing comes that would show it. It does
// nothing while the log is busy.
func (l *Live) Tick(to int64) { l.say(input.Entry{Tick: to}, liveAhead) }

// Set appends what people set. It holds for all that is emitted from here on.
func (l *Live) Set(s input.Setting) { l.say(input.Entry{Setting: &s}, math.MaxInt) }

// say appends an entry of its own, if no more than some are on their way.
func (l *Live) say(e input.Entry, most int) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.ended != nil || len(l.queue) >= most {
		return
	}
	if l.begun() {
		l.send()
	}
	l.queue = append(l.queue, liveEntry{data: e.Append(nil)})
	l.wake()
}

// Latest returns the time of the latest event so far that was not ahead of the clock, Unix
// nanoseconds, and when it came; 0 if none did.
func (l *Live) Latest() (at int64, came time.Time) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.latest.at, l.latest.came
}

// Out returns an out for one goroutine of a feed. When ctx ends, it waits for nothing any
// more.
func (l *Live) Out(ctx context.Context) source.Out { return &liveOut{Live: l, ctx: ctx} }

// liveOut implements [source.Out]. It holds records until their mark is there, so that a
// batch never goes on its way between the two.
type liveOut struct {
	*Live
	ctx  context.Context // of the feed's run
	data []byte          // of the records
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
	return errors.Join(o.ended, ctx.Err())
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
	l.counts[r.Source] += uint64(len(made))
	until := input.Bound(arrival(s.account.Seen), l.latest.at)
	for i := range made {
		if at := made[i].Time; at <= until {
			s.account.Last = max(s.account.Last, at)
			if at > l.latest.at {
				l.latest = moment{at, s.account.Seen}
			}
		}
	}
}

// Mark implements [source.Out].
func (o *liveOut) Mark(name string, place []byte) {
	l := o.Live
	if l.enter(o.ctx) != nil {
		return // it ends: what is held was not marked, and is not safe
	}
	defer l.lock.Unlock()
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
	if err := l.enter(ctx); err != nil {
		return err
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
