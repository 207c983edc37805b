package event

import (
	"vedette/internal/entity"
	"vedette/internal/text"
)

// Emit lends slots of a batch to a decoder: fill in what was lent before asking for
// the next, for then the batch may move. If the decoder then finds the record wrong, it
// returns an error, and all that it emitted for that record is taken back.
type Emit struct {
	batch  *Batch
	start  mark // of the record at hand
	index  uint16
	told   int64
	tenant uint64 // hash of the tenant: part of every key
	key    uint64 // secret of the installation, folded
}

// NewEmit returns an Emit whose keyed hashes use key, the secret of the installation.
func NewEmit(key []byte) *Emit { return &Emit{key: text.Hash(0x56656465747465, key)} }

// Source directs what is emitted next to b, as coming from that source.
func (e *Emit) Source(b *Batch, tenant, site, source string) {
	e.batch = b
	t := b.Text.Put([]byte(tenant))
	b.Origins = append(b.Origins, Origin{t, b.Text.Put([]byte(site)), b.Text.Put([]byte(source))})
	e.tenant = text.Hash(0, []byte(tenant))
}

// Begin begins a record of the source that was named last: where it stands, how far it
// can be trusted, and its bytes.
func (e *Emit) Begin(position uint64, trust Trust, data []byte) {
	b := e.batch
	e.start, e.index, e.told = b.mark(), 0, 0
	b.Records = append(b.Records, Record{position, text.Hash(e.key, data), uint32(len(b.Origins) - 1), trust})
}

// Tell says when the record at hand was, as far as its sender said so beside it: Unix
// nanoseconds.
func (e *Emit) Tell(at int64) { e.told = at }

// Told returns what Tell said, for a record that does not hold its time itself; 0 if
// nothing did.
func (e *Emit) Told() int64 { return e.told }

// Emitted returns how many events the record at hand has made so far.
func (e *Emit) Emitted() int { return len(e.batch.Events) - e.start.events }

// Next returns the index that the next event of the record at hand will have.
func (e *Emit) Next() uint16 { return e.index }

// From has the next event of the record at hand have an index, and those after it follow. It
// is for records that are begun more than once, whose events must not be taken for others.
func (e *Emit) From(index uint16) { e.index = index }

// Abort takes back the record at hand and all its events.
func (e *Emit) Abort() { e.batch.cut(e.start) }

// Text keeps s and returns its reference.
func (e *Emit) Text(s []byte) text.Ref { return e.batch.Text.Put(s) }

// Entity returns the entity that goes by an identifier. The identifier must be in the
// form that its type says.
func (e *Emit) Entity(kind entity.Kind, t entity.IDType, id []byte) entity.Ref {
	if len(id) == 0 {
		return entity.Ref{}
	}
	return entity.Ref{Key: KeyOf(e.tenant, t, id), Name: e.Text(id), Kind: kind, Type: t}
}

// KeyOf returns the key of an identifier of a tenant, given the [text.Hash] of its name.
func KeyOf(tenant uint64, t entity.IDType, id []byte) entity.Key {
	return entity.Key(max(1, text.Hash(tenant^uint64(t)<<56, id)))
}

// Trust raises or lowers the trust of the record at hand.
func (e *Emit) Trust(t Trust) { e.batch.Records[len(e.batch.Records)-1].Trust = t }

// Extra adds a field to the event that was lent last. Beyond 255 it adds nothing.
func (e *Emit) Extra(name, value []byte) {
	b := e.batch
	h := &b.Events[len(b.Events)-1]
	if h.Extras == 255 || len(value) == 0 {
		return
	}
	b.Extras = append(b.Extras, Extra{b.Text.Put(name), b.Text.Put(value)})
	h.Extras++
}

// Blind returns what may be kept of s.
func (e *Emit) Blind(s []byte) Blind {
	if len(s) == 0 {
		return Blind{}
	}
	return Blind{text.Hash(e.key, s), uint64(len(s))}
}

// lend appends an event of type t and its body, and returns both to be filled in.
func lend[T any](e *Emit, t Type, at int64, bodies *[]T) (*Envelope, *T) {
	*bodies = append(*bodies, *new(T))
	row := len(*bodies) - 1
	b := e.batch
	b.Events = append(b.Events, Envelope{
		Time: at, Type: t, Row: uint32(row), Record: uint32(len(b.Records) - 1), Index: e.index, Extra: uint32(len(b.Extras)),
	})
	e.index++
	return &b.Events[len(b.Events)-1], &(*bodies)[row]
}
