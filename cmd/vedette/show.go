package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"vedette/internal/analyze"
	"vedette/internal/daemon"
	"vedette/internal/fault"
	"vedette/internal/narrate"
)

// showVerb prints a record.
type showVerb struct {
	Ref    string `arg:"" help:"Where it stands, as reports, the console and the API say it: path#line (of a capture, path#frame), archive!path#line, path@fingerprint#line, syslog/... or push/...#number, segment#row."`
	Raw    bool   `help:"Print only the record, byte for byte."`
	Config string `short:"c" placeholder:"FILE" help:"Configuration of the daemon whose event store holds it; it may run. Without it, the default."`
}

// Run prints the record, and what was made of it.
func (v *showVerb) Run(ctx context.Context, s streams) error {
	if analyze.Live(v.Ref) {
		return v.kept(ctx, s)
	}
	shown, err := analyze.Show(ctx, v.Ref)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(s.out)
	switch {
	case v.Raw && shown.Frame:
		w.Write(shown.Raw)
		return w.Flush()
	case v.Raw:
		w.Write(append(shown.Raw, '\n'))
		return w.Flush()
	case shown.Frame:
		fmt.Fprint(w, hex.Dump(shown.Raw))
	default:
		fmt.Fprintf(w, "%s\n", narrate.Visible(string(shown.Raw)))
	}
	if len(shown.Events) == 0 {
		fmt.Fprintln(w, "\nNo event was made of it.")
	}
	events(w, shown)
	return w.Flush()
}

// kept prints what the event store keeps of a record.
func (v *showVerb) kept(ctx context.Context, s streams) error {
	if v.Raw {
		return fault.New(fault.Invalid, "--raw: of what a daemon took in, the event store keeps the fields and not the bytes; without --raw they are shown")
	}
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	shown, err := analyze.ShowKept(ctx, c.Data, v.Ref)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(s.out)
	fmt.Fprintf(w, "%s, as it is kept:\n", narrate.Visible(v.Ref))
	events(w, shown)
	return w.Flush()
}

// events prints what was made of a record.
func events(w io.Writer, shown analyze.Shown) {
	for _, e := range shown.Events {
		fmt.Fprintln(w)
		for _, f := range e {
			fmt.Fprintf(w, "  %-20s %s\n", f.Name, narrate.Visible(f.Value))
		}
	}
}
