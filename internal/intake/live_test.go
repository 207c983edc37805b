package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// lines is a format of one word a line: "event", "nothing", "#header", or anything else,
// which is rejected; "panic" is a mistake of the decoder.
var lines = decode.Kind{
	Info:  plug.Info{Name: "words", Summary: "words"},
	Sniff: func(head []byte) bool { return len(head) > 0 && head[0] < 0x80 },
	New: func() decode.Record {
		return func(data []byte, e *event.Emit) error {
			switch {
			case string(data) == "panic":
				panic("a mistake")
			case data[0] == '#':
				return decode.NotRecord
			case string(data) == "nothing":
				return nil
			case !strings.HasPrefix(string(data), "event"):
				return decode.NotJSON
			}
			h, o := e.Other(1)
			h.Dataset, o.Message = e.Text([]byte("test")), e.Text(data)
			return nil
		}
	},
}

// memory is a log in memory.
type memory struct {
	lock    sync.Mutex
	entries []input.Entry
	data    [][]byte
	err     error
	unsure  bool // with an error, the entry is there all the same
	largest int  // entry; 0 is any
	slow    time.Duration
}

func (m *memory) fail(err error, unsure bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.err, m.unsure = err, unsure
}

func (m *memory) Last() input.Position {
	m.lock.Lock()
	defer m.lock.Unlock()
	return input.Position(len(m.entries))
}

func (m *memory) Retry(ctx context.Context, data []byte, after input.Position) (input.Position, error) {
	m.lock.Lock()
	there := m.err == nil && len(m.data) > int(after) && bytes.Equal(m.data[after], data)
	m.lock.Unlock()
	if there {
		return after + 1, nil
	}
	return m.Append(ctx, data)
}

func (m *memory) Append(_ context.Context, data []byte) (input.Position, error) {
	time.Sleep(m.slow)
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.largest > 0 && len(data) > m.largest {
		return 0, fault.New(fault.Invalid, "too large")
	}
	if err := m.err; err != nil && !m.unsure {
		return 0, err
	} else if err != nil {
		m.unsure = false
		defer func() { m.err = err }()
		m.err = nil
		e, _ := input.Read(input.Position(len(m.entries)+1), data, new(event.Batch))
		m.entries, m.data = append(m.entries, e), append(m.data, bytes.Clone(data))
		return 0, err
	}
	m.data = append(m.data, bytes.Clone(data))
	e, err := input.Read(input.Position(len(m.entries)+1), data, new(event.Batch))
	m.entries = append(m.entries, e)
	return e.At, err
}

func start(t *testing.T, log *memory) (*Live, func() error) {
	t.Helper()
	l := Intake{Tenant: "t", Site: "s", Decoders: []decode.Kind{lines}}.NewLive(log, time.Now)
	l.last = 300 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- l.Run(ctx) }()
	return l, func() error {
		cancel()
		select {
		case err := <-end:
			return err
		case <-time.After(10 * time.Second):
			t.Fatal("Run did not end")
			return nil
		}
	}
}

func TestLiveAccountsForEverything(t *testing.T) {
	log := new(memory)
	l, stop := start(t, log)
	out := l.Out(t.Context())
	for i, word := range []string{"#header", "event a", "nothing", "rubbish", "panic", "event b", "\xff"} {
		if err := out.Emit(t.Context(), source.Record{Source: "x", Position: uint64(i + 1), Data: []byte(word)}); err != nil {
			t.Fatal(err)
		}
	}
	out.Lost("x", "the sender was too fast", 3)
	if err := out.Emit(t.Context(), source.Record{Source: "y", Data: []byte("\xff")}); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := l.Accounts()
	if len(a) != 2 || a[0].Received != 6 || a[0].Decoded != 3 || a[0].Events != 2 || a[0].Lost["the sender was too fast"] != 3 ||
		a[0].Rejected[string(Failure)] != 1 || a[0].Rejected[string(decode.NotJSON)] != 2 || a[1].Rejected[string(unknown)] != 1 {
		t.Errorf("%+v", a)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(log.entries); n == 0 || len(log.entries[0].Batch.Events) != 2 {
		t.Errorf("%d entries", n)
	}
}

// TestLiveMarksStandWithTheirRecords has several feeds mark after each record, and checks
// that at every entry the marks that stand in the log so far fit the records that do.
func TestLiveMarksStandWithTheirRecords(t *testing.T) {
	log := &memory{slow: time.Millisecond}
	l, stop := start(t, log)
	var feeds sync.WaitGroup
	const each = 3000
	for f := range 4 {
		feeds.Go(func() {
			out, name := l.Out(t.Context()), fmt.Sprint("feed ", f)
			for i := range each {
				if err := out.Emit(t.Context(), source.Record{Source: name, Position: uint64(i + 1), Data: []byte("event")}); err != nil {
					t.Error(err)
				}
				out.Mark(name, []byte(fmt.Sprint(i+1)))
			}
			if err := out.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	feeds.Wait()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	seen, marked := map[string]int{}, map[string]string{}
	for _, e := range log.entries {
		if e.Batch != nil {
			for i := range e.Batch.Events {
				v := event.View{Batch: e.Batch, I: i}
				name := v.String(v.Origin().Source)
				if seen[name]++; v.Record().Position != uint64(seen[name]) {
					t.Fatalf("record %d of %s came as number %d", v.Record().Position, name, seen[name])
				}
			}
		}
		for _, m := range e.Marks {
			marked[m.Source] = string(m.Place)
			if string(m.Place) != fmt.Sprint(seen[m.Source]) {
				t.Fatalf("%s goes on after %s, but %d of its records are in the log", m.Source, m.Place, seen[m.Source])
			}
		}
	}
	for name, n := range seen {
		if n != each || marked[name] != fmt.Sprint(each) {
			t.Errorf("%s: %d records, marked at %s", name, n, marked[name])
		}
	}
}

// TestLiveWaitsForTheLog has the log fail for a while, without a trace and with the entry
// there all the same: nothing ends, nothing is lost and nothing is there twice.
func TestLiveWaitsForTheLog(t *testing.T) {
	for name, unsure := range map[string]bool{"not_there": false, "there_all_the_same": true} {
		t.Run(name, func(t *testing.T) {
			log := new(memory)
			l, stop := start(t, log)
			log.fail(errors.New("the disk is full"), unsure)
			const n = 20_000
			safe := make(chan error, 1)
			go func() {
				out := l.Out(t.Context())
				for i := range n {
					if err := out.Emit(t.Context(), source.Record{Source: "x", Position: uint64(i + 1), Data: []byte("event")}); err != nil {
						t.Error(err)
					}
					out.Mark("x", []byte(fmt.Sprint(i+1)))
				}
				safe <- out.Flush(t.Context())
			}()
			for end := time.Now().Add(10 * time.Second); l.Stalled().Err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
			}
			if s := l.Stalled(); s.Err == nil || s.Since.IsZero() {
				t.Fatal("it does not say that the log takes nothing")
			}
			l.Tick(1) // nothing but feeds waits
			if a := l.Accounts(); len(a) != 1 || a[0].Received == n {
				t.Errorf("feeds do not wait: %+v", a)
			}
			select {
			case err := <-safe:
				t.Fatalf("records are said to be safe: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			log.fail(nil, false)
			if err := <-safe; err != nil {
				t.Fatal(err)
			}
			if s := l.Stalled(); s.Err != nil {
				t.Errorf("it still says %v", s.Err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			next := uint64(1)
			for _, e := range log.entries {
				if e.Batch == nil {
					continue
				}
				for i := range e.Batch.Events {
					if at := (event.View{Batch: e.Batch, I: i}).Record().Position; at != next {
						t.Fatalf("record %d comes after %d", at, next-1)
					}
					next++
				}
			}
			if next != n+1 {
				t.Errorf("%d of %d records are there", next-1, n)
			}
		})
	}
}

// TestLiveEndsWhileTheLogFails: a feed that waits for the log ends when it should, and
// whoever waits for its records to be safe is told that they are not.
func TestLiveEndsWhileTheLogFails(t *testing.T) {
	log := new(memory)
	log.fail(errors.New("the disk is full"), false)
	l := Intake{Decoders: []decode.Kind{lines}}.NewLive(log, time.Now)
	l.last = 300 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	feed, stop := context.WithCancel(t.Context())
	out := l.Out(feed)
	marked := make(chan error, 1)
	go func() {
		for i := range 100_000 {
			if err := out.Emit(feed, source.Record{Source: "x", Position: uint64(i + 1), Data: []byte("event")}); err != nil {
				break
			}
			out.Mark("x", []byte("1"))
		}
		marked <- out.Flush(feed)
	}()
	time.Sleep(100 * time.Millisecond)
	stop()
	select {
	case err := <-marked:
		if err == nil {
			t.Error("records that are nowhere are said to be safe")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the feed does not end")
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it ends as if all were kept")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestLiveDropsWhatIsTooLarge: a batch that the log can never take is counted, and what
// comes after it gets through.
func TestLiveDropsWhatIsTooLarge(t *testing.T) {
	log := &memory{largest: 4000}
	l, stop := start(t, log)
	out := l.Out(t.Context())
	for i, word := range []string{"event " + strings.Repeat("x", 5000), "event"} {
		if err := out.Emit(t.Context(), source.Record{Source: "x", Position: uint64(i + 1), Data: []byte(word)}); err != nil {
			t.Fatal(err)
		}
		out.Mark("x", []byte(fmt.Sprint(i+1)))
		if err := out.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	a := l.Accounts()[0]
	if a.Received != 2 || a.Lost[tooLarge] != 1 || len(log.entries) != 2 || string(log.entries[0].Marks[0].Place) != "1" || log.entries[0].Batch != nil || log.entries[1].Batch == nil {
		t.Errorf("%+v, %+v", a, log.entries)
	}
}

// TestLiveKeepsToTheClock: an event of next year does not move what is latest, and entries
// say when they came unless the clock was never set.
func TestLiveKeepsToTheClock(t *testing.T) {
	log := new(memory)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := Intake{Decoders: []decode.Kind{timed}}.NewLive(log, func() time.Time { return now })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	out := l.Out(t.Context())
	for i, at := range []time.Time{now.Add(-time.Minute), now.AddDate(1, 0, 0), now.Add(time.Second)} {
		if err := out.Emit(t.Context(), source.Record{Source: "x", Position: uint64(i + 1), Data: fmt.Append(nil, at.UnixNano())}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, came := l.Latest(); at != now.Add(time.Second).UnixNano() || !came.Equal(now) || l.Accounts()[0].Last != at {
		t.Errorf("latest is %v, came %v", time.Unix(0, at), came)
	}
	cancel()
	if err := <-ended; err != nil || log.entries[0].Arrived != now.UnixNano() {
		t.Errorf("%v; it came at %d", err, log.entries[0].Arrived)
	}
	if at := arrival(time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC)); at != 0 {
		t.Errorf("a clock that was never set says %d", at)
	}
}

// timed is a format of one time a line, in Unix nanoseconds.
var timed = decode.Kind{
	Info:  plug.Info{Name: "times", Summary: "times"},
	Sniff: func([]byte) bool { return true },
	New: func() decode.Record {
		return func(data []byte, e *event.Emit) error {
			at, err := strconv.ParseInt(string(data), 10, 64)
			if err != nil {
				return decode.NotJSON
			}
			h, _ := e.Other(at)
			h.Dataset = e.Text([]byte("test"))
			return nil
		}
	},
}

func TestLiveTicks(t *testing.T) {
	log := new(memory)
	l, stop := start(t, log)
	l.Tick(12345)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(log.entries) != 1 || log.entries[0].Tick != 12345 {
		t.Errorf("%+v", log.entries)
	}
}

// TestLiveTold takes the time that a sender says beside a record, if the record has none.
func TestLiveTold(t *testing.T) {
	kind := words()
	kind.New = func() decode.Record {
		return func(data []byte, emit *event.Emit) error {
			if emit.Told() == 0 {
				return decode.NoTime
			}
			emit.Flow(emit.Told())
			return nil
		}
	}
	log := &memory{}
	l := intakeOf(kind).NewLive(log, time.Now)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	out := l.Out(ctx)
	for i, at := range []int64{0, 7, 0, 9} {
		if err := out.Emit(t.Context(), source.Record{Source: "s", Position: uint64(i + 1), Time: at, Data: []byte("#words")}); err != nil {
			t.Fatal(err)
		}
	}
	out.Mark("s", nil)
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if a := l.Accounts()[0]; a.Decoded != 2 || a.Rejected[string(decode.NoTime)] != 2 || a.Last != 9 {
		t.Errorf("%+v", a)
	}
}
