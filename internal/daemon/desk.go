package daemon

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/store/state"
	"vedette/internal/triage"
)

// Faces is what people and programs see of a daemon: the console, the API, health
// and metrics. It is made by [Daemon.Faces].
type Faces struct {
	daemon   *Daemon
	desk     *desk.Desk
	lasting  auth.Lasting
	hub      hub
	book     book
	tally    tally
	requests requests
	pair     atomic.Pointer[tls.Certificate] // of the console; nil without TLS
	at       net.Addr                        // of the console, once it listens
	// Welcome, if set, is told the way in for the first administrator, which is otherwise
	// written to the log. In a replay without Keep it signs in at once, once; when it was
	// used, Welcome is told the next one.
	Welcome func(link string)
}

// newFaces returns the faces of a daemon that does not run yet.
func newFaces(ctx context.Context, d *Daemon, version string) (f *Faces, err error) {
	f = &Faces{daemon: d, lasting: auth.DefaultLasting()}
	if err := f.book.open(ctx, d.state.Tenant(tenant), d.date()); err != nil {
		return nil, err
	}
	f.tally.from, f.tally.day, f.tally.seen = d.learner.told(), d.date().Unix()/86400, map[uint64]bool{}
	if err := f.remember(); err != nil {
		return nil, err
	}
	people := deskPeople{f}
	if d.replay != nil {
		f.book.kind = "file"
		d.replay.booked = f.book.take
	}
	f.desk = &desk.Desk{
		Door: &desk.Door{
			Tenant: tenant, Key: d.state.FormKey(), Now: d.now, Random: rand.Reader, Lasting: f.lasting, Cost: auth.DefaultCost(), Tried: f.requests.tried,
			Credentials: people, Sessions: deskSessions{f}, Tokens: deskTokens{f}, Codes: deskCodes{f}, Attempts: deskAttempts{f},
		},
		Incidents: deskIncidents{f}, Cases: deskIncidents{f}, Entities: deskEntities{f}, Sources: deskSources{f}, Records: deskRecords{f},
		People: people, Overview: deskOverview{f}, Settings: deskSettings{f}, Changes: &f.hub,
		Audit: deskAudit{f, new(chain)},
		Site:  d.config.Site, Version: version, Now: d.date,
	}
	if f.desk.Door.Elsewhere, err = f.elsewhere(); err != nil {
		return nil, err
	}
	d.keeper = noticing{d.keeper, f}
	d.config.Feeds = f.watched(d.config.Feeds)
	return f, nil
}

// tenant returns the state of a tenant.
func (f *Faces) tenant(name string) *state.Tenant { return f.daemon.state.Tenant(name) }

// ours returns an error unless the tenant is the one whose telemetry the daemon learns.
func ours(name string) error {
	if name != tenant {
		return fault.New(fault.NotFound, "nothing is known here")
	}
	return nil
}

// request returns how the state is asked for a change. Keys are those of a person, so that
// nobody can spend another's.
func request(by desk.By) state.Request {
	r := state.Request{Actor: by.Name(), Version: by.Version}
	if by.Key != "" {
		r.Key = by.Name() + " " + by.Key
	}
	return r
}

// noticing tells the faces what was kept.
type noticing struct {
	keeper
	faces *Faces
}

// keep implements keeper.
func (n noticing) keep(ctx context.Context, changed []incident.Incident, gone []triage.Merged) error {
	if err := n.keeper.keep(ctx, changed, gone); err != nil {
		return err
	}
	n.faces.tally.count(changed, n.faces.daemon.date())
	for _, in := range changed {
		n.faces.changed(tenant, in.ID)
	}
	for _, m := range gone {
		n.faces.changed(tenant, m.From)
	}
	return nil
}

// changed tells who watches that an incident is no longer as it was shown.
func (f *Faces) changed(tenant string, id uint64) {
	f.tally.stale()
	f.hub.tell(tenant, desk.Change{What: "incident", ID: id})
}

// hub tells watchers of changes. The zero hub is ready.
type hub struct {
	lock     sync.Mutex
	watchers map[*watcher]bool
	closed   bool
}

// watcher is somebody who wants to be told.
type watcher struct {
	tenant string
	out    chan desk.Change
}

// waiting is how many changes may wait for a watcher before the oldest is dropped.
const waiting = 64

// Watch implements [desk.Changes].
func (h *hub) Watch(ctx context.Context, tenant string) <-chan desk.Change {
	w := &watcher{tenant, make(chan desk.Change, waiting)}
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.closed || ctx.Err() != nil {
		close(w.out)
		return w.out
	}
	if h.watchers == nil {
		h.watchers = map[*watcher]bool{}
	}
	h.watchers[w] = true
	context.AfterFunc(ctx, func() {
		h.lock.Lock()
		defer h.lock.Unlock()
		h.end(w)
	})
	return w.out
}

// end ends a watcher, once. The lock is held.
func (h *hub) end(w *watcher) {
	if h.watchers[w] {
		delete(h.watchers, w)
		close(w.out)
	}
}

// tell tells the watchers of a tenant. Nobody is waited for: of what is too much for a
// watcher the oldest is dropped, never the last.
func (h *hub) tell(tenant string, c desk.Change) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for w := range h.watchers { // any order: each is told by itself
		if w.tenant != tenant {
			continue
		}
		for sent := false; !sent; {
			select {
			case w.out <- c:
				sent = true
			default:
				select {
				case <-w.out:
				default:
				}
			}
		}
	}
}

// close ends all watchers, and who comes later at once.
func (h *hub) close() {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.closed = true
	for w := range h.watchers { // any order: all of them
		h.end(w)
	}
}

// moment returns a time of telemetry; the zero time for none.
func moment(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}

// address reads a stored address; what cannot be read is none.
func address(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
