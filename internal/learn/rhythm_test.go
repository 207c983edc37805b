package learn

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// fires is what a rhythm must reach to be looked at: the second knee of an honest tail.
const fires = U2

const hourly = 3600 // intervals of an hour that count: all

// timer returns times of contacts of a timer, in seconds.
func timer(c *chance, period, jitter float64, n int) (at []float64) {
	now := 1000.0
	for range n {
		at = append(at, now)
		now += period * (1 + jitter*(2*c.f()-1))
	}
	return at
}

// contacts shows a rhythm contacts until it fires, and returns after how many; 0 if never.
func contacts(r *Rhythm, at []float64, bytes float64) (n int) {
	for i, s := range at {
		r.Contact(int64(s*1e9), bytes, hourly)
		if n == 0 && r.Surprise() >= fires {
			n = i + 1
		}
	}
	return n
}

// TestRhythmFindsTimers: how many of 300 timers fire within so many contacts. Jitter is
// as implants have it: the interval is evenly spread over period x (1 +- jitter).
func TestRhythmFindsTimers(t *testing.T) {
	for _, period := range []float64{60, 300, 600, 3600} {
		for _, x := range []struct {
			jitter float64
			within int
			least  float64 // share of the timers
		}{
			{0, 15, 1}, {0.1, 20, 1}, {0.2, 25, 1}, {0.3, 30, 0.99}, {0.5, 40, 0.85},
		} {
			t.Run(fmt.Sprintf("%.0fs_%.0f%%", period, 100*x.jitter), func(t *testing.T) {
				c := chance(7)
				found, sum := 0, 0
				for range 300 {
					var r Rhythm
					if n := contacts(&r, timer(&c, period, x.jitter, x.within), 0); n > 0 {
						found++
						sum += n
					}
				}
				t.Logf("%d of 300 within %d contacts, %.1f on average", found, x.within, float64(sum)/float64(max(1, found)))
				if float64(found) < x.least*300 {
					t.Errorf("found %d of 300 within %d contacts, want %.0f", found, x.within, x.least*300)
				}
			})
		}
	}
}

// TestRhythmIsSilentOnChance measures how often random contacts fire, at any time: as a
// Poisson process of any rate, and as people do: in bursts, with the sizes of pages.
func TestRhythmIsSilentOnChance(t *testing.T) {
	const processes = 2000
	for _, x := range []struct {
		name string
		most float64 // share that may fire
		next func(c *chance, mean float64) float64
	}{
		{"poisson", 0.01, func(c *chance, mean float64) float64 { return mean * c.wait() }},
		{"bursts", 0.01, func(c *chance, mean float64) float64 {
			if c.n(4) > 0 {
				return 20 * c.wait()
			}
			return 4 * mean * c.wait()
		}},
		{"log_normal", 0.01, func(c *chance, mean float64) float64 { return mean * math.Exp(1.5*c.bell()) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := chance(8)
			for _, n := range []int{12, 40, 200} {
				fired, above := 0, 0
				for range processes {
					var r Rhythm
					mean := math.Exp(math.Log(60) + c.f()*math.Log(120)) // a minute to two hours
					now, hit, some := 0.0, false, false
					for range n {
						now += x.next(&c, mean)
						r.Contact(int64(now*1e9), math.Exp(6+2*c.bell()), hourly)
						s := r.Surprise()
						hit, some = hit || s >= fires, some || s >= U1
					}
					if hit {
						fired++
					}
					if some {
						above++
					}
				}
				t.Logf("%d contacts: %.2f %% of %d processes reach %.1f nats at some time, %.2f %% %.1f", n,
					100*float64(fired)/processes, processes, fires, 100*float64(above)/processes, U1)
				if float64(fired) > x.most*processes {
					t.Errorf("%d contacts: %d of %d processes fire, want at most %.0f", n, fired, processes, x.most*processes)
				}
			}
		})
	}
}

// TestRhythmOfAnHour: a loop that runs once is no timer, however often it turns; one that
// goes on over hours is.
func TestRhythmOfAnHour(t *testing.T) {
	var once, long Rhythm
	for i := range 300 {
		once.Contact(int64(i)*10e9, 100, 5)
	}
	for i := range 240 {
		long.Contact(int64(i)*60e9, 100, 5)
	}
	if s := once.Surprise(); s > 0 {
		t.Errorf("a loop of fifty minutes has %v nats", s)
	}
	if s := long.Surprise(); s < fires {
		t.Errorf("a timer of four hours has %v nats", s)
	}
}

func TestRhythmIgnoresDuplicates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := chance(rapid.Uint64().Draw(t, "seed"))
		at := timer(&c, rapid.Float64Range(20, 4000).Draw(t, "period"), 0.3, 30)
		var one, two Rhythm
		for _, s := range at {
			ns := int64(s * 1e9)
			one.Contact(ns, 100, hourly)
			two.Contact(ns, 100, hourly)
			for range rapid.IntRange(0, 3).Draw(t, "again") {
				two.Contact(ns+int64(rapid.Float64Range(-1e3, 2.9).Draw(t, "later")*1e9), 100, hourly)
			}
		}
		if one.Surprise() != two.Surprise() || one.Count != two.Count || one.Bins != two.Bins {
			t.Fatalf("%v nats without duplicates, %v with", one.Surprise(), two.Surprise())
		}
	})
}

// TestRhythmSurvivesLostBeats: with a fifth of the beats lost, timers are still found.
func TestRhythmSurvivesLostBeats(t *testing.T) {
	c := chance(9)
	found := 0
	for range 300 {
		var at []float64
		for _, s := range timer(&c, 300, 0.2, 60) {
			if c.f() > 0.2 {
				at = append(at, s)
			}
		}
		var r Rhythm
		if contacts(&r, at, 0) > 0 {
			found++
		}
	}
	if t.Logf("%d of 300", found); found < 275 {
		t.Errorf("%d of 300 timers that lose a fifth of their beats are found", found)
	}
}

func TestRhythmStaysSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Rhythm
		at := rapid.Int64().Draw(t, "start")
		for range rapid.IntRange(0, 600).Draw(t, "contacts") {
			at += rapid.OneOf(rapid.Int64Range(0, 1e13), rapid.Int64(), rapid.Just(int64(60e9))).Draw(t, "step")
			r.Contact(at, rapid.OneOf(rapid.Float64Range(-1, 1e12), rapid.Just(0.0)).Draw(t, "bytes"), rapid.SampledFrom([]uint32{0, 8, hourly}).Draw(t, "hourly"))
		}
		sum := float32(0)
		for _, b := range r.Bins {
			sum += float32(b)
		}
		if sum != r.Seen || r.Seen > float32(r.Count) || !sane(r.Surprise()) || r.Surprise() < 0 || !sane(r.Period()) {
			t.Fatalf("%+v: %v nats", r, r.Surprise())
		}
	})
	var long Rhythm
	for i := range 10_000 {
		long.Contact(int64(i)*60e9, 100, 8)
	}
	if s := long.Surprise(); s < 50 || !near(long.Period(), 60, 0.01) {
		t.Errorf("10,000 beats: %v nats, period %v", s, long.Period())
	}
}
