package daemon

import (
	"context"
	"time"
)

const mergeEvery = 20 * time.Second

// merge has the event store make few files of many until ctx ends: snapshots seal what is
// there, however little it is.
func (d *Daemon) merge(ctx context.Context) {
	t := time.NewTicker(mergeEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for ctx.Err() == nil {
			n, err := d.segments.Merge(d.now())
			if err != nil {
				d.log.Error("small files of events could not be made one; trying again", "why", err)
			}
			if n == 0 {
				break
			}
		}
	}
}
