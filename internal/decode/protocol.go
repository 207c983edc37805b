package decode

import (
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Protocol describes a decoder of what two ends say to each other.
type Protocol struct {
	plug.Info              // the name is also that of the service
	Makes     []event.Type // the bodies it can produce
	Over      []uint8      // packet.TCP, packet.UDP
	// Ports are those of servers where it is at home: there it is asked before others. It is
	// recognised by content wherever it is.
	Ports []uint16
	// Sniff says whether a conversation is of this protocol in which a side begins with
	// head: a datagram, or so much of its stream as is there.
	Sniff func(f *packet.Flow, from packet.Side, head []byte) Guess
	// New returns a decoder for one conversation.
	New func() Stream
}

// About implements [plug.Plugin].
func (p Protocol) About() plug.Info { return p.Info }

// Guess is what a protocol says of how a conversation begins.
type Guess uint8

// The guesses.
const (
	No    Guess = iota
	Maybe       // more has to be seen
	Yes
)

// Stream decodes one conversation. It survives any input, keeps nothing it is given,
// redacts before it emits and knows no time but that of the talk.
type Stream interface {
	// Data decodes what is whole in data, that is what a side said and was not used yet, and
	// returns how many bytes that was; of a datagram the rest is no more. An error, which is
	// a [Reason], ends the decoding of a stream, and of a datagram that of itself alone.
	Data(t *Talk, from packet.Side, data []byte, emit *event.Emit) (used int, err error)
	// Lost says that so many bytes were not seen before what is next, and that what was not
	// used of what came before is gone. It reports whether it can make sense of the rest.
	Lost(t *Talk, from packet.Side, n uint32) bool
	// End says that nothing more comes. What it emits is known by now.
	End(t *Talk, emit *event.Emit)
}

// MaxMessage is the most that is kept of a message until it is whole, in bytes. A stream
// with a longer one is told that it was lost.
const MaxMessage = 256 << 10

// Talk is the conversation at hand.
type Talk struct {
	Flow *packet.Flow
	Time int64  // of the packet at hand, Unix nanoseconds; at the end, of the last
	Link uint64 // for the envelopes of its events
	// Again is set by a decoder when what follows is of another protocol, which has to be
	// recognised anew: after STARTTLS, or a proxy's CONNECT.
	Again bool
}

// Fill fills in the envelope of an event that the client of the conversation does to its
// server.
func (t *Talk) Fill(h *event.Envelope, emit *event.Emit, dataset string) {
	h.Dataset, h.Link = emit.Text([]byte(dataset)), t.Link
	h.Subject, h.Object = machine(emit, &t.Flow.Client), machine(emit, &t.Flow.Server)
	if t.Flow.Protocol == packet.ICMP || t.Flow.Protocol == packet.ICMPv6 {
		h.Subject.Port, h.Object.Port = 0, 0
	}
}

func machine(emit *event.Emit, e *packet.Endpoint) entity.Ref {
	var room [46]byte
	r := emit.Entity(entity.Device, entity.IP, e.Addr.NetIP().AppendTo(room[:0]))
	r.Port = e.Port
	return r
}

// Address returns the entity that has an address.
func Address(emit *event.Emit, a packet.Addr) entity.Ref {
	return machine(emit, &packet.Endpoint{Addr: a})
}

// Hardware returns the entity that has a hardware address, nobody if it is zero or stands
// for many.
func Hardware(emit *event.Emit, m packet.MAC) entity.Ref {
	if m == (packet.MAC{}) || m[0]&1 != 0 {
		return entity.Ref{}
	}
	var room [17]byte
	text := room[:0]
	for i, b := range m {
		if i > 0 {
			text = append(text, ':')
		}
		text = append(text, "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
	}
	return emit.Entity(entity.Device, entity.MAC, text)
}

// Frame describes a decoder of frames that are not IP, such as ARP.
type Frame struct {
	plug.Info
	Makes  []event.Type
	Type   uint16 // EtherType
	Decode func(o *packet.Other, emit *event.Emit) error
}

// About implements [plug.Plugin].
func (f Frame) About() plug.Info { return f.Info }
