package baseline

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"vedette/internal/detect"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/text"
)

const (
	entityKnown = 5 * 24.0    // hours until what is unusual for an entity counts in full
	estateKnown = 5 * 24.0    // hours until what is unusual here does
	evidenceAge = 6.0         // hours in which evidence fades to half
	habitAge    = 96.0        // hours in which habituation does
	habitShare  = 0.7         // of what was found in an hour is expected in the next
	tell        = 2.5         // nats from which a finding is reported
	tellBeats   = 4.6         // likewise for relations, of which an entity has many: one in a thousand
	least       = 0.5         // nats of evidence below which a facet does not count
	settles     = 3 * 86400e9 // nanoseconds after which a rhythm is as strong as it will be, for the tail
	beyond      = 6.0         // nats above the threshold at which a day's risk is counted at most: attacks must not raise it
	wary        = 0.7         // share of the threshold from which an entity is learned from with care
	normal      = 1.96        // standard deviations that 97.5 % lie below
	rest        = 0.025       // what lies above
)

// End scores what cannot wait, and returns what was found in the batch.
func (s *Subjects) End() *Found {
	for _, row := range s.dirty {
		s.score(int(row))
	}
	s.dirty = s.dirty[:0]
	return &s.found
}

// Barrier scores every entity that did something since the last one; and at the end of an
// hour all that did something in it, so that what was told of the hour is told whole.
func (s *Subjects) Barrier(sh *Shared, now Now, last bool) *Found {
	s.Begin(sh, now)
	rows := s.stir
	if s.last = last; last {
		rows = s.open
	}
	for _, row := range rows {
		s.score(int(row))
	}
	s.stir = s.stir[:0]
	s.last = false
	return &s.found
}

// CloseHour learns the open hour, which has been scored, and forgets it. The next one may
// be any later hour: those in between were empty.
func (s *Subjects) CloseHour() {
	if len(s.open) == 0 {
		return
	}
	var active [Groups]float64
	for _, row := range s.open {
		s.learn(int(row))
		active[s.heads[row].Group]++
	}
	for g, n := range active {
		if n == 0 {
			continue
		}
		for i := range s.plan.signals {
			at := g*len(s.plan.signals) + i
			if s.plan.signals[i].Model != detect.Beats { // those are counted by relation
				t := &s.delta.tails[at]
				t.Quiet(max(0, n-t.N)) // whoever was active and not scored for it was quiet in it
			}
			s.delta.moments[at].Windows += n
		}
	}
	s.open, s.notes, s.words = s.open[:0], s.notes[:0], s.words[:0]
	s.forgetBeats()
	s.forgetEntities()
}

// CloseDay adds the highest risk of each entity that was active on the day that ends.
func (s *Subjects) CloseDay() {
	s.learned = s.learned || len(s.heads) > 0
	for i := range s.heads {
		h := &s.heads[i]
		if h.Hour == 0 || s.now.Hour+1 > h.Hour+24*7 {
			continue
		}
		s.delta.members++
		if s.now.Hour+1 > h.Hour+24 {
			continue
		}
		for f := range s.delta.maxima {
			if int(h.DayTop) == f && h.DayMax > 0 {
				s.delta.maxima[f].Add(min(float64(h.DayMax), s.shared.levels[f]+beyond))
			} else {
				s.delta.maxima[f].N++
			}
		}
		s.delta.clocks[int(h.Group)*dayHours+24]++
		h.DayMax, h.DayTop = 0, 0
	}
}

// score works out what stands against a row now.
func (s *Subjects) score(row int) {
	s.row = row
	h := &s.heads[row]
	s.age6(h)
	first := len(s.found.Findings)
	cells := s.cells[row*len(s.plan.signals):][:len(s.plan.signals)]
	for touched := s.touched(h); touched != 0; touched &= touched - 1 {
		i := bits.TrailingZeros64(touched)
		if native := s.native(&cells[i], i); native > 0 {
			s.weigh(h, &cells[i], i, native)
		}
	}
	total, top := h.risk()
	if float32(total) > h.DayMax {
		h.DayMax, h.DayTop = float32(total), uint8(top)
	}
	if len(s.found.Findings) > first {
		s.found.Risks = append(s.found.Risks, s.risk(h, total, top))
	}
}

// touched returns the signals that were measured in the open hour, a bit each.
func (s *Subjects) touched(h *head) uint64 {
	if h.Opened != s.now.Hour+1 {
		return 0
	}
	return h.Touched
}

// age6 lets evidence and habits fade to now.
func (s *Subjects) age6(h *head) {
	hours := float64(s.now.Time-h.Aged) / 3.6e12
	if hours <= 0 {
		return
	}
	e, f := float32(math.Exp2(-hours/evidenceAge)), float32(math.Exp2(-hours/habitAge))
	for i := range h.Evidence {
		h.Evidence[i] *= e
		h.Habit[i] *= f
	}
	h.Aged = s.now.Time
}

// risk adds up the facets.
func (h *head) risk() (total float64, top finding.Facet) {
	for f, e := range h.Evidence {
		if e > least {
			total += float64(e)
		}
		if e > h.Evidence[top] {
			top = finding.Facet(f)
		}
	}
	return total, top
}

func (s *Subjects) risk(h *head, total float64, top finding.Facet) finding.Risk {
	r := finding.Risk{
		Entity: h.Key, Time: s.now.Time, Total: total, Top: top, Threshold: s.shared.levels[top],
		Day: s.now.Time / 86400e9,
	}
	for f, e := range h.Evidence {
		if e > least {
			r.Facets[f] = float64(e)
		}
	}
	return r
}

// native returns the surprise of a signal's model, in nats.
func (s *Subjects) native(c *cell, i int) float64 {
	g := &s.plan.signals[i]
	if c.Sum < g.Floor || c.Sum <= 0 {
		return 0
	}
	switch g.Model {
	case detect.Amount, detect.Largest:
		if c.Sum < float64(c.Level) {
			return 0
		}
		return s.hurdle(i).Surprise(c.Sum, s.part(), s.age(s.row)/4, s.shared.priors[s.at(i)])
	case detect.News:
		return max(0, s.past(i).News.Surprise(c.Sum, float64(c.Draws))+float64(s.past(i).Rare))
	case detect.Clock:
		h := &s.heads[s.row]
		return h.Clock.Surprise(s.now.Hour, float64(s.age(s.row))/24, s.shared.active(h.Group, s.now.Hour))
	}
	return c.Sum // Trials and Beats are nats already
}

// weigh turns native nats into evidence, and reports it if it is worth saying and new.
func (s *Subjects) weigh(h *head, c *cell, i int, native float64) {
	g := &s.plan.signals[i]
	tail := &s.shared.tails[s.at(i)]
	raw, damping := tail.Nats(native, g.Heavy), s.damping(g.Sort)
	f := g.detector.Facet
	if g.Model == detect.Beats {
		s.weighBeats(h, c, i)
	}
	nats := raw*damping - float64(h.Habit[f]) - learn.U1
	if nats <= 0 {
		return
	}
	h.Evidence[f] = max(h.Evidence[f], float32(nats))
	if g.Model == detect.Beats {
		return
	}
	p := s.past(i)
	told := float64(p.Told) * math.Exp2(-float64(s.now.Hour+1-p.In)/evidenceAge)
	whole := s.last && p.Told > 0 && p.In == s.now.Hour+1 && nats > told
	if nats < tell || nats < 1.3*told+1 && !whole {
		return
	}
	p.Told, p.In = float32(nats), s.now.Hour+1
	f2 := s.finding(h, c, i, weight{native, raw, damping, nats})
	s.cite(&f2, c)
	s.found.Findings = append(s.found.Findings, f2)
}

// weight is how native nats became what counts.
type weight struct{ native, raw, damping, nats float64 }

// weighBeats reports each rhythm of an entity by itself: they are different causes.
func (s *Subjects) weighBeats(h *head, c *cell, i int) {
	g := &s.plan.signals[i]
	for j := c.Notes; j > 0; j = s.notes[j-1].Next {
		n := &s.notes[j-1]
		b := &s.beats[n.Beat-1]
		raw, damping := s.shared.tails[s.at(i)].Nats(n.Amount, g.Heavy), s.damping(g.Sort)
		nats := raw*damping - learn.U1
		if nats < tellBeats || nats < 1.15*float64(b.Told)+0.3 {
			continue
		}
		b.Told = float32(nats)
		s.past(i).In = s.now.Hour + 1
		f := s.finding(h, c, i, weight{n.Amount, raw, damping, nats})
		f.ID, f.Habit = text.Mix(f.ID, b.Key), 0
		f.Observed = b.Period()
		f.Peers = []finding.Peer{{Key: n.Peer, Holders: n.Holders}}
		f.Evidence = append(f.Evidence, b.Refs[:b.Cited]...)
		f.From = b.First
		s.found.Findings = append(s.found.Findings, f)
	}
}

// damping returns how much of evidence of a sort is believed, 0 to 1.
func (s *Subjects) damping(sort finding.Sort) float64 {
	switch sort {
	case finding.ForIt:
		return min(1, float64(s.age(s.row))/entityKnown)
	case finding.Here:
		return min(1, float64(s.shared.hours)/estateKnown)
	}
	return 1
}

// finding writes down a claim with its arithmetic and evidence.
func (s *Subjects) finding(h *head, c *cell, i int, w weight) finding.Finding {
	g := &s.plan.signals[i]
	hour := int64(s.now.Hour) * 3600e9
	f := finding.Finding{
		ID:       text.Mix(text.Mix(uint64(h.Key), uint64(i)), uint64(s.now.Time)),
		Detector: g.detector.Name, Facet: g.detector.Facet, Sort: g.Sort, Techniques: g.detector.Techniques,
		Entity: h.Key, Time: s.now.Time, From: hour, To: min(hour+3600e9, max(s.now.Time, hour+1)),
		Signal: g.Name, Says: g.Says, Unit: g.Unit, Observed: c.Sum,
		Native: w.native, Raw: w.raw, Damping: w.damping, Habit: float64(h.Habit[g.detector.Facet]), Nats: w.nats,
		History: s.shared.tails[s.at(i)].N,
	}
	switch g.Model {
	case detect.Amount, detect.Largest:
		b := s.band(c, i)
		f.Expected, f.Usual = b.Middle, b.High
	case detect.News:
		b := s.band(c, i)
		if f.Expected, f.Usual = b.Middle, b.High; !b.Known {
			f.Expected, f.Usual = -1, 0
		}
	}
	return f
}

// cite adds the notes of a cell to a finding, the most telling first, each peer and label
// once.
func (s *Subjects) cite(f *finding.Finding, c *cell) {
	var notes []*note
	for i := c.Notes; i > 0; i = s.notes[i-1].Next {
		notes = append(notes, &s.notes[i-1])
	}
	slices.SortStableFunc(notes, func(a, b *note) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Ref.Position, b.Ref.Position))
	})
	for _, n := range notes {
		if !slices.Contains(f.Evidence, n.Ref) {
			f.Evidence = append(f.Evidence, n.Ref)
		}
		if n.Peer != 0 && !slices.ContainsFunc(f.Peers, func(p finding.Peer) bool { return p.Key == n.Peer }) {
			f.Peers = append(f.Peers, finding.Peer{Key: n.Peer, Holders: n.Holders})
		}
		if l := string(s.words[n.Word:][:n.Length]); l != "" && !slices.Contains(f.Labels, l) {
			f.Labels = append(f.Labels, l)
		}
	}
}

// learn takes note of the open hour of a row.
func (s *Subjects) learn(row int) {
	s.row = row
	s.diaries[row].wake(s.now.Hour)
	h := &s.heads[row]
	total, top := h.risk()
	suspicious := total > wary*s.shared.levels[top]
	var found [finding.Facets]float64
	cells := s.cells[row*len(s.plan.signals):][:len(s.plan.signals)]
	for touched := s.touched(h); touched != 0; touched &= touched - 1 {
		i := bits.TrailingZeros64(touched)
		c := &cells[i]
		g := &s.plan.signals[i]
		past := s.calibrate(c, i)
		if nats := s.shared.tails[s.at(i)].Nats(past, g.Heavy)*s.damping(g.Sort) - learn.U1; nats > found[g.detector.Facet] {
			found[g.detector.Facet] = nats
		}
		s.keep(c, i)
		s.learnCell(h, c, i, suspicious)
	}
	for f, nats := range found {
		h.Habit[f] = max(h.Habit[f], float32(habitShare*nats))
	}
}

// calibrate adds what the open hour showed to the tail that scores are held against, and
// returns the native nats that are to be got used to. What is one cause, though it shows
// hour after hour, is added once: a rhythm as far as
// it grows in its first days, and a session that goes on when it is
// over.
func (s *Subjects) calibrate(c *cell, i int) float64 {
	tail := &s.delta.tails[s.at(i)]
	native := s.native(c, i)
	switch s.plan.signals[i].Model {
	case detect.Beats:
		for j := c.Notes; j > 0; j = s.notes[j-1].Next {
			n := &s.notes[j-1]
			if b := &s.beats[n.Beat-1]; float64(b.Added) < n.Amount && s.now.Time-b.First < settles {
				tail.Replace(float64(b.Added), n.Amount)
				b.Added = float32(n.Amount)
			}
		}
		return native
	case detect.Largest:
		over := float64(c.Draws)
		if over <= 0 {
			return 0
		}
		native = s.hurdle(i).Surprise(over, s.part(), s.age(s.row)/4, s.shared.priors[s.at(i)])
	}
	tail.Add(native)
	return native
}

// learnCell takes note of the open hour of a signal, and closes it.
func (s *Subjects) learnCell(h *head, c *cell, i int, suspicious bool) {
	at := s.at(i)
	switch s.plan.signals[i].Model {
	case detect.Amount, detect.Largest:
		x := c.Sum
		if s.plan.signals[i].Model == detect.Largest {
			x = float64(c.Draws) // what goes on will be learned when it is over
		}
		if x > 0 {
			s.hurdle(i).Learn(x, s.part(), s.shared.priors[at], suspicious)
			s.delta.moments[at].Add(x)
		}
		c.Sum = 0
		s.level(c, i)
	case detect.News:
		s.past(i).News.Learn(c.Sum, float64(c.Draws))
		s.hurdle(i).Learn(float64(c.Draws), s.part(), learn.Prior{}, false)
		s.past(i).Rare = 0
		c.Sum = 0
	case detect.Clock:
		h.Clock.Learn(s.now.Hour)
		s.delta.clocks[int(h.Group)*dayHours+int(s.now.Hour%24)]++
		c.Sum = 0
	case detect.Beats:
		c.Sum = 0
	}
	c.Draws, c.Least, c.Notes, c.Many = 0, 0, 0, 0
}
