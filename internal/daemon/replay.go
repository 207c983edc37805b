package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"vedette/internal/analyze"
	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/intake"
	"vedette/internal/pipeline"
	"vedette/internal/store/state"
)

// Replay has a daemon learn from files in place of feeds, with their own time passing
// faster than it did. It finds what [analyze.Run] does: the same events come in the same
// batches, through the log.
type Replay struct {
	Paths  []string
	Memory int64         // bytes of events to hold at most while they are sorted; 0 is 2 GiB
	Temp   string        // folder for what does not fit
	Lasts  time.Duration // how long it all takes
	Speed  float64       // or how many seconds of the logs pass in one; if neither is given, it goes as fast as it can
	Keep   bool          // what is learned outlasts the replay, so that people need a password
	// Told, if set, is told how it goes: a few times a second while files are read, with
	// each batch, and at the end, when Sources is there too. One goroutine calls it at a time.
	Told func(Replayed)
}

// Replayed is how a replay goes.
type Replayed struct {
	Reading     bool  // the files are being read; then they are replayed
	Done, Total int64 // bytes of all, or events of all
	At          time.Time
	Over        bool            // all is learned
	Sources     []intake.Source // what became of the files; when it is over
	Titles      []string        // of the incidents that are shown, the most pressing first; likewise
}

const (
	mostAhead = 32                     // entries that wait to be learned
	mostStill = 5 * time.Second        // between two batches, however long nothing was logged
	lookAgain = 2 * time.Millisecond   // at how far the learner is
	mostEntry = 4 << 20                // bytes, about, of events in an entry of the log
	endOfTime = int64(pipeline.Window) // after the last event: what is in its window is judged
)

// replay is a replay under way.
type replay struct {
	Replay
	daemon *Daemon
	booked func(accounts func() []intake.Account, at time.Time) // is told what came in an hour, if set

	lock    sync.Mutex
	sources map[string]*replayed // by name; nil until all is read
	at      time.Time            // date of what was replayed last
	since   time.Time            // when it was, by the clock
	seen    time.Time            // at, when it was looked at last
}

// replayed is how much of a source was replayed.
type replayed struct {
	of      intake.Source
	events  uint64
	records uint64 // of the events: those of which the first was replayed
	last    int64  // time of the last of them, Unix nanoseconds
}

// Replay has the daemon replay files once it runs. It is called before [Daemon.Faces], for
// a folder of data in which nothing is yet. From the first event on, the date that people
// are shown is that of the logs; after the last it goes on from there.
func (d *Daemon) Replay(r Replay) {
	d.replay = &replay{Replay: r, daemon: d}
	d.date = d.replay.date
}

// date is the logs' date. It is never after the clock's: what is done today stays done.
func (p *replay) date() time.Time {
	p.lock.Lock()
	defer p.lock.Unlock()
	now := p.daemon.now()
	if p.at.IsZero() {
		return now
	}
	if at := p.at.Add(now.Sub(p.since)); at.Before(now) {
		return at
	}
	return now
}

// moved reports whether something was replayed since it was called last.
func (p *replay) moved() bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	moved := !p.at.Equal(p.seen)
	p.seen = p.at
	return moved
}

// run replays the files, and returns when all is learned.
func (p *replay) run(ctx context.Context) error {
	o := analyze.Options{Paths: p.Paths, Memory: p.Memory, Temp: p.Temp}
	if p.Told != nil {
		o.Progress = func(r analyze.Progress) { p.Told(Replayed{Reading: true, Done: r.Done, Total: r.Total}) }
	}
	files, err := analyze.Find(ctx, o)
	if err != nil {
		return err
	}
	if err = files.Read(ctx, p.daemon.config.Site, p.daemon.key); err == nil {
		p.begin(files)
		err = p.play(ctx, files)
	}
	return errors.Join(err, files.Close())
}

// begin notes what there is to replay.
func (p *replay) begin(files *analyze.Files) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.sources = map[string]*replayed{}
	first, last := int64(0), int64(0)
	for _, s := range files.Sources {
		if s.Events > 0 {
			if first == 0 || s.First < first {
				first = s.First
			}
			last = max(last, s.Last)
		}
		if s.Status != intake.NotTelemetry {
			p.sources[s.Path] = &replayed{of: s}
		}
	}
	if first > 0 {
		p.at, p.since = moment(first), p.daemon.now()
	}
	if p.Speed == 0 && p.Lasts > 0 {
		p.Speed = time.Duration(last-first).Seconds() / p.Lasts.Seconds()
	}
}

// play appends all events to the log at their time.
func (p *replay) play(ctx context.Context, files *analyze.Files) error {
	var done, before int64
	next := p.daemon.now()
	err := files.Sorted(ctx, func(b *event.Batch) error {
		first := b.Events[0].Time
		if p.Speed > 0 && before > 0 {
			next = next.Add(min(mostStill, time.Duration(float64(first-before)/p.Speed)))
		}
		before = first
		if err := p.wait(ctx, next); err != nil {
			return err
		}
		p.count(b)
		done += int64(len(b.Events))
		if err := p.append(ctx, b); err != nil {
			return err
		}
		p.tell(Replayed{Done: done, Total: int64(files.Events), At: moment(b.Events[len(b.Events)-1].Time)})
		return nil
	})
	if err != nil {
		return err
	}
	if done > 0 {
		p.lock.Lock()
		e := input.Entry{Tick: p.at.UnixNano() + endOfTime}
		p.lock.Unlock()
		if _, err := p.daemon.journal.Append(ctx, e.Append(nil)); err != nil {
			return fmt.Errorf("replaying: %w", err)
		}
	}
	if err := p.learned(ctx, 0); err != nil {
		return err
	}
	if err := p.daemon.store(ctx); err != nil {
		return fmt.Errorf("keeping what was found: %w", err)
	}
	page, err := p.daemon.state.Tenant(tenant).Incidents(ctx, state.Filter{Shown: state.Surfaced, Condition: state.IsOpen}, "", wholePage)
	if err != nil {
		return fmt.Errorf("reading what was found: %w", err)
	}
	over := Replayed{Done: done, Total: int64(files.Events), At: p.date(), Over: true, Sources: files.Sources}
	for _, r := range page.Rows {
		over.Titles = append(over.Titles, r.Title)
	}
	p.tell(over)
	return nil
}

func (p *replay) tell(r Replayed) {
	if p.Told != nil {
		p.Told(r)
	}
}

// wait waits until a moment has come and the learner is not far behind.
func (p *replay) wait(ctx context.Context, until time.Time) error {
	if d := until.Sub(p.daemon.now()); d > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
	return p.learned(ctx, mostAhead)
}

// learned waits until all but some entries of the log are learned.
func (p *replay) learned(ctx context.Context, but uint64) error {
	for uint64(p.daemon.journal.Last()-p.daemon.position()) > but {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
	}
	return nil
}

// count counts what is about to be replayed, hour by hour, so that it is booked in the
// hour and on the day that it is of.
func (p *replay) count(b *event.Batch) {
	of := make([]*replayed, len(b.Origins))
	for i, o := range b.Origins {
		of[i] = p.sources[string(b.Text.Bytes(o.Source))]
	}
	for from := 0; from < len(b.Events); {
		hour := b.Events[from].Time / int64(time.Hour)
		to := from + sort.Search(len(b.Events)-from, func(i int) bool { return b.Events[from+i].Time/int64(time.Hour) > hour })
		active := p.pass(b, of, from, to)
		if p.booked != nil {
			p.booked(func() []intake.Account { return p.accounts(active) }, moment(b.Events[to-1].Time))
		}
		from = to
	}
}

// pass counts some events of a batch, and returns which sources they are of.
func (p *replay) pass(b *event.Batch, of []*replayed, from, to int) (active []*replayed) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.at, p.since = moment(b.Events[to-1].Time), p.daemon.now()
	for i := from; i < to; i++ {
		s := of[event.View{Batch: b, I: i}.Record().Origin]
		if s == nil {
			continue
		}
		if s.events++; b.Events[i].Index == 0 {
			s.records++
		}
		if s.last = b.Events[i].Time; !slices.Contains(active, s) {
			active = append(active, s)
		}
	}
	return active
}

// append appends the events of a batch to the log, as one entry unless they are too large
// for that.
func (p *replay) append(ctx context.Context, b *event.Batch) error {
	if n := len(b.Events); n > 1 && b.Size() > mostEntry {
		for _, half := range [][2]int{{0, n / 2}, {n / 2, n}} {
			var part event.Batch
			var c event.Copier
			c.To(&part)
			for i := half[0]; i < half[1]; i++ {
				c.Copy(b, i)
			}
			if err := p.append(ctx, &part); err != nil {
				return err
			}
		}
		return nil
	}
	e := input.Entry{Batch: b}
	if _, err := p.daemon.journal.Append(ctx, e.Append(nil)); err != nil {
		return fmt.Errorf("replaying: %w", err)
	}
	return nil
}

// all returns the accounts of all files so far.
func (p *replay) all() []intake.Account {
	p.lock.Lock()
	all := slices.Collect(maps.Values(p.sources)) // in any order: each has a ledger of its own
	p.lock.Unlock()
	return p.accounts(all)
}

// accounts returns what became of some files so far. One whose last event was replayed is
// told of in full: when its other records came, nobody knows.
func (p *replay) accounts(of []*replayed) (all []intake.Account) {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, s := range of {
		a := intake.Account{
			Source: s.of.Path, Format: s.of.Format, Received: s.records, Decoded: s.records, Events: s.events,
			First: moment(s.of.First), Seen: moment(s.last), Last: s.last,
		}
		switch {
		case s.events == s.of.Events:
			a.Received, a.Decoded, a.Over, a.Problem = s.of.Records, s.of.Decoded, true, s.of.Error
			a.Rejected = map[string]uint64{}
			for why, n := range s.of.Rejected { // any order: from map to map
				a.Rejected[string(why)] = n.Count
			}
		case s.events == 0:
			continue // its time has not come
		}
		all = append(all, a)
	}
	return all
}
