package learn

import "math"

// Hurdle models how much of something happens in a window: how often anything does
// (the hurdle, Cragg 1971), and the mean and variance of its logarithm when it does. The
// zero Hurdle knows nothing. Means move with the rate 1/Nonzero, and not below Slowest,
// so that the past fades.
type Hurdle struct {
	Nonzero  float32 // windows with something, decayed
	Mean     float32 // of ln(1+x) in those
	Variance float32
	Last     uint32 // number of the last window with something
}

// Prior is what is expected of an amount before much is known: as a rule what the group
// does, and for a group that knows nothing, what the signal's author wrote down.
type Prior struct {
	Mean, Variance float64 // of ln(1+x) in windows with something
	Often          float64 // share of windows with something
}

const (
	borrowed = 6.0      // how many windows the prior is worth
	slowest  = 1.0 / 84 // learning rate in the long run: 14 days of one daypart
	memory   = 84.0     // windows that a long memory is worth
	grain    = 0.02     // variance that is never learned away
)

// Surprise returns how unlikely it is to see x or more, in nats before calibration, in
// window now of a series of which age windows have been seen, empty ones too: a Student-t
// tail with 8 degrees of freedom in the logarithm, plus the rarity of anything at all.
func (h *Hurdle) Surprise(x float64, now, age uint32, p Prior) float64 {
	if x <= 0 {
		return 0
	}
	m, v := h.Normal(p)
	n := float64(h.Nonzero)
	z := max(0, (math.Log1p(x)-m)/math.Sqrt(v*(1+1/(n+borrowed))+grain))
	return 4*math.Log1p(z*z/8) + 0.69*min(1, z) - 0.8*math.Log(h.Often(now, age, p))
}

// Level returns an amount below which Surprise is less than s, so that the caller need not
// ask; 0 if there is none.
func (h *Hurdle) Level(s float64, now, age uint32, p Prior) float64 {
	rest := s + 0.8*math.Log(h.Often(now, age, p)) - 0.69
	if rest <= 0 {
		return 0
	}
	m, v := h.Normal(p)
	z := math.Sqrt(8 * math.Expm1(rest/4))
	return math.Expm1(m + z*math.Sqrt(v*(1+1/(float64(h.Nonzero)+borrowed))+grain))
}

// Normal returns mean and variance of ln(1+x), leaning on the prior while young.
func (h *Hurdle) Normal(p Prior) (mean, variance float64) {
	n := float64(h.Nonzero)
	mean = (borrowed*p.Mean + n*float64(h.Mean)) / (borrowed + n)
	variance = (borrowed*(p.Variance+0.1) + n*float64(h.Variance)) / (borrowed + n)
	return mean, variance
}

// Often returns the share of windows with something, at least one in 10,000.
func (h *Hurdle) Often(now, age uint32, p Prior) float64 {
	n := min(float64(age), memory)
	return clamp((borrowed*p.Often+float64(h.Nonzero)*fade(now-h.Last))/(borrowed+n), 1e-4, 1)
}

// Learn takes note of x > 0 in window now. What is suspicious is learned only as far as
// two standard deviations go, so that an attacker who waits is not soon normal.
func (h *Hurdle) Learn(x float64, now uint32, p Prior, suspicious bool) {
	y := math.Log1p(x)
	if suspicious {
		m, v := h.Normal(p)
		y = min(y, m+2*math.Sqrt(v))
	}
	h.Nonzero = float32(float64(h.Nonzero)*fade(now-h.Last)) + 1
	h.Last = now
	rate := max(slowest, 1/float64(h.Nonzero))
	d := y - float64(h.Mean)
	mean := float64(h.Mean) + rate*d
	h.Variance = float32(float64(h.Variance) + rate*(d*(y-mean)-float64(h.Variance)))
	h.Mean = float32(mean)
}

// fade returns what is left of a count after n windows without.
func fade(n uint32) float64 {
	if n <= 1 {
		return 1
	}
	return math.Exp(-float64(n-1) / memory)
}

// Moments sums the logarithms of amounts over a group, to make its Prior of.
type Moments struct{ Windows, Nonzero, Sum, Square float64 }

// Add counts an amount.
func (m *Moments) Add(x float64) {
	y := math.Log1p(x)
	m.Nonzero, m.Sum, m.Square = m.Nonzero+1, m.Sum+y, m.Square+y*y
}

// Merge adds what other counted.
func (m *Moments) Merge(other Moments) {
	m.Windows, m.Nonzero = m.Windows+other.Windows, m.Nonzero+other.Nonzero
	m.Sum, m.Square = m.Sum+other.Sum, m.Square+other.Square
}

// Fade multiplies all that was counted by f.
func (m *Moments) Fade(f float64) {
	m.Windows, m.Nonzero, m.Sum, m.Square = m.Windows*f, m.Nonzero*f, m.Sum*f, m.Square*f
}

// Prior returns what the group does, leaning on first while little was counted.
func (m *Moments) Prior(first Prior) Prior {
	const worth = 10.0
	n := worth + m.Nonzero
	mean := (worth*first.Mean + m.Sum) / n
	square := (worth*(first.Variance+first.Mean*first.Mean) + m.Square) / n
	return Prior{mean, max(square-mean*mean, 0.05), (worth*first.Often + m.Nonzero) / (worth + m.Windows)}
}
