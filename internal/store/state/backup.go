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
	copied := &Store{path: path, options: s.options, keys: s.keys, read: db}
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

// Restore puts a backup into a folder in which there is no state, after checking it. The
// folder may hold the key. Sessions are not restored: whoever was signed in when the
// backup was made may have been thrown out since. Tokens and people are as they were, so
// look through them.
func Restore(ctx context.Context, from, dir string, o Options) (err error) {
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
	steps, err := readMigrations(migrations)
	if err = errors.Join(err, o.valid()); err != nil {
		return err
	}
	s := &Store{path: from, options: o}
	if s.keys, err = newKeys(o.Key); err != nil {
		return err
	}
	if version, err := inspect(ctx, from, len(steps)); err != nil {
		return fmt.Errorf("restoring: %w", err)
	} else if version == 0 {
		return fault.New(fault.NotFound, "there is no backup in "+from)
	}
	if err := s.check(ctx, from); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	path := filepath.Join(dir, File)
	if err := copyFile(from, path); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if err := afterRestore(ctx, dir, o, from); err != nil {
		for _, tail := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(path + tail) // it was our copy; the backup is untouched
		}
		return fmt.Errorf("restoring: %w", err)
	}
	return nil
}

// afterRestore opens what was restored, ends all sessions, and says so in the audit.
func afterRestore(ctx context.Context, dir string, o Options, from string) (err error) {
	s, err := Open(ctx, dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tenants, err := s.tenants(ctx)
	if err != nil {
		return err
	}
	for _, name := range tenants {
		c := change{Request: Request{Actor: "vedette"}, action: "state.restore", target: "state", detail: map[string]any{"from": filepath.Base(from)}}
		if _, err := s.Tenant(name).change(ctx, c, func(w *writer) (int64, error) {
			return w.touched(ctx, `DELETE FROM sessions WHERE tenant = ?`, w.name)
		}); err != nil {
			return err
		}
	}
	return nil
}
