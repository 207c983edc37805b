package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vedette/internal/config"
	"vedette/internal/input"
)

// configured returns the sources of a configuration that says what these lines say.
func configured(t *testing.T, lines string) []config.Feed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vedette.yaml")
	if err := os.WriteFile(path, []byte("sources:\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Configure(path)
	if err != nil {
		t.Fatal(err)
	}
	return c.Feeds
}

// TestSourcesChangeUnderLoad changes which sources follow a growing, rotating file, again
// and again. Every line is there once, and the source that stays is not disturbed.
func TestSourcesChangeUnderLoad(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("data: %s\nkeep:\n  days: 36500\n", filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "vedette.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d.config.Feeds = configured(t, fmt.Sprintf("  - tail:\n      paths: [%s]\n", filepath.Join(dir, "first.log")))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for d.feeds.many() == 0 { // until it has begun
		time.Sleep(time.Millisecond)
	}
	w := &writer{t: t, path: filepath.Join(in, "conn.log")}
	stays := fmt.Sprintf("  - tail:\n      paths: [%s]\n", filepath.Join(dir, "other.log"))
	var first *running
	for n := range 8 {
		way := []string{"conn.log*", "conn*", "c*"}[n%3]
		moving := fmt.Sprintf("  - tail:\n      poll: 5ms\n      paths: [%s]\n", filepath.Join(in, way))
		want := stays + moving
		if n%2 == 1 {
			want = moving + stays
		}
		begun, gone, err := d.feeds.change(ctx, configured(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if begun != 1+min(1, max(0, 1-n)) || gone != 1 {
			t.Errorf("change %d: %d begun, %d ended", n, begun, gone)
		}
		for range 20 {
			w.write(15)
			time.Sleep(2 * time.Millisecond)
		}
		if n%3 == 2 {
			w.rotate()
		}
		for _, r := range d.feeds.running {
			if r.feed.Kind == "tail" && string(r.feed.Part) == string(configured(t, stays)[0].Part) {
				if first == nil {
					first = r
				}
				if r != first {
					t.Error("a source that was to stay was begun again")
				}
				if name := fmt.Sprintf("sources[%d] (tail)", n%2); r.feed.Name != name {
					t.Errorf("it is called %q, want %q", r.feed.Name, name)
				}
			}
		}
	}
	for end := time.Now().Add(30 * time.Second); int(d.learned()) < w.lines && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
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

func TestSameSourceTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vedette.yaml")
	text := "sources:\n  - tail: {paths: [/a], drop: true}\n  - tail: {drop: true, paths: [/a]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Configure(path); err == nil {
		t.Error("the same source was taken twice: its files would be read twice")
	}
}

// TestSettingsStandInTheLog sets a budget while it runs, and networks by the configuration.
// Both hold from an entry of the log on, so that a fresh replay is in the same state.
func TestSettingsStandInTheLog(t *testing.T) {
	s := start(t, t.TempDir())
	lines := demo(t)
	s.feed(lines[:2000])
	s.setUp()
	status, page := s.post("/settings", "/settings/budget", url.Values{"version": {"0"}, "budget": {"7.5"}})
	s.must(status, page, "The budget is changed")
	s.feed(lines[2000:2500])
	if got := s.daemon.learner.setting.Budget; got != 7.5 {
		t.Errorf("the learner goes by a budget of %v", got)
	}
	checkReplay(t, s.daemon)

	s.stop()
	s.start() // at another address; nobody has to sign in for what follows
	entries := s.daemon.journal.Last()
	s.feed(lines[2500:2501])
	if got := s.daemon.learner.setting.Budget; got != 7.5 || s.daemon.journal.Last() > entries+1 {
		t.Errorf("after a restart: a budget of %v, %d entries for one line", got, s.daemon.journal.Last()-entries)
	}
	own := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	s.daemon.config.Own = own
	if err := s.daemon.declare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.feed(lines[2501:2600])
	if want := (input.Setting{Budget: 7.5, Own: own}); !s.daemon.learner.setting.Equal(want) {
		t.Errorf("the learner goes by %+v, want %+v", s.daemon.learner.setting, want)
	}
}
