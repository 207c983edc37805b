package state

import (
	"bufio"
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// Record adds a row to the audit about something that changed nothing here: a capture
// that was opened, an export, an approval. Detail must not hold a secret.
func (t *Tenant) Record(ctx context.Context, r Request, action, target string, detail any) error {
	_, err := t.change(ctx, change{Request: r, action: action, target: target, detail: detail}, func(*writer) (int64, error) { return 0, nil })
	return err
}

// auditHead returns the end of the audit, and its seal.
func (t *Tenant) auditHead(ctx context.Context, tx asker) (h audit.Head, seal []byte, err error) {
	h = audit.Start(t.name)
	rows, err := tx.QueryContext(ctx, `SELECT seq, hash, seal FROM audit_heads WHERE tenant = ?`, t.name)
	err = each(rows, err, func(r *sql.Rows) (err error) {
		var seq int64
		var sum []byte
		if err := r.Scan(&seq, &sum, &seal); err != nil {
			return err
		}
		h.Seq = uint64(seq)
		h.Hash, err = hash(sum)
		return err
	})
	return h, seal, err
}

// AuditHead returns the end of the audit as it is now. Printed, sent or noted elsewhere it
// proves later that nothing before it was changed.
func (t *Tenant) AuditHead(ctx context.Context) (h audit.Head, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		h, _, err = t.auditHead(ctx, tx)
		return err
	})
	return h, err
}

const auditColumns = `seq, time, actor, action, target, detail, prev, hash`

func scanEntry(r *sql.Rows) (e audit.Entry, err error) {
	var seq int64
	var prev, sum []byte
	if err := r.Scan(&seq, &e.Time, &e.Actor, &e.Action, &e.Target, &e.Detail, &prev, &sum); err != nil {
		return audit.Entry{}, err
	}
	e.Seq = uint64(seq)
	var errPrev, errHash error
	e.Prev, errPrev = hash(prev)
	e.Hash, errHash = hash(sum)
	return e, errors.Join(errPrev, errHash)
}

// AuditFilter chooses rows of the audit. What is empty does not count.
type AuditFilter struct {
	Actor       string
	Action      string // or what it begins with, such as "incident."
	Target      string
	From, Until time.Time
	Before      uint64 // seq: where the page before ended
}

// Audit returns the latest rows of the audit that fit, the latest first.
func (t *Tenant) Audit(ctx context.Context, f AuditFilter, most int) (all []audit.Entry, err error) {
	var q strings.Builder
	args := []any{t.name}
	add := func(on bool, s string, a any) {
		if on {
			q.WriteString(s)
			args = append(args, a)
		}
	}
	add(f.Actor != "", ` AND actor = ?`, f.Actor)
	add(f.Action != "", ` AND substr(action, 1, length(?2)) = ?2`, f.Action)
	add(f.Target != "", ` AND target = ?`, f.Target)
	add(!f.From.IsZero(), ` AND time >= ?`, at(f.From))
	add(!f.Until.IsZero(), ` AND time < ?`, at(f.Until))
	add(f.Before != 0, ` AND seq < ?`, int64(f.Before))
	where := strings.ReplaceAll(q.String(), "?2", fmt.Sprintf("?%d", 2+bit(f.Actor != "")))
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT `+auditColumns+` FROM audit WHERE tenant = ?`+where+fmt.Sprintf(` ORDER BY seq DESC LIMIT %d`, clamp(most)), args...)
		return each(rows, err, func(r *sql.Rows) error {
			e, err := scanEntry(r)
			all = append(all, e)
			return err
		})
	})
	return all, err
}

// trail yields the audit behind an entry, as a transaction sees it.
func (t *Tenant) trail(ctx context.Context, tx *sql.Tx, after uint64) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		stop := errors.New("enough")
		rows, err := tx.QueryContext(ctx, `SELECT `+auditColumns+` FROM audit WHERE tenant = ? AND seq > ? ORDER BY seq`, t.name, int64(after))
		err = each(rows, err, func(r *sql.Rows) error {
			e, err := scanEntry(r)
			if err == nil && !yield(e, nil) {
				return stop
			}
			return err
		})
		if err != nil && !errors.Is(err, stop) {
			yield(audit.Entry{}, err)
		}
	}
}

// VerifyAudit follows the audit from its beginning to its end, and returns the end. The
// error says where it was tampered with: an [audit.Break].
func (t *Tenant) VerifyAudit(ctx context.Context) (h audit.Head, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		h, err = t.verify(ctx, tx, audit.Start(t.name), audit.Head{})
		return err
	})
	return h, err
}

// VerifyAuditSince does the same, and checks that the audit leads through a head that was
// noted earlier.
func (t *Tenant) VerifyAuditSince(ctx context.Context, noted audit.Head) (h audit.Head, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		h, err = t.verify(ctx, tx, audit.Start(t.name), noted)
		return err
	})
	return h, err
}

// VerifyAuditFrom does the same from a head that was verified earlier: it is quick, and sees
// nothing of what was changed before.
func (t *Tenant) VerifyAuditFrom(ctx context.Context, from audit.Head) (h audit.Head, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		h, err = t.verify(ctx, tx, from, audit.Head{})
		return err
	})
	return h, err
}

func (t *Tenant) verify(ctx context.Context, tx *sql.Tx, from, noted audit.Head) (audit.Head, error) {
	want, seal, err := t.auditHead(ctx, tx)
	if err != nil {
		return want, err
	}
	through := noted.Seq == 0
	end, err := audit.Verify(from, func(yield func(audit.Entry, error) bool) {
		for e, err := range t.trail(ctx, tx, from.Seq) {
			if e.Seq == noted.Seq && e.Hash == noted.Hash {
				through = true
			}
			if !yield(e, err) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return end, err
	case end.Seq < want.Seq:
		return end, &audit.Break{Seq: end.Seq + 1, Why: fmt.Sprintf("is missing, and all after it: there were %d", want.Seq)}
	case end != want:
		return end, &audit.Break{Seq: want.Seq + 1, Why: "was put behind the end"}
	case end.Seq > 0 && !t.s.keyless && !hmac.Equal(seal, t.s.keys.sealHead(t.name, end)):
		return end, &audit.Break{Seq: end.Seq, Why: "carries a wrong seal: the chain was written by somebody without the key"}
	case !through:
		return end, &audit.Break{Seq: noted.Seq, Why: "is not the one that was noted: the chain was written anew, or cut short"}
	}
	return end, nil
}

// exported is a row of the audit as it is exported.
type exported struct {
	Seq    uint64 `json:"seq"`
	Time   string `json:"time"`
	Actor  string `json:"actor"`
	Action string `json:"action"`
	Target string `json:"target"`
	Detail string `json:"detail,omitempty"`
	Prev   string `json:"prev"`
	Hash   string `json:"hash"`
}

// ExportAudit writes the audit as lines of JSON, one a row, from which anybody can verify
// the chain: the times have all their nanoseconds.
func (t *Tenant) ExportAudit(ctx context.Context, to io.Writer) (n int, err error) {
	out := bufio.NewWriter(to)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	err = t.reading(ctx, func(tx *sql.Tx) error {
		n = 0
		for e, err := range t.trail(ctx, tx, 0) {
			if err == nil {
				err = enc.Encode(exported{
					e.Seq, time.Unix(0, e.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), e.Actor, e.Action, e.Target, e.Detail,
					hex.EncodeToString(e.Prev[:]), hex.EncodeToString(e.Hash[:]),
				})
			}
			if err != nil {
				return err
			}
			n++
		}
		return out.Flush()
	})
	if err != nil {
		return n, fmt.Errorf("exporting the audit: %w", err)
	}
	return n, nil
}

// ReadExport yields the rows that ExportAudit wrote, so that [audit.Verify] can check
// them without the store.
func ReadExport(from io.Reader) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		dec := json.NewDecoder(from)
		for {
			var x exported
			if err := dec.Decode(&x); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				yield(audit.Entry{}, fault.Wrap(fault.Unreadable, fmt.Errorf("reading an exported audit: %w", err)))
				return
			}
			e, err := x.entry()
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (x *exported) entry() (e audit.Entry, err error) {
	when, err := time.Parse(time.RFC3339Nano, x.Time)
	prev, errPrev := hex.DecodeString(x.Prev)
	sum, errHash := hex.DecodeString(x.Hash)
	if err = errors.Join(err, errPrev, errHash); err != nil {
		return e, fault.Wrap(fault.Unreadable, fmt.Errorf("reading row %d of an exported audit: %w", x.Seq, err))
	}
	e = audit.Entry{Seq: x.Seq, Time: when.UnixNano(), Actor: x.Actor, Action: x.Action, Target: x.Target, Detail: x.Detail}
	e.Prev, errPrev = hash(prev)
	e.Hash, errHash = hash(sum)
	return e, errors.Join(errPrev, errHash)
}
