package console

import (
	"net/http"
	"strconv"

	"vedette/internal/api/desk"
	"vedette/internal/narrate"
)

// atMost is how many things Home asks a person to decide.
const atMost = 5

type homeView struct {
	Headline string
	Lead     string
	Rows     []rowView
	More     int
	Promise  promiseView
	Gaps     []desk.Source
	Others   int // sources with a gap beside these
	Sources  int
	Done     desk.Done
	Fresh    bool // nothing has come in yet
}

type promiseView struct {
	desk.Promise
	Kept    bool
	Known   bool // enough is known to say
	Says    string
	Detail  string
	Bars    []bar
	Allowed string // height of what the budget allows
	Learned string
	Most    int
}

// bar is a day of the chart. Lengths are in percent of the height.
type bar struct {
	X, Width                 string
	Y, Height, YFalse, False string
	Title                    string
}

func showHome(v *visit) error {
	ctx, tenant := v.Context(), v.who.Tenant()
	rows, _, err := v.c.Incidents.List(ctx, tenant, desk.Filter{Pile: desk.Surfaced}, "", atMost)
	if err != nil {
		return err
	}
	counts, err := v.c.Incidents.Counts(ctx, tenant, v.who.Name())
	if err != nil {
		return err
	}
	sources, err := v.c.Sources.Sources(ctx, tenant)
	if err != nil {
		return err
	}
	promise, err := v.c.Overview.Promise(ctx, tenant)
	if err != nil {
		return err
	}
	done, err := v.c.Overview.Done(ctx, tenant)
	if err != nil {
		return err
	}
	s := homeView{Promise: promised(promise), Sources: len(sources), Done: done, More: counts.Surfaced - len(rows)}
	received := int64(0)
	for _, o := range sources {
		received += o.Received
		if o.State == desk.Gap || o.State == desk.Silent || o.State == desk.Failed {
			if len(s.Gaps) == atMost {
				s.Others++
				continue
			}
			s.Gaps = append(s.Gaps, o)
		}
	}
	for _, r := range rows {
		s.Rows = append(s.Rows, rowOf(r))
	}
	s.Fresh = received == 0
	s.headline(counts)
	return v.show(http.StatusOK, "home", "Home", s)
}

func (s *homeView) headline(n desk.Counts) {
	switch {
	case s.Fresh:
		s.Headline = "Vedette is ready, and has nothing to look at yet."
		s.Lead = "Give it telemetry, and it begins to learn what is normal here."
	case n.Surfaced == 0:
		s.Headline = "Nothing needs you."
		s.Lead = "No incident is open that has more evidence than the budget asks for."
	case n.Surfaced == 1:
		s.Headline = "One incident needs a decision."
	default:
		s.Headline = words(n.Surfaced) + " incidents need a decision."
	}
	if s.Lead == "" && n.Mine > 0 {
		s.Lead = words(n.Mine) + " of them " + plural(float64(n.Mine), "is", "are") + " yours."
	}
	if len(s.Gaps) > 0 && !s.Fresh {
		n := len(s.Gaps) + s.Others
		s.Lead += " " + words(n) + " of " + narrate.Number(float64(s.Sources)) + " " + plural(float64(s.Sources), "source", "sources") + " " +
			plural(float64(n), "is not as it", "are not as they") + " should be, so something may go unseen."
	}
}

// promised says whether the budget is kept.
func promised(p desk.Promise) promiseView {
	v := promiseView{Promise: p, Learned: percent(100 * max(0, min(1, p.Learning)))}
	daily := p.Budget * float64(p.Entities) / 1000
	surfaced, wrong, open := 0, 0, 0
	for _, d := range p.Days {
		surfaced, wrong, open = surfaced+d.Surfaced, wrong+d.False, open+d.Open
		v.Most = max(v.Most, d.Surfaced)
	}
	allowed := daily * float64(len(p.Days))
	v.Known, v.Kept = len(p.Days) > 0 && p.Entities > 0, float64(wrong) <= max(1, allowed)
	over := count(float64(len(p.Days)), "day", "days")
	switch {
	case !v.Known:
		v.Says = "Nothing can be said yet: no day has passed."
	case p.Learning < 1:
		v.Says = narrate.Percent(max(0, p.Learning)) + " of the learning period has passed. Until it is over, the budget is an aim and not yet a promise."
	case v.Kept:
		v.Says = "Kept: " + count(float64(wrong), "false incident", "false incidents") + " shown in " + over + ", where " + narrate.Number(max(1, allowed)) + " " + plural(max(1, allowed), "is", "are") + " allowed."
	default:
		v.Says = "Not kept: " + count(float64(wrong), "false incident", "false incidents") + " shown in " + over + ", where " + narrate.Number(max(1, allowed)) + " " + plural(max(1, allowed), "is", "are") + " allowed."
	}
	v.Detail = "At most " + narrate.Number(p.Budget) + " false " + plural(p.Budget, "incident", "incidents") + " shown per 1,000 entities and day; " +
		count(float64(p.Entities), "entity was", "entities were") + " active in the last 7 days."
	switch {
	case open > 0 && surfaced == 1:
		v.Detail += " The one shown is not judged yet, and may turn out false."
	case open > 0:
		v.Detail += " " + words(open) + " of the " + strconv.Itoa(surfaced) + " shown " + plural(float64(open), "is", "are") + " not judged yet, and may turn out false."
	}
	v.chart(daily)
	return v
}

func (v *promiseView) chart(daily float64) {
	n := float64(len(v.Days))
	top := max(float64(v.Most), daily, 1) * 1.1
	for i, d := range v.Days {
		h, f := 100*float64(d.Surfaced)/top, 100*float64(d.False)/top
		v.Bars = append(v.Bars, bar{
			X: percent(100*float64(i)/n + 15/n), Width: percent(70 / n), Y: percent(100 - h), Height: percent(h), YFalse: percent(100 - f), False: percent(f),
			Title: d.Date.UTC().Format("2 January") + ": " + strconv.Itoa(d.Surfaced) + " shown, " + strconv.Itoa(d.False) + " false, " + strconv.Itoa(d.Open) + " not judged",
		})
	}
	v.Allowed = percent(100 - 100*daily/top)
}
