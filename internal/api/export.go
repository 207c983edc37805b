package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"vedette/internal/api/desk"
	"vedette/internal/attack"
	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

type exportIn struct {
	Pile   string `query:"pile" enum:"surfaced,hidden,closed" default:"surfaced"`
	Format string `query:"format" enum:"ocsf,ecs,csv" default:"ocsf" doc:"OCSF Detection Finding and ECS are one JSON object a line"`
}

// How many incidents are read at once: few at first, so that an answer begins soon.
const (
	exportFirst = 10
	exportPage  = 200
)

func (s *server) export() {
	operation(s, http.MethodGet, "/api/export/incidents", "Export incidents", needs(auth.Export), func(ctx context.Context, in *exportIn) (*huma.StreamResponse, error) {
		f := desk.Filter{Pile: desk.Pile(in.Pile)}
		tenant := who(ctx).Tenant()
		rows, next, err := s.Incidents.List(ctx, tenant, f, "", exportFirst)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(h huma.Context) {
			kind := "application/x-ndjson"
			if in.Format == "csv" {
				kind = "text/csv; charset=utf-8"
			}
			h.SetHeader("Content-Type", kind)
			h.SetHeader("Content-Disposition", `attachment; filename="incidents.`+map[bool]string{true: "csv", false: "ndjson"}[in.Format == "csv"]+`"`)
			write := s.writer(h.BodyWriter(), in.Format)
			for begun := false; ; {
				for _, r := range rows {
					c, err := s.Incidents.Get(ctx, tenant, r.ID)
					if fault.KindOf(err) == fault.NotFound && err != nil {
						continue // it is gone since the list was read
					}
					if err == nil {
						err = write(c)
					}
					if err != nil {
						s.cut(ctx, err)
					}
					if w, ok := h.BodyWriter().(http.ResponseWriter); ok && !begun {
						_ = http.NewResponseController(w).Flush() // an error is the reader's having gone
					}
					begun = true
				}
				if next == "" {
					return
				}
				if rows, next, err = s.Incidents.List(ctx, tenant, f, next, exportPage); err != nil {
					s.cut(ctx, err)
				}
			}
		}}, nil
	})
}

// cut ends an answer that has begun, so that nobody takes the part for the whole.
func (s *server) cut(ctx context.Context, err error) {
	s.options.Log.ErrorContext(ctx, "an export was cut off", "error", err)
	panic(http.ErrAbortHandler)
}

// writer returns what writes incidents one after the other.
func (s *server) writer(w io.Writer, format string) func(desk.Case) error {
	switch format {
	case "csv":
		return table(w)
	case "ecs":
		e := json.NewEncoder(w)
		return func(c desk.Case) error { return e.Encode(ecs(c)) }
	}
	e := json.NewEncoder(w)
	return func(c desk.Case) error { return e.Encode(ocsf(c, s.Version)) }
}

func table(w io.Writer) func(desk.Case) error {
	z := csv.NewWriter(w)
	head := []string{"id", "title", "state", "surfaced", "score", "confidence", "concluded", "verdict", "assignee", "opened", "updated", "findings", "techniques", "who"}
	first := true
	return func(c desk.Case) error {
		if first {
			if err := z.Write(head); err != nil {
				return err
			}
			first = false
		}
		r := row(c.Row)
		cells := []string{
			r.ID, r.Title, r.State, strconv.FormatBool(r.Surfaced), strconv.Itoa(r.Score), strconv.FormatFloat(r.Confidence, 'f', 3, 64), r.Concluded, r.Verdict, r.Assignee,
			r.Opened.Format(time.RFC3339), r.Updated.Format(time.RFC3339), strconv.Itoa(r.Findings), strings.Join(techniques(c.Body), " "), strings.Join(r.Who, " "),
		}
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		if err := z.Write(cells); err != nil {
			return err
		}
		z.Flush()
		return z.Error()
	}
}

// cell makes sure that a spreadsheet takes a text for a text, and not for a formula.
func cell(s string) string {
	s = narrate.Visible(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func techniques(i incident.Incident) (all []string) {
	for _, t := range i.Techniques {
		all = append(all, string(t))
	}
	return all
}

type object = map[string]any

// ocsf returns an incident as OCSF 1.4 Detection Finding (2004).
func ocsf(c desk.Case, version string) object {
	activity, status := 2, 1 // update, new
	switch {
	case c.Closed:
		activity, status = 3, 4 // close, resolved
	case c.Version <= 1:
		activity = 1
	case c.Assignee != "":
		status = 2 // in progress
	}
	var attacks, resources []object
	for _, id := range c.Body.Techniques {
		t := attack.Lookup(id)
		a := object{"technique": object{"uid": string(id), "name": t.Name}}
		if t.Tactic != attack.NoTactic {
			a["tactic"] = object{"name": t.Tactic.String()}
		}
		attacks = append(attacks, a)
	}
	for _, k := range c.Body.Entities {
		resources = append(resources, object{"uid": narrate.ID(uint64(k)), "name": narrate.Name(c.Names, k), "type": c.Names.Kind(k).String()})
	}
	severity := 2 + min(3, c.Score/25) // low to critical
	if !c.Surfaced {
		severity = 1
	}
	out := object{
		"class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "category_name": "Findings", "activity_id": activity, "type_uid": 200400 + activity,
		"time": c.Updated.UnixMilli(), "severity_id": severity, "status_id": status, "message": c.Title,
		"metadata":         object{"version": "1.4.0", "product": object{"name": "Vedette", "vendor_name": "Vedette", "version": version}},
		"confidence_score": int(100*c.Confidence + 0.5), "confidence_id": 1 + min(2, int(c.Confidence*3)), "risk_score": c.Score,
		"finding_info": object{
			"uid": narrate.ID(c.Row.ID), "title": c.Title, "desc": opening(c), "created_time": c.Opened.UnixMilli(), "modified_time": c.Updated.UnixMilli(),
			"first_seen_time": c.Body.Opened / 1e6, "last_seen_time": c.Body.Updated / 1e6, "attacks": list(attacks),
		},
		"resources": list(resources),
	}
	if c.Verdict != "" {
		out["verdict_id"] = verdictID(c.Verdict)
		out["comment"] = c.Reason
	}
	return out
}

// verdictID returns OCSF's number of a verdict.
func verdictID(v incident.Verdict) int {
	switch v {
	case incident.Malicious:
		return 2 // true positive
	case incident.Suspicious:
		return 4
	case incident.Benign:
		return 1 // false positive
	case incident.NeedsPerson, incident.Unjudged:
	}
	return 0
}

// ecs returns an incident as a document of the Elastic Common Schema.
func ecs(c desk.Case) object {
	names := make([]string, 0, len(c.Body.Techniques))
	for _, id := range c.Body.Techniques {
		names = append(names, attack.Lookup(id).Name)
	}
	return object{
		"@timestamp": c.Updated.UTC().Format(time.RFC3339Nano), "message": c.Title, "ecs": object{"version": "8.17.0"},
		"event": object{
			"kind": "alert", "category": []string{"intrusion_detection"}, "type": []string{"info"}, "id": narrate.ID(c.Row.ID), "module": "vedette", "dataset": "vedette.incident", "reason": opening(c),
			"start": moment(c.Body.Opened).Format(time.RFC3339Nano), "end": moment(c.Body.Updated).Format(time.RFC3339Nano), "risk_score": c.Score,
		},
		"threat":   object{"framework": "MITRE ATT&CK", "technique": object{"id": list(techniques(c.Body)), "name": names}},
		"related":  object{"hosts": list(c.Who)},
		"vedette":  object{"incident": row(c.Row)},
		"observer": object{"product": "Vedette", "type": "ids", "vendor": "Vedette"},
	}
}

func opening(c desk.Case) string { return narrate.Story(c.Body, c.Names)[0].Text }
