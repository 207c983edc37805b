//go:build linux

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// small mounts a disk of the given size.
func small(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// untilFull appends until the disk is full, in groups of the given number.
func untilFull(t *testing.T, j *Journal, size, writers int) {
	t.Helper()
	var all sync.WaitGroup
	var lock sync.Mutex
	given := map[input.Position]bool{}
	for range writers {
		all.Go(func() {
			for {
				// The number is not known before, so all entries are equal here.
				at, err := j.Append(t.Context(), sample(7, size))
				if err != nil {
					if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "disk of the journal is full") {
						t.Errorf("on a full disk: kind %d, %v", fault.KindOf(err), err)
					}
					return
				}
				lock.Lock()
				if given[at] {
					t.Errorf("position %d twice", at)
				}
				given[at] = true
				lock.Unlock()
			}
		})
	}
	all.Wait()
	for at := input.Position(1); at <= input.Position(len(given)); at++ {
		if !given[at-1+j.Last()-input.Position(len(given))+1] {
			t.Errorf("%d positions were given out, and not the last", len(given))
			break
		}
	}
}

// all counts the entries that can be read, all equal.
func all(t *testing.T, j *Journal, size int) (n input.Position) {
	t.Helper()
	err := j.Read(t.Context(), 0, false, func(at input.Position, data []byte) error {
		if string(data) != string(sample(7, size)) || at != j.First()+n {
			return errors.New("an entry is damaged")
		}
		n++
		return nil
	})
	if err != nil {
		t.Errorf("after %d entries: %v", n, err)
	}
	return n
}

func TestJournal_diskFull(t *testing.T) {
	for name, size := range map[string]int{"small": 3_000, "large": 250_000} {
		for _, writers := range []int{1, 8} {
			t.Run(name+"_"+string(rune('0'+writers)), func(t *testing.T) { testDiskFull(t, size, writers) })
		}
	}
}

func testDiskFull(t *testing.T, size, writers int) {
	disk := small(t, "size=34m")
	dir := filepath.Join(disk, "journal")
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir, Options{})
	untilFull(t, j, size, writers)
	n := j.Last()
	if got := all(t, j, size); got != n {
		t.Errorf("on a full disk %d of %d entries can be read", got, n)
	}
	untilFull(t, j, size, writers) // still full
	if more := j.Last() - n; more > 0 {
		t.Logf("%d entries found room when the server had started again", more)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	n = j.Last()
	if _, err := j.Append(t.Context(), sample(7, size)); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	untilFull(t, j, size, writers)
	if j.Last() < n+10 {
		t.Errorf("%d entries more in 6 MiB", j.Last()-n)
	}
	if j.Recovered() != "" {
		t.Logf("recovered: %s", j.Recovered())
	}
	n = j.Last()
	if got := all(t, j, size); got != n {
		t.Errorf("%d of %d entries can be read", got, n)
	}
	// Forgetting makes room, too.
	if err := j.Forget(t.Context(), n-5); err != nil {
		t.Errorf("forgetting on a full disk: %v", err)
	}
	for range 5 {
		if _, err := j.Append(t.Context(), sample(7, size)); err != nil {
			t.Fatalf("there is room after forgetting: %v", err)
		}
	}
	shut(t, j)
	j = open(t, dir, Options{})
	if got := all(t, j, size); got != 11 || j.Last() != n+5 || j.Recovered() != "" {
		t.Errorf("opened again: %d entries to %d, and it says %q", got, j.Last(), j.Recovered())
	}
}

// TestJournal_openFull opens a journal on a disk that is full.
func TestJournal_openFull(t *testing.T) {
	disk := small(t, "size=26m")
	dir := filepath.Join(disk, "journal")
	j := open(t, dir, Options{})
	untilFull(t, j, 100_000, 1)
	n := j.Last()
	shut(t, j)
	again, err := Open(t.Context(), dir, Options{})
	if err != nil {
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "full") {
			t.Errorf("opening on a full disk: %v", err)
		}
		t.Skip("it cannot be opened, and says why")
	}
	defer shut(t, again)
	if got := all(t, again, 100_000); got != n {
		t.Errorf("%d of %d entries can be read", got, n)
	}
}
