package state

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"unicode/utf8"

	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/incident"
)

// Shown chooses between what was shown to people and what was not.
type Shown uint8

// The values of Shown.
const (
	Either   Shown = iota
	Surfaced       // shown to people
	Hidden         // kept back, with the reason
)

// Filter chooses incidents. The zero Filter chooses all that are not merged.
type Filter struct {
	Shown     Shown
	Condition Condition
	Entity    entity.Key // one that takes part
	Text      string     // words that all stand in the title, the names or the techniques
	Assignee  string
	Order     Order
}

// Row is an incident as it stands in a list.
type Row struct {
	ID         uint64
	Version    uint64
	Title      string
	Names      []Name
	Opened     int64 // Unix nanoseconds
	Updated    int64
	Score      int
	Ratio      float64 // of risk and threshold
	Confidence float64
	Surfaced   bool
	Hidden     string // why it is not surfaced
	Machine    incident.Verdict
	Verdict    incident.Verdict // of a person
	Condition  Condition
	Assignee   string
	Findings   int
}

// Page is a part of a list.
type Page struct {
	Rows []Row
	Next string // the cursor of the next page; empty if there is none
}

// maxPage is how many rows a page has at most.
const maxPage = 500

func clamp(n int) int { return min(max(n, 1), maxPage) }

// Incidents returns a page of the list of incidents: the surfaced first, then by how far
// the risk is above the threshold, then the one updated last; or in the order that the
// filter says. The cursor is that of the page before, or empty.
//
// A list that is being paged through stands still: its pages show each incident that was
// in the list when the first page was made, as it was then, once. That holds for a day;
// an older cursor gives an error of kind Conflict.
func (t *Tenant) Incidents(ctx context.Context, f Filter, cursor string, size int) (p Page, err error) {
	if !f.Order.known() {
		return Page{}, fault.New(fault.Invalid, fmt.Sprintf("incidents cannot be sorted by %q", f.Order.By))
	}
	c, err := readCursor(cursor, f)
	if err != nil {
		return Page{}, err
	}
	size = clamp(size)
	err = t.reading(ctx, func(tx *sql.Tx) error {
		if err := t.pin(ctx, tx, &c); err != nil {
			return err
		}
		rare, err := t.rare(ctx, tx, f.match())
		if err != nil {
			return err
		}
		query, args := t.listQuery(f, c, rare, size+1)
		p = Page{}
		rows, err := tx.QueryContext(ctx, query, args...)
		err = each(rows, err, func(r *sql.Rows) error {
			row, err := scanRow(r)
			p.Rows = append(p.Rows, row)
			return err
		})
		if err != nil || len(p.Rows) <= size {
			return err
		}
		p.Rows = p.Rows[:size]
		end := p.Rows[size-1]
		p.Next = c.after(end, f.Order).String()
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("listing incidents: %w", err)
	}
	return p, nil
}

// pin sets the moment that a new list stands for, and refuses one that is forgotten.
func (t *Tenant) pin(ctx context.Context, tx *sql.Tx, c *cursor) error {
	var seq, forgotten int64
	rows, err := tx.QueryContext(ctx, `SELECT seq, forgotten FROM clocks WHERE tenant = ?`, t.name)
	if err := each(rows, err, func(r *sql.Rows) error { return r.Scan(&seq, &forgotten) }); err != nil {
		return err
	}
	if !c.going {
		c.seq = seq
	}
	if c.seq < forgotten || c.seq > seq {
		return fault.New(fault.Conflict, "this list is too old to go on with; begin again")
	}
	return nil
}

// rareText is how many incidents may have a text in them for it to be rare.
const rareText = 1000

// rare reports whether few incidents have all words in them. Then the list begins with
// these, else it looks into each incident in its order until the page is full: either
// way it looks into few.
func (t *Tenant) rare(ctx context.Context, tx *sql.Tx, match string) (bool, error) {
	if match == "" {
		return false, nil
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM incident_search WHERE search MATCH ? LIMIT ?)`, match, t.s.rare).Scan(&n)
	return n < t.s.rare, err
}

// match returns the words in the language of the search; those of one or two letters are
// too short for it.
func (f Filter) match() string {
	var all []string
	for _, w := range f.words() {
		if utf8.RuneCountInString(w) >= 3 {
			all = append(all, `"`+strings.ReplaceAll(w, `"`, `""`)+`"`)
		}
	}
	return strings.Join(all, " AND ")
}

// listQuery returns the query of a page. SQLite is told where to begin: with the entity,
// which has few incidents, or the text, if it is rare, or else with the order.
func (t *Tenant) listQuery(f Filter, c cursor, rare bool, limit int) (string, []any) {
	var q strings.Builder
	var args []any
	add := func(s string, a ...any) { q.WriteString(s); args = append(args, a...) }
	add(`SELECT r.id, r.version, x.title, x.names, r.opened, r.updated, r.score, r.ratio, r.confidence, r.surfaced, r.hidden,
		r.concluded, r.verdict, r.state, r.assignee, r.findings FROM (SELECT r.rowid AS n FROM `)
	switch {
	case f.Entity != 0:
		add(`incident_entities e CROSS JOIN incident_rows r INDEXED BY incident_rows_id ON r.tenant = e.tenant AND r.id = e.incident
			WHERE e.tenant = ? AND e.entity = ? AND e.since <= ? AND e.until > ?`, t.name, int64(f.Entity), c.seq, c.seq)
	case rare:
		add(`incident_search s CROSS JOIN incident_texts x ON x.n = s.rowid AND x.tenant = ?
			CROSS JOIN incident_rows r INDEXED BY incident_rows_id ON r.tenant = x.tenant AND r.id = x.incident AND r.text = x.n
			WHERE s.search MATCH ?`, t.name, f.match())
	default:
		add(`incident_rows r INDEXED BY incident_rows_order WHERE r.tenant = ?`, t.name)
	}
	add(` AND r.since <= ? AND r.until > ?`, c.seq, c.seq)
	switch f.Shown {
	case Surfaced:
		add(` AND r.surfaced = 1`)
	case Hidden:
		add(` AND r.surfaced = 0`)
	}
	if f.Condition != "" {
		add(` AND r.state = ?`, string(f.Condition))
	} else {
		add(` AND r.state <> 'merged'`)
	}
	if f.Assignee != "" {
		add(` AND r.assignee = ?`, f.Assignee)
	}
	for _, word := range f.words() {
		add(` AND (SELECT instr(x.search, ?) FROM incident_texts x WHERE x.n = r.text) > 0`, word)
	}
	if c.going {
		where, place := c.beyond(f.Order)
		add(where, place...)
	}
	order := f.Order.clause()
	add(order+` LIMIT ?) p CROSS JOIN incident_rows r ON r.rowid = p.n CROSS JOIN incident_texts x ON x.n = r.text`+order, limit)
	return q.String(), args
}

// words returns what is looked for; at most eight.
func (f Filter) words() []string {
	w := strings.Fields(plain(f.Text))
	return w[:min(len(w), 8)]
}

func scanRow(r *sql.Rows) (row Row, err error) {
	var id, version int64
	var names []byte
	err = r.Scan(&id, &version, &row.Title, &names, &row.Opened, &row.Updated, &row.Score, &row.Ratio, &row.Confidence, &row.Surfaced, &row.Hidden,
		&row.Machine, &row.Verdict, &row.Condition, &row.Assignee, &row.Findings)
	if err != nil {
		return Row{}, err
	}
	row.ID, row.Version = uint64(id), uint64(version)
	if err := json.Unmarshal(names, &row.Names); err != nil {
		return Row{}, fault.Wrap(fault.Unreadable, fmt.Errorf("reading the names of incident %d: %w", row.ID, err))
	}
	return row, nil
}

// cursor is where a list goes on: behind a row, as of a seq.
type cursor struct {
	going    bool // false: at the beginning, now
	filter   uint64
	seq      int64
	surfaced int64
	ratio    float64
	updated  int64
	id       uint64
	number   float64 // what the list is sorted by, if it is a number
	word     string  // or a word
}

const cursorSize = 7 * 8 // and the word

// hash tells filters apart.
func (f Filter) hash() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %q %d %q %q %v", f.Shown, f.Condition, f.Entity, f.words(), f.Assignee, f.Order)
	return h.Sum64()
}

func (c cursor) after(r Row, o Order) cursor {
	number, word := o.value(r)
	return cursor{true, c.filter, c.seq, int64(bit(r.Surfaced)), r.Ratio, r.Updated, r.ID, number, word}
}

func (c cursor) String() string {
	b := make([]byte, 0, cursorSize)
	for _, n := range []uint64{c.filter, uint64(c.seq), uint64(c.surfaced), math.Float64bits(c.ratio), uint64(c.updated), c.id, math.Float64bits(c.number)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, c.word...))
}

func readCursor(s string, f Filter) (cursor, error) {
	if s == "" {
		return cursor{filter: f.hash()}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < cursorSize || len(b) > cursorSize && f.Order.By != ByAssignee {
		return cursor{}, fault.New(fault.Invalid, "this is not the cursor of a list")
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	c := cursor{true, n(0), int64(n(1)), int64(n(2)), math.Float64frombits(n(3)), int64(n(4)), n(5), math.Float64frombits(n(6)), string(b[cursorSize:])}
	if c.filter != f.hash() {
		return cursor{}, fault.New(fault.Invalid, "the cursor belongs to a list of something else")
	}
	return c, nil
}

// Counts says how many incidents there are.
type Counts struct {
	Open       int // surfaced and open
	Unassigned int // of these, nobody's
	Hidden     int // open and not surfaced
	Closed     int
}

// Counts returns how many incidents there are now.
func (t *Tenant) Counts(ctx context.Context) (c Counts, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		c = Counts{}
		rows, err := tx.QueryContext(ctx, `SELECT state, surfaced, assignee, count(*) FROM incident_rows INDEXED BY incident_rows_count
			WHERE tenant = ? AND retired = 0 GROUP BY 1, 2, 3`, t.name)
		return each(rows, err, func(r *sql.Rows) error {
			var state Condition
			var surfaced bool
			var assignee string
			var n int
			err := r.Scan(&state, &surfaced, &assignee, &n)
			switch {
			case state == IsClosed:
				c.Closed += n
			case state == IsOpen && !surfaced:
				c.Hidden += n
			case state == IsOpen:
				c.Open += n
				if assignee == "" {
					c.Unassigned += n
				}
			}
			return err
		})
	})
	if err != nil {
		return Counts{}, fmt.Errorf("counting incidents: %w", err)
	}
	return c, nil
}
