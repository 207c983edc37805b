package state

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/incident"
)

const (
	maxReason = 4 << 10  // bytes
	maxNote   = 64 << 10 // bytes
)

// onIncident makes a person's change to an incident, and returns its new version.
func (t *Tenant) onIncident(ctx context.Context, r Request, action string, id uint64, same any, do func(w *writer, old, next *record) (step, error)) (uint64, error) {
	c := change{Request: r, action: "incident." + action, target: fmt.Sprintf("incident/%d", id), same: same}
	detail := map[string]any{}
	c.detail = detail
	n, err := t.change(ctx, c, func(w *writer) (int64, error) {
		old, err := w.get(ctx, w, id)
		if err != nil {
			return 0, err
		}
		if err := r.checkVersion(old.version, "the incident"); err != nil {
			return 0, err
		}
		next := old
		s, err := do(w, &old, &next)
		if err != nil {
			return 0, err
		}
		s.actor = r.Actor
		if err := w.put(ctx, &old, &next, s); err != nil {
			return 0, err
		}
		detail["version"] = next.version
		return int64(next.version), w.forget(ctx, 4)
	})
	return uint64(n), err
}

// Judge writes a person's verdict on an incident and the reason for it. Where the person
// saw an earlier version, they judged something else, and the error is of kind Conflict.
func (t *Tenant) Judge(ctx context.Context, r Request, id uint64, verdict incident.Verdict, reason string) (version uint64, err error) {
	switch verdict {
	case incident.Malicious, incident.Suspicious, incident.Benign, incident.NeedsPerson:
	default:
		return 0, fault.New(fault.Invalid, fmt.Sprintf("%q is no verdict of a person", verdict))
	}
	if len(reason) > maxReason {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("the reason is longer than %d bytes; write a note", maxReason))
	}
	return t.onIncident(ctx, r, "judge", id, []string{string(verdict), reason}, func(w *writer, old, next *record) (step, error) {
		in, err := old.body.head()
		if err != nil {
			return step{}, err
		}
		next.verdict, next.verdictBy, next.verdictAt = string(verdict), r.Actor, w.date
		err = w.exec(ctx, `INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, w.name, int64(id), int64(old.version+1), w.date,
			r.Actor, string(verdict), reason, string(in.Verdict), in.Score, bit(in.Surfaced))
		return step{kind: Judged, detail: &detail{Verdict: verdict, Reason: reason}}, err
	})
}

// Note adds a note to an incident. Notes are never changed.
func (t *Tenant) Note(ctx context.Context, r Request, id uint64, text string) (version uint64, err error) {
	if text = strings.TrimSpace(text); text == "" || len(text) > maxNote {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("a note has 1 to %d bytes", maxNote))
	}
	return t.onIncident(ctx, r, "note", id, text, func(w *writer, old, _ *record) (step, error) {
		err := w.exec(ctx, `INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?)`, w.name, int64(id), int64(old.version+1), w.date, r.Actor, text)
		return step{kind: Noted, detail: &detail{Note: text}}, err
	})
}

// Assign gives an incident to somebody, or to nobody if the name is empty.
func (t *Tenant) Assign(ctx context.Context, r Request, id uint64, to string) (version uint64, err error) {
	return t.onIncident(ctx, r, "assign", id, to, func(w *writer, _, next *record) (step, error) {
		if to != "" {
			if _, err := w.user(ctx, w, to); err != nil {
				return step{}, err
			}
		}
		next.assignee = to
		return step{kind: Assigned, detail: &detail{Assignee: to}}, nil
	})
}

// Finish closes an incident.
func (t *Tenant) Finish(ctx context.Context, r Request, id uint64, reason string) (version uint64, err error) {
	return t.onIncident(ctx, r, "close", id, reason, func(_ *writer, old, next *record) (step, error) {
		if old.condition != IsOpen || len(reason) > maxReason {
			return step{}, fault.New(fault.Conflict, "only an open incident can be closed, with a short reason; it is "+string(old.condition))
		}
		next.condition = IsClosed
		return step{kind: Closed, detail: &detail{Reason: reason}}, nil
	})
}

// Reopen opens an incident again that was closed or merged.
func (t *Tenant) Reopen(ctx context.Context, r Request, id uint64, reason string) (version uint64, err error) {
	return t.onIncident(ctx, r, "reopen", id, reason, func(_ *writer, old, next *record) (step, error) {
		if old.condition == IsOpen || len(reason) > maxReason {
			return step{}, fault.New(fault.Conflict, "it is open")
		}
		next.condition, next.merged = IsOpen, 0
		return step{kind: Reopened, detail: &detail{Reason: reason}}, nil
	})
}

// Note is what somebody wrote to an incident.
type Note struct {
	Version uint64 // of the incident, after it
	Time    time.Time
	Author  string
	Text    string
}

// Notes returns the notes on an incident, the first first.
func (t *Tenant) Notes(ctx context.Context, id uint64) (all []Note, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT n, time, author, text FROM notes WHERE tenant = ? AND incident = ? ORDER BY n`, t.name, int64(id))
		return each(rows, err, func(r *sql.Rows) error {
			var n Note
			var version, time int64
			err := r.Scan(&version, &time, &n.Author, &n.Text)
			n.Version, n.Time = uint64(version), when(time)
			all = append(all, n)
			return err
		})
	})
	return all, err
}

// Verdict is what a person decided, beside what the machine said at the same moment.
type Verdict struct {
	Incident uint64
	Version  uint64 // of the incident, after it
	Time     time.Time
	Author   string
	Verdict  incident.Verdict
	Reason   string
	Machine  incident.Verdict
	Score    int
	Surfaced bool
}

// Verdicts returns the verdicts of people from a moment until before another, in order of
// time.
func (t *Tenant) Verdicts(ctx context.Context, from, until time.Time) (all []Verdict, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT incident, n, time, author, verdict, reason, concluded, score, surfaced FROM verdicts
			WHERE tenant = ? AND time >= ? AND time < ? ORDER BY time, rowid`, t.name, from.UnixNano(), until.UnixNano())
		return each(rows, err, func(r *sql.Rows) error {
			var v Verdict
			var id, version, time int64
			err := r.Scan(&id, &version, &time, &v.Author, &v.Verdict, &v.Reason, &v.Machine, &v.Score, &v.Surfaced)
			v.Incident, v.Version, v.Time = uint64(id), uint64(version), when(time)
			all = append(all, v)
			return err
		})
	})
	return all, err
}
