// Vulncheck runs govulncheck over the program and compares what it finds with the
// list of what is known and accepted for a while.
//
// Usage, in the folder of the tools module, after vulndb made the database in DIR:
//
//	go run ./vulncheck [-root ..] [-known security/known.txt] DIR
//
// Only reachable vulnerabilities count: those with a chain of calls from our code
// to the vulnerable function. It fails on one that is not in the list, on a line of
// the list that has expired, and on one that expires more than 60 days from now. It
// warns of a line that nothing needs any more.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	root := flag.String("root", "..", "the folder of the module to check")
	known := flag.String("known", "security/known.txt", "the list of accepted findings, below root")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: vulncheck [-root DIR] [-known FILE] DATABASE")
		os.Exit(2)
	}
	if err := run(*root, *known, flag.Arg(0), time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "vulncheck: error:", err)
		os.Exit(1)
	}
}

func run(root, known, db string, now time.Time) error {
	text, err := os.ReadFile(filepath.Join(root, known))
	if err != nil {
		return err
	}
	list, err := parseKnown(string(text))
	if err != nil {
		return fmt.Errorf("%s:%w", known, err)
	}
	db, err = filepath.Abs(db)
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("go", "tool", "-modfile=tools/go.mod", "govulncheck", "-format", "json", "-db", "file://"+filepath.ToSlash(db), "./...")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("govulncheck: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	r, err := parse(&stdout)
	if err != nil {
		return fmt.Errorf("reading what govulncheck says: %w", err)
	}
	return judge(os.Stdout, r, list, now)
}

// result is what govulncheck found.
type result struct {
	goVersion string
	database  time.Time
	reachable []finding // ordered by id
	others    int       // vulnerable modules and packages that are there, but not called
}

// finding is one reachable vulnerability and one way to it.
type finding struct {
	id, summary, fixed string
	trace              []frame // from the vulnerable function to our entry point
}

type frame struct {
	Module, Version, Package, Function, Receiver string
}

func (f frame) String() string {
	name := f.Function
	if f.Receiver != "" {
		name = f.Receiver + "." + name
	}
	return f.Package + "." + name
}

// message is one of govulncheck's stream.
type message struct {
	Config *struct {
		GoVersion      string    `json:"go_version"`
		DBLastModified time.Time `json:"db_last_modified"`
	}
	OSV *struct {
		ID      string
		Summary string
	}
	Finding *struct {
		OSV          string
		FixedVersion string `json:"fixed_version"`
		Trace        []frame
	}
}

// parse reads govulncheck's stream. The same vulnerability comes several times, and
// with several traces; the shortest is kept.
func parse(r io.Reader) (res result, err error) {
	summaries := map[string]string{}
	all, best := map[string]bool{}, map[string]finding{}
	for dec := json.NewDecoder(r); ; {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return res, err
		}
		switch {
		case m.Config != nil:
			res.goVersion, res.database = m.Config.GoVersion, m.Config.DBLastModified
		case m.OSV != nil:
			summaries[m.OSV.ID] = m.OSV.Summary
		case m.Finding != nil:
			f := finding{id: m.Finding.OSV, fixed: m.Finding.FixedVersion, trace: m.Finding.Trace}
			all[f.id] = true
			if len(f.trace) == 0 || f.trace[0].Function == "" {
				continue // there, but not called
			}
			if old, ok := best[f.id]; !ok || len(f.trace) < len(old.trace) {
				best[f.id] = f
			}
		}
	}
	if res.goVersion == "" {
		return res, errors.New("it ends before it begins")
	}
	for id := range all {
		if f, ok := best[id]; ok {
			f.summary = summaries[id]
			res.reachable = append(res.reachable, f)
		} else {
			res.others++
		}
	}
	return res, nil
}
