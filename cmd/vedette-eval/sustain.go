package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sustain measures what the daemon can keep up with on this machine: the learner must not
// fall behind for as long as the load lasts, and what it keeps must not take much room.
func sustain(ctx context.Context, b *bench) (r result, err error) {
	const (
		rate     = 50_000
		machines = 800
	)
	lasts := time.Duration(b.Minutes / 4 * float64(time.Minute))
	s := newStream(rate, machines)
	own := *b
	if own.Binary, err = b.buildProfiled(ctx); err != nil {
		return r, err
	}
	profiled := filepath.Join(b.Temp, "cpu.profile")
	w, err := own.watch(ctx, s, lasts, "VEDETTE_EVAL_PROFILE="+profiled)
	if err != nil {
		return r, err
	}
	set := fmt.Sprintf("%s events/s for %s min, %d machines, by push, tail and syslog", number(rate), number(lasts.Minutes()), machines)
	w.accounts(&r, set)
	r.add(set, "taken in", float64(s.sent())/w.seconds(), "events/s", "handed over, and acknowledged where the sender is told").least(0.99 * rate)
	r.add(set, "entries of the log that wait, most", w.most(func(x sample) float64 { return x.lag }), "entries", "an entry holds up to some thousand events").most(200)
	r.add(set, "from the last event sent until all were learned", w.behind.Seconds(), "s", "").most(5)
	r.add(set, "CPU of the daemon", w.cpu()/w.seconds(), "cores", fmt.Sprintf("%s events/CPU s; beside it, %s cores to make and send the load", number(float64(s.sent())/max(w.cpu(), 0.01)), number(w.own/w.seconds())))
	r.add(set, "resident memory, most", w.most(func(x sample) float64 { return x.rss })/(1<<20), "MiB", "")
	n := float64(max(1, s.sent()))
	events, journal := float64(w.onDisk["events"]), float64(w.onDisk["journal"])
	r.add(set, "events on disk", events/n, "bytes/event", "segments with their indexes, after the end")
	r.add(set, "events and journal on disk", (events+journal)/n, "bytes/event", fmt.Sprintf("the journal has %s MiB after the end; %s MiB of learned state beside it", mib(journal), mib(float64(w.onDisk["learned"]))))
	r.Tables = append(r.Tables, w.table())
	if _, err := os.Stat(profiled); err != nil {
		return r, nil // the run was too short for one
	}
	t, err := profile(ctx, own.Binary, profiled)
	r.Tables = append(r.Tables, t)
	return r, err
}
