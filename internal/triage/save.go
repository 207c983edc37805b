package triage

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"vedette/internal/entity"
	"vedette/internal/incident"
	"vedette/internal/rows"
)

// saved is the state of a triage as it is written. Maps are written in order of their keys.
type saved struct {
	Incidents []*incident.Incident
	Cases     []*savedCase
	Of        map[entity.Key]int
	By        map[entity.Key][]int
	Seen      map[entity.Key]int
	Findings  int
}

type savedCase struct {
	Parties map[entity.Key]bool
	Have    map[uint64]int
	Ratio   float64
}

// Append appends the bytes of the triage to dst.
func (t *Triage) Append(dst []byte) []byte {
	s := saved{t.incidents, make([]*savedCase, len(t.cases)), t.of, t.by, t.seen, t.findings}
	for i, c := range t.cases {
		if c != nil {
			s.Cases[i] = &savedCase{c.parties, c.have, c.ratio}
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and strings: our own mistake
	}
	return rows.Append(dst, b)
}

// Read replaces the triage by the next one of r.
func (t *Triage) Read(r *rows.Reader) {
	var b []byte
	if rows.Read(r, &b); r.Err != nil {
		return
	}
	s := saved{Of: map[entity.Key]int{}, By: map[entity.Key][]int{}, Seen: map[entity.Key]int{}}
	if r.Err = json.Unmarshal(b, &s); r.Err == nil && !s.whole() {
		r.Err = errors.New("triage: saved state is damaged")
	}
	if r.Err != nil {
		return
	}
	*t = Triage{incidents: s.Incidents, of: s.Of, by: s.By, seen: s.Seen, findings: s.Findings}
	for _, c := range s.Cases {
		if c == nil {
			t.cases = append(t.cases, nil)
			continue
		}
		t.cases = append(t.cases, &record{parties: orEmpty(c.Parties), have: orEmpty(c.Have), ratio: c.Ratio})
	}
}

func orEmpty[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

// whole reports whether every index leads to an incident.
func (s *saved) whole() bool {
	in := func(i int) bool { return i >= 0 && i < len(s.Incidents) }
	if len(s.Cases) != len(s.Incidents) {
		return false
	}
	for i := range s.Cases {
		if (s.Cases[i] == nil) != (s.Incidents[i] == nil) {
			return false
		}
	}
	for _, i := range s.Of { // any order: one bad index is enough
		if !in(i) || s.Incidents[i] == nil {
			return false
		}
	}
	for _, all := range s.By { // any order, likewise
		if !slices.ContainsFunc(all, in) || slices.ContainsFunc(all, func(i int) bool { return !in(i) }) {
			return false
		}
	}
	return true
}

// Settle forgets incidents that nothing was added to since a time, and returns them as they
// were in the end. What comes later about their entities is another case.
func (t *Triage) Settle(before int64) []incident.Incident {
	var settled []incident.Incident
	to := make([]int, len(t.incidents)) // where each incident moves, -1 for those that go
	keep := 0
	for i, in := range t.incidents {
		to[i] = -1
		switch {
		case in == nil:
		case in.Updated < before:
			settled = append(settled, finish(*in))
		default:
			to[i] = keep
			t.incidents[keep], t.cases[keep] = in, t.cases[i]
			keep++
		}
	}
	t.incidents, t.cases = t.incidents[:keep], t.cases[:keep]
	for k, i := range t.of { // any order: each entry by itself
		if t.of[k] = to[i]; to[i] < 0 {
			delete(t.of, k)
		}
	}
	for k, all := range t.by { // any order: each entry by itself
		left := all[:0]
		for _, i := range all {
			if to[i] >= 0 {
				left = append(left, to[i])
			}
		}
		if t.by[k] = left; len(left) == 0 {
			delete(t.by, k)
			delete(t.seen, k)
		}
	}
	if len(t.seen) > mostSeen {
		maps.DeleteFunc(t.seen, func(k entity.Key, _ int) bool { // any order: each entry by itself
			_, has := t.of[k]
			return !has && len(t.by[k]) == 0
		})
	}
	return settled
}

// Crowded returns the time to settle at, if there are more open incidents than people could
// ever look at: whoever floods the estate with findings must not fill the memory. Half
// of them were not added to since then.
func (t *Triage) Crowded() (before int64, yes bool) {
	if len(t.incidents) <= mostIncidents {
		return 0, false
	}
	var times []int64
	for _, in := range t.incidents {
		if in != nil {
			times = append(times, in.Updated)
		}
	}
	if len(times) <= mostIncidents {
		return 0, false
	}
	slices.Sort(times)
	return times[len(times)/2] + 1, true
}

// Merged says that an incident turned out to be part of another.
type Merged struct{ From, Into uint64 }

// Changed returns the incidents that something was added to since it was called last, as
// they are now, and those that were merged into others.
func (t *Triage) Changed() (changed []incident.Incident, gone []Merged) {
	for i := range t.incidents {
		if in := t.incidents[i]; in != nil && t.cases[i].changed {
			t.cases[i].changed = false
			changed = append(changed, finish(*in))
		}
	}
	gone, t.gone = t.gone, nil
	return changed, gone
}
