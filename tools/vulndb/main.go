// Vulndb makes a vulnerability database for govulncheck out of the module
// golang.org/x/vulndb, so that the check needs no network beyond the module proxy.
//
// Usage, in the folder of the tools module, whose go.mod pins the database:
//
//	go run ./vulndb DIR
//
// DIR then has the documented layout: index/db.json, index/modules.json,
// index/vulns.json and one ID/GO-*.json an entry. A DIR that already holds the
// pinned version is left as it is.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

const database = "golang.org/x/vulndb"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: vulndb DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "vulndb: error:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	m, err := pinned()
	if err != nil {
		return err
	}
	stamp := filepath.Join(dir, "VERSION")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == m.Version+"\n" {
		return nil
	}
	for _, old := range []string{"VERSION", "ID", "index"} { // and nothing else that may be in DIR
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			return err
		}
	}
	n, err := build(filepath.Join(m.Dir, "data", "osv"), dir, m.made)
	if err != nil {
		return err
	}
	fmt.Printf("vulndb: %d entries of %s\n", n, m.made.Format(time.DateOnly))
	return os.WriteFile(stamp, []byte(m.Version+"\n"), 0o644) // last, so that half a database is never taken for one
}

// module is what `go mod download -json` says of one.
type module struct {
	Version, Dir, Info, Error string

	made time.Time
}

// pinned returns the database that go.mod names, fetched if it is not there yet.
func pinned() (m module, err error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "mod", "download", "-json", database)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if jerr := json.Unmarshal(out, &m); jerr == nil && m.Error != "" {
		return m, fmt.Errorf("fetching %s: %s", database, m.Error)
	}
	if err != nil {
		return m, fmt.Errorf("fetching %s: %w: %s", database, err, bytes.TrimSpace(stderr.Bytes()))
	}
	info, err := os.ReadFile(m.Info)
	if err != nil {
		return m, err
	}
	var when struct{ Time time.Time }
	if err := json.Unmarshal(info, &when); err != nil {
		return m, fmt.Errorf("%s: %w", m.Info, err)
	}
	m.made = when.Time
	return m, nil
}

// entry is the part of an OSV entry that the indexes need.
type entry struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"affected"`
}

// The rows of the indexes. The date of each is that of the whole database: entries
// in the module carry none. A row of modules may also name the version that fixes
// everything, which lets the reader skip entries; it is left out, so that nothing is
// skipped and every entry's own ranges decide.
type (
	vuln struct {
		ID       string    `json:"id"`
		Modified time.Time `json:"modified"`
		Aliases  []string  `json:"aliases,omitempty"`
	}
	affected struct {
		Path  string `json:"path"`
		Vulns []vuln `json:"vulns"`
	}
)

// build writes a database into dir from the entries in osv, and returns how many
// there were.
func build(osv, dir string, made time.Time) (int, error) {
	files, err := filepath.Glob(filepath.Join(osv, "*.json"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no entries in %s", osv)
	}
	for _, d := range []string{"ID", "index"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return 0, err
		}
	}
	var vulns []vuln
	modules := map[string][]vuln{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		var e entry
		if err := json.Unmarshal(b, &e); err != nil {
			return 0, fmt.Errorf("%s: %w", f, err)
		}
		if e.ID+".json" != filepath.Base(f) {
			return 0, fmt.Errorf("%s: holds %q", f, e.ID)
		}
		if err := os.WriteFile(filepath.Join(dir, "ID", e.ID+".json"), b, 0o644); err != nil {
			return 0, err
		}
		vulns = append(vulns, vuln{e.ID, made, e.Aliases})
		names := map[string]bool{}
		for _, a := range e.Affected {
			names[a.Package.Name] = true
		}
		for name := range names {
			modules[name] = append(modules[name], vuln{ID: e.ID, Modified: made})
		}
	}
	var rows []affected
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		rows = append(rows, affected{path, modules[path]})
	}
	for name, v := range map[string]any{
		"db":      map[string]time.Time{"modified": made},
		"vulns":   vulns,
		"modules": rows,
	} {
		b, err := json.Marshal(v)
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "index", name+".json"), b, 0o644); err != nil {
			return 0, err
		}
	}
	return len(files), nil
}
