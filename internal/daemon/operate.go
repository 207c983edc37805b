package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/config"
	"vedette/internal/daemon/backup"
	"vedette/internal/daemon/control"
	"vedette/internal/daemon/doctor"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/rows"
	"vedette/internal/store/journal"
	"vedette/internal/store/segments"
	"vedette/internal/store/state"
)

// What the verbs of the program ask of the daemon that runs: see package control.

var _ control.Daemon = (*Faces)(nil)

// Backup implements [control.Daemon]: it writes a backup while everything goes on. Only
// saving what was learned waits until all is gathered.
func (f *Faces) Backup(ctx context.Context, to io.Writer, keys bool) error {
	d := f.daemon
	began := d.now()
	d.upkeep.Lock()
	set, err := backup.Source{
		Data: d.config.Data, Journal: d.journal, State: d.state, Sealed: d.segments.Safe, Learned: standsFor,
		Site: d.config.Site, Program: f.desk.Version, Now: d.now,
	}.Gather(ctx, keys)
	d.upkeep.Unlock()
	if err != nil {
		return err
	}
	err = errors.Join(set.Write(ctx, to), set.Close())
	if err == nil {
		d.log.Info("a backup was made", "keys", keys, "seconds", d.now().Sub(began).Seconds())
	}
	return err
}

// standsFor returns which entry of the log the body of a snapshot stands for, without making
// a second learner of it beside the one that runs.
func standsFor(body []byte) (input.Position, error) {
	r := rows.Reader{Src: body}
	var head []int64
	if rows.Read(&r, &head); r.Err != nil || len(head) != 4 {
		return 0, errors.Join(errState, r.Err)
	}
	return input.Position(head[0]), nil
}

// learned reads the body of a snapshot, as a start would, and returns what it stands for.
func learned(body []byte) (input.Position, error) {
	l := newLearner(1)
	err := l.read(body)
	return l.at, err
}

// Backup writes a backup of a data folder on which no daemon runs.
func Backup(ctx context.Context, c config.Config, version string, to io.Writer, keys bool) (err error) {
	if err := backup.Whole(c.Data); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.Data, "journal")); err != nil {
		return fault.Wrap(fault.NotFound, fmt.Errorf("there is nothing to back up in %s: %w", c.Data, err))
	}
	j, err := journal.Open(ctx, filepath.Join(c.Data, "journal"), journal.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	events, err := segments.Open(filepath.Join(c.Data, "events"), segments.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	dir := filepath.Join(c.Data, "state")
	key, err := state.ReadKey(dir, rand.Reader)
	if err != nil {
		return err
	}
	s, err := state.Open(ctx, dir, state.Options{Key: key, Now: time.Now, Keep: string(auth.Administrator)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := backup.Tidy(c.Data); err != nil {
		return err
	}
	set, err := backup.Source{
		Data: c.Data, Journal: j, State: s, Sealed: events.Safe, Learned: standsFor, Site: c.Site, Program: version, Now: time.Now,
	}.Gather(ctx, keys)
	if err != nil {
		return err
	}
	return errors.Join(set.Write(ctx, to), set.Close())
}

// CheckBackup checks a backup. It needs some room in a folder for what is temporary.
func CheckBackup(ctx context.Context, file, temporary string) (backup.Report, error) {
	return backup.Check(ctx, file, temporary, learned)
}

// Restore makes the data folder of a configuration of a backup.
func Restore(ctx context.Context, c config.Config, file string) (backup.Restored, error) {
	return backup.Restore(ctx, file, backup.Into{Data: c.Data, Keep: string(auth.Administrator), Learned: learned, Now: time.Now})
}

// Facts implements [control.Daemon].
func (f *Faces) Facts(ctx context.Context) (doctor.Facts, error) {
	facts := f.facts()
	days, _, err := f.days(ctx)
	if err != nil {
		return facts, err
	}
	b, err := f.budget(ctx, tenant)
	if err != nil {
		return facts, err
	}
	facts.Budget, facts.Days = b.PerThousand, len(days)
	for _, d := range days {
		facts.Surfaced, facts.False, facts.Open = facts.Surfaced+d.Surfaced, facts.False+d.False, facts.Open+d.Open
	}
	facts.Strangers, err = f.desk.Door.Codes.Waiting(ctx, tenant)
	return facts, err
}

// facts returns what is known without asking the state.
func (f *Faces) facts() doctor.Facts {
	d := f.daemon
	seen, stats, far := d.condition.look(), d.segments.Stats(), f.progress()
	_, size := d.journal.Size()
	facts := doctor.Facts{
		Version: f.desk.Version, PID: os.Getpid(), Started: seen.started, Jumped: seen.jumped, JumpedAt: seen.jumpedAt,
		Lag: f.lag(), LogBytes: size, LogLost: d.journal.Recovered(), Snapshot: seen.saved, Failing: d.troubles.saving(),
		Segments: stats.Segments, Stored: stats.Bytes, From: moment(stats.From), To: moment(stats.To),
		Learning: far.share, Entities: far.active, Feeds: len(d.current().Feeds),
	}
	for _, p := range d.segments.Problems() {
		facts.Damaged = append(facts.Damaged, p.Path+": "+p.Reason)
	}
	for _, s := range f.sources() {
		facts.Sources = append(facts.Sources, f.book.examined(s))
	}
	return facts
}

// examined returns what a check of a source needs.
func (b *book) examined(s desk.Source) doctor.Source {
	src := doctor.Source{Name: s.Name, Ill: ailing([]desk.Source{s}) > 0, Says: s.Says, Lost: s.Lost}
	if s.Received > 0 {
		src.Rate = float64(s.Rejected) / float64(s.Received)
	}
	if len(s.Reasons) > 0 {
		src.Why = s.Reasons[0].Why
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	if l := b.ledgers[s.Name]; l != nil && l.Last != 0 && !l.Seen.IsZero() {
		src.Ahead = time.Duration(l.Last - l.Seen.UnixNano())
	}
	return src
}

// retention is how long events of each type are kept.
func retention(c config.Config) map[event.Type]time.Duration {
	keep := map[event.Type]time.Duration{}
	for t := event.FlowType; t < event.Types; t++ {
		keep[t] = time.Duration(c.Keep.Days) * 24 * time.Hour
	}
	return keep
}
