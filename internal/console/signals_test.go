package console

import (
	"math"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/desk"
)

// week returns a signal of which the same was seen every hour, after change.
func week(g desk.Signal, p desk.Point, change func(i int, p *desk.Point)) desk.Signal {
	g.Name, g.Window, g.Known, g.Ever = "bytes sent outside", time.Hour, true, true
	for i := range 7*24 + 1 {
		q := p
		q.Time, q.Open = time.Date(2026, 3, 17, 14, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Hour), i == 7*24
		if change != nil {
			change(i, &q)
		}
		g.Points = append(g.Points, q)
	}
	return g
}

func TestSignalsInWords(t *testing.T) {
	sum := desk.Signal{Unit: "bytes", Reading: desk.Sum}
	usual := desk.Point{Observed: 12e6, Low: 1e6, High: 40e6, Often: 1, Own: 12}
	for _, c := range []struct {
		name             string
		g                desk.Signal
		latest, told, on string
		over             bool
	}{
		{name: "usual", g: week(sum, usual, nil), latest: "12 MB in the hour before 14:00 UTC on 24 March; usually 1 MB to 40 MB at this time of day.", on: "From 12 hours of its own at this time of day, and as if from 6 of its peers."},
		{name: "too much an hour ago", g: week(sum, usual, func(i int, p *desk.Point) {
			if i == 7*24-1 {
				p.Observed = 2e9
			}
		}), latest: "2 GB in the hour before 14:00 UTC on 24 March; usually 1 MB to 40 MB at this time of day.", over: true},
		{name: "too much now", g: week(sum, usual, func(i int, p *desk.Point) {
			if p.Open {
				p.Observed, p.Finding = 2e9, true
			}
		}), latest: "2 GB so far in the hour from 14:00 UTC on 24 March; usually 1 MB to 40 MB at this time of day.", over: true},
		{name: "a finding of the past", g: week(sum, usual, func(i int, p *desk.Point) {
			if i == 20 {
				p.Observed, p.Finding, p.High, p.Low = 2e9, true, 1e6, 0
			}
		}), latest: "12 MB in the hour before 14:00", told: "2 GB in the hour before 11:00 UTC on 18 March led to a finding, where up to 1 MB was usual."},
		{name: "asleep since", g: week(sum, usual, func(i int, p *desk.Point) { p.Missing = i > 100 }), latest: "12 MB in the hour before 19:00 UTC on 21 March; usually"},
		{name: "never there", g: week(sum, desk.Point{Missing: true, High: 3e6, Often: 0.2}, nil), latest: "It was not seen in the last 7 days; usually nothing (up to 3 MB in 20 % of hours) at this time of day.", on: "From what its peers do"},
		{name: "not known", g: func() desk.Signal { g := week(sum, usual, nil); g.Known = false; return g }(), latest: "12 MB in the hour before 14:00 UTC on 24 March; what is usual is not known yet."},
		{name: "hardly ever", g: week(sum, desk.Point{High: 3e6, Often: 0.001}, nil), latest: "Nothing in the hour before 14:00 UTC on 24 March; usually nothing (up to 3 MB if anything) at this time of day."},
		{name: "a count", g: week(desk.Signal{Reading: desk.Sum}, desk.Point{Observed: 7, Low: 1.7, High: 22.6, Often: 1, Own: 1}, nil), latest: "7 in the hour before 14:00 UTC on 24 March; usually 1 to 23 at", on: "From 1 hour of its own"},
		{name: "new", g: week(desk.Signal{Reading: desk.News}, desk.Point{Observed: 2, High: 0.6, Often: 1, Own: 9}, nil), latest: "2 new so far in the hour from 14:00 UTC on 24 March; usually up to 1 at", on: "From 9 hours of its own at this time of day.", over: true},
		{name: "none new", g: week(desk.Signal{Reading: desk.News}, desk.Point{Observed: 1, Often: 1}, nil), latest: "; usually none at", over: true},
		{name: "a run", g: week(desk.Signal{Reading: desk.Run, Unit: "nats"}, desk.Point{Observed: 5, High: 3.69, Often: 1}, nil), latest: "5.0 nats so far in the hour from 14:00 UTC on 24 March; usually below 3.7 nats at", on: "That needs no history.", over: true},
		{name: "busy", g: week(desk.Signal{Reading: desk.Busy}, desk.Point{Observed: 1, High: 1, Often: 0.77, Own: 7}, nil), latest: "Busy in the hour before 14:00 UTC on 24 March; usually busy on 77 % of days at", on: "From 7 days on which"},
		{name: "odd hour", g: week(desk.Signal{Reading: desk.Busy}, desk.Point{Observed: 1, Often: 0.01}, nil), latest: "Busy so far in the hour from 14:00 UTC on 24 March; usually busy on 1 % of days at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := strip(c.g)
			if !strings.HasPrefix(s.Latest, c.latest) && !strings.Contains(s.Latest, c.latest) || s.Told != c.told || !strings.Contains(s.Rests, c.on) || s.Over != c.over {
				t.Errorf("it says\n%s\n%s\n%s (over: %v)", s.Latest, s.Told, s.Rests, s.Over)
			}
			if strings.ContainsAny(s.Band+s.Pale+s.Line, "NIe") {
				t.Errorf("a picture with a number that is none: %s", s.Line)
			}
		})
	}
}

func TestStrip(t *testing.T) {
	s := strip(week(desk.Signal{Unit: "bytes", Reading: desk.Sum}, desk.Point{Observed: 5e6, High: 40e6, Often: 0.9}, func(i int, p *desk.Point) {
		p.Missing = i == 3 || i == 5
		if i > 100 {
			p.Often = 0.1
		}
		if i == 50 {
			p.Observed, p.Finding = 1e9, true
		}
	}))
	if n := strings.Count(s.Line, "M"); n != 3 {
		t.Errorf("the line has %d parts, though it was away twice", n)
	}
	if strings.Count(s.Band, "z") != 1 || strings.Count(s.Pale, "z") != 1 {
		t.Errorf("bands %q and %q", s.Band, s.Pale)
	}
	if len(s.Marks) != 1 || s.Marks[0].Y != "14" || len(s.Days) != 7 || len(s.Hours) != 7*24+1 || !s.Hours[0].Open || s.Top != "1 GB" {
		t.Errorf("%d marks, %d days, %d hours, top %s", len(s.Marks), len(s.Days), len(s.Hours), s.Top)
	}
	for _, x := range []float64{math.Inf(1), math.NaN(), -1, 1e308, 5e-324} { // what no model gives is drawn as something
		s := strip(week(desk.Signal{Reading: desk.Sum}, desk.Point{Observed: x, High: x, Low: -x, Often: x}, nil))
		if strings.ContainsAny(s.Line+s.Band+s.Pale, "NIe") {
			t.Errorf("%v is drawn as %.60s", x, s.Line+s.Band+s.Pale)
		}
	}
}

func TestSignalsSorted(t *testing.T) {
	calm := week(desk.Signal{Reading: desk.Sum}, desk.Point{Observed: 1}, nil)
	quiet := week(desk.Signal{Reading: desk.Sum}, desk.Point{}, nil)
	never := quiet
	calm.Name, quiet.Name, never.Name, never.Ever = "calm", "quiet", "never", false
	loud := week(desk.Signal{Reading: desk.Sum}, desk.Point{}, func(i int, p *desk.Point) { p.Finding = i == 9 })
	loud.Name = "loud"
	drawn, still := signals([]desk.Signal{calm, quiet, never, loud})
	if len(drawn) != 2 || drawn[0].Name != "Loud" || drawn[1].Name != "Calm" {
		t.Errorf("%d are drawn", len(drawn))
	}
	if strings.Join(still, ", ") != "Quiet: nothing in the last 7 days, Never: never" {
		t.Errorf("still: %v", still)
	}
}
