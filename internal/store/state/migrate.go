package state

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"vedette/internal/fault"
)

// migrations are the steps from one schema to the next. One that has been released is
// never changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step. Step n leads to version n.
type migration struct{ name, text string }

// readMigrations returns the steps in order; names begin with 0001, 0002 and so on.
func readMigrations(from fs.FS) ([]migration, error) {
	names, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	var all []migration
	for i, n := range names { // in order of name
		base := path.Base(n)
		if number, err := strconv.Atoi(base[:min(4, len(base))]); err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s is not number %04d", n, i+1)
		}
		b, err := fs.ReadFile(from, n)
		if err != nil {
			return nil, fmt.Errorf("reading a migration: %w", err)
		}
		all = append(all, migration{base, string(b)})
	}
	return all, nil
}

// before returns the name of the copy of a file as it was at a version.
func before(file string, version int) string { return fmt.Sprintf("%s.v%d", file, version) }

// migrate brings a file from a version to the latest. If a step fails, the file is put
// back as it was. A copy of it stays, until the migration after this.
func migrate(ctx context.Context, file string, from int, steps []migration) error {
	if from == len(steps) {
		return nil
	}
	if from == 0 {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return fault.Wrap(fault.Unavailable, fmt.Errorf("making the state file: %w", err))
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("making the state file: %w", err)
		}
	} else if err := snapshot(ctx, file, before(file, from)); err != nil {
		return fmt.Errorf("keeping a copy of the state before it is migrated: %w", err)
	}
	err := walk(ctx, file, from, steps)
	switch {
	case err == nil:
		return forget(file, from)
	case errors.Is(err, errMeanwhile): // it is not ours to put back
		return err
	}
	err = fault.Wrap(fault.Unreadable, fmt.Errorf("bringing the state file from schema %d to %d: %w. It was put back as it was; the older program can go on with it", from, len(steps), err))
	return errors.Join(err, putBack(file, from))
}

var errMeanwhile = fault.New(fault.Unavailable, "another program is bringing the state up to date; try again")

// walk takes the steps, each in a transaction of its own.
func walk(ctx context.Context, file string, from int, steps []migration) (err error) {
	db, err := connect(file, "rwc", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for i := from; i < len(steps); i++ {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return explain(err)
		}
		var now int
		err = tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now)
		if err == nil && now != i {
			err = errMeanwhile
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf("%s\n;PRAGMA application_id = %d; PRAGMA user_version = %d;", steps[i].text, application, i+1))
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback() // the file is put back anyhow
			return fmt.Errorf("%s: %w", steps[i].name, explain(err))
		}
	}
	return problems(ctx, db, looseEnds)
}

// snapshot copies a file that nobody has open, log and all.
func snapshot(ctx context.Context, file, to string) error {
	db, err := connect(file, "rw", 1)
	if err != nil {
		return err
	}
	var busy, frames, done int
	err = db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
	if err == nil && busy != 0 {
		err = fault.New(fault.Unavailable, "another program is using the state; end it first")
	}
	if err = errors.Join(explain(err), db.Close()); err != nil {
		return err
	}
	if _, err := os.Stat(file + "-wal"); err == nil { // the last one to close a file removes its log
		return fault.New(fault.Unavailable, "another program has the state open; end it first")
	}
	return copyFile(file, to)
}

// putBack makes the file what it was before the migration.
func putBack(file string, from int) error {
	for _, tail := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + tail); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("putting the state file back: %w", err)
		}
	}
	if from == 0 {
		return os.Remove(file)
	}
	return copyFile(before(file, from), file)
}

// forget removes the copies of earlier migrations.
func forget(file string, keep int) error {
	old, err := filepath.Glob(file + ".v*")
	for _, f := range old {
		if f != before(file, keep) {
			err = errors.Join(err, os.Remove(f))
		}
	}
	return err
}

// copyFile copies a file, so that the copy is there as a whole, on the disk, or not at all.
// Both may be closed databases only: closing a file drops the locks that SQLite holds on it.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	defer in.Close()
	part := to + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, to)
	}
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		_ = os.Remove(part) // it may never have been there
		return fmt.Errorf("copying %s to %s: %w", from, to, err)
	}
	return nil
}

// syncDir makes sure that what was renamed in a folder is found after a power cut. Not
// every system can; where it cannot, renaming is all there is.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // Windows refuses
	return d.Close()
}
