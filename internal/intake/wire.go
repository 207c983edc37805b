package intake

import (
	"encoding/binary"
	"slices"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/text"
)

// wire makes events of the frames of one source: it knows flows, finds out which protocol
// each speaks, and has that decoded. It has no goroutine and no clock.
//
// A frame is a record, and its number the record's position. What a frame completes is of
// that record. A flow, and what was waited for in vain, are of the record of the flow's
// last packet, where their indexes are others; see [ending].
type wire struct {
	in     Intake
	emit   *event.Emit
	frames map[packet.Link]*packet.Frames
	table  *packet.Table
	over   [256][]*decode.Protocol
	free   []*talk

	// The frame at hand.
	number  uint64
	data    []byte
	begun   bool   // that its record is
	next    uint16 // index of its next event
	problem error  // the first that it had
}

// An event's id is made of its record's position and its index. A frame may be the last of
// several flows, one inside the other, and each tells of itself when it ends and, while it
// goes on, once an hour. So these have indexes of their own, by how deep the flow is.
const (
	ending = 1 << 14
	still  = 1 << 15
	deeper = 1 << 10
)

// talk is what is known of a conversation.
type talk struct {
	decode.Talk
	protocol *decode.Protocol // nil until it is recognised
	stream   decode.Stream
	service  *decode.Protocol   // the first that was
	maybe    []*decode.Protocol // that it could be
	heads    [2][]byte          // what was said until it is recognised
	parts    []part             // and in which pieces
	rest     [2][]byte          // what was said since and not used
	given    bool               // up: nobody can make sense of it
}

// part is something that was said before it was known what is spoken.
type part struct {
	from packet.Side
	n    int
}

// What is looked at of a conversation until it is recognised.
const (
	mostHead  = 4 << 10 // bytes of a side
	mostParts = 12      // pieces
)

func (in Intake) wire(emit *event.Emit) *wire {
	w := &wire{in: in, emit: emit, frames: map[packet.Link]*packet.Frames{}}
	var seed [8]byte
	copy(seed[:], in.Key)
	w.table = packet.NewTable(packet.DefaultLimits(), text.Hash(binary.LittleEndian.Uint64(seed[:]), in.Key), w)
	for i := range in.Protocols {
		p := &in.Protocols[i]
		for _, over := range p.Over {
			w.over[over] = append(w.over[over], p)
		}
	}
	return w
}

// Reasons for rejecting a frame.
const (
	strangeLink  = decode.Reason("frames of a link type that is not read")
	strangeFrame = decode.Reason("a kind of frame that is not read")
	brokenFrame  = decode.Reason("a header ends early or says what cannot be")
)

// frame takes the next frame, and returns why it is rejected, if it is.
func (w *wire) frame(number uint64, at int64, link packet.Link, data []byte, length int) error {
	f, ok := w.frames[link]
	if !ok {
		f, _ = packet.NewFrames(link) // nil if it is not read
		w.frames[link] = f
	}
	if f == nil {
		return strangeLink
	}
	w.number, w.data, w.begun, w.next, w.problem = number, data, false, 0, nil
	before := f.Counts()
	f.Frame(number, at, data, length, w)
	w.finish()
	switch after := f.Counts(); {
	case w.problem != nil:
		return w.problem
	case after.Broken > before.Broken:
		return brokenFrame
	case after.Strange > before.Strange:
		return strangeFrame
	}
	return nil
}

// begin begins the record of the frame at hand, unless it is.
func (w *wire) begin(trust event.Trust) {
	if !w.begun {
		w.emit.Begin(w.number, trust, w.data)
		w.emit.From(w.next)
		w.begun = true
		return
	}
	w.emit.Trust(trust)
}

// finish ends the record of the frame at hand.
func (w *wire) finish() {
	if !w.begun {
		return
	}
	if w.begun, w.next = false, w.emit.Next(); w.emit.Emitted() == 0 {
		w.emit.Abort()
	}
}

// Packet implements [packet.Sink].
func (w *wire) Packet(p *packet.Packet) { w.table.Packet(p) }

// Other implements [packet.Sink].
func (w *wire) Other(o *packet.Other) {
	for i := range w.in.Frames {
		if k := &w.in.Frames[i]; k.Type == o.Type {
			w.begin(event.Claimed)
			w.fault(safely(func() error { return k.Decode(o, w.emit) }))
		}
	}
}

func (w *wire) fault(err error) {
	if err != nil && w.problem == nil {
		w.problem = reason(err)
	}
}

// safely calls a decoder, and survives it.
func safely(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = Failure
		}
	}()
	return call()
}

// trust returns how far what a flow tells can be trusted.
func trust(f *packet.Flow) event.Trust {
	if f.Proved() && f.Protocol == packet.TCP {
		return event.Handshake
	}
	return event.Claimed
}

// talk returns what is known of a flow's conversation.
func (w *wire) talk(f *packet.Flow) *talk {
	if t, ok := f.Any.(*talk); ok {
		return t
	}
	var t *talk
	if n := len(w.free); n > 0 {
		t, w.free = w.free[n-1], w.free[:n-1]
	} else {
		t = &talk{}
	}
	t.Talk = decode.Talk{Flow: f, Link: w.link(f)}
	t.candidates(w.over[f.Protocol], f.Server.Port)
	t.given = len(t.maybe) == 0
	f.Any = t
	return t
}

// link returns what the events of a flow have in common.
func (w *wire) link(f *packet.Flow) uint64 {
	h := text.Hash(uint64(f.First), f.Client.Addr[:])
	return max(1, text.Mix(text.Hash(h, f.Server.Addr[:]), uint64(f.Client.Port)<<32|uint64(f.Server.Port)<<16|uint64(f.Protocol)))
}

// candidates are the protocols that it may be: those at home at the server's port first.
func (t *talk) candidates(all []*decode.Protocol, port uint16) {
	t.maybe = t.maybe[:0]
	for _, home := range [...]bool{true, false} {
		for _, p := range all {
			if slices.Contains(p.Ports, port) == home {
				t.maybe = append(t.maybe, p)
			}
		}
	}
}

// Said implements [packet.Listener].
func (w *wire) Said(f *packet.Flow, from packet.Side, data []byte, missing uint32) {
	t := w.talk(f)
	if t.given {
		return
	}
	t.Time = f.Last
	w.begin(trust(f))
	if missing > 0 {
		w.lost(t, from, missing)
	}
	if len(data) > 0 && !t.given {
		w.said(t, from, data)
	}
}

func (w *wire) lost(t *talk, from packet.Side, n uint32) {
	if t.stream == nil { // what it began with is gone
		t.giveUp()
		return
	}
	n += uint32(len(t.rest[from]))
	t.rest[from] = t.rest[from][:0]
	err := safely(func() error {
		if !t.stream.Lost(&t.Talk, from, n) {
			t.giveUp()
		}
		return nil
	})
	if err != nil {
		w.fault(err)
		t.giveUp()
	}
}

// giveUp has nothing more of a conversation looked at.
func (t *talk) giveUp() {
	t.given = true
	t.rest[0], t.rest[1], t.parts = t.rest[0][:0], t.rest[1][:0], t.parts[:0]
	t.heads[0], t.heads[1] = t.heads[0][:0], t.heads[1][:0]
}

func (w *wire) said(t *talk, from packet.Side, data []byte) {
	if t.stream == nil {
		if t.Flow.Protocol == packet.UDP {
			w.recogniseDatagram(t, from, data)
		} else {
			w.recogniseStream(t, from, data)
		}
		return
	}
	w.feed(t, from, data)
}

// recogniseDatagram finds out what is spoken by one datagram.
func (w *wire) recogniseDatagram(t *talk, from packet.Side, data []byte) {
	for _, p := range t.maybe {
		if guess(p, t.Flow, from, data) == decode.Yes {
			t.choose(p)
			w.feed(t, from, data)
			return
		}
	}
	if t.parts = append(t.parts, part{from, 0}); len(t.parts) >= mostParts {
		t.giveUp()
	}
}

func guess(p *decode.Protocol, f *packet.Flow, from packet.Side, head []byte) (g decode.Guess) {
	defer func() {
		if recover() != nil {
			g = decode.No
		}
	}()
	return p.Sniff(f, from, head)
}

func (t *talk) choose(p *decode.Protocol) {
	t.protocol, t.stream = p, p.New()
	if t.service == nil {
		t.service = p
	}
}

// recogniseStream keeps what is said until it is known what is spoken.
func (w *wire) recogniseStream(t *talk, from packet.Side, data []byte) {
	t.heads[from] = append(t.heads[from], data...)
	t.parts = append(t.parts, part{from, len(data)})
	left := t.maybe[:0]
	for _, p := range t.maybe {
		switch guess(p, t.Flow, from, t.heads[from]) {
		case decode.Yes:
			t.choose(p)
			w.replay(t)
			return
		case decode.Maybe:
			left = append(left, p)
		case decode.No:
		}
	}
	t.maybe = left
	if len(left) == 0 || len(t.heads[from]) > mostHead || len(t.parts) >= mostParts {
		t.giveUp()
	}
}

// replay has what was kept decoded.
func (w *wire) replay(t *talk) {
	heads, parts := t.heads, slices.Clone(t.parts)
	t.heads, t.parts = [2][]byte{}, t.parts[:0]
	for _, p := range parts {
		said := heads[p.from][:p.n]
		heads[p.from] = heads[p.from][p.n:]
		if !t.given {
			w.said(t, p.from, said)
		}
	}
}

// feed has what was said decoded, together with what was left of before.
func (w *wire) feed(t *talk, from packet.Side, data []byte) {
	rest := t.rest[from]
	if len(rest) > 0 {
		rest = append(rest, data...)
		data = rest
	}
	used := 0
	err := safely(func() (err error) {
		used, err = t.stream.Data(&t.Talk, from, data, w.emit)
		return err
	})
	if err != nil {
		w.fault(err)
		if t.Flow.Protocol != packet.UDP {
			t.giveUp()
		}
		return
	}
	if t.Flow.Protocol == packet.UDP {
		return
	}
	used = min(max(used, 0), len(data))
	if data = data[used:]; t.Again {
		t.again(w.over[t.Flow.Protocol])
		t.rest[from] = rest[:0]
		if len(data) > 0 {
			w.said(t, from, slices.Clone(data))
		}
		return
	}
	if len(data) > decode.MaxMessage {
		w.fault(decode.TooLong)
		t.rest[from] = rest[:0]
		w.lost(t, from, uint32(len(data)))
		return
	}
	t.rest[from] = append(rest[:0], data...)
}

// again has a conversation be recognised anew.
func (t *talk) again(all []*decode.Protocol) {
	t.Again, t.stream, t.protocol = false, nil, nil
	t.rest[0], t.rest[1] = t.rest[0][:0], t.rest[1][:0]
	t.candidates(all, 0)
}

// Still implements [packet.Listener].
func (w *wire) Still(f *packet.Flow) { w.flow(f, 1) }

// Closed implements [packet.Listener].
func (w *wire) Closed(f *packet.Flow) { w.flow(f, 0) }

// flow makes the event of a flow, and has its conversation end if it does. It may come
// between events of the frame at hand, whose record goes on after it.
func (w *wire) flow(f *packet.Flow, open uint8) {
	w.finish()
	t, _ := f.Any.(*talk)
	index := ending + deeper*uint16(f.Depth)
	if open == 1 {
		index += still
	}
	w.emit.Begin(f.Number, trust(f), nil)
	w.emit.From(index)
	w.flowEvent(f, t, open)
	if t == nil || open == 1 {
		return
	}
	if t.stream != nil {
		t.Time = f.Last
		w.fault(safely(func() error {
			t.stream.End(&t.Talk, w.emit)
			return nil
		}))
	}
	t.giveUp()
	*t = talk{maybe: t.maybe, parts: t.parts, rest: t.rest, heads: t.heads}
	w.free = append(w.free, t)
	f.Any = nil
}

// flowEvent fills in the event of a flow.
func (w *wire) flowEvent(f *packet.Flow, t *talk, open uint8) {
	talk := decode.Talk{Flow: f, Link: w.link(f)}
	h, e := w.emit.Flow(f.Last)
	talk.Fill(h, w.emit, "packet/flow")
	w.emit.SetProtocol(e, protocolName(f.Protocol))
	if t != nil && t.service != nil {
		e.Service = w.emit.Text([]byte(t.service.Name))
	}
	e.State = w.emit.Text([]byte(f.State()))
	e.History = w.emit.Text(f.History())
	var room [packet.CommunityLength]byte
	e.Community = w.emit.Text(f.AppendCommunity(room[:0]))
	e.BytesOut, e.BytesIn = f.Payload[packet.Client], f.Payload[packet.Server]
	e.PacketsOut, e.PacketsIn = f.Packets[packet.Client], f.Packets[packet.Server]
	e.Missed = f.Missed[packet.Client] + f.Missed[packet.Server]
	e.Duration, e.Open = f.Last-f.First, open
	e.Outcome = outcome(f)
}

// outcome says whether the server took part.
func outcome(f *packet.Flow) event.Outcome {
	switch {
	case f.Established():
		return event.Established
	case f.Refused():
		return event.Refused
	case f.Packets[packet.Server] == 0 && f.Asks():
		return event.Unanswered
	}
	return event.UnknownOutcome
}

// protocolName returns IANA's keyword of a protocol, in lower case.
func protocolName(n uint8) []byte {
	switch n {
	case packet.ICMP:
		return []byte("icmp")
	case 2:
		return []byte("igmp")
	case 4:
		return []byte("ipv4")
	case packet.TCP:
		return []byte("tcp")
	case packet.UDP:
		return []byte("udp")
	case 41:
		return []byte("ipv6")
	case 47:
		return []byte("gre")
	case 50:
		return []byte("esp")
	case 51:
		return []byte("ah")
	case packet.ICMPv6:
		return []byte("icmp6")
	case 88:
		return []byte("eigrp")
	case 89:
		return []byte("ospf")
	case 103:
		return []byte("pim")
	case 112:
		return []byte("vrrp")
	case packet.SCTP:
		return []byte("sctp")
	}
	return []byte("ip-" + string('0'+n/100) + string('0'+n/10%10) + string('0'+n%10))
}
