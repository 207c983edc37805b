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
// (value, subject), (value, group) and (value), all in one table. Last holds the hour of
// the latest change: of an adoption, or, of (value, subject), of the last touch, whose Count
// is the number of hours in which there was one. The lower bits of that of a value are, in
// sixteenths, how many adoptions there were of late.
//
// There is room for so many cells. Whoever makes up names for ever makes cells with a count
// of one: those go first, and what was there before stays.
type Objects struct{ table learn.Table }

const (
	recentBits = 12
	sixteenths = 16
	recentHalf = 12.0 // hours in which "of late" halves
)

// Touch notes that subject has the value key, and returns how new that was, as
// far as it is asked.
func (o *Objects) Touch(key uint64, subject *entity.Ref, hour uint32, asks detect.Asks) detect.Novelty {
	if o.table.Len()+3 > mostValues {
		o.makeRoom()
	}
	o.table.Reserve(3) // so that the loads can overlap: no cell moves between them
	pair := o.table.At(text.Mix(key, uint64(subject.Key)))
	first := pair.Count == 0
	if at := hour << recentBits; first || pair.Last != at {
		pair.Count, pair.Last = pair.Count+1, at
	}
	if asks == detect.OnlyFirst || !first && asks == detect.WhenFirst {
		return detect.Novelty{First: first}
	}
	estate := o.table.At(key)
	if !first {
		return detect.Novelty{Estate: max(1, estate.Count)}
	}
	group := o.table.At(text.Mix(key, uint64(subject.Group)+1))
	n := detect.Novelty{First: true, Group: group.Count, Estate: estate.Count}
	group.Count, group.Last = group.Count+1, hour<<recentBits
	estate.Count++
	recent := float64(estate.Last&(1<<recentBits-1)) / sixteenths
	recent *= math.Exp2(-float64(hour-estate.Last>>recentBits) / recentHalf)
	n.Recent = float32(recent)
	estate.Last = hour<<recentBits | uint32(min(recent+1, 250)*sixteenths)
	return n
}

// makeRoom forgets half of the cells: of those with a count of one those that were last
// changed longest ago, and only if that is not enough others.
func (o *Objects) makeRoom() {
	var ages []uint64
	o.table.Keep(func(c *learn.Cell) bool { ages = append(ages, worth(c)); return true })
	gone := newGiveWay(ages, len(ages)-mostValues/2)
	o.table.Keep(func(c *learn.Cell) bool { return !gone.next(worth(c)) })
}

// worth orders cells by how much would be lost with them, those of the same hour by chance:
// by their place, a part of the table would become full.
func worth(c *learn.Cell) uint64 {
	return worthOf(c.Count > 1, c.Last>>recentBits)<<16 | text.Mix(c.Key, recentBits)>>48
}

// Append appends the partition's bytes to dst.
func (o *Objects) Append(dst []byte) []byte { return o.table.Append(dst) }

// Read replaces the partition by the next one of r.
func (o *Objects) Read(r *rows.Reader) { o.table.Read(r) }
