package baseline

import (
	"math"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/learn"
	"vedette/internal/rows"
	"vedette/internal/text"
)

// Objects is one partition of the first stage: who has which value. Its cells are
// (value, subject), (value, group) and (value), all in one table. The last keeps in Last
// the hour of the latest adoption and, in sixteenths, how many there were of late.
type Objects struct{ table learn.Table }

const (
	recentBits = 12
	sixteenths = 16
	recentHalf = 12.0 // hours in which "of late" halves
)

// Touch notes that subject has the value key, and returns how new that was, as
// far as it is asked.
func (o *Objects) Touch(key uint64, subject *entity.Ref, hour uint32, asks detect.Asks) detect.Novelty {
	o.table.Reserve(3) // so that the loads can overlap: no cell moves between them
	pair := o.table.At(text.Mix(key, uint64(subject.Key)))
	first := pair.Count == 0
	if pair.Count = 1; asks == detect.OnlyFirst || !first && asks == detect.WhenFirst {
		return detect.Novelty{First: first}
	}
	estate := o.table.At(key)
	if !first {
		return detect.Novelty{Estate: estate.Count}
	}
	group := o.table.At(text.Mix(key, uint64(subject.Group)+1))
	n := detect.Novelty{First: true, Group: group.Count, Estate: estate.Count}
	group.Count++
	estate.Count++
	recent := float64(estate.Last&(1<<recentBits-1)) / sixteenths
	recent *= math.Exp2(-float64(hour-estate.Last>>recentBits) / recentHalf)
	n.Recent = float32(recent)
	estate.Last = hour<<recentBits | uint32(min(recent+1, 250)*sixteenths)
	return n
}

// Append appends the partition's bytes to dst.
func (o *Objects) Append(dst []byte) []byte { return o.table.Append(dst) }

// Read replaces the partition by the next one of r.
func (o *Objects) Read(r *rows.Reader) { o.table.Read(r) }
