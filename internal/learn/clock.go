package learn

import "math"

// Clock learns at which hours of the day something happens: a Bernoulli rate for each of
// the 24 hours of UTC, with a Beta prior from the group. The zero Clock knows nothing.
type Clock [24]uint8

const full = 200 // days after which counts are halved

// Learn notes that something happened in the given hour of the day, once a day.
func (c *Clock) Learn(hour uint32) {
	h := hour % 24
	if c[h] >= full {
		for i := range c {
			c[i] /= 2
		}
	}
	c[h]++
}

// Surprise returns -ln of how likely something is at the given hour, after so many days,
// where group is the share of the group's members with something at that hour, 0 to 1.
// Hours beside it count a fifth each.
func (c *Clock) Surprise(hour uint32, days, group float64) float64 {
	const worth = 3.0 // days that the group's opinion is worth
	h := hour % 24
	seen := 0.6*float64(c[h]) + 0.2*float64(c[(h+1)%24]) + 0.2*float64(c[(h+23)%24])
	return -math.Log(clamp((seen+worth*clamp(group, 0.02, 1))/(min(days, full)+worth), 1e-4, 1))
}
