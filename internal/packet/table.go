package packet

import (
	"bytes"
	"encoding/binary"
	"time"

	"vedette/internal/text"
)

// Listener is told what happens in flows.
type Listener interface {
	// Said is told what a side said next: of TCP the bytes in order, of UDP one datagram.
	// Before them, missing bytes were not seen. A call may have no data but missing alone.
	Said(f *Flow, from Side, data []byte, missing uint32)
	// Still is told once an hour of a flow that goes on.
	Still(f *Flow)
	// Closed is told of a flow's end. It must not be kept.
	Closed(f *Flow)
}

// Limits bound what a table holds.
type Limits struct {
	Flows  int // at once; beyond it the one that was silent longest ends
	Queued int // bytes that wait for others before them, of all flows
	Ahead  int // bytes that may wait in one direction of one flow
}

// DefaultLimits are for one sensor on a machine of 4 GB.
func DefaultLimits() Limits { return Limits{Flows: 1 << 20, Queued: 64 << 20, Ahead: 1 << 20} }

// How long flows are kept in silence.
const (
	attemptWait = 30 * time.Second // an attempt that nobody answered
	connected   = 15 * time.Minute // a connection
	closedWait  = 5 * time.Second  // one that was closed, for what is still on its way
	exchange    = time.Minute      // packets without a connection
	stillEvery  = time.Hour
)

// class is a list of flows that wait equally long.
type class uint8

const (
	attempts class = iota
	connections
	closings
	exchanges
	classes
)

func (c class) wait() int64 {
	return int64([classes]time.Duration{attemptWait, connected, closedWait, exchange}[c])
}

// Gone counts what a table could not keep.
type Gone struct {
	Flows    uint64 // ended early, since there were too many
	Bytes    uint64 // of streams, for want of room
	Wild     uint64 // segments far from where their stream is
	Overlaps uint64 // segments that said again, and otherwise, what waited already
}

// Table keeps the flows of one source. Each packet is looked up once.
type Table struct {
	limits  Limits
	seed    uint64
	listen  Listener
	buckets []uint32
	blocks  [][]Flow
	free    uint32 // of flows, linked by chain
	many    int
	lists   [classes]struct{ oldest, newest uint32 }
	now     int64
	pages   pages
	gone    Gone
}

const blockFlows = 1 << 10

// NewTable returns an empty table. The seed should be secret: who knows it can make flows
// that are slow to find.
func NewTable(l Limits, seed uint64, to Listener) *Table {
	return &Table{limits: l, seed: seed, listen: to, buckets: make([]uint32, 1<<10), pages: pages{most: l.Queued / pageSize}}
}

// Len returns how many flows there are.
func (t *Table) Len() int { return t.many }

// Gone returns what could not be kept.
func (t *Table) Gone() Gone { return t.gone }

func (t *Table) at(i uint32) *Flow { return &t.blocks[(i-1)/blockFlows][(i-1)%blockFlows] }

// Packet takes the next packet and returns its flow, valid until the next call, with who
// sent it.
func (t *Table) Packet(p *Packet) (*Flow, Side) {
	if p.Time > t.now {
		t.now = p.Time
		t.expire(t.now)
	}
	f, side := t.find(p)
	if f != nil && renewed(f, side, p) {
		t.end(f)
		f = nil
	}
	if f == nil {
		f, side = t.open(p)
	}
	f.Packets[side]++
	f.Bytes[side] += uint64(p.Length)
	f.Last, f.Number = max(f.Last, p.Time), p.Number
	if side == Server && f.Server.MAC == (MAC{}) {
		f.Server.MAC = p.FromMAC
	}
	if p.Protocol == TCP {
		t.segment(f, side, p)
	} else {
		t.datagram(f, side, p)
	}
	t.touch(f)
	if f.Last-f.told >= int64(stillEvery) {
		f.told = f.Last
		t.listen.Still(f)
	}
	return f, side
}

// renewed reports whether a packet begins another connection between ports that had one. Who
// was refused and tries again does.
func renewed(f *Flow, s Side, p *Packet) bool {
	if p.Protocol != TCP || p.Flags&(SYN|ACK|RST) != SYN {
		return false
	}
	if (f.marks[Client]|f.marks[Server])&sentRST != 0 {
		return true
	}
	old := f.Ended() || p.Time-f.Last > int64(time.Minute)
	return old && (s == Server || f.marks[Client]&sentSYN == 0 || f.halves[Client].first != p.Seq)
}

// order reports whether the sender of a packet comes first in the key of its flow. What is
// not answered has one direction only.
func order(p *Packet) bool {
	if !ports(p) {
		if _, _, oneWay := echo(p.Protocol, p.FromPort, p.ToPort); oneWay {
			return true
		}
	}
	if c := bytes.Compare(p.From[:], p.To[:]); c != 0 {
		return c < 0
	}
	return p.FromPort <= p.ToPort
}

// ports reports whether a packet has ports; that of ICMP has a type and a code instead.
func ports(p *Packet) bool { return p.Protocol != ICMP && p.Protocol != ICMPv6 }

// topic returns what messages of ICMP have in common that belong together: the type of the
// question, or their own type and code.
func topic(p *Packet) uint16 {
	a, b, oneWay := echo(p.Protocol, p.FromPort, p.ToPort)
	if oneWay {
		return 1<<15 | a<<8 | b&0xff
	}
	return max(a, b)
}

// hash returns the hash of a packet's flow, which is the same in both directions.
func (t *Table) hash(p *Packet) uint64 {
	a, b, x, y := &p.From, &p.To, uint64(p.FromPort), uint64(p.ToPort)
	if !order(p) {
		a, b, x, y = b, a, y, x
	}
	if !ports(p) {
		x, y = 0, uint64(topic(p))
	}
	h := t.seed ^ uint64(p.Protocol)<<8 ^ uint64(p.Depth)
	for _, w := range [...]uint64{
		binary.LittleEndian.Uint64(a[:]), binary.LittleEndian.Uint64(a[8:]),
		binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]), x<<16 | y,
	} {
		h = text.Mix(h, w)
	}
	return h
}

// find returns the flow of a packet, if it is there.
func (t *Table) find(p *Packet) (*Flow, Side) {
	h := t.hash(p)
	for i := t.buckets[h&uint64(len(t.buckets)-1)]; i > 0; {
		f := t.at(i)
		if f.hash == h && f.Protocol == p.Protocol && f.Depth == p.Depth {
			switch {
			case !ports(p):
				if s, ok := f.asks(p); ok {
					return f, s
				}
			case f.Client.Addr == p.From && f.Server.Addr == p.To && f.Client.Port == p.FromPort && f.Server.Port == p.ToPort:
				return f, Client
			case f.Client.Addr == p.To && f.Server.Addr == p.From && f.Client.Port == p.ToPort && f.Server.Port == p.FromPort:
				return f, Server
			}
		}
		i = f.chain
	}
	return nil, Client
}

// asks reports whether a message of ICMP belongs to a flow of them, and who sent it.
func (f *Flow) asks(p *Packet) (Side, bool) {
	if f.topic != topic(p) {
		return 0, false
	}
	switch {
	case f.Client.Addr == p.From && f.Server.Addr == p.To:
		return Client, true
	case f.Client.Addr == p.To && f.Server.Addr == p.From && f.topic>>15 == 0:
		return Server, true
	}
	return 0, false
}

// open makes the flow of a packet.
func (t *Table) open(p *Packet) (*Flow, Side) {
	if t.many >= t.limits.Flows {
		t.gone.Flows++
		t.end(t.oldest())
	}
	if t.free == 0 {
		t.grow()
	}
	f := t.at(t.free)
	self := t.free
	t.free = f.chain
	h := t.hash(p)
	*f = Flow{Protocol: p.Protocol, Depth: p.Depth, VLAN: p.VLAN, First: p.Time, Last: p.Time, told: p.Time, hash: h, self: self}
	from, to := Endpoint{p.From, p.FromPort, p.FromMAC}, Endpoint{p.To, p.ToPort, p.ToMAC}
	side := Client
	if answers(p) {
		from, to, side, f.flipped = to, from, Server, true
	}
	f.Client, f.Server = from, to
	f.Server.MAC = MAC{} // the first hop's, until it speaks itself
	if side == Server {
		f.Server.MAC, f.Client.MAC = p.FromMAC, MAC{}
	}
	if !ports(p) {
		f.topic = topic(p)
		f.Client.Port, f.Server.Port = p.FromPort, p.ToPort
		if _, asked, oneWay := echo(p.Protocol, p.FromPort, p.ToPort); side == Server && !oneWay {
			f.Client.Port, f.Server.Port = asked, 0
		}
	}
	b := &t.buckets[h&uint64(len(t.buckets)-1)]
	f.chain, *b = *b, self
	t.many++
	f.class = exchanges
	if p.Protocol == TCP {
		f.class = attempts
	}
	t.link(f)
	if t.many > len(t.buckets)*3/4 {
		t.rehash()
	}
	return f, side
}

// answers reports whether the first packet that is seen of a flow is from the server: by
// what it says, or by its ports, of which a server has a lower one that is known.
func answers(p *Packet) bool {
	switch p.Protocol {
	case TCP:
		if p.Flags&SYN != 0 {
			return p.Flags&ACK != 0
		}
	case ICMP:
		return p.FromPort == 0 || p.FromPort == 14 || p.FromPort == 18 // replies (RFC 792)
	case ICMPv6:
		return p.FromPort == 129 || p.FromPort == 136
	case UDP:
	default:
		return false
	}
	return p.FromPort < 1024 && p.ToPort >= 1024
}

// grow makes room for more flows.
func (t *Table) grow() {
	t.blocks = append(t.blocks, make([]Flow, blockFlows))
	first := uint32((len(t.blocks)-1)*blockFlows) + 1
	for i := uint32(blockFlows); i > 0; i-- {
		t.at(first+i-1).chain, t.free = t.free, first+i-1
	}
}

func (t *Table) rehash() {
	old := t.buckets
	t.buckets = make([]uint32, 4*len(old))
	for _, i := range old {
		for i > 0 {
			f := t.at(i)
			next := f.chain
			b := &t.buckets[f.hash&uint64(len(t.buckets)-1)]
			f.chain, *b = *b, i
			i = next
		}
	}
}

// touch puts a flow at the end of the list that it belongs to.
func (t *Table) touch(f *Flow) {
	c := f.class
	if f.Protocol == TCP {
		switch {
		case f.Ended():
			c = closings
		case f.Established():
			c = connections
		default:
			c = attempts
		}
	}
	if c == f.class && t.lists[c].newest == f.self {
		return
	}
	t.unlink(f)
	f.class = c
	t.link(f)
}

func (t *Table) link(f *Flow) {
	l := &t.lists[f.class]
	f.older, f.newer = l.newest, 0
	if l.newest > 0 {
		t.at(l.newest).newer = f.self
	} else {
		l.oldest = f.self
	}
	l.newest = f.self
}

func (t *Table) unlink(f *Flow) {
	l := &t.lists[f.class]
	if f.older > 0 {
		t.at(f.older).newer = f.newer
	} else {
		l.oldest = f.newer
	}
	if f.newer > 0 {
		t.at(f.newer).older = f.older
	} else {
		l.newest = f.older
	}
}

// expire ends the flows that were silent for long enough.
func (t *Table) expire(now int64) {
	for c := range t.lists {
		wait := class(c).wait()
		for i := t.lists[c].oldest; i > 0; i = t.lists[c].oldest {
			f := t.at(i)
			if now-f.Last < wait {
				break
			}
			t.end(f)
		}
	}
}

// Time says that it is so late, for when no packet comes that would show it.
func (t *Table) Time(now int64) {
	if now > t.now {
		t.now = now
		t.expire(now)
	}
}

// oldest returns the flow to give way: of those least worth keeping, the one that was
// silent longest.
func (t *Table) oldest() *Flow {
	for _, c := range [...]class{closings, attempts, exchanges, connections} {
		if i := t.lists[c].oldest; i > 0 {
			return t.at(i)
		}
	}
	return nil // there is one, or nothing would have to give way
}

// end ends a flow.
func (t *Table) end(f *Flow) {
	if f.Protocol == TCP {
		t.flush(f, Client)
		t.flush(f, Server)
	}
	t.listen.Closed(f)
	t.unlink(f)
	b := &t.buckets[f.hash&uint64(len(t.buckets)-1)]
	for *b != f.self {
		b = &t.at(*b).chain
	}
	*b = f.chain
	self := f.self
	*f = Flow{chain: t.free}
	t.free = self
	t.many--
}

// Close ends all flows, the oldest of each class first.
func (t *Table) Close() {
	for c := range t.lists {
		for t.lists[c].oldest > 0 {
			t.end(t.at(t.lists[c].oldest))
		}
	}
}

// datagram takes a packet that stands alone.
func (t *Table) datagram(f *Flow, s Side, p *Packet) {
	f.Payload[s] += uint64(len(p.Payload)) + uint64(p.Missing)
	f.Missed[s] += uint64(p.Missing)
	if f.Answered() {
		f.note(s, sentACK|proved, 'D')
	} else {
		f.note(s, sentData, 'D')
	}
	if len(p.Payload) > 0 {
		t.listen.Said(f, s, p.Payload, 0)
	}
}
