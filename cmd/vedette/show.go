package main

import (
	"bufio"
	"context"
	"fmt"

	"vedette/internal/analyze"
	"vedette/internal/narrate"
)

// showVerb prints a record.
type showVerb struct {
	Ref string `arg:"" help:"Where it stands, as reports say it: path#line, or archive!path#line."`
	Raw bool   `help:"Print only the record, byte for byte."`
}

// Run prints the record, and what was made of it.
func (v *showVerb) Run(ctx context.Context, s streams) error {
	shown, err := analyze.Show(ctx, v.Ref)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(s.out)
	if v.Raw {
		w.Write(append(shown.Raw, '\n'))
		return w.Flush()
	}
	fmt.Fprintf(w, "%s\n", narrate.Visible(string(shown.Raw)))
	if len(shown.Events) == 0 {
		fmt.Fprintln(w, "\nNo event was made of it.")
	}
	for _, e := range shown.Events {
		fmt.Fprintln(w)
		for _, f := range e {
			fmt.Fprintf(w, "  %-20s %s\n", f.Name, narrate.Visible(f.Value))
		}
	}
	return w.Flush()
}
