package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/internal/config"
	"vedette/internal/daemon"
	"vedette/internal/daemon/backup"
	"vedette/internal/daemon/control"
	"vedette/internal/fault"
)

// backupVerb writes a backup.
type backupVerb struct {
	Config   string `short:"c" placeholder:"FILE" help:"Configuration file of the daemon."`
	WithKeys bool   `help:"Put the keys into it as well. Whoever has such a backup has every secret in it."`
	To       string `arg:"" help:"File to write; it must not be there yet."`
}

// Run writes a backup beside its place, checks it, and only then gives it its name.
func (v *backupVerb) Run(ctx context.Context, s streams) (err error) {
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(v.To); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Conflict, v.To+" is there already, and backups are never overwritten")
	}
	part := v.To + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("writing a backup: %w (what an interrupted backup left may be removed)", err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part))
		}
	}()
	to := bufio.NewWriterSize(f, 1<<20)
	err = v.write(ctx, c, to)
	if err == nil {
		err = to.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	report, err := daemon.CheckBackup(ctx, part, filepath.Dir(v.To))
	if err != nil {
		return fmt.Errorf("the backup was written and does not hold what it should, so it was removed: %w", err)
	}
	if err := os.Rename(part, v.To); err != nil {
		return err
	}
	fmt.Fprint(s.out, described(v.To, report))
	if v.WithKeys {
		fmt.Fprintln(s.err, "vedette: warning: the keys are in it: keep it where you would keep passwords")
	} else {
		fmt.Fprintf(s.err, "vedette: the keys are not in it. Keep %s and %s in a safe place of their own; without them a restore loses secrets and one-time codes\n",
			filepath.Join(c.Data, "state", "key"), filepath.Join(c.Data, "learned", "key"))
	}
	return nil
}

// write has the daemon write the backup if one runs.
func (v *backupVerb) write(ctx context.Context, c config.Config, to *bufio.Writer) error {
	err := control.Dial(c.Data).Backup(ctx, to, v.WithKeys)
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return daemon.Backup(ctx, c, version, to, v.WithKeys)
}

// described says what a backup holds.
func described(file string, r backup.Report) string {
	keys := "not in it"
	if r.Keys {
		keys = "in it"
	}
	size := int64(0)
	if info, err := os.Stat(file); err == nil {
		size = info.Size()
	}
	return fmt.Sprintf("backup    %s, %.1f MB, checked\nmade      %s by vedette %s at site %s\nlog       up to entry %d; %d entries beyond what was learned\nevents    %d segments\nstate     schema %d, audit unbroken\nkeys      %s\n",
		file, float64(size)/1e6, r.Made.UTC().Format("2006-01-02 15:04:05 UTC"), r.Program, r.Site, r.Position, r.Entries, r.Segments, r.Schema, keys)
}

// restoreVerb restores a backup.
type restoreVerb struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file that names the data folder."`
	Verify bool   `help:"Only check the backup."`
	From   string `arg:"" help:"The backup."`
}

// Run restores a backup into an empty data folder, or checks it.
func (v *restoreVerb) Run(ctx context.Context, s streams) error {
	if v.Verify {
		r, err := daemon.CheckBackup(ctx, v.From, "")
		if err == nil {
			fmt.Fprint(s.out, described(v.From, r))
		}
		return err
	}
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	r, err := daemon.Restore(ctx, c, v.From)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "restored  %s\n%s", c.Data, described(v.From, r.Report))
	if r.Owner >= 0 {
		fmt.Fprintf(s.out, "owner     user %d, like the folder\n", r.Owner)
	}
	fmt.Fprintln(s.out, "sessions  ended; everybody signs in anew. Look through people and tokens: they are as they were then")
	if r.Unsealed {
		fmt.Fprintf(s.err, "vedette: warning: the key of the state was not there, so a new one was made. It had sealed %d secrets and the one-time codes of %d people\n", len(r.Lost.Secrets), len(r.Lost.OneTime))
		for _, name := range r.Lost.Secrets {
			fmt.Fprintf(s.err, "  secret %s: enter it again\n", name)
		}
		for _, name := range r.Lost.OneTime {
			fmt.Fprintf(s.err, "  %s signs in without one-time codes until they are set up again\n", name)
		}
	}
	if r.Unblinded {
		fmt.Fprintln(s.err, "vedette: warning: the key of learned/ was not there, so the next start makes a new one: protected values (such as names of patients) that were known look new once")
	}
	return nil
}
