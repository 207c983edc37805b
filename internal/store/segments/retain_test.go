package segments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
)

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	o := Options{Retention: map[event.Type]time.Duration{}}
	for typ := event.FlowType; typ < event.Types; typ++ {
		o.Retention[typ] = 48 * time.Hour
	}
	o.Retention[event.FlowType], o.Retention[event.AlertType] = 24*time.Hour, 0
	s := open(t, dir, o)
	all := entries(31, 60, 30) // of one day and a few hours
	add(t, s, all)
	seal(t, s)
	days := map[string]bool{}
	for _, g := range s.segments {
		days[g.Day] = true
		if p := filepath.ToSlash(g.path); !strings.Contains(p, "/clinic/") || !strings.Contains(p, "/2026/11/2") {
			t.Errorf("a segment at %s", p)
		}
	}
	if !days["2026-11-25"] || len(days) < 1 {
		t.Errorf("days %v", days)
	}
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	steps := []struct {
		now  time.Time
		left func(h *event.Envelope) bool
	}{
		{midnight.Add(23 * time.Hour), func(*event.Envelope) bool { return true }},
		{midnight.Add(24 * time.Hour), func(h *event.Envelope) bool {
			return h.Type != event.FlowType || h.Time >= midnight.UnixNano()
		}},
		{midnight.Add(500 * 24 * time.Hour), func(h *event.Envelope) bool { return h.Type == event.AlertType }},
	}
	for _, step := range steps {
		before := s.Stats()
		removed, err := s.Enforce(step.now)
		if err != nil {
			t.Fatal(err)
		}
		var bytes int64
		var rows int
		for _, r := range removed {
			bytes, rows = bytes+r.Bytes, rows+r.Rows
			if r.Reason == "" || r.Tenant != "clinic" || len(r.Types) == 0 || r.Day == "" {
				t.Errorf("%+v", r)
			}
		}
		after := s.Stats()
		if after.Bytes != before.Bytes-bytes || after.Rows != before.Rows-int64(rows) || after.Segments != before.Segments-len(removed) {
			t.Errorf("%+v became %+v by %+v", before, after, removed)
		}
		var left []entry
		for _, e := range all {
			b := new(event.Batch)
			var c event.Copier
			c.To(b)
			for i := range e.b.Events {
				if step.left(&e.b.Events[i]) {
					c.Copy(e.b, i)
				}
			}
			left = append(left, entry{e.at, b})
		}
		got, _ := hits(t, s, Query{})
		same(t, step.now.String(), got, expect(left, Query{}))
		again := open(t, dir, o) // what was removed is not missed
		if again.Safe() != s.Safe() || len(again.Problems()) > 0 || again.Stats().Bytes != after.Bytes || again.Stats().Rows != after.Rows {
			t.Errorf("safe is %d; %+v; %+v", again.Safe(), again.Problems(), again.Stats())
		}
	}
}

func TestDiskBudget(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for _, e := range entries(32, 12, 60) {
		add(t, s, []entry{e})
		seal(t, s)
	}
	if removed, err := s.Enforce(time.Unix(0, start)); err != nil || len(removed) > 0 {
		t.Errorf("without a budget: %v, %v", removed, err)
	}
	n := s.Stats()
	s.o.DiskBudget = n.Bytes / 3
	removed, err := s.Enforce(time.Unix(0, start))
	after := s.Stats()
	if err != nil || after.Bytes > s.o.DiskBudget || after.Bytes < s.o.DiskBudget/2 || after.Segments+len(removed) != n.Segments {
		t.Errorf("%+v became %+v: %v", n, after, err)
	}
	for _, g := range s.segments {
		for _, r := range removed {
			if r.Day > g.Day {
				t.Errorf("%s was removed before %s", r.Day, g.Day)
			}
		}
	}
	s.o.DiskBudget = 1
	if _, err := s.Enforce(time.Unix(0, start)); err != nil || s.Stats().Segments != 1 {
		t.Errorf("the newest is gone too: %+v, %v", s.Stats(), err)
	}
	if left := listed(t, dir, indexExt); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
}

// TestWrongClocks: a sensor whose clock is wrong does not make a file of every event.
func TestWrongClocks(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	all := entries(33, 4, 200)
	for _, e := range all[1:3] {
		for i := range e.b.Events {
			e.b.Events[i].Time = int64(uint64(i) * 0x9e3779b97f4a7c15)
		}
	}
	add(t, s, all)
	seal(t, s)
	if n := s.Stats().Segments; n > 3*maxDays {
		t.Errorf("%d segments", n)
	}
	got, _ := hits(t, s, Query{})
	same(t, "at any time", got, expect(all, Query{}))
	for _, g := range s.segments {
		if _, err := os.Stat(g.path + eventsExt); err != nil {
			t.Error(err)
		}
	}
}
