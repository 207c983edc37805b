package learn

import "math"

// Tail calibrates a score: how rarely do the peers reach it. It is a peaks-over-threshold
// model (Pickands 1975) with two thresholds and exponential excess, in decayed counts, so
// that it is fitted by counting and merged by adding. The zero Tail stands on its prior
// alone: an honest score exceeds U1 one time in ten and U2 one time in a thousand.
type Tail struct{ N, K1, X1, K2, X2 float64 }

// The thresholds of a tail, in nats: -ln 0.1 and -ln 0.001.
const (
	U1 = 2.302585092994046
	U2 = 6.907755278982137
)

const (
	kappa  = 20.0 // how many exceedances the prior is worth
	excess = 20.0 // nats above U2 beyond which one score teaches no more: attacks must not stretch the tail
)

// Add counts one score.
func (t *Tail) Add(s float64) {
	t.N++
	s = min(s, U2+excess)
	if s > U1 {
		t.K1, t.X1 = t.K1+1, t.X1+s-U1
	}
	if s > U2 {
		t.K2, t.X2 = t.K2+1, t.X2+s-U2
	}
}

// Replace has a score that was counted as old, 0 if it was quiet, count as s from now on.
// What has faded of old meanwhile is taken off too much: little, over a few days.
func (t *Tail) Replace(old, s float64) {
	var was Tail
	if old > 0 {
		was.Add(old)
	} else {
		was.Quiet(1)
	}
	t.N, t.K1, t.X1, t.K2, t.X2 = t.N-was.N, t.K1-was.K1, t.X1-was.X1, t.K2-was.K2, t.X2-was.X2
	t.Add(s)
}

// Quiet counts n scores of zero.
func (t *Tail) Quiet(n float64) { t.N += n }

// Merge adds what other counted.
func (t *Tail) Merge(other Tail) {
	t.N, t.K1, t.X1 = max(0, t.N+other.N), max(0, t.K1+other.K1), max(0, t.X1+other.X1)
	t.K2, t.X2 = max(0, t.K2+other.K2), max(0, t.X2+other.X2)
}

// Fade multiplies all that was counted by f.
func (t *Tail) Fade(f float64) {
	t.N, t.K1, t.X1, t.K2, t.X2 = t.N*f, t.K1*f, t.X1*f, t.K2*f, t.X2*f
}

// Nats returns the calibrated surprise of score s: 0 for s <= 0, then three straight
// pieces with knees at U1 and U2, rising all the way. Heavy is the mean excess, in nats, that
// is expected before much was counted: 1 for an honest score.
func (t *Tail) Nats(s, heavy float64) float64 {
	if s <= 0 {
		return 0
	}
	q1 := clamp((kappa+t.K1)/(10*kappa+t.N), 1e-4, 0.9)
	at1 := -math.Log(q1)
	if s <= U1 {
		return s / U1 * at1
	}
	m1 := clamp((kappa*heavy+t.X1)/(kappa+t.K1), 0.5, 30)
	r2 := clamp((0.01*kappa+t.K2)/(kappa+t.K1), 1e-4, 0.95)
	slope := min(-math.Log(r2)/(U2-U1), 1.5/m1)
	if s <= U2 {
		return at1 + slope*(s-U1)
	}
	m2 := clamp((kappa*max(heavy, m1)+t.X2)/(kappa+t.K2), 0.7, 30)
	return at1 + slope*(U2-U1) + (s-U2)/m2
}

func clamp(x, low, high float64) float64 { return max(low, min(high, x)) }
