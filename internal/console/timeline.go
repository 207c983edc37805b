package console

import (
	"slices"
	"strconv"
	"time"

	"vedette/internal/entity"
	"vedette/internal/narrate"
)

// The picture of an incident: a row for each sentence, below the entity it is about, time
// to the right. What lies along the time is in percent of the width, so that the picture
// fits a phone and a desk.

const (
	mostRows  = 24
	mostMarks = 60 // of a row
	mostTicks = 5
)

type timeline struct {
	Rows  []lane
	Ticks []tick
	Left  int // sentences that are not in the picture
	Label string
}

// lane is a row. The first of an entity says how many are its.
type lane struct {
	Name   string
	Span   int
	Number int
	Marks  []mark
	Title  string
}

type mark struct{ X1, X2, Title string }

type tick struct{ X, Anchor, Label string }

func draw(groups []narrate.Repeated, n narrate.Names) (t timeline) {
	if len(groups) == 0 {
		return t
	}
	from, to := groups[0].From, groups[0].To
	for _, g := range groups {
		from, to = min(from, g.From), max(to, g.To)
	}
	pad := max((to-from)/40, int64(time.Second))
	x := axis{from - pad, to + pad}
	var order []entity.Key
	rows := map[entity.Key][]lane{}
	for i, g := range groups {
		if i == mostRows {
			t.Left = len(groups) - i
			break
		}
		k := g.Best.Entity
		if !slices.Contains(order, k) {
			order = append(order, k)
		}
		l := lane{Number: i + 1, Title: see(g.Best.Signal)}
		for _, f := range g.All[:min(mostMarks, len(g.All))] {
			l.Marks = append(l.Marks, mark{percent(x.at(f.From)), percent(x.at(f.To)), l.Title + ", " + narrate.Span(f.From, f.To)})
		}
		rows[k] = append(rows[k], l)
	}
	for _, k := range order {
		rows[k][0].Name, rows[k][0].Span = narrate.Name(n, k), len(rows[k])
		t.Rows = append(t.Rows, rows[k]...)
	}
	t.Ticks = x.ticks()
	t.Label = "When it happened, " + narrate.Span(from, to)
	return t
}

// axis places times between 0 and 100.
type axis struct{ from, to int64 }

func (a axis) at(t int64) float64 { return 100 * float64(t-a.from) / float64(a.to-a.from) }

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// ticks returns a few round times.
func (a axis) ticks() (all []tick) {
	step := roundStep(time.Duration(a.to-a.from) / mostTicks)
	layout := "15:04"
	switch {
	case step < time.Minute:
		layout = "15:04:05"
	case step >= 24*time.Hour:
		layout = "2 Jan"
	}
	day := ""
	for t := time.Unix(0, a.from).UTC().Truncate(step).Add(step); t.UnixNano() < a.to; t = t.Add(step) {
		k := tick{percent(a.at(t.UnixNano())), "middle", t.Format(layout)}
		if d := t.Format("2 Jan"); d != day && layout != "2 Jan" {
			k.Label, day = d+" "+k.Label, d
		}
		if x := a.at(t.UnixNano()); x < 8 {
			k.Anchor = "start"
		} else if x > 92 {
			k.Anchor = "end"
		}
		all = append(all, k)
	}
	return all
}

// roundStep returns the first length of time that people count in and that is not shorter.
func roundStep(least time.Duration) time.Duration {
	const day = 24 * time.Hour
	for _, s := range [...]time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day,
	} {
		if s >= least {
			return s
		}
	}
	return 365 * day
}
