package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/internal/fault"
)

// Backup writes a copy of the state into a new file while work goes on, checks it, and
// only then gives it its name. The key is not in it.
func (s *Store) Backup(ctx context.Context, to string) (err error) {
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Conflict, to+" is there already, and backups are never overwritten")
	}
	part := to + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // SQLite fills an empty file; so nobody else can read it
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("making a backup: %w", err))
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("making a backup: %w", errors.Join(err, os.Remove(part)))
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	if err := vacuumInto(ctx, s.path, part); err != nil {
		return err
	}
	if err := s.check(ctx, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// vacuumInto copies a database on a connection of its own, so that nobody waits for it.
func vacuumInto(ctx context.Context, path, to string) (err error) {
	db, err := connect(path, "rw", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return explain(err)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// check verifies a copy: every page, every reference, and the audit of every tenant.
func (s *Store) check(ctx context.Context, path string) (err error) {
	db, err := connect(path, "ro", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, pass := range []string{"PRAGMA integrity_check(10)", looseEnds} {
		if err := problems(ctx, db, pass); err != nil {
			return fault.Wrap(fault.Unreadable, fmt.Errorf("%s is damaged: %w", path, err))
		}
	}
	copied := &Store{path: path, options: s.options, keys: s.keys, keyless: s.keyless, read: db}
	tenants, err := copied.tenants(ctx)
	if err != nil {
		return err
	}
	for _, name := range tenants {
		if _, err := copied.Tenant(name).VerifyAudit(ctx); err != nil {
			return fault.Wrap(fault.Unreadable, fmt.Errorf("the audit of %q: %w", name, err))
		}
	}
	return nil
}

// tenants returns the tenants that have an audit.
func (s *Store) tenants(ctx context.Context) (all []string, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT tenant FROM audit UNION SELECT tenant FROM audit_heads ORDER BY 1`)
	err = each(rows, err, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		all = append(all, name)
		return err
	})
	return all, explain(err)
}
