// Package event defines the one shape all telemetry takes.
//
// Events come in a [Batch]: one slice of bodies per [Type], and an order over them.
// A batch is what decoders fill, the log carries and partitions read. It holds no
// pointers but its slices; when it is reused, nothing is allocated.
//
// Field names and meanings follow OCSF (schema.ocsf.io); the type's comment names the
// class. What a decoder found and has no field for is kept as [Extra] name and value.
// Contents that may identify a patient, and secrets, are never kept: a [Blind] is what
// is left of them.
//
// A new type of event is one file like flow.go and its lines in batch.go.
package event

import (
	"vedette/internal/entity"
	"vedette/internal/text"
)

// Trust says what it takes to forge a record. Acting on somebody needs evidence
// that only he could have made, so trust travels with every record.
type Trust uint32

// The grades of trust, from the least.
const (
	Claimed       Trust = iota // unauthenticated text or a single packet: anyone can write it
	Handshake                  // a completed handshake: the address is real
	Authenticated              // the source proved who it is
)

// Origin is where records come from: one sensor or file.
type Origin struct {
	Tenant, Site, Source text.Ref
}

// Record is what the events of one record have in common.
type Record struct {
	Position uint64 // where it stands in its source: a line, a packet, a sequence number; from 1
	Content  uint64 // keyed hash of its bytes: proves evidence, discloses none
	Origin   uint32 // index in Batch.Origins
	Trust    Trust
}

// Envelope is the part of an event that is the same for all types: 88 bytes.
type Envelope struct {
	// Time is Unix nanoseconds when the sensor could know it; for a flow, its end.
	Time    int64
	Subject entity.Ref // who acts: the client of a connection, the account that signs in
	Object  entity.Ref // on whom: the server, the service
	Dataset text.Ref   // what kind of record it was: "zeek/conn", "eve/flow"
	Link    uint64     // equal for records of one connection of one sensor, else 0
	Record  uint32     // index in Batch.Records
	Row     uint32     // index in the slice of its type
	Extra   uint32     // first of its Extras in Batch.Extras
	Extras  uint8      // how many
	Type    Type
	Index   uint16 // place among the events of its record
}

// Extra is a field that the type has no place for.
type Extra struct{ Name, Value text.Ref }

// Blind is what is kept of a value that must not be: its length in bytes, and a keyed
// hash by which equal values can be counted. The key never leaves the installation.
type Blind struct {
	Hash   uint64
	Length uint64
}

// ID identifies an event for ever: reading its source again makes the same one.
type ID [2]uint64

// View is one event of a batch. It is passed by value and lives as long as the batch.
type View struct {
	Batch *Batch
	I     int
}

// Head returns the envelope.
func (v View) Head() *Envelope { return &v.Batch.Events[v.I] }

// Record returns what the event shares with the others of its record.
func (v View) Record() *Record { return &v.Batch.Records[v.Head().Record] }

// Origin returns where the event's record comes from.
func (v View) Origin() *Origin { return &v.Batch.Origins[v.Record().Origin] }

// Extras returns what the type has no fields for.
func (v View) Extras() []Extra {
	h := v.Head()
	return v.Batch.Extras[h.Extra:][:h.Extras]
}

// Bytes returns a string of the event, in the batch's own memory.
func (v View) Bytes(r text.Ref) []byte { return v.Batch.Text.Bytes(r) }

// String returns a string of the event. It allocates; detectors compare bytes instead.
func (v View) String(r text.Ref) string { return string(v.Batch.Text.Bytes(r)) }

// ID returns the event's id: a hash of tenant, source, position and index.
func (v View) ID() (id ID) {
	r, o := v.Record(), v.Origin()
	for i := range id {
		h := text.Hash(uint64(i), v.Batch.Text.Bytes(o.Tenant))
		h = text.Hash(h, v.Batch.Text.Bytes(o.Source))
		id[i] = text.Mix(text.Mix(h, r.Position), uint64(v.Head().Index))
	}
	return id
}
