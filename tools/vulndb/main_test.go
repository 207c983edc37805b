package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestBuild(t *testing.T) {
	osv, dir := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(osv, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("GO-1.json", `{"id":"GO-1","aliases":["CVE-1"],"affected":[{"package":{"name":"stdlib"}},{"package":{"name":"stdlib"}}]}`)
	write("GO-2.json", `{"id":"GO-2","affected":[{"package":{"name":"stdlib"}},{"package":{"name":"a.example/b"}}]}`)
	n, err := build(osv, dir, time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC))
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	const when = `"modified":"2026-11-05T00:00:00Z"`
	for name, want := range map[string]string{
		"index/db.json":      `{` + when + `}`,
		"index/vulns.json":   `[{"id":"GO-1",` + when + `,"aliases":["CVE-1"]},{"id":"GO-2",` + when + `}]`,
		"index/modules.json": `[{"path":"a.example/b","vulns":[{"id":"GO-2",` + when + `}]},{"path":"stdlib","vulns":[{"id":"GO-1",` + when + `},{"id":"GO-2",` + when + `}]}]`,
		"ID/GO-2.json":       `{"id":"GO-2","affected":[{"package":{"name":"stdlib"}},{"package":{"name":"a.example/b"}}]}`,
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, want)
		}
	}

	write("GO-3.json", `{"id":"GO-4"}`)
	if _, err := build(osv, dir, time.Time{}); err == nil {
		t.Error("an entry under another name was taken")
	}
	if _, err := build(t.TempDir(), dir, time.Time{}); err == nil {
		t.Error("no entries at all was taken for a database")
	}
}
