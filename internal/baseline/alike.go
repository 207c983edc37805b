package baseline

import (
	"cmp"
	"slices"

	"vedette/internal/detect"
	"vedette/internal/entity"
)

// Alike is an entity and how far its habits are from those of another.
type Alike struct {
	Key      entity.Key
	Distance float64 // the root of the sum of squares, in logarithms of amounts
}

// Habits is how much an entity moves as a rule, by signal and six hours of the day: the
// mean logarithm of an amount, by the share of hours that have one.
type Habits struct {
	group  uint16
	amount []float32
}

// Habits returns the habits of an entity.
func (s *Subjects) Habits(k entity.Key, sh *Shared) (h Habits, ok bool) {
	c := s.index.Find(uint64(k))
	if c.Count == 0 {
		return h, false
	}
	h.group = s.heads[c.Count-1].Group
	s.habits(int(c.Count)-1, sh, func(x float64) bool {
		h.amount = append(h.amount, float32(x))
		return true
	})
	return h, true
}

// habits calls yield with each habit of a row, in the same order for all, until it wants
// no more.
func (s *Subjects) habits(row int, sh *Shared, yield func(float64) bool) {
	spells := max(1, min(float64(sh.hours-s.heads[row].Born)/4, 84)) // as long as a Hurdle remembers
	for i := range s.plan.signals {
		if m := s.plan.signals[i].Model; m != detect.Amount && m != detect.Largest {
			continue
		}
		for j := range s.pasts[row*len(s.plan.signals)+i].Parts {
			h := &s.pasts[row*len(s.plan.signals)+i].Parts[j]
			if !yield(float64(h.Mean) * min(1, float64(h.Nonzero)/spells)) {
				return
			}
		}
	}
}

// Alike adds to best the entities of the partition whose habits are nearest to h, the
// nearest first, and keeps most of them. It looks at no more than limit, and returns how
// many it looked at. Who was not seen in a week is left out.
func (s *Subjects) Alike(self entity.Key, h Habits, sh *Shared, hour uint32, best []Alike, most, limit int) ([]Alike, int) {
	looked := 0
	for row := range s.heads {
		who := &s.heads[row]
		if looked == limit {
			break
		}
		if looked++; who.Key == self || who.Group != h.group || who.Hour+Week < hour+1 {
			continue
		}
		worst := -1.0
		if len(best) == most {
			worst = best[most-1].Distance
		}
		sum, i := 0.0, 0
		s.habits(row, sh, func(x float64) bool {
			d := x - float64(h.amount[i])
			sum += d * d
			i++
			return worst < 0 || sum < worst
		})
		if worst >= 0 && sum >= worst {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, sum, func(a Alike, d float64) int {
			return cmp.Or(cmp.Compare(a.Distance, d), -1) // behind those as near
		})
		best = slices.Insert(best, at, Alike{who.Key, sum})
		best = best[:min(len(best), most)]
	}
	return best, looked
}
