package resolve

import (
	"slices"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// Directory knows by which identifiers each entity went, from when to when. Names of
// places outside, of which there can be millions, take about forty bytes each.
type Directory struct {
	entries table[entry]
	words   text.Arena
}

// entry is what is known of one entity.
type entry struct {
	Name text.Ref // the first identifier
	From int64
	To   int64
	More []further // other ones, in order of their first appearance
	Kind entity.Kind
	Type entity.IDType // of Name
	Own  uint8
}

// Identifier is one identifier of an entity, and when it was seen to be its.
type Identifier struct {
	Type     entity.IDType
	Value    string
	From, To int64 // Unix nanoseconds, first and last
}

// further is a further identifier.
type further struct {
	From, To int64
	Value    text.Ref
	Type     uint64 // an entity.IDType
}

const mostIdentifiers = 64 // of one entity; the oldest of the further ones gives way

// note takes note that an entity was seen.
func (d *Directory) note(b *event.Batch, ref *entity.Ref, at int64) {
	if ref.Key == 0 {
		return
	}
	e := d.entries.at(uint64(ref.Key))
	if e.Type == entity.NoID {
		e.Name, e.From, e.Type = d.words.Put(b.Text.Bytes(ref.Name)), at, ref.Type
	}
	e.To = max(e.To, at)
	if ref.Own == 1 {
		e.Own = 1
	}
	if e.Kind == entity.Unknown || ref.Own == 1 {
		e.Kind = ref.Kind
	}
	if name := b.Text.Bytes(ref.Name); ref.Own == 1 && (e.Type != ref.Type || string(d.words.Bytes(e.Name)) != string(name)) {
		d.add(e, ref.Type, name, at)
	}
}

// identify says that an entity goes by a further identifier.
func (d *Directory) identify(k entity.Key, t entity.IDType, value string, at int64) {
	e := d.entries.at(uint64(k))
	if e.Type == entity.NoID {
		e.Name, e.From, e.To, e.Type = d.words.Put([]byte(value)), at, at, t
		return
	}
	if e.Type != t || string(d.words.Bytes(e.Name)) != value {
		d.add(e, t, []byte(value), at)
	}
}

func (d *Directory) add(e *entry, t entity.IDType, value []byte, at int64) {
	for i := range e.More {
		if x := &e.More[i]; x.Type == uint64(t) && string(d.words.Bytes(x.Value)) == string(value) {
			x.To = max(x.To, at)
			return
		}
	}
	if len(e.More) >= mostIdentifiers {
		e.More = slices.Delete(e.More, 0, 1)
	}
	e.More = append(e.More, further{at, at, d.words.Put(value), uint64(t)})
}

// domain returns the entity that stands for a registered domain.
func (d *Directory) domain(tenant uint64, name string, at int64) entity.Key {
	k := event.KeyOf(tenant, entity.Hostname, []byte(name))
	e := d.entries.at(uint64(k))
	if e.Type == entity.NoID {
		*e = entry{Name: d.words.Put([]byte(name)), From: at, Type: entity.Hostname, Kind: entity.External}
	}
	e.To = max(e.To, at)
	return k
}

// Name returns the best name of an entity: its latest host name or account, else what it
// was first seen as; "" if it is not known.
func (d *Directory) Name(k entity.Key) string {
	e := d.entries.find(uint64(k))
	if e == nil || e.Type == entity.NoID {
		return ""
	}
	for _, x := range slices.Backward(e.More) {
		if t := entity.IDType(x.Type); t == entity.Hostname || t == entity.User {
			return string(d.words.Bytes(x.Value))
		}
	}
	return string(d.words.Bytes(e.Name))
}

// Kind returns what an entity is, and whether it is of the organisation.
func (d *Directory) Kind(k entity.Key) (kind entity.Kind, own bool) {
	if e := d.entries.find(uint64(k)); e != nil {
		return e.Kind, e.Own == 1
	}
	return entity.Unknown, false
}

// Identifiers returns all identifiers of an entity, in order of their first appearance.
func (d *Directory) Identifiers(k entity.Key) []Identifier {
	e := d.entries.find(uint64(k))
	if e == nil || e.Type == entity.NoID {
		return nil
	}
	all := []Identifier{{e.Type, string(d.words.Bytes(e.Name)), e.From, e.To}}
	for _, x := range e.More {
		all = append(all, Identifier{entity.IDType(x.Type), string(d.words.Bytes(x.Value)), x.From, x.To})
	}
	return all
}

// Len returns how many entities are known.
func (d *Directory) Len() int { return d.entries.used }
