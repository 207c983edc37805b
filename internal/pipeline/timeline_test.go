package pipeline_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/pipeline"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano()

// batchOf returns a batch of one source with flows at the given times.
func batchOf(source string, times ...int64) *event.Batch {
	b := new(event.Batch)
	m := event.NewEmit(nil)
	m.Source(b, "t", "s", source)
	for i, at := range times {
		m.Begin(uint64(i+1), event.Claimed, fmt.Append(nil, i))
		h, _ := m.Flow(at)
		h.Subject, h.Object = m.Entity(1, 1, []byte("10.0.0.1")), m.Entity(1, 1, []byte("10.0.0.2"))
	}
	return b
}

// give applies a batch that came at a time, and returns the times that the events have
// afterwards.
func give(t *pipeline.Timeline, at input.Position, arrived int64, b *event.Batch) (times []int64) {
	t.Rein(b, arrived)
	t.Batch(at, b, func(*pipeline.Found) {})
	t.Unrein(b)
	for _, e := range b.Events {
		times = append(times, e.Time)
	}
	return times
}

// TestTimeline has events come in and out of time.
func TestTimeline(t *testing.T) {
	type came struct {
		arrived int64 // after noon; -1 is not known
		times   []int64
	}
	for name, c := range map[string]struct {
		came  []came
		now   int64 // after noon
		late  uint64
		ahead uint64
	}{
		"in_order":                 {[]came{{0, []int64{0}}, {10 * minute, []int64{9 * minute}}}, 5 * minute, 0, 0},
		"out_of_order_in_a_batch":  {[]came{{0, []int64{second, 0, 2 * second}}}, 0, 0, 0},
		"within_a_window":          {[]came{{6 * minute, []int64{6 * minute}}, {6 * minute, []int64{2 * minute}}}, 5 * minute, 0, 0},
		"late":                     {[]came{{hour, []int64{hour}}, {hour, []int64{0, minute, hour}}}, hour, 2, 0},
		"ahead_by_a_year":          {[]came{{0, []int64{0}}, {second, []int64{365 * day, 2 * second}}, {2 * second, []int64{3 * second}}}, 0, 0, 1},
		"ahead_alone":              {[]came{{0, []int64{0}}, {second, []int64{day}}, {2 * second, []int64{3 * second}}}, 0, 0, 1},
		"ahead_first_of_all":       {[]came{{0, []int64{day}}, {second, []int64{second}}}, 0, 0, 1},
		"a_little_ahead":           {[]came{{0, []int64{10 * minute}}}, 10 * minute, 0, 0},
		"clock_steps_back":         {[]came{{0, []int64{0}}, {-day, []int64{minute}}, {-day + 10*minute, []int64{10 * minute}}}, 10 * minute, 0, 0},
		"clock_steps_forward":      {[]came{{0, []int64{0}}, {30 * day, []int64{minute}}, {30*day + 10*minute, []int64{10 * minute}}}, 10 * minute, 0, 0},
		"forward_and_a_wrong_time": {[]came{{0, []int64{0}}, {day, []int64{365 * day, minute}}, {10 * minute, []int64{10 * minute}}}, 10 * minute, 0, 1},
		"of_the_past":              {[]came{{0, []int64{-900 * day}}, {second, []int64{-900*day + 10*minute}}}, -900*day + 10*minute, 0, 0},
		"clock_never_set":          {[]came{{-1, []int64{0}}, {-1, []int64{10 * minute}}}, 10 * minute, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			line := pipeline.NewTimeline(machine(1))
			for i, x := range c.came {
				times := slices.Clone(x.times)
				for i := range times {
					times[i] += noon
				}
				arrived := noon + x.arrived
				if x.arrived == -1 {
					arrived = 0
				}
				got := give(line, input.Position(i+1), arrived, batchOf("x", times...))
				if slices.Sort(times); !slices.Equal(got, times) {
					t.Errorf("the events of batch %d are of %v afterwards, want %v", i, got, times)
				}
			}
			if got := line.Now() - noon; got != c.now {
				t.Errorf("time is %v after noon, want %v", time.Duration(got), time.Duration(c.now))
			}
			if got := line.Untimely()["x"]; got != (pipeline.Untimely{Late: c.late, Ahead: c.ahead}) {
				t.Errorf("%+v, want %d late and %d ahead", got, c.late, c.ahead)
			}
		})
	}
}

// TestTimelineIsReplayed applies batches with times and clocks of any sort, in one go and
// saved and loaded in between: state and counts are the same to the byte, and time never
// runs ahead of both clock and telemetry.
func TestTimelineIsReplayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			source  string
			arrived int64
			times   []int64
		}
		offset := rapid.OneOf(rapid.Int64Range(-hour, hour), rapid.Int64Range(-2*day, 2*day), rapid.Int64Range(-400*day, 400*day))
		var log []entry
		for i := range rapid.IntRange(1, 6).Draw(t, "entries") {
			e := entry{fmt.Sprint("source ", i%3), noon + int64(i)*minute, nil}
			if rapid.IntRange(0, 4).Draw(t, "step") == 0 {
				e.arrived += offset.Draw(t, "clock")
			}
			for range rapid.IntRange(1, 5).Draw(t, "events") {
				e.times = append(e.times, noon+offset.Draw(t, "at"))
			}
			log = append(log, e)
		}
		cut := rapid.IntRange(0, len(log)).Draw(t, "cut")
		whole, parts := pipeline.NewTimeline(machine(1)), pipeline.NewTimeline(machine(3))
		for i, e := range log {
			if i == cut {
				saved := parts.Append(nil)
				parts = pipeline.NewTimeline(machine(2))
				if rest, err := parts.Load(saved); err != nil || len(rest) > 0 {
					t.Fatal(err, len(rest))
				}
			}
			before := whole.Now()
			give(whole, input.Position(i+1), e.arrived, batchOf(e.source, e.times...))
			give(parts, input.Position(i+1), e.arrived, batchOf(e.source, e.times...))
			if most := max(before, e.arrived) + int64(input.Ahead); whole.Now() > most || whole.Now() < before {
				t.Fatalf("time went from %d to %d, the clock said %d", before, whole.Now(), e.arrived)
			}
		}
		if !bytes.Equal(whole.Append(nil), parts.Append(nil)) {
			t.Fatal("saved and loaded, it is another state")
		}
	})
}
