package snapshot

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/fault"
)

// kept returns the two snapshots in dir, "" for one that is not there.
func kept(t *testing.T, dir string) (now, before string) {
	t.Helper()
	for to, load := range map[*string]func(string, func([]byte) error) (bool, error){&now: Load, &before: LoadBefore} { // any order
		if _, err := load(dir, func(b []byte) error { *to = string(b); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return now, before
}

func TestAdvanceKeepsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct{ body, before string }{{"one", ""}, {"two", "one"}, {"three", "two"}} {
		if err := Advance(dir, []byte(step.body)); err != nil {
			t.Fatal(err)
		}
		if now, before := kept(t, dir); now != step.body || before != step.before {
			t.Errorf("after %s: %q, and before it %q", step.body, now, before)
		}
	}
	if err := Save(dir, []byte("four")); err != nil {
		t.Fatal(err)
	}
	if now, before := kept(t, dir); now != "four" || before != "two" {
		t.Errorf("Save made %q and %q", now, before)
	}
}

// TestDamagedSnapshot: whatever byte of a snapshot is wrong, it is not loaded, and the one
// before takes its place.
func TestDamagedSnapshot(t *testing.T) {
	for at := range len(magic) + 32 + 3 {
		dir := t.TempDir()
		if err := errors.Join(Advance(dir, []byte("one")), Advance(dir, []byte("two"))); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 1
		if at%2 == 0 {
			b = b[:at]
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = Load(dir, func([]byte) error { t.Errorf("byte %d: it was loaded", at); return nil })
		if fault.KindOf(err) != fault.Unreadable {
			t.Errorf("byte %d: %v", at, err)
		}
		if err := Aside(dir); err != nil {
			t.Fatal(err)
		}
		if now, before := kept(t, dir); now != "one" || before != "one" {
			t.Errorf("byte %d: then there is %q, and before it %q", at, now, before)
		}
		if _, err := os.Stat(path + damaged); err != nil {
			t.Error(err)
		}
	}
}
