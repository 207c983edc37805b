package sorter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// spec is one record to be made.
type spec struct {
	source   int
	position uint64
	time     int64
	types    []int
	extras   int
	twin     int // distinguishes records of the same source and position
}

// build emits the records in the order of the specs.
func build(specs []spec) *event.Batch {
	b := new(event.Batch)
	e := event.NewEmit([]byte("key"))
	last := -1
	for _, s := range specs {
		if s.source != last {
			e.Source(b, "tenant", "site", fmt.Sprintf("logs/%03d.log", s.source))
			last = s.source
		}
		e.Begin(s.position, event.Trust(s.twin%3), fmt.Appendf(nil, "%d %d", s.position, s.twin))
		for i, t := range s.types {
			var h *event.Envelope
			at := s.time + int64(i/2)
			switch t {
			case 0:
				var f *event.Flow
				h, f = e.Flow(at)
				f.Protocol, f.Community, f.BytesIn = e.Text([]byte("tcp")), e.Text(fmt.Appendf(nil, "1:%d", s.position)), uint64(s.twin)
			case 1:
				var d *event.DNS
				h, d = e.DNS(at)
				list := e.List()
				for j := range s.extras {
					e.Listed(&list, fmt.Appendf(nil, "192.0.2.%d", j))
				}
				d.Query, d.Answers = e.Text([]byte("example.org")), list
			case 2:
				var m *event.Mail
				h, m = e.Mail(at)
				list := e.List()
				e.Listed(&list, fmt.Appendf(nil, "u%d@example.org", s.position%7))
				m.To = list
			case 3:
				h, _ = e.TLS(at)
			default:
				var o *event.Other
				h, o = e.Other(at)
				o.Message = e.Text(fmt.Appendf(nil, "message %d", s.twin))
			}
			h.Dataset = e.Text([]byte("test"))
			h.Subject = e.Entity(entity.Device, entity.IP, fmt.Appendf(nil, "10.0.0.%d", s.position%200))
			h.Object = e.Entity(entity.Device, entity.IP, []byte("192.0.2.1"))
			for j := range s.extras {
				e.Extra([]byte("name"), fmt.Appendf(nil, "%d", j+s.twin))
			}
		}
	}
	return b
}

// output returns all that comes out, and checks that it is in order.
func output(t testing.TB, s *Sorter) []byte {
	t.Helper()
	var all []byte
	var last event.Batch
	err := s.Sorted(t.Context(), func(b *event.Batch) error {
		for i := range b.Events {
			if i > 0 && compare(b, i-1, b, i) > 0 {
				t.Errorf("event %d comes after %d", i, i-1)
			}
		}
		if len(last.Events) > 0 && compare(&last, len(last.Events)-1, b, 0) > 0 {
			t.Error("a batch begins before the end of the one before")
		}
		bytes := b.Append(nil)
		all = append(all, bytes...)
		return last.Read(bytes)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// small makes a sorter spill, and merge its runs, with next to no events.
func small(s *Sorter, share int) {
	for _, w := range s.writers {
		w.share, w.segment, w.frame, w.fan = share, share/8, share/32, 3
	}
	s.c.Budget = int64(share * len(s.writers))
}

func TestOrderIsTotalWhateverTheWay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		specs := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) spec {
			return spec{
				source: rapid.IntRange(0, 5).Draw(r, "source"), position: rapid.Uint64Range(1, 9).Draw(r, "position"),
				time: rapid.Int64Range(-3, 20).Draw(r, "time"), types: rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(r, "types"),
				extras: rapid.IntRange(0, 3).Draw(r, "extras"), twin: rapid.IntRange(0, 2).Draw(r, "twin"),
			}
		}), 0, 200).Draw(r, "specs")
		size := rapid.IntRange(1, 50).Draw(r, "size")
		one := New(Config{Size: size})
		defer one.Close()
		all := build(specs)
		if err := one.Writers()[0].Add(all); err != nil {
			r.Fatal(err)
		}
		want := output(t, one)
		if n := one.Stats().Events; n != uint64(len(all.Events)) {
			r.Fatalf("%d of %d events", n, len(all.Events))
		}

		writers := rapid.IntRange(1, 4).Draw(r, "writers")
		many := New(Config{Dir: t.TempDir(), Size: size, Writers: writers, Ahead: rapid.IntRange(0, 2).Draw(r, "ahead")})
		defer many.Close()
		small(many, rapid.SampledFrom([]int{1 << 10, 8 << 10, 1 << 20}).Draw(r, "share"))
		specs = rapid.Permutation(specs).Draw(r, "arrival")
		for len(specs) > 0 {
			n := rapid.IntRange(1, min(20, len(specs))).Draw(r, "together")
			if err := many.Writers()[rapid.IntRange(0, writers-1).Draw(r, "writer")].Add(build(specs[:n])); err != nil {
				r.Fatal(err)
			}
			specs = specs[n:]
		}
		if got := output(t, many); !bytes.Equal(got, want) {
			r.Fatalf("other bytes than from one writer in memory: %d, want %d", len(got), len(want))
		}
		if got := output(t, many); !bytes.Equal(got, want) {
			r.Fatal("the second time it is something else")
		}
	})
}

func TestNothingIsLost(t *testing.T) {
	specs := many(8_000, 7)
	all := build(specs)
	var want [][]byte
	for i := range all.Events {
		want = append(want, alone(all, i))
	}
	s := New(Config{Dir: t.TempDir(), Writers: 2})
	defer s.Close()
	small(s, 128<<10)
	half := len(specs) / 2
	for i, part := range [][]spec{specs[:half], specs[half:]} {
		if err := s.Writers()[i].Add(build(part)); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]byte
	if err := s.Sorted(t.Context(), func(b *event.Batch) error {
		for i := range b.Events {
			got = append(got, alone(b, i))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, bytes.Compare)
	slices.SortFunc(got, bytes.Compare)
	if !slices.EqualFunc(want, got, bytes.Equal) {
		t.Errorf("%d events came out, not the %d that went in", len(got), len(want))
	}
	if s.Stats().Runs < 10 {
		t.Errorf("only %d runs: nothing was proven", s.Stats().Runs)
	}
}

// many returns n records of several sources, each nearly in order.
func many(n int, seed uint64) []spec {
	r := rand.New(rand.NewPCG(seed, 1))
	specs := make([]spec, n)
	for i := range specs {
		specs[i] = spec{
			source: i * 10 / n, position: uint64(i + 1), time: int64(i%(n/10+1)) * 1e6 / 50 * 50, types: []int{i % 5},
			extras: i % 3, twin: r.IntN(3),
		}
		specs[i].time += r.Int64N(1e7)
	}
	return specs
}

func TestBudgetsMakeTheSameBytes(t *testing.T) {
	specs := many(40_000, 3)
	want := []byte(nil)
	for _, budget := range []int64{0, 16 << 20, 1 << 20} {
		for _, shuffled := range []bool{false, true} {
			if shuffled {
				rand.New(rand.NewPCG(uint64(budget), 2)).Shuffle(len(specs), func(i, j int) { specs[i], specs[j] = specs[j], specs[i] })
			}
			s := New(Config{Dir: t.TempDir(), Budget: budget})
			if err := s.Writers()[0].Add(build(specs)); err != nil {
				t.Fatal(err)
			}
			got := output(t, s)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("budget %d, shuffled %v: other bytes", budget, shuffled)
			}
			if (budget == 1<<20) != (s.Stats().Runs > 8) {
				t.Errorf("budget %d: %d runs", budget, s.Stats().Runs)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTemporaryFilesAreGone(t *testing.T) {
	dir := t.TempDir()
	s := New(Config{Dir: dir, Budget: 1 << 20, Ahead: 2})
	if err := s.Writers()[0].Add(build(many(30_000, 3))); err != nil {
		t.Fatal(err)
	}
	if s.Stats().Spilled == 0 {
		t.Fatal("nothing was spilled")
	}
	if runtime.GOOS == "linux" {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d files have names while they are in use", len(left))
		}
	}
	before := runtime.NumGoroutine()
	stop := errors.New("stop")
	if err := s.Sorted(t.Context(), func(*event.Batch) error { return stop }); err != stop {
		t.Errorf("the error of yield became %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Sorted(ctx, func(*event.Batch) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after ctx ended: %v", err)
	}
	time.Sleep(10 * time.Millisecond)
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines stay behind", n-before)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files stay behind", len(left))
	}
}

func TestFailingDisk(t *testing.T) {
	s := New(Config{Dir: t.TempDir() + "/missing", Budget: 1 << 20})
	defer s.Close()
	err := s.Writers()[0].Add(build(many(30_000, 3)))
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no folder for temporary files: %v", err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	seg := &segment{}
	e := event.NewEmit(nil)
	e.Source(&seg.batch, "t", "s", "x")
	e.Begin(1, 0, nil)
	e.Flow(1)
	new(Writer).sort(seg)
	m := &merger{size: 10}
	m.add(seg.cursor())
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	if err := (&run{f: full}).fill(m); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a full disk: %v", err)
	}
}

func TestChangedRunIsNoticed(t *testing.T) {
	s := New(Config{Dir: t.TempDir(), Budget: 1 << 20})
	defer s.Close()
	if err := s.Writers()[0].Add(build(many(30_000, 3))); err != nil {
		t.Fatal(err)
	}
	r := s.writers[0].runs[0]
	if _, err := r.f.WriteAt([]byte{1, 2, 3}, r.size/2); err != nil {
		t.Fatal(err)
	}
	if err := s.Sorted(t.Context(), func(*event.Batch) error { return nil }); err == nil {
		t.Error("a run that was changed was taken for good")
	}
}

func TestEmpty(t *testing.T) {
	for _, ahead := range []int{0, 2} {
		s := New(Config{Ahead: ahead})
		if _, err := s.Writers()[0].Batch(); err != nil {
			t.Fatal(err)
		}
		if out := output(t, s); len(out) > 0 {
			t.Error("something came out of nothing")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
