package report

import (
	"encoding/json"
	"io"
	"math"
	"time"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// The objects of --json, in the order in which they are written. Their fields are a
// contract: see docs/analyze.md.

type sourceJSON struct {
	Type     string           `json:"type"`
	Path     string           `json:"path"`
	Format   string           `json:"format"`
	Records  int64            `json:"records"`
	Events   int64            `json:"events"`
	Rejected int64            `json:"rejected"`
	Reasons  map[string]int64 `json:"reasons"` // encoding/json sorts the keys
	Datasets map[string]int64 `json:"datasets,omitempty"`
	First    *string          `json:"first"` // null without events
	Last     *string          `json:"last"`
}

type findingJSON struct {
	Type       string      `json:"type"`
	ID         string      `json:"id"`
	Time       string      `json:"time"`
	Entity     string      `json:"entity"`
	Peers      []string    `json:"peers"`
	Facet      string      `json:"facet"`
	Detector   string      `json:"detector"`
	Nats       float64     `json:"nats"`
	Techniques []attack.ID `json:"techniques"`
	Why        string      `json:"why"`
	Evidence   []string    `json:"evidence"`
}

type incidentJSON struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Opened     string         `json:"opened"`
	Updated    string         `json:"updated"`
	Score      int            `json:"score"`
	Surfaced   bool           `json:"surfaced"`
	Verdict    string         `json:"verdict"`
	Confidence float64        `json:"confidence"`
	Title      string         `json:"title"`
	Entities   []string       `json:"entities"`
	Techniques []attack.ID    `json:"techniques"`
	Phases     []string       `json:"phases"`
	Findings   []string       `json:"findings"`
	Narrative  []sentenceJSON `json:"narrative"`
	Hypotheses []struct{}     `json:"hypotheses"` // none are tested yet
	Proposals  []struct{}     `json:"proposals"`  // none are made yet
}

type sentenceJSON struct {
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}

type summaryJSON struct {
	Type      string  `json:"type"`
	Records   int64   `json:"records"`
	Events    int64   `json:"events"`
	Rejected  int64   `json:"rejected"`
	Seconds   float64 `json:"seconds"`
	Entities  int     `json:"entities"`
	Findings  int     `json:"findings"`
	Incidents int     `json:"incidents"`
	Surfaced  int     `json:"surfaced"`
	Learning  float64 `json:"learning"`
}

// JSON writes the report as one object a line: sources, findings, incidents, and a
// summary, each with its type. Names are written as people see them, with what does not
// print made visible.
func JSON(w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range r.Sources {
		if err := enc.Encode(toSource(s)); err != nil {
			return err
		}
	}
	for _, f := range r.Findings {
		if err := enc.Encode(r.toFinding(f)); err != nil {
			return err
		}
	}
	for _, i := range r.Incidents {
		if err := enc.Encode(r.toIncident(i)); err != nil {
			return err
		}
	}
	return enc.Encode(summaryJSON{
		"summary", r.Records, r.Events, r.Rejected, figure(r.Seconds), r.Entities,
		len(r.Findings), len(r.Incidents), r.surfaced(), figure(r.Learning),
	})
}

func toSource(s Source) sourceJSON {
	j := sourceJSON{
		Type: "source", Path: narrate.Visible(s.Path), Format: narrate.Visible(s.Format),
		Records: s.Records, Events: s.Events, Rejected: s.Rejected, Reasons: map[string]int64{}, Datasets: s.Datasets,
	}
	for reason, n := range s.Reasons { // in any order: equal reasons are added up
		j.Reasons[narrate.Visible(reason)] += n
	}
	if s.Events > 0 && s.Last != 0 {
		first, last := stamp(s.First), stamp(s.Last)
		j.First, j.Last = &first, &last
	}
	return j
}

func (r Report) toFinding(f finding.Finding) findingJSON {
	j := findingJSON{
		Type: "finding", ID: narrate.ID(f.ID), Time: stamp(f.Time), Entity: r.name(f.Entity), Peers: []string{},
		Facet: f.Facet.String(), Detector: f.Detector, Nats: figure(f.Nats), Techniques: f.Techniques,
		Why: narrate.Why(f, r.Names), Evidence: r.where(f.Evidence),
	}
	for _, p := range f.Peers {
		j.Peers = append(j.Peers, r.name(p.Key))
	}
	if j.Techniques == nil {
		j.Techniques = []attack.ID{}
	}
	return j
}

func (r Report) toIncident(i incident.Incident) incidentJSON {
	j := incidentJSON{
		Type: "incident", ID: narrate.ID(i.ID), Opened: stamp(i.Opened), Updated: stamp(i.Updated), Score: i.Score,
		Surfaced: i.Surfaced, Verdict: string(i.Verdict), Confidence: figure(i.Confidence),
		Title: narrate.Title(i, r.Names), Techniques: i.Techniques,
		Entities: []string{}, Phases: []string{}, Findings: []string{}, Narrative: []sentenceJSON{},
		Hypotheses: []struct{}{}, Proposals: []struct{}{},
	}
	for _, k := range i.Entities {
		j.Entities = append(j.Entities, r.name(k))
	}
	for _, p := range i.Phases {
		j.Phases = append(j.Phases, p.String())
	}
	for _, f := range i.Findings {
		j.Findings = append(j.Findings, narrate.ID(f.ID))
	}
	for _, s := range narrate.Story(i, r.Names) {
		j.Narrative = append(j.Narrative, sentenceJSON{s.Text, r.where(s.Evidence)})
	}
	if j.Techniques == nil {
		j.Techniques = []attack.ID{}
	}
	return j
}

// name returns what the entity is called, whole.
func (r Report) name(k entity.Key) string {
	if s := r.Names.Name(k); s != "" {
		return narrate.Visible(s)
	}
	return narrate.Name(r.Names, k)
}

func (r Report) where(refs []finding.Ref) []string {
	all := make([]string, 0, len(refs))
	for _, e := range refs {
		all = append(all, narrate.Visible(r.Names.Where(e)))
	}
	return all
}

func (r Report) surfaced() (n int) {
	for _, i := range r.Incidents {
		if i.Surfaced {
			n++
		}
	}
	return n
}

func stamp(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339Nano) }

// figure rounds to a millionth, and makes a number of what is none.
func figure(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return 0
	case math.Abs(x) > 1e15:
		return math.Copysign(1e15, x)
	}
	return math.Round(x*1e6) / 1e6
}
