// Command vedette-eval measures Vedette: every figure that docs/benchmarks.md quotes comes
// from here. It is not shipped to users.
//
// It drives the product through its public command and reads what that prints; it knows the
// labels of the data, the product never sees them. Data are found by what they are and by the
// label files beside them, not by a list of names, so that it runs unchanged on data that
// nobody here has seen.
//
//	vedette-eval [flags] NAME...    run some evaluations; "all" is all, "bench" the speeds
//	vedette-eval list               say which there are
//
// Each figure is one line. With --json it is an object {"eval", "set", "measure", "value",
// "target", "unit", "detail"}; value is a number, target a number or null. Exit codes: 0 all
// ran, missing data included, which is said; 1 an evaluation could not run; 2 usage.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// evaluation is something that is measured, in the file of its name.
type evaluation struct {
	Name    string
	Summary string
	Bench   bool // measures speed: wants a quiet machine
	Run     func(context.Context, *bench) (result, error)
}

// evaluations returns all there are, in the order in which they run: quick ones first.
func evaluations() []evaluation {
	return []evaluation{
		{"start", "how long the program takes to start, and how large it is", true, start},
		{"footprint", "what the daemon takes: idle, with the history of an estate, and until it answers", true, footprint},
		{"accounting", "every record of real logs is decoded or rejected with a reason; an independent count agrees", false, accounting},
		{"beacon_rank", "the place of a planted beacon and of a planted long session among all findings", false, beaconRank},
		{"labelled_flows", "what was found and missed, and what was wrongly said, on flows that their authors labelled", false, labelledFlows},
		{"captures", "what is made of captures against what other tools say is in them", false, captures},
		{"bad_input", "broken, hostile and missing input: said clearly, the rest still read", false, badInput},
		{"determinism", "the same bytes from every run, whatever the number of workers and the memory", false, determinism},
		{"speed", "events a second on one core, from Zeek JSON to the report", true, speed},
		{"scale", "time and memory as events and entities grow", true, scale},
		{"clone", "how long it takes from a clone of the source to the first finding on Zeek logs", true, clone},
		{"pages", "how soon pages and lists come with a million findings, 20,000 incidents and 50,000 entities", true, pages},
		{"load", "the daemon at 20,000 events a second for --minutes: memory, descriptors, and how soon a finding can be read", true, load},
		{"sustain", "the daemon at 50,000 events a second for five minutes: how far the learner falls behind, bytes an event, where the time goes", true, sustain},
	}
}

// bench is what evaluations are given.
type bench struct {
	Data     string // folder of data, laid out like the developers'
	Binary   string // the product
	Temp     string // folder of our own for what is large; removed at the end
	Lines    int64  // how many are generated
	Entities int
	Days     float64 // that the generated lines span; 0 follows from Lines and Entities
	Runs     int
	Minutes  float64   // that load takes
	keep     string    // folder in which what is costly to make stays for the next run
	log      io.Writer // progress, for people
}

// say tells people how far it is.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, "  "+format+"\n", args...) }

// settings are the flags.
type settings struct {
	bench
	json    bool
	write   string
	workdir string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	s, names, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var chosen []evaluation
	if err == nil {
		if len(names) == 1 && names[0] == "list" {
			list(out)
			return 0
		}
		chosen, err = choose(names)
	}
	if err != nil {
		fmt.Fprintf(errs, "vedette-eval: error: %v\n", err)
		return 2
	}
	if err := s.measure(ctx, chosen, out); err != nil {
		fmt.Fprintf(errs, "vedette-eval: error: %v\n", err)
		return 1
	}
	return 0
}

// parse reads flags and names, in any order.
func parse(args []string, errs io.Writer) (*settings, []string, error) {
	s := &settings{}
	s.log = errs
	f := flag.NewFlagSet("vedette-eval", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&s.Data, "data", cmp.Or(os.Getenv("VEDETTE_DATA"), filepath.Join("..", "shared", "data")), "`folder` of data; the default is $VEDETTE_DATA, or ../shared/data")
	f.BoolVar(&s.json, "json", false, "print figures as JSON, one a line")
	f.StringVar(&s.write, "write", "", "write results and tables below this `folder`, such as docs")
	f.StringVar(&s.Binary, "binary", "", "measure this `program`; the default is to build ./cmd/vedette")
	f.StringVar(&s.workdir, "temp", os.TempDir(), "`folder` for what is generated, up to some 10 GB")
	f.Int64Var(&s.Lines, "n", 5_000_000, "how many lines to generate; scale goes from a fifth of it to four times as many")
	f.IntVar(&s.Entities, "entities", 3000, "how many machines the generated lines are about")
	f.Float64Var(&s.Days, "days", 0, "how many days they span; 0 is what makes 833 a day and machine")
	f.Float64Var(&s.Minutes, "minutes", 20, "how long load goes on; sustain a quarter of it")
	f.IntVar(&s.Runs, "runs", 3, "how many times speed is measured")
	f.Usage = func() {
		fmt.Fprintln(errs, "usage: vedette-eval [flags] NAME...  (vedette-eval list says which names there are; all and bench stand for several)")
		f.PrintDefaults()
	}
	var names []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, nil, err
		}
		if args = f.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	if !(s.Minutes >= 0.2 && s.Minutes <= 1e4) {
		return nil, nil, errors.New("--minutes must be from 0.2 to 10,000")
	}
	if s.Lines < 1000 || s.Entities < 10 || s.Runs < 1 || s.Days < 0 {
		return nil, nil, errors.New("--n must be at least 1000, --entities 10, --runs 1, and --days not negative")
	}
	return s, names, nil
}

// choose returns the evaluations that go by the names, each once, in their own order.
func choose(names []string) ([]evaluation, error) {
	if len(names) == 0 {
		return nil, errors.New("which evaluation? vedette-eval list says which there are")
	}
	for _, n := range names {
		known := n == "all" || n == "bench" || slices.ContainsFunc(evaluations(), func(e evaluation) bool { return e.Name == n })
		if !known {
			return nil, fmt.Errorf("there is no evaluation %q; vedette-eval list says which there are", n)
		}
	}
	var chosen []evaluation
	for _, e := range evaluations() {
		if slices.Contains(names, e.Name) || slices.Contains(names, "all") || e.Bench && slices.Contains(names, "bench") {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

func list(w io.Writer) {
	for _, e := range evaluations() {
		mark := ""
		if e.Bench {
			mark = " (bench)"
		}
		fmt.Fprintf(w, "%-16s %s%s\n", e.Name, e.Summary, mark)
	}
}

// measure runs evaluations and reports each as soon as it is done.
func (s *settings) measure(ctx context.Context, chosen []evaluation, out io.Writer) (err error) {
	if s.Data, err = filepath.Abs(s.Data); err != nil {
		return err
	}
	s.keep = s.workdir
	if s.Temp, err = os.MkdirTemp(s.workdir, "vedette-eval-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.Temp)) }()
	// Others must be able to enter: bad_input runs the program as somebody without rights.
	if err := os.Chmod(s.Temp, 0o755); err != nil {
		return err
	}
	if s.Binary == "" {
		s.say("building the program")
		if s.Binary, err = build(ctx, s.Temp); err != nil {
			return err
		}
	}
	if s.Binary, err = filepath.Abs(s.Binary); err != nil {
		return err
	}
	var failed []string
	for _, e := range chosen {
		fmt.Fprintf(s.log, "vedette-eval: %s: %s\n", e.Name, e.Summary)
		r, err := e.Run(ctx, &s.bench)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(s.log, "vedette-eval: error: %s: %v\n", e.Name, err)
			failed = append(failed, e.Name)
			continue
		}
		r.hide(s.Temp, s.Data)
		if err := r.print(out, e.Name, s.json); err != nil {
			return err
		}
		if s.write == "" || r.Skipped != "" {
			continue
		}
		if err := write(ctx, s.write, e, r, s.command(e.Name)); err != nil {
			return fmt.Errorf("writing the results of %s: %w", e.Name, err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("could not run: %s", strings.Join(failed, ", "))
	}
	return nil
}

// command returns what reproduces the figures of an evaluation.
func (s *settings) command(name string) string {
	c := "go run ./cmd/vedette-eval --write docs"
	if s.Lines != 5_000_000 {
		c += fmt.Sprintf(" --n %d", s.Lines)
	}
	if s.Entities != 3000 {
		c += fmt.Sprintf(" --entities %d", s.Entities)
	}
	if s.Days != 0 {
		c += fmt.Sprintf(" --days %g", s.Days)
	}
	if s.Minutes != 20 {
		c += fmt.Sprintf(" --minutes %g", s.Minutes)
	}
	if s.Runs != 3 {
		c += fmt.Sprintf(" --runs %d", s.Runs)
	}
	return c + " " + name
}
