package event

import "vedette/internal/text"

// Software says what a machine runs, offers or is. OCSF 5020, Software Inventory Info.
// The envelope's Subject is the machine.
type Software struct {
	Kind    text.Ref // what sort of thing: "HTTP::BROWSER", "service", "model", "firmware"
	Name    text.Ref
	Version text.Ref
	Vendor  text.Ref
}

// Software lends an inventory entry.
func (e *Emit) Software(at int64) (*Envelope, *Software) {
	return lend(e, SoftwareType, at, &e.batch.Softwares)
}

// Software returns the body of an inventory entry.
func (v View) Software() *Software { return &v.Batch.Softwares[v.Head().Row] }

func (s *Software) texts(move func(*text.Ref)) {
	move(&s.Kind)
	move(&s.Name)
	move(&s.Version)
	move(&s.Vendor)
}
