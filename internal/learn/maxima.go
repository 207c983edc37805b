package learn

import "math"

// Maxima counts the largest risk of each entity and day, in bins of a quarter nat, to
// find the level that only so many exceed: a threshold is the empirical quantile at the
// budget, not a p-value, because tails that are slightly wrong make p-values very wrong.
// Counts decay by the day. The zero Maxima has seen no day.
type Maxima struct {
	Bins [800]float32
	N    float64
}

const (
	perNat  = 4
	few     = 3.0 // entity-days beyond a quantile below which it is extrapolated
	restMin = 1.5 // nats; the mean excess is not believed to be less
	restMax = 6.0
	restCap = 6.0  // nats that one entity-day adds to it at most: an attack must not stretch the tail
	foresay = 30.0 // entity-days that the prior is worth
)

// Add counts one entity-day.
func (m *Maxima) Add(risk float64) {
	m.Bins[int(clamp(risk*perNat, 0, float64(len(m.Bins)-1)))]++
	m.N++
}

// Merge adds what other counted.
func (m *Maxima) Merge(other *Maxima) {
	for i, n := range other.Bins {
		m.Bins[i] += n
	}
	m.N += other.N
}

// Fade multiplies all that was counted by f.
func (m *Maxima) Fade(f float64) {
	for i := range m.Bins {
		m.Bins[i] *= float32(f)
	}
	m.N *= f
}

// Threshold returns the level that a share p of entity-days exceeds, in nats. Where
// fewer than three days lie beyond it, the tail is continued as an exponential from where
// there are three, with a mean excess that leans on a prior; with no days at all it stands
// on the prior: a first level of start nats that one day in ten exceeds.
func (m *Maxima) Threshold(p, start float64) float64 {
	n := foresay + m.N
	want := p * n // days that may exceed it
	var beyond float64
	level, rest, weight := 0.0, 0.0, 0.0
	for i := len(m.Bins) - 1; i >= 0; i-- {
		at := float64(i) / perNat
		beyond += float64(m.Bins[i])
		prior := foresay * 0.1 * math.Exp(-max(0, at-start)/2)
		level = at
		if beyond+prior >= max(want, few) {
			break
		}
	}
	for i := int(level * perNat); i < len(m.Bins); i++ { // mean excess above the level
		rest += float64(m.Bins[i]) * min(float64(i)/perNat-level, restCap)
		weight += float64(m.Bins[i])
	}
	if want >= few {
		return level
	}
	mean := clamp((10*2+rest)/(10+weight), restMin, restMax)
	return level + mean*math.Log(few/max(want, 1e-9))
}
