package triage

import (
	"cmp"
	"slices"

	"vedette/internal/entity"
	"vedette/internal/finding"
)

// relation is an entity and one it has to do with.
type relation struct{ entity, peer entity.Key }

// Rank orders findings by how much stands behind them: the sum of the facets that speak of
// the same entity and the same peer, so that kinds of evidence about one relation support
// each other. Of equal ones the stronger comes first, then the earlier.
func Rank(all []finding.Finding) {
	facets := map[relation]*[finding.Facets]float64{}
	for i := range all {
		f := &all[i]
		for _, p := range f.Peers {
			r := relation{f.Entity, p.Key}
			if facets[r] == nil {
				facets[r] = new([finding.Facets]float64)
			}
			facets[r][f.Facet] = max(facets[r][f.Facet], f.Nats)
		}
	}
	behind := make(map[uint64]float64, len(all))
	for i := range all {
		f := &all[i]
		behind[f.ID] = f.Nats
		for _, p := range f.Peers {
			sum := 0.0
			for _, x := range facets[relation{f.Entity, p.Key}] {
				sum += x
			}
			behind[f.ID] = max(behind[f.ID], sum)
		}
	}
	slices.SortStableFunc(all, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(behind[b.ID], behind[a.ID]), cmp.Compare(b.Nats, a.Nats), cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
}
