package daemon

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
)

// house is a daemon that a test does harm to, with a load on it.
type house struct {
	*testing.T
	press *press
	data  string
	log   *lines
	now   func() time.Time
	most  int64 // bytes of the log, if not 0

	daemon *Daemon
	faces  *Faces
	stop   func() // makes a last snapshot
}

// build makes a house whose data folder is in a folder, and which does not run yet.
func build(t *testing.T, folder string) *house {
	t.Helper()
	data := filepath.Join(folder, "data")
	return &house{T: t, press: newPress(t, t.TempDir(), data), data: data, log: &lines{}, now: time.Now}
}

// open opens the daemon, and returns what that says.
func (h *house) open() error {
	h.Helper()
	c, err := Configure(filepath.Join(h.press.dir, "vedette.yaml"))
	if err != nil {
		h.Fatal(err)
	}
	if h.most > 0 {
		c.Keep.Journal = h.most
	}
	if h.daemon, err = openAt(h.Context(), c, slog.New(slog.NewTextHandler(h.log, nil)), h.now); err != nil {
		return err
	}
	h.faces, err = h.daemon.Faces(h.Context(), "test")
	return err
}

// start opens and runs it.
func (h *house) start() {
	h.Helper()
	if err := h.open(); err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	d := h.daemon
	go func() { ended <- d.Run(ctx) }()
	h.stop = func() {
		h.Helper()
		cancel()
		if err := <-ended; err != nil {
			h.Error("running:", err)
		}
		if err := d.Close(); err != nil {
			h.Error("closing:", err)
		}
		h.stop = func() {}
	}
	h.Cleanup(func() { h.stop() })
}

// lines has lines be written and learned.
func (h *house) write(n int) {
	h.Helper()
	h.press.file.write(n)
	h.wait("lines to be learned", func() bool { return int(h.daemon.learned()) >= h.press.file.lines })
}

func (h *house) wait(what string, done func() bool) {
	h.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("waited in vain for %s; wrong is: %s\n%s", what, h.wrong(), h.log)
		}
	}
}

// snapshot has one be made.
func (h *house) snapshot() {
	h.Helper()
	if err := h.daemon.Snapshot(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// wrong returns what people are told is wrong.
func (h *house) wrong() string {
	h.Helper()
	parts, err := h.faces.desk.Overview.Health(h.Context(), tenant)
	if err != nil {
		h.Fatal(err)
	}
	var all []string
	for _, p := range parts {
		if !p.Fine {
			all = append(all, p.Name+": "+p.Says)
		}
	}
	return strings.Join(all, "\n")
}

// health returns what programs are told.
func (h *house) health() string {
	w := httptest.NewRecorder()
	h.faces.health(w, httptest.NewRequest(http.MethodGet, "/health", nil))
	return w.Body.String()
}

// told checks that something is said to people, in the log and in the metrics, or is not
// any more.
func (h *house) told(part, says, logged string) {
	h.Helper()
	if got := h.wrong(); !strings.Contains(got, says) {
		h.Errorf("people are told %q, and not %q", got, says)
	}
	if !strings.Contains(h.health(), "degraded") {
		h.Errorf("programs are told %s", h.health())
	}
	if !strings.Contains(h.log.String(), logged) {
		h.Errorf("the log does not say %q:\n%s", logged, h.log)
	}
	var b bytes.Buffer
	if err := writeMetrics(&b, []family{h.daemon.measureTroubles()}); err != nil || part != "" && !strings.Contains(b.String(), `vedette_trouble{part="`+part+`"} 1`) {
		h.Errorf("metrics say %s", b.String())
	}
}

// same checks that what was learned is what a fresh learner learns from the journal, and
// that every line is stored once. It stops the daemon.
func (h *house) same() {
	h.Helper()
	checkReplay(h.T, h.daemon)
	h.stop()
	h.rows(h.press.file.lines)
}

// rows checks how many lines are stored, each once.
func (h *house) rows(want int) {
	h.Helper()
	seen := stored(h.T, h.data)
	for n, times := range seen {
		if times > 1 {
			h.Errorf("line %d is stored %d times", n, times)
		}
	}
	if len(seen) != want {
		h.Errorf("%d lines are stored, want %d of %d", len(seen), want, h.press.file.lines)
	}
}

// files returns the files below a folder with an extension, in order of their names.
func (h *house) files(folder, ext string) (all []string) {
	h.Helper()
	err := filepath.WalkDir(filepath.Join(h.data, folder), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ext) {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return all
}

func (h *house) change(path string, f func([]byte) []byte) {
	h.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		h.Fatal(err)
	}
}

// copied copies a folder, as it is now, to another.
func copied(t *testing.T, from, to string) {
	t.Helper()
	err := os.CopyFS(to, os.DirFS(from))
	for _, key := range []string{"key", "state/key"} { // copies can be read by others
		if _, none := os.Stat(filepath.Join(to, key)); none == nil {
			err = errors.Join(err, os.Chmod(filepath.Join(to, key), 0o600))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func half(b []byte) []byte { return b[:len(b)/2] }

func flipped(b []byte) []byte {
	b[len(b)/2] ^= 0x10
	return b
}

// TestLearnerThatLags stops the learner while everything presses on the daemon: what comes
// goes to the log up to its bound, and then senders wait. When the learner goes on, the log
// gets room, and everything else does, too.
func TestLearnerThatLags(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.most = 1 << 20
	h.start()
	h.press.begin()
	h.wait("load", func() bool { return h.daemon.learned() > 500 })
	h.daemon.learner.lock.RLock()
	h.wait("the log to be full", func() bool { return h.daemon.live.Stalled().Err != nil })
	stalled := time.Now()
	_, size := h.daemon.journal.Size()
	time.Sleep(time.Second)
	if _, more := h.daemon.journal.Size(); size < h.most*8/10 || more > h.most {
		t.Errorf("the log was full at %d bytes and has %d, of %d", size, more, h.most)
	}
	if err := h.daemon.live.Stalled().Err; !strings.Contains(err.Error(), "its limit of") {
		t.Errorf("it waits since %v", err)
	}
	h.daemon.learner.lock.RUnlock()
	h.wait("the log to have room", func() bool { return h.daemon.live.Stalled().Err == nil })
	before := h.daemon.learned()
	h.wait("load", func() bool { return h.daemon.learned() > before+2000 })
	h.press.end()
	h.wait("all to be learned", func() bool {
		return int(h.daemon.learned()) >= h.press.file.lines+int(h.press.push)+len(h.press.sent[0])
	})
	settled(h.daemon)
	h.stop()
	h.press.check(h.data, []time.Time{stalled})
}

// TestHalfASnapshot cuts the snapshot in half: the one before it is taken up, and the log
// has the rest.
func TestHalfASnapshot(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(string) error{
		"half":    func(path string) error { b, _ := os.ReadFile(path); return os.WriteFile(path, half(b), 0o600) },
		"flipped": func(path string) error { b, _ := os.ReadFile(path); return os.WriteFile(path, flipped(b), 0o600) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, t.TempDir())
			h.start()
			for range 3 {
				h.write(200)
				h.snapshot()
			}
			h.write(100)
			want, _, _ := h.daemon.learner.snapshot()
			h.stop()
			path := filepath.Join(h.data, "learned", "learned")
			if err := harm(path); err != nil {
				t.Fatal(err)
			}
			h.start()
			if got, _, _ := h.daemon.learner.snapshot(); !bytes.Equal(got, want) {
				t.Error("what was learned is not what it was")
			}
			h.told("", "nothing is lost", "nothing is lost")
			if _, err := os.Stat(path + ".damaged"); err != nil {
				t.Errorf("it was not put aside: %v", err)
			}
			h.write(100)
			h.same()
			h.start()
			if wrong := h.wrong(); wrong != "" {
				t.Errorf("at the next start it still says %s", wrong)
			}
		})
	}
}

// TestReplacedHalfway: between the two renames of a snapshot there is none but the one
// before. That is no damage.
func TestReplacedHalfway(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.start()
	h.write(200)
	h.snapshot()
	h.write(100)
	want, _, _ := h.daemon.learner.snapshot()
	h.stop()
	folder := filepath.Join(h.data, "learned")
	if err := os.Rename(filepath.Join(folder, "learned"), filepath.Join(folder, "learned.before")); err != nil {
		t.Fatal(err)
	}
	h.start()
	if got, _, _ := h.daemon.learner.snapshot(); !bytes.Equal(got, want) || h.wrong() != "" {
		t.Errorf("what was learned is not what it was, or it is called damage: %s", h.wrong())
	}
	h.same()
}

// TestBothSnapshotsDamaged: it learns anew from what the log holds, and says so.
func TestBothSnapshotsDamaged(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.start()
	for range 3 {
		h.write(200)
		h.snapshot()
	}
	h.stop()
	for _, name := range []string{"learned", "learned.before"} {
		h.change(filepath.Join(h.data, "learned", name), half)
	}
	h.start()
	h.told("", "It is learned anew", "It is learned anew")
	if n := int(h.daemon.learned()); n == 0 || n > h.press.file.lines {
		t.Errorf("%d events of the log were learned", n)
	}
}

// TestSegmentsDamaged damages the file of events that was sealed last, and an older one:
// what the log still holds is written again, what it does not is said to be lost.
func TestSegmentsDamaged(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.start()
	h.write(300)
	h.snapshot()
	h.write(300)
	h.snapshot() // from here on the log has all after the first 300
	for range 3 {
		h.write(100)
		if err := h.daemon.segments.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	h.stop()
	all := h.files("events", ".parquet")
	if len(all) < 4 {
		t.Fatalf("%d segments", len(all))
	}
	slices.SortFunc(all, func(a, b string) int { // in order of their writing
		i, _ := os.Stat(a)
		j, _ := os.Stat(b)
		return i.ModTime().Compare(j.ModTime())
	})
	h.change(all[len(all)-1], half)
	h.change(all[len(all)-2], half)
	h.start()
	h.told("", "files are damaged and were put aside", "the event store is damaged")
	h.write(50)
	h.same()
	if n := len(h.files("events", ".damaged")); n < 2 {
		t.Errorf("%d files were put aside", n)
	}

	h.change(all[0], half) // which the log has forgotten
	h.start()
	h.told("", "are lost", "are lost")
	h.write(50)
	h.stop()
	if n := len(stored(t, h.data)); n >= h.press.file.lines || n < h.press.file.lines-350 {
		t.Errorf("%d of %d lines are stored", n, h.press.file.lines)
	}
}

// TestJournalDamaged damages the log beyond the snapshot: what is lost is said, all else is
// learned, and it goes on.
func TestJournalDamaged(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.start()
	h.write(200)
	h.snapshot()
	for range 40 {
		h.write(20)
	}
	crash := t.TempDir() // what a crash leaves
	copied(t, h.data, crash)
	h.stop()
	if err := os.RemoveAll(h.data); err != nil {
		t.Fatal(err)
	}
	copied(t, crash, h.data)
	blocks := h.files("journal", ".blk")
	h.change(blocks[len(blocks)-1], func(b []byte) []byte {
		b[len(b)*3/4] ^= 0x10
		return b
	})
	h.start()
	h.told("", "lost", "lost")
	learned := int(h.daemon.learned())
	if learned >= h.press.file.lines || learned < 200 {
		t.Errorf("%d events were learned of %d", learned, h.press.file.lines)
	}
	h.press.file.write(50)
	h.wait("what comes after", func() bool { return int(h.daemon.learned()) >= learned+50 })
}

// TestStateDamaged damages a page of the state: it does not start, for without accounts
// anybody could become the administrator, and says what is safe and what to do. Nothing
// else is touched: with the state put away, everything goes on.
func TestStateDamaged(t *testing.T) {
	t.Parallel()
	h := build(t, t.TempDir())
	h.start()
	h.write(200)
	h.stop()
	folder := filepath.Join(h.data, "state")
	h.change(filepath.Join(folder, "state.db"), func(b []byte) []byte {
		for i := 4096; i < 3*4096; i++ { // after the first page
			b[i] ^= 0xa5
		}
		return b
	})
	h.press.file.write(100)
	err := h.open()
	if fault.KindOf(err) != fault.Unreadable || !strings.Contains(err.Error(), "restore the latest backup") || !strings.Contains(err.Error(), "are not touched") {
		t.Errorf("it says %v", err)
	}
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.wait("lines to be learned", func() bool { return int(h.daemon.learned()) >= h.press.file.lines })
	h.same()
}

// TestStateOfABackup puts an earlier state in the place of the state: what was found since
// is shown to people again, for it stands in what was learned.
func TestStateOfABackup(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	lines := demo(t)
	s.feed(lines[:100])
	s.stop()
	folder, backup := filepath.Join(s.dir, "state"), t.TempDir()
	copied(t, folder, backup)
	s.start()
	s.feed(lines[100:])
	s.stop()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	copied(t, backup, folder)
	s.start()
	s.daemon.learner.lock.RLock()
	want := s.daemon.learner.triage.Incidents()
	s.daemon.learner.lock.RUnlock()
	if len(want) == 0 {
		t.Fatal("there are no incidents: nothing is shown")
	}
	for _, in := range want {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			_, err := s.daemon.state.Tenant(tenant).Incident(t.Context(), in.ID)
			if err == nil {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("incident %d is not kept: %v", in.ID, err)
			}
		}
	}
}
