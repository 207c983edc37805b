// Package entity names who and what takes part in events: machines, accounts,
// mailboxes, cloud principals, controllers, and the world outside.
//
// A decoder mentions an entity by an identifier, such as an address. Which entity that
// was at the time of the event is worked out by resolve, which replaces the key.
package entity

import "vedette/internal/text"

// Key identifies one entity of one tenant. As a decoder writes it, it is a hash of
// tenant, identifier type and identifier; once resolved, of tenant and entity. Zero is
// nobody.
type Key uint64

// Kind is the sort of thing an entity is.
type Kind uint8

// The kinds of entity.
const (
	Unknown Kind = iota
	Device       // a machine on a network
	Account      // who signs in
	Mailbox
	Principal  // a cloud role or service identity
	Controller // a PLC, RTU or drive
	Service    // something that machines offer to others
	External   // a name or address outside the organisation
)

// String returns the kind in one word.
func (k Kind) String() string {
	names := [...]string{"unknown", "device", "account", "mailbox", "principal", "controller", "service", "external"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[0]
}

// Ref is an entity as an event mentions it: 24 bytes, no pointer.
type Ref struct {
	Key   Key
	Name  text.Ref // the identifier as it was seen; in the arena of the batch
	Group uint16   // its peers; resolve fills it in, so that it is kept and replayed
	Port  uint16   // of a network endpoint, else 0
	Kind  Kind
	Type  IDType // of Name
	Own   uint8  // 1 if it belongs to the organisation; resolve fills it in
	Local Tri    // what the sensor says of that
}

// Tri is yes, no, or not said.
type Tri uint8

// The values of Tri.
const (
	NotSaid Tri = iota
	No
	Yes
)

// IDType says what an identifier is.
type IDType uint8

// The types of identifier.
const (
	NoID     IDType = iota
	IP              // an IPv4 or IPv6 address, in the text form of RFC 5952
	MAC             // an EUI-48 in lower case with colons
	Hostname        // a host name without its domain, or a fully qualified one; lower case
	User            // an account name, with its domain or realm if that was seen: name@realm
	Cert            // a certificate, by its SHA-256 or subject
	AETitle         // a DICOM application entity title
	Email           // an address of RFC 5322, lower case
	Unit            // a unit or station of a control protocol behind an address
)

// String returns the name of the type, as it appears in reports.
func (t IDType) String() string {
	names := [...]string{"", "ip", "mac", "hostname", "user", "certificate", "ae title", "email", "unit"}
	if int(t) < len(names) {
		return names[t]
	}
	return ""
}
