package daemon

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/narrate"
	"vedette/internal/store/state"
)

// deskIncidents reads and changes incidents.
type deskIncidents struct{ *Faces }

const (
	wholePage   = 500 // rows of one
	mostSimilar = 5
)

// filter returns what the state is asked for.
func filter(f desk.Filter) (state.Filter, error) {
	s := state.Filter{Text: f.Text, Assignee: f.Assignee, Entity: f.Entity}
	var err error
	if s.Order, err = order(f.Order); err != nil {
		return s, err
	}
	switch f.Pile {
	case "":
	case desk.Surfaced:
		s.Shown, s.Condition = state.Surfaced, state.IsOpen
	case desk.Hidden:
		s.Shown, s.Condition = state.Hidden, state.IsOpen
	case desk.Closed:
		s.Condition = state.IsClosed
	default:
		return s, fault.New(fault.Invalid, fmt.Sprintf("there is no pile %q of incidents", f.Pile))
	}
	if id, err := strconv.ParseUint(s.Text, 16, 64); err == nil && len(s.Text) == 16 {
		s.Text = strconv.FormatUint(id, 16) // it is stored without zeros in front
	}
	return s, nil
}

// List implements [desk.Incidents].
func (s deskIncidents) List(ctx context.Context, tenant string, f desk.Filter, cursor string, n int) (rows []desk.Row, next string, err error) {
	want, err := filter(f)
	if err != nil {
		return nil, "", err
	}
	p, err := s.tenant(tenant).Incidents(ctx, want, cursor, n)
	if err != nil {
		return nil, "", err
	}
	return s.rows(p.Rows), p.Next, nil
}

// rows returns rows as people see them.
func (f *Faces) rows(all []state.Row) []desk.Row {
	var keys []entity.Key
	for _, r := range all {
		for _, n := range r.Names {
			keys = append(keys, n.Key)
		}
	}
	known := f.daemon.learner.know(keys)
	rows := make([]desk.Row, 0, len(all))
	for _, r := range all {
		rows = append(rows, desk.Row{
			ID: r.ID, Version: r.Version, Title: r.Title, Who: who(r.Names, known), Surfaced: r.Surfaced, Hidden: r.Hidden, Closed: r.Condition == state.IsClosed,
			Score: r.Score, Confidence: r.Confidence, Concluded: r.Machine, Verdict: r.Verdict, Assignee: r.Assignee,
			Opened: moment(r.Opened), Updated: moment(r.Updated), Findings: r.Findings,
		})
	}
	return rows
}

// who returns those of ours who take part; if none is known to be, the first.
func who(names []state.Name, known map[entity.Key]known) (all []string) {
	for _, n := range names {
		if k := known[n.Key]; k.Own && k.acted {
			all = append(all, n.Name)
		}
	}
	if all == nil && len(names) > 0 {
		all = []string{names[0].Name}
	}
	return all
}

// Get implements [desk.Incidents].
func (s deskIncidents) Get(ctx context.Context, tenant string, id uint64) (desk.Case, error) {
	t := s.tenant(tenant)
	c, err := t.Incident(ctx, id)
	if err != nil {
		return desk.Case{}, err
	}
	notes, err := t.Notes(ctx, id)
	if err != nil {
		return desk.Case{}, err
	}
	steps, err := t.History(ctx, id)
	if err != nil {
		return desk.Case{}, err
	}
	names := s.names(c.Report)
	full := desk.Case{
		Row: rowOf(&c, names), Body: c.Incident, By: c.JudgedBy, At: c.JudgedAt, Names: names, History: history(steps), Merged: c.Into,
	}
	for _, n := range notes {
		full.Notes = append(full.Notes, desk.Note{Author: n.Author, Time: n.Time, Text: n.Text})
	}
	for _, p := range slices.Backward(steps) {
		if p.Kind == state.Judged {
			full.Reason = p.Reason
			break
		}
	}
	full.Similar, err = s.similar(ctx, t, c.Incident)
	return full, err
}

// rowOf returns the row of an incident in full.
func rowOf(c *state.Case, names caseNames) desk.Row {
	in := &c.Incident
	return desk.Row{
		ID: in.ID, Version: c.Version, Title: c.Title, Who: who(c.Names, names.known), Surfaced: in.Surfaced, Hidden: in.Hidden, Closed: c.Condition == state.IsClosed,
		Score: in.Score, Confidence: in.Confidence, Concluded: in.Verdict, Verdict: c.Verdict, Assignee: c.Assignee,
		Opened: moment(in.Opened), Updated: moment(in.Updated), Findings: len(in.Findings),
	}
}

// similar returns other incidents of those who take part in one.
func (f *Faces) similar(ctx context.Context, t *state.Tenant, in incident.Incident) ([]desk.Row, error) {
	var all []state.Row
	for _, k := range in.Entities[:min(len(in.Entities), 3)] {
		p, err := t.Incidents(ctx, state.Filter{Entity: k}, "", mostSimilar+1)
		if err != nil {
			return nil, err
		}
		for _, r := range p.Rows {
			if r.ID != in.ID && len(all) < mostSimilar && !slices.ContainsFunc(all, func(o state.Row) bool { return o.ID == r.ID }) {
				all = append(all, r)
			}
		}
	}
	return f.rows(all), nil
}

// history puts what happened into words. What the machine did time and again, with nothing
// of people between, is one event.
func history(steps []state.Step) (all []desk.Event) {
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		for i+1 < len(steps) && routine(s) && routine(steps[i+1]) {
			i++
			next := steps[i]
			next.Findings += s.Findings
			if next.Score == 0 {
				next.Score = s.Score
			}
			s = next
		}
		e := desk.Event{Time: s.Time, Actor: s.Actor, What: did(s)}
		if e.Actor == machine {
			e.Actor = ""
		}
		all = append(all, e)
	}
	return all
}

// routine reports whether a step is the machine's going on with what it sees.
func routine(s state.Step) bool { return s.Kind == state.FindingAdded || s.Kind == state.Updated }

func did(s state.Step) string {
	because := ""
	if s.Reason != "" {
		because = ": " + s.Reason
	}
	switch s.Kind {
	case state.Opened:
		return "opened it with " + findings(s.Findings) + score(s.Score)
	case state.FindingAdded, state.Updated:
		if s.Findings > 0 {
			return "added or changed " + findings(s.Findings) + score(s.Score)
		}
		return "looked at it again" + score(s.Score)
	case state.Judged:
		return "judged it " + narrate.Judged(s.Verdict) + because
	case state.Noted:
		return "wrote a note"
	case state.Assigned:
		switch s.Assignee {
		case "":
			return "gave it back"
		case s.Actor:
			return "took it on"
		}
		return "gave it to " + s.Assignee
	case state.Closed:
		return "closed it" + because
	case state.Reopened:
		return "opened it again" + because
	case state.Merged:
		return "made it part of incident " + narrate.ID(s.Into)
	}
	return string(s.Kind)
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return strconv.Itoa(n) + " findings"
}

func score(n int) string {
	if n == 0 {
		return ""
	}
	return "; its score is " + strconv.Itoa(n)
}

// caseNames is what those who take part in an incident are called: as it was written down
// with it, which outlasts what the machine remembers.
type caseNames struct {
	stored map[entity.Key]string
	known  map[entity.Key]known
}

// names returns the names of all that take part in some incidents.
func (f *Faces) names(all ...state.Report) caseNames {
	n := caseNames{stored: map[entity.Key]string{}}
	var keys []entity.Key
	for _, r := range all {
		for _, m := range r.Names {
			n.stored[m.Key] = m.Name
		}
		keys = append(keys, r.Incident.Entities...)
		for _, g := range r.Incident.Findings {
			keys = append(keys, g.Entity)
			for _, p := range g.Peers {
				keys = append(keys, p.Key)
			}
		}
	}
	n.known = f.daemon.learner.know(keys)
	return n
}

// Name implements [narrate.Names].
func (n caseNames) Name(k entity.Key) string {
	if s := n.stored[k]; s != "" {
		return s
	}
	return n.known[k].name
}

// Kind implements [narrate.Names].
func (n caseNames) Kind(k entity.Key) entity.Kind { return n.known[k].Kind }

// Addresses implements [narrate.Names].
func (n caseNames) Addresses(k entity.Key) []string { return n.known[k].addresses() }

// Counts implements [desk.Incidents].
func (s deskIncidents) Counts(ctx context.Context, tenant, person string) (desk.Counts, error) {
	t := s.tenant(tenant)
	c, err := t.Counts(ctx)
	if err != nil || person == "" {
		return desk.Counts{Surfaced: c.Open, Hidden: c.Hidden, Closed: c.Closed}, err
	}
	mine, err := t.Assigned(ctx, person)
	return desk.Counts{Surfaced: c.Open, Hidden: c.Hidden, Closed: c.Closed, Mine: mine}, err
}

// change makes a change to an incident, if the person may, and tells those who watch.
func (s deskIncidents) change(by desk.By, need auth.Permission, id uint64, do func(*state.Tenant) (uint64, error)) error {
	if err := by.Require(need); err != nil {
		return err
	}
	if _, err := do(s.tenant(by.Tenant())); err != nil {
		return err
	}
	s.changed(by.Tenant(), id)
	return nil
}

// Judge implements [desk.Cases].
func (s deskIncidents) Judge(ctx context.Context, by desk.By, id uint64, v incident.Verdict, reason string) error {
	return s.change(by, auth.JudgeIncidents, id, func(t *state.Tenant) (uint64, error) {
		return t.Judge(ctx, request(by), id, v, strings.TrimSpace(reason))
	})
}

// Note implements [desk.Cases].
func (s deskIncidents) Note(ctx context.Context, by desk.By, id uint64, text string) error {
	return s.change(by, auth.WriteNotes, id, func(t *state.Tenant) (uint64, error) { return t.Note(ctx, request(by), id, text) })
}

// Assign implements [desk.Cases].
func (s deskIncidents) Assign(ctx context.Context, by desk.By, id uint64, person string) error {
	return s.change(by, auth.JudgeIncidents, id, func(t *state.Tenant) (uint64, error) {
		if person != "" {
			u, err := t.User(ctx, person)
			switch {
			case fault.KindOf(err) == fault.NotFound && err != nil:
				return 0, fault.New(fault.Invalid, fmt.Sprintf("there is nobody called %s", person))
			case err != nil:
				return 0, err
			case u.Disabled:
				return 0, fault.New(fault.Invalid, fmt.Sprintf("%s cannot sign in any more", person))
			}
		}
		return t.Assign(ctx, request(by), id, person)
	})
}

// Close implements [desk.Cases].
func (s deskIncidents) Close(ctx context.Context, by desk.By, id uint64) error {
	return s.change(by, auth.JudgeIncidents, id, func(t *state.Tenant) (uint64, error) { return t.Finish(ctx, request(by), id, "") })
}

// Reopen implements [desk.Cases].
func (s deskIncidents) Reopen(ctx context.Context, by desk.By, id uint64) error {
	return s.change(by, auth.JudgeIncidents, id, func(t *state.Tenant) (uint64, error) { return t.Reopen(ctx, request(by), id, "") })
}
