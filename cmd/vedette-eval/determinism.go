package main

import (
	"context"
	"fmt"
	"strconv"
)

// setting is a way to run the product that must not show in what it says.
type setting struct {
	workers int // 0 is the product's choice
	memory  int // MiB; 0 is the product's choice
}

func (s setting) args() (args []string) {
	if s.workers > 0 {
		args = append(args, "--workers", strconv.Itoa(s.workers))
	}
	if s.memory > 0 {
		args = append(args, "--memory", strconv.Itoa(s.memory))
	}
	return args
}

func (s setting) String() string {
	words := func(n int, unit string) string {
		if n == 0 {
			return "default"
		}
		return fmt.Sprintf("%d%s", n, unit)
	}
	return fmt.Sprintf("workers %s, memory %s", words(s.workers, ""), words(s.memory, " MiB"))
}

// determinism runs the product on the same generated files again and again, and compares
// every byte of its output but the seconds in the summary.
func determinism(ctx context.Context, b *bench) (r result, err error) {
	const files = 5 // several, so that workers have something to race for
	w, err := b.generate(ctx, workload{Lines: b.Lines, Entities: b.Entities, Days: b.Days, Files: files})
	if err != nil {
		return r, err
	}
	defer w.remove()
	var settings []setting
	for range 10 {
		settings = append(settings, setting{})
	}
	// Little memory makes it spill, much does not; what is spilt where differs each time.
	for i, workers := range []int{1, 2, 7, 16} {
		settings = append(settings, setting{workers, 0}, setting{workers, []int{64, 128, 256, 4096}[i]})
	}
	t := table{Title: "Runs", Head: []string{"setting", "seconds", "peak MiB", "SHA-256 of the output"}}
	seen := map[string]bool{}
	var first outcome
	for i, s := range settings {
		o, err := b.analyze(ctx, job{args: s.args()}, w.dir)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s, err)
		}
		if o.Exit != 0 || o.Summary == nil || o.Summary.Records != b.Lines || o.Summary.Rejected != 0 {
			return r, fmt.Errorf("%s: exit code %d, summary %+v, for %d good lines", s, o.Exit, o.Summary, b.Lines)
		}
		if i == 0 {
			first = o
		}
		seen[o.Hash] = true
		b.say("%s: %.1f s, %s", s, o.Seconds, o.Hash[:12])
		t.Rows = append(t.Rows, []string{s.String(), number(o.Seconds), number(float64(o.Peak >> 20)), o.Hash[:16]})
	}
	name := w.String()
	r.add(name, "different outputs", float64(len(seen)), "outputs",
		fmt.Sprintf("of %d runs: ten with nothing set, then 1, 2, 7 and 16 workers, each with the default memory and with another", len(settings))).most(1)
	r.add(name, "findings in that output", float64(first.Summary.Findings), "findings", fmt.Sprintf("%d incidents, %d surfaced: there is something to compare", first.Summary.Incidents, first.Summary.Surfaced)).least(1)
	r.Tables = append(r.Tables, t)
	return r, nil
}
