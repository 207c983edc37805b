package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"vedette/internal/fault"
	"vedette/internal/incident"
)

// Kind is what happened to an incident.
type Kind string

// The kinds of step in the history of an incident.
const (
	Opened       Kind = "opened"
	FindingAdded Kind = "finding added"
	Updated      Kind = "updated" // the machine sees it differently
	Judged       Kind = "judged"
	Noted        Kind = "noted"
	Assigned     Kind = "assigned"
	Closed       Kind = "closed"
	Reopened     Kind = "reopened"
	Merged       Kind = "merged"
)

// step is what is added to the history of an incident.
type step struct {
	actor string
	kind  Kind
	*detail
}

// detail is what a step changed: all that is needed to do it again.
type detail struct {
	Title    string           `json:"title,omitempty"`
	Head     json.RawMessage  `json:"incident,omitempty"`
	Findings *splice          `json:"findings,omitempty"`
	Links    *splice          `json:"links,omitempty"`
	Names    *[]Name          `json:"names,omitempty"`
	Verdict  incident.Verdict `json:"verdict,omitempty"`
	Reason   string           `json:"reason,omitempty"`
	Assignee string           `json:"assignee,omitempty"`
	Note     string           `json:"note,omitempty"`
	Into     uint64           `json:"into,omitempty"`
}

// Step is one thing that happened to an incident.
type Step struct {
	Incident uint64
	Version  uint64 // that it led to; also its place in the history
	Time     time.Time
	Actor    string
	Kind     Kind

	Title    string // since then
	Findings int    // how many were added or changed
	Score    int    // since then, if the machine sees it differently; else 0
	Verdict  incident.Verdict
	Reason   string
	Assignee string
	Note     string
	Into     uint64
}

// remember adds a step to the history.
func (w *writer) remember(ctx context.Context, r *record, s step) error {
	b, err := json.Marshal(s.detail)
	if err != nil {
		return fmt.Errorf("encoding the history: %w", err)
	}
	return w.exec(ctx, `INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)`,
		w.name, int64(r.id), int64(r.version), w.date, s.actor, string(s.kind), string(b))
}

// steps calls do for each step of an incident up to a time, in order.
func (t *Tenant) steps(ctx context.Context, tx *sql.Tx, id uint64, until int64, do func(Step, *detail) error) error {
	rows, err := tx.QueryContext(ctx, `SELECT n, time, actor, kind, detail FROM history WHERE tenant = ? AND incident = ? AND +time <= ? ORDER BY n`, // + keeps it from the index of times, which leads to all incidents
		t.name, int64(id), until)
	return each(rows, err, func(r *sql.Rows) error {
		s, d := Step{Incident: id}, detail{}
		var text []byte
		var n, time int64
		if err := r.Scan(&n, &time, &s.Actor, &s.Kind, &text); err != nil {
			return err
		}
		s.Version, s.Time = uint64(n), when(time)
		if err := json.Unmarshal(text, &d); err != nil {
			return fault.Wrap(fault.Unreadable, fmt.Errorf("reading step %d of incident %d: %w", n, id, err))
		}
		return do(s, &d)
	})
}

// History returns what happened to an incident, the first first.
func (t *Tenant) History(ctx context.Context, id uint64) (all []Step, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		return t.steps(ctx, tx, id, last, func(s Step, d *detail) error {
			s.Title, s.Verdict, s.Reason, s.Assignee, s.Note, s.Into = d.Title, d.Verdict, d.Reason, d.Assignee, d.Note, d.Into
			if d.Findings != nil {
				s.Findings = len(d.Findings.New)
			}
			if d.Head != nil {
				var head struct{ Score int }
				if err := json.Unmarshal(d.Head, &head); err != nil {
					return fault.Wrap(fault.Unreadable, fmt.Errorf("reading step %d of incident %d: %w", s.Version, id, err))
				}
				s.Score = head.Score
			}
			all = append(all, s)
			return nil
		})
	})
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, fmt.Sprintf("there is no incident %d", id))
	}
	return all, err
}

// IncidentAt returns an incident as it was known at a moment: what had been written by
// then. If it was not known, the error is of kind NotFound.
func (t *Tenant) IncidentAt(ctx context.Context, id uint64, moment time.Time) (c Case, err error) {
	r := record{id: id}
	err = t.reading(ctx, func(tx *sql.Tx) error {
		r = record{id: id}
		return t.steps(ctx, tx, id, moment.UnixNano(), r.replay)
	})
	if err != nil {
		return Case{}, err
	}
	if r.version == 0 {
		return Case{}, fault.New(fault.NotFound, fmt.Sprintf("incident %d was not known at %s", id, moment.UTC().Format(time.RFC3339)))
	}
	return r.toCase()
}

// replay does a step again.
func (r *record) replay(s Step, d *detail) error {
	r.version, r.changed = s.Version, at(s.Time)
	switch s.Kind {
	case Opened, Updated, FindingAdded:
		if r.created == 0 {
			r.created, r.condition = r.changed, IsOpen
		}
		r.title = d.Title
		if err := d.apply(&r.body); err != nil {
			return fault.Wrap(fault.Unreadable, fmt.Errorf("replaying step %d of incident %d: %w", s.Version, r.id, err))
		}
	case Judged:
		r.verdict, r.verdictBy, r.verdictAt = string(d.Verdict), s.Actor, r.changed
	case Assigned:
		r.assignee = d.Assignee
	case Closed:
		r.condition = IsClosed
	case Reopened:
		r.condition, r.merged = IsOpen, 0
	case Merged:
		r.condition, r.merged = IsMerged, d.Into
	}
	return nil
}
