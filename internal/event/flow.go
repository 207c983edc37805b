package event

import "vedette/internal/text"

// Flow is one conversation between two addresses. OCSF 4001, Network Activity.
type Flow struct {
	Protocol              text.Ref // "tcp", "udp", "icmp", or as the sensor calls it; lower case
	Service               text.Ref // application protocol: "http", "ssl", "dns"; empty if not known
	State                 text.Ref // the sensor's word for how it went: Zeek "SF", EVE "closed"
	History               text.Ref // Zeek's history of flags
	Community             text.Ref // Community ID, version 1
	BytesOut, BytesIn     uint64   // payload, from the client and to it
	PacketsOut, PacketsIn uint64
	Missed                uint64 // bytes the sensor knows it did not see
	Duration              int64  // nanoseconds, 0 if not known
	Outcome               Outcome
	Open                  uint8 // 1 while it goes on: later records of it will follow
	Number                uint8 // of Protocol, by IANA: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6; 0 if it is another
	Spare                 [5]uint8
}

// SetProtocol sets Protocol and Number from the protocol's name in lower case.
func (e *Emit) SetProtocol(f *Flow, name []byte) {
	f.Protocol = e.Text(name)
	switch string(name) {
	case "tcp":
		f.Number = 6
	case "udp":
		f.Number = 17
	case "icmp":
		f.Number = 1
	case "icmp6", "ipv6-icmp", "icmpv6":
		f.Number = 58
	}
}

// Outcome says whether the server answered.
type Outcome uint8

// The outcomes.
const (
	UnknownOutcome Outcome = iota
	Established            // the server took part: a handshake, or an answer
	Unanswered             // nothing came back
	Refused                // the server, or something on its way, said no
)

// Flow lends a flow that was last seen at the given time, Unix nanoseconds.
func (e *Emit) Flow(at int64) (*Envelope, *Flow) { return lend(e, FlowType, at, &e.batch.Flows) }

// Flow returns the body of a flow.
func (v View) Flow() *Flow { return &v.Batch.Flows[v.Head().Row] }

func (f *Flow) texts(move func(*text.Ref)) {
	move(&f.Protocol)
	move(&f.Service)
	move(&f.State)
	move(&f.History)
	move(&f.Community)
}
