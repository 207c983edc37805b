package segments

import (
	"bytes"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/input"
)

// memory is events that are not sealed yet. Only the open one of a store changes, and
// whoever adds to it holds the store's lock.
type memory struct {
	batch       event.Batch
	copier      event.Copier
	first, last input.Position
	since       int64 // when Flush first saw it filled; 0 if it did not

	// The events of an entity are a chain: latest is the last of them, plus one, and
	// before[i] leads from event i to the one before it, as subject and as object.
	latest map[entity.Key]uint32
	before [][2]uint32
}

// newMemory returns an empty one, with room for about as much as like holds.
func newMemory(like *memory) *memory {
	m := &memory{latest: map[entity.Key]uint32{}}
	if like != nil {
		m.batch.Expect(&like.batch)
		m.before = make([][2]uint32, 0, len(like.before))
		m.latest = make(map[entity.Key]uint32, len(like.latest))
	}
	m.copier.To(&m.batch)
	return m
}

func (m *memory) size() int { return m.batch.Memory() + 8*cap(m.before) + 24*len(m.latest) }

// add adds the events of a batch but those that are known.
func (m *memory) add(b *event.Batch, at input.Position, known map[event.ID]bool) {
	m.copier.Forget()
	for i := range b.Events {
		if known != nil && known[(event.View{Batch: b, I: i}).ID()] {
			continue
		}
		m.copier.Copy(b, i)
		h := &b.Events[i]
		n := uint32(len(m.batch.Events))
		before := [2]uint32{}
		if k := h.Subject.Key; k != 0 {
			before[0], m.latest[k] = m.latest[k], n
		}
		if k := h.Object.Key; k != 0 && k != h.Subject.Key {
			before[1], m.latest[k] = m.latest[k], n
		}
		m.before = append(m.before, before)
	}
	if m.first == 0 {
		m.first = at
	}
	m.last = at
}

// find returns the events that q asks for, in the order in which they were added.
func (m *memory) find(q *Query) (found []candidate) {
	take := func(i int) {
		v := event.View{Batch: &m.batch, I: i}
		h := v.Head()
		if !q.covers(h.Time) || !q.wants(h.Type) {
			return
		}
		o := v.Origin()
		if q.Tenant != "" && string(m.batch.Text.Bytes(o.Tenant)) != q.Tenant || q.Site != "" && string(m.batch.Text.Bytes(o.Site)) != q.Site {
			return
		}
		found = append(found, candidateOf(v))
	}
	if q.Entity == 0 {
		for i := range m.batch.Events {
			take(i)
		}
		return found
	}
	for n := m.latest[q.Entity]; n > 0; {
		h := &m.batch.Events[n-1]
		side := 0
		if h.Subject.Key != q.Entity {
			side = 1
		}
		if h.Object.Key == q.Entity && q.Role != AsSubject || side == 0 && q.Role != AsObject {
			take(int(n - 1))
		}
		n = m.before[n-1][side]
	}
	return found
}

// record returns the events of a record.
func (m *memory) record(p Place) (found []uint32) {
	for i := range m.batch.Events {
		v := event.View{Batch: &m.batch, I: i}
		if v.Record().Position != p.Position || p.Index >= 0 && int(v.Head().Index) != p.Index {
			continue
		}
		o := v.Origin()
		if bytes.Equal(m.batch.Text.Bytes(o.Source), []byte(p.Source)) && (p.Tenant == "" || string(m.batch.Text.Bytes(o.Tenant)) == p.Tenant) {
			found = append(found, uint32(i))
		}
	}
	return found
}
