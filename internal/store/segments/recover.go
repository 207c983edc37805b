package segments

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/input"
)

// again is entries whose events may be in segments, though they are not known to be safe:
// a seal was not finished, or a part of it is damaged.
type again struct {
	last     input.Position
	segments []*segment // which hold such entries

	of    []*segment // what known is of
	known map[event.ID]bool
}

// recover finds out what there is.
func (s *Store) recover() error {
	sealed, err := readCommit(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.problem(Problem{Path: sealedName, Reason: err.Error()})
	}
	if err := s.look(); err != nil {
		return err
	}
	s.segments = sorted(s.segments)
	if err := s.unfinished(); err != nil {
		return err
	}
	if err != nil {
		sealed = s.proven()
	}
	s.verify(sealed)
	s.sealed, s.safe = sealed, sealed.Safe
	for _, f := range sealed.Files {
		if slices.ContainsFunc(s.segments, func(g *segment) bool { return s.relative(g.path) == f }) {
			continue
		}
		s.safe = min(s.safe, sealed.First-1)
		if _, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(f)) + eventsExt + damagedExt); err != nil {
			s.problem(Problem{Path: f + eventsExt, Reason: "it is missing", First: sealed.First, Last: sealed.Safe})
		}
	}
	if err := s.wantAgain(); err != nil {
		return err
	}
	a := &again{}
	for _, g := range s.segments {
		if g.Last > s.safe {
			a.segments, a.last = append(a.segments, g), max(a.last, g.Last)
		}
	}
	if len(a.segments) > 0 {
		s.again = a
	}
	s.added = s.safe
	return nil
}

// wantAgain takes Safe back to before the entries of damaged segments that the log still
// holds, and says which are lost. It lasts: the next Open does not find the damage again.
func (s *Store) wantAgain() error {
	if s.o.Held > 0 {
		for _, p := range s.problems {
			if p.Last >= s.o.Held {
				s.safe = min(s.safe, max(p.First, s.o.Held)-1)
			}
		}
	}
	for i := range s.problems {
		p := &s.problems[i]
		p.Lost = p.Last != 0 && p.First <= s.safe
	}
	if s.safe == s.sealed.Safe || s.safe >= s.sealed.First-1 {
		return nil // the files of the last seal say so themselves
	}
	return s.commit(commit{Safe: s.safe})
}

func sorted(all []*segment) []*segment {
	slices.SortFunc(all, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.First, b.First), cmp.Compare(a.name, b.name))
	})
	return all
}

func readCommit(dir string) (c commit, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, sealedName))
	if err != nil {
		return c, err
	}
	line, sum, _ := bytes.Cut(raw, []byte("\n"))
	line = append(bytes.Clone(line), '\n')
	want, err := strconv.ParseUint(strings.TrimSpace(string(sum)), 16, 32)
	if err != nil || uint32(want) != crc32.Checksum(line, castagnoli()) || json.Unmarshal(line, &c) != nil {
		return commit{}, errors.New("it is damaged; what is safe is worked out from the segments")
	}
	return c, nil
}

// proven returns the newest seal of which every file is there.
func (s *Store) proven() commit {
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := s.segments[i]
		n := 0
		for _, x := range s.segments {
			if x.First == g.First && x.Last == g.Last {
				n++
			}
		}
		if n < g.Files {
			continue
		}
		c := commit{Safe: g.Last, First: g.First}
		for _, x := range s.segments {
			if x.First == g.First && x.Last == g.Last {
				c.Files = append(c.Files, s.relative(x.path))
			}
		}
		return c
	}
	return commit{}
}

// look lists the segments in the store's folder, and takes away what is no segment.
func (s *Store) look() error {
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch ext := filepath.Ext(path); ext {
		case tempExt:
			return os.Remove(path)
		case eventsExt:
			return s.meet(strings.TrimSuffix(path, ext))
		case indexExt:
			base := strings.TrimSuffix(path, ext)
			if _, err := os.Stat(base + eventsExt); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			g := &segment{path: base}
			if note, _, err := readTail(path); err == nil {
				g.about = *note
			}
			return s.aside(g, errors.New("its file of events is missing"))
		}
		return nil
	})
}

// meet takes in the segment at path.
func (s *Store) meet(path string) error {
	g := &segment{path: path, name: filepath.Base(path)}
	info, err := os.Stat(path + eventsExt)
	if err != nil {
		return err
	}
	note, _, err := readTail(path + indexExt)
	if err != nil {
		if err := s.reindex(g); err != nil {
			return s.aside(g, err)
		}
	} else {
		g.about = *note
	}
	if info.Size() != g.Size {
		return s.aside(g, fmt.Errorf("it has %d bytes and not %d", info.Size(), g.Size))
	}
	if g.bytes == 0 {
		index, err := os.Stat(path + indexExt)
		if err != nil {
			return err
		}
		g.bytes = g.Size + index.Size()
	}
	s.segments = append(s.segments, g)
	return nil
}

// reindex makes the index of a segment from its file of events.
func (s *Store) reindex(g *segment) error {
	size, sum, err := checksum(g.path + eventsExt)
	if err != nil {
		return err
	}
	f, err := openFile(g.path+eventsExt, nil)
	if err != nil {
		return err
	}
	defer f.close()
	if err := json.Unmarshal([]byte(f.about), &g.about); err != nil || g.Version != version || g.Rows != f.rows {
		return errors.New("its note is damaged")
	}
	g.Size, g.Sum = size, sum
	if g.Tail, g.TailSum, err = f.tail(); err != nil {
		return err
	}
	rows := all(f.rows)
	keys := [2][]uint64{make([]uint64, f.rows), make([]uint64, f.rows)}
	for i, name := range []string{subjectColumn, objectColumn} {
		if err := f.values(&s.layout.columns[s.layout.place[name]], rows, keys[i], nil); err != nil {
			return err
		}
	}
	if err := s.readable(f); err != nil {
		return err
	}
	if err := s.writeIndex(g, keys[0], keys[1]); err != nil {
		return err
	}
	if err := os.Rename(g.path+indexExt+tempExt, g.path+indexExt); err != nil {
		return err
	}
	return syncDir(filepath.Dir(g.path))
}

// all returns the numbers of n rows.
func all(n int) []uint32 {
	rows := make([]uint32, n)
	for i := range rows {
		rows[i] = uint32(i)
	}
	return rows
}

// readable reads all that is in a file.
func (s *Store) readable(f *file) error {
	r := rebuilder{layout: s.layout}
	var b event.Batch
	for rows := all(f.rows); len(rows) > 0; {
		n := min(len(rows), blockRows)
		b.Reset()
		if err := r.read(f, rows[:n], &b); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// verify reads the segments that were written last, and moves aside what is damaged. What
// was written before was whole when the next was begun, and is checked as it is read.
func (s *Store) verify(sealed commit) {
	var whole []*segment
	for _, g := range s.segments {
		if g.Last > sealed.Safe || slices.Contains(sealed.Files, s.relative(g.path)) {
			size, sum, err := checksum(g.path + eventsExt)
			if err == nil && (size != g.Size || sum != g.Sum) {
				err = errors.New("its checksum is wrong")
			}
			if err == nil {
				err = s.verifyIndex(g)
			}
			if err != nil {
				if err := s.aside(g, err); err == nil {
					continue
				}
			}
		}
		whole = append(whole, g)
	}
	s.segments = whole
}

// verifyIndex reads the blocks of an index, and makes it again if it is damaged.
func (s *Store) verifyIndex(g *segment) error {
	raw, err := os.ReadFile(g.path + indexExt)
	if err != nil {
		return err
	}
	_, fences, err := readTail(g.path + indexExt)
	if err == nil {
		for i := range len(fences) - 1 {
			if fences[i+1].offset > uint32(len(raw)) || fences[i].offset > fences[i+1].offset {
				err = errIndex
			} else if _, err = checked(raw[fences[i].offset:fences[i+1].offset]); err == nil {
				continue
			}
			break
		}
	}
	if err != nil {
		return s.reindex(g)
	}
	return nil
}

func checksum(path string) (size int64, sum uint32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	h := crc32.New(castagnoli())
	size, err = io.Copy(h, f)
	return size, h.Sum32(), errors.Join(err, f.Close())
}

// aside renames the files of a segment that cannot be used, and says so.
func (s *Store) aside(g *segment, reason error) error {
	s.files.forget(g.path + eventsExt)
	for _, ext := range []string{eventsExt, indexExt} {
		if err := os.Rename(g.path+ext, g.path+ext+damagedExt); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	p := Problem{Path: s.relative(g.path + eventsExt + damagedExt), Reason: reason.Error(), First: g.First, Last: g.Last, Rows: g.Rows}
	s.problem(p)
	return syncDir(filepath.Dir(g.path))
}

// known returns the ids of the events of entry at that are in segments; nil if there are
// none.
func (s *Store) known(at input.Position) map[event.ID]bool {
	s.mu.RLock()
	a := s.again
	s.mu.RUnlock()
	if a == nil {
		return nil
	}
	if at > a.last {
		s.mu.Lock()
		s.again = nil
		s.mu.Unlock()
		return nil
	}
	var of []*segment
	for _, g := range a.segments {
		if g.First <= at && at <= g.Last {
			of = append(of, g)
		}
	}
	if slices.Equal(of, a.of) {
		return a.known
	}
	a.of, a.known = of, map[event.ID]bool{}
	for _, g := range of {
		h, err := s.file(g)
		if err == nil {
			err = h.ids(all(h.rows), func(_ int, id event.ID) { a.known[id] = true })
			s.files.release(h)
		}
		if err != nil { // it was whole when the store was opened; rows that are there twice are the lesser evil
			s.problem(Problem{Path: s.relative(g.path + eventsExt), Reason: err.Error(), First: g.First, Last: g.Last, Rows: g.Rows})
		}
	}
	return a.known
}

// days returns the number of the day of a note; the greatest there is if it is no day.
func (g *segment) days() int64 {
	t, err := parseDay(g.Day)
	if err != nil {
		return math.MaxInt64 / day
	}
	return t.Unix() / 86400
}
