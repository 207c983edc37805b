package resolve

import "vedette/internal/entity"

// Seen is what is known of an entity without its names.
type Seen struct {
	Kind     entity.Kind
	Own      bool  // of the organisation
	From, To int64 // Unix nanoseconds, first and last
}

// All calls yield with every entity that is known, in no order that means anything, until
// yield returns false. It is an iterator: range over d.All.
func (d *Directory) All(yield func(entity.Key, Seen) bool) {
	for i, k := range d.entries.keys {
		if e := &d.entries.values[i]; k != 0 && e.Type != entity.NoID && !yield(entity.Key(k), e.seen()) {
			return
		}
	}
}

// Seen returns what is known of an entity, or false.
func (d *Directory) Seen(k entity.Key) (Seen, bool) {
	e := d.entries.find(uint64(k))
	if e == nil || e.Type == entity.NoID {
		return Seen{}, false
	}
	return e.seen(), true
}

func (e *entry) seen() Seen { return Seen{e.Kind, e.Own == 1, e.From, e.To} }
