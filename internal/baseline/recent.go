package baseline

import (
	"math"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/finding"
)

// What an entity did of late is kept so that people can see it: for each signal that ever
// had anything, an hour a byte for a week. It is written when an hour is learned, read by
// nothing that scores, and saved with the rest, so it is the same on replay.
//
// A byte is the logarithm of 1 + the amount in steps: of 0.136 for bytes (14.6 %, up to
// 10^15), of 1/16 for all else (6.4 %, up to 8 million), in which whole numbers up to 15
// come back as they were.

// Week is how many hours are kept.
const Week = 7 * 24

const (
	stepBytes  = 0.136
	stepOther  = 1.0 / 16
	mostFirsts = 12 // of an entity, that are kept
	mostFirst  = 16 // bytes of what one was about
)

// track is the last week of one signal of one entity.
type track struct {
	Hour  uint32       // 1 + the latest hour in it
	Seen  [Week]uint8  // by hour modulo Week
	Told  [hours]uint8 // a bit for each hour that led to a finding
	Spare [3]uint8
}

// diary is what an entity did in the last week beside its signals.
type diary struct {
	Hour   uint32       // 1 + the latest hour in Active
	Active [hours]uint8 // a bit for each hour in which anything was seen of it
	Next   uint8        // where the next of Firsts goes
	Spare  [6]uint8
	Firsts [mostFirsts]first
}

// first is something that an entity turned to for the first time.
type first struct {
	Peer   entity.Key
	Hour   uint32 // 1 + when; 0 if there is nothing
	Port   uint16
	Signal uint8
	Length uint8 // of what it was about, at most 255
	Name   [mostFirst]uint8
}

// hours is a bit for each hour of a week.
const hours = Week / 8

// keep writes down what the open hour of a signal showed. It is called before the hour is
// learned.
func (s *Subjects) keep(c *cell, i int) {
	p := s.past(i)
	told, v := p.In == s.now.Hour+1, pack(s.shown(c, i), s.plan.signals[i].step)
	if p.Track == 0 {
		if v == 0 && !told {
			return
		}
		s.tracks = append(s.tracks, track{Hour: s.now.Hour + 1})
		p.Track = uint32(len(s.tracks))
	}
	t := &s.tracks[p.Track-1]
	for ; t.Hour <= s.now.Hour; t.Hour++ { // hours without it, and this one
		if s.now.Hour-t.Hour >= Week {
			t.Hour = s.now.Hour - Week
			continue
		}
		t.Seen[t.Hour%Week] = 0
		unset(&t.Told, t.Hour)
	}
	t.Seen[s.now.Hour%Week] = v
	if told {
		set(&t.Told, s.now.Hour)
	}
}

// closeUp moves tracks together after entities were forgotten, whose own are gone with them.
func (s *Subjects) closeUp() {
	var left []track
	for i := range s.pasts {
		if p := &s.pasts[i]; p.Track > 0 {
			left = append(left, s.tracks[p.Track-1])
			p.Track = uint32(len(left))
		}
	}
	s.tracks = left
}

// shown returns what the open hour of a signal showed: of a Clock, that there was anything.
func (s *Subjects) shown(c *cell, i int) float64 {
	if s.plan.signals[i].Model == detect.Clock {
		return min(1, c.Sum)
	}
	return c.Sum
}

// wake notes that the entity was seen in the open hour.
func (d *diary) wake(hour uint32) {
	for ; d.Hour <= hour; d.Hour++ {
		if hour-d.Hour >= Week {
			d.Hour = hour - Week
			continue
		}
		unset(&d.Active, d.Hour)
	}
	set(&d.Active, hour)
}

// meet notes what the entity at hand turned to for the first time.
func (s *Subjects) meet(signal int, label detect.Label) {
	d := &s.diaries[s.row]
	f := &d.Firsts[d.Next]
	d.Next = (d.Next + 1) % mostFirsts
	*f = first{Peer: s.seen.Peer().Key, Hour: s.now.Hour + 1, Port: label.Port, Signal: uint8(signal)}
	copy(f.Name[:], label.Name)
	f.Length = uint8(min(len(label.Name), 255))
}

func set(bits *[hours]uint8, hour uint32)   { bits[hour%Week/8] |= 1 << (hour % 8) }
func unset(bits *[hours]uint8, hour uint32) { bits[hour%Week/8] &^= 1 << (hour % 8) }
func isSet(bits *[hours]uint8, hour uint32) bool {
	return bits[hour%Week/8]>>(hour%8)&1 == 1
}

// pack writes an amount in one byte; 0 is none.
func pack(x, step float64) uint8 {
	if !(x > 0) {
		return 0
	}
	return uint8(max(1, min(255, math.Round(math.Log1p(x)/step))))
}

// unpack returns what pack wrote, as far as it can be told.
func unpack(b uint8, step float64, whole bool) float64 {
	x := math.Expm1(float64(b) * step)
	if whole {
		return math.Round(x)
	}
	return x
}

// stepOf returns the step in which a signal is kept.
func stepOf(s *detect.Signal) float64 {
	if s.Unit == "bytes" {
		return stepBytes
	}
	return stepOther
}

// Recent is what is normal for an entity, and what it did in the last week.
type Recent struct {
	Hour    uint32     // the open hour, counted from 1970
	Age     uint32     // hours of the estate's learning that it has been known
	Estate  uint32     // hours of the estate's learning
	Full    uint32     // hours of either until nothing is damped any more
	Members int        // entities of ours active in the last seven days: those it is compared with
	Active  [Week]bool // hours in which it was seen, the oldest first; the last is the one before Hour
	Now     bool       // it was seen in the open hour
	Signals []Signal
	Firsts  []First // what it turned to for the first time, the newest first
}

// Signal is what is normal of one quantity of an entity, and what was seen.
type Signal struct {
	detect.Signal
	Detector string
	Facet    finding.Facet
	Unit     string        // of the numbers below: as the signal's, and "nats" for Beats
	Bands    [24]Band      // by hour of the day
	Seen     [Week]float64 // the oldest first, to the precision that is kept
	Told     [Week]bool    // hours that led to a finding
	Open     float64       // of the open hour, so far
	OpenTold bool          // which led to a finding
	Ever     bool          // anything was seen of it, in this week or before
}

// Band is what a model expects of one hour: the one that a score is held against. It ends
// where findings say that 97.5 % lie below.
type Band struct {
	Low, Middle, High float64 // of hours with anything; Low is 0 where hours without are usual
	Often             float64 // share of hours with anything, 0 to 1; 1 if the model has no such share
	Own               float64 // hours of its own that this rests on, beside six that are borrowed of its peers
	Known             bool
}

// First is something that an entity turned to for the first time.
type First struct {
	Signal string
	Peer   entity.Key
	Hour   uint32
	Label  string // what it was about, such as "tcp"; may be empty
	Cut    bool   // Label is the beginning of a longer one
	Port   uint16 // if not 0, Label is followed by it
}

// Recent returns what is known of an entity. It changes nothing and may be called by
// many at a time, while nobody calls anything else.
func (s *Subjects) Recent(k entity.Key, sh *Shared, now Now) (r Recent, ok bool) {
	c := s.index.Find(uint64(k))
	if c.Count == 0 {
		return r, false
	}
	q := *s // its place is set to the entity and hours asked for, and not that of s
	q.row, q.shared, q.now = int(c.Count)-1, sh, now
	h, d := &q.heads[q.row], &q.diaries[q.row]
	r = Recent{
		Hour: now.Hour, Age: q.age(q.row), Estate: sh.hours, Full: entityKnown, Members: int(sh.members),
		Now: h.Hour == now.Hour+1, Signals: make([]Signal, len(s.plan.signals)),
	}
	for i := range r.Active {
		hour := now.Hour - Week + uint32(i)
		r.Active[i] = hour < d.Hour && hour+Week >= d.Hour && isSet(&d.Active, hour)
	}
	for i := range r.Signals {
		q.signal(i, &r.Signals[i])
	}
	for i := range uint8(mostFirsts) {
		f := &d.Firsts[(d.Next+2*mostFirsts-1-i)%mostFirsts]
		if f.Hour == 0 || f.Hour+Week <= now.Hour {
			continue
		}
		g := &s.plan.signals[f.Signal]
		r.Firsts = append(r.Firsts, First{g.Name, f.Peer, f.Hour - 1, string(f.Name[:min(f.Length, mostFirst)]), f.Length > mostFirst, f.Port})
	}
	return r, true
}

// Learned returns how much of what is normal for an entity is learned, 0 to 1: by this
// share what is unusual for it is damped.
func (s *Subjects) Learned(k entity.Key, sh *Shared) (share float64, ok bool) {
	c := s.index.Find(uint64(k))
	if c.Count == 0 {
		return 0, false
	}
	return min(1, float64(sh.hours-s.heads[c.Count-1].Born)/entityKnown), true
}

// signal fills in what is known of a signal of the entity at hand.
func (s *Subjects) signal(i int, g *Signal) {
	p, now := s.past(i), s.now.Hour
	c := s.cells[s.row*len(s.plan.signals)+i]
	*g = Signal{Signal: s.plan.signals[i].Signal, Detector: s.plan.signals[i].detector.Name, Facet: s.plan.signals[i].detector.Facet}
	if g.Unit = g.Signal.Unit; g.Model == detect.Beats {
		g.Unit = "nats" // what is kept is how regular it was, not how often
	}
	if c.Hour == now+1 {
		g.Open = s.shown(&c, i)
	} else {
		c = cell{}
	}
	g.OpenTold = p.In == now+1
	g.Ever = p.Track > 0 || g.Open > 0
	if p.Track > 0 {
		t := &s.tracks[p.Track-1]
		for j := range g.Seen {
			if hour := now - Week + uint32(j); hour < t.Hour && hour+Week >= t.Hour {
				g.Seen[j] = unpack(t.Seen[hour%Week], s.plan.signals[i].step, g.Unit == "")
				g.Told[j] = isSet(&t.Told, hour)
			}
		}
	}
	for range g.Bands {
		g.Bands[s.now.Hour%24] = s.band(&c, i)
		c = cell{} // the next hour has shown nothing yet
		s.now.Hour++
	}
	s.now.Hour = now
}

// band returns what the model of a signal expects of the hour at hand, as a score would
// have it now.
func (s *Subjects) band(c *cell, i int) (b Band) {
	switch g := &s.plan.signals[i]; g.Model {
	case detect.Amount, detect.Largest:
		h, prior := s.hurdle(i), s.shared.priors[s.at(i)]
		m, v := h.Normal(prior)
		b.Middle, b.High = math.Expm1(m), math.Expm1(m+normal*math.Sqrt(v))
		b.Often, b.Own, b.Known = h.Often(s.part(), s.age(s.row)/4, prior), float64(h.Nonzero), true
		if b.Often >= 1-rest {
			b.Low = max(0, math.Expm1(m-normal*math.Sqrt(v)))
		}
	case detect.News:
		news, shown := &s.past(i).News, float64(c.Draws)
		if shown == 0 { // as many as it shows at this time of day
			shown = math.Expm1(float64(s.hurdle(i).Mean))
		}
		b.Middle = shown * news.Chance()
		b.High = b.Middle + normal*math.Sqrt(b.Middle)
		b.Often, b.Own, b.Known = 1, float64(s.hurdle(i).Nonzero), news.Draws > 0
	case detect.Clock:
		h := &s.heads[s.row]
		b.Often = math.Exp(-h.Clock.Surprise(s.now.Hour, float64(s.age(s.row))/24, s.shared.active(h.Group, s.now.Hour)))
		if b.Own, b.Known = float64(h.Clock[s.now.Hour%24]), true; b.Often >= rest {
			b.High = 1
		}
		if b.Often >= 1-rest {
			b.Low = 1
		}
	case detect.Trials, detect.Beats: // nats already: one in forty reaches minus the logarithm of that
		b.High, b.Often, b.Known = -math.Log(rest), 1, true
	}
	return b
}

// tracked reports whether what was read leads from signals to tracks that are there.
func (s *Subjects) tracked() bool {
	for i := range s.pasts {
		if int(s.pasts[i].Track) > len(s.tracks) {
			return false
		}
	}
	for i := range s.diaries {
		d := &s.diaries[i]
		ok := d.Next < mostFirsts
		for j := range d.Firsts {
			ok = ok && int(d.Firsts[j].Signal) < len(s.plan.signals)
		}
		if !ok {
			return false
		}
	}
	return true
}
