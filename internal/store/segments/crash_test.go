package segments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/fault"
)

func rapidFile(t *rapid.T, raw []byte) string {
	dir, err := os.MkdirTemp("", "segments")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path+indexExt, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// twoClasses makes several segments of a seal.
func twoClasses() Options {
	return Options{Retention: map[event.Type]time.Duration{event.FlowType: 24 * time.Hour, event.DNSType: 48 * time.Hour}}
}

// TestCrashAtEveryStep ends sealing at each of its steps as a power cut would, opens the
// store anew, and adds what the log still holds.
func TestCrashAtEveryStep(t *testing.T) {
	all := entries(21, 20, 15)
	for _, e := range all { // few segments, so few steps
		for i := range e.b.Origins {
			e.b.Origins[i].Site = 0
		}
		for i := range e.b.Events {
			e.b.Events[i].Time = start + e.b.Events[i].Time%hour
		}
	}
	half := len(all) / 2
	crash := errors.New("crash")
	for step := 1; ; step++ {
		dir := t.TempDir()
		s := open(t, dir, twoClasses())
		add(t, s, all[:half])
		seal(t, s)
		safe := s.Safe()
		add(t, s, all[half:len(all)-2])
		n, where := 0, ""
		s.trip = func(at string) error {
			if n++; n == step {
				where = at
				return crash
			}
			return nil
		}
		err := s.Seal()
		if n < step {
			if err != nil || step < 10 {
				t.Fatalf("%d steps: %v", n, err)
			}
			return // that was the last step
		}
		if !errors.Is(err, crash) || fault.KindOf(err) != fault.Unavailable || s.Safe() != safe {
			t.Fatalf("step %d, %s: safe is %d: %v", step, where, s.Safe(), err)
		}
		got, _ := hits(t, s, Query{})
		same(t, "after a seal that failed", got, expect(all[:len(all)-2], Query{}))

		again := open(t, dir, twoClasses())
		if again.Safe() != safe || len(again.Problems()) > 0 {
			t.Fatalf("step %d, %s: safe is %d, was %d; %v", step, where, again.Safe(), safe, again.Problems())
		}
		add(t, again, all[half:]) // and two more, so that the seal is another one
		got, _ = hits(t, again, Query{})
		same(t, fmt.Sprintf("step %d, %s, from the log", step, where), got, expect(all, Query{}))
		seal(t, again)
		got, _ = hits(t, again, Query{})
		same(t, fmt.Sprintf("step %d, %s, sealed", step, where), got, expect(all, Query{}))
		if left := listed(t, dir, tempExt); len(left) > 0 {
			t.Errorf("step %d, %s: %v was left behind", step, where, left)
		}

		s.trip = nil // the disk works again
		seal(t, s)
		got, _ = hits(t, s, Query{})
		same(t, "the second attempt", got, expect(all[:len(all)-2], Query{}))
	}
}

func TestSameEntriesAgain(t *testing.T) {
	dir := t.TempDir()
	all := entries(22, 10, 30)
	s := open(t, dir, Options{})
	add(t, s, all)
	add(t, s, all)
	seal(t, s)
	add(t, s, all)
	seal(t, s)
	s = open(t, dir, Options{})
	add(t, s, all)
	seal(t, s)
	got, _ := hits(t, s, Query{})
	same(t, "added four times", got, expect(all, Query{}))
	if n := s.Stats(); n.Open != 0 || n.Rows != int64(len(got)) {
		t.Errorf("%+v", n)
	}
	if err := s.Add(new(event.Batch), 1e6); err != nil { // an entry without events is safe too
		t.Fatal(err)
	}
	seal(t, s)
	if s.Safe() != 1e6 || open(t, dir, Options{}).Safe() != 1e6 {
		t.Error("an entry without events is not safe")
	}
}

// listed returns the files below dir with an extension.
func listed(t testing.TB, dir, ext string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ext) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b string) int { // by the end of the entries, then by number
		return strings.Compare(filepath.Base(a), filepath.Base(b))
	})
	return found
}

func change(t testing.TB, path string, f func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(raw), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[(at+len(b))%len(b)] ^= 0x10
		return b
	}
}

// TestDamage damages files of the last seal. What can be mended is; of the rest, the log
// has the events.
func TestDamage(t *testing.T) {
	all := entries(23, 14, 30)
	half := len(all) / 2
	whole := t.TempDir()
	s := open(t, whole, Options{})
	add(t, s, all[:half])
	seal(t, s)
	s = open(t, whole, twoClasses())
	add(t, s, all[half:])
	seal(t, s)
	last := s.Safe()
	if n := len(listed(t, whole, eventsExt)); n < 4 {
		t.Fatalf("%d segments", n)
	}
	events := func(dir string) string { return listed(t, dir, eventsExt)[2] }
	index := func(dir string) string { return listed(t, dir, indexExt)[2] }
	remove := func(path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		harm   func(dir string)
		mended bool
		aside  int // files that are moved aside
	}{
		"footer":          {func(d string) { change(t, events(d), flip(-20)) }, false, 2},
		"magic":           {func(d string) { change(t, events(d), flip(-1)) }, false, 2},
		"page":            {func(d string) { change(t, events(d), flip(2000)) }, false, 2},
		"cut":             {func(d string) { change(t, events(d), func(b []byte) []byte { return b[:len(b)/2] }) }, false, 2},
		"empty":           {func(d string) { change(t, events(d), func([]byte) []byte { return nil }) }, false, 2},
		"longer":          {func(d string) { change(t, events(d), func(b []byte) []byte { return append(b, "PAR1"...) }) }, false, 2},
		"events_gone":     {func(d string) { remove(events(d)) }, false, 1},
		"both_gone":       {func(d string) { remove(events(d)); remove(index(d)) }, false, 0},
		"events_no_index": {func(d string) { change(t, events(d), flip(2000)); remove(index(d)) }, false, 1},
		"index_tail":      {func(d string) { change(t, index(d), flip(-10)) }, true, 0},
		"index_note":      {func(d string) { change(t, index(d), flip(-60)) }, true, 0},
		"index_block":     {func(d string) { change(t, index(d), flip(10)) }, true, 0},
		"index_cut":       {func(d string) { change(t, index(d), func(b []byte) []byte { return b[:len(b)-30] }) }, true, 0},
		"index_empty":     {func(d string) { change(t, index(d), func([]byte) []byte { return nil }) }, true, 0},
		"index_gone":      {func(d string) { remove(index(d)) }, true, 0},
		"sealed_gone":     {func(d string) { remove(filepath.Join(d, sealedName)) }, true, 0},
		"sealed_damaged":  {func(d string) { change(t, filepath.Join(d, sealedName), flip(5)) }, true, 0},
		"sealed_and_page": {func(d string) { remove(filepath.Join(d, sealedName)); change(t, events(d), flip(2000)) }, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			c.harm(dir)

			s := open(t, dir, twoClasses())
			want := last
			if !c.mended {
				want = all[half].at - 1
			}
			if s.Safe() != want {
				t.Errorf("safe is %d, want %d; %+v", s.Safe(), want, s.Problems())
			}
			if n := len(listed(t, dir, damagedExt)); n != c.aside {
				t.Errorf("%d files were moved aside, want %d", n, c.aside)
			}
			if told := len(s.Problems()) > 0; told == c.mended && name != "sealed_damaged" {
				t.Errorf("problems: %+v", s.Problems())
			}
			for _, p := range s.Problems() {
				if p.Lost || p.Reason == "" || p.Path == "" {
					t.Errorf("problem %+v", p)
				}
			}
			for range 2 {
				for _, e := range all {
					if e.at > s.Safe() {
						add(t, s, []entry{e})
					}
				}
				got, _ := hits(t, s, Query{})
				same(t, "from the log", got, expect(all, Query{}))
				k := all[half].b.Events[0].Subject.Key
				got, _ = hits(t, s, Query{Entity: k})
				same(t, "of one entity", got, expect(all, Query{Entity: k}))
				seal(t, s)
				s = open(t, dir, twoClasses())
				if s.Safe() != last {
					t.Errorf("afterwards safe is %d", s.Safe())
				}
			}
		})
	}
}

// TestDamageOfLongAgo: what the log has forgotten is lost, and that is said; all else is
// found.
func TestDamageOfLongAgo(t *testing.T) {
	dir := t.TempDir()
	all := entries(24, 9, 400)
	s := open(t, dir, Options{})
	for i, e := range all {
		if add(t, s, []entry{e}); i%3 == 2 {
			seal(t, s)
		}
	}
	change(t, s.segments[0].path+eventsExt, flip(3000)) // under the open store
	n := 0
	err := s.Events(context.Background(), Query{}, func(Ref, event.View) error { n++; return nil })
	if fault.KindOf(err) != fault.Unreadable || n == 0 || len(s.Problems()) != 1 {
		t.Errorf("%d events, %v, %+v", n, err, s.Problems())
	}
	change(t, s.segments[1].path+eventsExt, func(b []byte) []byte { return b[:1000] })
	rows := s.segments[1].Rows
	s = open(t, dir, Options{})
	if p := s.Problems(); len(p) != 1 || !p[0].Lost || p[0].Rows != rows || s.Safe() != all[8].at {
		t.Errorf("safe is %d; %+v", s.Safe(), p)
	}
}

// TestAnyByteMayBeDamaged: whatever is wrong with a file, reading it ends, and never with
// other events than were written.
func TestAnyByteMayBeDamaged(t *testing.T) {
	dir := t.TempDir()
	all := entries(25, 3, 60)
	s := open(t, dir, Options{})
	add(t, s, all)
	seal(t, s)
	written := map[string]bool{}
	for _, w := range expect(all, Query{}) {
		written[w] = true
	}
	r := rand.New(rand.NewPCG(3, 4))
	paths := append(listed(t, dir, eventsExt), listed(t, dir, indexExt)...)
	key := all[0].b.Events[0].Object.Key
	noticed, others := 0, 0
	const rounds = 150 // of 1,500, none made other events
	for range rounds {
		path := paths[r.IntN(len(paths))]
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := r.IntN(len(raw))
		bad := slices.Clone(raw)
		bad[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		again := &Store{dir: dir, layout: s.layout, open: newMemory(nil), files: handles{most: 9}}
		for _, g := range s.segments {
			again.segments = append(again.segments, &segment{about: g.about, name: g.name, path: g.path})
		}
		wrong := false
		for _, q := range []Query{{}, {Entity: key}} {
			err = errors.Join(err, again.Events(context.Background(), q, func(_ Ref, v event.View) error {
				wrong = wrong || !written[alone(v)]
				return nil
			}))
		}
		if err != nil {
			noticed++
		}
		if wrong {
			others++
			t.Logf("byte %d of %d of %s", at, len(raw), filepath.Base(path))
		}
		_ = again.Close()
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("of %d damaged bytes %d were noticed when reading, %d made other events", rounds, noticed, others)
	if noticed < rounds/4 {
		t.Error("damage is not noticed")
	}
	if others > 0 {
		t.Error("other events than were written")
	}
}

// TestDamageThatTheLogHolds: what an older segment held is wanted again as far as the log
// reaches back, also by whoever opens the store the next time.
func TestDamageThatTheLogHolds(t *testing.T) {
	all := entries(26, 12, 40)
	for name, c := range map[string]struct {
		held int // the first entry of all that the log holds
		lost bool
	}{
		"all_of_it": {2, false}, "begins_with_it": {3, false}, "some_of_it": {4, true}, "none_of_it": {6, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, Options{})
			for i, e := range all {
				if add(t, s, []entry{e}); i%3 == 2 {
					seal(t, s) // entries 0-2, 3-5, 6-8 and 9-11
				}
			}
			for _, g := range s.segments {
				if g.First == all[3].at {
					change(t, g.path+eventsExt, func(b []byte) []byte { return b[:len(b)/2] })
				}
			}
			want := all[11].at
			if c.held < 6 {
				want = all[max(c.held, 3)].at - 1
			}
			for range 2 { // the second time nothing is damaged any more
				s = open(t, dir, Options{Held: all[c.held].at})
				if s.Safe() != want {
					t.Fatalf("safe is %d, want %d", s.Safe(), want)
				}
				for _, p := range s.Problems() {
					if p.Lost != c.lost {
						t.Errorf("problem %+v", p)
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			s = open(t, dir, Options{Held: all[c.held].at})
			add(t, s, all[c.held:])
			seal(t, s)
			s = open(t, dir, Options{})
			missing := expect(all[3:min(max(c.held, 3), 6)], Query{})
			got, _ := hits(t, s, Query{})
			whole := expect(all, Query{})
			if len(got)+len(missing) != len(whole) || s.Safe() != all[11].at {
				t.Errorf("%d events and %d lost ones, want %d; safe is %d", len(got), len(missing), len(whole), s.Safe())
			}
		})
	}
}
