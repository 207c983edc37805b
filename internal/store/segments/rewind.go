package segments

import "vedette/internal/input"

// Rewind has the entries after a position added again, for what was made of them is
// damaged: of their events, those that are still there are passed over. It holds also after
// a crash, until they are sealed. It does nothing if no entry after it is sealed, or if any
// was added since the store was opened.
func (s *Store) Rewind(to input.Position) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.Lock()
	if to >= s.safe || s.added > s.safe || s.full != nil || s.open.last != 0 {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	c := commit{Safe: to, First: to}
	if err := s.commit(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.safe, s.added = to, to
	a := &again{}
	for _, g := range s.segments {
		if g.Last > to {
			a.segments, a.last = append(a.segments, g), max(a.last, g.Last)
		}
	}
	if s.again = nil; len(a.segments) > 0 {
		s.again = a
	}
	return nil
}
