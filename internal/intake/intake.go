// Package intake reads items of telemetry: it recognises what they are, has their records
// decoded, and accounts for every one of them.
//
// Events go to a [Sink], which lends the batch that the decoders fill, so that nothing is
// copied. [Intake.ReadAll] reads groups of items with several workers; what it returns does
// not depend on how many.
//
// The account of each item is its [Source]. Records = Decoded + all Rejected; reading files
// drops nothing. Lines that are part of a format and no telemetry, such as headers, are no
// records.
package intake

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet/pcap"
	"vedette/internal/source"
)

// Intake is how items are read. It holds no state of its own.
type Intake struct {
	Tenant, Site string
	Key          []byte            // secret of the installation
	Decoders     []decode.Kind     // the first that recognises an item decodes it
	Protocols    []decode.Protocol // of captures: what conversations may speak
	Frames       []decode.Frame    // of captures: what is not IP
}

// Sink takes events. One worker uses it, and from one goroutine.
type Sink interface {
	// Batch lends the batch to add to; the one lent before, if there was one, now belongs
	// to the sink again, with all that is in it. A batch without Origins is a fresh one:
	// whoever fills it names his source again. An error is the sink's own and ends it all.
	Batch() (*event.Batch, error)
}

// Source is what became of one item.
type Source struct {
	Path   string
	Status Status
	Format string // name of the decoder, empty if none recognised it
	// Error says, for people, why it was not read, or not whole; empty if it was.
	Error    string
	Records  uint64 // all that were received
	Decoded  uint64 // those that were understood, even if they made no event
	Events   uint64
	Rejected map[decode.Reason]Rejects // nil if there are none
	Datasets map[string]uint64         // events by what they are, of captures only, which hold many
	First    int64                     // times of the earliest and the latest event, Unix nanoseconds;
	Last     int64                     // 0 without events
}

// Rejects are records that were rejected for the same reason.
type Rejects struct {
	Count    uint64
	Position uint64 // of the first of them, to look at
}

// RejectedAll returns how many records were rejected for any reason.
func (s *Source) RejectedAll() (n uint64) {
	for _, r := range s.Rejected {
		n += r.Count
	}
	return n
}

// Status says how reading an item ended.
type Status uint8

// The ways reading can end.
const (
	Read          Status = iota // to its end
	Partly                      // it ended with an error
	NotTelemetry                // it is something else that lies about, such as a README, or it is empty
	NotRecognised               // no decoder knows it
	Unreadable                  // nothing of it could be read or understood
)

// String returns the status in words.
func (s Status) String() string {
	names := [...]string{"read", "partly read", "not telemetry", "not recognised", "unreadable"}
	if int(s) < len(names) {
		return names[s]
	}
	return ""
}

// Failed reports whether something that may be telemetry was not read.
func (s Status) Failed() bool { return s != Read && s != NotTelemetry }

// ReadAll reads all groups into sinks, with the given number of workers, each with a sink
// of its own, and returns the accounts of all items in the order of groups. With one
// worker it starts no goroutine. What is wrong with an item stands in its account; an
// error of ReadAll is a sink's, or of ctx, and then there are no accounts.
func (in Intake) ReadAll(ctx context.Context, groups []source.Group, sinks []Sink) ([]Source, error) {
	found := make([][]Source, len(groups))
	order := make([]int, len(groups)) // large ones first, so that the workers end together
	for i := range order {
		order[i] = i
	}
	if len(sinks) > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(groups[b].Size, groups[a].Size) })
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	work := func(sink Sink) {
		r := in.reader(sink)
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= len(order) {
				return
			}
			i := order[n]
			err := groups[i].Each(ctx, func(item source.Item) error {
				s, err := r.read(ctx, item)
				found[i] = append(found[i], s)
				return err
			})
			if err != nil {
				cancel(err)
			}
		}
	}
	if len(sinks) == 1 {
		work(sinks[0])
	} else {
		var wait sync.WaitGroup
		for _, s := range sinks {
			wait.Go(func() { work(s) })
		}
		wait.Wait()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return slices.Concat(found...), nil
}

// reader reads one item after the other.
type reader struct {
	in    Intake
	sink  Sink
	emit  *event.Emit
	lines *source.Lines

	// Of the item at hand.
	s      Source
	batch  *event.Batch
	decode decode.Record
}

// turn is how much is read between looking at ctx and asking for another batch: bytes,
// where a record counts for a KiB more than it has.
const turn = 512 << 10

func (in Intake) reader(sink Sink) *reader {
	return &reader{in: in, sink: sink, emit: event.NewEmit(in.Key), lines: source.NewLines(decode.MaxRecord)}
}

// read reads an item and returns its account. The error is the sink's or of ctx.
func (r *reader) read(ctx context.Context, item source.Item) (Source, error) {
	r.s = Source{Path: item.Name}
	switch {
	case item.Skip != "":
		r.s.Status, r.s.Error = NotTelemetry, item.Skip
		return r.s, nil
	case item.Err != nil:
		r.s.Status, r.s.Error = Unreadable, item.Err.Error()
		return r.s, ctx.Err()
	}
	r.lines.Reset(item.Reader)
	head, err := r.lines.Head(decode.HeadSize)
	if err != nil {
		r.s.Status, r.s.Error = NotRecognised, err.Error()
		return r.s, nil
	}
	if len(head) == 0 {
		r.empty()
		return r.s, ctx.Err()
	}
	if pcap.Is(head) {
		return r.capture(ctx)
	}
	kind, ok := recognise(r.in.Decoders, head)
	if !ok {
		r.s.Status, r.s.Error = strange(item.Name, head)
		return r.s, nil
	}
	r.s.Format = kind.Name
	r.decode = kind.New()
	err = r.records(ctx)
	return r.s, err
}

// empty accounts for an item without a byte.
func (r *reader) empty() {
	if _, err := r.lines.Next(); err != nil && !isEnd(err) {
		r.s.Status, r.s.Error = Unreadable, err.Error()
		return
	}
	r.s.Status, r.s.Error = NotTelemetry, "empty"
}

// records reads all records of the item.
func (r *reader) records(ctx context.Context) error {
	for named := false; ; named = true {
		if err := r.turn(ctx, named); err != nil {
			return err
		}
		for size := 0; size < turn; size += 1 << 10 {
			line, err := r.lines.Next()
			switch {
			case err == nil:
				r.record(line)
				size += len(line)
			case errors.Is(err, source.ErrTooLong):
				r.reject(decode.TooLong)
			default:
				r.end(err)
				return ctx.Err()
			}
		}
	}
}

// turn asks for a batch to go on with, unless ctx has ended. Named says whether the source
// was named in the one before.
func (r *reader) turn(ctx context.Context, named bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := r.sink.Batch()
	if err != nil {
		return err
	}
	if !named || b != r.batch || len(b.Origins) == 0 {
		r.emit.Source(b, r.in.Tenant, r.in.Site, r.s.Path)
		r.batch = b
	}
	return nil
}

// record has one record decoded.
func (r *reader) record(line []byte) {
	if len(line) == 0 { // no format has such records, and a bomb of them must not cost much
		return
	}
	before := len(r.batch.Events)
	r.emit.Begin(r.lines.Position(), event.Claimed, line)
	if err := attempt(r.decode, line, r.emit); err != nil {
		r.emit.Abort()
		if err != error(decode.NotRecord) {
			r.reject(reason(err))
		}
		return
	}
	made := r.batch.Events[before:]
	r.s.Records++
	r.s.Decoded++
	if len(made) == 0 {
		r.emit.Abort() // a record without events needs no place
		return
	}
	r.s.made(made)
}

// made counts events.
func (s *Source) made(events []event.Envelope) {
	for i := range events {
		if s.Events == 0 {
			s.First, s.Last = events[0].Time, events[0].Time
		}
		s.Events++
		s.First, s.Last = min(s.First, events[i].Time), max(s.Last, events[i].Time)
	}
}

// Failure is the reason for rejecting a record on which the decoder failed.
const Failure = decode.Reason("the decoder failed on it, a mistake of this program")

// attempt calls the decoder, and survives it.
func attempt(d decode.Record, line []byte, emit *event.Emit) (err error) {
	defer func() {
		if recover() != nil {
			err = Failure
		}
	}()
	return d(line, emit)
}

// reason returns why a record is rejected. A decoder that gives something else than a
// [decode.Reason] has a mistake too.
func reason(err error) decode.Reason {
	if r, ok := err.(decode.Reason); ok {
		return r
	}
	if r, ok := errors.AsType[decode.Reason](err); ok {
		return r
	}
	return Failure
}

func (r *reader) reject(why decode.Reason) { r.s.reject(why, r.lines.Position()) }

// reject counts a record that is rejected.
func (s *Source) reject(why decode.Reason, position uint64) {
	s.Records++
	if s.Rejected == nil {
		s.Rejected = map[decode.Reason]Rejects{}
	}
	n, ok := s.Rejected[why]
	if !ok {
		n.Position = position
	}
	n.Count++
	s.Rejected[why] = n
}
