package segments

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// How often events are sealed is decided by how soon they must be safe, so where little
// happens a seal holds little. Merging makes one segment of many of the same day, and is
// never needed for safety: the parts are whole until their merger is on disk and whole.
//
// Parts of about the same size are merged, so that an event is written only a few times
// more; and, when a day is over, all that is left of it. The last seal is left alone: it is
// what is looked at when the store is opened again.
const (
	fanIn     = 8 // parts of about the same size that are merged
	maxParts  = 16
	dayIsOver = time.Hour // after its end
)

// merging is what a segment takes part in while others are merged to it.
type merging struct {
	users  atomic.Int64 // queries that may read it
	left   atomic.Int64 // of a merger: its parts that are still on disk
	into   *segment     // of a part: what replaced it; set before replaced is
	parted atomic.Bool  // of a part: it was replaced
	taken  atomic.Bool  // of a part: somebody removes its files
	broken bool         // it could not be read, so that it is not merged
}

// pin keeps the files of segments from being removed by merging until they are unpinned.
// The store's lock is held.
func pin(all []*segment) []*segment {
	for _, g := range all {
		g.users.Add(1)
	}
	return all
}

func (s *Store) unpin(all []*segment) {
	for _, g := range all {
		if g.users.Add(-1) == 0 {
			s.discard(g)
		}
	}
}

// discard removes the files of a part that was replaced, if nobody reads it any more. What
// cannot be removed now is when the store is opened again.
func (s *Store) discard(g *segment) {
	if !g.parted.Load() || g.users.Load() > 0 || !g.taken.CompareAndSwap(false, true) {
		return
	}
	if err := s.removeFiles(g); err != nil {
		s.problem(Problem{Path: s.relative(g.path + eventsExt), Reason: "it was merged and cannot be removed: " + err.Error()})
		return
	}
	g.into.left.Add(-1)
}

// Merge makes one segment of several small ones of a day of a site, where there are such,
// and returns how many it replaced. Whoever runs the store calls it now and then, until it
// returns 0. It takes about a second at most, and little memory; queries and adding go on
// meanwhile. References to rows of what was replaced are not found any more.
func (s *Store) Merge(now time.Time) (int, error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	parts := s.mergeable(now)
	if len(parts) == 0 {
		return 0, nil
	}
	if err := s.merge(parts); err != nil {
		return 0, fault.Wrap(fault.Unavailable, fmt.Errorf("merging %d segments: %w", len(parts), err))
	}
	return len(parts), nil
}

// kin is what segments have in common that may be merged.
type kin struct {
	tenant, site, day string
	keep              time.Duration
}

// mergeable returns segments to merge; none if nothing is due.
func (s *Store) mergeable(now time.Time) []*segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed || s.again != nil { // or what is there already would have to be found elsewhere
		return nil
	}
	kins := map[kin][]*segment{}
	active := map[kin]bool{}
	var order []kin
	for _, g := range s.segments {
		k := kin{string(g.Tenant), string(g.Site), g.Day, s.keep(g)}
		if g.Last >= s.sealed.First {
			active[k] = true
			continue
		}
		if g.left.Load() > 0 || g.broken || g.Rows > s.o.SegmentRows/2 || g.bytes > int64(s.o.SegmentBytes)/2 {
			continue
		}
		if kins[k] == nil {
			order = append(order, k)
		}
		kins[k] = append(kins[k], g)
	}
	for _, k := range order {
		all := kins[k]
		over := !active[k] && now.Sub(all[0].end()) >= dayIsOver
		if parts := s.choose(all, over); len(parts) > 1 {
			return parts
		}
	}
	return nil
}

// choose returns those of a day's segments that are to be merged.
func (s *Store) choose(all []*segment, over bool) []*segment {
	var levels [64][]*segment
	for _, g := range all {
		l := bits.Len(uint(g.Rows)) / 3 // eight times as many is the next one
		levels[l] = append(levels[l], g)
	}
	for _, like := range levels {
		if len(like) >= fanIn {
			return s.fitting(like)
		}
	}
	if !over {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *segment) int { return cmp.Compare(a.Rows, b.Rows) })
	n, rows := 0, 0
	for i, g := range all {
		if i > 0 && g.Rows <= fanIn*rows { // it is not written again for a few late events
			n = i + 1
		}
		rows += g.Rows
	}
	return s.fitting(all[:n])
}

// fitting returns as many of segments as make one that is not too large.
func (s *Store) fitting(all []*segment) []*segment {
	rows, size := 0, int64(0)
	for i, g := range all {
		rows, size = rows+g.Rows, size+g.bytes
		if i == maxParts || rows > s.o.SegmentRows || size > int64(s.o.SegmentBytes) {
			return all[:i]
		}
	}
	return all
}

// merge makes one segment of parts and lets it take their place.
func (s *Store) merge(parts []*segment) error {
	parts = sorted(slices.Clone(parts))
	g := s.merger(parts)
	if err := s.writeMerger(g, parts); err != nil {
		return err
	}
	if err := s.settle([]*segment{g}); err != nil {
		return err
	}
	if err := s.at("replace"); err != nil {
		return err
	}
	g.left.Store(int64(len(parts)))
	s.mu.Lock()
	for _, p := range parts {
		p.into = g
		p.parted.Store(true)
	}
	rest := slices.DeleteFunc(slices.Clone(s.segments), func(x *segment) bool { return slices.Contains(parts, x) })
	s.segments = sorted(append(rest, g))
	s.mu.Unlock()
	for _, p := range parts {
		if err := s.at("discard"); err != nil {
			return err
		}
		s.discard(p)
	}
	return nil
}

// merger returns the segment that parts become, without its events.
func (s *Store) merger(parts []*segment) *segment {
	g := &segment{about: parts[0].about}
	g.Files, g.Rows, g.Sources, g.Parts = 1, 0, nil, nil
	g.Size, g.Sum, g.Tail, g.TailSum = 0, 0, 0, 0
	known := true
	for _, p := range parts {
		g.First, g.Last = min(g.First, p.First), max(g.Last, p.Last)
		g.From, g.To = min(g.From, p.From), max(g.To, p.To)
		g.Rows += p.Rows
		g.Types |= p.Types
		g.Parts = append(g.Parts, p.name)
		known = known && p.Sources != nil
		for _, r := range p.Sources {
			g.addSource(r)
		}
	}
	if !known || len(g.Sources) > maxSources {
		g.Sources = nil
	}
	s.call(g, nil)
	return g
}

func (g *segment) addSource(r sourceRange) {
	i, found := slices.BinarySearchFunc(g.Sources, r, func(a, b sourceRange) int { return cmp.Compare(string(a.Name), string(b.Name)) })
	if !found {
		g.Sources = slices.Insert(g.Sources, i, r)
		return
	}
	x := &g.Sources[i]
	x.First, x.Last = min(x.First, r.First), max(x.Last, r.Last)
}

// writeMerger writes the files of g, which holds what parts do, under temporary names.
func (s *Store) writeMerger(g *segment, parts []*segment) error {
	in := &sources{s: s}
	defer in.close()
	for _, p := range parts {
		if err := in.open(p); err != nil {
			p.broken = true
			return err
		}
	}
	note, err := json.Marshal(g.about)
	if err != nil {
		return err
	}
	if err := s.at("merge"); err != nil {
		return err
	}
	subjects, objects := make([]uint64, 0, g.Rows), make([]uint64, 0, g.Rows)
	sum := crc32.New(castagnoli())
	g.Size, err = create(g.path+eventsExt+tempExt, func(w io.Writer) error {
		sample, err := in.sample()
		if err != nil {
			return err
		}
		out := s.layout.newWriter(io.MultiWriter(w, sum), s.layout.schema(sample, all(len(sample.Events))), g.Rows, string(note))
		return in.blocks(func(b *event.Batch) error {
			for i := range b.Events {
				subjects, objects = append(subjects, uint64(b.Events[i].Subject.Key)), append(objects, uint64(b.Events[i].Object.Key))
			}
			out.from(b)
			return out.write(all(len(b.Events)))
		}, out.close)
	})
	if err != nil {
		return err
	}
	if len(subjects) != g.Rows {
		return errors.Join(fmt.Errorf("%d rows became %d", g.Rows, len(subjects)), os.Remove(g.path+eventsExt+tempExt))
	}
	return s.finish(g, sum.Sum32(), subjects, objects)
}

// unfinished removes the parts of mergers that are still there, because merging did not come
// to its end. A merger that is not whole gives way to its parts.
func (s *Store) unfinished() error {
	byPath := map[string]*segment{}
	for _, g := range s.segments {
		byPath[g.path] = g
	}
	gone := map[*segment]bool{}
	for _, g := range s.segments {
		var parts []*segment
		for _, name := range g.Parts {
			if p := byPath[filepath.Join(filepath.Dir(g.path), name)]; p != nil {
				parts = append(parts, p)
			}
		}
		if len(parts) == 0 {
			continue
		}
		size, sum, err := checksum(g.path + eventsExt)
		if err == nil && (size != g.Size || sum != g.Sum) {
			err = errors.New("its checksum is wrong")
		}
		if err == nil {
			err = s.verifyIndex(g)
		}
		switch {
		case err == nil:
		case len(parts) == len(g.Parts): // all it holds is there otherwise
			parts = []*segment{g}
		default:
			gone[g], parts = true, nil
			if err := s.aside(g, err); err != nil {
				return err
			}
		}
		for _, p := range parts {
			gone[p] = true
			if err := s.removeFiles(p); err != nil {
				return err
			}
		}
	}
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return gone[g] })
	return nil
}
