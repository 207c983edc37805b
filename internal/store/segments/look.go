package segments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/fault"
)

// Look opens a store to read what is sealed in it. Another process may have it open at the
// same time, and write to it: nothing is changed, moved or held, and what is added or
// removed afterwards is not noticed. A segment that is being written is not there yet, and
// one whose files are damaged is passed over. Nothing can be added.
//
// The error is [fault.NotFound] if there is no store.
func Look(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("looking into the event store: %w", err))
	}
	s := &Store{dir: dir, layout: newLayout(), open: newMemory(nil), files: handles{most: 1}, closed: true}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path != dir && errors.Is(err, fs.ErrNotExist): // it was removed just now
			return nil
		case err != nil:
			return err
		case d.IsDir() || filepath.Ext(path) != eventsExt:
			return nil
		}
		g := &segment{path: strings.TrimSuffix(path, eventsExt)}
		g.name = filepath.Base(g.path)
		note, _, errNote := readTail(g.path + indexExt)
		info, errInfo := os.Stat(path)
		if errNote == nil && errInfo == nil && info.Size() == note.Size {
			g.about = *note
			s.segments = append(s.segments, g)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, fmt.Sprintf("there is no event store in %s", dir))
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Unreadable, fmt.Sprintf("no permission to read the event store in %s", dir))
	case err != nil:
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("looking into the event store: %w", err))
	}
	s.segments = sorted(s.segments)
	return s, nil
}

// Span returns the positions of the first and the last record of a source that sealed
// segments may hold. All is false if they hold too many sources to tell; nothing is there
// if last is 0.
func (s *Store) Span(source string) (first, last uint64, all bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all = true
	for _, g := range s.segments {
		all = all && g.Sources != nil
		for _, r := range g.Sources {
			if string(r.Name) != source {
				continue
			}
			if last == 0 || r.First < first {
				first = r.First
			}
			last = max(last, r.Last)
		}
	}
	return first, last, all
}
