package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vedette/internal/daemon"
	"vedette/internal/daemon/control"
	"vedette/internal/daemon/doctor"
)

// doctorVerb finds out what is wrong.
type doctorVerb struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file of the daemon."`
	JSON   bool   `name:"json" help:"One object a line."`
}

// Run says how everything does. It ends with 3 if something has to be done.
func (v *doctorVerb) Run(ctx context.Context, s streams) error {
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	subject := doctor.Subject{Config: c, File: v.Config, Now: time.Now()}
	facts, err := control.Dial(c.Data).Facts(ctx)
	if subject.Silent = err; err == nil {
		subject.Facts = &facts
	}
	all := doctor.Examine(subject)
	for _, l := range all {
		if v.JSON {
			err = json.NewEncoder(s.out).Encode(l)
		} else {
			_, err = fmt.Fprint(s.out, said(l))
		}
		if err != nil {
			return err
		}
	}
	if doctor.Worst(all) == doctor.Act {
		return exitError(exitUnread)
	}
	return nil
}

// said is a line as people read it.
func said(l doctor.Line) string {
	line := fmt.Sprintf("%-5s  %-14s %s\n", l.State, l.Check, strings.ReplaceAll(l.Says, "\n", " "))
	if l.Do != "" {
		line += fmt.Sprintf("%-5s  %-14s -> %s\n", "", "", l.Do)
	}
	return line
}

// reloadVerb has the daemon read its configuration again.
type reloadVerb struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file of the daemon."`
}

// Run says what holds now, and what from the next start on.
func (v *reloadVerb) Run(ctx context.Context, s streams) error {
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	r, err := control.Dial(c.Data).Reload(ctx)
	if err != nil {
		return err
	}
	if len(r.Applied)+len(r.Restart) == 0 {
		fmt.Fprintln(s.out, "nothing has changed")
	}
	for _, k := range r.Applied {
		fmt.Fprintf(s.out, "holds now            %s\n", k)
	}
	for _, k := range r.Restart {
		fmt.Fprintf(s.out, "needs a restart      %s\n", k)
	}
	return nil
}
