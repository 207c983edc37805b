package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/incident"
)

// Condition is where an incident stands.
type Condition string

// The conditions.
const (
	IsOpen   Condition = "open"
	IsClosed Condition = "closed"
	IsMerged Condition = "merged" // it turned out to be part of another
)

// Name is what an entity of an incident is called.
type Name struct {
	Key  entity.Key `json:"key"`
	Name string     `json:"name"`
}

// Report is what the machine says about an incident.
type Report struct {
	Incident incident.Incident
	Title    string
	Names    []Name
}

// Case is an incident and what people have made of it.
type Case struct {
	Report
	Condition Condition
	Into      uint64 // the incident that a merged one is part of
	Assignee  string
	Verdict   incident.Verdict // of a person; empty if there is none
	JudgedBy  string
	JudgedAt  time.Time
	Version   uint64 // counts every change
	Created   time.Time
	Changed   time.Time
}

// last is the seq at which the latest row of an incident ends.
const last = math.MaxInt64

// record is an incident as it is stored.
type record struct {
	id                 uint64
	version            uint64
	condition          Condition
	merged             uint64
	assignee           string
	verdict, verdictBy string
	verdictAt          int64
	title              string
	body               body
	created, changed   int64
}

// get reads an incident.
func (t *Tenant) get(ctx context.Context, tx asker, id uint64) (r record, err error) {
	var id64, merged, version int64
	var text []byte
	err = one(tx.QueryRowContext(ctx, `SELECT id, version, state, merged, assignee, verdict, verdict_by, verdict_at, title, body, created, changed
		FROM incidents WHERE tenant = ? AND id = ?`, t.name, int64(id)), fmt.Sprintf("incident %d", id),
		&id64, &version, &r.condition, &merged, &r.assignee, &r.verdict, &r.verdictBy, &r.verdictAt, &r.title, &text, &r.created, &r.changed)
	if err != nil {
		return record{}, err
	}
	r.id, r.merged, r.version = uint64(id64), uint64(merged), uint64(version)
	if err := json.Unmarshal(text, &r.body); err != nil {
		return record{}, fault.Wrap(fault.Unreadable, fmt.Errorf("reading incident %d: %w", id, err))
	}
	return r, nil
}

// toCase decodes what the machine says.
func (r *record) toCase() (c Case, err error) {
	c = Case{
		Condition: r.condition, Into: r.merged, Assignee: r.assignee,
		Verdict: incident.Verdict(r.verdict), JudgedBy: r.verdictBy, JudgedAt: when(r.verdictAt),
		Version: r.version, Created: when(r.created), Changed: when(r.changed),
	}
	c.Title, c.Names = r.title, r.body.Names
	if c.Incident, err = r.body.incident(); err != nil {
		return Case{}, fault.Wrap(fault.Unreadable, fmt.Errorf("reading incident %d: %w", r.id, err))
	}
	return c, nil
}

// Incident returns an incident as it is now.
func (t *Tenant) Incident(ctx context.Context, id uint64) (c Case, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		r, err := t.get(ctx, tx, id)
		if err == nil {
			c, err = r.toCase()
		}
		return err
	})
	return c, err
}

// Upsert writes what the machine says about some incidents, in one transaction. It leaves
// alone what people have made of them. What it says already changes nothing, so the same
// reports can be written again, as after a replay. It returns how many were new or differ.
//
// Many reports at a time are much faster than one: each call waits for the disk once.
func (t *Tenant) Upsert(ctx context.Context, actor string, all ...Report) (changed int, err error) {
	err = t.writing(ctx, func(w *writer) error {
		changed = 0
		for i := range all {
			differs, err := w.upsert(ctx, actor, &all[i])
			if err != nil {
				return fmt.Errorf("incident %d: %w", all[i].Incident.ID, err)
			}
			if differs {
				changed++
			}
		}
		if changed == 0 {
			return nil
		}
		return w.forget(ctx, 2*changed+2)
	})
	if err != nil {
		return 0, fmt.Errorf("writing incidents: %w", err)
	}
	return changed, nil
}

func (w *writer) upsert(ctx context.Context, actor string, r *Report) (differs bool, err error) {
	now, err := newBody(r)
	if err != nil {
		return false, err
	}
	old, err := w.get(ctx, w, r.Incident.ID)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		fresh := record{id: r.Incident.ID, condition: IsOpen, title: r.Title, body: now}
		return true, w.put(ctx, nil, &fresh, step{actor, Opened, difference(nil, &now, r.Title)})
	case err != nil:
		return false, err
	}
	d := difference(&old.body, &now, r.Title)
	if d == nil && old.title == r.Title {
		return false, nil
	}
	if d == nil { // only the title
		d = &detail{Title: r.Title}
	}
	kind := Updated
	if d.Findings != nil && d.Findings.grows() {
		kind = FindingAdded
	}
	next := old
	next.title, next.body = r.Title, now
	return true, w.put(ctx, &old, &next, step{actor, kind, d})
}

// Merge says that an incident turned out to be part of another. What people wrote to it
// stays with it.
func (t *Tenant) Merge(ctx context.Context, actor string, from, into uint64) error {
	err := t.writing(ctx, func(w *writer) error {
		old, err := w.get(ctx, w, from)
		if err != nil || old.condition == IsMerged && old.merged == into {
			return err
		}
		if _, err := w.get(ctx, w, into); err != nil {
			return err
		}
		if from == into {
			return fault.New(fault.Invalid, "an incident cannot be part of itself")
		}
		next := old
		next.condition, next.merged = IsMerged, into
		return w.put(ctx, &old, &next, step{actor, Merged, &detail{Into: into}})
	})
	if err != nil {
		return fmt.Errorf("merging incident %d into %d: %w", from, into, err)
	}
	return nil
}

// tick moves the clock of the tenant on, and returns its new seq. The time of incidents
// never goes back, even if the clock of the machine does.
func (w *writer) tick(ctx context.Context) (seq int64, err error) {
	err = w.QueryRowContext(ctx, `INSERT INTO clocks VALUES (?, 1, 0, ?)
		ON CONFLICT (tenant) DO UPDATE SET seq = seq + 1, time = max(time, excluded.time) RETURNING seq, time`, w.name, w.date).Scan(&seq, &w.date)
	w.now = max(w.now, w.date)
	return seq, err
}

// put writes an incident, ends its row in the lists and begins another, and adds to its
// history. Old is nil for a new one.
func (w *writer) put(ctx context.Context, old, next *record, s step) error {
	seq, err := w.tick(ctx)
	if err != nil {
		return err
	}
	next.version, next.changed = next.version+1, w.date
	if old == nil {
		next.created = w.date
	}
	text, err := json.Marshal(next.body)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	err = w.exec(ctx, `INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, state = excluded.state, merged = excluded.merged,
		assignee = excluded.assignee, verdict = excluded.verdict, verdict_by = excluded.verdict_by, verdict_at = excluded.verdict_at,
		title = excluded.title, body = excluded.body, changed = excluded.changed`,
		w.name, int64(next.id), int64(next.version), string(next.condition), int64(next.merged), next.assignee, next.verdict, next.verdictBy, next.verdictAt,
		next.title, string(text), next.created, next.changed)
	if err != nil {
		return err
	}
	if err := w.list(ctx, seq, old, next); err != nil {
		return err
	}
	return w.remember(ctx, next, s)
}

// list brings the row and the entities of an incident up to date.
func (w *writer) list(ctx context.Context, seq int64, old, next *record) error {
	in, err := next.body.head()
	if err != nil {
		return err
	}
	var had []entity.Key
	if old != nil {
		was, err := old.body.head()
		if err != nil {
			return err
		}
		had = was.Entities
		if err := w.exec(ctx, `UPDATE incident_rows SET until = ?, retired = ? WHERE tenant = ? AND id = ? AND since = (
			SELECT max(since) FROM incident_rows WHERE tenant = ? AND id = ?)`, seq, max(w.date, 1), w.name, int64(next.id), w.name, int64(next.id)); err != nil {
			return err
		}
	}
	text, err := w.call(ctx, seq, old, next, in)
	if err != nil {
		return err
	}
	err = w.exec(ctx, `INSERT INTO incident_rows VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.name, int64(next.id), seq, int64(last), bit(in.Surfaced), ratio(in), in.Updated, in.Opened, in.Score, in.Confidence, in.Hidden, string(in.Verdict),
		string(next.condition), next.verdict, next.assignee, text, len(next.body.Findings), int64(next.version))
	if err != nil {
		return err
	}
	for _, e := range had {
		if !slices.Contains(in.Entities, e) {
			if err := w.exec(ctx, `UPDATE incident_entities SET until = ? WHERE tenant = ? AND entity = ? AND incident = ? AND until = ?`,
				seq, w.name, int64(e), int64(next.id), int64(last)); err != nil {
				return err
			}
		}
	}
	for _, e := range in.Entities {
		if !slices.Contains(had, e) {
			if err := w.exec(ctx, `INSERT INTO incident_entities VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				w.name, int64(e), int64(next.id), seq, int64(last)); err != nil {
				return err
			}
		}
	}
	return nil
}

// call brings what the incident is called up to date, and returns the number of the text.
func (w *writer) call(ctx context.Context, seq int64, old, next *record, in *incident.Incident) (n int64, err error) {
	text := search(next, in)
	if old != nil {
		var was string
		err := w.QueryRowContext(ctx, `SELECT n, search FROM incident_texts WHERE tenant = ? AND incident = ? AND until = ?`,
			w.name, int64(next.id), int64(last)).Scan(&n, &was)
		if err != nil || was == text && next.title == old.title && equalNames(next.body.Names, old.body.Names) {
			return n, err
		}
		if err := w.exec(ctx, `UPDATE incident_texts SET until = ? WHERE n = ?`, seq, n); err != nil {
			return 0, err
		}
	}
	names, err := json.Marshal(next.body.Names)
	if err != nil {
		return 0, fmt.Errorf("encoding: %w", err)
	}
	err = w.QueryRowContext(ctx, `INSERT INTO incident_texts (tenant, incident, until, title, names, search) VALUES (?, ?, ?, ?, ?, ?) RETURNING n`,
		w.name, int64(next.id), int64(last), next.title, string(names), text).Scan(&n)
	return n, err
}

// ratio is what incidents are ordered by: how far the risk is above the threshold.
func ratio(in *incident.Incident) float64 {
	if in.Threshold <= 0 {
		return 0
	}
	return in.Risk / in.Threshold
}

// search returns what a text is looked for in.
func search(r *record, in *incident.Incident) string {
	words := []string{r.title, strconv.FormatUint(r.id, 10), fmt.Sprintf("%x", r.id)}
	for _, n := range r.body.Names {
		words = append(words, n.Name)
	}
	for _, t := range in.Techniques {
		words = append(words, string(t))
	}
	return plain(strings.Join(words, "\n"))
}

// plain returns a text as it is looked for.
func plain(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?"))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// listsKept is how long a list that somebody pages through stands still.
const listsKept = 24 * time.Hour

// forget drops up to most rows of lists that nobody pages through any longer.
func (w *writer) forget(ctx context.Context, most int) error {
	rows, err := w.QueryContext(ctx, `DELETE FROM incident_rows WHERE rowid IN (
		SELECT rowid FROM incident_rows WHERE tenant = ? AND retired > 0 AND retired < ? ORDER BY retired, until LIMIT ?) RETURNING until`,
		w.name, w.date-int64(listsKept), most)
	var gone int64
	err = each(rows, err, func(r *sql.Rows) error {
		var until int64
		err := r.Scan(&until)
		gone = max(gone, until)
		return err
	})
	if err != nil || gone == 0 {
		return err
	}
	if err := w.exec(ctx, `DELETE FROM incident_texts WHERE tenant = ? AND until <= ? AND until < 9223372036854775807`, w.name, gone); err != nil {
		return err
	}
	return w.exec(ctx, `UPDATE clocks SET forgotten = max(forgotten, ?) WHERE tenant = ?`, gone, w.name)
}
