package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	detectors "vedette/internal/detect/all"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/input"
	"vedette/internal/pipeline"
	"vedette/internal/resolve"
	"vedette/internal/rows"
	"vedette/internal/triage"
)

// learner is all that follows from the log: who is who, what is normal, what was found,
// and where sources go on. One goroutine applies entries; others may ask meanwhile.
type learner struct {
	lock     sync.RWMutex
	resolver *resolve.Resolver
	machine  *pipeline.Machine
	timeline *pipeline.Timeline
	triage   *triage.Triage
	setting  input.Setting     // what people set, as of the last entry
	places   map[string][]byte // source -> where it goes on
	at       input.Position    // the last entry that was applied
	settled  int64             // day up to which incidents were settled, Unix nanoseconds
	events   uint64
	size     atomic.Int64 // of the state, about

	// What became of incidents since it was asked for last. It is no part of the state:
	// whoever saves the state asks first.
	changes map[uint64]incident.Incident
	gone    []triage.Merged
	fresh   bool // there were findings; for whoever applies entries

	batch event.Batch
}

// newLearner returns a learner that knows nothing. What people set, it learns from the log.
func newLearner(workers int) *learner {
	first := input.Setting{Budget: 1}
	m := pipeline.New(detectors.Kinds(), first.Budget, workers)
	return &learner{
		setting: first, resolver: resolve.New(first.Own), machine: m, timeline: pipeline.NewTimeline(m), triage: triage.New(), places: map[string][]byte{},
		changes: map[uint64]incident.Incident{},
	}
}

// apply applies the next entry of the log and returns its events, resolved, which are valid
// until the next call; nil if it has none.
func (l *learner) apply(at input.Position, data []byte) (*event.Batch, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	e, err := input.Read(at, data, &l.batch)
	if err != nil {
		return nil, fmt.Errorf("entry %d of the log: %w", at, err)
	}
	for _, m := range e.Marks {
		if l.places[m.Source] = m.Place; len(m.Place) == 0 {
			delete(l.places, m.Source)
		}
	}
	if e.Setting != nil {
		l.set(*e.Setting)
	}
	if e.Batch != nil {
		l.timeline.Rein(e.Batch, e.Arrived)
		l.resolver.Resolve(e.Batch)
		l.timeline.Batch(at, e.Batch, l.found)
		l.timeline.Unrein(e.Batch)
		l.events += uint64(len(e.Batch.Events))
	}
	if e.Tick > 0 {
		l.timeline.Tick(at, e.Tick, l.found)
	}
	l.settle()
	l.at = at
	return e.Batch, nil
}

// untimely returns how many events of each source were untimely, by the name that people
// know it by.
func (l *learner) untimely() map[string]pipeline.Untimely {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.timeline.Untimely()
}

// set has what people set hold from now on.
func (l *learner) set(s input.Setting) {
	l.setting = s
	l.machine.SetBudget(s.Budget)
	l.resolver.Declare(s.Own)
}

// settle has incidents that nothing was added to for two days forgotten, once a day of the
// log's time: what comes later is another case.
func (l *learner) settle() {
	const day = int64(24 * time.Hour)
	if today := l.timeline.Now() / day * day; today > l.settled {
		l.settled = today
		l.take()
		l.triage.Settle(today - 2*day)
	}
	if before, yes := l.triage.Crowded(); yes {
		l.take()
		l.triage.Settle(before)
	}
}

// take notes what became of incidents.
func (l *learner) take() {
	changed, gone := l.triage.Changed()
	for _, in := range changed {
		l.changes[in.ID] = in
	}
	for _, m := range gone {
		delete(l.changes, m.From)
		l.gone = append(l.gone, m)
	}
}

func (l *learner) found(f *pipeline.Found) {
	l.fresh = l.fresh || len(f.Findings) > 0
	l.triage.Take(f.Findings, f.Risks, l.machine.Learning(), l.machine.Members())
}

// changed returns what became of incidents since it was called last: as they are now, in
// order of their opening, and those that were merged into others.
func (l *learner) changed() (changed []incident.Incident, gone []triage.Merged) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.drain()
}

// drain does the same. The lock is held.
func (l *learner) drain() (changed []incident.Incident, gone []triage.Merged) {
	l.take()
	for _, in := range l.changes { // any order: they are sorted
		changed = append(changed, in)
	}
	slices.SortFunc(changed, func(a, b incident.Incident) int {
		return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.ID, b.ID))
	})
	gone, l.gone = l.gone, nil
	clear(l.changes)
	return changed, gone
}

// frozen is the state at one entry, and what became of incidents up to it.
type frozen struct {
	body    []byte
	at      input.Position
	events  uint64
	changed []incident.Incident
	gone    []triage.Merged
}

// freeze returns the state and what became of incidents since that was asked for last.
// When the state is saved, these must have been kept: nobody will be told of them again.
func (l *learner) freeze() (f frozen) {
	room := make([]byte, 0, l.size.Load()) // before the lock: growing it would have learning wait a second
	l.lock.Lock()
	defer l.lock.Unlock()
	f.changed, f.gone = l.drain()
	f.body, f.at, f.events = l.append(room), l.at, l.events
	l.size.Store(int64(len(f.body) + len(f.body)/16))
	return f
}

// remind has all incidents that are not settled asked for as if they had changed: those
// who keep them may have lost some.
func (l *learner) remind() {
	l.lock.RLock()
	all := l.triage.Incidents()
	l.lock.RUnlock()
	l.again(all, nil)
}

// again has changes asked for again: they could not be kept. What changed since is newer.
func (l *learner) again(changed []incident.Incident, gone []triage.Merged) {
	l.lock.Lock()
	defer l.lock.Unlock()
	for _, in := range changed {
		if _, newer := l.changes[in.ID]; !newer {
			l.changes[in.ID] = in
		}
	}
	l.gone = append(gone, l.gone...)
}

// turned returns how many events were not learned from since the start, because there were
// too many entities.
func (d *Daemon) turned() int {
	d.learner.lock.RLock()
	defer d.learner.lock.RUnlock()
	return d.learner.machine.Turned()
}

// snapshot returns the state, the entry it stands for, and how many events that is.
func (l *learner) snapshot() ([]byte, input.Position, uint64) {
	l.lock.RLock()
	defer l.lock.RUnlock()
	state := l.append(make([]byte, 0, l.size.Load()))
	l.size.Store(int64(len(state) + len(state)/16))
	return state, l.at, l.events
}

// append appends the state to dst: what a fresh learner would be in after the log up to
// its last entry.
func (l *learner) append(dst []byte) []byte {
	sources := make([]string, 0, len(l.places))
	for s := range l.places { // any order: they are sorted
		sources = append(sources, s)
	}
	slices.Sort(sources)
	dst = rows.Append(dst, []int64{int64(l.at), l.settled, int64(l.events), int64(len(sources))})
	for _, s := range sources {
		dst = rows.Append(rows.Append(dst, []byte(s)), l.places[s])
	}
	dst = l.triage.Append(l.setting.Append(dst))
	return l.timeline.Append(l.resolver.Append(dst))
}

var errState = errors.New("it is damaged")

// read puts a new learner into a saved state.
func (l *learner) read(src []byte) error {
	r := rows.Reader{Src: src}
	var head []int64
	if rows.Read(&r, &head); r.Err != nil || len(head) != 4 {
		return errors.Join(errState, r.Err)
	}
	for i := int64(0); i < head[3] && r.Err == nil; i++ {
		var source, place []byte
		rows.Read(&r, &source)
		rows.Read(&r, &place)
		l.places[string(source)] = place
	}
	l.setting.Read(&r)
	l.triage.Read(&r)
	l.resolver.Read(&r)
	if r.Err != nil {
		return errors.Join(errState, r.Err)
	}
	l.set(l.setting)
	rest, err := l.timeline.Load(r.Src)
	if err == nil && len(rest) > 0 {
		err = errState
	}
	l.at, l.settled, l.events = input.Position(head[0]), head[1], uint64(head[2])
	return err
}

// place returns where a source goes on.
func (l *learner) place(source string) []byte {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return slices.Clone(l.places[source])
}

// Name, Kind, Addresses and Where answer what reports ask; see report.Names.

func (l *learner) Name(k entity.Key) string {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.resolver.Directory.Name(k)
}

func (l *learner) Kind(k entity.Key) entity.Kind {
	l.lock.RLock()
	defer l.lock.RUnlock()
	kind, _ := l.resolver.Directory.Kind(k)
	return kind
}

func (l *learner) Addresses(k entity.Key) []string {
	var all []string
	for _, id := range slices.Backward(l.identifiers(k)) {
		if id.Type == entity.IP {
			all = append(all, id.Value)
		}
	}
	return all
}

func (l *learner) identifiers(k entity.Key) []resolve.Identifier {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.resolver.Directory.Identifiers(k)
}

func (l *learner) Where(ref finding.Ref) string {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return fmt.Sprintf("%s#%d", l.machine.Source(ref.Source), ref.Position)
}
