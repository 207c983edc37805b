package daemon

import (
	"slices"
	"strconv"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/baseline"
	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/finding"
)

// mostAlike is how many entities are shown that are like another.
const mostAlike = 8

// recollection is what the learner remembers of an entity.
type recollection struct {
	baseline.Recent
	alike  []baseline.Alike
	looked int
	called map[entity.Key]known // those that it speaks of
}

// remember returns what is remembered of an entity, and false if it is not learned. The
// lock is held for a few milliseconds, whatever the size of the estate.
func (l *learner) remember(k entity.Key) (m recollection, ok bool) {
	l.lock.RLock()
	defer l.lock.RUnlock()
	if m.Recent, ok = l.machine.Recent(k); !ok {
		return m, false
	}
	m.alike, m.looked = l.machine.Alike(k, mostAlike)
	m.called = map[entity.Key]known{}
	name := func(k entity.Key) {
		if seen, there := l.resolver.Directory.Seen(k); there {
			m.called[k] = l.describe(k, seen)
		}
	}
	for _, a := range m.alike {
		name(a.Key)
	}
	for _, f := range m.Firsts {
		name(f.Peer)
	}
	return m, true
}

// fill adds to an entity, whose findings are there, what is remembered of it.
func (l *learner) fill(e *desk.Entity) {
	m, ok := l.remember(e.Key)
	if !ok {
		return
	}
	e.Compared, e.Looked = m.Members, m.looked
	e.Progress = desk.Progress{Entity: int(min(m.Age, m.Full)), Estate: int(min(m.Estate, m.Full)), Full: int(m.Full)}
	for _, a := range m.alike {
		e.Peers = append(e.Peers, rowOfEntity(a.Key, m.called[a.Key]))
	}
	for _, f := range m.Firsts {
		e.Firsts = append(e.Firsts, desk.First{Signal: f.Signal, Peer: rowOfEntity(f.Peer, m.called[f.Peer]), Label: labelOf(f), Time: hourOf(f.Hour)})
	}
	for i := range m.Signals {
		e.Signals = append(e.Signals, signalOf(&m.Recent, &m.Signals[i], e.Findings))
	}
}

func hourOf(h uint32) time.Time { return time.Unix(int64(h)*3600, 0).UTC() }

// labelOf writes a label as findings do: "tcp/445". One that was cut says so.
func labelOf(f baseline.First) string {
	s := f.Label
	if f.Cut {
		s += "…"
	}
	if f.Port != 0 {
		s += "/" + strconv.Itoa(int(f.Port))
	}
	return s
}

// signalOf returns a signal hour by hour; the open hour is the last.
func signalOf(r *baseline.Recent, g *baseline.Signal, found []finding.Finding) desk.Signal {
	s := desk.Signal{
		Name: g.Name, Unit: g.Unit, Detector: g.Detector, Facet: g.Facet, Reading: readingOf(g.Model), Window: time.Hour,
		Known: true, Ever: g.Ever, Points: make([]desk.Point, 0, baseline.Week+1),
	}
	add := func(hour uint32, seen float64, told, active bool) {
		b := &g.Bands[hour%24]
		s.Known = s.Known && b.Known
		s.Points = append(s.Points, desk.Point{
			Time: hourOf(hour), Observed: seen, Low: b.Low, High: b.High, Often: b.Often, Own: b.Own, Finding: told, Missing: !active, Open: hour == r.Hour,
		})
	}
	for i := range g.Seen {
		add(r.Hour-baseline.Week+uint32(i), g.Seen[i], g.Told[i], r.Active[i])
	}
	add(r.Hour, g.Open, g.OpenTold, r.Now)
	if g.Model == detect.Beats {
		return s // its findings speak of the interval, which is another number
	}
	for i := range s.Points {
		if p := &s.Points[i]; p.Finding {
			asScored(p, g, found)
		}
	}
	return s
}

// asScored puts into a point what the finding of that hour says: the amount as it was, and
// the band that it was held against, which is of the past.
func asScored(p *desk.Point, g *baseline.Signal, found []finding.Finding) {
	i := slices.IndexFunc(found, func(f finding.Finding) bool {
		return f.Signal == g.Name && f.Detector == g.Detector && f.From/int64(time.Hour) == p.Time.UnixNano()/int64(time.Hour)
	})
	if i < 0 {
		return
	}
	f := &found[i]
	p.Observed = f.Observed
	if f.Usual > 0 && f.Expected >= 0 {
		p.High, p.Low = f.Usual, min(p.Low, f.Usual)
	}
}

func readingOf(m detect.Model) desk.Reading {
	switch m {
	case detect.Largest:
		return desk.Largest
	case detect.News:
		return desk.News
	case detect.Trials:
		return desk.Run
	case detect.Beats:
		return desk.Rhythm
	case detect.Clock:
		return desk.Busy
	}
	return desk.Sum
}
