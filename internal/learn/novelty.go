package learn

import "math"

// News models how often a new value turns up among the values an entity shows: the
// Pitman-Yor predictive probability (Pitman and Yor 1997), which Teh 2006 identifies with
// interpolated Kneser-Ney smoothing. The zero News knows nothing, and to it everything is
// as new as it should be.
type News struct {
	Draws float32 // values seen, decayed
	Kinds float32 // different ones among them
}

const (
	discount = 0.4
	strength = 1.0
	longest  = 20000.0 // draws a memory is worth
)

// Chance returns the probability that the next value is a new one.
func (n *News) Chance() float64 {
	return min(1, (strength+discount*float64(n.Kinds))/(float64(n.Draws)+strength))
}

// Surprise returns -ln of the probability of at least k new values among so many draws.
func (n *News) Surprise(k, draws float64) float64 { return PoissonTail(k, draws*n.Chance()) }

// Learn takes note of a window.
func (n *News) Learn(k, draws float64) {
	n.Draws += float32(draws)
	n.Kinds += float32(k)
	if n.Draws > longest {
		f := longest / n.Draws
		n.Draws *= f
		n.Kinds *= f
	}
}

// PoissonTail returns -ln P(X >= k) for a Poisson X of the given mean; 0 for k <= mean.
// The tail is bounded by the geometric series on its first term.
func PoissonTail(k, mean float64) float64 {
	if k <= mean || k <= 0 {
		return 0
	}
	mean = max(mean, 1e-12)
	lg, _ := math.Lgamma(k + 1)
	return max(0, mean-k*math.Log(mean)+lg+math.Log1p(-mean/(k+1)))
}

// Rarity returns -ln of how likely a value is among those an entity may adopt next: the
// document frequency of the value in its group and in the estate, interpolated, with a
// floor for values never seen, and raised by the number of others that adopted it in the
// last day or so (a rollout). Members is how many entities there are.
func Rarity(group, estate uint32, recent float64, members uint32) float64 {
	m := float64(members)
	unseen := 0.5 / (m + 10)
	p := max(
		(float64(group)-0.5)/(m+10)+0.1*unseen,
		0.5*float64(estate)/(m+10),
		recent/(m+1),
		0.1*unseen,
	)
	return -math.Log(min(1, p))
}
