package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
)

// Setting is a value that people set, at one of its versions.
type Setting struct {
	Name    string
	Value   string // as its owner understands it
	Version uint64 // from 1
	Author  string
	Time    time.Time
}

// maxSetting is how many bytes a setting, or a secret, has at most.
const maxSetting = 1 << 20

// Set writes a setting, and returns its new version. The earlier versions stay.
func (t *Tenant) Set(ctx context.Context, r Request, name, value string) (version uint64, err error) {
	detail := map[string]any{}
	c := change{Request: r, action: "setting.set", target: "setting/" + name, detail: detail, same: value}
	n, err := t.change(ctx, c, func(w *writer) (int64, error) {
		if name == "" || len(value) > maxSetting {
			return 0, fault.New(fault.Invalid, fmt.Sprintf("a setting has a name and at most %d bytes", maxSetting))
		}
		var now int64
		err := w.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM settings WHERE tenant = ? AND name = ?`, w.name, name).Scan(&now)
		if err == nil {
			err = r.checkVersion(uint64(now), "the setting")
		}
		if err == nil {
			err = w.exec(ctx, `UPDATE settings SET latest = 0 WHERE tenant = ? AND name = ? AND latest = 1`, w.name, name)
		}
		if err == nil {
			err = w.exec(ctx, `INSERT INTO settings VALUES (?, ?, ?, ?, ?, ?, 1)`, w.name, name, now+1, value, r.Actor, w.now)
		}
		detail["version"] = now + 1
		return now + 1, err
	})
	return uint64(n), err
}

func (t *Tenant) settings(ctx context.Context, where string, args ...any) (all []Setting, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT name, value, version, author, time FROM settings WHERE tenant = ? AND `+where, append([]any{t.name}, args...)...)
		return each(rows, err, func(r *sql.Rows) error {
			var s Setting
			var version, time int64
			err := r.Scan(&s.Name, &s.Value, &version, &s.Author, &time)
			s.Version, s.Time = uint64(version), when(time)
			all = append(all, s)
			return err
		})
	})
	return all, err
}

// Setting returns a setting as it is now.
func (t *Tenant) Setting(ctx context.Context, name string) (Setting, error) {
	all, err := t.settings(ctx, `name = ? AND latest = 1`, name)
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, fmt.Sprintf("there is no setting %q", name))
	}
	if err != nil {
		return Setting{}, err
	}
	return all[0], nil
}

// Settings returns all settings as they are now, by name.
func (t *Tenant) Settings(ctx context.Context) ([]Setting, error) {
	return t.settings(ctx, `latest = 1 ORDER BY name`)
}

// SettingHistory returns all versions of a setting, the latest first.
func (t *Tenant) SettingHistory(ctx context.Context, name string) ([]Setting, error) {
	return t.settings(ctx, `name = ? ORDER BY version DESC`, name)
}

// PutSecret stores a secret, sealed.
func (t *Tenant) PutSecret(ctx context.Context, r Request, name string, s Secret) error {
	plain := s.Reveal()
	c := change{Request: r, action: "secret.put", target: "secret/" + name, same: plain}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		if name == "" || len(plain) == 0 || len(plain) > maxSetting {
			return 0, fault.New(fault.Invalid, fmt.Sprintf("a secret has a name and 1 to %d bytes", maxSetting))
		}
		return 0, w.exec(ctx, `INSERT INTO secrets VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed, author = excluded.author, time = excluded.time`,
			w.name, name, w.s.keys.seal(w.name, "secret", name, plain), r.Actor, w.now)
	})
	return err
}

// Secret returns a secret.
func (t *Tenant) Secret(ctx context.Context, name string) (s Secret, err error) {
	var sealed []byte
	err = t.reading(ctx, func(tx *sql.Tx) error {
		return one(tx.QueryRowContext(ctx, `SELECT sealed FROM secrets WHERE tenant = ? AND name = ?`, t.name, name), fmt.Sprintf("secret %q", name), &sealed)
	})
	if err != nil {
		return Secret{}, err
	}
	return t.s.keys.open(t.name, "secret", name, sealed)
}

// DropSecret removes a secret.
func (t *Tenant) DropSecret(ctx context.Context, r Request, name string) error {
	_, err := t.change(ctx, change{Request: r, action: "secret.drop", target: "secret/" + name}, func(w *writer) (int64, error) {
		n, err := w.touched(ctx, `DELETE FROM secrets WHERE tenant = ? AND name = ?`, w.name, name)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, fmt.Sprintf("there is no secret %q", name))
		}
		return 0, err
	})
	return err
}

// SecretName says who stored a secret, and when.
type SecretName struct {
	Name, Author string
	Time         time.Time
}

// SecretNames returns what secrets there are, by name.
func (t *Tenant) SecretNames(ctx context.Context) (all []SecretName, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT name, author, time FROM secrets WHERE tenant = ? ORDER BY name`, t.name)
		return each(rows, err, func(r *sql.Rows) error {
			var s SecretName
			var time int64
			err := r.Scan(&s.Name, &s.Author, &time)
			s.Time = when(time)
			all = append(all, s)
			return err
		})
	})
	return all, err
}

// Source is the account of a source: what has come in, and what became of it. The numbers
// are totals, so writing them again does no harm.
type Source struct {
	Name     string
	Received uint64
	Decoded  uint64
	Rejected []Reject // by reason, in order of the reason
	Lost     uint64
	Seen     time.Time // when something came in last
}

// Reject is how many records were rejected for a reason.
type Reject struct {
	Reason string
	Count  uint64
}

// Missing returns how many records were received of which it is not known what became of
// them; below zero: that are accounted for twice. Both mean that we count wrongly.
func (s Source) Missing() int64 {
	n := int64(s.Received) - int64(s.Decoded) - int64(s.Lost)
	for _, r := range s.Rejected {
		n -= int64(r.Count)
	}
	return n
}

// PutSources writes the accounts of some sources, in one transaction.
func (t *Tenant) PutSources(ctx context.Context, all ...Source) error {
	err := t.writing(ctx, func(w *writer) error {
		for _, s := range all {
			if err := w.putSource(ctx, s); err != nil {
				return fmt.Errorf("source %q: %w", s.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing accounts: %w", err)
	}
	return nil
}

func (w *writer) putSource(ctx context.Context, s Source) error {
	if s.Name == "" || max(s.Received, s.Decoded, s.Lost) > math.MaxInt64 {
		return fault.New(fault.Invalid, "the account has no name, or a number too large")
	}
	err := w.exec(ctx, `INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET
		received = excluded.received, decoded = excluded.decoded, lost = excluded.lost, seen = max(seen, excluded.seen)`,
		w.name, s.Name, int64(s.Received), int64(s.Decoded), int64(s.Lost), at(s.Seen))
	if err == nil {
		err = w.exec(ctx, `DELETE FROM source_rejects WHERE tenant = ? AND name = ?`, w.name, s.Name)
	}
	for _, r := range s.Rejected {
		if err == nil && r.Count > math.MaxInt64 {
			err = fault.New(fault.Invalid, "the account has a number too large")
		}
		if err == nil {
			err = w.exec(ctx, `INSERT INTO source_rejects VALUES (?, ?, ?, ?)`, w.name, s.Name, r.Reason, int64(r.Count))
		}
	}
	if violates(err) {
		return fault.New(fault.Invalid, "a reason stands in the account twice")
	}
	return err
}

// Sources returns the accounts of all sources, by name.
func (t *Tenant) Sources(ctx context.Context) (all []Source, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT name, received, decoded, lost, seen FROM sources WHERE tenant = ? ORDER BY name`, t.name)
		err = each(rows, err, func(r *sql.Rows) error {
			var s Source
			var received, decoded, lost, seen int64
			err := r.Scan(&s.Name, &received, &decoded, &lost, &seen)
			s.Received, s.Decoded, s.Lost, s.Seen = uint64(received), uint64(decoded), uint64(lost), when(seen)
			all = append(all, s)
			return err
		})
		if err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT name, reason, count FROM source_rejects WHERE tenant = ? ORDER BY name, reason`, t.name)
		return each(rows, err, func(r *sql.Rows) error {
			var name, reason string
			var count int64
			if err := r.Scan(&name, &reason, &count); err != nil {
				return err
			}
			i, ok := slices.BinarySearchFunc(all, name, func(s Source, n string) int { return strings.Compare(s.Name, n) })
			if !ok {
				return errors.New("rejects of a source without an account")
			}
			all[i].Rejected = append(all[i].Rejected, Reject{reason, uint64(count)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	return all, nil
}
