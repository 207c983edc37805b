package segments

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// Removed is a segment that Enforce removed.
type Removed struct {
	Segment      string
	Tenant, Site string
	Day          string // 2006-01-02
	Types        []event.Type
	Rows         int
	Bytes        int64
	Reason       string // for people
}

// Enforce removes the segments whose events have been kept long enough, and then, while
// the store takes more than its budget, the oldest ones; of the newest seal the budget
// removes nothing. It returns what it removed, also with an error. Events can be added
// meanwhile.
func (s *Store) Enforce(now time.Time) ([]Removed, error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.RLock()
	left := slices.Clone(s.segments)
	s.mu.RUnlock()
	// What a query still reads the parts of waits: without it they would be segments again.
	left = slices.DeleteFunc(left, func(g *segment) bool { return g.left.Load() > 0 })
	slices.SortStableFunc(left, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.days(), b.days()), cmp.Compare(a.Last, b.Last))
	})
	total, newest := int64(0), about{}
	for _, g := range left {
		total += g.bytes
		if g.Last > newest.Last {
			newest = g.about
		}
	}
	var removed []Removed
	var errs []error
	remove := func(g *segment, reason string) {
		if err := s.remove(g); err != nil {
			errs = append(errs, fmt.Errorf("removing segment %s: %w", g.name, err))
			return
		}
		total -= g.bytes
		removed = append(removed, g.removed(reason))
	}
	for _, g := range left {
		if keep := s.keep(g); keep > 0 && now.Sub(g.end()) >= keep {
			remove(g, fmt.Sprintf("its events were kept for %v", keep))
		}
	}
	for _, g := range left {
		if s.o.DiskBudget <= 0 || total <= s.o.DiskBudget {
			break
		}
		if !g.gone && g.Last != newest.Last {
			remove(g, fmt.Sprintf("the store took more than %d bytes", s.o.DiskBudget))
		}
	}
	return removed, fault.Wrap(fault.Unavailable, errors.Join(errs...))
}

func parseDay(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }

// end returns when the day of a segment ended.
func (g *segment) end() time.Time {
	t, err := parseDay(g.Day)
	if err != nil { // it is kept until there is no room
		return time.Unix(0, g.To)
	}
	return t.AddDate(0, 0, 1)
}

// keep returns how long the events of a segment are kept: as long as those of its types
// that are kept longest; 0 is for ever.
func (s *Store) keep(g *segment) (longest time.Duration) {
	for t := range event.Types {
		if g.Types&(1<<t) == 0 {
			continue
		}
		keep := s.o.Retention[t]
		if keep <= 0 {
			return 0
		}
		longest = max(longest, keep)
	}
	return longest
}

func (g *segment) removed(reason string) Removed {
	r := Removed{
		Segment: g.name, Tenant: string(g.Tenant), Site: string(g.Site), Day: g.Day, Rows: g.Rows, Bytes: g.bytes, Reason: reason,
	}
	for t := range event.Types {
		if g.Types&(1<<t) != 0 {
			r.Types = append(r.Types, t)
		}
	}
	return r
}

// removeFiles removes the files of a segment. The index goes first: without it the file of
// events is still a segment, so that after a crash it is removed the next time.
func (s *Store) removeFiles(g *segment) error {
	s.files.forget(g.path + eventsExt)
	for _, ext := range []string{indexExt, eventsExt} {
		if err := os.Remove(g.path + ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := syncDir(filepath.Dir(g.path)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a segment.
func (s *Store) remove(g *segment) error {
	path := s.relative(g.path)
	s.mu.RLock()
	c := s.sealed
	s.mu.RUnlock()
	if slices.Contains(c.Files, path) { // or it would be missed
		c.Files = slices.DeleteFunc(slices.Clone(c.Files), func(f string) bool { return f == path })
		if err := s.commit(c); err != nil {
			return err
		}
	}
	g.mu.Lock()
	g.gone = true
	g.mu.Unlock()
	s.mu.Lock()
	s.segments = slices.DeleteFunc(slices.Clone(s.segments), func(x *segment) bool { return x == g })
	s.mu.Unlock()
	if err := s.removeFiles(g); err != nil {
		return err
	}
	for d := filepath.Dir(g.path); len(d) > len(s.dir); d = filepath.Dir(d) {
		if os.Remove(d) != nil { // there is something else in it
			break
		}
	}
	return nil
}

// Limit changes how long and how much is kept, from the next Enforce on. What is sealed
// already stays in the segments it is in.
func (s *Store) Limit(retention map[event.Type]time.Duration, disk int64) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.o.Retention, s.o.DiskBudget = retention, disk
}
