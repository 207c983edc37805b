package daemon

import (
	"path/filepath"
	"runtime"

	"vedette/internal/fault"
	"vedette/internal/store/snapshot"
)

func (d *Daemon) learnedFolder() string { return filepath.Join(d.config.Data, "learned") }

// restore puts the learner into the state from which the journal is applied: that of the
// newest snapshot, or of the one before it, if the newest is damaged or events have to be
// resolved again that it has left behind.
func (d *Daemon) restore() error {
	dir := d.learnedFolder()
	d.learner = newLearner(runtime.GOMAXPROCS(0))
	_, err := snapshot.Load(dir, d.learner.read)
	if err != nil && fault.KindOf(err) != fault.Unreadable {
		return err
	}
	safe := d.segments.Safe()
	if err == nil && safe >= d.learner.at {
		return nil
	}
	earlier := newLearner(runtime.GOMAXPROCS(0))
	if _, before := snapshot.LoadBefore(dir, earlier.read); before != nil || d.journal.First() > earlier.at+1 || err == nil && earlier.at > safe {
		if err == nil {
			d.log.Warn("events that were learned from are missing in the event store and cannot be made again", "entries", d.learner.at-safe)
		}
		return err
	}
	if err != nil {
		d.log.Warn("the newest snapshot of what was learned is damaged; it is made again from the one before and the journal", "why", err)
		if err := snapshot.Aside(dir); err != nil {
			return err
		}
	} else {
		d.log.Warn("the newest events in the event store are damaged; they are made again from the journal", "entries", d.learner.at-safe)
	}
	d.learner = earlier
	return nil
}
