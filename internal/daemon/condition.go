package daemon

import (
	"sync"
	"time"
)

// condition is how the daemon does, as far as it is not seen from outside. The zero
// condition is that of one that does well.
type condition struct {
	lock     sync.Mutex
	started  time.Time
	beat     time.Time     // when what has to be done time and again was begun last
	saved    time.Time     // when what was learned was saved last
	jumped   time.Duration // the greatest jump of the clock
	jumpedAt time.Time
}

// jump is by how much the clock must be off its course for it to have been set.
const jump = 500 * time.Millisecond

// tick notes that the daemon is alive, and whether the clock was set since the last time:
// then the time of day and the time that passed differ.
func (c *condition) tick(now time.Time) {
	c.lock.Lock()
	last := c.beat
	c.beat = now
	c.lock.Unlock()
	if !last.IsZero() {
		c.passed(now.Round(0).Sub(last.Round(0)), now.Sub(last), now) // Round takes away what a stop watch would show
	}
}

// passed compares how far the time of day went with the time that passed.
func (c *condition) passed(day, watch time.Duration, now time.Time) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if off := day - watch; off.Abs() >= jump && off.Abs() > c.jumped.Abs() {
		c.jumped, c.jumpedAt = off, now
	}
}

// save notes that what was learned is saved as of a moment.
func (c *condition) save(at time.Time) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.saved = at
}

// alive reports whether the daemon has done what it has to within some time.
func (c *condition) alive(within time.Duration, now time.Time) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.beat.IsZero() || now.Sub(c.beat) < within
}

// seen is a copy of what is known.
type seen struct {
	started, saved, jumpedAt time.Time
	jumped                   time.Duration
}

func (c *condition) look() seen {
	c.lock.Lock()
	defer c.lock.Unlock()
	return seen{c.started, c.saved, c.jumpedAt, c.jumped}
}
