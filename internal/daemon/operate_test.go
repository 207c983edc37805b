package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/daemon/backup"
	"vedette/internal/daemon/control"
	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/store/journal"
	"vedette/internal/store/segments"
)

// servedChild has the child of the test answer on its control socket, too.
const servedChild = "VEDETTE_TEST_SERVED"

func childServed(dir string) error {
	d, err := open(dir)
	if err != nil {
		return err
	}
	f, err := d.Faces(context.Background(), "test")
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			d.upkeep.Lock()
			err := d.save(context.Background())
			d.upkeep.Unlock()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}()
	return f.Run(context.Background())
}

// spawn starts a daemon in a process of its own that follows a file in dir, and returns when
// it answers.
func spawn(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+dir, servedChild+"=yes")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	asked := control.Dial(filepath.Join(dir, "data"))
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := asked.Facts(t.Context()); err == nil {
			return cmd, &said
		} else if time.Now().After(end) {
			t.Fatalf("it does not answer: %v; %s", err, said.String())
		}
	}
}

// settings writes a configuration in which a file in dir is followed, and returns the file.
func settings(t *testing.T, dir string) string {
	t.Helper()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(in, "conn.log")
	text := fmt.Sprintf("data: %s\nconsole:\n  listen: 127.0.0.1:0\nkeep:\n  days: 36500\nsources:\n  - tail:\n      poll: 5ms\n      paths: [%s]\n", filepath.Join(dir, "data"), file)
	if err := os.WriteFile(filepath.Join(dir, "vedette.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// short returns a folder whose path leaves room for a socket.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ved")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestBackupUnderLoad makes backups of a daemon in a process of its own at random moments
// while a file grows and rotates, some of which are interrupted by kill -9. Whatever
// is restored has learned what a fresh learner learns from the log up to the position of the
// backup, to the byte, and holds every event up to there once.
func TestBackupUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := short(t)
	w := &writer{t: t, path: settings(t, dir)}
	random := rand.New(rand.NewPCG(1, 2))
	type made struct {
		file   string
		report backup.Report
	}
	var all []made
	broken := 0
	for life := range 2 {
		cmd, said := spawn(t, dir)
		done := make(chan error, 1)
		for n := range 3 {
			for end := time.Now().Add(time.Duration(random.IntN(150)) * time.Millisecond); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
				w.write(25)
			}
			file := filepath.Join(dir, fmt.Sprintf("%d-%d.backup", life, n))
			go func() { done <- fetch(t.Context(), dir, file, n == 1) }()
			kill := time.Duration(-1)
			if n == 2 {
				kill = time.Duration(random.IntN(40)) * time.Millisecond
			}
			began := time.Now()
			for waits := true; waits; {
				select {
				case err := <-done:
					waits = false
					if err != nil && kill < 0 {
						t.Fatal(err)
					} else if err != nil {
						broken++
						break
					}
					r, err := CheckBackup(t.Context(), file, dir)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, made{file, r})
				default:
					if w.write(25); kill >= 0 && time.Since(began) > kill {
						kill = time.Hour
						if err := cmd.Process.Kill(); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(2 * time.Millisecond)
				}
			}
		}
		_ = cmd.Process.Kill() // it may have been killed
		_ = cmd.Wait()
		if said.Len() > 0 {
			t.Fatal(said.String())
		}
		w.rotate()
	}
	t.Logf("%d backups of %d lines, %d more were interrupted", len(all), w.lines, broken)
	for _, m := range all {
		checkRestored(t, dir, m.file, m.report)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "data", ".backup-*")); err != nil || len(left) > 3 {
		t.Errorf("%v are left: %v", left, err)
	}
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "data", ".backup-*")); err != nil || len(left) > 0 {
		t.Errorf("a start leaves %v: %v", left, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// fetch has the daemon that runs write a backup.
func fetch(ctx context.Context, dir, file string, keys bool) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return control.Dial(filepath.Join(dir, "data")).Backup(ctx, f, keys)
}

// checkRestored restores a backup and compares it with the log that it is of.
func checkRestored(t *testing.T, dir, file string, r backup.Report) {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(dir, "data", "journal"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	fresh, want := newLearner(3), map[uint64]int{}
	err = j.Read(t.Context(), 1, false, func(at input.Position, data []byte) error {
		if at > r.Position {
			return io.EOF
		}
		b, err := fresh.apply(at, data)
		if b != nil {
			for _, f := range b.Flows {
				want[f.BytesOut]++
			}
		}
		return err
	})
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	to := t.TempDir()
	c, err := Configure("")
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Keep.Days = filepath.Join(to, "data"), 36500
	if _, err := Restore(t.Context(), c, file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "vedette.yaml"), []byte("data: "+c.Data+"\nkeep:\n  days: 36500\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := open(to)
	if err != nil {
		t.Fatal(err)
	}
	got, at, _ := d.learner.snapshot()
	expect, upTo, _ := fresh.snapshot()
	if at != upTo || !bytes.Equal(got, expect) {
		t.Errorf("%s: what was learned up to %d differs from a fresh replay up to %d: %d and %d bytes", file, at, upTo, len(got), len(expect))
	}
	if next, err := d.journal.Append(t.Context(), []byte("x")); err != nil || next != r.Position+1 {
		t.Errorf("%s: the next entry is %d, after %d: %v", file, next, r.Position, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := segments.Open(filepath.Join(c.Data, "events"), segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, p := range s.Problems() {
		t.Errorf("%s: %+v", file, p)
	}
	stored := map[uint64]int{}
	if err := s.Events(t.Context(), segments.Query{}, func(_ segments.Ref, v event.View) error {
		stored[v.Flow().BytesOut]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for k, n := range want {
		if stored[k] != n || n != 1 {
			t.Errorf("%s: event %d is in the log %d times, and in the store %d times", file, k, n, stored[k])
			break
		}
	}
	if len(stored) != len(want) {
		t.Errorf("%s: %d events are stored, %d are in the log up to %d", file, len(stored), len(want), r.Position)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func logTo(l *lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
