package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/config"
	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/intake"
	"vedette/internal/source"
	"vedette/internal/store/segments"
	"vedette/internal/store/state"
)

// book is the account of all sources over all runs of the program: the intake counts since
// it began, and the book adds that to what is stored.
type book struct {
	lock    sync.Mutex
	ledgers map[string]*ledger
	before  map[string]intake.Account // as it was counted last, by the name that the intake uses
	failed  map[string]string         // feed -> why it ended
	began   time.Time
	kind    string // of all sources; empty if it is told from their names
	today
	fresh  bool                        // something came in since the file was written
	states map[string]desk.SourceState // as they were told last
}

// ledger is the account of a source as people know it: what is read of a path is one,
// however often the file there is replaced.
type ledger struct {
	state.Source
	habit
	rejected map[string]uint64
	kind     string
	missed   time.Time // when it lost something last
	why      string    // it did
	changed  bool      // since it was stored
	over     bool      // it came to its end
	problem  string    // why it was not read, or not whole
}

const (
	storeBook   = 10 * time.Second
	watchReplay = time.Second      // a day passes in a few of them
	noteBook    = 6                // of these, until its file is written
	leastQuiet  = 10 * time.Minute // silence that is never a gap
	plainQuiet  = time.Hour        // likewise as long as it is not known how it speaks
	longQuiet   = 24 * time.Hour   // silence that is more than a gap
	restQuiet   = 30 * 24 * time.Hour
	leastVisits = 20    // until it is known how it speaks
	fades       = 16384 // visits in which a third of a silence is left
	recent      = time.Hour
)

// tailed is what the names of files end with that are followed: a part of a hash.
var tailed = regexp.MustCompile(`@[0-9a-f]{12}(-\d+)?$`)

// shown returns how people know a source, and what kind it is.
func shown(name string) (who, kind string) {
	switch end := tailed.FindStringIndex(name); {
	case end != nil:
		return name[:end[0]], "file"
	case strings.HasPrefix(name, "syslog/"):
		return name, "syslog"
	case strings.HasPrefix(name, "push/"):
		return name, "push"
	}
	return name, "feed"
}

// open reads what is stored.
func (b *book) open(ctx context.Context, t *state.Tenant, now time.Time) error {
	b.ledgers, b.before, b.failed, b.began = map[string]*ledger{}, map[string]intake.Account{}, map[string]string{}, now
	b.Day = now.Unix() / 86400
	all, err := t.Sources(ctx)
	for _, s := range all {
		l := &ledger{Source: s, rejected: map[string]uint64{}}
		_, l.kind = shown(s.Name)
		for _, r := range s.Rejected {
			l.rejected[r.Reason] = r.Count
		}
		b.ledgers[s.Name] = l
	}
	return err
}

// take adds what was counted since it was called last. The counts are asked for under the
// lock, so that they are never taken in another order than that of their time.
func (b *book) take(accounts func() []intake.Account, now time.Time) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if day := now.Unix() / 86400; day != b.Day {
		b.today = today{Day: day}
	}
	for _, a := range accounts() {
		old, seen := b.before[a.Source]
		if seen && old.Received == a.Received && old.Seen.Equal(a.Seen) && old.Over == a.Over && total(old.Lost) == total(a.Lost) {
			continue
		}
		name, kind := shown(a.Source)
		l := b.ledgers[name]
		if l == nil {
			l = &ledger{Source: state.Source{Name: name}, rejected: map[string]uint64{}}
			b.ledgers[name] = l
		}
		l.kind = cmp.Or(b.kind, kind)
		l.add(old, a, now)
		b.Records += int64(a.Received - old.Received)
		b.Events += int64(a.Events - old.Events)
		b.before[a.Source], b.fresh = a, true
	}
}

// add adds to the ledger what came between two counts.
func (l *ledger) add(old, a intake.Account, now time.Time) {
	l.changed = true
	l.over, l.problem = a.Over, a.Problem
	if a.Format != "" {
		l.Format = a.Format
	}
	if !a.Seen.IsZero() && a.Seen.After(l.Seen) {
		if !old.Seen.IsZero() { // not across a time when nobody listened
			l.Quiet, l.Visits = max(l.Quiet-l.Quiet/fades, a.Seen.Sub(l.Seen)), l.Visits+1
		}
		l.Seen = a.Seen
	}
	if l.First.IsZero() {
		l.First = a.Seen
		if !a.First.IsZero() {
			l.First = a.First
		}
	}
	l.Last = max(l.Last, a.Last)
	received := a.Received - old.Received
	l.Received += received
	l.Decoded += a.Decoded - old.Decoded
	for why, n := range a.Rejected { // any order: each by itself
		l.rejected[why] += n - old.Rejected[why]
	}
	for why, n := range a.Lost { // any order: they are added, and one of the reasons is as good
		if n > old.Lost[why] {
			l.Lost, l.missed, l.why = l.Lost+n-old.Lost[why], now, why
			l.Received += n - old.Lost[why] // the intake does not count them among what it received
		}
	}
	l.turn(now)
	l.Hours[l.Hour%24] += int64(received)
}

// turn begins the hours that have begun since.
func (l *ledger) turn(now time.Time) {
	hour := now.Unix() / 3600
	for h := max(l.Hour+1, hour-23); h <= hour; h++ {
		l.Hours[h%24] = 0
	}
	l.Hour = max(l.Hour, hour)
}

func total(m map[string]uint64) (n uint64) {
	for _, k := range m { // any order: a sum
		n += k
	}
	return n
}

// fail notes that a feed ended.
func (b *book) fail(feed, why string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.failed[feed] = why
}

// mend notes that a feed runs again.
func (b *book) mend(feed string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	delete(b.failed, feed)
}

// store writes the accounts that have changed.
func (b *book) store(ctx context.Context, t *state.Tenant) error {
	b.lock.Lock()
	var all []state.Source
	for _, l := range b.ledgers { // any order: each row by itself
		if l.changed {
			s := l.Source
			s.Rejected = nil
			for _, why := range slices.Sorted(maps.Keys(l.rejected)) {
				s.Rejected = append(s.Rejected, state.Reject{Reason: why, Count: l.rejected[why]})
			}
			all, l.changed = append(all, s), false
		}
	}
	b.lock.Unlock()
	if len(all) == 0 {
		return nil
	}
	err := t.PutSources(ctx, all...)
	if err != nil { // it is written the next time
		b.lock.Lock()
		defer b.lock.Unlock()
		for _, s := range all {
			b.ledgers[s.Name].changed = true
		}
	}
	return err
}

// sinceMidnight returns how many records came in, and how many events they made.
func (b *book) sinceMidnight() (records, events int64) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.Records, b.Events
}

// sources returns the accounts, by name.
func (b *book) sources(now time.Time) (all []desk.Source) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for _, name := range slices.Sorted(maps.Keys(b.ledgers)) {
		all = append(all, b.ledgers[name].show(b.began, now))
	}
	for _, feed := range slices.Sorted(maps.Keys(b.failed)) {
		all = append(all, desk.Source{Name: feed, Kind: "feed", State: desk.Failed, Says: "It ended: " + b.failed[feed] + ". Mend it, then reload: vedette reload."})
	}
	return all
}

func (l *ledger) show(began, now time.Time) desk.Source {
	l.turn(now)
	s := desk.Source{
		Name: l.Name, Kind: l.kind, Format: l.Format, Received: int64(l.Received), Decoded: int64(l.Decoded), Lost: int64(l.Lost),
		First: l.First, Last: l.Seen, Hours: make([]int64, 0, 24),
	}
	for why, n := range l.rejected { // any order: they are sorted
		s.Rejected += int64(n)
		if n > 0 {
			s.Reasons = append(s.Reasons, desk.Reason{Why: why, Count: int64(n)})
		}
	}
	slices.SortFunc(s.Reasons, func(a, b desk.Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why))
	})
	for h := l.Hour - 23; h <= l.Hour; h++ {
		s.Hours = append(s.Hours, l.Hours[h%24])
	}
	s.State, s.Says = l.state(s, began, now)
	return s
}

// state says how a source does.
func (l *ledger) state(s desk.Source, began, now time.Time) (desk.SourceState, string) {
	since := l.Seen
	if since.Before(began) {
		since = began // nobody listened before
	}
	silent, usual := now.Sub(since), plainQuiet
	if l.Visits >= leastVisits {
		usual = max(leastQuiet, 3*l.Quiet)
	}
	switch {
	case l.problem != "" && s.Decoded > 0:
		return desk.Gap, "It was read in part: " + l.problem + "."
	case l.problem != "":
		return desk.Failed, "It was not read: " + l.problem + "."
	case l.over:
		return desk.Idle, ""
	case s.Decoded == 0 && s.Rejected >= leastVisits:
		return desk.Failed, "Nothing of what comes is understood: " + s.Reasons[0].Why + ". See whether it is a format that Vedette reads."
	case !l.missed.IsZero() && now.Sub(l.missed) < recent:
		return desk.Gap, fmt.Sprintf("Records were lost in the last hour: %s.", l.why)
	case l.Last != 0 && l.Seen.UnixNano()-l.Last > int64(recent):
		return desk.Idle, ""
	case now.Sub(l.Seen) > restQuiet:
		return desk.Idle, ""
	case silent <= usual:
		return desk.Fine, ""
	case now.Sub(l.Seen) > longQuiet:
		return desk.Silent, "It has said nothing for more than a day. See whether the sender still sends here."
	case l.Visits >= leastVisits:
		return desk.Gap, fmt.Sprintf("It has been silent for longer than it usually is, which is %s at most. See whether the sender still sends.", l.Quiet.Round(time.Second))
	}
	return desk.Gap, "It has been silent for an hour. See whether the sender still sends."
}

// deskSources reads the accounts of sources.
type deskSources struct{ *Faces }

// Sources implements [desk.Sources].
func (s deskSources) Sources(_ context.Context, name string) ([]desk.Source, error) {
	if name != tenant {
		return nil, nil
	}
	return s.sources(), nil
}

// sources returns the accounts as they are now.
func (f *Faces) sources() []desk.Source {
	now := f.daemon.date()
	f.book.take(f.daemon.accounts, now)
	return f.daemon.timely(f.book.sources(now))
}

// timely adds to the accounts how many events were untimely. That follows from the log.
func (d *Daemon) timely(all []desk.Source) []desk.Source {
	for name, n := range d.learner.untimely() { // any order: sums
		name, _ = shown(name)
		if i := slices.IndexFunc(all, func(s desk.Source) bool { return s.Name == name }); i >= 0 {
			all[i].Late += int64(n.Late)
			all[i].Ahead += int64(n.Ahead)
		}
	}
	return all
}

// ailing counts the sources that are not as they should be.
func ailing(all []desk.Source) (n int) {
	for _, s := range all {
		if s.State == desk.Gap || s.State == desk.Silent || s.State == desk.Failed {
			n++
		}
	}
	return n
}

// follow keeps the accounts and tells who watches that a source does otherwise than it
// did, until ctx ends.
func (f *Faces) follow(ctx context.Context) {
	every := storeBook
	if f.daemon.replay != nil {
		every = watchReplay
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		if f.differ(f.sources()) || f.daemon.replay != nil && f.daemon.replay.moved() {
			f.hub.tell(tenant, desk.Change{What: "source"})
			f.hub.tell(tenant, desk.Change{What: "health"})
		}
		err := f.book.store(ctx, f.tenant(tenant))
		if n%noteBook == noteBook-1 {
			err = errors.Join(err, f.note())
		}
		if err != nil && ctx.Err() == nil {
			f.daemon.log.Warn("the accounts of sources could not be kept; trying again", "why", err)
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// differ reports whether a source is in another state than when it was called last.
func (f *Faces) differ(all []desk.Source) (differs bool) {
	f.book.lock.Lock()
	defer f.book.lock.Unlock()
	now := map[string]desk.SourceState{}
	for _, s := range all {
		now[s.Name] = s.State
	}
	differs = f.book.states != nil && !maps.Equal(now, f.book.states)
	f.book.states = now
	return differs
}

// watched returns the feeds so that the book notes when one ends by itself.
func (f *Faces) watched(feeds []config.Feed) []config.Feed {
	feeds = slices.Clone(feeds)
	for i, feed := range feeds {
		feeds[i].Feed = watchedFeed{feed.Feed, feed.Name, f}
	}
	return feeds
}

// watchedFeed notes when a feed ends by itself.
type watchedFeed struct {
	source.Feed
	name  string
	faces *Faces
}

// Run implements [source.Feed].
func (w watchedFeed) Run(ctx context.Context, place func(string) []byte, out func() source.Out) error {
	w.faces.book.mend(w.name)
	err := w.Feed.Run(ctx, place, out)
	if err != nil && ctx.Err() == nil {
		w.faces.book.fail(w.name, err.Error())
	}
	return err
}

// accounts returns the accounts of all that comes in.
func (d *Daemon) accounts() []intake.Account {
	if d.replay != nil {
		return d.replay.all()
	}
	return d.live.Accounts()
}

// source returns the name of a source by its number.
func (l *learner) source(number uint32) string {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.machine.Source(number)
}

// deskRecords reads the records behind findings.
type deskRecords struct{ *Faces }

// Record implements [desk.Records].
func (s deskRecords) Record(ctx context.Context, tenant string, r finding.Ref) (desk.Record, error) {
	if err := ours(tenant); err != nil {
		return desk.Record{}, err
	}
	d := s.daemon
	rec := desk.Record{Where: d.learner.Where(r)}
	p := segments.Place{Tenant: tenant, Source: d.learner.source(r.Source), Position: r.Position, Index: int(r.Index)}
	done, err := d.memory.lookUp(ctx)
	if err != nil {
		return rec, err
	}
	defer done()
	err = d.segments.Find(ctx, p, func(_ segments.Ref, v event.View) error {
		if rec.Fields != nil {
			return nil
		}
		for name, value := range v.Fields {
			rec.Fields = append(rec.Fields, desk.Field{Name: name, Value: value})
		}
		return nil
	})
	switch {
	case rec.Fields != nil: // something else could not be read
		return rec, nil
	case err != nil:
		return rec, err
	}
	return rec, fault.New(fault.NotFound, "this record is kept no longer")
}
