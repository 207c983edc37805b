// Package state keeps what people and the machine must not forget beside telemetry:
// incidents and their history, people, the audit, settings, secrets, and the accounts of
// sources. It is one SQLite file.
//
// # Who sees what
//
// All methods but those about the whole file belong to a [Tenant], and every key begins
// with it. There is one writer and some readers; readers see what was committed when they
// began, and never wait. What a method has written is on the disk when it returns.
//
// # Changes
//
// What a person changes is written in one transaction with its row of the audit. A
// [Request] says who asks; with a key it can be made again without effect, and with a
// version it fails with kind Conflict if the thing has changed since. What the machine
// writes (incidents, accounts of sources) is the same however often it is written.
//
// # Secrets
//
// Passwords, sessions, tokens and codes come here as hashes. What must be read again, such
// as a credential, is sealed with a key that is not in the file. A [Secret] cannot be
// printed.
package state

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// Options are what the store is given from outside.
type Options struct {
	Key  []byte           // 32 bytes, see [ReadKey]
	Now  func() time.Time // the clock
	Date func() time.Time // when incidents are opened and judged; nil is Now. A replay has another date than the clock
	Keep string           // the role of which one person must stay able to sign in; empty for none
}

func (o Options) valid() error {
	if len(o.Key) != keySize || o.Now == nil {
		return fault.New(fault.Invalid, "the store needs a key of 32 bytes and a clock")
	}
	return nil
}

// Store is an open state file. Its methods may be called from any goroutine.
type Store struct {
	path    string
	options Options
	keys    keys
	keyless bool    // the key is not here: seals cannot be checked
	write   *sql.DB // one connection
	read    *sql.DB
	rare    int // rareText, but in tests
}

// Tenant is the part of a store that belongs to one tenant.
type Tenant struct {
	s    *Store
	name string
}

// Tenant returns the part of a tenant. It costs nothing.
func (s *Store) Tenant(name string) *Tenant { return &Tenant{s, name} }

// Close closes the file. Reads and writes that are under way are waited for.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close()) // the writer last: it empties the log
}

// Request says who asks for a change, and how.
type Request struct {
	Actor   string // the name of a person or token, or a part of the machine
	Key     string // the same for the same request made again; empty: each is another
	Version uint64 // of what the actor saw; 0: whatever it is now
}

// requestsKept is how long a key is remembered.
const requestsKept = 7 * 24 * time.Hour

// change is a request as it is written down.
type change struct {
	Request
	action, target string
	detail         any // JSON for the audit; nil for none
	same           any // what else makes it the same request; never stored, only its hash
}

// change makes a change: it calls do in a transaction, and writes it into the audit in
// the same. If the request was made before, it returns what do returned then.
func (t *Tenant) change(ctx context.Context, c change, do func(w *writer) (int64, error)) (result int64, err error) {
	if c.Actor == "" {
		return 0, fault.New(fault.Invalid, c.action+": nobody asks for it")
	}
	err = t.writing(ctx, func(w *writer) error {
		digest, err := w.digest(c)
		if err != nil {
			return err
		}
		done, err := w.before(ctx, c.Key, digest, &result)
		if done || err != nil {
			return err
		}
		if result, err = do(w); err != nil {
			return err
		}
		if c.Key != "" {
			if err := w.exec(ctx, `INSERT INTO requests VALUES (?, ?, ?, ?, ?)`, t.name, c.Key, digest, result, w.now); err != nil {
				return err
			}
		}
		return w.audit(ctx, c.Actor, c.action, c.target, c.detail)
	})
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", c.action, c.target, err)
	}
	return result, nil
}

// writer is a transaction of the one writer.
type writer struct {
	*Tenant
	tx   *sql.Tx
	now  int64                // by the clock
	date int64                // of incidents
	said map[string]*sql.Stmt // by their text; they end with the transaction
}

// writer returns what writes for a tenant now.
func (s *Store) writer(t *Tenant, tx *sql.Tx) *writer {
	w := &writer{Tenant: t, tx: tx, now: s.options.Now().UnixNano(), said: map[string]*sql.Stmt{}}
	if w.date = w.now; s.options.Date != nil {
		w.date = s.options.Date().UnixNano()
	}
	return w
}

// asker is a transaction that can be asked: a reader's, or the writer.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// writing calls do in a transaction, which is rolled back if do fails.
func (t *Tenant) writing(ctx context.Context, do func(w *writer) error) error {
	if t.name == "" {
		return fault.New(fault.Invalid, "no tenant")
	}
	tx, err := t.s.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := do(t.s.writer(t, tx)); err != nil {
		return explain(err)
	}
	return explain(tx.Commit())
}

// reading calls do in a transaction that sees one moment.
func (t *Tenant) reading(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := t.s.read.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() // nothing was written
	return explain(do(tx))
}

// say returns a statement, prepared: in a batch parsing them again would be a fifth of
// the work.
func (w *writer) say(ctx context.Context, query string) (stmt *sql.Stmt, err error) {
	if stmt = w.said[query]; stmt == nil {
		if stmt, err = w.tx.PrepareContext(ctx, query); err == nil {
			w.said[query] = stmt
		}
	}
	return stmt, err
}

// QueryContext implements asker.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := w.say(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext implements asker.
func (w *writer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := w.say(ctx, query)
	if err != nil {
		return w.tx.QueryRowContext(ctx, query, args...) // fails in the same way, and can say so
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (w *writer) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.touched(ctx, query, args...)
	return err
}

// touched runs a statement and returns how many rows it changed.
func (w *writer) touched(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := w.say(ctx, query)
	if err != nil {
		return 0, err
	}
	r, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// digest returns what tells one request from another. Its key is secret, since what is
// hashed may be.
func (w *writer) digest(c change) ([]byte, error) {
	b, err := json.Marshal([]any{c.Actor, c.Version, c.action, c.target, c.detail, c.same})
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	return w.s.keys.mac(w.s.keys.requests, w.name, b), nil
}

// before reports whether the request was made before, and sets the result.
func (w *writer) before(ctx context.Context, key string, digest []byte, result *int64) (bool, error) {
	if key == "" {
		return false, nil
	}
	if len(key) > 256 {
		return false, fault.New(fault.Invalid, "the key of the request is longer than 256 bytes")
	}
	if err := w.exec(ctx, `DELETE FROM requests WHERE tenant = ? AND time < ?`, w.name, w.now-int64(requestsKept)); err != nil {
		return false, err
	}
	var was []byte
	err := w.QueryRowContext(ctx, `SELECT digest, result FROM requests WHERE tenant = ? AND key = ?`, w.name, key).Scan(&was, result)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case string(was) != string(digest):
		return false, fault.New(fault.Conflict, "the key of the request was used for another one")
	}
	return true, nil
}

// audit adds a row to the audit.
func (w *writer) audit(ctx context.Context, actor, action, target string, detail any) error {
	e := audit.Entry{Time: w.now, Actor: actor, Action: action, Target: target}
	if detail != nil {
		b, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("encoding for the audit: %w", err)
		}
		e.Detail = string(b)
	}
	head, _, err := w.auditHead(ctx, w)
	if err != nil {
		return err
	}
	head = head.Next(&e)
	if err := w.exec(ctx, `INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.name, int64(e.Seq), e.Time, e.Actor, e.Action, e.Target, e.Detail, e.Prev[:], e.Hash[:]); err != nil {
		return err
	}
	return w.exec(ctx, `INSERT INTO audit_heads VALUES (?, ?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, seal = excluded.seal`,
		w.name, int64(head.Seq), head.Hash[:], w.s.keys.sealHead(w.name, head))
}

// one reads one row, and returns an error of kind NotFound if there is none.
func one(row *sql.Row, what string, into ...any) error {
	err := row.Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "there is no "+what)
	}
	return err
}

// each calls scan for each row.
func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// checkVersion returns an error of kind Conflict if the actor saw another version.
func (r Request) checkVersion(now uint64, what string) error {
	if r.Version != 0 && r.Version != now {
		return fault.New(fault.Conflict, fmt.Sprintf("%s has changed meanwhile: it is at version %d, and you saw %d", what, now, r.Version))
	}
	return nil
}

// at returns a time as it is stored.
func at(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// when returns a stored time.
func when(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// hash returns 32 bytes that were read, or an error if they are not.
func hash(b []byte) (h [sha256.Size]byte, err error) {
	if len(b) != len(h) {
		return h, fault.New(fault.Unreadable, fmt.Sprintf("a hash in the state file has %d bytes", len(b)))
	}
	return [sha256.Size]byte(b), nil
}
