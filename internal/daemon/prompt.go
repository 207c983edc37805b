package daemon

import (
	"context"
	"time"
)

const (
	sealAt    = 0.75                   // of the memory for events, at which they are sealed while the learner goes on
	leastRest = 100 * time.Millisecond // from one time that findings are kept to the next
	restShare = 4                      // or so many times as long as it took
)

// prompt is how the learner says that others have something to do now. It never waits for
// them: who is told twice before he looks, looks once.
type prompt chan struct{}

func newPrompt() prompt { return make(prompt, 1) }

func (p prompt) tell() {
	select {
	case p <- struct{}{}:
	default:
	}
}

// tell tells those who tend to what the learner left behind with its last entry.
func (d *Daemon) tell() {
	if d.learner.fresh {
		d.learner.fresh = false
		d.news.tell()
	}
	if d.segments.Full() >= sealAt {
		d.filled.tell()
	}
}

// seal seals events when there are enough of them, until ctx ends. Else the learner had to
// stand still for a second or more whenever the memory for them is full.
func (d *Daemon) seal(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.filled:
		}
		if err := d.segments.Seal(); err != nil && ctx.Err() == nil {
			d.log.Error("events could not be sealed; trying again", "why", err)
		}
	}
}

// rest waits before findings are kept again, so that many of them are kept at once and
// keeping them takes a fifth of the time at most.
func rest(ctx context.Context, took time.Duration) {
	t := time.NewTimer(min(max(leastRest, restShare*took), storeEvery))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
