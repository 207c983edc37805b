// Package daemon builds all parts of the always-on product, runs them and stops them in
// order. It is the only package beside analyze that knows them all.
//
//	feeds -> intake -> journal -> learner (resolve, pipeline, triage) -> segments, state
//
// The journal is the only input of everything behind it. So after a crash the learner takes
// up its last snapshot, applies what the journal holds beyond it, and is where it was.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"vedette/internal/config"
	decoders "vedette/internal/decode/all"
	"vedette/internal/event"
	"vedette/internal/incident"
	"vedette/internal/input"
	"vedette/internal/intake"
	"vedette/internal/store/journal"
	"vedette/internal/store/segments"
	"vedette/internal/store/snapshot"
	"vedette/internal/store/state"
	"vedette/internal/triage"
)

const (
	snapshotEvery = 5 * time.Minute
	snapshotAfter = 500_000 // events, but not before
	snapshotLeast = 30 * time.Second
	storeEvery    = time.Second
	idle          = 15 * time.Second // without an event after which time is told by the clock
	behind        = time.Hour        // events older than that are of the past, and so is their time
	slack         = 5 * time.Second  // that events may take on their way
	tenant        = "local"
)

// Daemon is the always-on product. It is made by [Open] and has to be closed.
type Daemon struct {
	config   config.Config
	log      *slog.Logger
	now      func() time.Time
	key      []byte
	journal  *journal.Journal
	segments *segments.Store
	state    *state.Store
	learner  *learner
	live     *intake.Live
	feeds    feeds
	keeper   keeper
	storing  sync.Mutex
	news     prompt // there are findings to keep
	filled   prompt // there are events to seal

	declaring sync.Mutex    // held while what people set goes to the log
	declared  input.Setting // that is there, or on its way

	saved  input.Position // of the last snapshot
	events uint64         // that the learner had applied then
	at     time.Time      // when it was made
}

// keeper is where incidents are kept for people to see.
type keeper interface {
	// keep writes incidents as they are now, and which became part of others. Keeping the
	// same again changes nothing.
	keep(ctx context.Context, changed []incident.Incident, gone []triage.Merged) error
}

// Open opens what is kept in the data folder and applies what was not yet applied.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (d *Daemon, err error) {
	d = &Daemon{config: c, log: log, now: time.Now, news: newPrompt(), filled: newPrompt()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	learned := filepath.Join(c.Data, "learned")
	if d.key, err = snapshot.Key(learned); err != nil {
		return d, err
	}
	if d.journal, err = journal.Open(ctx, filepath.Join(c.Data, "journal"), journal.Options{}); err != nil {
		return d, fmt.Errorf("journal: %w", err)
	}
	if lost := d.journal.Recovered(); lost != "" {
		log.Warn("the journal was damaged", "what", lost)
	}
	keep := segments.Options{DiskBudget: c.Keep.Disk, Retention: map[event.Type]time.Duration{}}
	for t := event.FlowType; t < event.Types; t++ {
		keep.Retention[t] = time.Duration(c.Keep.Days) * 24 * time.Hour
	}
	if d.segments, err = segments.Open(filepath.Join(c.Data, "events"), keep); err != nil {
		return d, err
	}
	for _, p := range d.segments.Problems() {
		log.Warn("the event store is damaged", "file", p.Path, "what", p.Reason)
	}
	if err = d.openState(ctx); err != nil {
		return d, err
	}
	d.learner = newLearner(runtime.GOMAXPROCS(0))
	if _, err = snapshot.Load(learned, d.learner.read); err != nil {
		return d, err
	}
	if safe := d.segments.Safe(); safe < d.learner.at {
		log.Warn("events that were learned from are missing in the event store", "entries", d.learner.at-safe)
	}
	d.saved, d.events, d.at = d.learner.at, d.learner.events, d.now()
	in := intake.Intake{Tenant: tenant, Site: c.Site, Key: d.key, Decoders: decoders.Kinds()}
	d.live = in.NewLive(d.journal, d.now)
	d.feeds = feeds{log: log, live: d.live, place: d.learner.place, apply: d.applied}
	err = d.catchUp(ctx)
	d.declared = d.learner.setting
	return d, err
}

// catchUp applies what the journal holds beyond the snapshot. Events that are not in
// sealed segments are gathered again from where those end.
func (d *Daemon) catchUp(ctx context.Context) error {
	from := d.learner.at
	if last := d.journal.Last(); last > from {
		d.log.Info("catching up", "entries", last-from)
	}
	if err := d.journal.Read(ctx, from+1, false, d.apply); err != nil {
		return fmt.Errorf("catching up: %w", err)
	}
	return d.store(ctx)
}

// apply applies an entry of the journal.
func (d *Daemon) apply(at input.Position, data []byte) error {
	defer d.tell()
	return d.learner.apply(at, data, func(b *event.Batch) error { return d.segments.Add(b, at) })
}

// Run takes in telemetry until ctx ends, and then stops in order: feeds, intake, learner.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The intake and the learner end after the feeds, so that what was emitted is applied.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var rest sync.WaitGroup
	rest.Go(func() {
		if err := d.live.Run(inner); err != nil {
			cancel(fmt.Errorf("journal: %w", err))
		}
	})
	following, unfollow := context.WithCancel(inner)
	rest.Go(func() {
		err := d.journal.Read(following, d.learner.at+1, true, d.apply)
		if err != nil && following.Err() == nil {
			cancel(fmt.Errorf("learning: %w", err))
		}
	})
	rest.Go(func() { d.tend(ctx) })
	rest.Go(func() { d.seal(following) })
	if err := d.begin(ctx); err != nil {
		cancel(err)
	}
	<-ctx.Done()
	d.feeds.wait()
	d.settle(inner, stop)
	unfollow()
	rest.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// begin begins to take in telemetry, under what people set.
func (d *Daemon) begin(ctx context.Context) error {
	if err := d.declare(ctx); err != nil {
		return err
	}
	_, _, err := d.feeds.change(ctx, d.config.Feeds)
	return err
}

// settle ends the intake and waits, for a while, until the learner has applied all that
// reached the journal.
func (d *Daemon) settle(ctx context.Context, stop func()) {
	if err := d.live.Out().Flush(ctx); err != nil {
		d.log.Warn("the last records could not be kept", "why", err)
	}
	for end := d.now().Add(20 * time.Second); d.now().Before(end); time.Sleep(10 * time.Millisecond) {
		if d.position() >= d.journal.Last() {
			break
		}
	}
	stop()
}

func (d *Daemon) position() input.Position {
	d.learner.lock.RLock()
	defer d.learner.lock.RUnlock()
	return d.learner.at
}

// tend does what has to be done time and again until ctx ends.
func (d *Daemon) tend(ctx context.Context) {
	t := time.NewTicker(storeEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.news: // a finding is for people to see at once
			began := d.now()
			if err := d.store(ctx); err == nil {
				rest(ctx, d.now().Sub(began))
				continue
			}
		case <-t.C:
		}
		d.clock()
		if err := d.store(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("incidents could not be kept; trying again", "why", err)
			continue
		}
		if since := d.now().Sub(d.at); since >= snapshotEvery || since >= snapshotLeast && d.learned()-d.events >= snapshotAfter {
			if err := d.Snapshot(ctx); err != nil && ctx.Err() == nil {
				d.log.Error("no snapshot could be made; trying again", "why", err)
			}
		}
	}
}

func (d *Daemon) learned() uint64 {
	d.learner.lock.RLock()
	defer d.learner.lock.RUnlock()
	return d.learner.events
}

// clock tells the time when no event does, unless what comes is of the past.
func (d *Daemon) clock() {
	latest := time.Unix(0, d.live.Latest())
	now := d.now()
	if d.live.Latest() == 0 || now.Sub(latest) < idle || now.Sub(latest) > behind {
		return
	}
	d.learner.lock.RLock()
	told := d.learner.timeline.Now()
	d.learner.lock.RUnlock()
	if to := now.Add(-slack).UnixNano(); to/int64(window) > told/int64(window) {
		d.live.Tick(to)
	}
}

const window = 5 * time.Minute

// store writes what became of incidents. When it returns, so has whoever began before.
func (d *Daemon) store(ctx context.Context) error {
	d.storing.Lock()
	defer d.storing.Unlock()
	changed, gone := d.learner.changed()
	if len(changed)+len(gone) == 0 {
		return nil
	}
	if err := d.keeper.keep(ctx, changed, gone); err != nil {
		d.learner.again(changed, gone)
		return err
	}
	return nil
}

// Snapshot writes what was learned, and has the journal forget what neither it nor the
// event store needs any more.
func (d *Daemon) Snapshot(ctx context.Context) error {
	if err := d.save(ctx); err != nil {
		return err
	}
	if removed, err := d.segments.Enforce(d.now()); err != nil {
		return err
	} else if len(removed) > 0 {
		d.log.Info("old events were removed", "segments", len(removed))
	}
	return d.journal.Forget(ctx, min(d.saved, d.segments.Safe())+1)
}

// save writes what was learned.
func (d *Daemon) save(ctx context.Context) error {
	if err := d.store(ctx); err != nil {
		return err
	}
	body, at, events := d.learner.snapshot()
	if at == d.saved {
		d.at = d.now()
		return nil
	}
	// Events are sealed before the snapshot counts: a snapshot stands for entries that need
	// not be read again, not even for the event store.
	if err := d.segments.Seal(); err != nil {
		return err
	}
	if err := snapshot.Save(filepath.Join(d.config.Data, "learned"), body); err != nil {
		return err
	}
	d.saved, d.events, d.at = at, events, d.now()
	return nil
}

// Close makes a last snapshot and closes everything.
func (d *Daemon) Close() error {
	var errs []error
	if d.live != nil {
		errs = append(errs, d.Snapshot(context.Background()))
	}
	if d.state != nil {
		errs = append(errs, d.state.Close())
	}
	if d.segments != nil {
		errs = append(errs, d.segments.Close())
	}
	if d.journal != nil {
		errs = append(errs, d.journal.Close())
	}
	return errors.Join(errs...)
}
