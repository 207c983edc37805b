package daemon

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/config"
	"vedette/internal/daemon/backup"
	"vedette/internal/daemon/control"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// restoringChild has the child of the test restore a backup.
const restoringChild = "VEDETTE_TEST_RESTORE"

func childRestores(dir, file string) error {
	_, err := Restore(context.Background(), config.Config{Data: dir}, file)
	return err
}

// backedUp returns the folder of a daemon that has seen something and has stopped, and what
// was backed up of it, with the keys or without.
func backedUp(t *testing.T, keys bool) (dir, file string) {
	t.Helper()
	dir = short(t)
	w := &writer{t: t, path: settings(t, dir)}
	w.write(3000)
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for end := time.Now().Add(30 * time.Second); int(d.learned()) < w.lines && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	tn := d.state.Tenant(tenant)
	for _, err := range []error{
		tn.CreateUser(ctx, state.Request{Actor: "t"}, state.User{Name: "ann", Role: "administrator", Password: "$argon2id$1"}),
		tn.SetTOTP(ctx, state.Request{Actor: "t"}, "ann", state.NewSecret([]byte("12345678901234567890")), 1, state.Hash{}),
		tn.PutSecret(ctx, state.Request{Actor: "t"}, "oidc", state.NewSecret([]byte("hunter2-plain"))),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "backup")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), configOf(t, dir), "test", f, keys); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func configOf(t *testing.T, dir string) config.Config {
	t.Helper()
	c, err := Configure(filepath.Join(dir, "vedette.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func listed(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, p)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

// TestKeys: secrets come back with the keys, wherever those are, and not without them.
func TestKeys(t *testing.T) {
	from, bare := backedUp(t, false)
	raw, err := os.ReadFile(bare)
	if err != nil || bytes.Contains(raw, []byte("hunter2-plain")) {
		t.Fatalf("the backup shows a secret: %v", err)
	}
	_, whole := backedUp(t, true)
	key, err := os.ReadFile(filepath.Join(from, "data", "state", "key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		key  []byte // in the folder
		kind fault.Kind
		lost bool
	}{
		"in_the_backup":    {file: whole},
		"in_the_folder":    {file: bare, key: key},
		"not_there":        {file: bare, lost: true},
		"a_wrong_one":      {file: bare, key: bytes.Repeat([]byte{7}, 32), kind: fault.Unreadable},
		"a_wrong_one_both": {file: whole, key: bytes.Repeat([]byte{7}, 32), kind: fault.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			if c.key != nil {
				if err := os.MkdirAll(filepath.Join(data, "state"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(data, "state", "key"), c.key, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Restore(t.Context(), config.Config{Data: data}, c.file)
			if c.kind != 0 {
				if left := listed(t, data); fault.KindOf(err) != c.kind || len(left) != 1 {
					t.Errorf("%v; %v are there", err, left)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			d, err := Open(t.Context(), config.Config{Data: data, Site: "test", Budget: 1, Keep: config.Keep{Days: 36500}}, discard())
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			secret, err := d.state.Tenant(tenant).Secret(t.Context(), "oidc")
			switch {
			case c.lost && (fault.KindOf(err) != fault.NotFound || !r.Unsealed || !r.Unblinded ||
				!slices.Equal(r.Lost.Secrets, []string{tenant + "/oidc"}) || !slices.Equal(r.Lost.OneTime, []string{"ann"})):
				t.Errorf("without the key: %v, %+v", err, r)
			case !c.lost && (err != nil || string(secret.Reveal()) != "hunter2-plain" || r.Unsealed):
				t.Errorf("with the key: %v, %+v", err, r)
			}
			if _, err := d.state.Tenant(tenant).VerifyAudit(t.Context()); err != nil {
				t.Error(err)
			}
			if d.learned() != 3000 {
				t.Errorf("%d events are learned", d.learned())
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir, file := backedUp(t, false)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bent := slices.Clone(raw)
	bent[len(bent)/2] ^= 4
	for name, c := range map[string]struct {
		raw  []byte
		data string
		kind fault.Kind
		says string
	}{
		"over_another": {raw, filepath.Join(dir, "data"), fault.Conflict, "is not empty"},
		"cut_off":      {raw[:len(raw)-100], "", fault.Unreadable, ""},
		"changed":      {bent, "", fault.Unreadable, ""},
		"no_backup":    {[]byte("data: x\n"), "", fault.Unreadable, ""},
		"nothing":      {nil, "", fault.Unreadable, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			to := c.data
			if to == "" {
				to = filepath.Join(t.TempDir(), "data")
			}
			before := listed(t, to)
			file := filepath.Join(t.TempDir(), "b")
			if err := os.WriteFile(file, c.raw, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Restore(t.Context(), config.Config{Data: to}, file)
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
			if after := listed(t, to); !slices.Equal(before, after) {
				t.Errorf("%d files became %d", len(before), len(after))
			}
		})
	}
}

// TestRestoreInterrupted kills a restore at any moment. What is left is nothing, all, or a
// folder on which nothing starts.
func TestRestoreInterrupted(t *testing.T) {
	_, file := backedUp(t, true)
	began := time.Now()
	if _, err := Restore(t.Context(), config.Config{Data: filepath.Join(t.TempDir(), "x")}, file); err != nil {
		t.Fatal(err)
	}
	takes := time.Since(began) + 30*time.Millisecond
	nothing, half, whole := 0, 0, 0
	for n := range 10 {
		data := filepath.Join(t.TempDir(), "data")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childOf+"="+data, restoringChild+"="+file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(takes * time.Duration(n) / 7)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		left := listed(t, data)
		d, err := Open(t.Context(), config.Config{Data: data, Site: "test", Budget: 1, Keep: config.Keep{Days: 36500}}, discard())
		switch {
		case err == nil && len(left) == 0:
			nothing++
		case err == nil && d.learned() == 3000:
			whole++
		case err != nil && strings.Contains(err.Error(), "half restored"):
			half++
		default:
			t.Errorf("killed at moment %d: %v; %v", n, err, left)
		}
		if err == nil {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Logf("nothing was left %d times, half %d times, all %d times", nothing, half, whole)
}

// A restore that is asked to stop leaves the folder as it was.
func TestRestoreStopped(t *testing.T) {
	_, file := backedUp(t, true)
	for n := range 6 {
		data := filepath.Join(t.TempDir(), "data")
		ctx, stop := context.WithTimeout(t.Context(), time.Duration(n)*8*time.Millisecond)
		_, err := Restore(ctx, config.Config{Data: data}, file)
		stop()
		if left := listed(t, data); err != nil && len(left) > 0 || err == nil && backup.Whole(data) != nil {
			t.Errorf("stopped at moment %d: %v; %v", n, err, left)
		}
	}
}

// Who asks for a backup of a folder in use gets an error, as does who asks where nothing is.
func TestBackupRefuses(t *testing.T) {
	dir, _ := backedUp(t, false)
	c := configOf(t, dir)
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), c, "test", &bytes.Buffer{}, false); fault.KindOf(err) != fault.Conflict {
		t.Errorf("in use: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), config.Config{Data: t.TempDir()}, "test", &bytes.Buffer{}, false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nothing there: %v", err)
	}
	if err := control.Dial(c.Data).Backup(t.Context(), &bytes.Buffer{}, false); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody there: %v", err)
	}
}

// TestNewerState: a program that is older than the state refuses it, changes nothing of what
// is kept, and the newer one goes on.
func TestNewerState(t *testing.T) {
	dir, _ := backedUp(t, false)
	file := filepath.Join(dir, "data", "state", state.File)
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	version := func(change string) (n int) {
		t.Helper()
		if _, err := db.Exec("PRAGMA user_version = " + change); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow("PRAGMA user_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var now int
	if err := db.QueryRow("PRAGMA user_version").Scan(&now); err != nil {
		t.Fatal(err)
	}
	version("999")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(dir)
	if fault.KindOf(err) != fault.Unreadable || !strings.Contains(err.Error(), "newer vedette") {
		t.Errorf("the error is %v", err)
		if err == nil {
			d.Close()
		}
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the state was changed: %v", err)
	}
	if db, err = sql.Open("sqlite", file); err != nil {
		t.Fatal(err)
	}
	if got := version(strconv.Itoa(now)); got != now {
		t.Fatal("the version was not put back")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = open(dir); err != nil || d.learned() != 3000 {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
