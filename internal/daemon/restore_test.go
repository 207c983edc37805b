package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// saved makes a data folder with three snapshots' worth of lines, closed, and returns what
// had been learned in the end.
func saved(t *testing.T) (dir string, lines int, state []byte) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "conn.log")
	settings := fmt.Sprintf("data: %s\nkeep:\n  days: 36500\nsources:\n  - tail:\n      paths: [%s]\n", filepath.Join(dir, "data"), path)
	if err := os.WriteFile(filepath.Join(dir, "vedette.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, path: path}
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for range 3 {
		w.write(300)
		for end := time.Now().Add(30 * time.Second); int(d.learned()) < w.lines && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		if err := d.Snapshot(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	state, _, _ = d.learner.snapshot()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, w.lines, state
}

// newest returns the last of the files below dir with an extension, by its time.
func newest(t *testing.T, dir, ext string) (path string) {
	t.Helper()
	var last time.Time
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ext) {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().After(last) {
			path, last = p, info.ModTime()
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatalf("no file %s: %v", ext, err)
	}
	return path
}

// TestWhatWasWrittenLastIsDamaged: events and learned state are made again from the
// snapshot before and the journal, and are what they were.
func TestWhatWasWrittenLastIsDamaged(t *testing.T) {
	for name, file := range map[string]string{"events": "events .parquet", "learned": "learned learned"} {
		t.Run(name, func(t *testing.T) {
			dir, lines, want := saved(t)
			folder, ext, _ := strings.Cut(file, " ")
			path := newest(t, filepath.Join(dir, "data", folder), ext)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, _, _ := d.learner.snapshot()
			if !bytes.Equal(got, want) {
				t.Errorf("what was learned differs: %d and %d bytes", len(got), len(want))
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			checkRows(t, d, dir, lines)
			if d, err = open(dir); err != nil { // and all is well again
				t.Fatal(err)
			}
			if d.segments.Safe() < d.learner.at || len(d.segments.Problems()) > 0 {
				t.Errorf("events are safe up to %d of %d; %+v", d.segments.Safe(), d.learner.at, d.segments.Problems())
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
