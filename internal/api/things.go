package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/narrate"
)

// Thing is an entity in a list.
type Thing struct {
	Key       string    `json:"key"`
	Kind      string    `json:"kind"`
	Name      string    `json:"name"`
	Address   string    `json:"address,omitempty"`
	Own       bool      `json:"own" doc:"Of the organisation"`
	Learned   float64   `json:"learned" doc:"0 to 1"`
	Last      time.Time `json:"last"`
	Incidents int       `json:"incidents" doc:"Open ones that are surfaced"`
}

func thing(r desk.EntityRow) Thing {
	return Thing{narrate.ID(uint64(r.Key)), r.Kind.String(), r.Name, r.Address, r.Own, r.Learned, r.Last.UTC(), r.Incidents}
}

// Identifier is a name that an entity had for a time.
type Identifier struct {
	Type  string     `json:"type"`
	Value string     `json:"value"`
	From  time.Time  `json:"from"`
	To    *time.Time `json:"to,omitempty" doc:"Without: it lasts"`
	How   string     `json:"how"`
}

// Band is what is normal of a signal at an hour of the day.
type Band struct {
	Low   float64 `json:"low" doc:"0 where hours without anything are usual"`
	High  float64 `json:"high"`
	Often float64 `json:"often" doc:"Share of hours with anything, 0 to 1"`
	Own   float64 `json:"own" doc:"Hours of its own behind the band, beside six borrowed of its peers"`
}

// Signal is one measured quantity, hour by hour.
type Signal struct {
	Name     string     `json:"name"`
	Detector string     `json:"detector"`
	Facet    string     `json:"facet"`
	Unit     string     `json:"unit,omitempty" doc:"Without: a count"`
	Reading  string     `json:"reading" enum:"sum,largest,new,run,rhythm,busy"`
	Window   float64    `json:"window" doc:"Seconds"`
	Known    bool       `json:"known" doc:"Enough was learned for a band"`
	From     time.Time  `json:"from" doc:"When the first of Observed began"`
	Observed []*float64 `json:"observed" doc:"By window, the last of which may not be over; null where nothing was seen of the entity; empty if there was nothing in any"`
	Bands    []Band     `json:"bands" doc:"As scores use them now, by hour of the day in UTC"`
	Findings []Marked   `json:"findings" doc:"Windows that led to a finding"`
}

// Marked is a window that led to a finding, and the band that it was held against.
type Marked struct {
	Time     time.Time `json:"time"`
	Observed float64   `json:"observed"`
	Low      float64   `json:"low"`
	High     float64   `json:"high"`
}

// First is something that an entity turned to for the first time.
type First struct {
	Signal string    `json:"signal"`
	Peer   Thing     `json:"peer"`
	Label  string    `json:"label,omitempty"`
	Time   time.Time `json:"time"`
}

// Progress is how far learning has come, in hours of telemetry.
type Progress struct {
	Entity int `json:"entity" doc:"That the entity has been known"`
	Estate int `json:"estate" doc:"That all that is ours has"`
	Full   int `json:"full" doc:"Of either, from which on nothing is damped; 0 if the entity is not learned"`
}

// Entity is an entity in full.
type Entity struct {
	Thing
	Group       string       `json:"group,omitempty" doc:"Without: all that is ours"`
	Compared    int          `json:"compared" doc:"How many are in the group"`
	First       time.Time    `json:"first"`
	Progress    Progress     `json:"progress"`
	Peers       []Thing      `json:"peers" doc:"Of the group, those whose habits are nearest, the nearest first"`
	Looked      int          `json:"looked" doc:"Among how many peers were looked for"`
	Identifiers []Identifier `json:"identifiers"`
	Signals     []Signal     `json:"signals"`
	Firsts      []First      `json:"firsts" doc:"New of the last 7 days, the newest first; at most 12"`
	Findings    []Finding    `json:"findings"`
	Cases       []Row        `json:"cases"`
}

func whole(e desk.Entity) Entity {
	out := Entity{
		Thing: thing(desk.EntityRow{Key: e.Key, Kind: e.Kind, Name: e.Name, Own: e.Own, Learned: e.Learned, Last: e.Last}), Group: e.Group, First: e.First.UTC(),
		Compared: e.Compared, Looked: e.Looked, Progress: Progress(e.Progress),
		Peers: []Thing{}, Identifiers: []Identifier{}, Signals: []Signal{}, Firsts: []First{}, Findings: []Finding{}, Cases: []Row{},
	}
	for _, p := range e.Peers {
		out.Peers = append(out.Peers, thing(p))
	}
	for _, i := range e.Identifiers {
		id := Identifier{i.Type.String(), i.Value, i.From.UTC(), nil, i.How}
		if !i.To.IsZero() {
			to := i.To.UTC()
			id.To = &to
		}
		out.Identifiers = append(out.Identifiers, id)
	}
	for _, g := range e.Signals {
		out.Signals = append(out.Signals, signal(g))
	}
	for _, f := range e.Firsts {
		out.Firsts = append(out.Firsts, First{f.Signal, thing(f.Peer), f.Label, f.Time.UTC()})
	}
	for _, f := range e.Findings {
		out.Findings = append(out.Findings, found(f, e.Names))
	}
	for _, r := range e.Incidents {
		out.Cases = append(out.Cases, row(r))
	}
	return out
}

// signal returns a signal. What is the same every day is said once.
func signal(g desk.Signal) Signal {
	s := Signal{
		Name: g.Name, Detector: g.Detector, Facet: g.Facet.String(), Unit: g.Unit, Reading: string(g.Reading), Window: g.Window.Seconds(), Known: g.Known,
		Observed: []*float64{}, Bands: []Band{}, Findings: []Marked{},
	}
	any := false
	for i := range g.Points {
		p := &g.Points[i]
		any = any || p.Observed > 0 || p.Finding
		if p.Finding {
			s.Findings = append(s.Findings, Marked{p.Time.UTC(), p.Observed, p.Low, p.High})
		}
		if i == 0 {
			s.From = p.Time.UTC()
		}
	}
	bands := map[int]Band{}
	for i := range g.Points {
		p := &g.Points[i]
		if !p.Finding || bands[p.Time.UTC().Hour()] == (Band{}) {
			bands[p.Time.UTC().Hour()] = Band{p.Low, p.High, p.Often, p.Own}
		}
		switch {
		case !any:
		case p.Missing:
			s.Observed = append(s.Observed, nil)
		default:
			s.Observed = append(s.Observed, &p.Observed)
		}
	}
	for h := range 24 {
		if b, ok := bands[h]; ok && g.Known {
			s.Bands = append(s.Bands, b)
		}
	}
	return s
}

// Source is where records come from: received = decoded + rejected + lost.
type Source struct {
	Name     string           `json:"name"`
	Kind     string           `json:"kind"`
	Format   string           `json:"format"`
	Received int64            `json:"received"`
	Decoded  int64            `json:"decoded"`
	Rejected int64            `json:"rejected"`
	Lost     int64            `json:"lost"`
	Late     int64            `json:"late" doc:"Events, among the decoded, that came more than five minutes after what followed them"`
	Ahead    int64            `json:"ahead" doc:"Events, among the decoded, whose time is ahead of the clock of this machine"`
	Reasons  map[string]int64 `json:"reasons" doc:"Why records were rejected"`
	First    time.Time        `json:"first"`
	Last     time.Time        `json:"last"`
	State    string           `json:"state" enum:"fine,gap,silent,failed,idle"`
	Says     string           `json:"says,omitempty"`
}

// Record is a record behind a finding.
type Record struct {
	Where  string  `json:"where"`
	Fields []Field `json:"fields"`
}

// Field is one kept field of a record.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Part is a part of the machine.
type Part struct {
	Name string `json:"name"`
	Fine bool   `json:"fine"`
	Says string `json:"says"`
}

// Health is how the machine does.
type Health struct {
	Fine  bool   `json:"fine"`
	Parts []Part `json:"parts"`
}

// Version is what program this is.
type Version struct {
	Version string `json:"version"`
}

// Budget is how many false incidents may be shown.
type Budget struct {
	PerThousand float64 `json:"per_thousand" minimum:"0.01" maximum:"100" doc:"False incidents per 1,000 entities and day"`
}

type findIn struct {
	Text   string `query:"q" maxLength:"200" doc:"A part of a name or address"`
	Sort   string `query:"sort" enum:"name,kind,learned,seen" doc:"Without: those seen last first"`
	Up     bool   `query:"up" doc:"The least first"`
	Cursor string `query:"cursor" maxLength:"500"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type recordIn struct {
	Source   uint32 `path:"source"`
	Position uint64 `path:"position"`
	Index    uint32 `path:"index"`
}

type budgetIn struct {
	Change
	Body Budget
}

func (s *server) things() {
	operation(s, http.MethodGet, "/api/entities", "Find entities", needs(auth.ReadIncidents), s.find)
	operation(s, http.MethodGet, "/api/entities/{id}", "Get an entity in full", needs(auth.ReadIncidents), s.entity)
	operation(s, http.MethodGet, "/api/sources", "List sources and their accounts", needs(auth.ReadIncidents), s.listSources)
	operation(s, http.MethodGet, "/api/records/{source}/{position}/{index}", "Get a record behind a finding", needs(auth.ReadIncidents), func(ctx context.Context, in *recordIn) (*body[Record], error) {
		r, err := s.Records.Record(ctx, who(ctx).Tenant(), finding.Ref{Source: in.Source, Position: in.Position, Index: in.Index})
		if err != nil {
			return nil, err
		}
		out := &body[Record]{Record{r.Where, []Field{}}}
		for _, f := range r.Fields {
			out.Body.Fields = append(out.Body.Fields, Field{f.Name, f.Value})
		}
		return out, nil
	})
	operation(s, http.MethodGet, "/api/health", "Get how the machine does", rule{known: true}, func(ctx context.Context, _ *nothing) (*body[Health], error) {
		parts, err := s.Overview.Health(ctx, who(ctx).Tenant())
		if err != nil {
			return nil, err
		}
		out := &body[Health]{Health{true, []Part{}}}
		for _, p := range parts {
			out.Body.Fine = out.Body.Fine && p.Fine
			out.Body.Parts = append(out.Body.Parts, Part{p.Name, p.Fine, p.Says})
		}
		return out, nil
	})
	operation(s, http.MethodGet, "/api/version", "Get what program this is", rule{known: true}, func(context.Context, *nothing) (*body[Version], error) {
		return &body[Version]{Version{s.Version}}, nil
	})
	operation(s, http.MethodGet, "/api/settings/budget", "Get the budget", rule{known: true}, func(ctx context.Context, _ *nothing) (*tagged[Budget], error) { return s.budget(ctx) })
	operation(s, http.MethodPut, "/api/settings/budget", "Change the budget", needs(auth.ManageSettings), func(ctx context.Context, in *budgetIn) (*tagged[Budget], error) {
		by, err := in.by(ctx)
		if err == nil {
			err = s.Settings.SetBudget(ctx, by, in.Body.PerThousand)
		}
		if err != nil {
			return nil, err
		}
		return s.budget(ctx)
	})
}

func (s *server) budget(ctx context.Context) (*tagged[Budget], error) {
	b, err := s.Settings.Budget(ctx, who(ctx).Tenant())
	if err != nil {
		return nil, err
	}
	return &tagged[Budget]{etag(b.Version), Budget{b.PerThousand}}, nil
}

// entity returns an entity. Nobody changes one, so its ETag is of what is said of it.
func (s *server) entity(ctx context.Context, in *getIn) (*tagged[Entity], error) {
	id, err := in.number()
	if err != nil {
		return nil, err
	}
	e, err := s.Entities.Entity(ctx, who(ctx).Tenant(), entity.Key(id))
	if err != nil {
		return nil, err
	}
	out := &tagged[Entity]{Body: whole(e)}
	text, err := json.Marshal(out.Body)
	if err != nil {
		return nil, fmt.Errorf("encoding an entity: %w", err)
	}
	sum := sha256.Sum256(text)
	out.ETag = `"` + hex.EncodeToString(sum[:12]) + `"`
	return out, in.unchanged(out.ETag)
}

func (s *server) find(ctx context.Context, in *findIn) (*body[Page[Thing]], error) {
	rows, next, err := s.Entities.Find(ctx, who(ctx).Tenant(), in.Text, desk.Order{By: in.Sort, Up: in.Up}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &body[Page[Thing]]{Page[Thing]{[]Thing{}, next}}
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, thing(r))
	}
	return out, nil
}

// listSources pages through what is one list: the cursor is the place in it.
func (s *server) listSources(ctx context.Context, in *struct {
	Cursor int `query:"cursor" minimum:"0"`
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"200"`
},
) (*body[Page[Source]], error) {
	all, err := s.Sources.Sources(ctx, who(ctx).Tenant())
	if err != nil {
		return nil, err
	}
	if in.Cursor > len(all) {
		return nil, fault.New(fault.Invalid, "the cursor is beyond the end")
	}
	end := min(len(all), in.Cursor+in.Limit)
	out := &body[Page[Source]]{Page[Source]{Items: []Source{}}}
	for _, o := range all[in.Cursor:end] {
		v := Source{o.Name, o.Kind, o.Format, o.Received, o.Decoded, o.Rejected, o.Lost, o.Late, o.Ahead, map[string]int64{}, o.First.UTC(), o.Last.UTC(), string(o.State), o.Says}
		for _, r := range o.Reasons {
			v.Reasons[r.Why] += r.Count
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	if end < len(all) {
		out.Body.Next = strconv.Itoa(end)
	}
	return out, nil
}
