package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"vedette/internal/analyze"
	"vedette/internal/narrate"
	"vedette/internal/report"
)

// analyzeVerb reads files and reports.
type analyzeVerb struct {
	Paths   []string `arg:"" name:"path" help:"Files and folders. Formats are recognised by content; gzip, zstd, zip and tar are opened."`
	State   string   `placeholder:"DIR" help:"Keep here what was learned, and go on from it next time."`
	Budget  float64  `default:"1" help:"How many false incidents to surface at most, per 1,000 entities and day."`
	JSON    bool     `help:"Print one JSON object a line."`
	HTML    string   `placeholder:"FILE" help:"Write the report as a single page to FILE."`
	Own     []string `placeholder:"CIDR" help:"Networks of your own beside private ones, such as 192.0.2.0/24. Without it they are told from the traffic."`
	Workers int      `default:"0" help:"How many workers; 0 is one for each core. The answer is the same."`
	Memory  int64    `default:"2048" help:"MiB of events to hold at most in memory while they are sorted; what is more goes to temporary files."`
}

// Validate checks what kong can't.
func (v *analyzeVerb) Validate() error {
	if v.JSON && v.HTML != "" {
		return fmt.Errorf("--json and --html exclude each other")
	}
	if !(v.Budget > 0 && v.Budget <= 1000) {
		return fmt.Errorf("--budget must be more than 0 and at most 1000")
	}
	if v.Memory < 1 || v.Workers < 0 || v.Workers > 1024 {
		return fmt.Errorf("--memory must be at least 1, --workers from 0 to 1024")
	}
	return nil
}

// Run analyzes.
func (v *analyzeVerb) Run(ctx context.Context, s streams) error {
	o := analyze.Options{Paths: v.Paths, State: v.State, Budget: v.Budget, Workers: v.Workers, Memory: v.Memory << 20, Records: v.HTML != ""}
	var err error
	if o.Own, err = networks(v.Own); err != nil {
		return err
	}
	erase := func() {}
	if f, ok := s.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.Progress, erase = progress(f)
	}
	rep, err := analyze.Run(ctx, o)
	erase()
	if err != nil {
		return err
	}
	if err := v.write(s, rep); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if v.JSON || v.HTML != "" {
		for _, src := range rep.Sources {
			if src.Problem != "" && src.Status != "not telemetry" {
				fmt.Fprintf(s.err, "vedette: %s: %s: %s\n", narrate.Visible(src.Path), src.Status, narrate.Visible(src.Problem))
			}
		}
	}
	if rep.Unread > 0 {
		return exitError(exitUnread)
	}
	return nil
}

func (v *analyzeVerb) write(s streams, rep report.Report) error {
	if v.HTML != "" {
		f, err := os.Create(v.HTML)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		if err := firstError(report.HTML(w, rep), w.Flush(), f.Close()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "vedette: the report is in %s\n", v.HTML)
		return err
	}
	w := bufio.NewWriter(s.out)
	if v.JSON {
		return firstError(report.JSON(w, rep), w.Flush())
	}
	return firstError(report.Text(w, rep, terminal(s.out)), w.Flush())
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// terminal returns how to write to w: as wide as it is, and in colour, if it is a terminal.
func terminal(w io.Writer) report.Options {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return report.Options{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 80
	}
	return report.Options{Width: width, Colour: os.Getenv("NO_COLOR") == ""}
}

// progress returns what shows one line of progress on a terminal, and what erases it.
func progress(w io.Writer) (show func(analyze.Progress), erase func()) {
	var start time.Time
	var phase bool
	show = func(p analyze.Progress) {
		if start.IsZero() || phase != p.Reading {
			start, phase = time.Now(), p.Reading
			return
		}
		fmt.Fprintf(w, "\r\x1b[K%s", progressLine(p, time.Since(start)))
	}
	return show, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// progressLine says how far it is, how fast it goes and how long it will take.
func progressLine(p analyze.Progress, took time.Duration) string {
	if p.Total <= 0 || p.Done <= 0 || took <= 0 {
		return "starting"
	}
	share := min(1, float64(p.Done)/float64(p.Total))
	left := time.Duration(float64(took) * (1 - share) / share).Round(time.Second)
	rate := float64(p.Done) / took.Seconds()
	if p.Reading {
		return fmt.Sprintf("reading   %3.0f %%   %.0f MB/s   %s left", 100*share, rate/1e6, left)
	}
	return fmt.Sprintf("learning  %3.0f %%   %.0f events/s   %s left", 100*share, rate, left)
}
