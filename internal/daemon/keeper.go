package daemon

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/narrate"
	"vedette/internal/store/state"
	"vedette/internal/triage"
)

// machine is who changes incidents when no person does.
const machine = "vedette"

// openState opens what people see and do.
func (d *Daemon) openState(ctx context.Context) error {
	dir := filepath.Join(d.config.Data, "state")
	key, err := state.ReadKey(dir, rand.Reader)
	if err != nil {
		return err
	}
	d.state, err = state.Open(ctx, dir, state.Options{Key: key, Now: d.now, Date: func() time.Time { return d.date() }, Keep: string(auth.Administrator)})
	if err != nil {
		return err
	}
	d.keeper = incidents{d.state.Tenant(tenant), d}
	return nil
}

// incidents keeps incidents in the state.
type incidents struct {
	*state.Tenant
	daemon *Daemon
}

// keep implements keeper.
func (s incidents) keep(ctx context.Context, changed []incident.Incident, gone []triage.Merged) error {
	reports := make([]state.Report, 0, len(changed))
	for _, in := range changed {
		reports = append(reports, s.report(in))
	}
	if _, err := s.Upsert(ctx, machine, reports...); err != nil {
		return err
	}
	for _, m := range gone {
		err := s.Merge(ctx, machine, m.From, m.Into)
		if err != nil && fault.KindOf(err) != fault.NotFound { // it may have come and gone between two visits
			return fmt.Errorf("merging incidents: %w", err)
		}
	}
	return nil
}

// report writes down an incident with the names of all that take part, as they are called
// now.
func (s incidents) report(in incident.Incident) state.Report {
	names := s.daemon.learner
	r := state.Report{Incident: in, Title: narrate.Title(in, names)}
	seen := map[entity.Key]bool{}
	add := func(k entity.Key) {
		if name := names.Name(k); !seen[k] && name != "" {
			seen[k] = true
			r.Names = append(r.Names, state.Name{Key: k, Name: name})
		}
	}
	for _, k := range in.Entities {
		add(k)
	}
	for _, f := range in.Findings {
		add(f.Entity)
		for _, p := range f.Peers {
			add(p.Key)
		}
	}
	return r
}
