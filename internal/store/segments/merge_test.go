package segments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/input"
)

// oneDay makes all events those of one day and one site, so that they may be merged.
func oneDay(all []entry) []entry {
	for _, e := range all {
		for i := range e.b.Origins {
			e.b.Origins[i].Site = 0
		}
		for i := range e.b.Events {
			e.b.Events[i].Time = start + e.b.Events[i].Time%(20*hour)
		}
	}
	return all
}

// sealEach adds entries and seals after each.
func sealEach(t testing.TB, s *Store, all []entry) {
	t.Helper()
	for _, e := range all {
		add(t, s, []entry{e})
		seal(t, s)
	}
}

// mergeAll merges until nothing is due.
func mergeAll(t testing.TB, s *Store, now time.Time) (merged int) {
	t.Helper()
	for {
		n, err := s.Merge(now)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return merged
		}
		merged += n
	}
}

var (
	today  = time.Unix(0, start+12*hour)
	later  = time.Unix(0, start+40*hour)
	errCut = errors.New("power cut")
)

// answers checks what a store answers.
func answers(t testing.TB, what string, s *Store, all []entry) {
	t.Helper()
	k := all[0].b.Events[0].Subject.Key
	for _, q := range []Query{{}, {Newest: true, Limit: 50}, {Entity: k}, {Entity: k, Role: AsObject, Newest: true}, {From: today, Types: []event.Type{event.DNSType}}} {
		got, _ := hits(t, s, q)
		same(t, fmt.Sprintf("%s: %+v", what, q), got, expect(all, q))
	}
	v := event.View{Batch: all[1].b, I: 3}
	n := 0
	p := Place{Source: v.String(v.Origin().Source), Position: v.Record().Position, Index: int(v.Head().Index)}
	if err := s.Find(context.Background(), p, func(_ Ref, x event.View) error {
		if n++; alone(x) != alone(v) {
			t.Errorf("%s: another event stands at %+v", what, p)
		}
		return nil
	}); err != nil || n != 1 {
		t.Errorf("%s: %d events at %+v: %v", what, n, p, err)
	}
}

func TestMergedSegmentsAnswerTheSame(t *testing.T) {
	dir := t.TempDir()
	all := oneDay(entries(51, 20, 30))
	s := open(t, dir, Options{})
	sealEach(t, s, all)
	before := s.Stats()
	if n := mergeAll(t, s, today); n < 16 {
		t.Errorf("%d segments were merged", n)
	}
	n := s.Stats()
	if n.Rows != before.Rows || n.Segments > 6 || n.Bytes >= before.Bytes {
		t.Errorf("%+v became %+v", before, n)
	}
	answers(t, "merged", s, all)
	safe := s.Safe()
	n.Memory = 0
	s = open(t, dir, Options{})
	if s.Safe() != safe || len(s.Problems()) > 0 || s.Stats() != n {
		t.Errorf("opened again: safe is %d, %+v, %+v, was %+v", s.Safe(), s.Problems(), s.Stats(), n)
	}
	answers(t, "opened again", s, all)
	if mergeAll(t, s, later) != 0 {
		t.Error("the day of the last seal is over before that is known")
	}

	more := entry{all[len(all)-1].at + 7, newMaker(52).batch(10, start+30*hour)}
	add(t, s, []entry{more})
	seal(t, s)
	mergeAll(t, s, later)
	rest := 0
	for _, g := range s.segments {
		if g.Day == "2026-11-25" {
			rest++
		}
	}
	if rest != 1 {
		t.Errorf("of a day that is over there are %d segments", rest)
	}
	answers(t, "the day is over", s, append(slices.Clone(all), more))
	if names := listed(t, dir, eventsExt); len(names) != s.Stats().Segments {
		t.Errorf("there are %d files of %d segments", len(names), s.Stats().Segments)
	}
}

// TestMergingIsBounded: what is large is not written again, nor a whole day for a few
// events that come late.
func TestMergingIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentRows: 500})
	all := oneDay(entries(53, 26, 30))
	sealEach(t, s, all)
	mergeAll(t, s, today)
	for _, g := range s.segments {
		if g.Rows > 500 {
			t.Errorf("a segment has %d rows", g.Rows)
		}
	}
	large := slices.MaxFunc(s.segments, func(a, b *segment) int { return a.Rows - b.Rows })
	late := oneDay(entries(54, 2, 4))
	for i := range late {
		late[i].at += all[len(all)-1].at
	}
	late[1].b.Events = nil
	sealEach(t, s, late)
	mergeAll(t, s, later)
	if !slices.Contains(s.segments, large) {
		t.Error("a large segment was written again")
	}
}

// TestMergeCrashAtEveryStep ends merging at each of its steps as a power cut would.
func TestMergeCrashAtEveryStep(t *testing.T) {
	all := oneDay(entries(55, 10, 15))
	sealed := t.TempDir()
	sealEach(t, open(t, sealed, Options{}), all)
	steps := map[string]bool{}
	for step := 1; ; step++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(sealed)); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{})
		n, where := 0, ""
		s.trip = func(at string) error {
			if n++; n == step {
				where = at
				return errCut
			}
			return nil
		}
		_, err := s.Merge(today)
		if n < step {
			if err != nil || len(steps) != 6 {
				t.Fatalf("%d steps %v: %v", n, steps, err)
			}
			return // that was the last step
		}
		steps[where] = true
		if !errors.Is(err, errCut) {
			t.Fatalf("step %d, %s: %v", step, where, err)
		}
		answers(t, "after "+where, s, all)

		again := open(t, dir, Options{})
		if again.Safe() != all[9].at || len(again.Problems()) > 0 {
			t.Fatalf("step %d, %s: safe is %d; %+v", step, where, again.Safe(), again.Problems())
		}
		answers(t, "opened after "+where, again, all)
		mergeAll(t, again, today)
		answers(t, "merged after "+where, again, all)
		if files := len(listed(t, dir, eventsExt)); len(listed(t, dir, tempExt)) > 0 || files != again.Stats().Segments || files > 2 {
			t.Errorf("step %d, %s: %d files", step, where, files)
		}

		s = open(t, dir, Options{})
		add(t, s, all) // the log may be read again
		answers(t, "added again after "+where, s, all)
	}
}

// TestMergeWhileAsked: a query that began before goes on, and then the parts are removed.
func TestMergeWhileAsked(t *testing.T) {
	dir := t.TempDir()
	all := oneDay(entries(56, 17, 30))
	s := open(t, dir, Options{OpenFiles: 1})
	sealEach(t, s, all)
	var got []string
	if err := s.Events(context.Background(), Query{}, func(_ Ref, v event.View) error {
		if len(got) == 0 {
			if n := mergeAll(t, s, today); n != 16 {
				t.Errorf("%d segments were merged", n)
			}
			if removed, err := s.Enforce(later.AddDate(90, 0, 0)); err != nil || len(removed) > 0 {
				t.Errorf("%v was removed: %v", removed, err)
			}
		}
		got = append(got, alone(v))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	same(t, "merged meanwhile", got, expect(all, Query{}))
	answers(t, "afterwards", s, all)
	if n := len(listed(t, dir, eventsExt)); n != s.Stats().Segments || n >= 17 {
		t.Errorf("%d files of %d segments", n, s.Stats().Segments)
	}
}

// TestDamagedMerger: as long as its parts are there, nothing is lost with it.
func TestDamagedMerger(t *testing.T) {
	all := oneDay(entries(57, 10, 30))
	for name, parts := range map[string]bool{"parts_left": true, "some_removed": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{})
			sealEach(t, s, all)
			discards := 0
			s.trip = func(at string) error {
				if at == "discard" {
					if discards++; parts || discards > 2 {
						return errCut
					}
				}
				return nil
			}
			if _, err := s.Merge(today); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			i := slices.IndexFunc(s.segments, func(g *segment) bool { return g.Parts != nil })
			change(t, s.segments[i].path+eventsExt, flip(2000))
			s = open(t, dir, Options{})
			if parts {
				answers(t, "the parts", s, all)
				if len(s.Problems()) > 0 {
					t.Errorf("%+v", s.Problems())
				}
				return
			}
			got, _ := hits(t, s, Query{})
			same(t, "what is left", got, expect(all[2:], Query{}))
			if p := s.Problems(); len(p) != 1 || !p[0].Lost {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestAnyOrderOfWork adds, seals, merges, crashes and opens again in any order: every event
// is there once.
func TestAnyOrderOfWork(t *testing.T) {
	begun, first := t.TempDir(), oneDay(entries(58, 9, 8))
	for i := range first {
		first[i].at = input.Position(i + 1)
	}
	sealEach(t, open(t, begun, Options{}), first)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "segments")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.CopyFS(dir, os.DirFS(begun)); err != nil {
			t.Fatal(err)
		}
		o := Options{SegmentRows: rapid.SampledFrom([]int{40, 300, 5000}).Draw(t, "rows")}
		opened := func() *Store {
			s, err := Open(dir, o)
			if err != nil || len(s.Problems()) > 0 {
				t.Fatalf("%v %+v", err, s.Problems())
			}
			return s
		}
		s := opened()
		m := newMaker(rapid.Uint64().Draw(t, "seed"))
		m.position = 1000
		log := slices.Clone(first)
		for range rapid.IntRange(2, 6).Draw(t, "steps") {
			if n := rapid.IntRange(0, 40).Draw(t, "trip"); n < 12 {
				s.trip = func(string) error {
					if n--; n < 0 {
						return errCut
					}
					return nil
				}
			}
			var err error
			switch rapid.IntRange(4, 9).Draw(t, "what") {
			default:
				e := oneDay([]entry{{input.Position(len(log) + 1), m.batch(1+m.IntN(9), start)}})[0]
				log = append(log, e)
				if err = s.Add(e.b, e.at); err == nil {
					err = s.Seal()
				}
			case 7:
				_, err = s.Merge(today)
			case 8:
				_, err = s.Merge(later)
			case 9:
				err = errCut
			}
			if s.trip = nil; errors.Is(err, errCut) {
				if s = opened(); int(s.Safe()) > len(log) {
					t.Fatalf("safe is %d of %d", s.Safe(), len(log))
				}
				for _, e := range log[s.Safe():] {
					if err := s.Add(e.b, e.at); err != nil {
						t.Fatal(err)
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		if err := s.Events(context.Background(), Query{}, func(_ Ref, v event.View) error {
			got = append(got, alone(v))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if want := expect(log, Query{}); !slices.Equal(got, want) {
			t.Fatalf("%d events, want %d", len(got), len(want))
		}
		if err := s.Close(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	})
}
