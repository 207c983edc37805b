package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/store/segments"
)

// A child of the test is a daemon that follows files, saves what it learned all the time,
// and waits to be killed.
const childOf = "VEDETTE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childOf); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	d, err := open(dir)
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(70 * time.Millisecond) {
			if err := d.save(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}()
	return d.Run(context.Background())
}

func open(dir string) (*Daemon, error) {
	c, err := Configure(filepath.Join(dir, "vedette.yaml"))
	if err != nil {
		return nil, err
	}
	return Open(context.Background(), c, slog.New(slog.DiscardHandler))
}

// kills returns how often to kill the child: 8 times, or as often as VEDETTE_KILLS says.
func kills(t *testing.T) int {
	if s := os.Getenv("VEDETTE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 8
}

// TestKilledAtAnyMoment kills the daemon again and again while it follows a file that
// grows and is rotated. In the end every line is there once, and what was learned is what
// a fresh learner learns from the whole journal, to the byte.
func TestKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("data: %s\nkeep:\n  days: 36500\nsources:\n  - tail:\n      paths: [%s]\n", filepath.Join(dir, "data"), filepath.Join(in, "conn.log"))
	if err := os.WriteFile(filepath.Join(dir, "vedette.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, path: filepath.Join(in, "conn.log")}
	for n := range kills(t) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childOf+"="+dir)
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		life := time.Duration(200+(n*7919)%900) * time.Millisecond
		for end := time.Now().Add(life); time.Now().Before(end); time.Sleep(3 * time.Millisecond) {
			w.write(20)
		}
		if n%3 == 2 {
			w.rotate()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); said.Len() > 0 {
			t.Fatalf("life %d: %v: %s", n, err, said.String())
		}
	}
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for end := time.Now().Add(60 * time.Second); int(d.learned()) < w.lines && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	time.Sleep(300 * time.Millisecond) // for what should not come
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := int(d.learned()); got != w.lines {
		t.Errorf("%d lines were written, %d events learned", w.lines, got)
	}
	checkReplay(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	checkRows(t, d, dir, w.lines)
}

// writer writes conn lines of Zeek, each to another port, so that none is like another.
type writer struct {
	t     *testing.T
	path  string
	f     *os.File
	lines int
	turns int
}

func (w *writer) write(n int) {
	if w.f == nil {
		f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			w.t.Fatal(err)
		}
		w.f = f
	}
	var b []byte
	for range n {
		b = fmt.Appendf(b, `{"ts":%d.5,"uid":"C%d","id.orig_h":"10.0.0.%d","id.orig_p":5000,"id.resp_h":"192.0.2.%d","id.resp_p":443,"proto":"tcp","duration":1.5,"orig_bytes":%d,"resp_bytes":9,"conn_state":"SF"}`+"\n",
			1772409600+w.lines/10, w.lines, w.lines%200, w.lines%97, w.lines)
		w.lines++
	}
	if _, err := w.f.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) rotate() {
	if err := w.f.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.turns++
	if err := os.Rename(w.path, fmt.Sprintf("%s.%d", w.path, w.turns)); err != nil {
		w.t.Fatal(err)
	}
	w.f = nil
}

// checkReplay checks that a fresh learner is in the same state after the whole journal.
func checkReplay(t *testing.T, d *Daemon) {
	t.Helper()
	if first := d.journal.First(); first != 1 {
		t.Fatalf("the journal begins at %d", first)
	}
	fresh := newLearner(3)
	err := d.journal.Read(t.Context(), 1, false, func(at input.Position, data []byte) error {
		_, err := fresh.apply(at, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, at, _ := d.learner.snapshot()
	want, upTo, _ := fresh.snapshot()
	if at != upTo || !bytes.Equal(got, want) {
		t.Errorf("what was learned up to %d differs from a fresh replay up to %d: %d and %d bytes", at, upTo, len(got), len(want))
	}
}

// checkRows checks that the event store holds every line once.
func checkRows(t *testing.T, d *Daemon, dir string, lines int) {
	t.Helper()
	s, err := segments.Open(filepath.Join(dir, "data", "events"), segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seen := map[uint64]int{}
	err = s.Events(t.Context(), segments.Query{}, func(_ segments.Ref, v event.View) error {
		seen[v.Flow().BytesOut]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	if len(seen) != lines || twice > 0 {
		t.Errorf("%d lines were written, %d are stored, %d of them more than once", lines, len(seen), twice)
	}
}
