package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

const (
	maxQueries = 32  // of a record: multicast DNS asks many at once
	maxRdata   = 512 // bytes kept of an answer
)

// question is one entry of the question section.
type question struct{ name, kind []byte }

// dns makes an event of a query, and another of its answer: EVE writes two records. The
// extra "dns.type" says which it is, and "dns.id" is equal in both. Version 1 wrote a
// record for each answer, version 2 one for all; version 3 has a list of questions.
func (d *decoder) dns() bool {
	top := string(d.head.kind)
	if top == "doh2" {
		top = "dns"
	}
	o := d.take(top)
	if o == nil {
		return false
	}
	var asked []*fastjson.Value
	for _, name := range [...]string{"queries", "query"} {
		if v := o.Get(name); v != nil && len(asked) == 0 {
			asked = v.GetArray()
		}
	}
	if string(d.head.kind) != "dns" || isAnswer(o) {
		d.orient(53, 853, 443, 5353, 5355) // answers, in some versions, have the server first
	}
	d.over()
	q := question{str(o.Get("rrname")), str(o.Get("rrtype"))}
	if len(asked) > 0 && len(q.name) == 0 {
		q = question{asked[0].GetStringBytes("rrname"), asked[0].GetStringBytes("rrtype")}
	}
	d.dnsEvent(top, o, q)
	for i, v := range asked {
		if i > 0 && i < maxQueries {
			e, n := d.emit.DNS(d.head.time)
			d.fill(e)
			d.question(n, question{v.GetStringBytes("rrname"), v.GetStringBytes("rrtype")})
		}
	}
	return true
}

func isAnswer(o *fastjson.Object) bool {
	switch string(str(o.Get("type"))) {
	case "answer", "response":
		return true
	}
	return false
}

func (d *decoder) question(n *event.DNS, q question) {
	n.Query = d.emit.Text(d.lower(bytes.TrimSuffix(q.name, []byte("."))))
	n.Kind = d.emit.Text(q.kind)
}

func (d *decoder) dnsEvent(top string, o *fastjson.Object, q question) {
	e, n := d.emit.DNS(d.head.time)
	d.fill(e)
	d.question(n, q)
	answer := isAnswer(o)
	if answer {
		n.Answer = 1
	}
	listed := false
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "rrname", "rrtype", "version", "queries", "query":
		case "qr", "rd", "ra", "aa", "tc", "z": // the flags again
		case "rcode":
			if n.Code = d.emit.Text(str(v)); n.Code == 0 {
				d.keep(top, key, v) // multicast DNS gives the number
			}
		case "ttl":
			n.TTL = ttl(n.TTL, v)
		case "rdata":
			n.Answers = d.emit.List()
			d.emit.Listed(&n.Answers, rdata(v))
		case "answers":
			listed = true
			d.answers(n, v.GetArray())
		case "grouped":
			if !listed && o.Get("answers") == nil {
				n.Answers = d.emit.List()
				v.GetObject().Visit(func(_ []byte, v *fastjson.Value) {
					for _, a := range v.GetArray() {
						d.emit.Listed(&n.Answers, rdata(a))
					}
				})
			}
		default:
			d.keep(top, key, v)
		}
	})
	d.common()
}

// answers lists what the answers say, and finds the least of their times to live.
func (d *decoder) answers(n *event.DNS, a []*fastjson.Value) {
	n.Answers = d.emit.List()
	for _, v := range a {
		o := v.GetObject()
		if o == nil {
			continue
		}
		n.TTL = ttl(n.TTL, o.Get("ttl"))
		for _, name := range [...]string{"rdata", "ptr", "srv", "soa", "txt"} {
			if r := o.Get(name); r != nil {
				d.emit.Listed(&n.Answers, rdata(r))
				break
			}
		}
	}
}

// rdata returns what an answer says: a string as it is, of a service the name, of a
// zone its primary server.
func rdata(v *fastjson.Value) []byte {
	s := first(v)
	for _, name := range [...]string{"name", "mname", "rname"} {
		if len(s) == 0 {
			s = v.GetStringBytes(name)
		}
	}
	return s[:min(len(s), maxRdata)]
}

// ttl returns the lesser of both that is known.
func ttl(least uint32, v *fastjson.Value) uint32 {
	if v == nil {
		return least
	}
	t := uint32(min(num(v), 1<<31))
	if least == 0 || t > 0 && t < least {
		return t
	}
	return least
}
