package console

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/entity"
	"vedette/internal/narrate"
)

const (
	mostFindings = 30
	mostPeers    = 12
)

type entityView struct {
	desk.Entity
	Title    string
	Says     string
	Learning string   // width
	Progress []string // how far learning has come, in sentences
	Signals  []signalView
	Quiet    []string // signals with nothing to draw
	QuietOf  string
	News     []newsView
	Young    string // why all of them are new
	Group    string // whom it is compared with, in a sentence
	Findings []findingRow
	Left     int // findings that are not shown
	Cases    []rowView
}

// newsView is what is new of one kind.
type newsView struct {
	Name  string
	Count string // how many there were in the week; empty if that is not known
	Rows  []newRow
	Left  int // that are not named
}

type newRow struct {
	Peer  desk.EntityRow
	Label string
	Time  time.Time
}

type findingRow struct {
	When, Nats, Facet, What string
	At                      int64
}

func showEntity(v *visit) error {
	id, err := readID(v.PathValue("key"))
	if err != nil {
		return err
	}
	e, err := v.c.Entities.Entity(v.Context(), v.who.Tenant(), entity.Key(id))
	if err != nil {
		return err
	}
	s := entityView{Entity: e, Title: narrate.Cut(see(e.Name), 80), Learning: percent(100 * max(0, min(1, e.Learned)))}
	if s.Title == "" {
		s.Title = "unnamed " + narrate.ID(id)
	}
	s.Entity.Peers = e.Peers[:min(mostPeers, len(e.Peers))]
	s.describe()
	s.learning(v.c.Now())
	s.Signals, s.Quiet = signals(e.Signals)
	s.QuietOf = count(float64(len(s.Quiet)), "signal", "signals") + " with nothing in the last 7 days"
	s.news()
	for _, f := range e.Findings[:min(mostFindings, len(e.Findings))] {
		s.Findings = append(s.Findings, findingRow{narrate.Span(f.From, f.To), strconv.FormatFloat(f.Nats, 'f', 1, 64), upper(f.Facet.String()), upper(narrate.Predicate(f, e.Names)) + ".", f.From})
	}
	s.Left = len(e.Findings) - len(s.Findings)
	for _, r := range e.Incidents {
		s.Cases = append(s.Cases, rowOf(r))
	}
	return v.show(http.StatusOK, "entity", s.Title, s)
}

// describe says in a sentence who it is.
func (s *entityView) describe() {
	what := "a " + s.Kind.String()
	if strings.ContainsAny(what[2:3], "aeu") {
		what = "an " + s.Kind.String()
	}
	if s.Kind == entity.External {
		what = "a place outside"
	} else if s.Own {
		what += " of ours"
	}
	s.Says = upper(what)
	if !s.First.IsZero() {
		s.Says += ", known since " + s.First.UTC().Format("2 January 2006")
	}
	s.Says += "."
	who := "all machines of ours"
	if s.Entity.Group != "" {
		who = narrate.Cut(see(s.Entity.Group), 60)
	}
	if s.Compared > 1 {
		s.Group = "It is compared with " + who + ": " + narrate.Number(float64(s.Compared)) + " that were active in the last 7 days, itself among them."
	} else if s.Own {
		s.Group = "There is nobody yet to compare it with: what its peers do is learned once a day."
	}
}

// learning says how far learning has come, and until when what is damped.
func (s *entityView) learning(now time.Time) {
	p := s.Entity.Progress
	if p.Full == 0 {
		return
	}
	until := func(hours int) string {
		left := p.Full - hours
		text := ", until " + count(float64(left), "more hour", "more hours") + " of telemetry " + plural(float64(left), "is", "are") + " learned"
		if told := s.told(); now.Sub(told) < 3*time.Hour { // else it is not known when they will be
			text += ": at the earliest on " + told.Add(time.Duration(left)*time.Hour).UTC().Format("2 January at 15:00 UTC")
		}
		return text + "."
	}
	share := func(hours int) string { return narrate.Percent(float64(hours) / float64(p.Full)) }
	if p.Entity < p.Full {
		s.Progress = append(s.Progress, upper(count(float64(p.Entity), "hour", "hours"))+" of what is normal for it "+plural(float64(p.Entity), "is", "are")+" learned. What is unusual for it counts "+share(p.Entity)+until(p.Entity))
	} else {
		s.Progress = append(s.Progress, "What is normal for it is learned: nothing about it is damped.")
	}
	if p.Estate < p.Full {
		s.Progress = append(s.Progress, "Of all that is ours, "+count(float64(p.Estate), "hour is", "hours are")+" learned. What is unusual here counts "+share(p.Estate)+until(p.Estate))
	}
}

// told returns the hour up to which telemetry was learned.
func (s *entityView) told() time.Time {
	for _, g := range s.Entity.Signals {
		if n := len(g.Points); n > 0 {
			return g.Points[n-1].Time
		}
	}
	return s.Last
}

// news sorts what is new by kind.
func (s *entityView) news() {
	const week = 7 * 24 * time.Hour
	if len(s.Firsts) > 0 && s.told().Sub(s.First) < week {
		s.Young = "It was first seen on " + s.First.UTC().Format("2 January 2006") + ", so all that it does is new."
	}
	for _, f := range s.Firsts {
		i := slices.IndexFunc(s.News, func(n newsView) bool { return n.Name == upper(see(f.Signal)) })
		if i < 0 {
			i = len(s.News)
			s.News = append(s.News, newsView{Name: upper(see(f.Signal))})
		}
		s.News[i].Rows = append(s.News[i].Rows, newRow{f.Peer, narrate.Cut(see(f.Label), 48), f.Time})
	}
	for i := range s.News {
		n := &s.News[i]
		for _, g := range s.Entity.Signals {
			if g.Reading != desk.News || upper(see(g.Name)) != n.Name {
				continue
			}
			sum := 0.0
			for _, p := range g.Points {
				sum += p.Observed
			}
			n.Count = narrate.Number(math.Round(sum)) + " in 7 days"
			n.Left = max(0, int(math.Round(min(sum, 1e9)))-len(n.Rows))
		}
	}
}
