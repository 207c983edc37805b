package baseline

import (
	"math"

	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/rows"
)

// Shared is what partitions know of each other: how groups score, how much their members
// do, and how high risk has been. It is never changed; Merge makes the next one.
type Shared struct {
	hours   uint32 // since the first event of the estate
	members uint32 // entities of ours active in the last seven days
	priors  []learn.Prior
	levels  [finding.Facets]float64 // thresholds

	tails   []learn.Tail    // group x signal
	moments []learn.Moments // group x signal
	rarity  []mean          // signal: how rare new values are as a rule
	clocks  []float64       // group x 25: members active by hour of the day, and their days
	maxima  []learn.Maxima  // facet
}

// mean is a mean that can be merged.
type mean struct{ N, Sum float64 }

const (
	perDay   = 1 - 1.0/14 // what a day leaves of the past
	rareTyp  = 4.0        // nats: how rare a new value is as a rule, before anything is known
	night    = 16         // hours
	dayHours = 25         // hours of the day, and the count of days
)

// NewShared returns a Shared that knows nothing.
func NewShared(p *Plan) *Shared {
	s := blank(p)
	s.work(p)
	return s
}

// blank returns a Shared with room for a plan.
func blank(p *Plan) *Shared {
	return &Shared{
		tails: make([]learn.Tail, Groups*len(p.signals)), moments: make([]learn.Moments, Groups*len(p.signals)),
		rarity: make([]mean, len(p.signals)), clocks: make([]float64, Groups*dayHours),
		maxima: make([]learn.Maxima, finding.Facets),
	}
}

// Learning returns how much of the time that the estate needs to be known has passed, 0 to 1.
func (s *Shared) Learning() float64 { return min(1, float64(s.hours)/estateKnown) }

// Members returns how many entities of ours were active in the last seven days.
func (s *Shared) Members() int { return int(s.members) }

// Threshold returns the risk at which an entity led by f is worth a person's time.
func (s *Shared) Threshold(f finding.Facet) float64 { return s.levels[f] }

// Merge returns what follows s, hours later, when the partitions have added their part,
// which is taken from them. Floats do not add up the same in any order, so the order is
// that of the partitions. Of a gap in telemetry no more than a night counts: it teaches
// nothing, and nothing is forgotten over it.
func (s *Shared) Merge(p *Plan, parts []Subjects, hours uint32, newDay bool) *Shared {
	hours = min(hours, night)
	next := blank(p)
	next.hours, next.members = s.hours+hours, s.members
	f := math.Pow(perDay, float64(hours)/24)
	for i, t := range s.tails {
		t.Fade(f)
		next.tails[i] = t
	}
	for i, m := range s.moments {
		m.Fade(f)
		next.moments[i] = m
	}
	for i, m := range s.rarity {
		next.rarity[i] = mean{m.N * f, m.Sum * f}
	}
	for i, c := range s.clocks {
		next.clocks[i] = c * f
	}
	copy(next.maxima, s.maxima)
	if newDay {
		next.members = 0
		for f := range next.maxima {
			next.maxima[f].Fade(perDay)
		}
	}
	for i := range parts {
		if parts[i].learned {
			next.take(&parts[i].delta)
			parts[i].learned = false
		}
	}
	next.work(p)
	return next
}

// take adds what a partition has learned, and clears it there.
func (s *Shared) take(d *Shared) {
	for j := range d.tails {
		s.tails[j].Merge(d.tails[j])
	}
	for j := range d.moments {
		s.moments[j].Merge(d.moments[j])
	}
	for j, m := range d.rarity {
		s.rarity[j].N += m.N
		s.rarity[j].Sum += m.Sum
	}
	for j, c := range d.clocks {
		s.clocks[j] += c
	}
	for f := range s.maxima {
		if d.maxima[f].N > 0 {
			s.maxima[f].Merge(&d.maxima[f])
		}
	}
	s.members += d.members
	d.members = 0
	clear(d.maxima)
	clear(d.tails)
	clear(d.moments)
	clear(d.rarity)
	clear(d.clocks)
}

// work derives what is asked often.
func (s *Shared) work(p *Plan) {
	s.priors = make([]learn.Prior, len(s.moments))
	for i := range s.moments {
		s.priors[i] = s.moments[i].Prior(p.signals[i%len(p.signals)].First)
	}
	share := p.Budget / 1000 / float64(max(1, p.facets))
	for f := range s.levels {
		s.levels[f] = s.maxima[f].Threshold(share, 2)
	}
}

// Under returns what s is under the budget that a plan has now.
func (s *Shared) Under(p *Plan) *Shared {
	next := *s
	next.work(p)
	return &next
}

// typical returns how rare new values of a signal are as a rule, in nats.
func (s *Shared) typical(signal int) float64 {
	m := s.rarity[signal]
	return (20*rareTyp + m.Sum) / (20 + m.N)
}

// active returns the share of a group's members that are active at an hour of the day.
func (s *Shared) active(group uint16, hour uint32) float64 {
	c := s.clocks[int(group)*dayHours:]
	return (1 + c[hour%24]) / (2 + c[24])
}

// Append appends the bytes of s to dst.
func (s *Shared) Append(dst []byte) []byte {
	dst = rows.Append(dst, []uint32{s.hours, s.members})
	dst = rows.Append(rows.Append(rows.Append(dst, s.tails), s.moments), s.rarity)
	return rows.Append(rows.Append(dst, s.clocks), s.maxima)
}

// Read replaces s, which nobody may use yet, by the next one of r.
func (s *Shared) Read(p *Plan, r *rows.Reader) {
	fresh := blank(p)
	head := make([]uint32, 0, 2)
	rows.Read(r, &head)
	rows.Read(r, &s.tails)
	rows.Read(r, &s.moments)
	rows.Read(r, &s.rarity)
	rows.Read(r, &s.clocks)
	rows.Read(r, &s.maxima)
	if r.Err == nil && (len(head) != 2 || len(s.tails) != len(fresh.tails) || len(s.moments) != len(fresh.moments) ||
		len(s.rarity) != len(fresh.rarity) || len(s.clocks) != len(fresh.clocks) || len(s.maxima) != len(fresh.maxima)) {
		r.Err = errDamaged
	}
	if r.Err == nil {
		s.hours, s.members = head[0], head[1]
		s.work(p)
	}
}
