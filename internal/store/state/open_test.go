package state

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"vedette/internal/fault"
)

// folder returns a folder with a state of some incidents in it, closed.
func folder(t *testing.T) (dir string, o Options) {
	t.Helper()
	dir, o = t.TempDir(), options(newClock())
	s, err := Open(t.Context(), dir, o)
	ok(t, err)
	a := s.Tenant("acme")
	var all []Report
	for id := range uint64(300) {
		all = append(all, report(id+1, float64(id)))
	}
	_, err = a.Upsert(t.Context(), "triage", all...)
	ok(t, err)
	ok(t, a.Record(t.Context(), by("ann"), "x", "y", nil))
	ok(t, s.Close())
	return dir, o
}

// files returns what is in a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	ok(t, fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		all[p] = string(b)
		return err
	}))
	return all
}

// same fails if what matters in a folder has changed: all but the shared memory and an
// empty log, which readers leave behind.
func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	for n, b := range before {
		if after[n] != b {
			t.Errorf("%s was changed", n)
		}
	}
	for n, b := range after {
		if _, was := before[n]; !was && !strings.HasSuffix(n, "-shm") && !(strings.HasSuffix(n, "-wal") && b == "") {
			t.Errorf("%s was made", n)
		}
	}
}

func TestOpen_refuses(t *testing.T) {
	exec := func(query string) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) {
			db, err := connect(filepath.Join(dir, File), "rw", 1)
			ok(t, err)
			_, err = db.Exec(query)
			ok(t, err)
			ok(t, db.Close())
		}
	}
	poke := func(at int64, with string) func(*testing.T, string, *Options) {
		return func(t *testing.T, dir string, _ *Options) {
			f, err := os.OpenFile(filepath.Join(dir, File), os.O_RDWR, 0)
			ok(t, err)
			_, err = f.WriteAt([]byte(with), at)
			ok(t, err)
			ok(t, f.Close())
		}
	}
	for name, x := range map[string]struct {
		spoil func(*testing.T, string, *Options)
		says  string
	}{
		"newer":         {exec(`PRAGMA user_version = 99`), "newer vedette"},
		"no_version":    {exec(`PRAGMA user_version = 0`), "says that it is empty"},
		"of_others":     {exec(`PRAGMA application_id = 1`), "another program"},
		"not_sqlite":    {poke(0, "this is not a database"), "damaged"},
		"broken_pages":  {poke(3*4096, strings.Repeat("\xff", 40*4096)), "damaged"},
		"broken_schema": {poke(100, strings.Repeat("\x00", 900)), "damaged"},
		"cut_short": {func(t *testing.T, dir string, _ *Options) {
			ok(t, os.Truncate(filepath.Join(dir, File), 20*4096))
		}, "damaged"},
		"other_key": {func(_ *testing.T, _ string, o *Options) { o.Key = bytes.Repeat([]byte{8}, keySize) }, "another key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, o := folder(t)
			x.spoil(t, dir, &o)
			before := files(t, dir)
			_, err := Open(t.Context(), dir, o)
			wantKind(t, err, fault.Unreadable)
			if !strings.Contains(err.Error(), x.says) {
				t.Errorf("it says %q", err)
			}
			same(t, before, files(t, dir))
		})
	}
	_, err := Open(t.Context(), t.TempDir(), Options{})
	wantKind(t, err, fault.Invalid)
}

// private fails if others can read a file.
func private(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info, err)
	}
}

// TestOpen_afterACrash opens what is on the disk while the program that wrote it has it
// open: what the disk would hold had it been killed.
func TestOpen_afterACrash(t *testing.T) {
	s, a, c := fresh(t)
	for i := range 20 {
		_, err := a.Upsert(t.Context(), "triage", report(uint64(i+1), 20))
		ok(t, err)
		ok(t, a.Record(t.Context(), by("ann"), "x", "y", nil))
		dir := t.TempDir()
		for n, text := range files(t, filepath.Dir(s.path)) {
			if n != File+"-shm" {
				ok(t, os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600))
			}
		}
		after, err := Open(t.Context(), dir, options(c))
		ok(t, err)
		b := after.Tenant("acme")
		if h, err := b.VerifyAudit(t.Context()); err != nil || h.Seq != uint64(i+1) {
			t.Errorf("%d rows of audit, %v", h.Seq, err)
		}
		if n, err := b.Counts(t.Context()); err != nil || n.Open != i+1 {
			t.Errorf("%+v, %v", n, err)
		}
		ok(t, after.Close())
	}
}

func TestOpen_again(t *testing.T) {
	dir, o := folder(t)
	s, err := Open(t.Context(), dir, o)
	ok(t, err)
	defer s.Close()
	if c, err := s.Tenant("acme").Incident(t.Context(), 300); err != nil || c.Incident.Risk != 299 {
		t.Errorf("%+v, %v", c, err)
	}
	private(t, s.path)
	private(t, s.path+"-wal")
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		ok(t, s.write.QueryRow("PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s", pragma, got)
		}
	}
	if _, err := s.read.Exec(`DELETE FROM incidents`); err == nil {
		t.Error("a reader writes")
	}
}

// TestOpen_emptyFile is about a crash just after the file was made.
func TestOpen_emptyFile(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, File), nil, 0o600))
	s, err := Open(t.Context(), dir, options(newClock()))
	ok(t, err)
	ok(t, s.Close())
}

// with returns our migrations and some more.
func with(t *testing.T, more ...string) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{}
	steps, err := readMigrations(migrations)
	ok(t, err)
	for _, s := range steps {
		all["migrations/"+s.name] = &fstest.MapFile{Data: []byte(s.text)}
	}
	for i, m := range more {
		all["migrations/000"+string(rune('1'+len(steps)+i))+"_more.sql"] = &fstest.MapFile{Data: []byte(m)}
	}
	return all
}

func TestMigrate(t *testing.T) {
	dir, o := folder(t)
	ctx := t.Context()
	was := files(t, dir)
	steps, err := readMigrations(migrations)
	ok(t, err)
	kept := func(more int) string { return filepath.Base(before(File, len(steps)+more)) }
	s, err := open(ctx, dir, o, with(t, `CREATE TABLE more (tenant TEXT) STRICT; INSERT INTO more SELECT tenant FROM incidents`))
	ok(t, err)
	var n, version int
	ok(t, s.read.QueryRow(`SELECT (SELECT count(*) FROM more), (SELECT user_version FROM pragma_user_version)`).Scan(&n, &version))
	if n != 300 || version != len(steps)+1 {
		t.Errorf("%d rows, version %d", n, version)
	}
	ok(t, s.Close())
	if files(t, dir)[kept(0)] != was[File] {
		t.Error("no copy of how it was")
	}
	s, err = open(ctx, dir, o, with(t, `SELECT 1`, `CREATE TABLE yet_more (tenant TEXT) STRICT`)) // the first has been taken
	ok(t, err)
	ok(t, s.Close())
	now := files(t, dir)
	if now[kept(1)] == "" || now[kept(0)] != "" {
		t.Error("want a copy of the version before, and none of an earlier one")
	}
	_, err = Open(ctx, dir, o) // the older program
	wantKind(t, err, fault.Unreadable)
}

func TestMigrate_fails(t *testing.T) {
	for name, more := range map[string][]string{
		"syntax":        {`CREATE TABLE more (tenant TEXT) STRICT; CREATE RUBBISH`},
		"second_step":   {`CREATE TABLE more (tenant TEXT) STRICT; DELETE FROM incident_rows`, `INSERT INTO nothing VALUES (1)`},
		"loose_ends":    {`PRAGMA defer_foreign_keys = ON; DELETE FROM incidents WHERE id = 5`},
		"takes_its_own": {`COMMIT; DROP TABLE incident_rows; BEGIN; CREATE RUBBISH`},
	} {
		t.Run(name, func(t *testing.T) {
			dir, o := folder(t)
			before := files(t, dir)
			_, err := open(t.Context(), dir, o, with(t, more...))
			wantKind(t, err, fault.Unreadable)
			if !strings.Contains(err.Error(), "put back") || !strings.Contains(err.Error(), "_more.sql") {
				t.Errorf("it says %q", err)
			}
			after := files(t, dir)
			if after[File] != before[File] {
				t.Error("the file is not what it was")
			}
			s, err := Open(t.Context(), dir, o)
			ok(t, err)
			defer s.Close()
			if p, err := s.Tenant("acme").Incidents(t.Context(), Filter{}, "", 500); err != nil || len(p.Rows) != 300 {
				t.Errorf("%d incidents, %v", len(p.Rows), err)
			}
		})
	}
}

func TestMigrate_firstFails(t *testing.T) {
	dir := t.TempDir()
	_, err := open(t.Context(), dir, options(newClock()), fstest.MapFS{"migrations/0001_x.sql": {Data: []byte(`CREATE RUBBISH`)}})
	wantKind(t, err, fault.Unreadable)
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
	_, err = readMigrations(fstest.MapFS{"migrations/0001_a.sql": {}, "migrations/0003_b.sql": {}})
	if err == nil {
		t.Error("number 2 is missing, and nobody says so")
	}
}

func TestMigrate_cancelled(t *testing.T) {
	dir, o := folder(t)
	before := files(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(ctx, dir, o, with(t, `SELECT 1`)); err == nil {
		t.Fatal("no error")
	}
	if files(t, dir)[File] != before[File] {
		t.Error("the file was changed")
	}
}

func TestMigrate_whileInUse(t *testing.T) {
	dir, o := folder(t)
	s, err := Open(t.Context(), dir, o)
	ok(t, err)
	_, err = s.Tenant("acme").Upsert(t.Context(), "triage", report(1, 50))
	ok(t, err)
	_, err = open(t.Context(), dir, o, with(t, `SELECT 1`))
	wantKind(t, err, fault.Unavailable)
	ok(t, s.Close())
	s, err = open(t.Context(), dir, o, with(t, `SELECT 1`))
	ok(t, err)
	ok(t, s.Close())
}

// TestMigrate_twoAtOnce is about two programs that make the same file: neither removes
// what the other has made.
func TestMigrate_twoAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, File)
	steps, err := readMigrations(migrations)
	ok(t, err)
	ok(t, migrate(t.Context(), file, 0, steps))
	wantKind(t, migrate(t.Context(), file, 0, steps), fault.Unavailable)
	if version, err := inspect(t.Context(), file, len(steps)); err != nil || version != len(steps) {
		t.Errorf("version %d, %v", version, err)
	}
}
