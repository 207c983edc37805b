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
	"sync"
	"time"

	"vedette/internal/config"
	"vedette/internal/daemon/backup"
	decoders "vedette/internal/decode/all"
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
	snapshotAfter = 500_000          // events, but not before
	snapshotLeast = time.Minute      // has passed
	snapshotPause = 10 * time.Second // before one that failed is tried again
	storeEvery    = time.Second
	idle          = 15 * time.Second // without an event after which time is told by the clock
	behind        = time.Hour        // events older than that are of the past, and so is their time
	slack         = 5 * time.Second  // that events may take on their way
	settleWait    = 10 * time.Second // for what is on its way when it stops
	tenant        = "local"
)

// Daemon is the always-on product. It is made by [Open] and has to be closed.
type Daemon struct {
	config   config.Config
	log      *slog.Logger
	now      func() time.Time // the clock
	date     func() time.Time // what people are shown as now: the clock, or the date of logs that are replayed
	key      []byte
	journal  *journal.Journal
	segments *segments.Store
	state    *state.Store
	learner  *learner
	live     *intake.Live
	feeds    feeds
	keeper   keeper
	memory   *memory
	replay   *replay // nil if there are feeds
	storing  sync.Mutex
	news     prompt // there are findings to keep
	filled   prompt // there are events to seal

	declaring sync.Mutex    // held while what people set goes to the log
	declared  input.Setting // that is there, or on its way

	upkeep    sync.Mutex      // held while what is kept must stay as it is, or is changed: snapshots, retention, backups; guards what is known of the last
	reloading sync.RWMutex    // guards config
	changing  sync.Mutex      // held while the configuration is read again
	life      context.Context // of what runs; nil before
	condition condition

	older  input.Position // of the snapshot before
	saved  input.Position // of the last snapshot
	events uint64         // that the learner had applied then
	at     time.Time      // when it was made
	tried  time.Time      // when one was tried last

	troubles troubles
}

// keeper is where incidents are kept for people to see.
type keeper interface {
	// keep writes incidents as they are now, and which became part of others. Keeping the
	// same again changes nothing.
	keep(ctx context.Context, changed []incident.Incident, gone []triage.Merged) error
}

// Open opens what is kept in the data folder and applies what was not yet applied.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (d *Daemon, err error) {
	return openAt(ctx, c, log, time.Now)
}

func openAt(ctx context.Context, c config.Config, log *slog.Logger, now func() time.Time) (d *Daemon, err error) {
	d = &Daemon{config: c, log: log, now: now, date: now, troubles: troubles{log: log}, news: newPrompt(), filled: newPrompt()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err = usable(c.Data); err != nil {
		return d, err
	}
	if err = backup.Whole(c.Data); err != nil {
		return d, err
	}
	learned := filepath.Join(c.Data, "learned")
	if d.key, err = snapshot.Key(learned); err != nil {
		return d, err
	}
	if d.journal, err = journal.Open(ctx, filepath.Join(c.Data, "journal"), journal.Options{MaxBytes: c.Keep.Journal}); err != nil {
		return d, inUse(c.Data, err)
	}
	if lost := d.journal.Recovered(); lost != "" {
		log.Warn("the journal was damaged", "what", lost)
	}
	if err = backup.Tidy(c.Data); err != nil {
		return d, err
	}
	keep := segments.Options{DiskBudget: c.Keep.Disk, Retention: retention(c), Held: d.journal.First()}
	if d.segments, err = segments.Open(filepath.Join(c.Data, "events"), keep); err != nil {
		return d, err
	}
	d.memory = newMemory(memoryLimit(c.Memory), log, d.segments.Ease)
	for _, p := range d.segments.Problems() {
		log.Warn("the event store is damaged", "file", p.Path, "what", p.Reason)
	}
	if err = d.openState(ctx); err != nil {
		return d, err
	}
	if err = d.restore(learned); err != nil {
		return d, err
	}
	if err = d.refill(ctx); err != nil {
		return d, err
	}
	d.older, d.saved, d.events, d.at = d.learner.at, d.learner.at, d.learner.events, d.now()
	d.condition.started, d.condition.saved = d.at, d.at
	in := intake.Intake{Tenant: tenant, Site: c.Site, Key: d.key, Decoders: decoders.Kinds()}
	d.live = in.NewLive(paced{d.journal, d.memory}, d.now)
	d.feeds = feeds{log: log, live: d.live, place: d.learner.place, apply: d.applied}
	err = d.catchUp(ctx)
	d.learner.remind()
	d.declared = d.learner.setting
	return d, err
}

// catchUp applies what the journal holds beyond the snapshot.
func (d *Daemon) catchUp(ctx context.Context) error {
	from := d.learner.at
	if last := d.journal.Last(); last > from {
		d.log.Info("catching up", "entries", last-from)
	}
	if err := d.learn(ctx, false); err != nil {
		return fmt.Errorf("catching up: %w", err)
	}
	return d.store(ctx)
}

// Run takes in telemetry until ctx ends, and then stops in order: feeds, intake, learner.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.reloading.Lock()
	d.life = ctx
	d.reloading.Unlock()
	// The intake and the learner end after the feeds, so that what was emitted is applied.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var replaying, rest sync.WaitGroup
	rest.Go(func() {
		if err := d.live.Run(inner); err != nil {
			d.log.Error("the last records could not be kept; files and senders with keys send them again", "why", err)
		}
	})
	following, unfollow := context.WithCancel(inner)
	rest.Go(func() {
		if err := d.learn(following, true); err != nil && following.Err() == nil {
			cancel(fmt.Errorf("learning: %w", err))
		}
	})
	rest.Go(func() { d.tend(ctx) })
	rest.Go(func() { d.seal(following) })
	if err := d.begin(ctx); err != nil {
		cancel(err)
	} else if d.replay != nil { // after what people set: events are judged under it
		replaying.Go(func() {
			if err := d.replay.run(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	rest.Go(func() { d.merge(ctx) })
	rest.Go(func() { d.memory.tend(ctx) })
	<-ctx.Done()
	d.feeds.wait()
	replaying.Wait()
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
	_, _, err := d.feeds.change(ctx, d.current().Feeds)
	return err
}

// settle ends the intake and waits, for a while, until the learner has applied all that
// reached the journal.
func (d *Daemon) settle(ctx context.Context, stop func()) {
	limited, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	_ = d.live.Out(limited).Flush(limited) // if it cannot be, the intake says so when it ends
	for end := d.now().Add(2 * settleWait); d.now().Before(end); time.Sleep(10 * time.Millisecond) {
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
		d.condition.tick(d.now())
		d.clock()
		if stall := d.live.Stalled(); stall.Err != nil {
			d.troubles.begin(logPart, logSays, stall.Err)
		} else {
			d.troubles.end(logPart)
		}
		if err := d.store(ctx); err != nil {
			continue
		}
		if d.due() {
			_ = d.Snapshot(ctx) // people are told, and it is tried again
		}
	}
}

// due reports whether it is time for a snapshot: some time has passed, much was learned,
// the last one failed, or the log needs the room that one gives.
func (d *Daemon) due() bool {
	if !d.upkeep.TryLock() {
		return false
	}
	defer d.upkeep.Unlock()
	now := d.now()
	if d.tried.After(d.at) {
		since := now.Sub(d.tried)
		return since < 0 || since >= snapshotPause
	}
	if d.pressed() && (d.position() > d.saved || d.older < d.saved) {
		return true
	}
	since := now.Sub(d.at)
	return since >= snapshotEvery || since >= snapshotLeast && d.learned()-d.events >= snapshotAfter
}

// pressed reports whether the log needs room.
func (d *Daemon) pressed() bool {
	_, size := d.journal.Size()
	limit := d.current().Keep.Journal
	return d.live.Stalled().Err != nil || limit > 0 && size > limit/2
}

func (d *Daemon) learned() uint64 {
	d.learner.lock.RLock()
	defer d.learner.lock.RUnlock()
	return d.learner.events
}

// clock tells the time when no event does, unless what comes is of the past. How long that
// is does not depend on what the clock of this machine is set to meanwhile.
func (d *Daemon) clock() {
	latest, came := d.live.Latest()
	if latest == 0 {
		return
	}
	quiet := d.now().Sub(came) // by the monotonic clock
	if quiet < idle || quiet > behind || came.Sub(time.Unix(0, latest)) > behind {
		return
	}
	d.learner.lock.RLock()
	told := d.learner.timeline.Now()
	d.learner.lock.RUnlock()
	if to := latest + int64(quiet-slack); to/int64(window) > told/int64(window) {
		d.live.Tick(to)
	}
}

const window = 5 * time.Minute

// store writes what became of incidents. When it returns, so has whoever began before.
func (d *Daemon) store(ctx context.Context) error {
	d.storing.Lock()
	defer d.storing.Unlock()
	changed, gone := d.learner.changed()
	return d.keep(ctx, changed, gone)
}

// keep writes what became of incidents. If it cannot be done, it is tried again.
func (d *Daemon) keep(ctx context.Context, changed []incident.Incident, gone []triage.Merged) error {
	if len(changed)+len(gone) > 0 {
		if err := d.keeper.keep(ctx, changed, gone); err != nil {
			d.learner.again(changed, gone)
			if ctx.Err() == nil {
				d.troubles.begin(casesPart, casesSays, err)
			}
			return err
		}
	}
	d.troubles.end(casesPart)
	return nil
}

// Snapshot writes what was learned, and has the journal forget what neither it nor the
// event store needs any more. The snapshot before stays, and what is needed to go on from
// it: should this one be damaged, nothing is lost. Where the log needs room, it keeps only
// what is needed to go on from this one.
func (d *Daemon) Snapshot(ctx context.Context) error {
	d.upkeep.Lock()
	defer d.upkeep.Unlock()
	return d.snapshot(ctx)
}

// snapshot does so while upkeep is held.
func (d *Daemon) snapshot(ctx context.Context) error {
	d.tried = d.now()
	room := d.room()
	err := d.save(ctx)
	if err == nil {
		if d.pressed() {
			d.older = d.saved
		}
		err = d.journal.Forget(ctx, min(d.older, d.segments.Safe())+1)
	}
	err = errors.Join(room, err)
	switch {
	case err == nil:
		d.troubles.end(learnedPart)
	case ctx.Err() == nil:
		d.troubles.begin(learnedPart, learnedSays, err)
	}
	return err
}

// room removes old events. How old they are is told by telemetry: a clock that was set
// wrong must not take them.
func (d *Daemon) room() error {
	now := d.now()
	if told := time.Unix(0, d.learner.told()); told.Before(now) {
		now = told
	}
	removed, err := d.segments.Enforce(now)
	if len(removed) > 0 {
		d.log.Info("old events were removed", "segments", len(removed))
	}
	return err
}

// save writes what was learned. The lock is held.
func (d *Daemon) save(ctx context.Context) error {
	if d.position() == d.saved {
		d.at = d.now()
		d.condition.save(d.at)
		return d.store(ctx)
	}
	now := d.learner.freeze()
	if err := d.keep(ctx, now.changed, now.gone); err != nil {
		return err
	}
	// Events are sealed before the snapshot counts, so that after a crash few have to be
	// read again for the event store.
	if err := d.segments.Seal(); err != nil {
		return err
	}
	if err := snapshot.Replace(filepath.Join(d.config.Data, "learned"), now.body); err != nil {
		return err
	}
	d.older, d.saved, d.events, d.at = d.saved, now.at, now.events, d.now()
	d.condition.save(d.at)
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
