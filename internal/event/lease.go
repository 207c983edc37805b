package event

import "vedette/internal/text"

// Lease says that an address belongs to a machine from now on: a DHCP acknowledgement
// or an ARP answer. OCSF 4004, DHCP Activity. The envelope's Subject is the machine, by
// its MAC.
type Lease struct {
	Address  text.Ref
	MAC      text.Ref // lower case with colons
	Hostname text.Ref // as the machine calls itself, lower case
	Domain   text.Ref
	Message  text.Ref // "ACK", "REQUEST"; only an ACK (or an ARP answer, "ARP") binds
	Seconds  uint64   // how long the lease lasts; 0 if not known
}

// Lease lends a lease.
func (e *Emit) Lease(at int64) (*Envelope, *Lease) { return lend(e, LeaseType, at, &e.batch.Leases) }

// Lease returns the body of a lease.
func (v View) Lease() *Lease { return &v.Batch.Leases[v.Head().Row] }

func (l *Lease) texts(move func(*text.Ref)) {
	move(&l.Address)
	move(&l.MAC)
	move(&l.Hostname)
	move(&l.Domain)
	move(&l.Message)
}
