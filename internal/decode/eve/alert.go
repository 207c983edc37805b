package eve

import (
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

// alert makes an event of a rule's match. What else the record says, such as the request
// that matched, are extras: it has a record of its own.
func (d *decoder) alert() bool {
	o := d.take("alert")
	if o == nil {
		return false
	}
	d.client()
	if d.recognised() {
		d.over()
	}
	e, a := d.emit.Alert(d.head.time)
	d.fill(e)
	d.rule(a, o)
	d.common()
	return true
}

// rule fills in what an alert says of the rule.
func (d *decoder) rule(a *event.Alert, o *fastjson.Object) {
	a.Product = d.emit.Text([]byte("suricata"))
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "signature":
			a.Signature = d.emit.Text(str(v))
		case "category":
			a.Category = d.emit.Text(str(v))
		case "action":
			a.Action = d.emit.Text(str(v))
		case "severity":
			a.Severity = severity(num(v))
		case "gid", "signature_id":
		default:
			d.keep("alert", key, v)
		}
	})
	d.text = strconv.AppendUint(d.text[:0], num(o.Get("gid")), 10)
	d.text = strconv.AppendUint(append(d.text, ':'), num(o.Get("signature_id")), 10)
	a.ID = d.emit.Text(d.text)
}

// severity turns Suricata's number, of which 1 is the worst.
func severity(n uint64) event.Severity {
	switch n {
	case 0:
		return event.UnknownSeverity
	case 1:
		return event.High
	case 2:
		return event.Medium
	case 3:
		return event.Low
	}
	return event.Informational
}

// client turns the addresses of a record that has those of a packet, so that Subject is
// the client of the connection. Version 7 says who that is; before it, a privileged port
// on one side only tells, once the sensor has recognised a protocol: else that port may
// be where an attack comes from.
func (d *decoder) client() {
	h := &d.head
	if f := d.peek("flow"); f != nil {
		if s := str(f.Get("src_ip")); len(s) > 0 {
			var buf [48]byte
			client := canonical(buf[:0], s)
			port := port(f.Get("src_port"))
			if string(client) == string(h.dest) && port == h.destPort {
				d.turn()
			}
			return
		}
	}
	switch string(h.direction) {
	case "to_client":
		d.turn()
		return
	case "to_server":
		return
	}
	if f := d.peek("flow"); f != nil && num(f.Get("pkts_toserver")) == 0 && f.Get("pkts_toserver") != nil {
		d.turn() // only the server has spoken so far
		return
	}
	if d.recognised() {
		d.orient()
	}
}

// recognised reports whether the sensor knows the protocol of the connection, so that
// there was one.
func (d *decoder) recognised() bool {
	switch string(d.head.app) {
	case "", "failed", "unknown":
		return false
	}
	return true
}

// drop makes an alert of a packet that was dropped: of the rule that said so, if the
// record tells.
func (d *decoder) drop() bool {
	o := d.take("drop")
	if o == nil {
		return false
	}
	by := d.take("alert")
	d.client()
	e, a := d.emit.Alert(d.head.time)
	d.fill(e)
	if by != nil {
		d.rule(a, by)
	} else {
		a.Product = d.emit.Text([]byte("suricata"))
		a.Signature = d.emit.Text([]byte("packet dropped"))
		a.ID = d.emit.Text([]byte("drop"))
		a.Category = d.emit.Text(str(o.Get("reason")))
		a.Severity = event.Informational
	}
	a.Action = d.emit.Text([]byte("blocked"))
	d.keepAll("drop", o)
	d.common()
	return true
}

// anomaly makes an alert of what the sensor's own parsers found odd.
func (d *decoder) anomaly() bool {
	o := d.take("anomaly")
	if o == nil {
		return false
	}
	if app := str(o.Get("app_proto")); len(app) > 0 && len(d.head.app) == 0 {
		d.head.app = app
	}
	d.client()
	e, a := d.emit.Alert(d.head.time)
	d.fill(e)
	a.Product = d.emit.Text([]byte("suricata"))
	a.Category = d.emit.Text([]byte("anomaly"))
	a.Severity = event.Informational
	a.Action = d.emit.Text([]byte("allowed"))
	kind, what := str(o.Get("type")), str(o.Get("event"))
	a.Signature = d.emit.Text(what)
	d.text = append(append(append(d.text[:0], kind...), ':'), what...)
	a.ID = d.emit.Text(d.text)
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "type", "event", "app_proto":
		default:
			d.keep("anomaly", key, v)
		}
	})
	d.common()
	return true
}
