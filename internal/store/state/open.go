package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"vedette/internal/fault"
)

// File is the name of the state file in its folder.
const File = "state.db"

// application marks a SQLite file as ours ("VEDT").
const application = 0x56454454

// readers is how many can read at the same time.
const readers = 4

// Open opens the state in a folder, and makes it if there is none. A file of an older
// program is brought up to date; how it was before is kept beside it.
//
// A file that is damaged, of a newer program, or sealed with another key is an error of
// kind Unreadable that says what to do, and is left as it is.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	return open(ctx, dir, o, migrations)
}

func open(ctx context.Context, dir string, o Options, from fs.FS) (s *Store, err error) {
	steps, err := readMigrations(from)
	if err = errors.Join(err, o.valid()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("making a folder for the state: %w", err))
	}
	s = &Store{path: filepath.Join(dir, File), options: o, rare: rareText}
	if s.keys, err = newKeys(o.Key); err != nil {
		return nil, err
	}
	version, err := inspect(ctx, s.path, len(steps))
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.path, version, steps); err != nil {
		return nil, err
	}
	s.write, err = connect(s.path, "rwc", 1)
	if err != nil {
		return nil, err
	}
	if err = s.checkKey(ctx); err == nil {
		s.read, err = connect(s.path, "ro", readers)
	}
	if err == nil {
		err = explain(s.read.PingContext(ctx))
	}
	if err != nil {
		if s.read != nil {
			s.read.Close()
		}
		return nil, errors.Join(err, s.write.Close())
	}
	return s, nil
}

// OpenReading opens the state in a folder to be read only, also while another program has it
// open, and changes nothing. A folder without one is NotFound. Of an older program's file only
// what was there then can be read.
func OpenReading(ctx context.Context, dir string, o Options) (s *Store, err error) {
	steps, err := readMigrations(migrations)
	if err = errors.Join(err, o.valid()); err != nil {
		return nil, err
	}
	s = &Store{path: filepath.Join(dir, File), options: o, rare: rareText}
	if s.keys, err = newKeys(o.Key); err != nil {
		return nil, err
	}
	version, err := inspect(ctx, s.path, len(steps))
	if err == nil && version == 0 {
		err = fault.New(fault.NotFound, "there is no "+s.path+" yet")
	}
	if err != nil {
		return nil, err
	}
	if s.read, err = connect(s.path, "ro", readers); err != nil {
		return nil, err
	}
	s.write = s.read // what tries to write is refused by the connection
	if err := s.sameKey(ctx); err != nil {
		return nil, errors.Join(err, s.read.Close())
	}
	return s, nil
}

// connect opens a pool of connections: mode is that of SQLite's addresses, "ro", "rw" or
// "rwc".
func connect(path, mode string, most int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the state file: %w", err)
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/...
	}
	v := url.Values{"mode": {mode}, "_dqs": {"0"}, "_defensive": {"1"}, "_pragma": {
		"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)", "temp_store(2)",
	}}
	if mode == "ro" {
		v.Add("_pragma", "query_only(1)")
	} else {
		v.Add("_pragma", "journal_mode(WAL)")
		v.Add("_pragma", "synchronous(FULL)")
		v.Add("_pragma", "journal_size_limit(67108864)")
		v.Set("_txlock", "immediate")
	}
	c, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: abs, RawQuery: v.Encode()}).String())
	if err != nil {
		return nil, explain(err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// inspect looks at a file without changing it, and returns its schema version: 0 if
// there is no file, or nothing in it.
func inspect(ctx context.Context, path string, newest int) (version int, err error) {
	if i, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && i.Size() == 0 {
		return 0, nil
	} else if err != nil {
		return 0, fault.Wrap(fault.Unavailable, fmt.Errorf("looking at the state: %w", err))
	}
	db, err := connect(path, "ro", 1)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var app, tables int
	err = db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	switch {
	case err != nil:
		return 0, damaged(path, err)
	case app == 0 && tables == 0:
		return 0, nil
	case app != application:
		return 0, fault.New(fault.Unreadable, path+" is a database of another program; nothing was changed")
	case version < 1: // or it would be made anew, over what is there
		return 0, damaged(path, errors.New("it says that it is empty, and is not"))
	case version > newest:
		return 0, fault.New(fault.Unreadable, fmt.Sprintf("%s was written by a newer vedette (its schema is %d, this program knows %d); nothing was changed. Use the newer program, or restore a backup from before the update", path, version, newest))
	}
	return version, damaged(path, problems(ctx, db, "PRAGMA quick_check(10)"))
}

// looseEnds finds rows that refer to nothing.
const looseEnds = `SELECT "table" || ' refers to ' || parent FROM pragma_foreign_key_check LIMIT 10`

// problems runs one of SQLite's own checks, and returns what it finds as an error.
func problems(ctx context.Context, db *sql.DB, check string) error {
	var wrong []string
	rows, err := db.QueryContext(ctx, check)
	err = each(rows, err, func(r *sql.Rows) error {
		var line string
		err := r.Scan(&line)
		if line != "ok" {
			wrong = append(wrong, line)
		}
		return err
	})
	if err == nil && len(wrong) > 0 {
		err = errors.New(strings.Join(wrong, "; "))
	}
	return err
}

// damaged says what to do about a file that cannot be read.
func damaged(path string, err error) error {
	if err == nil {
		return nil
	}
	if k := fault.KindOf(explain(err)); k == fault.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return explain(err)
	}
	return fault.Wrap(fault.Unreadable, fmt.Errorf("%s is damaged (%w). Nothing was changed. Move the folder away and restore the latest backup into an empty one; telemetry and learned state are kept elsewhere and are not touched. Check the disk", path, err))
}

// explain gives an error of SQLite the kind that callers act on.
func explain(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if _, known := errors.AsType[*fault.Error](err); !ok || known {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fault.Wrap(fault.Unreadable, fmt.Errorf("the state file is damaged: stop, and restore a backup: %w", err))
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("the state file is in use by another program: %w", err))
	case sqlite3.SQLITE_FULL:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("the disk is full; what was to be written was not: %w", err))
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("the state file cannot be read or written: %w", err))
	}
	return err
}

// violates reports whether an error says that a key is there already.
func violates(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE)
}
