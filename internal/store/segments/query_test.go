package segments

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/input"
)

// TestQueriesFindWhatAScanFinds compares queries of all sorts with looking at every event,
// over stores whose events are in many segments and in memory.
func TestQueriesFindWhatAScanFinds(t *testing.T) {
	all := entries(11, 40, 60)
	stores := map[string]*Store{}
	for name, o := range map[string]Options{
		"one":  {},
		"many": {SegmentRows: 400, OpenFiles: 2, Retention: map[event.Type]time.Duration{event.FlowType: time.Hour, event.DNSType: 2 * time.Hour}},
	} {
		s := open(t, t.TempDir(), o)
		add(t, s, all)
		stores[name] = s
	}
	seal(t, stores["one"])
	var keys []entity.Key
	for _, e := range all {
		for i := range e.b.Events {
			keys = append(keys, e.b.Events[i].Subject.Key, e.b.Events[i].Object.Key)
		}
	}
	slices.Sort(keys)
	keys = append(slices.Compact(keys), 4711) // 0 and somebody unknown among them
	rapid.Check(t, func(t *rapid.T) {
		q := Query{
			Entity: rapid.SampledFrom(keys).Draw(t, "entity"),
			Role:   rapid.SampledFrom([]Role{AnyRole, AsSubject, AsObject}).Draw(t, "role"),
			Types:  rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(1, 12), func(i int) event.Type { return event.Type(i) }), 0, 3, rapid.ID).Draw(t, "types"),
			Site:   rapid.SampledFrom([]string{"", "", "main", "nowhere"}).Draw(t, "site"),
			Newest: rapid.Bool().Draw(t, "newest"),
			Limit:  rapid.SampledFrom([]int{0, 1, 7, 100, 5000}).Draw(t, "limit"),
		}
		at := rapid.Map(rapid.Int64Range(-hour, 15*hour), func(d int64) time.Time { return time.Unix(0, start+d) })
		if rapid.Bool().Draw(t, "bounded") {
			q.From, q.To = at.Draw(t, "from"), at.Draw(t, "to")
		}
		if rapid.Bool().Draw(t, "behind") {
			e := rapid.SampledFrom(all).Draw(t, "entry")
			q.After = CursorOf(event.View{Batch: e.b, I: rapid.IntRange(0, len(e.b.Events)-1).Draw(t, "after")})
		}
		want := expect(all, q)
		for name, s := range stores {
			var got []string
			if err := s.Events(context.Background(), q, func(_ Ref, v event.View) error {
				got = append(got, alone(v))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %d events, want %d", name, len(got), len(want))
			}
		}
	})
}

// TestPagesOfAQuery goes through all events of an entity a few at a time, while they are
// being sealed, and by events of the same time.
func TestPagesOfAQuery(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	all := entries(12, 6, 100)
	for _, e := range all {
		for i := range e.b.Events {
			e.b.Events[i].Time = start + e.b.Events[i].Time%3*hour // three times only
		}
	}
	add(t, s, all[:3])
	seal(t, s)
	add(t, s, all[3:])
	for _, newest := range []bool{false, true} {
		q := Query{Newest: newest, Limit: 17}
		var got []string
		for pages := 0; ; pages++ {
			n := len(got)
			err := s.Events(context.Background(), q, func(_ Ref, v event.View) error {
				got, q.After = append(got, alone(v)), CursorOf(v)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) == n {
				break
			}
			if pages == 5 {
				seal(t, s)
			}
		}
		same(t, "page by page", got, expect(all, Query{Newest: newest}))
	}
}

// TestAtTheSameTime adds, seals, removes and asks at the same time: a query sees each event
// once.
func TestAtTheSameTime(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentRows: 700, OpenFiles: 2})
	all := entries(13, 30, 50)
	m := len(all) / 2
	add(t, s, all[:m])
	want := len(expect(all[:m], Query{}))
	var wait sync.WaitGroup
	done := make(chan struct{})
	wait.Go(func() {
		defer close(done)
		for _, e := range all[m:] {
			if err := s.Add(e.b, e.at); err != nil {
				t.Error(err)
			}
		}
	})
	wait.Go(func() {
		for range 5 {
			if err := s.Seal(); err != nil {
				t.Error(err)
			}
			_, _ = s.Stats(), s.Safe()
			if _, err := s.Enforce(time.Unix(0, start)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		wait.Go(func() {
			for n := 0; ; n++ {
				seen := map[event.ID]bool{}
				err := s.Events(context.Background(), Query{Newest: n%2 == 0}, func(_ Ref, v event.View) error {
					if id := v.ID(); seen[id] {
						return fmt.Errorf("event %x came twice", id)
					}
					seen[v.ID()] = true
					return nil
				})
				if err != nil || len(seen) < want {
					t.Errorf("%d events, want at least %d: %v", len(seen), want, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	wait.Wait()
	got, _ := hits(t, s, Query{})
	same(t, "in the end", got, expect(all, Query{}))
}

func TestIndexHoldsEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Map(rapid.IntRange(0, rapid.SampledFrom([]int{3, 2000}).Draw(t, "keys")), func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 })
		subjects := rapid.SliceOfN(key, 1, 500).Draw(t, "subjects")
		slices.Sort(subjects)
		objects := rapid.SliceOfN(key, len(subjects), len(subjects)).Draw(t, "objects")
		raw, err := appendIndex(subjects, objects, &about{Version: version})
		if err != nil {
			t.Fatal(err)
		}
		at := binary.LittleEndian.Uint64(raw[len(raw)-tailSize:])
		if at > uint64(len(raw)) {
			t.Fatal("the fences are outside")
		}
		path := rapidFile(t, raw)
		for _, k := range append(slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(subjects), objects...)))), 42) {
			for _, role := range []Role{AnyRole, AsSubject, AsObject} {
				var want []uint32
				for i := range subjects {
					if k != 0 && (subjects[i] == k && role != AsObject || objects[i] == k && role != AsSubject) {
						want = append(want, uint32(i))
					}
				}
				g := segment{path: path}
				spans, err := g.find(&Query{Entity: entity.Key(k), Role: role})
				if got := rowsOf(spans); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%x has rows %v, want %v: %v", k, got, want, err)
				}
			}
		}
	})
}

func TestFlushSealsByAge(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentAge: time.Minute})
	now := time.Unix(0, start)
	flush := func(after time.Duration) input.Position {
		t.Helper()
		if err := s.Flush(now.Add(after)); err != nil {
			t.Fatal(err)
		}
		return s.Safe()
	}
	flush(0)
	add(t, s, entries(14, 2, 5))
	if flush(time.Hour) != 0 || flush(time.Hour+59*time.Second) != 0 {
		t.Error("it sealed too early")
	}
	if flush(time.Hour+time.Minute) == 0 {
		t.Error("it did not seal")
	}
}
