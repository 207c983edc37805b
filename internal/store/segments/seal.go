package segments

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
)

const (
	maxDays = 8 // of a site that a seal makes segments for; events of other days go with the nearest
	day     = int64(24 * time.Hour)
)

// Flush seals what is in memory if it has been there for SegmentAge, so that it is not only
// in the log for ever where little happens. Whoever runs the store calls it now and then.
func (s *Store) Flush(now time.Time) error {
	s.mu.Lock()
	m := s.open
	if len(m.batch.Events) > 0 && m.since == 0 {
		m.since = now.UnixNano()
	}
	due := s.full != nil || m.since != 0 && now.UnixNano()-m.since >= int64(s.o.SegmentAge)
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.Seal()
}

// Seal writes what is in memory to segments. When it returns nil, Safe is the last entry
// that was added. If it fails the events stay in memory, queries find them there, and it
// can be tried again.
func (s *Store) Seal() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return errClosed
		}
		if s.full == nil {
			if s.open.last == 0 {
				s.mu.Unlock()
				return nil
			}
			s.full, s.open = s.open, newMemory(s.open)
		}
		m := s.full
		s.mu.Unlock()
		if err := s.seal(m); err != nil {
			return fault.Wrap(fault.Unavailable, fmt.Errorf("sealing events: %w", err))
		}
	}
}

// seal makes segments of m and lets them count.
func (s *Store) seal(m *memory) error {
	made, err := s.write(m)
	if err != nil {
		return err
	}
	c := commit{Safe: m.last, First: m.first}
	for _, g := range made {
		c.Files = append(c.Files, s.relative(g.path))
	}
	if err := s.commit(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments = sorted(append(slices.Clone(s.segments), made...))
	s.full, s.safe = nil, m.last
	return nil
}

// commit makes a seal count.
func (s *Store) commit(c commit) error {
	if err := s.at("commit"); err != nil {
		return err
	}
	if err := c.write(s.dir); err != nil {
		return err
	}
	s.mu.Lock()
	s.sealed = c
	s.mu.Unlock()
	return nil
}

// at is called before each step of sealing; tests let it fail.
func (s *Store) at(step string) error {
	if s.trip != nil {
		return s.trip(step)
	}
	return nil
}

// group is events that go to one segment.
type group struct {
	tenant, site string
	keep         time.Duration
	day          int64
}

// write writes the segments of m under their final names.
func (s *Store) write(m *memory) ([]*segment, error) {
	groups, order := s.groups(&m.batch)
	var made []*segment
	for _, k := range order {
		g := s.newSegment(about{
			Version: version, First: m.first, Last: m.last, Files: len(order), Tenant: []byte(k.tenant), Site: []byte(k.site),
			Day: time.Unix(0, 0).UTC().AddDate(0, 0, int(k.day)).Format(time.DateOnly),
		}, made)
		if err := s.writeSegment(g, &m.batch, rowOrder(&m.batch, groups[k])); err != nil {
			return nil, fmt.Errorf("writing segment %s: %w", g.name, err)
		}
		made = append(made, g)
	}
	return made, s.settle(made)
}

// settle gives new segments their names, and brings these to disk.
func (s *Store) settle(made []*segment) error {
	dirs := map[string]bool{}
	for _, g := range made {
		for _, ext := range []string{eventsExt, indexExt} {
			if err := s.at("rename " + ext); err != nil {
				return err
			}
			if err := os.Rename(g.path+ext+tempExt, g.path+ext); err != nil {
				return err
			}
		}
		for d := filepath.Dir(g.path); len(d) > len(s.dir); d = filepath.Dir(d) {
			dirs[d] = true
		}
		dirs[s.dir] = true
	}
	for d := range dirs {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// groups sorts events by the segment that they go to.
func (s *Store) groups(b *event.Batch) (map[group][]uint32, []group) {
	groups := map[group][]uint32{}
	type whose struct{ tenant, site string }
	names := make([]whose, len(b.Origins))
	for i, o := range b.Origins {
		names[i] = whose{string(b.Text.Bytes(o.Tenant)), string(b.Text.Bytes(o.Site))}
	}
	last, at := group{}, []uint32(nil) // neighbours mostly go the same way
	for i := range b.Events {
		h := &b.Events[i]
		w := names[b.Records[h.Record].Origin]
		k := group{w.tenant, w.site, max(0, s.o.Retention[h.Type]), h.Time / day}
		if h.Time < 0 {
			k.day = (h.Time+1)/day - 1
		}
		if k != last || at == nil {
			if at != nil {
				groups[last] = at
			}
			last, at = k, groups[k]
		}
		at = append(at, uint32(i))
	}
	if at != nil {
		groups[last] = at
	}
	gather(groups)
	order := make([]group, 0, len(groups))
	for k := range groups {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.site, b.site), cmp.Compare(a.day, b.day), cmp.Compare(a.keep, b.keep))
	})
	return groups, order
}

// gather lets the days with most events take those of the others, where there are too
// many days: a sensor whose clock is wrong must not make a file of every event.
func gather(groups map[group][]uint32) {
	days := map[group][]group{} // of those that differ in their day alone
	for k := range groups {
		of := k
		of.day = 0
		days[of] = append(days[of], k)
	}
	for _, all := range days {
		if len(all) <= maxDays {
			continue
		}
		slices.SortFunc(all, func(a, b group) int {
			return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a.day, b.day))
		})
		for _, k := range all[maxDays:] {
			to := slices.MinFunc(all[:maxDays], func(a, b group) int { return cmp.Compare(distance(a, k), distance(b, k)) })
			groups[to] = append(groups[to], groups[k]...)
			delete(groups, k)
		}
	}
}

func distance(a, b group) int64 { return max(a.day-b.day, b.day-a.day) }

// rowOrder sorts events by subject and time.
func rowOrder(b *event.Batch, events []uint32) []uint32 {
	type key struct {
		subject uint64
		time    int64
		event   uint32
	}
	keys := make([]key, len(events))
	for i, e := range events {
		h := &b.Events[e]
		keys[i] = key{uint64(h.Subject.Key), h.Time, e}
	}
	slices.SortFunc(keys, func(a, b key) int {
		switch {
		case a.subject != b.subject:
			return cmp.Compare(a.subject, b.subject)
		case a.time != b.time:
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Compare(a.event, b.event)
	})
	for i := range keys {
		events[i] = keys[i].event
	}
	return events
}

// newSegment returns a segment without events. Made is what gets names at the same time.
func (s *Store) newSegment(of about, made []*segment) *segment {
	g := &segment{about: of}
	s.call(g, made)
	return g
}

// call gives a segment a name that no other has, nor what one was made of: an unfinished
// seal of the same entries may have left some behind.
func (s *Store) call(g *segment, made []*segment) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n := 0; ; n++ {
		g.name = fmt.Sprintf("%d-%d-%d", g.First, g.Last, n)
		same := func(x *segment) bool { return x.name == g.name || slices.Contains(x.Parts, g.name) }
		if !slices.ContainsFunc(s.segments, same) && !slices.ContainsFunc(made, same) {
			break
		}
	}
	g.path = filepath.Join(s.dayFolder(string(g.Tenant), string(g.Site), g.Day), g.name)
}

// writeSegment writes the files of a segment under temporary names.
func (s *Store) writeSegment(g *segment, b *event.Batch, order []uint32) error {
	g.describe(b, order)
	note, err := json.Marshal(g.about)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(g.path), 0o700); err != nil {
		return err
	}
	if err := s.at("write"); err != nil {
		return err
	}
	sum := crc32.New(castagnoli())
	g.Size, err = create(g.path+eventsExt+tempExt, func(w io.Writer) error {
		return s.layout.writeEvents(io.MultiWriter(w, sum), b, order, string(note))
	})
	if err != nil {
		return err
	}
	subjects, objects := make([]uint64, len(order)), make([]uint64, len(order))
	for i, e := range order {
		subjects[i], objects[i] = uint64(b.Events[e].Subject.Key), uint64(b.Events[e].Object.Key)
	}
	return s.finish(g, sum.Sum32(), subjects, objects)
}

// finish writes the index of a segment whose file of events is written, with its checksum.
func (s *Store) finish(g *segment, sum uint32, subjects, objects []uint64) error {
	g.Sum = sum
	f, err := openFile(g.path+eventsExt+tempExt, nil)
	if err != nil {
		return fmt.Errorf("reading it again: %w", err)
	}
	g.Tail, g.TailSum, err = f.tail()
	if err = errors.Join(err, f.close()); err != nil {
		return fmt.Errorf("reading it again: %w", err)
	}
	return s.writeIndex(g, subjects, objects)
}

func (s *Store) writeIndex(g *segment, subjects, objects []uint64) error {
	if err := s.at("index"); err != nil {
		return err
	}
	index, err := appendIndex(subjects, objects, &g.about)
	if err != nil {
		return err
	}
	n, err := create(g.path+indexExt+tempExt, func(w io.Writer) error {
		_, err := w.Write(index)
		return err
	})
	g.bytes = g.Size + n
	return err
}

// describe fills in the note.
func (g *segment) describe(b *event.Batch, order []uint32) {
	g.Rows, g.From, g.To = len(order), b.Events[order[0]].Time, b.Events[order[0]].Time
	ranges := map[uint32]*sourceRange{} // by origin
	for _, e := range order {
		h := &b.Events[e]
		g.Types |= 1 << h.Type
		g.From, g.To = min(g.From, h.Time), max(g.To, h.Time)
		r := &b.Records[h.Record]
		x := ranges[r.Origin]
		if x == nil {
			x = &sourceRange{slices.Clone(b.Text.Bytes(b.Origins[r.Origin].Source)), r.Position, r.Position}
			ranges[r.Origin] = x
		}
		x.First, x.Last = min(x.First, r.Position), max(x.Last, r.Position)
	}
	if len(ranges) > maxSources {
		return
	}
	for _, x := range ranges {
		g.Sources = append(g.Sources, *x)
	}
	slices.SortFunc(g.Sources, func(a, b sourceRange) int {
		return cmp.Or(cmp.Compare(string(a.Name), string(b.Name)), cmp.Compare(a.First, b.First))
	})
}

// create writes a file and brings it to disk, and returns its size.
func create(path string, write func(io.Writer) error) (int64, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 256<<10)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	size := int64(0)
	if info, statErr := f.Stat(); statErr == nil {
		size = info.Size()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(path)) // a full disk needs the room
	}
	return size, nil
}

// syncDir brings the names in a folder to disk. Windows does so by itself.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// commit is what the file "sealed" says: a line of JSON, and its CRC-32C on the next. It
// is the last seal, which counts from when the file is on disk.
type commit struct {
	Safe  input.Position `json:"safe"`
	First input.Position `json:"first"` // of the entries that were sealed last
	Files []string       `json:"files"` // that it made, those removed since left out; without extension
}

const sealedName = "sealed"

func (c commit) write(dir string) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	line = append(strconv.AppendUint(line, uint64(crc32.Checksum(line, castagnoli())), 16), '\n')
	path := filepath.Join(dir, sealedName)
	if _, err := create(path+tempExt, func(w io.Writer) error {
		_, err := w.Write(line)
		return err
	}); err != nil {
		return err
	}
	if err := os.Rename(path+tempExt, path); err != nil {
		return err
	}
	return syncDir(dir)
}
