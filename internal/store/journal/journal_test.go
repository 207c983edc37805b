package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
)

func open(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, j) })
	return j
}

func shut(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// sample returns an entry of n bytes that can be told from all others.
func sample(number uint64, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, number)
	r := rand.New(rand.NewPCG(number, 1))
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:max(n, 8)]
}

func fill(t testing.TB, j *Journal, n, size int) {
	t.Helper()
	for range n {
		number := j.Last() + 1
		at, err := j.Append(t.Context(), sample(uint64(number), size))
		if err != nil || at != number {
			t.Fatalf("appending entry %d gave %d, %v", number, at, err)
		}
	}
}

// check reads the journal and compares the entries from..to with sample. It returns the
// gaps that it went over.
func check(t testing.TB, j *Journal, from, to input.Position, size int) (gaps []Gap) {
	t.Helper()
	next := from
	for {
		err := j.Read(t.Context(), next, false, func(at input.Position, data []byte) error {
			if at != next || !bytes.Equal(data, sample(uint64(at), size)) {
				return fmt.Errorf("read entry %d of %d bytes instead of %d", at, len(data), next)
			}
			next++
			return nil
		})
		if gap, ok := errors.AsType[*Gap](err); ok {
			if gap.From != next || fault.KindOf(err) != fault.Unreadable {
				t.Fatalf("a gap from %d to %d where %d was next", gap.From, gap.To, next)
			}
			gaps, next = append(gaps, *gap), gap.To+1
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if next != to+1 {
		t.Fatalf("read up to %d instead of %d", next-1, to)
	}
	return gaps
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	if j.First() != 1 || j.Last() != 0 {
		t.Errorf("a new journal has entries %d to %d", j.First(), j.Last())
	}
	check(t, j, 1, 0, 0)
	fill(t, j, 300, 100_000) // several files
	check(t, j, 1, 300, 100_000)
	check(t, j, 299, 300, 100_000)
	shut(t, j)
	j = open(t, dir, Options{})
	if j.Recovered() != "" {
		t.Errorf("after a clean end: %s", j.Recovered())
	}
	if n, size := j.Size(); n != 300 || size < 300*100_000 || size > 301*100_000 {
		t.Errorf("%d entries of %d bytes", n, size)
	}
	fill(t, j, 10, 100_000)
	check(t, j, 1, 310, 100_000)
	if err := j.Read(t.Context(), 312, false, nil); err != nil {
		t.Errorf("reading behind the end: %v", err)
	}
	stop := errors.New("stop")
	if err := j.Read(t.Context(), 0, true, func(input.Position, []byte) error { return stop }); err != stop {
		t.Errorf("the error of f became %v", err)
	}
}

func TestJournal_refuses(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), Options{MaxBytes: -1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a negative limit: %v", err)
	}
	j := open(t, t.TempDir(), Options{})
	for name, data := range map[string][]byte{"empty": nil, "large": make([]byte, MaxEntry+1)} {
		if _, err := j.Append(t.Context(), data); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(over, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if err := j.Read(over, 1, true, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after the end of the context: %v", err)
	}
	large := sample(1, MaxEntry)
	if at, err := j.Append(t.Context(), large); at != 1 || err != nil {
		t.Errorf("the largest entry: %d, %v", at, err)
	}
	if at, err := j.Append(t.Context(), []byte("x")); at != 2 || err != nil {
		t.Errorf("the smallest entry: %d, %v", at, err)
	}
	if err := j.Read(t.Context(), 1, false, func(at input.Position, data []byte) error {
		if at == 1 && !bytes.Equal(data, large) || at == 2 && string(data) != "x" {
			t.Errorf("entry %d has %d bytes", at, len(data))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	shut(t, j)
	if _, err := j.Append(t.Context(), []byte("x")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("appending after the end: %v", err)
	}
	if err := j.Read(t.Context(), 1, false, nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("reading after the end: %v", err)
	}
	if err := j.Forget(t.Context(), 2); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("forgetting after the end: %v", err)
	}
}

func TestJournal_limit(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{MaxBytes: 100_000})
	fill(t, j, 9, 10_000)
	for range 2 {
		_, err := j.Append(t.Context(), sample(10, 10_000))
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "limit") {
			t.Fatalf("beyond the limit: %v", err)
		}
	}
	if err := j.Forget(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	fill(t, j, 4, 10_000)
	check(t, j, 5, 13, 10_000)
	shut(t, j)
	j = open(t, dir, Options{MaxBytes: 100_000})
	if _, err := j.Append(t.Context(), sample(14, 10_000)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("beyond the limit, after opening again: %v", err)
	}
}

func TestJournal_forget(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	if err := j.Forget(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	fill(t, j, 200, 100_000)
	_, full := j.Size()
	for _, before := range []input.Position{0, 1, 50, 50, 101, 30} {
		if err := j.Forget(t.Context(), before); err != nil {
			t.Fatalf("before %d: %v", before, err)
		}
	}
	if n, size := j.Size(); j.First() != 101 || j.Last() != 200 || n != 100 || size != full/2 {
		t.Errorf("%d entries of %d bytes from %d to %d", n, size, j.First(), j.Last())
	}
	if err := j.Read(t.Context(), 100, false, nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("reading what was forgotten: %v", err)
	}
	check(t, j, 101, 200, 100_000)
	shut(t, j)
	if size, _, err := blocks(dir); err != nil || size > 110*100_000+8<<20 {
		t.Errorf("%d bytes are still on the disk, %v", size, err)
	}
	j = open(t, dir, Options{})
	if j.First() != 101 || j.Last() != 200 || j.Recovered() != "" {
		t.Errorf("opened again: entries %d to %d, %s", j.First(), j.Last(), j.Recovered())
	}
	if err := j.Forget(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	fill(t, j, 5, 100_000)
	check(t, j, 200, 205, 100_000)
}

func TestJournal_concurrent(t *testing.T) {
	const writers, each = 16, 40
	j := open(t, t.TempDir(), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	got := make([]map[input.Position]string, 3)
	var readers, all sync.WaitGroup
	for i := range got {
		got[i] = map[input.Position]string{}
		readers.Go(func() {
			next := input.Position(1)
			err := j.Read(ctx, 0, true, func(at input.Position, data []byte) error {
				if at != next {
					t.Errorf("read %d, not %d", at, next)
				}
				next++
				if got[i][at] = string(data); len(got[i]) == writers*each {
					return errClosed
				}
				return nil
			})
			if err != errClosed {
				t.Error(err)
			}
		})
	}
	var lock sync.Mutex
	sent := map[input.Position]string{}
	for w := range writers {
		all.Go(func() {
			for i := range each {
				data := fmt.Sprintf("%d of %d%s", i, w, strings.Repeat(" ", i*1000))
				at, err := j.Append(ctx, []byte(data))
				if err != nil {
					t.Error(err)
					return
				}
				lock.Lock()
				sent[at] = data
				lock.Unlock()
			}
		})
	}
	all.Wait()
	timer := time.AfterFunc(20*time.Second, cancel)
	readers.Wait()
	timer.Stop()
	cancel()
	for i := range got {
		for at, data := range sent {
			if got[i][at] != data {
				t.Fatalf("reader %d got another entry %d", i, at)
			}
		}
	}
	if len(sent) != writers*each {
		t.Errorf("%d different positions", len(sent))
	}
}

// TestJournal_forgetWhileReading checks that what is forgotten is not taken for lost.
func TestJournal_forgetWhileReading(t *testing.T) {
	const n = 1500
	j := open(t, t.TempDir(), Options{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for next, forgotten := input.Position(1), 0; next <= n; {
				err := j.Read(t.Context(), next, false, func(at input.Position, data []byte) error {
					if at != next || !bytes.Equal(data, sample(uint64(at), 20_000)) {
						return fmt.Errorf("read %d instead of %d", at, next)
					}
					next++
					return nil
				})
				if fault.KindOf(err) == fault.NotFound {
					next = j.First()
					forgotten++
				} else if err != nil {
					t.Errorf("after being overtaken %d times: %v", forgotten, err)
					return
				}
			}
		})
	}
	for range n {
		fill(t, j, 1, 20_000)
		if last := j.Last(); last%7 == 0 {
			if err := j.Forget(t.Context(), last); err != nil {
				t.Fatal(err)
			}
		}
	}
	all.Wait()
}

// TestJournal_turn holds up the writer, so that a context ends while an entry waits.
func TestJournal_turn(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	j.engineLock.RLock()
	j.boundsLock.Lock()
	var first sync.WaitGroup
	first.Go(func() {
		if at, err := j.Append(t.Context(), []byte("first")); at != 1 || err != nil {
			t.Errorf("the first: %d, %v", at, err)
		}
	})
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := j.Append(ctx, []byte("second")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second: %v", err)
	}
	j.boundsLock.Unlock()
	j.engineLock.RUnlock()
	first.Wait()
	if n, _ := j.Size(); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestJournal_ends(t *testing.T) {
	settle := func(want int) (n int) { // some goroutines of the server end a little later
		for range 100 {
			if n = runtime.NumGoroutine(); n <= want {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return n
	}
	dir := t.TempDir()
	cycle := func() {
		j := open(t, dir, Options{})
		var read sync.WaitGroup
		read.Go(func() {
			if err := j.Read(t.Context(), 0, true, func(input.Position, []byte) error { return nil }); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("reading while the journal ends: %v", err)
			}
		})
		fill(t, j, 3, 1000)
		shut(t, j)
		shut(t, j)
		read.Wait()
	}
	cycle() // what lives as long as the process
	time.Sleep(300 * time.Millisecond)
	before := runtime.NumGoroutine()
	for range 5 {
		cycle()
	}
	if after := settle(before); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines became %d:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}

func TestJournal_alone(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	_, err := Open(t.Context(), dir, Options{})
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("opening it twice: %v", err)
	}
	fill(t, j, 1, 10)
	shut(t, j)
	open(t, dir, Options{})
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "file"), Options{}); err == nil {
		t.Error("a file was opened as a journal")
	}
}
