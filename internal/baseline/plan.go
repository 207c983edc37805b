// Package baseline is the learned memory: what is normal for every entity, for its peers
// and for the estate, and how far what happens now is from it.
//
// It comes in three parts. [Objects] knows who else has a value, [Subjects] what an
// entity does; there are many of each, they share nothing, and one is only ever in one
// goroutine. What they must share is a [Shared], which never changes: a new one replaces
// it at a barrier. None of them reads a clock; the log says what time it is.
//
// How a score comes about: a signal's model gives native nats for the open hour; the tail
// of the entity's group and the signal turns them into calibrated nats; damping takes
// from them what lack of history makes doubtful; habituation what has been said before;
// U1 is taken off, so that what one hour in ten shows is nothing. Of each facet the
// strongest evidence counts, fading with a half-life of six hours; facets add up to the
// entity's risk. The level at which risk is worth a person's time is, for each facet that
// leads, the quantile of past entity-days at the budget.
package baseline

import (
	"fmt"
	"slices"

	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/text"
)

// Groups is how many peer groups there may be.
const Groups = 16

// Plan is what the detectors want, worked out once. It does not change.
type Plan struct {
	Detectors []detect.Kind
	Values    []detect.Value // each name once
	Budget    float64        // surfaced false incidents per 1,000 entities and day

	salt     []uint64 // of Values: equal hashes of different properties differ
	valuesOf [][]int  // detector -> index in Values
	firstOf  []int    // detector -> its first signal
	signals  []signal // of all detectors
	byType   [event.Types][]int
	valuesBy [event.Types][]int // values that are asked of events of that type
	facets   int                // facets that some detector speaks of
}

// signal is a detector's signal with what belongs to it.
type signal struct {
	detect.Signal
	detector *detect.Kind
	step     float64 // in which it is kept; see pack
}

// NewPlan returns the plan for detectors under a budget.
func NewPlan(detectors []detect.Kind, budget float64) *Plan {
	p := &Plan{Detectors: detectors, Budget: budget}
	var facets [finding.Facets]bool
	for i := range detectors {
		k := &detectors[i]
		p.firstOf = append(p.firstOf, len(p.signals))
		for _, s := range k.Signals {
			if s.Heavy == 0 {
				s.Heavy = 1
			}
			p.signals = append(p.signals, signal{s, k, stepOf(&s)})
		}
		var mine []int
		for _, v := range k.Values {
			mine = append(mine, p.value(v))
		}
		p.valuesOf = append(p.valuesOf, mine)
		for _, t := range k.Wants {
			p.byType[t] = append(p.byType[t], i)
			for _, j := range mine {
				if !slices.Contains(p.valuesBy[t], j) {
					p.valuesBy[t] = append(p.valuesBy[t], j)
				}
			}
		}
		if !facets[k.Facet] {
			facets[k.Facet] = true
			p.facets++
		}
	}
	if len(p.signals) > 64 {
		panic("baseline: an entity has a bit for each of 64 signals")
	}
	return p
}

// value returns the index of v, which it adds unless its name is there.
func (p *Plan) value(v detect.Value) int {
	j := slices.IndexFunc(p.Values, func(o detect.Value) bool { return o.Name == v.Name })
	if j < 0 {
		j = len(p.Values)
		p.Values = append(p.Values, v)
		p.salt = append(p.salt, text.Hash(0, []byte(v.Name)))
	}
	return j
}

// Asked returns the values that are asked of events of a type.
func (p *Plan) Asked(t event.Type) []int { return p.valuesBy[t] }

// Key returns the key of value v of an event for one side, or 0 if it has none.
func (p *Plan) Key(v int, e event.View, s detect.Side) uint64 {
	k := p.Values[v].Of(e, s)
	if k == 0 {
		return 0
	}
	return max(1, text.Mix(p.salt[v], k))
}

// Shape says what saved state looks like under this plan; state of another shape cannot
// be loaded and is learned again.
func (p *Plan) Shape() string {
	s := "4"
	for _, k := range p.Detectors {
		s += fmt.Sprintf("\n%s %d", k.Name, k.Facet)
		for _, g := range k.Signals {
			s += fmt.Sprintf(" %q:%d", g.Name, g.Model)
		}
	}
	return s
}
