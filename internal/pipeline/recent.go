package pipeline

import (
	"math"

	"vedette/internal/baseline"
	"vedette/internal/entity"
)

// mostLooked is how many entities are looked at for those that are alike: enough for a
// site, and few enough that learning does not wait.
const mostLooked = 4096

// Recent returns what is normal for an entity and what it did in the last week, and false
// for one that is not learned. It may be called by many at a time, while nobody applies an
// entry.
func (m *Machine) Recent(k entity.Key) (baseline.Recent, bool) {
	return m.subjects[partition(uint64(k))].Recent(k, m.shared, m.now)
}

// Alike returns the entities of the same group whose habits are nearest to those of k, at
// most n, the nearest first; and among how many they were looked for. It may be called as
// Recent may.
func (m *Machine) Alike(k entity.Key, n int) (best []baseline.Alike, looked int) {
	home := partition(uint64(k))
	h, ok := m.subjects[home].Habits(k, m.shared)
	if !ok {
		return nil, 0
	}
	for i := range Partitions {
		var more int
		best, more = m.subjects[(home+i)%Partitions].Alike(k, h, m.shared, m.now.Hour, best, n, mostLooked-looked)
		looked += more
	}
	for i := range best {
		best[i].Distance = math.Sqrt(best[i].Distance)
	}
	return best, looked
}
