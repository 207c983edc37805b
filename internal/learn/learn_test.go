package learn

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/rows"
)

func TestRows(t *testing.T) {
	for name, err := range map[string]error{
		"Cell": rows.Check[Cell](), "Tail": rows.Check[Tail](), "Moments": rows.Check[Moments](), "Hurdle": rows.Check[Hurdle](),
		"News": rows.Check[News](), "Rhythm": rows.Check[Rhythm](), "Maxima": rows.Check[Maxima](), "Clock": rows.Check[Clock](),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// chance is splitmix64 (Steele et al. 2014).
type chance uint64

func (c *chance) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *chance) f() float64    { return float64(c.next()>>11) / (1 << 53) }
func (c *chance) n(n int) int   { return int(c.next() % uint64(n)) }
func (c *chance) wait() float64 { return -math.Log(1 - c.f()) } // exponential, mean 1
func (c *chance) bell() float64 { return math.Sqrt(2*c.wait()) * math.Cos(2*math.Pi*c.f()) }

// near reports whether a and b are equal but for rounding.
func near(a, b, slack float64) bool { return math.Abs(a-b) <= slack*max(1, math.Abs(a), math.Abs(b)) }

func sane(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Hurdle

func drawPrior(t *rapid.T) Prior {
	return Prior{
		Mean: rapid.Float64Range(0, 20).Draw(t, "mean"), Variance: rapid.Float64Range(0, 10).Draw(t, "variance"),
		Often: rapid.Float64Range(0, 1).Draw(t, "often"),
	}
}

// drawHurdle returns a hurdle that has learned something, its prior, the window it is in
// and how many there were.
func drawHurdle(t *rapid.T) (h Hurdle, p Prior, now, age uint32) {
	p = drawPrior(t)
	now = rapid.Uint32Range(0, 1e6).Draw(t, "now")
	first := now
	for _, step := range rapid.SliceOfN(rapid.Uint32Range(0, 300), 0, 40).Draw(t, "steps") {
		now += step
		h.Learn(math.Expm1(rapid.Float64Range(0.01, 25).Draw(t, "x")), now, p, rapid.Bool().Draw(t, "suspicious"))
	}
	now += rapid.Uint32Range(0, 1000).Draw(t, "later")
	return h, p, now, now - first
}

func TestHurdleIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p, now, age := drawHurdle(t)
		if s := h.Surprise(0, now, age, p); s != 0 {
			t.Fatalf("nothing is a surprise of %v", s)
		}
		a := math.Expm1(rapid.Float64Range(0, 40).Draw(t, "a"))
		b := math.Expm1(rapid.Float64Range(0, 40).Draw(t, "b"))
		lo, hi := h.Surprise(min(a, b), now, age, p), h.Surprise(max(a, b), now, age, p)
		if !sane(lo) || !sane(hi) || lo < 0 || lo > hi {
			t.Fatalf("surprise of %g is %v, of %g %v", min(a, b), lo, max(a, b), hi)
		}
	})
}

func TestHurdleLevelIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p, now, age := drawHurdle(t)
		s := rapid.Float64Range(0, 30).Draw(t, "s")
		level := h.Level(s, now, age, p)
		if !sane(level) || level < 0 {
			t.Fatalf("level %v", level)
		}
		for _, share := range []float64{0.01, 0.5, 0.9, 0.999, 0.999999} {
			if got := h.Surprise(level*share, now, age, p); got > s+1e-9 {
				t.Fatalf("below the level %g of %g nats, %g has %v nats", level, s, level*share, got)
			}
		}
		if level > 0 { // and not needlessly low: what is saved is worth the asking
			if got := h.Surprise(level*1.0001+1e-9, now, age, p); got < s-0.7 {
				t.Fatalf("at the level of %g nats there are only %v", s, got)
			}
		}
	})
}

func TestHurdleStateStaysSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p, now, age := drawHurdle(t)
		m, v := h.Normal(p)
		if !sane(m) || !sane(v) || v < 0 || h.Variance < 0 || h.Nonzero < 0 || h.Nonzero > 2*memory {
			t.Fatalf("%+v: mean %v, variance %v", h, m, v)
		}
		if o := h.Often(now, age, p); o <= 0 || o > 1 {
			t.Fatalf("often %v", o)
		}
	})
}

// TestHurdleLearnsWhatIsNormal: after two weeks of a quarter of the day, what it does
// surprises little, and ten times as much does.
func TestHurdleLearnsWhatIsNormal(t *testing.T) {
	c := chance(1)
	var h Hurdle
	p := Prior{Mean: 11, Variance: 6, Often: 0.5}
	var high int
	const windows = 2000
	for now := uint32(1); now <= windows; now++ {
		x := math.Exp(14 + 0.7*c.bell())
		if now > 84 && h.Surprise(x, now, now, p) > U2 {
			high++
		}
		h.Learn(x, now, p, false)
	}
	if high > windows/200 {
		t.Errorf("%d of %d normal windows have more than %.1f nats", high, windows, U2)
	}
	if s := h.Surprise(math.Exp(14+0.7*8), windows, windows, p); s < 8 {
		t.Errorf("eight deviations are %v nats", s)
	}
	if m, _ := h.Normal(p); !near(m, 14, 0.05) {
		t.Errorf("mean %v, want 14", m)
	}
}

// TestHurdleSuspicious: what is suspicious moves the mean less than what is not, and an
// attacker who keeps at it needs many windows.
func TestHurdleSuspicious(t *testing.T) {
	p := Prior{Mean: 11, Variance: 2, Often: 0.5}
	var a, b Hurdle
	for now := uint32(1); now <= 50; now++ {
		a.Learn(60_000, now, p, false)
	}
	b = a
	for now := uint32(51); now <= 54; now++ {
		a.Learn(1e9, now, p, false)
		b.Learn(1e9, now, p, true)
	}
	if a.Mean <= b.Mean {
		t.Errorf("mean %v with care, %v without", b.Mean, a.Mean)
	}
	if s := b.Surprise(1e9, 55, 55, p); s < 6 {
		t.Errorf("after four hours of theft, it is %v nats", s)
	}
}

func TestHurdleForgetsDuringGaps(t *testing.T) {
	p := Prior{Mean: 5, Variance: 1, Often: 0.5}
	var h Hurdle
	for now := uint32(1); now <= 100; now++ {
		h.Learn(100, now, p, false)
	}
	soon, late := h.Surprise(150, 101, 101, p), h.Surprise(150, 1000, 1000, p)
	if late <= soon {
		t.Errorf("after a long silence %v nats, without one %v", late, soon)
	}
	h.Learn(100, math.MaxUint32, p, false) // the window number may be anything
	h.Learn(100, 5, p, false)              // and go back
	if m, v := h.Normal(p); !sane(m) || !sane(v) {
		t.Errorf("mean %v, variance %v", m, v)
	}
}

func TestMomentsMakeThePrior(t *testing.T) {
	first := Prior{Mean: 2, Variance: 1, Often: 0.5}
	var none, one, two, both Moments
	if got := none.Prior(first); !near(got.Mean, 2, 1e-9) || !near(got.Variance, 1, 1e-9) || !near(got.Often, 0.5, 1e-9) {
		t.Errorf("without anything counted: %+v", got)
	}
	c := chance(2)
	for i := range 2000 {
		x := math.Expm1(10 + c.bell())
		m := &one
		if i%2 == 1 {
			m = &two
		}
		m.Add(x)
		both.Add(x)
	}
	one.Merge(two)
	one.Windows, both.Windows = 4000, 4000
	a, b := one.Prior(first), both.Prior(first)
	if !near(a.Mean, b.Mean, 1e-9) || !near(a.Variance, b.Variance, 1e-9) || a.Often != b.Often {
		t.Errorf("merged %+v, at once %+v", a, b)
	}
	if !near(a.Mean, 10, 0.02) || !near(a.Variance, 1.3, 0.3) || !near(a.Often, 0.5, 0.02) {
		t.Errorf("prior %+v", a)
	}
	one.Fade(0)
	if got := one.Prior(first); !near(got.Mean, 2, 1e-9) {
		t.Errorf("after fading away: %+v", got)
	}
}

// Tail

func drawTail(t *rapid.T) (tail Tail) {
	for range rapid.IntRange(0, 60).Draw(t, "scores") {
		tail.Add(rapid.Float64Range(0, 200).Draw(t, "s"))
	}
	tail.Quiet(float64(rapid.IntRange(0, 100000).Draw(t, "quiet")))
	if rapid.Bool().Draw(t, "faded") {
		tail.Fade(rapid.Float64Range(0, 1).Draw(t, "f"))
	}
	return tail
}

func TestTailIsMonotoneAndContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tail, heavy := drawTail(t), rapid.Float64Range(0.5, 8).Draw(t, "heavy")
		a, b := rapid.Float64Range(-1, 100).Draw(t, "a"), rapid.Float64Range(-1, 100).Draw(t, "b")
		if lo, hi := tail.Nats(min(a, b), heavy), tail.Nats(max(a, b), heavy); !sane(hi) || lo < 0 || lo > hi || b != a && min(a, b) > 0 && math.Abs(a-b) > 1e-6 && lo >= hi {
			t.Fatalf("%+v: %g is %v nats, %g %v", tail, min(a, b), lo, max(a, b), hi)
		}
		for _, knee := range []float64{0, U1, U2} {
			below, above := tail.Nats(knee-1e-9, heavy), tail.Nats(knee+1e-9, heavy)
			if math.Abs(above-below) > 1e-6 {
				t.Fatalf("%+v jumps at %v from %v to %v", tail, knee, below, above)
			}
		}
	})
}

// TestTailIsCalibrated: of scores with an exponential tail, honest or twice too large or
// half as large, a share of about exp(-x) has more than x nats.
func TestTailIsCalibrated(t *testing.T) {
	for name, scale := range map[string]float64{"honest": 1, "too_large": 2, "too_small": 0.5} {
		t.Run(name, func(t *testing.T) {
			c := chance(3)
			const n = 400_000
			var tail Tail
			for range n {
				tail.Add(scale * c.wait())
			}
			for _, x := range []float64{2, 3, 4, 5, 6, 7, 8} {
				more := 0
				for range n {
					if tail.Nats(scale*c.wait(), 1) > x {
						more++
					}
				}
				share, want := float64(more)/n, math.Exp(-x)
				if ratio := share / want; ratio > 1.6 {
					t.Errorf("%.1f nats: a share of %.2e has more, %.2f times what it should", x, share, ratio)
				} else if ratio < 0.4 {
					t.Errorf("%.1f nats: a share of %.2e has more, only %.2f of what it should", x, share, ratio)
				}
			}
		})
	}
}

func TestTailMergesByAdding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b, both Tail
		for i, s := range rapid.SliceOfN(rapid.Float64Range(0, 40), 0, 50).Draw(t, "scores") {
			if i%2 == 0 {
				a.Add(s)
			} else {
				b.Add(s)
			}
			both.Add(s)
		}
		a.Merge(b)
		if x := rapid.Float64Range(0, 50).Draw(t, "x"); !near(a.Nats(x, 1), both.Nats(x, 1), 1e-9) {
			t.Fatalf("%v merged, %v at once", a.Nats(x, 1), both.Nats(x, 1))
		}
	})
}

// TestTailReplaces: a score that grew counts once, as what it has become.
func TestTailReplaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 60))
		var grown, once Tail
		for range rapid.IntRange(0, 20).Draw(t, "others") {
			s := score.Draw(t, "other")
			grown.Add(s)
			once.Add(s)
		}
		last := score.Draw(t, "first")
		grown.Add(last)
		for range rapid.IntRange(0, 5).Draw(t, "times") {
			s := score.Draw(t, "next")
			grown.Replace(last, s)
			last = s
		}
		once.Add(last)
		if !near(grown.N, once.N, 1e-9) || grown.K1 != once.K1 || grown.K2 != once.K2 || !near(grown.X1, once.X1, 1e-9) || !near(grown.X2, once.X2, 1e-9) {
			t.Fatalf("%+v, want %+v", grown, once)
		}
	})
}

// TestTailIsNotStretched: an attack that scores thousands teaches no more than a strong
// anomaly does.
func TestTailIsNotStretched(t *testing.T) {
	var a, b Tail
	a.Quiet(10_000)
	b.Quiet(10_000)
	for range 5 {
		a.Add(U2 + excess)
		b.Add(1e9)
	}
	if a != b {
		t.Errorf("%+v, want %+v", b, a)
	}
}

// Novelty

func TestPoissonTail(t *testing.T) {
	for _, mean := range []float64{1e-6, 0.01, 0.3, 1, 4, 20, 150} {
		for k := 1.0; k < 400; k++ {
			got := PoissonTail(k, mean)
			if k <= mean {
				if got != 0 {
					t.Errorf("P(X >= %g | %g): %v nats for what is expected", k, mean, got)
				}
				continue
			}
			// Directly: the sum from k on, relative to its first term.
			sum, term := 1.0, 1.0
			for j := k + 1; term > 1e-18*sum; j++ {
				term *= mean / j
				sum += term
			}
			lg, _ := math.Lgamma(k + 1)
			want := mean - k*math.Log(mean) + lg - math.Log(sum)
			if got > want+1e-9 && want > 0 {
				t.Errorf("P(X >= %g | %g): %v nats, more than the true %v", k, mean, got, want)
			}
			if want-got > 0.7 && k > 1.2*mean+2 {
				t.Errorf("P(X >= %g | %g): %v nats, far less than the true %v", k, mean, got, want)
			}
		}
	}
}

func TestPoissonTailIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := math.Exp(rapid.Float64Range(-20, 8).Draw(t, "mean"))
		k := float64(rapid.IntRange(0, 5000).Draw(t, "k"))
		if a, b := PoissonTail(k, mean), PoissonTail(k+1, mean); !sane(b) || a < 0 || a > b+1e-9 {
			t.Fatalf("mean %g: %g are %v nats, one more %v", mean, k, a, b)
		}
		if a, b := PoissonTail(k, mean*1.5), PoissonTail(k, mean); a > b+1e-9 {
			t.Fatalf("%g are %v nats of %g, and %v of less", k, a, mean*1.5, b)
		}
	})
}

func TestNewsChance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n News
		for range rapid.IntRange(0, 60).Draw(t, "windows") {
			draws := float64(rapid.IntRange(1, 3000).Draw(t, "draws"))
			n.Learn(float64(rapid.IntRange(0, int(draws)).Draw(t, "new")), draws)
			if c := n.Chance(); !(c > 0 && c <= 1) {
				t.Fatalf("%+v: chance %v", n, c)
			}
			if n.Draws > longest*1.001 || n.Kinds > n.Draws*1.001 {
				t.Fatalf("%+v", n)
			}
		}
		k := float64(rapid.IntRange(0, 100).Draw(t, "k"))
		draws := k + float64(rapid.IntRange(1, 100).Draw(t, "more"))
		if a, b := n.Surprise(k, draws), n.Surprise(k+1, draws); a < 0 || a > b+1e-9 || !sane(b) {
			t.Fatalf("%+v: %g new of %g are %v nats, one more %v", n, k, draws, a, b)
		}
	})
	if c := new(News).Chance(); c != 1 {
		t.Errorf("the first value is new with chance %v", c)
	}
}

// TestNewsFollowsTheRate: where one in fifty is new, the model comes to know that, and
// ten new ones of twenty are a surprise.
func TestNewsFollowsTheRate(t *testing.T) {
	var n News
	for range 200 {
		n.Learn(1, 50)
	}
	if c := n.Chance(); c > 0.02 || c < 0.004 {
		t.Errorf("chance %v", c)
	}
	if s := n.Surprise(10, 20); s < 15 {
		t.Errorf("ten new of twenty are %v nats", s)
	}
	if s := n.Surprise(1, 50); s > 3 {
		t.Errorf("one new of fifty is %v nats", s)
	}
}

func TestRarity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.Uint32Range(1, 100000).Draw(t, "members")
		estate := rapid.Uint32Range(0, members).Draw(t, "estate")
		group := rapid.Uint32Range(0, estate).Draw(t, "group")
		recent := rapid.Float64Range(0, float64(estate)).Draw(t, "recent")
		r := Rarity(group, estate, recent, members)
		if !sane(r) || r < 0 {
			t.Fatalf("%v nats", r)
		}
		if more := Rarity(group, estate+1, recent, members); more > r {
			t.Fatalf("rarer (%v than %v) the more know it", more, r)
		}
		if more := Rarity(group+1, estate+1, recent, members); more > r {
			t.Fatalf("rarer (%v than %v) the more peers know it", more, r)
		}
		if more := Rarity(group, estate, recent+1, members); more > r {
			t.Fatalf("rarer (%v than %v) the more adopt it", more, r)
		}
	})
	if never, all := Rarity(0, 0, 0, 1000), Rarity(900, 1000, 0, 1000); never < 6 || all > 0.5 {
		t.Errorf("never seen %v nats, known to all %v", never, all)
	}
}

// Trial

// TestTrialIsBounded: Wald's bound. A run (from its start at zero until it is restarted)
// of a benign process reaches s with a chance of at most exp(-s). So of a number of runs,
// no more than that share reaches it; and before s is reached for the first time, about
// exp(s) runs pass.
func TestTrialIsBounded(t *testing.T) {
	c := chance(4)
	const steps = 2_000_000
	levels := []float64{2, 4, 6, 8}
	var reached [4]int
	runs := 0
	var trial Trial
	high := 0.0
	for range steps {
		if trial == 0 { // a run begins
			for i, s := range levels {
				if high >= s {
					reached[i]++
				}
			}
			runs, high = runs+1, 0
		}
		trial.Step(c.f() < benignSuccess, 1)
		high = max(high, float64(trial))
	}
	for i, s := range levels {
		share, bound := float64(reached[i])/float64(runs), math.Exp(-s)
		t.Logf("%d runs: %.1f nats reached by %.2e, bound %.2e", runs, s, share, bound)
		if share > bound+3*math.Sqrt(bound/float64(runs)) {
			t.Errorf("%.1f nats are reached by %.2e of the runs, more than %.2e", s, share, bound)
		}
	}
}

// TestTrialFindsScanners: of scanners of whom one in five finds somebody, 99 % are at 20
// nats within 60 first contacts, and none of the benign in a thousand.
func TestTrialFindsScanners(t *testing.T) {
	c := chance(5)
	found, wrong := 0, 0
	for range 1000 {
		var scanner, benign Trial
		hit, miss := false, false
		for range 60 {
			scanner.Step(c.f() < scannerSuccess, 1)
			benign.Step(c.f() < benignSuccess, 1)
			hit, miss = hit || scanner >= 20, miss || benign >= 20
		}
		if hit {
			found++
		}
		if miss {
			wrong++
		}
	}
	if found < 990 || wrong > 0 {
		t.Errorf("%d of 1000 scanners found, %d benign", found, wrong)
	}
}

func TestTrialFades(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial := Trial(rapid.Float64Range(0, 1000).Draw(t, "run"))
		before := trial
		trial.Step(true, rapid.Float64Range(0, 1).Draw(t, "weight"))
		if trial > before || trial < 0 {
			t.Fatalf("a success leads from %v to %v", before, trial)
		}
		before = trial
		trial.Fade(rapid.Float64Range(0, 1e6).Draw(t, "n"))
		if trial > before || trial < 0 || math.IsNaN(float64(trial)) {
			t.Fatalf("%v fades to %v", before, trial)
		}
	})
}

// Clock

func TestClock(t *testing.T) {
	var c Clock
	for range 30 { // office hours
		for h := uint32(8); h < 18; h++ {
			c.Learn(h)
		}
	}
	day, edge, night := c.Surprise(12, 30, 0.9), c.Surprise(18, 30, 0.5), c.Surprise(3, 30, 0.05)
	if !(day < edge && edge < night) || day > 0.3 || night < 4 {
		t.Errorf("%v nats by day, %v in the evening, %v at night", day, edge, night)
	}
	if known := c.Surprise(3, 30, 0.9); known >= night {
		t.Errorf("%v nats where all peers are up at night, %v where they are not", known, night)
	}
	rapid.Check(t, func(t *rapid.T) {
		var c Clock
		for _, h := range rapid.SliceOfN(rapid.Uint32Range(0, 50), 0, 500).Draw(t, "hours") {
			c.Learn(h)
		}
		days, group := rapid.Float64Range(0, 1000).Draw(t, "days"), rapid.Float64Range(0, 1).Draw(t, "group")
		h := rapid.Uint32().Draw(t, "hour")
		s := c.Surprise(h, days, group)
		if !sane(s) || s < 0 || s > 10 || s != c.Surprise(h%24, days, group) {
			t.Fatalf("%v nats", s)
		}
		for range 3 {
			c.Learn(h)
		}
		if c[h%24] > 3 && c[h%24] < full-4 {
			if after := c.Surprise(h, days, group); after > s+1e-12 {
				t.Fatalf("having been seen three times more often it is %v nats, was %v", after, s)
			}
		}
	})
	var long Clock
	for range 1000 { // years
		long.Learn(5)
		long.Learn(6)
	}
	if s := long.Surprise(5, 1000, 0.5); s > 1.5 {
		t.Errorf("what happens every day for years is %v nats: %v", s, long)
	}
}

// Maxima

func TestThreshold(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		var m Maxima
		last := math.Inf(1)
		for _, p := range []float64{1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.5} {
			x := m.Threshold(p, 2)
			if !sane(x) || x < 0 || x > 60 || x > last {
				t.Errorf("a share of %g: %v", p, x)
			}
			last = x
		}
	})
	t.Run("quantile", func(t *testing.T) {
		c := chance(6)
		var m Maxima
		var all []float64
		for range 200_000 {
			x := 2 * c.wait()
			m.Add(x)
			all = append(all, x)
		}
		slices.Sort(all)
		for _, p := range []float64{0.1, 0.01, 0.001, 0.0001} {
			want := all[len(all)-1-int(p*float64(len(all)))]
			if got := m.Threshold(p, 2); math.Abs(got-want) > 0.5+0.02*want {
				t.Errorf("a share of %g: %v, want %v", p, got, want)
			}
		}
		if got, want := m.Threshold(1e-7, 2), -2*math.Log(1e-7); math.Abs(got-want) > 6 {
			t.Errorf("beyond what was seen: %v, want about %v", got, want)
		}
	})
	t.Run("monotone", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			var m, other Maxima
			for _, x := range rapid.SliceOfN(rapid.Float64Range(-5, 500), 0, 200).Draw(t, "risks") {
				m.Add(x)
			}
			m.N += float64(rapid.IntRange(0, 100_000).Draw(t, "quiet"))
			other.Add(3)
			m.Merge(&other)
			m.Fade(rapid.Float64Range(0.1, 1).Draw(t, "fade"))
			a, b := math.Exp(rapid.Float64Range(-20, 0).Draw(t, "a")), math.Exp(rapid.Float64Range(-20, 0).Draw(t, "b"))
			lo, hi := m.Threshold(max(a, b), 2), m.Threshold(min(a, b), 2)
			if !sane(lo) || lo < 0 || lo > hi+1e-9 {
				t.Fatalf("a share of %g exceeds %v, of %g %v", max(a, b), lo, min(a, b), hi)
			}
		})
	})
}

// Table

func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table
		want := map[uint64]uint32{}
		keys := rapid.OneOf(rapid.Uint64Range(0, 30), rapid.Uint64(), rapid.Map(rapid.Uint64Range(0, 200), func(k uint64) uint64 { return k << 40 }))
		for range rapid.IntRange(0, 400).Draw(t, "ops") {
			k := keys.Draw(t, "key")
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				if got := table.Find(k); got.Count != want[max(k, 1)] {
					t.Fatalf("key %d is %d, want %d", k, got.Count, want[max(k, 1)])
				}
			default:
				table.Reserve(1)
				table.At(k).Count++
				want[max(k, 1)]++
			}
		}
		if table.Len() != len(want) {
			t.Fatalf("%d keys, want %d", table.Len(), len(want))
		}
		saved := table.Append(nil)
		var again Table
		r := rows.Reader{Src: append(bytes.Clone(saved), 7)}
		again.Read(&r)
		if r.Err != nil || len(r.Src) != 1 || again.Len() != table.Len() || !bytes.Equal(again.Append(nil), saved) {
			t.Fatalf("read again: %v, %d keys", r.Err, again.Len())
		}
		for k, n := range want {
			if again.Find(k).Count != n {
				t.Fatalf("key %d is %d after reading, want %d", k, again.Find(k).Count, n)
			}
		}
		for range 100 { // and goes on alike
			k := keys.Draw(t, "later")
			table.Reserve(1)
			again.Reserve(1)
			table.At(k).Count++
			again.At(k).Count++
		}
		if !bytes.Equal(again.Append(nil), table.Append(nil)) {
			t.Fatal("a table that was read goes on otherwise")
		}
	})
}

func TestTableReserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table
		c := chance(rapid.Uint64().Draw(t, "seed"))
		for range rapid.IntRange(1, 40).Draw(t, "times") {
			n := rapid.IntRange(0, 300).Draw(t, "n")
			table.Reserve(n)
			room := len(table.cells)
			for range n {
				table.At(c.next())
			}
			if len(table.cells) != room || table.used >= len(table.cells) && n > 0 {
				t.Fatalf("%d keys in %d cells after room for %d was made in %d", table.used, len(table.cells), n, room)
			}
		}
	})
}

func TestDamagedTable(t *testing.T) {
	full := make([]Cell, 64)
	for i := range full {
		full[i].Key = uint64(i + 1)
	}
	for name, cells := range map[string][]Cell{"no_power_of_two": make([]Cell, 63), "full": full} {
		var table Table
		r := rows.Reader{Src: rows.Append(nil, cells)}
		if table.Read(&r); r.Err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
