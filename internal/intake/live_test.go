package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/decode"
	"vedette/internal/event"
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
	err     error
	slow    time.Duration
}

func (m *memory) Append(_ context.Context, data []byte) (input.Position, error) {
	time.Sleep(m.slow)
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.err != nil {
		return 0, m.err
	}
	e, err := input.Read(input.Position(len(m.entries)+1), data, new(event.Batch))
	m.entries = append(m.entries, e)
	return e.At, err
}

func start(t *testing.T, log *memory) (*Live, func() error) {
	t.Helper()
	l := Intake{Tenant: "t", Site: "s", Decoders: []decode.Kind{lines}}.NewLive(log, time.Now)
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
	out := l.Out()
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
			out, name := l.Out(), fmt.Sprint("feed ", f)
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

func TestLiveSaysWhenTheLogFails(t *testing.T) {
	full := errors.New("the disk is full")
	l, stop := start(t, &memory{err: full})
	out := l.Out()
	if err := out.Emit(t.Context(), source.Record{Source: "x", Data: []byte("event")}); err != nil {
		t.Fatal(err)
	}
	out.Mark("x", []byte("1"))
	if err := out.Flush(t.Context()); !errors.Is(err, full) {
		t.Errorf("Flush said %v", err)
	}
	for range 1000 {
		if err := out.Emit(t.Context(), source.Record{Source: "x", Data: []byte("event")}); errors.Is(err, full) {
			_ = stop()
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("emitting went on although nothing can be kept")
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
	out := l.Out()
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
