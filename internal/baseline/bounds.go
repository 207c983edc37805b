package baseline

import (
	"slices"

	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/text"
)

// What is learned is bounded by numbers, each of a partition, of which there are 256. They
// are no setting and depend on no machine: replay comes to the same bounds at the same
// event. docs/design/learning.md says what they mean for a flood.
const (
	mostValues   = 1 << 17 // cells of Objects, of 16 bytes
	mostHails    = 1 << 15 // relations that were seen once or twice, of 72 bytes
	mostBeats    = 1 << 14 // rhythms, of 272 bytes
	mostEntities = 1 << 10 // entities of ours, of some kilobytes
	settled      = 24      // hours of an entity's life after which it gives way last
)

// worthOf orders what may have to give way: what proved itself comes after what did not, and
// what was seen later after what was seen before.
func worthOf(proved bool, hour uint32) uint64 {
	w := uint64(hour)
	if proved {
		w |= 1 << 32
	}
	return w
}

// giveWay says which of many have to give way: those worth least, the first ones of equals.
type giveWay struct {
	below uint64
	ties  int // of those worth just that
}

// newGiveWay makes n of those with the given worths give way. It sorts them.
func newGiveWay(worths []uint64, n int) giveWay {
	if n <= 0 {
		return giveWay{}
	}
	slices.Sort(worths)
	below := worths[min(n, len(worths))-1]
	first, _ := slices.BinarySearch(worths, below)
	return giveWay{below, n - first}
}

// next reports whether the next one, of the same order as ever, gives way.
func (g *giveWay) next(worth uint64) bool {
	if worth == g.below && g.ties > 0 {
		g.ties--
		return true
	}
	return worth < g.below
}

// hail is a relation of which there were one or two contacts: most stay so for ever, and it
// takes a quarter of the room of a rhythm. The third makes it one.
type hail struct {
	Key   uint64
	At    [2]int64 // starts of the contacts; 0 if there was no second one
	Bytes [2]float64
	Refs  [2]finding.Ref
}

const hailed = 1 << 31 // marks in pairs the index of a hail, plus one

// rhythm returns the rhythm of the relation key, of which there is a contact now; nil if it
// is none yet. The contact is not part of it.
func (s *Subjects) rhythm(key uint64, i int, at int64, bytes float64) *beat {
	if len(s.hails) >= mostHails {
		s.forgetHails()
	}
	s.pairs.Reserve(1)
	p := s.pairs.At(key)
	switch {
	case p.Count == 0:
		s.delta.tails[s.at(i)].Quiet(1)
		s.hails = append(s.hails, hail{Key: p.Key, At: [2]int64{at}, Bytes: [2]float64{bytes}, Refs: [2]finding.Ref{s.ref()}})
		p.Count = uint32(len(s.hails)) | hailed
		return nil
	case p.Count&hailed == 0:
		return &s.beats[p.Count-1]
	}
	h := &s.hails[p.Count&^hailed-1]
	switch last := max(h.At[0], h.At[1]); {
	case learn.Same(last, at):
		return nil
	case h.At[1] == 0:
		h.At[1], h.Bytes[1], h.Refs[1] = at, bytes, s.ref()
		return nil
	case len(s.beats) >= mostBeats:
		return nil // until the hour ends
	}
	b := beat{Key: h.Key, First: h.At[0]}
	for k := range h.At {
		b.Contact(h.At[k], h.Bytes[k], s.plan.signals[i].Hourly)
		b.cite(h.Refs[k])
	}
	s.drop(p.Count&^hailed - 1)
	s.beats = append(s.beats, b)
	p.Count = uint32(len(s.beats))
	return &s.beats[p.Count-1]
}

// drop removes a hail; the last one takes its place.
func (s *Subjects) drop(i uint32) {
	last := len(s.hails) - 1
	if int(i) < last {
		s.hails[i] = s.hails[last]
		s.pairs.At(s.hails[i].Key).Count = (i + 1) | hailed
	}
	s.hails = s.hails[:last]
}

// forgetHails forgets the half of the hails that were heard of longest ago.
func (s *Subjects) forgetHails() {
	worth := func(h *hail) uint64 { return worthOf(false, uint32(max(h.At[0], h.At[1])/3600e9)) }
	var worths []uint64
	for i := range s.hails {
		worths = append(worths, worth(&s.hails[i]))
	}
	gone := newGiveWay(worths, len(s.hails)-mostHails/2)
	kept := s.hails[:0]
	for _, h := range s.hails {
		if gone.next(worth(&h)) {
			s.pairs.Remove(h.Key)
			continue
		}
		kept = append(kept, h)
		s.pairs.At(h.Key).Count = uint32(len(kept)) | hailed
	}
	s.hails = kept
}

// forgetBeats forgets rhythms when there is hardly room for more: at first those that never
// became one. No hour is open, so nothing refers to them.
func (s *Subjects) forgetBeats() {
	if len(s.beats) <= mostBeats/4*3 {
		return
	}
	worth := func(b *beat) uint64 { return worthOf(b.Seen >= 6, uint32(b.Last/3600e9)) }
	var worths []uint64
	for i := range s.beats {
		worths = append(worths, worth(&s.beats[i]))
	}
	gone := newGiveWay(worths, len(s.beats)-mostBeats/2)
	kept := s.beats[:0]
	for _, b := range s.beats {
		if gone.next(worth(&b)) {
			s.pairs.Remove(b.Key)
			continue
		}
		kept = append(kept, b)
		s.pairs.At(b.Key).Count = uint32(len(kept))
	}
	s.beats = kept
}

// vacant returns the first row that no entity has; false if there is none.
func (s *Subjects) vacant() (int, bool) {
	if s.index.Len() == len(s.heads) {
		return 0, false
	}
	for s.heads[s.hole].Key != 0 {
		s.hole++
	}
	return s.hole, true
}

// forgetEntities forgets entities when there is hardly room for more: at first those that
// were there for less than a day. Their rows are given to others. No hour is open.
func (s *Subjects) forgetEntities() {
	if s.index.Len() <= mostEntities/4*3 {
		return
	}
	worth := func(h *head) uint64 {
		ago := s.now.Hour + 1 - h.Hour
		return worthOf(s.shared.hours > h.Born+ago+settled, h.Hour)
	}
	var worths []uint64
	for i := range s.heads {
		if s.heads[i].Key != 0 {
			worths = append(worths, worth(&s.heads[i]))
		}
	}
	gone := newGiveWay(worths, s.index.Len()-mostEntities/2)
	n := len(s.plan.signals)
	for i := range s.heads {
		if h := &s.heads[i]; h.Key != 0 && gone.next(worth(h)) {
			s.index.Remove(uint64(h.Key))
			*h = head{}
			clear(s.cells[i*n:][:n])
			clear(s.pasts[i*n:][:n])
			s.diaries[i] = diary{}
		}
	}
	s.hole = 0
	s.closeUp()
}

// mixed returns the key of a relation.
func (s *Subjects) mixed(signal int, key uint64) uint64 {
	return max(1, text.Mix(text.Mix(uint64(s.heads[s.row].Key), uint64(signal)), key))
}
