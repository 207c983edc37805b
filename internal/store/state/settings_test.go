package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/fault"
)

func TestSettings(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	_, err := a.Setting(ctx, "budget")
	wantKind(t, err, fault.NotFound)
	for i, v := range []string{"1", "2"} {
		if n, err := a.Set(ctx, Request{Actor: "ann", Version: uint64(i)}, "budget", v); err != nil || n != uint64(i+1) {
			t.Errorf("%d, %v", n, err)
		}
	}
	_, err = a.Set(ctx, Request{Actor: "bob", Version: 1}, "budget", "3")
	wantKind(t, err, fault.Conflict)
	_, err = a.Set(ctx, by("bob"), "", "3")
	wantKind(t, err, fault.Invalid)
	_, err = a.Set(ctx, by("bob"), "alerts", "on")
	ok(t, err)
	now := []Setting{{"alerts", "on", 1, "bob", c.now()}, {"budget", "2", 2, "ann", c.now()}}
	if all, err := a.Settings(ctx); err != nil || cmp.Diff(now, all) != "" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := a.SettingHistory(ctx, "budget"); err != nil || len(all) != 2 || all[1].Value != "1" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestSecrets(t *testing.T) {
	s, a, _ := fresh(t)
	ctx := t.Context()
	const word = "swordfish-4711"
	ok(t, a.PutSecret(ctx, Request{Actor: "ann", Key: "k"}, "smtp", NewSecret([]byte(word))))
	wantKind(t, a.SetTOTP(ctx, by("set-up"), "x", NewSecret([]byte(word)), 0, Hash{}), fault.NotFound)
	got, err := a.Secret(ctx, "smtp")
	if err != nil || string(got.Reveal()) != word {
		t.Errorf("%s, %v", got.Reveal(), err)
	}
	_, err = a.Secret(ctx, "imap")
	wantKind(t, err, fault.NotFound)
	wantKind(t, a.PutSecret(ctx, by("ann"), "empty", Secret{}), fault.Invalid)
	names, err := a.SecretNames(ctx)
	if err != nil || len(names) != 1 || names[0].Author != "ann" {
		t.Errorf("%+v, %v", names, err)
	}
	_, err = s.write.Exec(`INSERT INTO secrets SELECT tenant, 'imap', sealed, author, time FROM secrets`)
	ok(t, err)
	_, err = a.Secret(ctx, "imap") // sealed under another name
	wantKind(t, err, fault.Unreadable)
	ok(t, a.DropSecret(ctx, by("ann"), "imap"))
	wantKind(t, a.DropSecret(ctx, by("ann"), "imap"), fault.NotFound)
	var log bytes.Buffer
	_, err = s.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	ok(t, err)
	for _, f := range []string{s.path, s.path + "-wal"} {
		b, err := os.ReadFile(f) // only a test may: it drops the locks
		ok(t, err)
		if bytes.Contains(b, []byte("swordfish")) {
			t.Errorf("the secret stands in %s", filepath.Base(f))
		}
	}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", got, "in", struct{ S Secret }{got})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", got, "in", struct{ S Secret }{got})
	j, err := json.Marshal(map[string]any{"s": got, "p": &got})
	ok(t, err)
	all := log.String() + string(j)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%p"} {
		all += fmt.Sprintf(verb+verb+verb, got, &got, struct{ S Secret }{got})
	}
	all += fmt.Sprint(got, &got) + got.String() + got.GoString() + fmt.Sprintf("%v", []any{got})
	for _, leak := range []string{"swordfish", "73776f7264", "115 119 111", "0x73"} {
		if strings.Contains(strings.ToLower(all), leak) {
			t.Errorf("the secret is printed: %s", all)
		}
	}
}

func TestSources(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	one := Source{"firewall", 100, 90, []Reject{{"not json", 4}, {"too long", 3}}, 3, c.now()}
	two := Source{"dns", 5, 5, nil, 0, c.now()}
	ok(t, a.PutSources(ctx, one, two))
	one.Received, one.Decoded, one.Rejected = 101, 92, one.Rejected[:1]
	ok(t, a.PutSources(ctx, one))
	ok(t, a.PutSources(ctx, one))
	all, err := a.Sources(ctx)
	if d := cmp.Diff([]Source{two, one}, all); d != "" || err != nil {
		t.Error(d, err)
	}
	if two.Missing() != 0 || one.Missing() != 2 {
		t.Errorf("%d and %d are missing", two.Missing(), one.Missing())
	}
	one.Rejected = []Reject{{"x", 1}, {"x", 2}}
	wantKind(t, a.PutSources(ctx, one), fault.Invalid)
	wantKind(t, a.PutSources(ctx, Source{Name: "x", Received: 1 << 63}), fault.Invalid)
}

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	random := bytes.NewReader(bytes.Repeat([]byte{1, 2, 3, 4}, 8))
	key, err := ReadKey(dir, random)
	ok(t, err)
	again, err := ReadKey(dir, random)
	if err != nil || !bytes.Equal(key, again) {
		t.Errorf("%x became %x, %v", key, again, err)
	}
	file := filepath.Join(dir, KeyFile)
	private(t, file)
	if runtime.GOOS != "windows" {
		ok(t, os.Chmod(file, 0o640))
		_, err = ReadKey(dir, random)
		wantKind(t, err, fault.Denied)
	}
	ok(t, os.Remove(file))
	ok(t, os.WriteFile(file, key[:31], 0o600))
	_, err = ReadKey(dir, random)
	wantKind(t, err, fault.Unreadable)
	ok(t, os.Remove(file))
	ok(t, os.WriteFile(filepath.Join(dir, File), []byte("x"), 0o600))
	_, err = ReadKey(dir, random)
	wantKind(t, err, fault.Unreadable)
	_, err = ReadKey(t.TempDir(), bytes.NewReader(nil))
	if err == nil {
		t.Error("a key was drawn from nothing")
	}
}
