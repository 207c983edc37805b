package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"vedette"
	"vedette/internal/config"
	"vedette/internal/daemon"
	"vedette/internal/fault"
	"vedette/internal/narrate"
)

// demoVerb shows the console on logs that are there already. It is a verb of its own, and
// not a way of running: who runs the product wants it to last, who looks at it wants to
// have left nothing behind.
type demoVerb struct {
	Paths []string `arg:"" optional:"" name:"path" help:"Files and folders of your own logs, read as analyze reads them. Without any, a sample that comes with the program."`
	Speed *float64 `placeholder:"N" help:"How many times faster than it was the logs' time passes; 0 is as fast as this machine can. Without it, all of it takes about 25 seconds."`
	Port  uint16   `placeholder:"N" help:"Port of the console on 127.0.0.1. Without it, one that is free."`
	Keep  string   `placeholder:"DIR" help:"Keep what is learned in DIR, which must be empty or not there; vedette run can go on with it. Without it, all is removed at the end."`
	Own   []string `placeholder:"CIDR" help:"Networks of your own beside private ones, such as 192.0.2.0/24. Without it they are told from the traffic."`
}

const demoLasts = 25 * time.Second

// Validate checks what kong can't.
func (v *demoVerb) Validate() error {
	if v.Speed != nil && !(*v.Speed >= 0 && *v.Speed <= math.MaxUint32) {
		return errors.New("--speed must be a number from 0 on")
	}
	return nil
}

// Run replays until it is interrupted.
func (v *demoVerb) Run(ctx context.Context, s streams) (err error) {
	c, err := daemon.Configure("")
	if err != nil {
		return err
	}
	c.Site, c.Keep.Days, c.Console.Listen = "demo", 36500, fmt.Sprintf("127.0.0.1:%d", v.Port)
	if c.Own, err = networks(v.Own); err != nil {
		return err
	}
	for _, p := range v.Paths {
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.NotFound, fmt.Sprintf("there is nothing to show: there is no %s", p))
		} else if err != nil {
			return fault.Wrap(fault.NotFound, fmt.Errorf("there is nothing to show: %w", err))
		}
	}
	remove := func() error { return nil }
	if c.Data, remove, err = v.folder(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	paths := v.Paths
	if len(paths) == 0 {
		paths = []string{filepath.Join(c.Data, "sample")}
		if err := unpack(paths[0]); err != nil {
			return fmt.Errorf("unpacking the sample: %w", err)
		}
	}
	return v.replay(ctx, s, c, paths)
}

// replay runs the daemon and says what there is to see.
func (v *demoVerb) replay(ctx context.Context, s streams, c config.Config, paths []string) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d, err := daemon.Open(ctx, c, slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	told := tell{out: s.out, sample: len(v.Paths) == 0, kept: v.Keep, start: time.Now()}
	if f, ok := s.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		told.line = f
	}
	r := daemon.Replay{Paths: paths, Temp: c.Data, Lasts: demoLasts, Keep: v.Keep != "", Told: func(r daemon.Replayed) {
		if err := told.how(r); err != nil {
			stop(err)
		}
	}}
	if v.Speed != nil {
		r.Lasts, r.Speed = 0, *v.Speed
	}
	d.Replay(r)
	faces, err := d.Faces(ctx, version)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	faces.Welcome = told.welcome
	err = errors.Join(faces.Run(ctx), d.Close())
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if err == nil {
		told.bye()
	}
	return err
}

// folder returns the folder of data, and what removes it.
func (v *demoVerb) folder() (dir string, remove func() error, err error) {
	if v.Keep == "" {
		if dir, err = os.MkdirTemp("", "vedette-demo-"); err != nil {
			return "", nil, fault.Wrap(fault.Unavailable, fmt.Errorf("making a folder to work in: %w", err))
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	there, err := os.ReadDir(v.Keep)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fault.Wrap(fault.Unavailable, fmt.Errorf("--keep: %w", err))
	}
	if len(there) > 0 {
		return "", nil, fault.New(fault.Conflict, fmt.Sprintf("--keep: there is something in %s already, and nothing of it was touched; name a folder that is empty or not there", v.Keep))
	}
	if err := os.MkdirAll(v.Keep, 0o700); err != nil {
		return "", nil, fault.Wrap(fault.Unavailable, fmt.Errorf("--keep: %w", err))
	}
	return v.Keep, func() error { return nil }, nil
}

// unpack writes the sample to a folder.
func unpack(dir string) error {
	days, err := fs.Sub(vedette.Sample, "testdata/demo")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, days)
}

// networks reads networks as people write them.
func networks(all []string) (own []netip.Prefix, err error) {
	for _, c := range all {
		p, err := netip.ParsePrefix(c)
		if err != nil {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("--own: %q is no network such as 192.0.2.0/24", c))
		}
		own = append(own, p)
	}
	return own, nil
}

// tell says how a demonstration goes.
type tell struct {
	out    io.Writer
	line   io.Writer // a terminal on which one line may change; nil if there is none
	sample bool
	kept   string
	links  int
	start  time.Time
}

// welcome says where the console is.
func (t *tell) welcome(link string) {
	if t.links++; t.links > 1 {
		t.erase()
		fmt.Fprintf(t.out, "\nSomebody has come in by that link. For another browser, which ends the first one's session:\n\n    %s\n", link)
		return
	}
	switch {
	case t.kept != "":
		fmt.Fprintf(t.out, "Open this link to set a name and a password; they hold for what is kept in %s, too:\n\n    %s\n", t.kept, link)
	default:
		fmt.Fprintf(t.out, "The console is here; this link signs you in, once:\n\n    %s\n", link)
	}
	if t.sample {
		fmt.Fprint(t.out, `
Nine days of a small clinic's network, all made up, pass one after the other. What to look at:

  1. Home. Days of quiet; then one incident, on the night to 10 March: that of ws-113.
  2. That incident. It says what happened, and each sentence opens the records it stands on.
  3. Entities, ws-113: by what it is known, and what it did. Sources: no record is unaccounted for.
`)
	} else {
		fmt.Fprint(t.out, `
Your logs are read, and then pass in order of time. What to look at:

  1. Home. What needs a person, if anything does; most of it comes when some days have been learned.
  2. Incidents. Each sentence of one opens the records it stands on; Hidden has the weaker ones.
  3. Sources. What was read of every file, and what could not be.
`)
	}
	fmt.Fprintf(t.out, "\nCtrl-C ends it%s.\n", map[bool]string{true: " and removes what it has written", false: ""}[t.kept == ""])
}

// how says how far it is, and at the end what came of it. An error is a reason to stop.
func (t *tell) how(r daemon.Replayed) error {
	if !r.Over {
		if t.line == nil || r.Total <= 0 {
			return nil
		}
		share := 100 * float64(r.Done) / float64(r.Total)
		if r.Reading {
			fmt.Fprintf(t.line, "\r\x1b[Kreading   %3.0f %% of %s", share, narrate.Quantity(float64(r.Total), "bytes"))
		} else {
			fmt.Fprintf(t.line, "\r\x1b[Kreplaying %3.0f %%   %s", share, r.At.UTC().Format("2 January 2006, 15:04 UTC"))
		}
		return nil
	}
	t.erase()
	failed := 0
	for _, f := range r.Sources {
		if !f.Status.Failed() {
			continue
		}
		if failed++; failed <= 20 {
			fmt.Fprintf(t.out, "%s: %s: %s\n", narrate.Visible(f.Path), f.Status, narrate.Visible(f.Error))
		}
	}
	if failed > 20 {
		fmt.Fprintf(t.out, "and %d more; see Sources\n", failed-20)
	}
	if r.Total == 0 {
		return fault.New(fault.Unreadable, "there is nothing to show: none of this is telemetry that this version reads; docs/coverage.md says what it reads")
	}
	fmt.Fprintf(t.out, "\nAll is learned: %s events in %s. ", narrate.Number(float64(r.Total)), time.Since(t.start).Round(100*time.Millisecond))
	switch len(r.Titles) {
	case 0:
		fmt.Fprintln(t.out, "Nothing in it needs a person.")
	case 1:
		fmt.Fprintln(t.out, "One incident needs a person:")
	default:
		fmt.Fprintf(t.out, "%d incidents need a person:\n", len(r.Titles))
	}
	for i, title := range r.Titles[:min(len(r.Titles), 5)] {
		fmt.Fprintf(t.out, "  %d. %s\n", i+1, narrate.Visible(title))
	}
	return nil
}

func (t *tell) erase() {
	if t.line != nil {
		fmt.Fprint(t.line, "\r\x1b[K")
	}
}

// bye says what is left.
func (t *tell) bye() {
	t.erase()
	if !t.sample {
		fmt.Fprintln(t.out, "The same as a page that can be kept: vedette analyze --html report.html, and your paths.")
	}
	if t.kept != "" {
		fmt.Fprintf(t.out, "What was learned is in %s. To go on from it, name it as data in a configuration for vedette run.\n", t.kept)
		return
	}
	fmt.Fprintln(t.out, "The demonstration is over; nothing of it is left.")
}
