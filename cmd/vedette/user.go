package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"vedette/internal/daemon"
)

// userVerb lets people in who cannot come in by themselves any more: it takes nothing but
// access to the data folder, and stands in the audit.
type userVerb struct {
	List    userListVerb    `cmd:"" help:"List the accounts."`
	Invite  userInviteVerb  `cmd:"" help:"Print a link by which somebody sets a first or a new password, once, within a day."`
	Enable  userEnableVerb  `cmd:"" help:"Let somebody in again who was disabled."`
	Disable userDisableVerb `cmd:"" help:"Keep somebody out, and end what they are signed in with."`
}

type userListVerb struct{ offline }

// Run lists the accounts.
func (v *userListVerb) Run(ctx context.Context, s streams) error {
	return v.with(ctx, true, func(d *daemon.Offline) error {
		all, err := d.People(ctx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(s.err, "nobody has an account yet; vedette user invite prints a link for the first administrator")
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
		for _, p := range all {
			last := "never signed in"
			if !p.SignedIn.IsZero() {
				last = "signed in " + p.SignedIn.UTC().Format("2006-01-02 15:04Z")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Role, last, p.State)
		}
		return w.Flush()
	})
}

type userInviteVerb struct {
	offline
	Name string `arg:"" optional:"" help:"Whom; without, the first administrator, who chooses a name."`
	Role string `placeholder:"ROLE" help:"viewer, analyst, responder, clinical, administrator or auditor. Who has another is given it."`
}

// Run prints the link.
func (v *userInviteVerb) Run(ctx context.Context, s streams) error {
	return v.with(ctx, false, func(d *daemon.Offline) error {
		link, err := d.Invite(ctx, v.Name, v.Role)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, link)
		fmt.Fprintln(s.err, "the link can be used once, within a day; earlier ones for the same person are worth nothing now")
		return err
	})
}

type userEnableVerb struct {
	offline
	Name string `arg:"" help:"Whom."`
}

// Run lets somebody in again.
func (v *userEnableVerb) Run(ctx context.Context) error {
	return v.with(ctx, false, func(d *daemon.Offline) error { return d.SetDisabled(ctx, v.Name, false) })
}

type userDisableVerb struct {
	offline
	Name string `arg:"" help:"Whom."`
}

// Run keeps somebody out.
func (v *userDisableVerb) Run(ctx context.Context) error {
	return v.with(ctx, false, func(d *daemon.Offline) error { return d.SetDisabled(ctx, v.Name, true) })
}
