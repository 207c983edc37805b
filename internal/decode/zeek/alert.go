package zeek

import (
	"bytes"

	"vedette/internal/decode"
	"vedette/internal/entity"
	"vedette/internal/event"
)

// notice is what a script of Zeek found worth telling. It may be about a connection, or
// only about a machine.
func notice(r *record, at int64) error {
	h, a := r.emit.Alert(at)
	if err := r.head(h); err != nil {
		return err
	}
	if h.Subject.Key == 0 {
		var ok1, ok2 bool
		h.Subject, ok1 = r.machine(r.text(cSrc))
		h.Object, ok2 = r.endpoint(cDst, cP)
		if !ok1 || !ok2 {
			return badAddress
		}
	} else {
		r.drop(cSrc, cDst, cP)
	}
	note := r.text(cNote)
	family, name, found := bytes.Cut(note, []byte("::"))
	if !found {
		family, name = nil, note
	}
	a.Product = r.emit.Text([]byte("zeek"))
	a.ID = r.emit.Text(note)
	a.Signature = r.emit.Text(spaced(r, name))
	a.Category = r.emit.Text(family)
	if a.Severity = event.Medium; aboutSensor(family) {
		a.Severity = event.Informational
	}
	if r.flag(cDropped) == entity.Yes {
		a.Action = r.emit.Text([]byte("blocked"))
	}
	if template(family) {
		r.show(cMsg, cSub)
	}
	r.drop(cActions, cSuppressFor, cEmailDest)
	return nil
}

// spaced returns a name in words: Port_Scan is "Port Scan".
func spaced(r *record, name []byte) []byte {
	n := len(r.scratch)
	r.scratch = append(r.scratch, name...)
	name = r.scratch[n:len(r.scratch):len(r.scratch)]
	for i, c := range name {
		if c == '_' {
			name[i] = ' '
		}
	}
	return name
}

// aboutSensor reports whether the notices of a family are about the sensor itself.
func aboutSensor(family []byte) bool {
	switch string(family) {
	case "CaptureLoss", "PacketFilter", "Stats", "Cluster", "Broker", "Supervisor", "Telemetry":
		return true
	}
	return false
}

// template reports whether the messages of a family are made of addresses, numbers and
// names of protocols and certificates only. Others repeat requests, names of files or
// contents, which may name patients.
func template(family []byte) bool {
	switch string(family) {
	case "Scan", "SSH", "SSL", "Conn", "ProtocolDetector", "Traceroute", "CaptureLoss", "PacketFilter", "Heartbleed", "X509", "ICMP":
		return true
	}
	return false
}

// intel is a hit of an indicator that people loaded into Zeek.
func intel(r *record, at int64) error {
	h, a := r.emit.Alert(at)
	if err := r.head(h); err != nil {
		return err
	}
	a.Product, a.Category, a.Severity = r.emit.Text([]byte("zeek")), r.emit.Text([]byte("intel")), event.High
	kind := r.text(cIndicatorType)
	a.Signature = r.emit.Text(kind)
	switch string(kind) {
	case "Intel::ADDR", "Intel::SUBNET", "Intel::DOMAIN", "Intel::CERT_HASH", "Intel::PUBKEY_HASH", "Intel::FILE_HASH", "Intel::JA3", "Intel::EMAIL", "Intel::SOFTWARE":
		a.ID = r.put(cIndicator)
	default: // a URL, a user's or a file's name
		a.ID = r.emit.Text(decode.Blinded(r.emit, r.text(cIndicator)))
	}
	return nil
}

// signatures is a match of Zeek's own signature engine.
func signatures(r *record, at int64) error {
	h, a := r.emit.Alert(at)
	r.base(h)
	var ok1, ok2 bool
	h.Subject, ok1 = r.endpoint(cSrcAddr, cSrcPort)
	h.Object, ok2 = r.endpoint(cDstAddr, cDstPort)
	if !ok1 || !ok2 {
		return badAddress
	}
	a.Product, a.Severity = r.emit.Text([]byte("zeek")), event.Medium
	a.Category = r.put(cNote)
	a.ID = r.put(cSigID)
	a.Signature = a.ID
	return nil
}
