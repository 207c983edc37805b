package eve

import (
	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

// The flags of TCP, as EVE gives them: those of all packets of a direction together.
const (
	fin uint64 = 1 << iota
	syn
	rst
	psh
	ack
)

// tcp is what a flow says of its connection.
type tcp struct {
	toServer, toClient uint64 // flags
	state              []byte
	known              bool // that the flags were given for each direction
}

// flow makes a flow of a record that was written when it ended. EVE counts bytes with
// the headers of IP and Ethernet, where the event means payload: the sum over a flow is
// too high by some 54 a packet, and nothing says how much exactly.
func (d *decoder) flow() bool {
	o := d.take("flow")
	if o == nil {
		return false
	}
	e, f := d.emit.Flow(d.head.time)
	d.fill(e)
	d.flowHead(f)
	var start, end int64
	var state []byte
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "pkts_toserver":
			f.PacketsOut = num(v)
		case "pkts_toclient":
			f.PacketsIn = num(v)
		case "bytes_toserver":
			f.BytesOut = num(v)
		case "bytes_toclient":
			f.BytesIn = num(v)
		case "start":
			start = parseTime(str(v))
		case "end":
			end = parseTime(str(v))
		case "state":
			state = str(v)
			f.State = d.emit.Text(state)
		case "src_ip", "dest_ip", "src_port", "dest_port": // of alerts, where they tell the client
		default:
			d.keep("flow", key, v)
		}
	})
	if end > 0 {
		e.Time = end
	}
	if start > 0 && end > start {
		f.Duration = end - start
	}
	t := d.tcp()
	f.Outcome = d.outcome(f, &t, state)
	if t.known && t.toServer&ack != 0 && t.toClient&syn != 0 && t.toClient&ack != 0 {
		d.emit.Trust(event.Handshake) // the client answered what only its address could receive
	}
	d.remains()
	return true
}

func (d *decoder) flowHead(f *event.Flow) {
	d.emit.SetProtocol(f, d.lower(d.head.proto))
	f.Community = d.emit.Text(d.head.community)
	if d.recognised() {
		f.Service = d.emit.Text(d.head.app)
	}
}

// tcp takes the object of that name, and keeps of it what is not said twice.
func (d *decoder) tcp() (t tcp) {
	o := d.take("tcp")
	if o == nil {
		return t
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "syn", "fin", "rst", "psh", "ack", "urg", "ecn", "cwr": // the flags again, in words
			return
		case "tcp_flags_ts":
			t.toServer, t.known = flags(str(v)), true
		case "tcp_flags_tc":
			t.toClient, t.known = flags(str(v)), true
		case "state":
			t.state = str(v)
		}
		d.keep("tcp", key, v)
	})
	return t
}

func flags(s []byte) (n uint64) {
	for _, c := range s[:min(len(s), 8)] {
		h, _ := hex(c)
		n = n<<4 | uint64(h)
	}
	return n
}

// outcome says whether the server took part. A reset is a refusal if it is all the
// server said: the flags of its packets have no SYN, and neither side sent data.
func (d *decoder) outcome(f *event.Flow, t *tcp, state []byte) event.Outcome {
	switch {
	case f.PacketsIn == 0 && f.PacketsOut == 0:
		return event.UnknownOutcome
	case f.PacketsIn == 0:
		return event.Unanswered
	case string(d.head.proto) != "TCP":
		if d.unreachable() {
			return event.Refused
		}
		return event.Established
	case t.known && t.toClient&rst != 0 && (t.toClient|t.toServer)&(psh|fin) == 0 && t.toClient&syn == 0:
		return event.Refused
	case t.known && t.toClient&(syn|ack) != 0:
		return event.Established // SYN and ACK, or a conversation that was joined midway
	}
	switch string(t.state) {
	case "established", "fin_wait1", "fin_wait2", "time_wait", "last_ack", "close_wait", "closing", "closed":
		return event.Established
	}
	if string(state) == "established" {
		return event.Established
	}
	return event.UnknownOutcome
}

// unreachable reports whether the answer of an ICMP flow was that there is no way.
func (d *decoder) unreachable() bool {
	for _, f := range d.rest {
		if f.value != nil && string(f.name) == "response_icmp_type" {
			n := num(f.value)
			return n == 3 && string(d.head.proto) == "ICMP" || n == 1 && string(d.head.proto) == "IPv6-ICMP"
		}
	}
	return false
}

// netflow makes a flow of a record that tells one direction only. Nothing says which,
// so the ports must: an answer then comes as a flow of the client's that sent nothing.
func (d *decoder) netflow() bool {
	o := d.take("netflow")
	if o == nil {
		return false
	}
	port := d.head.srcPort
	d.orient()
	answer := d.head.srcPort != port
	e, f := d.emit.Flow(d.head.time)
	d.fill(e)
	d.flowHead(f)
	var start, end int64
	var bytes, packets uint64
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "pkts":
			packets = num(v)
		case "bytes":
			bytes = num(v)
		case "start":
			start = parseTime(str(v))
		case "end":
			end = parseTime(str(v))
		default:
			d.keep("netflow", key, v)
		}
	})
	if end > 0 {
		e.Time = end
	}
	if start > 0 && end > start {
		f.Duration = end - start
	}
	if f.BytesOut, f.PacketsOut = bytes, packets; answer {
		f.BytesOut, f.PacketsOut, f.BytesIn, f.PacketsIn = 0, 0, bytes, packets
		if packets > 0 {
			f.Outcome = event.Established
		}
	}
	d.tcp()
	d.remains()
	return true
}
