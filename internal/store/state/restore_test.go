package state

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
)

// Without the key everything is there but what was sealed with it, and that is said.
func TestRestoreWithoutKey(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator", Password: "$argon2id$1"}))
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "bob", Role: "analyst", Password: "$argon2id$2"}))
	ok(t, a.SetTOTP(ctx, by("bob"), "bob", NewSecret([]byte("12345678901234567890")), 100, Hash{}))
	ok(t, a.PutSecret(ctx, by("ann"), "smtp", NewSecret([]byte("hunter2-plain"))))
	_, err := a.Upsert(ctx, "triage", report(1, 20))
	ok(t, err)
	file := filepath.Join(t.TempDir(), "backup.db")
	ok(t, s.Backup(ctx, file))
	if schema, err := Examine(ctx, file); err != nil || schema < 1 {
		t.Errorf("schema %d: %v", schema, err)
	}

	o := options(c)
	o.Key = bytes.Repeat([]byte{9}, keySize)
	dir := t.TempDir()
	wantKind(t, Restore(ctx, file, dir, o), fault.Unreadable) // which is why
	lost, err := RestoreWithoutKey(ctx, file, dir, o)
	ok(t, err)
	if d := cmp.Diff(Lost{Secrets: []string{"acme/smtp"}, OneTime: []string{"bob"}, Accounts: 2}, lost); d != "" {
		t.Error(d)
	}
	back, err := Open(ctx, dir, o)
	ok(t, err)
	defer back.Close()
	b := back.Tenant("acme")
	if got, err := b.Incident(ctx, 1); err != nil || got.Title != "ws-1 felt its way" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = b.Secret(ctx, "smtp")
	wantKind(t, err, fault.NotFound)
	if got, err := b.TOTP(ctx, "bob"); err != nil || !got.Empty() {
		t.Errorf("one-time secret: %v", err)
	}
	if u, err := b.User(ctx, "ann"); err != nil || u.Password != "$argon2id$1" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := b.VerifyAudit(ctx); err != nil {
		t.Error("the audit:", err)
	}
	ok(t, b.PutSecret(ctx, by("ann"), "smtp", NewSecret([]byte("again"))))
	if got, err := b.Secret(ctx, "smtp"); err != nil || string(got.Reveal()) != "again" {
		t.Errorf("%s, %v", got.Reveal(), err)
	}
}

// A chain that was written anew by somebody is found also when the key is not there.
func TestExamineFindsTampering(t *testing.T) {
	a := tampered(t, `UPDATE audit SET actor = 'eve' WHERE seq = 3`)
	_, err := Examine(t.Context(), a.s.path)
	wantKind(t, err, fault.Unreadable)
}
