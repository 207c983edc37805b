package console

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/narrate"
)

// A strip shows one signal of an entity over a week: the band of what is normal, the line
// of what was seen, and a mark for each hour that led to a finding. Along the time it is in
// percent of the width, so that it fits a phone and a desk.

const (
	stripHeight = 84.0
	stripTop    = 14.0 // above it the marks stand that would be cut off
	stripFoot   = 66.0 // the line of nothing; below it are the days
	pixels      = 1000 // of the drawing, which is stretched
)

type signalView struct {
	Name    string
	Latest  string // what was seen last, and what is usual then, in words
	Rests   string // what that rests on
	Rare    int    // hours that led to a finding,
	Told    string // and the latest of them in words
	Over    bool   // the latest is more than usual
	Band    string // the picture: a path,
	Pale    string // another, where hours without are more usual,
	Line    string // another,
	Marks   []dot  // what led to a finding,
	Days    []dot  // and where days begin
	Top     string // what the top of the picture stands for
	Label   string // the picture in words
	Hours   []hourRow
	HoursOf string
}

// dot is a place in the picture.
type dot struct{ X, Y, Text string }

// hourRow is an hour in the table.
type hourRow struct {
	When, Seen, Usual string
	Finding           bool
	Open              bool
}

// signals sorts signals: those with findings first, then those with anything in the week,
// and by themselves those that are quiet.
func signals(all []desk.Signal) (loud []signalView, quiet []string) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b desk.Signal) int {
		return cmp.Compare(min(1, findings(b)), min(1, findings(a)))
	})
	for _, g := range all {
		if findings(g) > 0 || slices.ContainsFunc(g.Points, func(p desk.Point) bool { return p.Observed > 0 }) {
			loud = append(loud, strip(g))
			continue
		}
		why := ": never"
		if g.Ever {
			why = ": nothing in the last 7 days"
		}
		quiet = append(quiet, upper(narrate.Cut(see(g.Name), 60))+why)
	}
	return loud, quiet
}

func findings(g desk.Signal) (n int) {
	for _, p := range g.Points {
		if p.Finding {
			n++
		}
	}
	return n
}

func strip(g desk.Signal) signalView {
	s := signalView{Name: upper(narrate.Cut(see(g.Name), 60)), Rare: findings(g)}
	s.say(g)
	s.draw(g)
	s.list(g)
	s.Label = s.Name + ", hour by hour from " + narrate.Moment(g.Points[0].Time.UnixNano()) + ". " + s.Latest
	if s.Rare > 0 {
		s.Label += " " + upper(count(float64(s.Rare), "hour", "hours")) + " led to a finding."
	}
	return s
}

// say puts into words what was seen last and what is usual then: of the last hour that is
// over and in which it was seen, or of the one at hand if that tells more.
func (s *signalView) say(g desk.Signal) {
	last := g.Points[len(g.Points)-1]
	if !last.Open || last.Missing || !last.Finding && last.Observed <= last.High {
		for _, p := range slices.Backward(g.Points) {
			if !p.Missing && !p.Open {
				last = p
				break
			}
		}
	}
	s.tell(g, last)
	when := within(g, last)
	switch {
	case last.Missing:
		s.Latest = "It was not seen in the last 7 days"
	case g.Reading == desk.Busy && last.Observed == 0:
		s.Latest = "Not busy " + when
	default:
		s.Latest = upper(amount(g, last.Observed)) + " " + when
	}
	if !g.Known {
		s.Latest += "; what is usual is not known yet."
		return
	}
	s.Latest += "; usually " + usual(g, last) + " at this time of day."
	s.Over = !last.Missing && last.Observed > last.High && g.Reading != desk.Busy
	s.Rests = rests(g, last)
}

// tell says what led to a finding last, unless it is said anyway.
func (s *signalView) tell(g desk.Signal, last desk.Point) {
	for _, p := range slices.Backward(g.Points) {
		if !p.Finding {
			continue
		}
		if p.Time.Equal(last.Time) {
			return
		}
		s.Told = upper(amount(g, p.Observed)) + " " + within(g, p) + " led to a finding"
		if g.Known && g.Reading != desk.Busy {
			s.Told += ", where " + usual(g, p) + " was usual"
		}
		s.Told += "."
		return
	}
}

// within names the hour of a point.
func within(g desk.Signal, p desk.Point) string {
	if p.Open {
		return "so far in the hour from " + clockOf(p.Time)
	}
	return "in the hour before " + clockOf(p.Time.Add(g.Window))
}

// rests says what a band rests on.
func rests(g desk.Signal, p desk.Point) string {
	own := math.Round(p.Own)
	switch {
	case g.Reading == desk.Run || g.Reading == desk.Rhythm:
		return "By chance, one hour in forty comes above. That needs no history."
	case g.Reading == desk.Busy:
		return "From " + count(own, "day", "days") + " on which it was busy at this hour, and from what its peers do."
	case own < 1:
		return "From what its peers do: it showed nothing yet at this time of day."
	case g.Reading == desk.News:
		return "From " + count(own, "hour", "hours") + " of its own at this time of day."
	}
	return "From " + count(own, "hour", "hours") + " of its own at this time of day, and as if from 6 of its peers."
}

// clockOf writes the full hour, with its day.
func clockOf(t time.Time) string {
	return t.UTC().Format("15:04") + " UTC on " + t.UTC().Format("2 January")
}

// amount writes what was seen of a signal.
func amount(g desk.Signal, x float64) string {
	switch {
	case x == 0:
		return "nothing"
	case g.Reading == desk.Busy:
		return "busy"
	}
	if g.Unit == "nats" {
		return narrate.Nats(x)
	}
	if g.Unit == "" && g.Reading == desk.News {
		return narrate.Number(x) + " new"
	}
	return narrate.Quantity(x, g.Unit)
}

// usual writes the band of an hour.
func usual(g desk.Signal, p desk.Point) string {
	whole := func(f func(float64) float64, x float64) string {
		if g.Unit == "" {
			x = f(x)
		}
		return narrate.Quantity(x, g.Unit)
	}
	top := whole(math.Ceil, p.High)
	switch {
	case g.Reading == desk.Busy:
		return "busy on " + narrate.Percent(p.Often) + " of days"
	case g.Unit == "nats":
		return "below " + narrate.Nats(p.High)
	case g.Reading == desk.News && p.High < 0.05:
		return "none"
	case p.Low > 0:
		return whole(math.Floor, p.Low) + " to " + top
	case g.Reading == desk.News || p.Often >= 0.5:
		return "up to " + top
	case p.Often >= 0.01:
		return "nothing (up to " + top + " in " + narrate.Percent(p.Often) + " of hours)"
	}
	return "nothing (up to " + top + " if anything)"
}

// draw draws the strip.
func (s *signalView) draw(g desk.Signal) {
	n, top, bend := float64(len(g.Points)), 0.0, 0.0
	for _, p := range g.Points {
		if x := max(p.Observed, p.High); !math.IsInf(x, 0) && !math.IsNaN(x) {
			top = max(top, x)
		}
		bend = max(bend, min(p.High, 1e300))
	}
	if top < 1e-12 {
		return
	}
	bend = max(bend/20, top/1e6) // below it amounts are in proportion, above it by their logarithm
	y := func(x float64) string {
		x = max(0, min(x, top))
		if math.IsNaN(x) {
			x = 0
		}
		return short(stripFoot - (stripFoot-stripTop)*math.Log1p(x/bend)/math.Log1p(top/bend))
	}
	at := func(i float64) string { return short(pixels * i / n) }
	var line strings.Builder
	pen := false
	if g.Known {
		s.Band, s.Pale = bands(g, at, y)
	}
	for i, p := range g.Points {
		x := float64(i)
		if p.Missing {
			pen = false
		} else {
			if line.WriteString(map[bool]string{true: "L", false: "M"}[pen] + at(x+0.5) + " " + y(p.Observed)); !pen {
				line.WriteString("h0.01") // an hour by itself is a point
			}
			pen = true
		}
		if p.Finding {
			s.Marks = append(s.Marks, dot{percent(100 * (x + 0.5) / n), y(p.Observed), clockOf(p.Time) + ": " + amount(g, p.Observed)})
		}
		if p.Time.UTC().Hour() == 0 {
			d := dot{X: percent(100 * x / n)}
			if n-x >= 18 { // the name of the day has room
				d.Text = p.Time.UTC().Format("Mon 2")
			}
			s.Days = append(s.Days, d)
		}
	}
	s.Line = line.String()
	if g.Unit == "" {
		top = math.Ceil(top)
	}
	if s.Top = narrate.Quantity(top, g.Unit); g.Reading == desk.Busy {
		s.Top = "busy"
	}
}

// bands draws the band, and apart from it where hours with anything are seldom. Of a busy
// hour it shows on which share of days it is one.
func bands(g desk.Signal, at, y func(float64) string) (often, seldom string) {
	var paths [2]strings.Builder
	edge := func(p desk.Point) (low, high float64, pale int) {
		if g.Reading == desk.Busy {
			return 0, p.Often, 0
		}
		if p.Often < 0.5 {
			pale = 1
		}
		return p.Low, p.High, pale
	}
	for i := 0; i < len(g.Points); {
		low, high, pale := edge(g.Points[i])
		end := i + 1
		for ; end < len(g.Points); end++ {
			if l, h, p := edge(g.Points[end]); l != low || h != high || p != pale {
				break
			}
		}
		if high > 0 {
			paths[pale].WriteString("M" + at(float64(i)) + " " + y(low) + "V" + y(high) + "H" + at(float64(end)) + "V" + y(low) + "z")
		}
		i = end
	}
	return paths[0].String(), paths[1].String()
}

func short(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// list says the same as the picture, for those who cannot see it.
func (s *signalView) list(g desk.Signal) {
	for _, p := range slices.Backward(g.Points) {
		if p.Observed > 0 || p.Finding {
			r := hourRow{When: p.Time.UTC().Format("Mon 2 Jan 15:04"), Seen: amount(g, p.Observed), Finding: p.Finding, Open: p.Open}
			if r.Usual = "not known"; g.Known {
				r.Usual = usual(g, p)
			}
			s.Hours = append(s.Hours, r)
		}
	}
	s.HoursOf = count(float64(len(s.Hours)), "hour", "hours")
}
