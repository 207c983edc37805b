package zeek

import (
	"vedette/internal/entity"
)

// dhcp is one exchange of messages, or, until Zeek 2.5, one acknowledgement.
func dhcp(r *record, at int64) error {
	h, l := r.emit.Lease(at)
	r.base(h)
	assigned := r.text(cAssignedAddr)
	message := []byte(nil)
	if r.has(cAssignedIP) {
		assigned, message = r.text(cAssignedIP), []byte("ACK")
	}
	types := r.list(cMsgTypes)
	for m := types.next(); m != nil; m = types.next() {
		// An acknowledgement without an address answers a machine that has one already
		// and only asks for the rest: it binds nothing.
		if ack := string(m) == "ACK"; (!ack && string(message) != "ACK") || ack && assigned != nil {
			message = m
		}
	}
	l.Message = r.emit.Text(message)
	if assigned == nil {
		assigned = r.text(cRequestedAddr)
	}
	machine, ok := r.machine(assigned)
	if !ok {
		return badAddress
	}
	l.Address = machine.Name
	var buf [17]byte
	if m := mac(buf[:0], r.peek(cMAC)); m != nil {
		r.drop(cMAC)
		l.MAC = r.emit.Text(m)
		h.Subject = r.emit.Entity(entity.Device, entity.MAC, m)
	}
	server := cServerAddr
	if r.has(cRespH) {
		server = cRespH
		r.drop(cOrigH, cOrigP, cRespP)
	}
	if h.Object, ok = r.machine(r.text(server)); !ok {
		return badAddress
	}
	l.Hostname, l.Domain = r.lowerRef(cHostName), r.lowerRef(cDomain)
	l.Seconds = uint64(r.interval(cLeaseTime) / second)
	return nil
}

// arp is not Zeek's own: scripts make it, with these columns. An answer says which
// machine has an address; a question, who looks for whom.
func arp(r *record, at int64) error {
	var buf, none [17]byte
	sender := mac(buf[:0], r.peek(cOrigHW))
	if string(r.peek(cOperation)) != "reply" || sender == nil || !r.has(cOrigHost) {
		h, o := r.emit.Other(at)
		r.base(h)
		o.Message = r.put(cOperation)
		h.Subject = r.emit.Entity(entity.Device, entity.MAC, sender)
		var ok bool
		if h.Object, ok = r.machine(r.text(cRespHost)); !ok {
			return badAddress
		}
		return nil
	}
	h, l := r.emit.Lease(at)
	r.base(h)
	machine, ok := r.machine(r.text(cOrigHost))
	if !ok {
		return badAddress
	}
	l.Address, l.MAC, l.Message = machine.Name, r.emit.Text(sender), r.emit.Text([]byte("ARP"))
	h.Subject = r.emit.Entity(entity.Device, entity.MAC, sender)
	h.Object = r.emit.Entity(entity.Device, entity.MAC, mac(none[:0], r.peek(cRespHW)))
	r.drop(cOrigHW, cOperation)
	return nil
}
