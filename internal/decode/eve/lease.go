package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/entity"
	"vedette/internal/event"
)

// dhcp makes a lease of a message. Subject is the machine by its MAC, Object the server.
func (d *decoder) dhcp() bool {
	o := d.take("dhcp")
	if o == nil {
		return false
	}
	d.orient(67)
	e, l := d.emit.Lease(d.head.time)
	d.fill(e)
	var asked, had []byte
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "client_mac":
			d.machine(e, l, str(v))
		case "assigned_ip":
			l.Address = d.emit.Text(d.assigned(v))
		case "requested_ip":
			asked = str(v)
			d.keep("dhcp", key, v)
		case "client_ip":
			had = str(v)
			d.keep("dhcp", key, v)
		case "hostname":
			l.Hostname = d.emit.Text(d.lower(str(v)))
		case "domain":
			l.Domain = d.emit.Text(d.lower(str(v)))
		case "lease_time":
			l.Seconds = num(v)
		case "dhcp_type":
			l.Message = d.emit.Text(bytes.ToUpper(str(v)))
		default:
			d.keep("dhcp", key, v)
		}
	})
	for _, s := range [...][]byte{had, asked} { // who renews says so himself
		if l.Address == 0 {
			if a := canonical(d.text[:0], s); a != nil && string(a) != "0.0.0.0" {
				l.Address = d.emit.Text(a)
			}
		}
	}
	d.common()
	return true
}

// assigned returns an address, but not the one that means none.
func (d *decoder) assigned(v *fastjson.Value) []byte {
	if a := canonical(d.text[:0], str(v)); string(a) != "0.0.0.0" {
		return a
	}
	return nil
}

// machine makes the one with that MAC the Subject.
func (d *decoder) machine(e *event.Envelope, l *event.Lease, s []byte) {
	var buf [32]byte
	m := mac(buf[:0], s)
	if len(m) == 0 {
		return
	}
	l.MAC = d.emit.Text(m)
	e.Subject = d.emit.Entity(entity.Device, entity.MAC, m)
}

// arp makes a lease of an answer. A question binds nothing.
func (d *decoder) arp() bool {
	o := d.take("arp")
	if o == nil {
		return false
	}
	if op := str(o.Get("opcode")); string(op) != "reply" {
		e, _ := d.emit.Other(d.head.time)
		d.fill(e)
		d.keepAll("arp", o)
		d.common()
		return true
	}
	e, l := d.emit.Lease(d.head.time)
	d.fill(e)
	d.machine(e, l, str(o.Get("src_mac")))
	l.Message = d.emit.Text([]byte("ARP"))
	l.Address = d.emit.Text(d.assigned(o.Get("src_ip")))
	if to := canonical(d.text[:0], str(o.Get("dest_ip"))); to != nil {
		e.Object = d.emit.Entity(entity.Device, entity.IP, to)
	}
	d.add("arp.dest_mac", str(o.Get("dest_mac")))
	d.common()
	return true
}
