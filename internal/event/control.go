package event

import "vedette/internal/text"

// Control is a message of an industrial control protocol. OCSF 4001, Network Activity;
// OCSF has no class of its own for it.
type Control struct {
	Protocol  text.Ref // "modbus", "dnp3", "s7comm", "cip", "enip", "bacnet", "iec104", ...
	Function  text.Ref // as the sensor names it
	Target    text.Ref // unit, object, point or register range, as text
	Exception text.Ref // the device's refusal
	Request   uint8    // 1 for a request, 0 for an answer or not known
	Write     uint8    // 1 if it changes the device: a write, a download, a stop, a restart
	Spare     [6]uint8
}

// Control lends a control message.
func (e *Emit) Control(at int64) (*Envelope, *Control) {
	return lend(e, ControlType, at, &e.batch.Controls)
}

// Control returns the body of a control message.
func (v View) Control() *Control { return &v.Batch.Controls[v.Head().Row] }

func (c *Control) texts(move func(*text.Ref)) {
	move(&c.Protocol)
	move(&c.Function)
	move(&c.Target)
	move(&c.Exception)
}
