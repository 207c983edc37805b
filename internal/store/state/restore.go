package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vedette/internal/fault"
)

// Restore puts a backup into a folder in which there is no state, after checking it. The
// folder may hold the key. Sessions are not restored: whoever was signed in when the
// backup was made may have been thrown out since. Tokens and people are as they were, so
// look through them.
func Restore(ctx context.Context, from, dir string, o Options) error {
	_, err := restore(ctx, &Store{path: from, options: o}, dir)
	return err
}

// Lost is what cannot be restored without the key that it was sealed with.
type Lost struct {
	Secrets  []string // names of secrets that have to be entered again
	OneTime  []string // people who have to set up their one-time codes again
	Accounts int      // people there are
}

// RestoreWithoutKey does the same when the key of the backup is not there any more: o.Key is
// a new one. What was sealed with the old key is removed, and that is what it returns. The
// chain of the audit is checked, and sealed with the new key.
func RestoreWithoutKey(ctx context.Context, from, dir string, o Options) (Lost, error) {
	return restore(ctx, &Store{path: from, options: o, keyless: true}, dir)
}

func restore(ctx context.Context, s *Store, dir string) (lost Lost, err error) {
	if err := vacant(dir); err != nil {
		return lost, err
	}
	if err := s.options.valid(); err != nil {
		return lost, err
	}
	if s.keys, err = newKeys(s.options.Key); err != nil {
		return lost, err
	}
	if _, err := s.examine(ctx); err != nil {
		return lost, fmt.Errorf("restoring: %w", err)
	}
	path := filepath.Join(dir, File)
	if err := copyFile(s.path, path); err != nil {
		return lost, fmt.Errorf("restoring: %w", err)
	}
	if s.keyless {
		lost, err = s.seal(ctx, path)
	}
	if err == nil {
		err = afterRestore(ctx, dir, s, lost)
	}
	if err != nil {
		for _, tail := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(path + tail) // it was our copy; the backup is untouched
		}
		return lost, fmt.Errorf("restoring: %w", err)
	}
	return lost, nil
}

// vacant makes sure that a folder is there and holds nothing but the key.
func vacant(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("restoring: %w", err))
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("restoring: %w", err))
	}
	for _, f := range there {
		if f.Name() != KeyFile {
			return fault.New(fault.Conflict, fmt.Sprintf("%s is not empty (there is %s); a backup is restored into an empty folder, never over a state", dir, f.Name()))
		}
	}
	return nil
}

// Examine checks a copy that [Store.Backup] made, without the key and without changing it:
// every page, every reference, and the chain of every audit. It returns its schema.
func Examine(ctx context.Context, path string) (schema int, err error) {
	return (&Store{path: path, keyless: true}).examine(ctx)
}

func (s *Store) examine(ctx context.Context) (schema int, err error) {
	steps, err := readMigrations(migrations)
	if err != nil {
		return 0, err
	}
	if schema, err = inspect(ctx, s.path, len(steps)); err != nil {
		return schema, err
	} else if schema == 0 {
		return 0, fault.New(fault.NotFound, "there is no backup in "+s.path)
	}
	return schema, s.check(ctx, s.path)
}

// seal makes a copy that was sealed with a lost key one of this key: it removes what nobody
// can open or compare any more.
func (s *Store) seal(ctx context.Context, path string) (lost Lost, err error) {
	db, err := connect(path, "rw", 1)
	if err != nil {
		return lost, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return lost, explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // of no effect once it is committed
	for _, list := range []struct {
		query string
		into  *[]string
	}{
		{`SELECT tenant || '/' || name FROM secrets ORDER BY 1`, &lost.Secrets},
		{`SELECT name FROM users WHERE length(totp) > 0 ORDER BY tenant, name`, &lost.OneTime},
	} {
		rows, err := tx.QueryContext(ctx, list.query)
		if err = each(rows, err, func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			*list.into = append(*list.into, name)
			return err
		}); err != nil {
			return lost, explain(err)
		}
	}
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM users`).Scan(&lost.Accounts); err != nil {
		return lost, explain(err)
	}
	for _, do := range []string{
		`DELETE FROM secrets`, `DELETE FROM requests`, `DELETE FROM attempts`, `DELETE FROM user_addresses`,
		`UPDATE users SET totp = x'', totp_step = 0, version = version + 1 WHERE length(totp) > 0`,
	} {
		if _, err := tx.ExecContext(ctx, do); err != nil {
			return lost, explain(err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE installation SET value = ? WHERE tenant = '' AND name = 'key'`, s.keys.mac(s.keys.check, "")); err != nil {
		return lost, explain(err)
	}
	if err := s.sealHeads(ctx, tx); err != nil {
		return lost, explain(err)
	}
	return lost, explain(tx.Commit())
}

// sealHeads seals the end of every audit, whose chains have been checked.
func (s *Store) sealHeads(ctx context.Context, tx *sql.Tx) error {
	copied := &Store{keys: s.keys}
	rows, err := tx.QueryContext(ctx, `SELECT tenant FROM audit_heads`)
	var tenants []string
	if err = each(rows, err, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		tenants = append(tenants, name)
		return err
	}); err != nil {
		return err
	}
	for _, name := range tenants {
		head, _, err := copied.Tenant(name).auditHead(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE audit_heads SET seal = ? WHERE tenant = ?`, s.keys.sealHead(name, head), name); err != nil {
			return err
		}
	}
	return nil
}

// afterRestore opens what was restored, ends all sessions, and says so in the audit.
func afterRestore(ctx context.Context, dir string, from *Store, lost Lost) (err error) {
	s, err := Open(ctx, dir, from.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tenants, err := s.tenants(ctx)
	if err != nil {
		return err
	}
	detail := map[string]any{"from": filepath.Base(from.path)}
	if from.keyless {
		detail["without_key"], detail["secrets"], detail["one_time"] = true, lost.Secrets, lost.OneTime
	}
	for _, name := range tenants {
		c := change{Request: Request{Actor: "vedette"}, action: "state.restore", target: "state", detail: detail}
		if _, err := s.Tenant(name).change(ctx, c, func(w *writer) (int64, error) {
			return w.touched(ctx, `DELETE FROM sessions WHERE tenant = ?`, w.name)
		}); err != nil {
			return err
		}
	}
	return nil
}
