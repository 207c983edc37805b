package console

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/look"
	"vedette/internal/narrate"
)

const (
	mostRecords = 8  // beside a sentence
	mostWho     = 24 // who took part
	mostHistory = 200
	mostText    = 8000 // bytes of a note or reason
)

type incidentView struct {
	desk.Case
	ID         string
	Sentence   string
	Sure       string
	Phase      string
	Affected   string
	Since      time.Time
	Until      time.Time
	Happened   []told
	For        []argument
	Against    []argument
	Facets     []facet
	Risk       string
	Asked      string
	Formula    string
	Line       timeline
	Graph      look.Graph
	Who        []party
	WhoLeft    int
	Shown      int // the sentence whose records are beside
	Label      string
	Records    []recordView
	Left       int // records that are not beside
	Steps      []narrate.Step
	Judge      bool
	Write      bool
	Mine       bool
	Past       []rowView
	Typed      string // what was typed and could not be kept
	Wrong      string
	strongest  map[finding.Facet]int // the sentence of the strongest finding of each facet
	TypedNote  string
	TypedJudge incident.Verdict
}

// told is a sentence of what happened.
type told struct {
	Number   int // 0 for one that has no evidence of its own
	Text     string
	Evidence int
	Here     bool // its records are beside
	From     int64
}

// argument is something that speaks for or against.
type argument struct {
	Weight string // with its sign; empty if it has none
	Text   string
}

type facet struct {
	Name, Nats, Width string
}

// party is somebody who took part.
type party struct {
	Key                 string
	Name, Address, Kind string
	Outside             bool
	Deeds               int // findings about it
}

type recordView struct {
	Where, Missing string
	Fields         []desk.Field
}

func showIncident(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	c, err := v.c.Incidents.Get(v.Context(), v.who.Tenant(), id)
	if err != nil {
		return err
	}
	return v.incident(http.StatusOK, c, func(*incidentView) {})
}

// incident shows an incident, after change had a look.
func (v *visit) incident(status int, c desk.Case, change func(*incidentView)) error {
	s := incidentView{
		Case: c, ID: narrate.ID(c.Row.ID), Sure: sureness(c.Body.Verdict, c.Body.Confidence), Phase: phases(c.Body.Phases),
		Judge: v.who.May(auth.JudgeIncidents), Write: v.who.May(auth.WriteNotes), Mine: c.Assignee == v.who.Name(),
	}
	from, to := narrate.Extent(c.Body)
	s.Since, s.Until = time.Unix(0, from).UTC(), time.Unix(0, to).UTC()
	story := narrate.Story(c.Body, c.Names)
	s.Sentence = story[0].Text
	s.tell(story[1:], v.shown())
	s.weigh()
	s.parties()
	s.Graph = look.NewGraph(c.Body, c.Names, "touched", func(k entity.Key) string { return "/entities/" + narrate.ID(uint64(k)) })
	for _, r := range c.Similar {
		s.Past = append(s.Past, rowOf(r))
	}
	if len(s.History) > mostHistory {
		s.History = s.History[len(s.History)-mostHistory:]
	}
	if err := v.beside(&s, story[1:]); err != nil {
		return err
	}
	change(&s)
	return v.show(status, "incident", narrate.Title(c.Body, c.Names), s)
}

// shown returns the sentence whose records are asked for.
func (v *visit) shown() int {
	n, err := strconv.Atoi(v.URL.Query().Get("show"))
	if err != nil {
		return 0
	}
	return n
}

// tell sorts the sentences: what happened, and what speaks for and against.
func (s *incidentView) tell(story []narrate.Sentence, shown int) {
	signals := map[string]narrate.Repeated{}
	for _, g := range narrate.Signals(s.Body) {
		signals["finding/"+narrate.ID(g.Best.ID)] = g
	}
	var groups []narrate.Repeated
	best := map[finding.Facet]float64{}
	s.strongest = map[finding.Facet]int{}
	for _, l := range story {
		g, ok := signals[l.Claim]
		switch {
		case ok:
			groups = append(groups, g)
			n := len(groups)
			if f := g.Best; f.Nats > best[f.Facet] {
				best[f.Facet], s.strongest[f.Facet] = f.Nats, n
			}
			s.Happened = append(s.Happened, told{n, l.Text, len(l.Evidence), n == shown, g.From})
			s.doubt(n, g)
		case l.Claim == "untold":
			s.Happened = append(s.Happened, told{Text: l.Text})
		case l.Claim == "learning" || l.Claim == "surfaced" && !s.Body.Surfaced:
			s.Against = append(s.Against, argument{"", l.Text})
		default:
			s.For = append(s.For, argument{"", l.Text})
		}
	}
	s.Line = draw(groups, s.Names)
}

// doubt says what was taken off a finding, and why.
func (s *incidentView) doubt(n int, g narrate.Repeated) {
	f, which := g.Best, "Sentence "+strconv.Itoa(n)
	if off := f.Raw * (1 - f.Damping); f.Damping < 1 && off >= 0.05 {
		why := "what is normal here has not been learned for long"
		if f.Sort == finding.ForIt {
			why = "what is normal for " + narrate.Name(s.Names, f.Entity) + " has not been learned for long"
		}
		s.Against = append(s.Against, argument{less(off), which + " is believed to " + narrate.Percent(f.Damping) + ": " + why + "."})
	}
	if f.Habit >= 0.05 {
		s.Against = append(s.Against, argument{less(f.Habit), which + " was said before about the same."})
	}
	common := 0
	for _, p := range f.Peers {
		if p.Holders >= 20 {
			common++
		}
	}
	if common > 0 && len(f.Peers) > 0 {
		s.Against = append(s.Against, argument{"", which + ": " + strconv.Itoa(common) + " of the " + count(float64(len(f.Peers)), "party", "parties") + " named " + plural(float64(common), "is", "are") + " known to 20 of ours or more."})
	}
}

func less(x float64) string { return "−" + strconv.FormatFloat(x, 'f', 1, 64) }

// weigh says how the score came about.
func (s *incidentView) weigh() {
	b := s.Body
	var all []finding.Facet
	most := 0.0
	for f := range finding.Facets {
		if b.Facets[f] > 0 {
			all, most = append(all, f), max(most, b.Facets[f])
		}
	}
	slices.SortStableFunc(all, func(x, y finding.Facet) int { return cmp.Compare(b.Facets[y], b.Facets[x]) })
	var weights []argument
	for _, f := range all {
		n := strconv.FormatFloat(b.Facets[f], 'f', 1, 64)
		s.Facets = append(s.Facets, facet{upper(f.String()), n, percent(100 * b.Facets[f] / most)})
		weights = append(weights, argument{"+" + n, s.source(f)})
	}
	s.For = append(weights, s.For...)
	s.Risk, s.Asked = narrate.Nats(b.Risk), narrate.Nats(b.Threshold)
	if b.Threshold > 0 && int(math.Round(100*(1-math.Exp2(-b.Risk/b.Threshold)))) == b.Score {
		s.Formula = "100 × (1 − ½^(risk ÷ asked for))"
	}
}

// source says which sentence the weight of a facet comes from.
func (s *incidentView) source(f finding.Facet) string {
	if n := s.strongest[f]; n > 0 {
		return upper(f.String()) + ": sentence " + strconv.Itoa(n) + ", the strongest of its kind."
	}
	return upper(f.String()) + ": a finding that is not told above."
}

// parties lists who took part, those of ours first.
func (s *incidentView) parties() {
	deeds := map[entity.Key]int{}
	keys := slices.Clone(s.Body.Entities)
	for _, f := range s.Body.Findings {
		deeds[f.Entity]++
		for _, k := range append([]finding.Peer{{Key: f.Entity}}, f.Peers...) {
			if !slices.Contains(keys, k.Key) {
				keys = append(keys, k.Key)
			}
		}
	}
	var own []string
	for _, k := range keys {
		p := party{Key: narrate.ID(uint64(k)), Name: narrate.Name(s.Names, k), Kind: s.Names.Kind(k).String(), Outside: s.Names.Kind(k) == entity.External, Deeds: deeds[k]}
		if a := s.Names.Addresses(k); len(a) > 0 && a[0] != p.Name {
			p.Address = narrate.Cut(see(a[0]), 48)
		}
		if !p.Outside && slices.Contains(s.Body.Entities, k) {
			own = append(own, p.Name)
		}
		s.Who = append(s.Who, p)
	}
	slices.SortStableFunc(s.Who, func(a, b party) int { return cmp.Compare(b.Deeds, a.Deeds) })
	s.WhoLeft = max(0, len(s.Who)-mostWho)
	s.Who = s.Who[:min(mostWho, len(s.Who))]
	switch n := len(own); {
	case n == 0:
		s.Affected = "nobody of ours that is known"
	case n > 3:
		s.Affected = strings.Join(own[:2], ", ") + " and " + strconv.Itoa(n-2) + " more"
	default:
		s.Affected = strings.Join(own, ", ")
	}
}

// beside reads the records of the sentence that is shown.
func (v *visit) beside(s *incidentView, story []narrate.Sentence) error {
	shown, n := v.shown(), 0
	for _, l := range story {
		if !strings.HasPrefix(l.Claim, "finding/") {
			continue
		}
		if n++; n != shown {
			continue
		}
		s.Shown, s.Left = n, max(0, len(l.Evidence)-mostRecords)
		s.Label = count(float64(len(l.Evidence)), "record", "records")
		for _, g := range narrate.Signals(s.Body) {
			if "finding/"+narrate.ID(g.Best.ID) == l.Claim {
				s.Steps = narrate.Working(g.Best)
			}
		}
		for _, ref := range l.Evidence[:min(mostRecords, len(l.Evidence))] {
			r, err := v.c.Records.Record(v.Context(), v.who.Tenant(), ref)
			switch {
			case err == nil:
				s.Records = append(s.Records, recordView{Where: r.Where, Fields: r.Fields})
			case fault.KindOf(err) == fault.NotFound || fault.KindOf(err) == fault.Unreadable:
				s.Records = append(s.Records, recordView{Where: r.Where, Missing: message(err)})
			default:
				return err
			}
		}
	}
	return nil
}

// done leads back to the incident, or shows it again with what was typed if somebody was
// faster or something is wrong with it.
func (v *visit) done(err error, what string, typed func(*incidentView)) error {
	if kind := fault.KindOf(err); err != nil && kind != fault.Conflict && kind != fault.Invalid {
		return err
	}
	id, errID := readID(v.PathValue("id"))
	if errID != nil {
		return errID
	}
	if err == nil {
		return v.to("/incidents/"+narrate.ID(id), what)
	}
	c, errGet := v.c.Incidents.Get(v.Context(), v.who.Tenant(), id)
	if errGet != nil {
		return errGet
	}
	status, t := explain(err)
	return v.incident(status, c, func(s *incidentView) {
		s.Wrong = t.What + " " + t.Next + " What you typed is still here."
		typed(s)
	})
}

func doVerdict(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	verdict, reason := incident.Verdict(v.PostFormValue("verdict")), cut(strings.TrimSpace(v.PostFormValue("reason")), mostText)
	switch {
	case !isVerdict(verdict):
		err = fault.New(fault.Invalid, "choose one of the three verdicts")
	default:
		err = v.c.Cases.Judge(v.Context(), v.by(), id, verdict, reason)
	}
	return v.done(err, "verdict", func(s *incidentView) { s.TypedJudge, s.Typed = verdict, reason })
}

func doNote(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	text := cut(strings.TrimSpace(v.PostFormValue("text")), mostText)
	if text == "" {
		err = fault.New(fault.Invalid, "the note is empty")
	} else {
		by := v.by()
		by.Version = 0 // a note does no harm to what others did
		err = v.c.Cases.Note(v.Context(), by, id, text)
	}
	return v.done(err, "note", func(s *incidentView) { s.TypedNote = text })
}

func doAssign(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	person := strings.TrimSpace(v.PostFormValue("person"))
	if person != "" {
		person, err = auth.Name(person)
	}
	if err == nil {
		err = v.c.Cases.Assign(v.Context(), v.by(), id, person)
	}
	return v.done(err, "assigned", func(*incidentView) {})
}

func doClose(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	return v.done(v.c.Cases.Close(v.Context(), v.by(), id), "closed", func(*incidentView) {})
}

func doReopen(v *visit) error {
	id, err := readID(v.PathValue("id"))
	if err != nil {
		return err
	}
	return v.done(v.c.Cases.Reopen(v.Context(), v.by(), id), "reopened", func(*incidentView) {})
}
