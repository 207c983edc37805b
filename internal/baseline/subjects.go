package baseline

import (
	"errors"
	"math"
	"strconv"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/rows"
)

// Subjects is one partition of the second stage: what each of our entities does. It lends
// itself to detectors as their Memory, set to the entity at hand.
type Subjects struct {
	index   learn.Table // entity -> row + 1
	heads   []head
	cells   []cell      // row x signal
	pasts   []past      // row x signal
	tracks  []track     // what signals showed of late; see past.Track
	diaries []diary     // row
	pairs   learn.Table // (entity, signal, peer) -> index in beats + 1, or in hails
	beats   []beat
	hails   []hail
	notes   []note   // of the open hour
	words   []byte   // of notes' labels
	open    []uint32 // rows with events in the open hour, in order of the first
	stir    []uint32 // rows with events since the last barrier, likewise
	delta   Shared   // what to add to the Shared at the next hour

	learned bool // that there is something in delta
	last    bool // that the scoring at hand is the last of its hour
	hole    int  // no row before it is vacant
	turned  int  // events of entities for which there was no room

	plan   *Plan
	shared *Shared
	now    Now
	dirty  []uint32 // rows to score before the batch ends
	found  Found

	// The entity, detector and event at hand.
	row, detector int
	seen          detect.Seen
	source        uint32
}

// Now is when a batch or a barrier is, by the log.
type Now struct {
	Time   int64  // Unix nanoseconds
	Window uint32 // number of the five minutes
	Hour   uint32 // number of the hour, from 1970
}

// Found is what scoring brings up.
type Found struct {
	Findings []finding.Finding
	Risks    []finding.Risk // of the entities of those findings, one each
}

// head is what is known of an entity beside its signals.
type head struct {
	Key      entity.Key
	Aged     int64  // when Evidence was last aged
	Touched  uint64 // a bit for each signal that was measured in the hour Opened
	Born     uint32 // hours the estate had learned when it was first seen
	Hour     uint32 // 1 + the hour it was last seen
	Opened   uint32 // 1 + the hour that Touched is of
	Window   uint32 // 1 + the window it was last seen
	DayMax   float32
	Evidence [finding.Facets]float32
	Habit    [finding.Facets]float32
	Clock    learn.Clock
	Group    uint16
	DayTop   uint8
	Spare    uint8
}

// cell is what the open hour holds of one signal of one entity: 32 bytes, for every event
// touches several of them.
type cell struct {
	Sum   float64 // the amount, the new values; Trials: the run; Beats: the strongest
	Level float32 // Amount, Largest: below it there is no surprise
	Draws float32 // News: values shown; Largest: the largest that is over
	Least float32 // the least amount among its notes, once there are enough
	Hour  uint32  // 1 + the hour that this is of
	Notes uint32  // 1 + the last of its notes
	Many  uint32  // how many notes it has
}

// past is what is remembered of one signal of one entity.
type past struct {
	News  learn.News
	Rare  float32         // News: how much rarer the new values of the open hour are than as a rule
	Told  float32         // nats that were last reported
	In    uint32          // 1 + the hour in which something was
	Track uint32          // 1 + index in tracks, or 0
	Parts [4]learn.Hurdle // by six hours of the day; News: of how many values are shown
}

// beat is a relation between an entity and one peer, and its rhythm.
type beat struct {
	learn.Rhythm
	Key   uint64
	First int64 // start of the first contact
	Refs  [4]finding.Ref
	Told  float32 // nats that were last reported
	Cited uint32  // how many of Refs there are
	Added float32 // native nats that stand for it in the tail
	Spare uint32
}

// note is one contribution to a signal in the open hour, worth showing.
type note struct {
	Amount  float64
	Peer    entity.Key
	Ref     finding.Ref
	Holders uint32
	Next    uint32 // 1 + the one before it, of the same cell
	Word    uint32 // label: words[Word:][:Length]
	Length  uint32
	Beat    uint32 // 1 + index of the rhythm that it is about, or 0
	Spare   uint32
}

const (
	mostNotes = 8            // of a cell
	mostLabel = 48           // bytes
	bother    = learn.U1 / 2 // native nats below which an amount is not looked at
	trialHalf = 2.0          // hours in which a run of first contacts fades to half
)

var errDamaged = errors.New("baseline: saved state is damaged")

// Use sets up an empty partition.
func (s *Subjects) Use(p *Plan) { s.plan, s.delta = p, *NewShared(p) }

// Begin prepares for the events of a batch.
func (s *Subjects) Begin(sh *Shared, now Now) {
	s.shared, s.now = sh, now
	s.found.Findings, s.found.Risks = s.found.Findings[:0], s.found.Risks[:0]
}

// Observe shows an event to the detectors that want it, on behalf of one side. Novelty
// has an entry for each value of the plan; source is the number of the event's source.
func (s *Subjects) Observe(v event.View, side detect.Side, novelty []detect.Novelty, source uint32) {
	s.seen, s.source = detect.Seen{View: v, Side: side, All: novelty}, source
	var ok bool
	if s.row, ok = s.find(s.seen.Self()); !ok {
		s.turned++
		return
	}
	s.learned = true
	h := &s.heads[s.row]
	if h.Hour != s.now.Hour+1 {
		h.Hour = s.now.Hour + 1
		s.open = append(s.open, uint32(s.row))
	}
	if h.Window != s.now.Window+1 {
		h.Window = s.now.Window + 1
		s.stir = append(s.stir, uint32(s.row))
	}
	for _, d := range s.plan.byType[v.Head().Type] {
		s.detector = d
		s.seen.Index = s.plan.valuesOf[d]
		s.plan.Detectors[d].Observe(&s.seen, s)
	}
}

// find returns the row of an entity, which it gives it if need be; false if there is none
// left.
func (s *Subjects) find(who *entity.Ref) (int, bool) {
	s.index.Reserve(1)
	row, free := s.vacant()
	if s.index.Len() >= mostEntities {
		if c := s.index.Find(uint64(who.Key)); c.Count > 0 {
			return int(c.Count) - 1, true
		}
		return 0, false
	}
	c := s.index.At(uint64(who.Key))
	if c.Count > 0 {
		return int(c.Count) - 1, true
	}
	h := head{Key: who.Key, Born: s.shared.hours, Group: who.Group % Groups, Aged: s.now.Time}
	if free {
		s.heads[row] = h
	} else {
		row = len(s.heads)
		s.heads = append(s.heads, h)
		s.cells = append(s.cells, make([]cell, len(s.plan.signals))...)
		s.pasts = append(s.pasts, make([]past, len(s.plan.signals))...)
		s.diaries = append(s.diaries, diary{})
	}
	c.Count = uint32(row) + 1
	return row, true
}

// Len returns how many entities the partition knows.
func (s *Subjects) Len() int { return s.index.Len() }

// Turned returns how many events were not learned from since the start, because there was no
// room for their entity.
func (s *Subjects) Turned() int { return s.turned }

// Known reports whether the partition knows an entity.
func (s *Subjects) Known(k entity.Key) bool { return s.index.Find(uint64(k)).Count > 0 }

// cell returns the cell of a signal of the detector at hand, opened for this hour, and
// the signal's number.
func (s *Subjects) cell(i int) (*cell, int) {
	i += s.plan.firstOf[s.detector]
	c := &s.cells[s.row*len(s.plan.signals)+i]
	if c.Hour != s.now.Hour+1 {
		switch s.plan.signals[i].Model {
		case detect.Amount, detect.Largest:
			if c.Hour == 0 || (c.Hour-1)%24/6 != s.now.Hour%24/6 { // else it was worked out when that hour ended
				s.level(c, i)
			}
		case detect.Trials:
			t := learn.Trial(c.Sum)
			t.Fade(float64(s.now.Hour+1-c.Hour) / trialHalf)
			c.Sum = float64(t)
		}
		c.Hour = s.now.Hour + 1
		if h := &s.heads[s.row]; h.Opened != s.now.Hour+1 {
			h.Opened, h.Touched = s.now.Hour+1, 0
		}
		s.heads[s.row].Touched |= 1 << i
	}
	return c, i
}

// level works out below which amount a cell need not be looked at, at this time of day.
func (s *Subjects) level(c *cell, i int) {
	c.Level = float32(s.hurdle(i).Level(bother, s.part(), s.age(s.row)/4, s.shared.priors[s.at(i)]))
}

// past returns what is remembered of a signal of the entity at hand.
func (s *Subjects) past(i int) *past { return &s.pasts[s.row*len(s.plan.signals)+i] }

// at returns the index of a signal in what is kept by group, for the entity at hand.
func (s *Subjects) at(signal int) int {
	return int(s.heads[s.row].Group)*len(s.plan.signals) + signal
}

// hurdle returns the hurdle of the time of day, and part its window number: six a day.
func (s *Subjects) hurdle(i int) *learn.Hurdle { return &s.past(i).Parts[s.now.Hour%24/6] }

func (s *Subjects) part() uint32 { return s.now.Hour/24*6 + s.now.Hour%6 }

// age returns for how many hours of the estate's learning an entity has been known.
func (s *Subjects) age(row int) uint32 { return s.shared.hours - s.heads[row].Born }

// Add implements [detect.Memory].
func (s *Subjects) Add(signal int, x float64, label detect.Label) {
	c, i := s.cell(signal)
	if s.plan.signals[i].Model == detect.Largest {
		c.Sum, c.Draws = max(c.Sum, x), max(c.Draws, float32(x))
	} else {
		c.Sum += x
	}
	s.noteAmount(c, x, label)
}

// noteAmount keeps what may have to be shown of an amount: what made it a surprise, for
// until there is one there is nothing to show.
func (s *Subjects) noteAmount(c *cell, x float64, label detect.Label) {
	if c.Sum >= float64(c.Level) && (c.Many < mostNotes || x > float64(c.Least)) {
		s.note(c, note{Amount: x}, label)
	}
}

// Foresee implements [detect.Memory].
func (s *Subjects) Foresee(signal int, x float64, label detect.Label) {
	c, _ := s.cell(signal)
	c.Sum = max(c.Sum, x)
	s.noteAmount(c, x, label)
}

// Draw implements [detect.Memory].
func (s *Subjects) Draw(signal int, n detect.Novelty, label detect.Label) {
	c, i := s.cell(signal)
	c.Draws++
	if !n.First {
		return
	}
	s.meet(i, label)
	rare := learn.Rarity(n.Group, n.Estate, float64(n.Recent), max(s.shared.members, 1))
	s.delta.rarity[i].N++
	s.delta.rarity[i].Sum += rare
	c.Sum++
	p := s.past(i)
	over := max(-3, min(8, rare-s.shared.typical(i)))
	p.Rare += float32(over)
	if over <= 0 && c.Sum <= float64(c.Draws)*p.News.Chance() {
		return // neither rare nor more than was to be expected: there is nothing to show
	}
	s.note(c, note{Amount: rare, Holders: n.Estate}, label)
}

// Try implements [detect.Memory].
func (s *Subjects) Try(signal int, success bool, weight float64, label detect.Label) {
	c, i := s.cell(signal)
	t := learn.Trial(c.Sum)
	t.Step(success, weight)
	c.Sum = float64(t)
	if !success {
		s.note(c, note{Amount: weight}, label)
		s.hurry(i)
	}
}

// Beat implements [detect.Memory].
func (s *Subjects) Beat(signal int, key uint64, at int64, bytes float64, label detect.Label) {
	c, i := s.cell(signal)
	pair := s.mixed(i, key)
	b := s.rhythm(pair, i, at, bytes)
	if b == nil {
		return
	}
	number := s.pairs.Find(pair).Count
	b.Contact(at, bytes, s.plan.signals[i].Hourly)
	b.cite(s.ref())
	if n := b.Seen; n < 6 || n > 64 && b.Count%8 != 0 {
		return
	}
	x := soften(b.Surprise())
	c.Sum = max(c.Sum, x)
	for j := c.Notes; j > 0; j = s.notes[j-1].Next {
		if n := &s.notes[j-1]; n.Beat == number {
			n.Amount = max(n.Amount, x)
			return
		}
	}
	if x > 0 {
		s.note(c, note{Amount: x, Beat: number}, label)
		s.hurry(i)
	}
}

// cite keeps the first and the latest contacts as evidence.
func (b *beat) cite(r finding.Ref) {
	if b.Cited < uint32(len(b.Refs)) {
		b.Refs[b.Cited] = r
		b.Cited++
		return
	}
	copy(b.Refs[1:], b.Refs[2:])
	b.Refs[len(b.Refs)-1] = r
}

// soften compresses the surprise of a rhythm, which grows with every beat for ever, so
// that the tail of the group can describe it.
func soften(x float64) float64 {
	const straight, bend = 12.0, 4.0
	if x <= straight {
		return x
	}
	return straight + bend*math.Log1p((x-straight)/bend)
}

// note keeps what may have to be shown of the event at hand. When a cell has enough
// notes, the one of least amount gives way.
func (s *Subjects) note(c *cell, n note, label detect.Label) {
	n.Peer, n.Ref = s.seen.Peer().Key, s.ref()
	name := label.Name[:min(len(label.Name), mostLabel)]
	length := len(name)
	var port [6]byte
	if label.Port != 0 {
		port[0] = '/'
		length += len(strconv.AppendUint(port[:1], uint64(label.Port), 10))
	}
	tail := port[:length-len(name)]
	n.Word, n.Length = uint32(len(s.words)), uint32(length)
	if c.Many < mostNotes {
		n.Next = c.Notes
		s.notes = append(s.notes, n)
		c.Notes, c.Many = uint32(len(s.notes)), c.Many+1
		s.words = append(append(s.words, name...), tail...)
		return
	}
	least := &s.notes[c.Notes-1]
	for i := least.Next; i > 0; i = s.notes[i-1].Next {
		if s.notes[i-1].Amount < least.Amount {
			least = &s.notes[i-1]
		}
	}
	if c.Least = float32(least.Amount); n.Amount <= least.Amount {
		return
	}
	n.Next = least.Next
	if int(least.Length) >= length { // its words have room
		n.Word = least.Word
		copy(s.words[int(n.Word)+copy(s.words[n.Word:], name):], tail)
	} else {
		s.words = append(append(s.words, name...), tail...)
	}
	*least = n
}

// ref returns where the record of the event at hand stands.
func (s *Subjects) ref() finding.Ref {
	return finding.Ref{Position: s.seen.Record().Position, Source: s.source, Index: uint32(s.seen.Head().Index)}
}

// hurry has the entity at hand scored before the batch ends, if the signal is decisive.
func (s *Subjects) hurry(signal int) {
	if s.plan.signals[signal].Sort != finding.Decisive {
		return
	}
	if n := len(s.dirty); n == 0 || s.dirty[n-1] != uint32(s.row) {
		s.dirty = append(s.dirty, uint32(s.row))
	}
}

// Append appends the partition's bytes to dst. The open hour is part of it.
func (s *Subjects) Append(dst []byte) []byte {
	dst = rows.Append(rows.Append(rows.Append(s.index.Append(dst), s.heads), s.cells), s.pasts)
	dst = rows.Append(rows.Append(dst, s.tracks), s.diaries)
	dst = rows.Append(rows.Append(s.pairs.Append(dst), s.beats), s.hails)
	dst = rows.Append(rows.Append(dst, s.notes), s.words)
	dst = rows.Append(rows.Append(dst, s.open), s.stir)
	if !s.learned { // most of the time, and it is large
		return rows.Append(dst, []uint8{0})
	}
	return s.delta.Append(rows.Append(dst, []uint8{1}))
}

// Read replaces the partition by the next one of r.
func (s *Subjects) Read(r *rows.Reader) {
	s.index.Read(r)
	rows.Read(r, &s.heads)
	rows.Read(r, &s.cells)
	rows.Read(r, &s.pasts)
	rows.Read(r, &s.tracks)
	rows.Read(r, &s.diaries)
	s.pairs.Read(r)
	rows.Read(r, &s.beats)
	rows.Read(r, &s.hails)
	rows.Read(r, &s.notes)
	rows.Read(r, &s.words)
	rows.Read(r, &s.open)
	rows.Read(r, &s.stir)
	if r.Err == nil && (s.index.Len() > len(s.heads) || s.pairs.Len() != len(s.beats)+len(s.hails) || len(s.cells) != len(s.heads)*len(s.plan.signals) || len(s.pasts) != len(s.cells) || len(s.diaries) != len(s.heads) || !s.tracked()) {
		r.Err = errDamaged
	}
	var learned []uint8
	if rows.Read(r, &learned); r.Err == nil && len(learned) != 1 {
		r.Err = errDamaged
	}
	if s.learned = r.Err == nil && learned[0] == 1; s.learned {
		s.delta.Read(s.plan, r)
	}
}
