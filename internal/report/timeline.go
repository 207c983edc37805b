package report

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// The picture of an incident: entities as rows, findings as marks, time to the right.
// What lies along the time axis is in percent of the width, so that the picture fits a
// phone and a desk without its letters shrinking.

const (
	pictureRows  = 8
	pictureMarks = 120
	laneHeight   = 22
	mostLanes    = 4
	picturePeers = 3
	axisHeight   = 42
	mostTicks    = 5
)

type picture struct {
	Label  string // what it shows, for those who cannot see it
	Height int
	Base   int // y of the axis
	Rows   []pictureRow
	Marks  []pictureMark
	Ticks  []pictureTick
	Peers  bool   // some marks are of those who took part
	Left   string // what was left out
}

type pictureRow struct {
	Name  string
	TextY int
	Lines []int // y of its lanes
}

type pictureMark struct {
	X1, X2 string // percent
	Y      int
	Title  string
	Peer   bool   // takes part in somebody else's finding
	Number string // of the sentence; empty where there is no room
	Mid    string
	NumY   int
}

type pictureTick struct {
	X, Anchor   string
	Label, Date string
	Y1, Y2      int
}

// picture draws the incident. Number gives the sentence of each finding.
func (r Report) picture(i incident.Incident, number map[uint64]int) picture {
	from, to := narrate.Extent(i)
	pad := max((to-from)/30, int64(time.Second))
	s := scale{from - pad, to + pad}
	rows, left := pictureEntities(i)
	findings := slices.Clone(i.Findings)
	slices.SortStableFunc(findings, func(a, b finding.Finding) int { return cmp.Compare(b.Nats, a.Nats) })
	findings = findings[:min(pictureMarks, len(findings))]
	slices.SortStableFunc(findings, func(a, b finding.Finding) int { return cmp.Compare(a.From, b.From) })
	var p picture
	for _, k := range rows {
		p.row(k, narrate.Name(r.Names, k), findings, number, s)
	}
	p.Height = p.Base + axisHeight
	p.Ticks = s.ticks(p.Base)
	p.Label = "Timeline: " + count(int64(len(findings)), "finding", "findings") + " about " +
		count(int64(len(rows)), "entity", "entities") + ", " + narrate.Span(from, to) + ". The sentences below say the same."
	if left > 0 {
		p.Left = count(int64(left), "entity is", "entities are") + " not in the picture. "
	}
	if len(findings) < len(i.Findings) {
		p.Left += "Of " + narrate.Number(float64(len(i.Findings))) + " findings, the " + strconv.Itoa(len(findings)) + " strongest are in the picture."
	}
	return p
}

// pictureEntities returns those of whom the strongest findings are, in order of time,
// and then those of the incident's other entities who took part in them, and a few of
// the rest who did.
func pictureEntities(i incident.Incident) (rows []entity.Key, left int) {
	signals := narrate.Signals(i)
	strong := slices.Clone(signals)
	slices.SortStableFunc(strong, func(a, b narrate.Repeated) int { return cmp.Compare(b.Best.Nats, a.Best.Nats) })
	seen := map[entity.Key]bool{}
	add := func(k entity.Key) {
		if seen[k] {
			return
		} else if seen[k] = true; len(rows) < pictureRows {
			rows = append(rows, k)
		} else {
			left++
		}
	}
	for _, s := range strong {
		add(s.Best.Entity)
	}
	first := func(k entity.Key) int {
		return slices.IndexFunc(signals, func(s narrate.Repeated) bool { return s.Best.Entity == k })
	}
	slices.SortStableFunc(rows, func(a, b entity.Key) int { return cmp.Compare(first(a), first(b)) })
	outside := 0
	for _, s := range strong {
		for _, p := range s.Best.Peers {
			if slices.Contains(i.Entities, p.Key) {
				add(p.Key)
			} else if !seen[p.Key] && outside < picturePeers && len(rows) < pictureRows {
				outside++
				add(p.Key)
			}
		}
	}
	return rows, left
}

// row draws one entity below those drawn before.
func (p *picture) row(k entity.Key, name string, findings []finding.Finding, number map[uint64]int, s scale) {
	top := p.Base
	var lanes lanes
	for _, f := range findings {
		peer := slices.ContainsFunc(f.Peers, func(p finding.Peer) bool { return p.Key == k })
		if f.Entity != k && !peer {
			continue
		}
		a, b := s.at(f.From), s.at(max(f.From, f.To))
		n := number[f.ID]
		lane, room := lanes.put(a, b, n)
		m := pictureMark{X1: percent(a), X2: percent(b + 0.01), Y: top + 34 + lane*laneHeight, Peer: f.Entity != k, NumY: top + 38 + lane*laneHeight}
		m.Title = narrate.Nats(f.Nats) + ": " + f.Facet.String() + ", " + narrate.Span(f.From, f.To)
		if n > 0 {
			m.Title = "Sentence " + strconv.Itoa(n) + ". " + m.Title
			if room {
				m.Number, m.Mid = strconv.Itoa(n), percent((a+b)/2)
			}
		}
		p.Marks, p.Peers = append(p.Marks, m), p.Peers || m.Peer
	}
	row := pictureRow{Name: name, TextY: top + 16}
	for i := range max(1, len(lanes)) {
		row.Lines = append(row.Lines, top+34+i*laneHeight)
	}
	p.Rows = append(p.Rows, row)
	p.Base = row.Lines[len(row.Lines)-1] + laneHeight/2 + 4
}

// lanes keeps marks of one entity apart where they overlap.
type lanes []lane

type lane struct {
	end, mid float64 // of the last mark
	number   int     // its sentence
}

// put returns the lane of a mark from a to b, and whether there is room for its number.
func (l *lanes) put(a, b float64, number int) (at int, room bool) {
	const gap = 3.5 // percent: about as wide as a mark's round ends
	at = -1
	for i, x := range *l {
		if at < 0 && (x.number == number || x.end+gap <= a) {
			at = i
		}
	}
	switch {
	case at >= 0:
	case len(*l) < mostLanes:
		at = len(*l)
		*l = append(*l, lane{end: -100, mid: -100})
	default:
		for i, x := range *l {
			if at < 0 || x.end < (*l)[at].end {
				at = i
			}
		}
	}
	x := &(*l)[at]
	mid := (a + b) / 2
	if room = mid-x.mid >= gap && (a >= x.end || x.number == number); room {
		x.mid = mid
	}
	x.end, x.number = max(x.end, b), number
	return at, room
}

// scale places times between 0 and 100.
type scale struct{ from, to int64 }

func (s scale) at(t int64) float64 { return 100 * float64(t-s.from) / float64(s.to-s.from) }

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// ticks returns at most five round times.
func (s scale) ticks(base int) (all []pictureTick) {
	const minute, hour, day = 60, 3600, 86400
	steps := [...]int64{
		1, 2, 5, 10, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
		hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 365 * day,
	}
	step := steps[len(steps)-1]
	for _, st := range steps {
		if (s.to-s.from)/(st*int64(time.Second)) < mostTicks {
			step = st
			break
		}
	}
	layout := "15:04"
	if step < minute {
		layout = "15:04:05"
	}
	last := ""
	step *= int64(time.Second)
	for t := s.from - s.from%step + step; t < s.to && len(all) < 2*mostTicks; t += step {
		u := time.Unix(0, t).UTC()
		k := pictureTick{X: percent(s.at(t)), Anchor: "middle", Label: u.Format(layout), Y1: base + 18, Y2: base + 34}
		if date := u.Format("2 Jan"); step >= day*int64(time.Second) {
			k.Label = date
		} else if date != last {
			k.Date, last = date, date
		}
		if x := s.at(t); x < 7 {
			k.Anchor = "start"
		} else if x > 93 {
			k.Anchor = "end"
		}
		all = append(all, k)
	}
	return all
}
