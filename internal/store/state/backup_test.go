package state

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
)

func TestBackup(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator", Password: "$argon2id$1"}))
	enter(t, a, Session{Hash: hashOf("s"), Person: "ann", Created: c.now(), Seen: c.now(), Ends: c.now().Add(time.Hour)})
	ok(t, a.PutSecret(ctx, by("ann"), "smtp", NewSecret([]byte("x"))))
	_, err := a.Upsert(ctx, "triage", report(1, 20))
	ok(t, err)
	file := filepath.Join(t.TempDir(), "backup.db")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // work goes on
		for i := uint64(2); ; i++ {
			select {
			case <-stop:
				return
			default:
				if _, err := a.Upsert(ctx, "triage", report(i, 20)); err != nil {
					t.Error(err)
				}
				if err := a.Record(ctx, by("ann"), "x", "y", nil); err != nil {
					t.Error(err)
				}
			}
		}
	})
	ok(t, s.Backup(ctx, file))
	close(stop)
	wg.Wait()
	wantKind(t, s.Backup(ctx, file), fault.Conflict)
	private(t, file)
	if all := files(t, filepath.Dir(file)); len(all) != 1 {
		t.Errorf("there are %d files", len(all))
	}
	dir, o := t.TempDir(), options(c)
	ok(t, os.WriteFile(filepath.Join(dir, KeyFile), o.Key, 0o600))
	ok(t, Restore(ctx, file, dir, o))
	wantKind(t, Restore(ctx, file, dir, o), fault.Conflict)
	wantKind(t, Restore(ctx, file, filepath.Dir(s.path), o), fault.Conflict) // over the live one
	back, err := Open(ctx, dir, o)
	ok(t, err)
	defer back.Close()
	b := back.Tenant("acme")
	if got, err := b.Incident(ctx, 1); err != nil || got.Title != "ws-1 felt its way" {
		t.Errorf("%+v, %v", got, err)
	}
	if p, err := b.Incidents(ctx, Filter{Text: "ws-1 felt"}, "", 9); err != nil || len(p.Rows) == 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if got, err := b.Secret(ctx, "smtp"); err != nil || string(got.Reveal()) != "x" {
		t.Errorf("%s, %v", got.Reveal(), err)
	}
	_, _, err = b.Session(ctx, hashOf("s"))
	wantKind(t, err, fault.NotFound)
	all, err := b.Audit(ctx, AuditFilter{}, 1)
	if err != nil || len(all) != 1 || all[0].Action != "state.restore" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := b.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
}

func TestRestore_refuses(t *testing.T) {
	dir, o := folder(t)
	ctx := t.Context()
	file := filepath.Join(dir, File) // a closed state is a backup, too
	whole, err := os.ReadFile(file)
	ok(t, err)
	other := o
	other.Key = bytes.Repeat([]byte{9}, keySize)
	spoilt := append([]byte(nil), whole...)
	copy(spoilt[8*4096:], bytes.Repeat([]byte{0xff}, 4096))
	forged := append([]byte(nil), whole...)
	at := bytes.LastIndex(forged, []byte("annxy"))
	if at < 0 {
		t.Fatal("where is the audit?")
	}
	copy(forged[at:], "eve")
	for name, x := range map[string]struct {
		text []byte
		o    Options
		want fault.Kind
	}{
		"other_key": {whole, other, fault.Unreadable},
		"damaged":   {spoilt, o, fault.Unreadable},
		"forged":    {forged, o, fault.Unreadable},
		"empty":     {nil, o, fault.NotFound},
		"rubbish":   {[]byte("rubbish"), o, fault.Unreadable},
		"no_key":    {whole, Options{}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := filepath.Join(t.TempDir(), "b"), t.TempDir()
			ok(t, os.WriteFile(from, x.text, 0o600))
			wantKind(t, Restore(ctx, from, to, x.o), x.want)
			if left := files(t, to); len(left) != 0 {
				t.Errorf("%d files are left", len(left))
			}
		})
	}
	wantKind(t, Restore(ctx, filepath.Join(dir, "nothing"), t.TempDir(), o), fault.NotFound)
}

func TestBackup_damagedIsNoBackup(t *testing.T) {
	a := tampered(t, `UPDATE audit SET actor = 'eve' WHERE seq = 3`)
	dir := t.TempDir()
	wantKind(t, a.s.Backup(t.Context(), filepath.Join(dir, "b")), fault.Unreadable)
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}
