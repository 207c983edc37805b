package segments

import (
	"errors"
	"sync"
)

// handles are open files of events. Those that nobody uses are kept for the next query, up
// to a number.
type handles struct {
	most int

	mu   sync.Mutex
	open map[string]*handle
	idle []*handle // the one unused for longest first
	shut bool
}

// handle is an open file and how many use it.
type handle struct {
	*file
	path  string
	users int
	stale bool // it is to be closed when nobody uses it any more
}

// acquire returns the open file at path, of which note is known. It must be released.
func (s *handles) acquire(path string, note *about) (*handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil, errClosed
	}
	h := s.open[path]
	if h == nil {
		f, err := openFile(path, note) // under the lock: it takes less than a millisecond
		if err != nil {
			return nil, err
		}
		h = &handle{file: f, path: path}
		if s.open == nil {
			s.open = map[string]*handle{}
		}
		s.open[path] = h
	}
	if h.users++; h.users == 1 {
		s.idle = without(s.idle, h)
	}
	return h, nil
}

func without(all []*handle, h *handle) []*handle {
	for i := range all {
		if all[i] == h {
			return append(all[:i], all[i+1:]...)
		}
	}
	return all
}

// release says that h is not used any longer.
func (s *handles) release(h *handle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.users--; h.users > 0 {
		return
	}
	if h.stale || s.shut {
		_ = h.close() // it was only read
		return
	}
	if s.idle = append(s.idle, h); len(s.idle) > s.most {
		_ = s.drop(s.idle[0])
	}
}

// drop closes a file that nobody uses.
func (s *handles) drop(h *handle) error {
	s.idle = without(s.idle, h)
	delete(s.open, h.path)
	return h.close()
}

// forget closes the file at path, or has it closed by its last user.
func (s *handles) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.open[path]
	if h == nil {
		return
	}
	if h.users == 0 {
		_ = s.drop(h)
		return
	}
	h.stale = true
	delete(s.open, path)
}

func (s *handles) close() error {
	s.mu.Lock()
	s.shut = true
	s.mu.Unlock()
	return s.ease()
}

// ease closes what nobody uses.
func (s *handles) ease() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for len(s.idle) > 0 {
		errs = append(errs, s.drop(s.idle[0]))
	}
	return errors.Join(errs...)
}
