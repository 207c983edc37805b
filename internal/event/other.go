package event

import "vedette/internal/text"

// Other is an event whose fields are all Extras: a record of a kind that no detector
// asks for yet. OCSF 0, Base Event.
type Other struct {
	Message text.Ref // what it is about, in the sensor's words, if there are any
}

// Other lends an event without a body of its own.
func (e *Emit) Other(at int64) (*Envelope, *Other) { return lend(e, OtherType, at, &e.batch.Others) }

// Other returns the body of an event without a body of its own.
func (v View) Other() *Other { return &v.Batch.Others[v.Head().Row] }

func (o *Other) texts(move func(*text.Ref)) { move(&o.Message) }
