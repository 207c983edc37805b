package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// record is a result as it is kept, with what it takes to judge it later.
type record struct {
	Eval    string  `json:"eval"`
	Command string  `json:"command"`
	Date    string  `json:"date"`
	Commit  string  `json:"commit"`
	Go      string  `json:"go"`
	Machine machine `json:"machine"`
	result
}

// machine is what the figures were measured on. It has no name.
type machine struct {
	System string `json:"system"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	RAM    string `json:"ram"`
}

// write keeps a result below dir: as results/NAME.json, and as a table in benchmarks.md.
func write(ctx context.Context, dir string, e evaluation, r result, command string) error {
	rec := record{
		Eval: e.Name, Command: command, Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Commit: commit(ctx),
		Go: runtime.Version(), Machine: thisMachine(), result: r,
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(rec); err != nil {
		return err
	}
	results := filepath.Join(dir, "results")
	if err := os.MkdirAll(results, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(results, e.Name+".json"), b.Bytes(), 0o644); err != nil {
		return err
	}
	page := filepath.Join(dir, "benchmarks.md")
	text, err := os.ReadFile(page)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte("# Benchmarks\n")
	} else if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(insert(string(text), e, rec.markdown())), 0o644)
}

// insert replaces what stands between the marks of an evaluation. Without marks it adds a
// section at the end.
func insert(page string, e evaluation, body string) string {
	begin, end := "<!-- eval:"+e.Name+" -->\n", "<!-- end:"+e.Name+" -->"
	before, rest, ok := strings.Cut(page, begin)
	if ok {
		if _, after, ok := strings.Cut(rest, end); ok {
			return before + begin + body + end + after
		}
	}
	return fmt.Sprintf("%s\n## %s\n\n%s.\n\n%s%s%s\n", strings.TrimRight(page, "\n")+"\n", e.Name, sentence(e.Summary), begin, body, end)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// markdown writes the part of the page that is generated.
func (rec record) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n`%s`\n\nMeasured %s, commit %s, %s, %s, %d cores, %s, %s.\n\n",
		rec.Command, rec.Date, rec.Commit, rec.Go, rec.Machine.CPU, rec.Machine.Cores, rec.Machine.RAM, rec.Machine.System)
	t := table{Head: []string{"set", "measure", "value", "unit", "target", "", "detail"}}
	for _, f := range rec.Figures {
		t.Rows = append(t.Rows, []string{f.Set, f.Measure, number(f.Value), f.Unit, f.goal(), f.met(), f.Detail})
	}
	b.WriteString(t.markdown())
	for _, t := range rec.Tables {
		fmt.Fprintf(&b, "\n%s\n\n%s", t.Title, t.markdown())
	}
	b.WriteByte('\n')
	return b.String()
}

// commit returns which source was measured.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	c := strings.TrimSpace(string(out))
	// What this program writes itself is no change of what it measures.
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ".", ":!docs/results", ":!docs/benchmarks.md").Output()
	if err != nil || len(bytes.TrimSpace(changed)) > 0 {
		c += " and changes"
	}
	return c
}

// thisMachine says what it can find out, which is little outside Linux.
func thisMachine() machine {
	m := machine{System: runtime.GOOS + "/" + runtime.GOARCH, CPU: "unknown CPU", Cores: runtime.NumCPU(), RAM: "unknown RAM"}
	if v := field("/proc/cpuinfo", "model name"); v != "" {
		m.CPU = strings.Join(strings.Fields(v), " ")
	}
	var kb int64
	if n, _ := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kb); n == 1 {
		m.RAM = fmt.Sprintf("%.0f GiB RAM", float64(kb)/(1<<20))
	}
	return m
}

// field returns a value of a file in /proc, empty if there is none.
func field(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
