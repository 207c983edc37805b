// Package sourcetest is the conformance test of live sources: [Run] has a feed crash
// again and again, and checks that what it took is kept in order, and once.
//
// The [Log] that stands for the disk keeps records and marks in one step, as the product's
// does, and forgets the rest in a crash.
package sourcetest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"vedette/internal/source"
)

// Story is how records come to a source.
type Story struct {
	Config  string // of the feed
	Records int
	// Send has records from, from+1, ... to-1 arrive, in this order. It returns when the
	// sender may forget them, or ctx ends. The source may be down or crash meanwhile.
	Send func(ctx context.Context, from, to int) error
	// Number returns which record it is, or -1 if it is none of the story's.
	Number func(data []byte) int
	Lossy  bool  // what arrives while the source is down is lost
	Memory int64 // bytes that may be held when nothing is taken; 64 MiB if 0
}

// Run tests a kind. Tell returns a new story each time, with a place of its own.
func Run(t *testing.T, kind source.Kind, tell func(t *testing.T) Story) {
	t.Run("order", func(t *testing.T) { lives(t, kind, tell(t), 0) })
	t.Run("crashes", func(t *testing.T) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) { lives(t, kind, tell(t), seed+1) })
		}
	})
	t.Run("stops", func(t *testing.T) { stops(t, kind, tell(t)) })
	t.Run("back_pressure", func(t *testing.T) { pressed(t, kind, tell(t)) })
}

const maxCrashes = 12

// lives runs a feed through crashes until all is there, and checks it. Without a seed it
// does not crash.
func lives(t *testing.T, kind source.Kind, s Story, seed uint64) {
	defer nothingLeft(t)()
	log := NewLog()
	sent := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { sent <- send(ctx, s) }()
	for n := 0; ; n++ {
		feed, err := kind.New([]byte(s.Config))
		if err != nil {
			t.Fatal(err)
		}
		life := &Life{Log: log, Keep: 0.3, Seed: seed*1000 + uint64(n)}
		if seed > 0 && n < maxCrashes {
			life.Crash = 4 / float64(s.Records)
		}
		stop, done := life.Start(ctx, feed)
		over := s.wait(life, log, sent)
		stop()
		ended(t, done, life)
		if over || ctx.Err() != nil {
			break
		}
		if !life.Crashed() {
			t.Fatalf("after %d crashes it does not come to an end: %d of %d records are kept", n, len(log.Records()), s.Records)
		}
	}
	s.check(t, log, seed > 0)
}

// send sends all in portions of growing size.
func send(ctx context.Context, s Story) error {
	for from, n := 0, 1; from < s.Records; n = n%97 + 7 {
		to := min(from+n, s.Records)
		if err := s.Send(ctx, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// wait returns when the feed crashed, or true when all is there.
func (s *Story) wait(life *Life, log *Log, sent chan error) bool {
	over, quiet, before := false, 0, -1
	for end := time.Now().Add(50 * time.Second); time.Now().Before(end) && !life.Crashed(); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-sent:
			over = err == nil
			sent <- err // for the next life
		default:
		}
		n := s.numbers(log.Records())
		if quiet++; n != before {
			quiet, before = 0, n
		}
		if over && (n >= s.Records && quiet > 10 || s.Lossy && quiet > 50) { // time for some that are too many
			return true
		}
	}
	return false
}

func (s *Story) numbers(all []source.Record) (n int) {
	for _, r := range all {
		if s.Number(r.Data) >= 0 {
			n++
		}
	}
	return n
}

// check compares what is kept with what was sent. After a crash, all that a lossy source
// was sent may be lost: the sender does not wait.
func (s *Story) check(t *testing.T, log *Log, crashed bool) {
	t.Helper()
	type at struct {
		source   string
		position uint64
	}
	times, last, position := make([]int, s.Records), map[string]int{}, map[at]int{}
	for _, r := range log.Records() {
		n := s.Number(r.Data)
		if n < 0 {
			continue
		}
		if r.Source == "" || r.Position == 0 {
			t.Fatalf("record %d has no source or position: %+v", n, r)
		}
		times[n]++
		if before, ok := last[r.Source]; ok && before >= n {
			t.Fatalf("of %s, record %d comes after %d", r.Source, n, before)
		}
		last[r.Source] = n
		if before, ok := position[at{r.Source, r.Position}]; ok {
			t.Fatalf("records %d and %d are both %s#%d", before, n, r.Source, r.Position)
		}
		position[at{r.Source, r.Position}] = n
	}
	missing, twice := 0, 0
	for n, k := range times {
		if k == 0 {
			if missing++; missing < 4 && !s.Lossy {
				t.Errorf("record %d is missing", n)
			}
		}
		if k > 1 {
			if twice++; twice < 4 {
				t.Errorf("record %d is there %d times", n, k)
			}
		}
	}
	if missing+twice > 0 {
		t.Logf("of %d records %d are missing and %d there more than once", s.Records, missing, twice)
	}
	if missing > s.Records*9/10 && !(s.Lossy && crashed) {
		t.Errorf("hardly any record arrived")
	}
}

// stops checks that a feed ends at once, even when nobody takes what it has.
func stops(t *testing.T, kind source.Kind, s Story) {
	for _, test := range []struct {
		name string
		hold chan struct{}
	}{{"idle", nil}, {"held", make(chan struct{})}} {
		t.Run(test.name, func(t *testing.T) {
			defer nothingLeft(t)()
			feed, err := kind.New([]byte(s.Config))
			if err != nil {
				t.Fatal(err)
			}
			life := &Life{Log: NewLog(), Keep: 1}
			if test.hold != nil {
				life.Hold = test.hold
			}
			stop, done := life.Start(t.Context(), feed)
			ctx, cancel := context.WithCancel(t.Context())
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				if test.hold != nil {
					_ = send(ctx, s)
				}
			}()
			time.Sleep(300 * time.Millisecond)
			stop()
			ended(t, done, life)
			cancel()
			<-sent
		})
	}
}

// ended checks that Run returns within a second.
func ended(t *testing.T, done <-chan error, life *Life) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil && !life.Crashed() {
			t.Errorf("Run returned %v", err)
		}
	case <-time.After(time.Second):
		t.Error("Run did not return within a second")
		<-done
	}
}

// pressed checks that a feed holds little when nobody takes what it has, and goes on when
// somebody does.
func pressed(t *testing.T, kind source.Kind, s Story) {
	defer nothingLeft(t)()
	feed, err := kind.New([]byte(s.Config))
	if err != nil {
		t.Fatal(err)
	}
	hold := make(chan struct{})
	log := NewLog()
	life := &Life{Log: log, Keep: 1, Hold: hold}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	before := heap()
	stop, done := life.Start(ctx, feed)
	sent := make(chan error, 1)
	go func() { sent <- send(ctx, s) }()
	most := int64(0)
	for range 10 {
		time.Sleep(100 * time.Millisecond)
		most = max(most, heap()-before)
	}
	limit := s.Memory
	if limit == 0 {
		limit = 64 << 20
	}
	if most > limit {
		t.Errorf("it holds %d MiB", most>>20)
	}
	if n := len(log.Records()); n > 0 {
		t.Errorf("%d records came through", n)
	}
	close(hold)
	if !s.wait(life, log, sent) {
		t.Errorf("it does not go on: %d of %d records", len(log.Records()), s.Records)
	}
	stop()
	ended(t, done, life)
	s.check(t, log, false)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// nothingLeft returns a function that checks that no more goroutines run than now.
func nothingLeft(t *testing.T) func() {
	before := runtime.NumGoroutine()
	return func() {
		t.Helper()
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var ours []string
		for _, g := range strings.Split(string(buf), "\n\n") {
			if strings.Contains(g, "vedette/internal/source/") && !strings.Contains(g, "sourcetest.nothingLeft") {
				ours = append(ours, g)
			}
		}
		if len(ours) > 0 {
			t.Errorf("%d goroutines are left, of ours:\n%s", runtime.NumGoroutine()-before, strings.Join(ours, "\n\n"))
		}
	}
}
