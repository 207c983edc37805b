package daemon

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/source"
)

// clock is one that steps.
type clock struct{ off atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.off.Load())) }
func (c *clock) step(d time.Duration) { c.off.Add(int64(d)) }

// tell has a sensor whose clock is right by so much tell a connection now, and waits until
// it is learned.
func (h *house) tell(sensor string, ahead time.Duration) {
	h.Helper()
	h.press.file.lines++
	n := h.press.file.lines
	at := time.Now().Add(ahead)
	line := fmt.Appendf(nil, `{"ts":%d.%09d,"uid":"C%d","id.orig_h":"10.0.0.%d","id.orig_p":5000,"id.resp_h":"192.0.2.1","id.resp_p":443,"proto":"tcp","orig_bytes":%d,"conn_state":"SF"}`,
		at.Unix(), at.Nanosecond(), n, n%20, n)
	before := h.daemon.learned()
	out := h.daemon.live.Out(h.Context())
	if err := out.Emit(h.Context(), source.Record{Source: sensor, Position: uint64(n), Trust: event.Claimed, Data: line}); err != nil {
		h.Fatal(err)
	}
	if err := out.Flush(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.wait("an event to be learned", func() bool { return h.daemon.learned() > before })
}

// keep sets how many days events are kept.
func (h *house) keep(days int) {
	h.Helper()
	h.change(filepath.Join(h.press.dir, "vedette.yaml"), func(b []byte) []byte {
		return bytes.Replace(b, []byte("days: 36500"), fmt.Appendf(nil, "days: %d", days), 1)
	})
}

// onTime checks that what telemetry has told by now is the time that it is, to a window.
func (h *house) onTime(what string) {
	h.Helper()
	if off := time.Since(time.Unix(0, h.daemon.learner.told())); off < -window || off > 2*window {
		h.Errorf("%s: the time that was learned is off by %v", what, off)
	}
}

// TestClockJumps steps the clock of this machine and those of sensors by hours and days,
// back and forth. Time is that of the telemetry, nothing that is kept goes because a clock
// says that it is old, and people see which sensor is off.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	c := new(clock)
	h := build(t, t.TempDir())
	h.now = c.now
	h.keep(1) // day
	h.start()
	for _, step := range []time.Duration{0, 3 * time.Hour, 40 * 24 * time.Hour, -3 * time.Hour, -60 * 24 * time.Hour, 20*24*time.Hour - time.Hour, time.Hour} {
		c.step(step)
		h.tell("right", 0)
		h.tell("right", time.Second)
		h.onTime(fmt.Sprintf("after a step of %v", step))
		h.daemon.clock()
		h.snapshot()
		h.onTime("after a tick")
	}
	if off := c.off.Load(); off != 0 {
		t.Fatalf("the clock is off by %v", time.Duration(off))
	}
	for _, ahead := range []time.Duration{24 * time.Hour, 365 * 24 * time.Hour} {
		h.tell("wrong", ahead)
		h.tell("right", 0)
		h.onTime(fmt.Sprintf("a sensor is ahead by %v", ahead))
	}
	h.tell("slow", -3*time.Hour)
	h.onTime("a sensor is slow")
	var b bytes.Buffer
	if err := writeMetrics(&b, h.faces.measureSources()); err != nil {
		t.Fatal(err)
	}
	for _, s := range h.faces.sources() {
		want := map[string][2]int64{"right": {0, 0}, "wrong": {0, 2}, "slow": {1, 0}}[s.Name]
		if s.Late != want[0] || s.Ahead != want[1] {
			t.Errorf("%s: %d late, %d ahead, want %v", s.Name, s.Late, s.Ahead, want)
		}
	}
	for _, line := range []string{`vedette_source_untimely_total{source="wrong",how="ahead"} 2`, `vedette_source_untimely_total{source="slow",how="late"} 1`} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("metrics do not say %s", line)
		}
	}
	untimely := h.daemon.learner.untimely()
	h.snapshot()
	h.stop()
	h.rows(h.press.file.lines) // the events that are of next year, too
	h.start()
	if got := h.daemon.learner.untimely(); fmt.Sprint(got) != fmt.Sprint(untimely) {
		t.Errorf("after a restart %v are untimely, before %v", got, untimely)
	}
}

// TestClockNeverSet starts with a clock that says 1970: telemetry is believed.
func TestClockNeverSet(t *testing.T) {
	t.Parallel()
	c := new(clock)
	c.step(-time.Since(time.Unix(600, 0)))
	h := build(t, t.TempDir())
	h.now = c.now
	h.start()
	for range 3 {
		h.tell("right", 0)
		h.onTime("without a clock")
	}
	if n := h.daemon.learner.untimely(); len(n) > 0 {
		t.Errorf("%v are untimely", n)
	}
}
