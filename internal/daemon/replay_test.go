package daemon

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/analyze"
	"vedette/internal/api/desk"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

const sample = "../../testdata/demo"

// replays replays paths to their end and returns the faces, which go on running.
func replays(t *testing.T, r Replay, own ...netip.Prefix) (*Faces, Replayed) {
	t.Helper()
	c, err := Configure("")
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Keep.Days, c.Console.Listen, c.Own = t.TempDir(), 36500, "127.0.0.1:0", own
	d, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan Replayed, 1)
	r.Told = func(r Replayed) {
		if r.Over {
			over <- r
		}
	}
	d.Replay(r)
	f, err := d.Faces(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case o := <-over:
		return f, o
	case err := <-done:
		done <- err
		t.Fatal("it ended: ", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("it does not come to its end")
	}
	return nil, Replayed{}
}

// TestReplay_as_analyze has the daemon find, through journal and store, what analyze finds
// at once: the same findings in the same incidents.
func TestReplay_as_analyze(t *testing.T) {
	rep, err := analyze.Run(t.Context(), analyze.Options{Paths: []string{sample}, Budget: 1})
	if err != nil {
		t.Fatal(err)
	}
	f, over := replays(t, Replay{Paths: []string{sample}})
	if over.Total != rep.Events || len(over.Titles) != 1 {
		t.Errorf("%d events of %d; %q", over.Total, rep.Events, over.Titles)
	}
	rows, _, err := f.desk.Incidents.List(t.Context(), tenant, desk.Filter{}, "", 100)
	if err != nil || len(rows) != len(rep.Incidents) || len(rows) < 4 {
		t.Fatalf("%d incidents, analyze has %d; %v", len(rows), len(rep.Incidents), err)
	}
	kept := 0
	for _, in := range rep.Incidents {
		c, err := f.desk.Incidents.Get(t.Context(), tenant, in.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, c.Body); d != "" {
			t.Errorf("incident %x: %s", in.ID, d)
		}
		kept += opens(t, f, in)
	}
	if kept < 20 {
		t.Errorf("only %d records were opened", kept)
	}
}

// opens opens the records that an incident stands on, and counts them.
func opens(t *testing.T, f *Faces, in incident.Incident) (n int) {
	t.Helper()
	seen := map[finding.Ref]bool{}
	for _, g := range in.Findings {
		for _, ref := range g.Evidence[:min(len(g.Evidence), 3)] {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			r, err := f.desk.Records.Record(t.Context(), tenant, ref)
			if err != nil || len(r.Fields) == 0 {
				t.Errorf("%+v: %v", ref, err)
			}
			n++
		}
	}
	return n
}

// TestReplay_show has records that the console shows shown by vedette show, too, while the
// daemon runs.
func TestReplay_show(t *testing.T) {
	f, _ := replays(t, Replay{Paths: []string{sample + "/2026-03-02", sample + "/2026-03-09", sample + "/2026-03-10"}})
	data := f.daemon.config.Data
	if _, err := analyze.ShowKept(t.Context(), data, "x#1"); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "nothing of this source is kept") {
		t.Errorf("before anything is written: %v", err)
	}
	if err := f.daemon.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, _, err := f.desk.Incidents.List(t.Context(), tenant, desk.Filter{}, "", 100)
	if err != nil || len(rows) == 0 {
		t.Fatal(rows, err)
	}
	c, err := f.desk.Incidents.Get(t.Context(), tenant, rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	ref := c.Body.Findings[0].Evidence[0]
	want, err := f.desk.Records.Record(t.Context(), tenant, ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := analyze.ShowKept(t.Context(), data, want.Where)
	if err != nil || len(got.Events) != 1 || len(got.Events[0]) != len(want.Fields) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, x := range got.Events[0] {
		if w := want.Fields[i]; x.Name != w.Name || x.Value != w.Value {
			t.Errorf("%s is %q, in the console %s is %q", x.Name, x.Value, w.Name, w.Value)
		}
	}
	source, _, _ := strings.Cut(want.Where, "#")
	for ref, says := range map[string]string{source + "#999999": "the last that is written of this source is #", source + "#1": "the oldest that is kept of this source is #", "1-999-0#5": "there is no event 1-999-0#5"} {
		if _, err := analyze.ShowKept(t.Context(), data, ref); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// TestReplay_date shows people the logs' date, and counts what came on which day.
func TestReplay_date(t *testing.T) {
	f, _ := replays(t, Replay{Paths: []string{sample}})
	if now := f.desk.Now(); now.Format("2006-01-02") != "2026-03-10" {
		t.Errorf("it is %s", now)
	}
	if now := f.desk.Door.Now(); time.Since(now) > time.Minute {
		t.Errorf("people sign in at %s", now)
	}
	done, err := f.desk.Overview.Done(t.Context(), tenant)
	if err != nil || done.Records != 6108 || done.Findings == 0 || done.Incidents == 0 {
		t.Errorf("%+v, %v", done, err)
	}
	rows, _, err := f.desk.Incidents.List(t.Context(), tenant, desk.Filter{Pile: desk.Surfaced}, "", 10)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	c, err := f.desk.Incidents.Get(t.Context(), tenant, rows[0].ID)
	if err != nil || len(c.History) == 0 || c.History[0].Time.Format("2006-01") != "2026-03" {
		t.Errorf("%+v, %v", c.History, err)
	}
	promise, err := f.desk.Overview.Promise(t.Context(), tenant)
	if err != nil || len(promise.Days) != 9 {
		t.Errorf("%+v, %v", promise, err)
	}
	all, err := f.desk.Sources.Sources(t.Context(), tenant)
	if err != nil || len(all) != 36 {
		t.Errorf("%d sources, %v", len(all), err)
	}
	received := int64(0)
	for _, s := range all {
		received += s.Received
		if s.State != desk.Idle || s.Kind != "file" || s.Received != s.Decoded || filepath.Base(filepath.Dir(s.Name)) != s.First.Format("2006-01-02") {
			t.Errorf("%+v", s)
		}
	}
	if received < 30000 {
		t.Errorf("%d records", received)
	}
}

// TestReplay_pace takes its time, and a date that people are shown never goes back.
func TestReplay_pace(t *testing.T) {
	began := time.Now()
	f, _ := replays(t, Replay{Paths: []string{sample}, Lasts: 2 * time.Second})
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	last := f.desk.Now()
	for range 20 {
		now := f.desk.Now()
		if now.Before(last) || now.Sub(last) > time.Minute {
			t.Errorf("it was %s, and is %s", last, now)
		}
		last = now
		time.Sleep(time.Millisecond)
	}
}

// TestReplay_own has the networks of the configuration hold for every event.
func TestReplay_own(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	rep, err := analyze.Run(t.Context(), analyze.Options{Paths: []string{sample}, Budget: 1, Own: own})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := analyze.Run(t.Context(), analyze.Options{Paths: []string{sample}, Budget: 1})
	if err != nil || plain.Entities == rep.Entities {
		t.Fatalf("the networks make no difference: %d entities, %v", rep.Entities, err)
	}
	f, _ := replays(t, Replay{Paths: []string{sample}}, own...)
	f.daemon.learner.lock.RLock()
	defer f.daemon.learner.lock.RUnlock()
	if got := f.daemon.learner.machine.Members(); got != rep.Entities {
		t.Errorf("%d entities, analyze has %d", got, rep.Entities)
	}
}
