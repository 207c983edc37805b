package console

import (
	"math"
	"net/http"
	"strconv"
	"strings"

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
	Title     string
	Says      string
	Learning  string // width
	Signals   []signalView
	Findings  []findingRow
	Left      int // findings that are not shown
	Cases     []rowView
	PeersLeft int
}

type findingRow struct {
	When, Nats, Facet, What string
	At                      int64
}

// signalView is a strip: the band of what is normal, and the line of what was seen.
type signalView struct {
	Name, Window string
	Seen, Normal string
	Band, Line   string // of the picture: a polygon and a path
	Marks        []dot
	Label        string
	Known        bool
	Rare         int
}

type dot struct{ X, Y string }

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
	s.PeersLeft = max(0, len(e.Peers)-mostPeers)
	s.Entity.Peers = e.Peers[:min(mostPeers, len(e.Peers))]
	s.describe()
	for _, g := range e.Signals {
		s.Signals = append(s.Signals, strip(g))
	}
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
	if s.Group != "" {
		s.Says += ", compared with " + narrate.Cut(see(s.Group), 60)
	}
	s.Says += "."
}

// strip draws a signal in a box of 480 by 64.
func strip(g desk.Signal) signalView {
	const width, height, pad = 480.0, 64.0, 4.0
	s := signalView{Name: upper(see(g.Name)), Window: narrate.Duration(g.Window.Seconds()), Known: g.Known, Seen: "nothing yet", Normal: "not known yet"}
	top := 0.0
	for _, p := range g.Points {
		top = max(top, p.Observed, p.High)
	}
	if len(g.Points) == 0 || top <= 0 || math.IsInf(top, 0) || math.IsNaN(top) {
		return s
	}
	x := func(i int) string {
		return strconv.FormatFloat(width*(float64(i)+0.5)/float64(len(g.Points)), 'f', 1, 64)
	}
	y := func(n float64) string {
		return strconv.FormatFloat(height-pad-(height-2*pad)*math.Sqrt(max(0, n)/top), 'f', 1, 64)
	}
	var up, down, line []string
	pen := "M"
	for i, p := range g.Points {
		up = append(up, x(i)+","+y(p.High))
		down = append([]string{x(i) + "," + y(p.Low)}, down...)
		if p.Missing {
			pen = "M"
			continue
		}
		line, pen = append(line, pen+x(i)+" "+y(p.Observed)), "L"
		if p.Finding {
			s.Marks, s.Rare = append(s.Marks, dot{x(i), y(p.Observed)}), s.Rare+1
		}
	}
	s.Line = strings.Join(line, "")
	last := g.Points[len(g.Points)-1]
	s.Seen = narrate.Quantity(last.Observed, g.Unit)
	if last.Missing {
		s.Seen = "nothing"
	}
	if g.Known {
		s.Band = strings.Join(append(up, down...), " ")
		s.Normal = narrate.Quantity(last.Low, g.Unit) + " to " + narrate.Quantity(last.High, g.Unit)
	}
	s.Label = s.Name + ", last " + strconv.Itoa(len(g.Points)) + " windows of " + s.Window + ": " + s.Seen + " in the last; normally " + s.Normal + "; " + count(float64(s.Rare), "finding", "findings")
	return s
}
