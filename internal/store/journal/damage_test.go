package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// size of the entries in these tests: about 80 to a file.
const damaged = 100_000

// crashed returns the folder of a journal with n entries that was never closed, as a
// power cut leaves it, if saved, with the index of a clean end some entries earlier.
func crashed(t *testing.T, n int, saved bool) (dir string) {
	t.Helper()
	dir = t.TempDir()
	j := open(t, dir, Options{})
	if saved {
		fill(t, j, n/2, damaged)
		shut(t, j)
		j = open(t, dir, Options{})
	}
	fill(t, j, n-int(j.Last()), damaged)
	// What is in files now is what there is after a crash.
	crash := t.TempDir()
	if err := os.CopyFS(crash, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return crash
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newestFile(t *testing.T, dir string) string {
	t.Helper()
	_, newest, err := blocks(dir)
	if err != nil || newest == 0 {
		t.Fatal(newest, err)
	}
	return blockFile(dir, newest)
}

// TestJournal_cut cuts the newest file at random places.
func TestJournal_cut(t *testing.T) {
	const n = 100
	for _, saved := range []bool{false, true} {
		from := crashed(t, n, saved)
		for range 4 {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			var gone int64
			change(t, newestFile(t, dir), func(b []byte) []byte {
				left := rand.IntN(len(b))
				gone = int64(len(b) - left)
				return b[:left]
			})
			lost := (gone + damaged + int64(overhead) - 1) / (damaged + int64(overhead))
			j := open(t, dir, Options{})
			if j.Last() != n {
				t.Errorf("%d bytes cut off: the last position is %d, so some are given out twice", gone, j.Last())
			}
			gaps := check(t, j, 1, n, damaged)
			if len(gaps) != 1 || int64(gaps[0].To-gaps[0].From+1) != lost {
				t.Errorf("%d bytes cut off: %d entries are lost, gaps %v", gone, lost, gaps)
			}
			if !strings.Contains(j.Recovered(), "lost") {
				t.Errorf("%d bytes cut off: recovered %q", gone, j.Recovered())
			}
			t.Logf("saved %v, %d bytes cut off: %s", saved, gone, j.Recovered())
			fill(t, j, 3, damaged)
			check(t, j, n+1, n+3, damaged)
			shut(t, j)
		}
	}
}

// TestJournal_flipped changes a byte at random places of every file.
func TestJournal_flipped(t *testing.T) {
	const n = 250 // four files
	for _, saved := range []bool{false, true} {
		from := crashed(t, n, saved)
		for range 4 {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			_, newest, _ := blocks(dir)
			block := 1 + rand.IntN(newest)
			at := 0
			change(t, blockFile(dir, block), func(b []byte) []byte {
				at = rand.IntN(len(b))
				b[at] ^= 1 << rand.IntN(8)
				return b
			})
			j := open(t, dir, Options{})
			gaps := check(t, j, 1, n, damaged)
			t.Logf("saved %v, byte %d of file %d of %d: gaps %v, recovered %q", saved, at, block, newest, gaps, j.Recovered())
			if len(gaps) != 1 || gaps[0].To-gaps[0].From > 90 {
				t.Errorf("byte %d of file %d: gaps %v", at, block, gaps)
			}
			fill(t, j, 3, damaged)
			check(t, j, n+1, n+3, damaged)
			shut(t, j)
		}
	}
}

// TestJournal_flippedAfterClose changes a byte after a clean end: opening does not read
// everything, so reading finds it.
func TestJournal_flippedAfterClose(t *testing.T) {
	const n = 250
	dir := t.TempDir()
	j := open(t, dir, Options{})
	fill(t, j, n, damaged)
	shut(t, j)
	change(t, blockFile(dir, 2), func(b []byte) []byte {
		b[len(b)/2] ^= 4 // in the data of an entry
		return b
	})
	j = open(t, dir, Options{})
	if gaps := check(t, j, 1, n, damaged); len(gaps) != 1 || gaps[0].From != gaps[0].To {
		t.Errorf("gaps %v", gaps)
	}
	err := j.Read(t.Context(), 1, false, func(input.Position, []byte) error { return nil })
	if g, ok := errors.AsType[*Gap](err); !ok || fault.KindOf(err) != fault.Unreadable {
		t.Errorf("%v, %v", err, g)
	}
}

// TestJournal_metadata damages or removes every file that is not one of entries.
func TestJournal_metadata(t *testing.T) {
	const n = 100
	from := crashed(t, n, true)
	var paths []string
	for _, p := range []string{"msgs/index.db", "meta.inf", "meta.sum"} {
		paths = append(paths, filepath.Join(filepath.Dir(folder("")), p))
	}
	for _, p := range append(paths, "mark") {
		for name, f := range map[string]func([]byte) []byte{
			"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"empty":   func([]byte) []byte { return nil },
			"removed": nil,
		} {
			t.Run(filepath.Base(p)+"_"+name, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				if path := filepath.Join(dir, p); f != nil {
					change(t, path, f)
				} else if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				j := open(t, dir, Options{})
				if gaps := check(t, j, 1, n, damaged); len(gaps) > 0 || j.Recovered() != "" {
					t.Errorf("gaps %v, recovered %q", gaps, j.Recovered())
				}
				fill(t, j, 1, damaged)
			})
		}
	}
}

// TestJournal_allGone loses every entry: their positions are not given out again.
func TestJournal_allGone(t *testing.T) {
	dir := crashed(t, 100, true)
	if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir, Options{})
	if j.Recovered() != "the newest 100 entries are lost" {
		t.Errorf("recovered %q", j.Recovered())
	}
	fill(t, j, 1, damaged)
	for range 2 {
		if gaps := check(t, j, 1, 101, damaged); len(gaps) != 1 || gaps[0].To != 100 {
			t.Errorf("gaps %v", gaps)
		}
		shut(t, j)
		j = open(t, dir, Options{})
	}
}

// TestJournal_allGone_empty loses every entry and is opened twice before the next.
func TestJournal_allGone_empty(t *testing.T) {
	dir := crashed(t, 20, true)
	if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		j := open(t, dir, Options{})
		if gaps := check(t, j, 1, 20, damaged); len(gaps) != 1 || gaps[0].To != 20 {
			t.Errorf("gaps %v", gaps)
		}
		shut(t, j)
	}
	j := open(t, dir, Options{})
	fill(t, j, 1, damaged)
	check(t, j, 21, 21, damaged)
}

// TestJournal_beginningGone loses the oldest entries: that is not the same as forgetting.
func TestJournal_beginningGone(t *testing.T) {
	for _, forgotten := range []input.Position{1, 20} {
		dir := t.TempDir()
		j := open(t, dir, Options{})
		fill(t, j, 100, damaged)
		if err := j.Forget(t.Context(), forgotten); err != nil {
			t.Fatal(err)
		}
		fill(t, j, 1, damaged)
		crash := t.TempDir()
		if err := os.CopyFS(crash, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		change(t, blockFile(crash, 1), func(b []byte) []byte { b[1] ^= 1; return b })
		c := open(t, crash, Options{})
		if gaps := check(t, c, forgotten, 101, damaged); len(gaps) != 1 || gaps[0].From != forgotten {
			t.Errorf("gaps %v", gaps)
		}
		if c.First() != forgotten || !strings.Contains(c.Recovered(), "are lost") {
			t.Errorf("the first is %d, recovered %q", c.First(), c.Recovered())
		}
		shut(t, j)
	}
}
