package segments

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// files lists what is in a folder, with sizes and times.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		b.WriteString(path + " " + info.ModTime().String() + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestLook reads a store that another has open, and changes nothing in it, not even what a
// crash or damage left.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	all := entries(1, 20, 50)
	add(t, s, all)
	if l, err := Look(dir); err != nil || len(l.segments) != 0 {
		t.Errorf("before it is sealed: %v", err)
	}
	seal(t, s)
	day := filepath.Dir(s.segments[0].path)
	for name, text := range map[string]string{"7-8-0.parquet.tmp": "begun", "9-10-0.parquet": "without an index", "9-11-0.index": "without events"} {
		if err := os.WriteFile(filepath.Join(day, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := filesIn(t, dir)
	l, err := Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, _ := hits(t, l, Query{})
	want, _ := hits(t, s, Query{})
	same(t, "events", got, want)
	if now := filesIn(t, dir); now != before {
		t.Errorf("there was\n%sand is\n%s", before, now)
	}
	if err := l.Add(all[0].b, 1000); !errors.Is(err, errClosed) {
		t.Errorf("adding: %v", err)
	}
	first, last, ok := l.Span("nobody")
	if first != 0 || last != 0 || !ok {
		t.Error(first, last, ok)
	}
	if _, err := Look(dir + "/nowhere"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

// TestLookBeside looks again and again while another seals and removes.
func TestLookBeside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{DiskBudget: 200 << 10})
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for at := 1; ; at++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for _, e := range entries(uint64(at), 2, 200) {
				if err := s.Add(e.b, s.added+1); err != nil {
					done <- err
					return
				}
			}
			err := s.Seal()
			if err == nil {
				_, err = s.Enforce(time.Now())
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	found, looks := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); looks++ {
		l, err := Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range l.segments {
			var b event.Batch
			_, err := l.Event(Ref{g.name, 0}, &b)
			switch {
			case err == nil:
				found++
			case !errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
				t.Errorf("%s: %v", g.name, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if p := s.Problems(); len(p) > 0 {
		t.Errorf("%+v", p)
	}
	if found < 10 || looks < 3 {
		t.Errorf("%d events in %d looks", found, looks)
	}
}
