package daemon

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/resolve"
	"vedette/internal/store/state"
)

const (
	here       = 24 * time.Hour // without being seen after which an identifier is of the past
	mostCases  = 20             // of an entity, that findings are taken from
	leastTyped = 2              // letters from which all others are looked for, too
)

// known is what the learner knows of an entity.
type known struct {
	resolve.Seen
	name    string
	ids     []resolve.Identifier
	acted   bool    // it is learned: it was not only turned to, as by somebody who tries addresses
	learned float64 // how much of what is normal for it, 0 to 1
}

// addresses returns the addresses of an entity, the latest first.
func (k known) addresses() (all []string) {
	for _, id := range slices.Backward(k.ids) {
		if id.Type == entity.IP {
			all = append(all, id.Value)
		}
	}
	return all
}

// know returns what is known of some entities; those that nothing is known of are left
// out. The lock is taken once, since who has it holds up learning.
func (l *learner) know(keys []entity.Key) map[entity.Key]known {
	all := make(map[entity.Key]known, len(keys))
	l.lock.RLock()
	defer l.lock.RUnlock()
	for _, k := range keys {
		if _, done := all[k]; done {
			continue
		}
		if seen, ok := l.resolver.Directory.Seen(k); ok {
			all[k] = l.describe(k, seen)
		}
	}
	return all
}

// describe returns what is known of an entity. The lock is held.
func (l *learner) describe(k entity.Key, seen resolve.Seen) known {
	learned, acted := l.machine.Learned(k)
	return known{seen, l.resolver.Directory.Name(k), l.resolver.Directory.Identifiers(k), acted, learned}
}

// told returns the time up to which telemetry was learned, Unix nanoseconds.
func (l *learner) told() int64 {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.timeline.Now()
}

// progress is how far the learner has come.
type progress struct {
	share  float64 // of the learning period
	known  int     // entities of ours
	active int     // of these, in the last seven days
	first  int64   // when the first of them was seen, Unix nanoseconds; 0 if there is none
}

func (l *learner) progress() (p progress) {
	l.lock.RLock()
	defer l.lock.RUnlock()
	p.share = l.machine.Learning()
	since := l.timeline.Now() - int64(7*24*time.Hour)
	for k, s := range l.resolver.Directory.All {
		if !s.Own || !l.machine.Known(k) {
			continue
		}
		if p.known++; s.To >= since {
			p.active++
		}
		if p.first == 0 || s.From < p.first {
			p.first = s.From
		}
	}
	return p
}

// found is an entity that was looked for.
type found struct {
	key entity.Key
	known
}

// find returns the entities of ours that something is called, and with enough letters all
// others, too; without any, all that are learned: n of those after a place in an order, from
// the beginning if it is nil.
func (l *learner) find(text string, o desk.Order, compare func(a, b found) int, after *found, n int) []found {
	part := []byte(strings.ToLower(text))
	best := make([]found, 0, n+1)
	l.lock.RLock()
	defer l.lock.RUnlock()
	for k, seen := range l.resolver.Directory.All { // in any order: the best are kept in theirs
		e := found{k, known{Seen: seen}}
		switch o.By { // what the order goes by is found out before the rest
		case "name":
			e.name = l.resolver.Directory.Name(k)
		case "learned":
			e.learned, _ = l.machine.Learned(k)
		}
		switch {
		case after != nil && compare(e, *after) <= 0, len(best) == n && compare(e, best[n-1]) >= 0:
			continue
		case len(part) < leastTyped && !(seen.Own && l.machine.Known(k)), !l.resolver.Directory.Holds(k, part):
			continue
		}
		i, _ := slices.BinarySearchFunc(best, e, compare)
		best = slices.Insert(best, i, e)
		best = best[:min(len(best), n)]
	}
	for i, e := range best {
		best[i].known = l.describe(e.key, e.Seen)
	}
	return best
}

// deskEntities reads entities.
type deskEntities struct{ *Faces }

// Find implements [desk.Entities]. An entity that is seen again while somebody turns pages
// moves to the first.
func (s deskEntities) Find(ctx context.Context, tenant, text string, o desk.Order, cursor string, n int) (rows []desk.EntityRow, next string, err error) {
	if err := ours(tenant); err != nil {
		return nil, "", err
	}
	compare, err := comparing(o)
	if err != nil {
		return nil, "", err
	}
	var after *found
	if cursor != "" {
		last, err := readPlace(cursor)
		if err != nil {
			return nil, "", err
		}
		after = &last
	}
	n = max(1, min(n, wholePage))
	all := s.daemon.learner.find(text, o, compare, after, n+1)
	if len(all) > n {
		all = all[:n]
		next = place(all[n-1])
	}
	keys := make([]entity.Key, 0, len(all))
	for _, e := range all {
		if e.Own {
			keys = append(keys, e.key)
		}
	}
	open, err := s.tenant(tenant).OpenOf(ctx, keys)
	if err != nil {
		return nil, "", err
	}
	for _, e := range all {
		r := rowOfEntity(e.key, e.known)
		r.Incidents = open[e.key]
		rows = append(rows, r)
	}
	return rows, next, nil
}

func rowOfEntity(k entity.Key, e known) desk.EntityRow {
	r := desk.EntityRow{Key: k, Kind: e.Kind, Name: e.name, Own: e.Own, Learned: e.learned, Last: moment(e.To)}
	if a := e.addresses(); len(a) > 0 && a[0] != e.name {
		r.Address = a[0]
	}
	return r
}

// Entity implements [desk.Entities]. One that the learner has forgotten is still what its
// incidents call it.
func (s deskEntities) Entity(ctx context.Context, tenant string, key entity.Key) (desk.Entity, error) {
	if err := ours(tenant); err != nil {
		return desk.Entity{}, err
	}
	t := s.tenant(tenant)
	now := s.daemon.learner.told()
	k, there := s.daemon.learner.know([]entity.Key{key})[key]
	p, err := t.Incidents(ctx, state.Filter{Entity: key}, "", wholePage)
	if err != nil {
		return desk.Entity{}, err
	}
	if !there && len(p.Rows) == 0 {
		return desk.Entity{}, fault.New(fault.NotFound, "nothing is known of such an entity")
	}
	e := desk.Entity{
		Key: key, Kind: k.Kind, Name: k.name, Own: k.Own || !there, First: moment(k.From), Last: moment(k.To), Learned: k.learned,
		Identifiers: identifiers(k, now), Incidents: s.rows(p.Rows),
	}
	var reports []state.Report
	for _, r := range p.Rows[:min(len(p.Rows), mostCases)] {
		c, err := t.Incident(ctx, r.ID)
		if err != nil {
			return desk.Entity{}, err
		}
		reports = append(reports, c.Report)
		for _, f := range c.Incident.Findings {
			if f.Entity == key {
				e.Findings = append(e.Findings, f)
			}
		}
	}
	slices.SortStableFunc(e.Findings, func(a, b finding.Finding) int { return cmp.Compare(b.Time, a.Time) })
	s.daemon.learner.fill(&e)
	names := s.names(reports...)
	if e.Names = names; e.Name == "" {
		e.Name = names.Name(key)
	}
	return e, nil
}

// identifiers returns the identifiers of an entity over time, those that it has now first.
func identifiers(k known, now int64) (all []desk.Identifier) {
	latest := map[entity.IDType]int64{}
	for _, id := range k.ids {
		latest[id.Type] = max(latest[id.Type], id.To)
	}
	for _, id := range slices.Backward(k.ids) {
		i := desk.Identifier{Type: id.Type, Value: id.Value, From: moment(id.From), To: moment(id.To), How: how(id.Type, k.Own)}
		if id.To == latest[id.Type] && id.To >= now-int64(here) {
			i.Now, i.To = true, time.Time{}
		}
		all = append(all, i)
	}
	slices.SortStableFunc(all, func(a, b desk.Identifier) int {
		if a.Now != b.Now {
			return map[bool]int{true: -1, false: 1}[a.Now]
		}
		return b.From.Compare(a.From)
	})
	return all
}

// how says where we have an identifier of a type from.
func how(t entity.IDType, own bool) string {
	switch t {
	case entity.IP:
		return "the traffic"
	case entity.MAC:
		return "a lease, or ARP"
	case entity.Hostname:
		if own {
			return "a lease"
		}
		return "DNS, TLS or HTTP"
	case entity.User:
		return "signing in"
	case entity.Cert:
		return "a TLS certificate"
	case entity.AETitle:
		return "a DICOM association"
	case entity.Email:
		return "mail"
	case entity.Unit:
		return "a control protocol"
	}
	return ""
}
