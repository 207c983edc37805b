package main

import (
	"context"
	"errors"
	"fmt"

	"vedette/internal/audit"
	"vedette/internal/daemon"
)

// auditVerb is what there is to do with the record of who did what.
type auditVerb struct {
	Verify auditVerifyVerb `cmd:"" help:"Verify that no entry was changed, left out or put in between. The daemon may be running."`
}

// auditVerifyVerb verifies the audit.
type auditVerifyVerb struct {
	offline
	Since string `placeholder:"HEAD" help:"What an earlier run, or the console, printed: the record must still lead through it."`
}

// Run verifies, and says up to where the record holds.
func (v *auditVerifyVerb) Run(ctx context.Context, s streams) error {
	var noted audit.Head
	if v.Since != "" {
		var err error
		if noted, err = audit.ParseHead(v.Since); err != nil {
			return err
		}
	}
	return v.with(ctx, true, func(d *daemon.Offline) error {
		head, err := d.VerifyAudit(ctx, noted)
		if broken, ok := errors.AsType[*audit.Break](err); ok {
			_, err = fmt.Fprintf(s.out, "broken    entry %d %s\nholds     up to entry %d\nhint      keep the file as it is, and compare it with a backup\n", broken.Seq, broken.Why, min(head.Seq, broken.Seq-1))
			return errors.Join(exitError(exitFailed), err)
		} else if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "holds     all %d entries\nhead      %s\nhint      note the head somewhere else; --since with it proves later that nothing before was changed\n", head.Seq, head)
		return err
	})
}
