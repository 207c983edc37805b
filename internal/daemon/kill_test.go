package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	decoders "vedette/internal/decode/all"
	"vedette/internal/input"
	"vedette/internal/intake"
	"vedette/internal/store/journal"
	"vedette/internal/store/snapshot"
)

// A child of the test is a daemon that takes in telemetry, saves what it learned all the
// time, and waits to be killed. It writes down what is on the disk for sure.
const childOf = "VEDETTE_TEST_CHILD"

// loudChild has the child log, and go on when nothing can be saved.
const loudChild = "VEDETTE_TEST_LOUD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childOf); dir != "" {
		run := child
		if os.Getenv(servedChild) != "" {
			run = childServed
		}
		if file := os.Getenv(restoringChild); file != "" {
			run = func(dir string) error { return childRestores(dir, file) }
		}
		if err := run(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	loud := os.Getenv(loudChild) != ""
	handler := slog.Handler(slog.DiscardHandler)
	if loud {
		handler = slog.NewTextHandler(os.Stderr, nil)
	}
	c, err := Configure(filepath.Join(dir, "vedette.yaml"))
	if err != nil {
		return err
	}
	d, err := Open(context.Background(), c, slog.New(handler))
	if err != nil {
		return err
	}
	d.live = intake.Intake{Tenant: tenant, Site: d.config.Site, Key: d.key, Decoders: decoders.Kinds()}.NewLive(synced{d.journal, dir}, d.now)
	d.feeds.live = d.live
	go func() {
		for range time.Tick(70 * time.Millisecond) {
			d.upkeep.Lock()
			err := d.save(context.Background())
			d.upkeep.Unlock()
			if err != nil && !loud {
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

// kills returns how often to kill the child: 6 times, or as often as VEDETTE_KILLS says.
func kills(t *testing.T) int {
	if s := os.Getenv("VEDETTE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 6
}

// synced is a log that writes down how much of its newest file is on the disk for sure.
type synced struct {
	*journal.Journal
	dir string
}

// Append implements intake.Log.
func (s synced) Append(ctx context.Context, data []byte) (input.Position, error) {
	at, err := s.Journal.Append(ctx, data)
	if path := newestBlock(filepath.Join(s.dir, "data")); err == nil && path != "" {
		if info, err := os.Stat(path); err == nil {
			_ = os.WriteFile(filepath.Join(s.dir, "synced"), fmt.Appendf(nil, "%s %d .", path, info.Size()), 0o600)
		}
	}
	return at, err
}

// newestBlock returns the newest file of entries of the log in a data folder.
func newestBlock(data string) (newest string) {
	most := 0
	_ = filepath.WalkDir(filepath.Join(data, "journal"), func(path string, _ fs.DirEntry, _ error) error {
		if number, ok := strings.CutSuffix(filepath.Base(path), ".blk"); ok {
			if n, err := strconv.Atoi(number); err == nil && n > most {
				most, newest = n, path
			}
		}
		return nil
	})
	return newest
}

// cutBack takes from a data folder what need not be on the disk after a power cut, as
// chance has it: what was written of the log after the last entry that was acknowledged,
// what the log remembers without syncing it, and files that were not finished.
func cutBack(t *testing.T, dir string, r *rand.Rand) {
	t.Helper()
	data := filepath.Join(dir, "data")
	var path string
	var size int64
	b, err := os.ReadFile(filepath.Join(dir, "synced"))
	if n, _ := fmt.Sscanf(string(b), "%s %d .", &path, &size); err == nil && n == 2 && path == newestBlock(data) {
		if info, err := os.Stat(path); err == nil && info.Size() > size {
			if err := os.Truncate(path, size+r.Int64N(info.Size()-size+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // it was killed before it made the folder
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		name := d.Name()
		unsynced := name == "mark" || name == "index.db" || strings.HasSuffix(name, ".tmp") || strings.HasPrefix(name, ".learned-") || name == "reserve" || name == "sources.json"
		if !unsynced {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch r.IntN(3) {
		case 0:
			return os.Remove(path)
		case 1:
			return os.Truncate(path, r.Int64N(info.Size()+1))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKilledAtAnyMoment kills the daemon again and again while everything presses on it.
// In the end every line and every acknowledged request is there once, and what was learned
// is what a fresh learner learns from the whole journal, to the byte.
func TestKilledAtAnyMoment(t *testing.T) { killed(t, func(string) {}) }

// TestPowerCutAtAnyMoment does the same, and takes from the disk what was not synced.
func TestPowerCutAtAnyMoment(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	killed(t, func(dir string) { cutBack(t, dir, r) })
}

func killed(t *testing.T, after func(dir string)) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	p := newPress(t, dir, data)
	p.begin()
	r := rand.New(rand.NewPCG(3, 9))
	var deaths []time.Time
	for n := range kills(t) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childOf+"="+dir)
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100*time.Millisecond + time.Duration(r.Int64N(int64(1400*time.Millisecond))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		deaths = append(deaths, time.Now())
		if err := cmd.Wait(); said.Len() > 0 {
			t.Fatalf("life %d: %v: %s", n, err, said.String())
		}
		after(dir)
	}
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	time.Sleep(2 * time.Second) // under load, and nobody is killed
	p.end()
	settled(d)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if first := d.journal.First(); first != 1 {
		t.Fatalf("the journal begins at %d", first)
	}
	checkReplay(t, d)
	lost := map[string]uint64{}
	for _, a := range d.live.Accounts() {
		for why, n := range a.Lost {
			lost[why] += n
		}
	}
	if wrong := d.troubles.now(); len(wrong) > 0 || d.journal.Recovered() != "" && strings.Contains(d.journal.Recovered(), "lost") {
		t.Errorf("something is wrong: %v, %s", wrong, d.journal.Recovered())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	p.check(data, deaths)
	t.Logf("counted as lost in the last life: %v", lost)
}

// settled waits until nothing comes any more.
func settled(d *Daemon) {
	last, since := uint64(0), time.Now()
	for end := time.Now().Add(2 * time.Minute); time.Since(since) < 1500*time.Millisecond && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if n := d.learned(); n != last {
			last, since = n, time.Now()
		}
	}
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
		b = append(conn(b, uint64(w.lines)), '\n')
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

// checkReplay checks that a fresh learner is in the same state after the whole journal; if
// that has forgotten its beginning, after the last snapshot and the rest.
func checkReplay(t *testing.T, d *Daemon) {
	t.Helper()
	fresh := newLearner(3)
	if d.journal.First() > 1 {
		folder := filepath.Join(d.config.Data, "learned")
		found, err := snapshot.Load(folder, fresh.read)
		if err == nil && !found { // it was put aside
			found, err = snapshot.LoadBefore(folder, fresh.read)
		}
		if err != nil || !found {
			t.Fatalf("the journal begins at %d, and there is no snapshot: %v", d.journal.First(), err)
		}
	}
	err := d.journal.Read(t.Context(), fresh.at+1, false, func(at input.Position, data []byte) error {
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
func checkRows(t *testing.T, _ *Daemon, dir string, lines int) {
	t.Helper()
	seen, twice := stored(t, filepath.Join(dir, "data")), 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	if len(seen) != lines || twice > 0 {
		t.Errorf("%d lines were written, %d are stored, %d of them more than once", lines, len(seen), twice)
	}
}
