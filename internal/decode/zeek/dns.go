package zeek

import "bytes"

func dns(r *record, at int64) error {
	h, d := r.emit.DNS(at)
	if err := r.head(h); err != nil {
		return err
	}
	d.Query = r.emit.Text(bytes.TrimSuffix(r.lower(cQuery), []byte(".")))
	if r.has(cQtypeName) {
		r.drop(cQtype)
		d.Kind = r.put(cQtypeName)
	} else {
		d.Kind = r.put(cQtype)
	}
	if r.has(cRcode) || r.has(cRcodeName) {
		d.Answer = 1
	}
	if r.has(cRcodeName) {
		r.drop(cRcode)
		d.Code = r.put(cRcodeName)
	} else {
		d.Code = r.put(cRcode)
	}
	answers := r.list(cAnswers)
	list := r.emit.List()
	for a := answers.next(); a != nil; a = answers.next() {
		r.emit.Listed(&list, a)
		d.Answer = 1
	}
	d.Answers = list
	d.TTL = leastTTL(r.list(cTTLs))
	r.dropOnly(cQclassName, "C_INTERNET")
	if r.has(cQclassName) || string(r.peek(cQclass)) == "1" {
		r.drop(cQclass)
	}
	// Which bits the header had, and its number, tell nothing about who asks for what.
	r.drop(cTransID, cRD, cRA, cOpcode, cOpcodeName)
	r.dropFalse(cAA, cTC, cZ, cRejected)
	r.dropOnly(cProto, "udp")
	return nil
}

// leastTTL returns the least of the times that answers may be kept, in seconds.
func leastTTL(ttls list) uint32 {
	least, any := uint32(0), false
	for v := ttls.next(); v != nil; v = ttls.next() {
		t, ok := nanos(v)
		if s := t / second; ok && s >= 0 && s <= 1<<32-1 && (!any || uint32(s) < least) {
			least, any = uint32(s), true
		}
	}
	return least
}
