package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"vedette/internal/config"
	"vedette/internal/intake"
	"vedette/internal/source"
)

// feeds is the sources that run. What runs can be changed while the rest goes on.
type feeds struct {
	log   *slog.Logger
	live  *intake.Live
	place func(source string) []byte
	// apply waits until everything that is in the log by now was applied, so that place
	// knows of every mark.
	apply func(ctx context.Context) error

	changing sync.Mutex // held while what runs changes
	lock     sync.Mutex
	running  []*running
}

// running is a source that runs.
type running struct {
	feed config.Feed
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// change has exactly these sources run, until ctx ends: those that run already and are
// configured as before go on undisturbed, others end, and new ones begin. A file that one
// source leaves and another takes up is read on where it was.
func (f *feeds) change(ctx context.Context, want []config.Feed) (begun, ended int, err error) {
	f.changing.Lock()
	defer f.changing.Unlock()
	stay, leave := f.part(want)
	for _, r := range leave {
		r.stop()
	}
	for _, r := range leave {
		<-r.done
	}
	if len(leave) > 0 {
		if err := f.live.Out(ctx).Flush(ctx); err != nil {
			return 0, len(leave), err
		}
		if err := f.apply(ctx); err != nil {
			return 0, len(leave), err
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(stay, func(r *running) bool { return same(r.feed, w) }) {
			f.start(ctx, w)
			begun++
		}
	}
	return begun, len(leave), nil
}

// part parts what runs into what is wanted and what is not. What failed has ended and is
// begun again if it is wanted.
func (f *feeds) part(want []config.Feed) (stay, leave []*running) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, r := range f.running {
		i := slices.IndexFunc(want, func(w config.Feed) bool { return same(r.feed, w) })
		if i < 0 {
			leave = append(leave, r)
			continue
		}
		r.feed.Name = want[i].Name
		stay = append(stay, r)
	}
	f.running = slices.Clone(stay)
	return stay, leave
}

func same(a, b config.Feed) bool { return a.Kind == b.Kind && bytes.Equal(a.Part, b.Part) }

// start runs a source until it is stopped or ctx ends.
func (f *feeds) start(ctx context.Context, feed config.Feed) {
	ctx, stop := context.WithCancel(ctx)
	r := &running{feed: feed, stop: stop, done: make(chan struct{})}
	f.lock.Lock()
	f.running = append(f.running, r)
	f.lock.Unlock()
	go func() {
		defer close(r.done)
		defer stop()
		err := feed.Run(ctx, f.place, func() source.Out { return f.live.Out(ctx) })
		if err != nil && ctx.Err() == nil {
			f.failed(r, err)
		}
	}()
}

// failed notes that a source ended by itself: a reload may begin it again.
func (f *feeds) failed(r *running, err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.running = slices.DeleteFunc(f.running, func(o *running) bool { return o == r })
	f.log.Error("a source ended; mend what is wrong and reload", "source", r.feed.Name, "why", err)
}

// many returns how many sources run.
func (f *feeds) many() int {
	f.lock.Lock()
	defer f.lock.Unlock()
	return len(f.running)
}

// wait waits until every source has ended.
func (f *feeds) wait() {
	f.changing.Lock()
	defer f.changing.Unlock()
	f.lock.Lock()
	all := slices.Clone(f.running)
	f.lock.Unlock()
	for _, r := range all {
		<-r.done
	}
}

// all returns the sources that run.
func (f *feeds) all() (all []config.Feed) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, r := range f.running {
		all = append(all, r.feed)
	}
	return all
}

// applied waits until everything that is in the log by now was applied.
func (d *Daemon) applied(ctx context.Context) error {
	last := d.journal.Last()
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for d.position() < last {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
	}
	return nil
}
