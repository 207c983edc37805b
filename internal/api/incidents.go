package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"vedette/internal/api/desk"
	"vedette/internal/attack"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// Row is an incident in a list.
type Row struct {
	ID         string    `json:"id" doc:"16 hexadecimal digits"`
	Version    uint64    `json:"version"`
	Title      string    `json:"title"`
	Who        []string  `json:"who"`
	Surfaced   bool      `json:"surfaced" doc:"Shown to people"`
	Hidden     string    `json:"hidden,omitempty" doc:"Why it is not"`
	State      string    `json:"state" enum:"open,closed"`
	Score      int       `json:"score" doc:"0 to 100; at 50 there is as much evidence as the budget asks for"`
	Confidence float64   `json:"confidence" doc:"0 to 1"`
	Concluded  string    `json:"concluded" doc:"What the machine concludes"`
	Verdict    string    `json:"verdict,omitempty" doc:"That of a person"`
	Assignee   string    `json:"assignee,omitempty"`
	Opened     time.Time `json:"opened"`
	Updated    time.Time `json:"updated"`
	Findings   int       `json:"findings"`
}

func row(r desk.Row) Row {
	state := "open"
	if r.Closed {
		state = "closed"
	}
	return Row{
		narrate.ID(r.ID), r.Version, r.Title, list(r.Who), r.Surfaced, r.Hidden, state, r.Score, r.Confidence,
		string(r.Concluded), string(r.Verdict), r.Assignee, r.Opened.UTC(), r.Updated.UTC(), r.Findings,
	}
}

// list returns what is an empty list in JSON if it is empty.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// Ref leads to a record.
type Ref struct {
	Source   uint32 `json:"source"`
	Position uint64 `json:"position"`
	Index    uint32 `json:"index"`
}

// Claim is a sentence with the records it stands on.
type Claim struct {
	Claim    string `json:"claim"`
	Text     string `json:"text"`
	Evidence []Ref  `json:"evidence"`
}

// Finding is a claim of a detector.
type Finding struct {
	ID         string      `json:"id"`
	Detector   string      `json:"detector"`
	Facet      string      `json:"facet"`
	Entity     string      `json:"entity"`
	Peers      []string    `json:"peers"`
	Labels     []string    `json:"labels"`
	From       time.Time   `json:"from"`
	To         time.Time   `json:"to"`
	Signal     string      `json:"signal"`
	Unit       string      `json:"unit,omitempty"`
	Observed   float64     `json:"observed"`
	Expected   float64     `json:"expected" doc:"Negative if nothing is known"`
	Nats       float64     `json:"nats"`
	Techniques []attack.ID `json:"techniques"`
	Why        string      `json:"why"`
	Evidence   []Ref       `json:"evidence"`
}

// Event is what happened to an incident.
type Event struct {
	Time  time.Time `json:"time"`
	Actor string    `json:"actor,omitempty" doc:"Empty for the machine"`
	What  string    `json:"what"`
}

// Note is what a person wrote.
type Note struct {
	Time   time.Time `json:"time"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
}

// Incident is an incident in full.
type Incident struct {
	Row
	Risk       float64     `json:"risk" doc:"In nats"`
	Threshold  float64     `json:"threshold" doc:"In nats: what the budget asks for"`
	Learning   float64     `json:"learning" doc:"0 to 1: how much of the learning period had passed when it began"`
	Techniques []attack.ID `json:"techniques"`
	Phases     []string    `json:"phases"`
	Entities   []string    `json:"entities"`
	Narrative  []Claim     `json:"narrative"`
	Evidence   []Finding   `json:"evidence"`
	Notes      []Note      `json:"notes"`
	History    []Event     `json:"history"`
	Reason     string      `json:"reason,omitempty" doc:"Of the verdict"`
}

func full(c desk.Case) Incident {
	i := Incident{
		Row: row(c.Row), Risk: c.Body.Risk, Threshold: c.Body.Threshold, Learning: c.Body.Learning, Techniques: list(c.Body.Techniques),
		Phases: []string{}, Entities: keys(c.Body.Entities), Narrative: []Claim{}, Evidence: []Finding{}, Notes: []Note{}, History: []Event{}, Reason: c.Reason,
	}
	for _, p := range c.Body.Phases {
		i.Phases = append(i.Phases, p.String())
	}
	for _, s := range narrate.Story(c.Body, c.Names) {
		i.Narrative = append(i.Narrative, Claim{s.Claim, s.Text, refs(s.Evidence)})
	}
	for _, f := range c.Body.Findings {
		i.Evidence = append(i.Evidence, found(f, c.Names))
	}
	for _, n := range c.Notes {
		i.Notes = append(i.Notes, Note{n.Time.UTC(), n.Author, n.Text})
	}
	for _, e := range c.History {
		i.History = append(i.History, Event{e.Time.UTC(), e.Actor, e.What})
	}
	return i
}

func found(f finding.Finding, n narrate.Names) Finding {
	var peers []entity.Key
	for _, p := range f.Peers {
		peers = append(peers, p.Key)
	}
	return Finding{
		narrate.ID(f.ID), f.Detector, f.Facet.String(), narrate.ID(uint64(f.Entity)), keys(peers), list(f.Labels), moment(f.From), moment(f.To),
		f.Signal, f.Unit, f.Observed, f.Expected, f.Nats, list(f.Techniques), narrate.Why(f, n), refs(f.Evidence),
	}
}

func moment(at int64) time.Time { return time.Unix(0, at).UTC() }

func keys(all []entity.Key) []string {
	out := make([]string, 0, len(all))
	for _, k := range all {
		out = append(out, narrate.ID(uint64(k)))
	}
	return out
}

func refs(all []finding.Ref) []Ref {
	out := make([]Ref, 0, len(all))
	for _, r := range all {
		out = append(out, Ref{r.Source, r.Position, r.Index})
	}
	return out
}

// One is the id in an address.
type One struct {
	ID string `path:"id" pattern:"^[0-9a-f]{16}$" doc:"16 hexadecimal digits"`
}

func (o One) number() (uint64, error) {
	id, err := strconv.ParseUint(o.ID, 16, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "there is no such id")
	}
	return id, nil
}

type listIn struct {
	Pile     string `query:"pile" enum:"surfaced,hidden,closed" default:"surfaced"`
	Text     string `query:"q" maxLength:"200" doc:"In titles and names"`
	Assignee string `query:"assignee" maxLength:"64"`
	Sort     string `query:"sort" enum:"changed,sure,findings,assignee" doc:"Without: the most urgent first"`
	Up       bool   `query:"up" doc:"The least first"`
	Cursor   string `query:"cursor" maxLength:"500" doc:"The next of the answer before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (l listIn) filter() desk.Filter {
	return desk.Filter{Pile: desk.Pile(l.Pile), Text: l.Text, Assignee: l.Assignee, Order: desk.Order{By: l.Sort, Up: l.Up}}
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of what follows; without, this is the end"`
}

type body[T any] struct{ Body T }

type tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

type nothing struct{}

type getIn struct {
	One
	IfNoneMatch string `header:"If-None-Match"`
}

// unchanged answers who has what there is already.
func (in *getIn) unchanged(tag string) error {
	if in.IfNoneMatch != "" && strings.TrimPrefix(in.IfNoneMatch, "W/") == tag {
		return huma.Status304NotModified()
	}
	return nil
}

type judgeIn struct {
	One
	Change
	Body struct {
		Verdict string `json:"verdict" enum:"malicious,suspicious,benign-explained"`
		Reason  string `json:"reason,omitempty" maxLength:"8000"`
	}
}

type noteIn struct {
	One
	Change
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"8000"`
	}
}

type assignIn struct {
	One
	Change
	Body struct {
		Person string `json:"person" maxLength:"64" doc:"Empty for nobody"`
	}
}

type bareIn struct {
	One
	Change
}

func (s *server) incidents() {
	operation(s, http.MethodGet, "/api/incidents", "List incidents", needs(auth.ReadIncidents), s.listIncidents)
	operation(s, http.MethodGet, "/api/incidents/{id}", "Get an incident in full", needs(auth.ReadIncidents), func(ctx context.Context, in *getIn) (*tagged[Incident], error) {
		out, err := s.incident(ctx, in.One)
		if err != nil {
			return nil, err
		}
		return out, in.unchanged(out.ETag)
	})
	operation(s, http.MethodPut, "/api/incidents/{id}/verdict", "Judge an incident", needs(auth.JudgeIncidents), func(ctx context.Context, in *judgeIn) (*tagged[Incident], error) {
		return s.alter(ctx, in.One, in.Change, func(by desk.By, id uint64) error {
			return s.Cases.Judge(ctx, by, id, incident.Verdict(in.Body.Verdict), in.Body.Reason)
		})
	})
	operation(s, http.MethodPost, "/api/incidents/{id}/notes", "Write a note", needs(auth.WriteNotes), func(ctx context.Context, in *noteIn) (*tagged[Incident], error) {
		return s.alter(ctx, in.One, in.Change, func(by desk.By, id uint64) error { return s.Cases.Note(ctx, by, id, in.Body.Text) })
	})
	operation(s, http.MethodPut, "/api/incidents/{id}/assignee", "Assign an incident", needs(auth.JudgeIncidents), func(ctx context.Context, in *assignIn) (*tagged[Incident], error) {
		return s.alter(ctx, in.One, in.Change, func(by desk.By, id uint64) error { return s.Cases.Assign(ctx, by, id, in.Body.Person) })
	})
	operation(s, http.MethodPost, "/api/incidents/{id}/close", "Close an incident", needs(auth.JudgeIncidents), func(ctx context.Context, in *bareIn) (*tagged[Incident], error) {
		return s.alter(ctx, in.One, in.Change, func(by desk.By, id uint64) error { return s.Cases.Close(ctx, by, id) })
	})
	operation(s, http.MethodPost, "/api/incidents/{id}/reopen", "Open an incident again", needs(auth.JudgeIncidents), func(ctx context.Context, in *bareIn) (*tagged[Incident], error) {
		return s.alter(ctx, in.One, in.Change, func(by desk.By, id uint64) error { return s.Cases.Reopen(ctx, by, id) })
	})
}

func (s *server) listIncidents(ctx context.Context, in *listIn) (*body[Page[Row]], error) {
	rows, next, err := s.Incidents.List(ctx, who(ctx).Tenant(), in.filter(), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &body[Page[Row]]{Page[Row]{[]Row{}, next}}
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, row(r))
	}
	return out, nil
}

func (s *server) incident(ctx context.Context, o One) (*tagged[Incident], error) {
	id, err := o.number()
	if err != nil {
		return nil, err
	}
	c, err := s.Incidents.Get(ctx, who(ctx).Tenant(), id)
	if err != nil {
		return nil, err
	}
	return &tagged[Incident]{etag(c.Version), full(c)}, nil
}

// alter makes a change and returns the incident as it is then.
func (s *server) alter(ctx context.Context, o One, c Change, do func(desk.By, uint64) error) (*tagged[Incident], error) {
	id, err := o.number()
	if err != nil {
		return nil, err
	}
	by, err := c.by(ctx)
	if err != nil {
		return nil, err
	}
	if err := do(by, id); err != nil {
		return nil, err
	}
	return s.incident(ctx, o)
}
