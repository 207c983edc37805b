package daemon

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/pipeline"
	"vedette/internal/resolve"
	"vedette/internal/rows"
	"vedette/internal/store/journal"
	"vedette/internal/store/snapshot"
)

// How long is waited before something that failed is tried again.
const (
	firstPause = 50 * time.Millisecond // it doubles
	mostPause  = 2 * time.Second
)

// learn applies entries of the journal from the next one on, up to the last one, or, if
// it follows, until ctx ends. What a damaged disk has taken is gone over, and people are
// told; a disk that cannot be read or written for a while is waited for.
func (d *Daemon) learn(ctx context.Context, follow bool) error {
	for pause := firstPause; ; {
		var broken error // an entry that can never be applied
		from := d.position() + 1
		err := d.journal.Read(ctx, from, follow, func(at input.Position, data []byte) error {
			broken = d.apply(ctx, at, data)
			pause = firstPause
			return broken
		})
		gap, lost := errors.AsType[*journal.Gap](err)
		switch first := d.journal.First(); {
		case err == nil || ctx.Err() != nil || broken != nil:
			return err
		case lost:
			d.troubles.found(logPart, fmt.Sprintf("%v. What they held is missing in what was learned, and in the event store; all that came before and after is there. Check the disk.", gap))
			d.learner.skip(gap.To)
		case fault.KindOf(err) == fault.NotFound && from < first:
			d.troubles.found(logPart, fmt.Sprintf("Entries %d to %d of the log are needed and are not there any more; learning goes on behind them.", from, first-1))
			d.learner.skip(first - 1)
		case !follow:
			return err
		default:
			if !wait(ctx, &pause) {
				return err
			}
		}
	}
}

// wait waits before something is tried again, each time longer, and returns whether ctx
// goes on.
func wait(ctx context.Context, pause *time.Duration) bool {
	t := time.NewTimer(*pause)
	defer t.Stop()
	*pause = min(2**pause, mostPause)
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// apply applies an entry of the journal, and waits until the event store has its events.
func (d *Daemon) apply(ctx context.Context, at input.Position, data []byte) error {
	defer d.tell()
	b, err := d.learner.apply(at, data)
	if err != nil || b == nil {
		return err
	}
	return d.keepEvents(ctx, b, at)
}

// keepEvents has the event store take the events of an entry. Meanwhile others may ask the
// learner. What the store has not taken when ctx ends it gets at the next start.
func (d *Daemon) keepEvents(ctx context.Context, b *event.Batch, at input.Position) error {
	for pause := firstPause; ; {
		err := d.segments.Add(b, at)
		if err == nil {
			if pause > firstPause {
				d.troubles.end(eventsPart)
			}
			return nil
		}
		d.troubles.begin(eventsPart, eventsSays, err)
		if !wait(ctx, &pause) {
			return fmt.Errorf("keeping the events of entry %d: %w", at, err)
		}
	}
}

// skip goes over entries that are lost.
func (l *learner) skip(to input.Position) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.at = max(l.at, to)
}

// restore takes up what was learned: the last snapshot, or the one before if that is
// damaged, or nothing if both are.
func (d *Daemon) restore(dir string) error {
	fresh := func(body []byte) error {
		d.learner = newLearner(runtime.GOMAXPROCS(0))
		return d.learner.read(body)
	}
	d.learner = newLearner(runtime.GOMAXPROCS(0))
	found, err := snapshot.Load(dir, fresh)
	if errors.Is(err, pipeline.ErrShape) || err == nil && found {
		return err
	}
	found, worse := snapshot.LoadBefore(dir, fresh)
	switch {
	case worse != nil && (fault.KindOf(worse) != fault.Unreadable || errors.Is(worse, pipeline.ErrShape)):
		return worse
	case worse != nil || err != nil && !found:
		d.learner = newLearner(runtime.GOMAXPROCS(0))
		d.troubles.found(learnedPart, fmt.Sprintf("What was learned is damaged, and so is what was saved before it (%v). It is learned anew from what the log still holds, from entry %d on; until then less is found, and files are read again from their beginning.", errors.Join(err, worse), d.journal.First()))
	case err != nil:
		d.troubles.found(learnedPart, fmt.Sprintf("What was learned is damaged (%v) and was put aside. It was taken up from what was saved before, and the log has the rest: nothing is lost.", err))
	}
	return nil
}

// refill gives the event store what it lacks of what was learned from: segments that are
// damaged, and what it had not taken when the program ended. Who is who is told as it is
// known now.
func (d *Daemon) refill(ctx context.Context) error {
	first, back, missing := d.journal.First(), d.segments.Safe(), 0
	for _, p := range d.segments.Problems() {
		if p.First > 0 && p.First < first {
			missing += p.Rows
		}
	}
	if missing > 0 {
		d.troubles.found(eventsPart, fmt.Sprintf("Up to %d events in damaged files of the event store are lost: the log holds them no longer. What was learned from them is not. The files were put aside beside the others; check the disk.", missing))
	}
	if back >= d.learner.at {
		return nil
	}
	resolver := resolve.New(d.learner.setting.Own)
	r := rows.Reader{Src: d.learner.resolver.Append(nil)}
	if resolver.Read(&r); r.Err != nil {
		return fmt.Errorf("filling the event store: %w", r.Err)
	}
	var batch event.Batch
	enough := errors.New("enough")
	for from, n := max(back+1, first), 0; ; {
		err := d.journal.Read(ctx, from, false, func(at input.Position, data []byte) error {
			if from = at + 1; at > d.learner.at {
				return enough
			}
			e, err := input.Read(at, data, &batch)
			if err != nil || e.Batch == nil {
				return err
			}
			n += len(batch.Events)
			resolver.Resolve(&batch)
			return d.segments.Add(&batch, at)
		})
		if gap, lost := errors.AsType[*journal.Gap](err); lost {
			from = gap.To + 1
			continue
		}
		if err != nil && !errors.Is(err, enough) {
			return fmt.Errorf("filling the event store: %w", err)
		}
		if n > 0 {
			d.log.Info("the event store was filled from the log", "events", n)
		}
		return nil
	}
}
