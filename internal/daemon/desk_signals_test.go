package daemon

import (
	"math"
	"slices"
	"strconv"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/entity"
	"vedette/internal/finding"
)

// signals holds what is said of an entity, hour by hour, against its findings.
func (s *site) signals(key string) {
	s.Helper()
	k, err := strconv.ParseUint(key, 16, 64)
	if err != nil {
		s.Fatal(err)
	}
	e, err := s.faces.desk.Entities.Entity(s.Context(), tenant, entity.Key(k))
	if err != nil {
		s.Fatal(err)
	}
	now := time.Unix(0, s.daemon.learner.told()).UTC()
	if len(e.Signals) < 20 || len(e.Peers) != mostAlike || e.Compared < 40 || e.Looked < e.Compared || e.Progress != (desk.Progress{Entity: 120, Estate: 120, Full: 120}) || len(e.Firsts) == 0 {
		s.Errorf("%d signals, %d peers of %d among %d, %+v, %d firsts", len(e.Signals), len(e.Peers), e.Compared, e.Looked, e.Progress, len(e.Firsts))
	}
	for _, p := range e.Peers {
		if p.Key == e.Key || p.Name == "" || !p.Own {
			s.Errorf("a peer: %+v", p)
		}
	}
	for _, f := range e.Firsts {
		if age := now.Sub(f.Time); age < 0 || age > 7*24*time.Hour || f.Peer.Name == "" || f.Signal == "" {
			s.Errorf("a first: %+v", f)
		}
	}
	for _, g := range e.Signals {
		last := g.Points[len(g.Points)-1]
		if len(g.Points) != 7*24+1 || !last.Open || !last.Time.Equal(now.Truncate(time.Hour)) || g.Points[0].Time.Add(7*24*time.Hour) != last.Time {
			s.Errorf("%s: %d points to %v, and it is %v", g.Name, len(g.Points), last.Time, now)
		}
	}
	held := 0
	for _, f := range e.Findings {
		i := slices.IndexFunc(e.Signals, func(g desk.Signal) bool { return g.Name == f.Signal && g.Detector == f.Detector })
		if i < 0 {
			s.Errorf("a finding about %q, of which there is nothing", f.Signal)
			continue
		}
		hour := time.Unix(0, f.From).UTC().Truncate(time.Hour)
		j := slices.IndexFunc(e.Signals[i].Points, func(p desk.Point) bool { return p.Time.Equal(hour) })
		if j < 0 || e.Signals[i].Reading == desk.Rhythm {
			continue // longer ago; or it began before it was said
		}
		p := e.Signals[i].Points[j]
		if !p.Finding || p.Missing || p.Observed < f.Observed || f.Facet == finding.Volume && math.Abs(p.High-f.Usual) > 1e-6*f.Usual {
			s.Errorf("%s: the finding says %v, seldom over %v; the hour %+v", f.Signal, f.Observed, f.Usual, p)
		}
		held++
	}
	if held < 4 {
		s.Errorf("only %d findings were held against hours", held)
	}
}
