package packet

// half is one direction of a TCP connection.
type half struct {
	first   uint32 // sequence number that it began with
	next    uint32 // of the byte that is expected
	fin     uint32 // of the end, if ends
	acked   uint32 // up to which the other side says that it has everything
	queue   uint32 // first of the pages that wait, in order
	queued  uint32 // bytes in them
	missing uint32 // bytes to tell of with what is said next
	since   uint32 // packets of either side since something is missing
	wild    uint32 // where a stream would go on that is far from here
	pages   uint16 // that wait
	begun   bool
	ends    bool
	hasAck  bool
	wilds   uint8
}

const (
	far        = 1 << 24 // bytes from where a stream is, beyond which a segment is not of it
	patience   = 32      // packets after which what is missing does not come any more, if it was acknowledged
	manyPages  = 512     // that wait in one direction: beyond it nobody waits for what is missing
	resync     = 3       // segments in a row, far away, that are the stream after all
	pageSize   = 2048
	nobodyAcks = 4096 // packets, if nobody acknowledges anything: only one direction is seen
)

// page is a piece of a stream that waits for what is before it.
type page struct {
	seq  uint32
	n    uint32
	next uint32
	data [pageSize - 12]byte
}

// pages are all that wait, of all flows.
type pages struct {
	blocks [][]page
	free   uint32
	used   int
	most   int
}

const blockPages = 64

func (ps *pages) at(i uint32) *page { return &ps.blocks[(i-1)/blockPages][(i-1)%blockPages] }

// take returns a free page, 0 if there is none.
func (ps *pages) take() uint32 {
	if ps.used >= ps.most {
		return 0
	}
	if ps.free == 0 {
		ps.blocks = append(ps.blocks, make([]page, blockPages))
		first := uint32((len(ps.blocks)-1)*blockPages) + 1
		for i := uint32(blockPages); i > 0; i-- {
			ps.at(first+i-1).next, ps.free = ps.free, first+i-1
		}
	}
	i := ps.free
	ps.free = ps.at(i).next
	ps.used++
	return i
}

func (ps *pages) give(i uint32) {
	ps.at(i).next, ps.free = ps.free, i
	ps.used--
}

// after returns how far a is after b in the circle of sequence numbers.
func after(a, b uint32) int32 { return int32(a - b) }

// segment takes a segment of TCP (RFC 9293, section 3).
func (t *Table) segment(f *Flow, s Side, p *Packet) {
	h := &f.halves[s]
	data, seq := p.Payload, p.Seq
	f.Payload[s] += uint64(len(data)) + uint64(p.Missing)
	if p.Flags&SYN != 0 {
		t.syn(f, s, p)
		seq++
	}
	if !h.begun {
		h.begun, h.first, h.next = true, p.Seq, seq
	}
	if p.Flags&ACK != 0 {
		t.acknowledge(f, s, p)
	}
	if len(data) > 0 || p.Missing > 0 {
		f.note(s, sentData, 'D')
		t.data(f, s, seq, data, p.Missing)
	}
	if p.Flags&FIN != 0 && abs(after(seq, h.next)) < far {
		f.note(s, sentFIN, 'F')
		h.ends, h.fin = true, seq+uint32(len(data))+p.Missing
	}
	if p.Flags&RST != 0 && abs(after(p.Seq, h.next)) < far {
		f.note(s, sentRST, 'R')
		t.flush(f, Client)
		t.flush(f, Server)
	}
	for _, side := range [...]Side{Client, Server} {
		if w := &f.halves[side]; w.queue > 0 {
			w.since++
			t.impatient(f, side)
		}
	}
	if h.ends && h.next == h.fin {
		h.next++ // the end takes a number too
	}
}

func abs(n int32) int32 {
	if n < 0 {
		return -n
	}
	return n
}

// syn takes the beginning of a stream.
func (t *Table) syn(f *Flow, s Side, p *Packet) {
	h := &f.halves[s]
	if p.Flags&ACK != 0 {
		f.note(s, sentSYNACK, 'H')
	} else {
		f.note(s, sentSYN, 'S')
	}
	if !h.begun || h.first != p.Seq && h.next == h.first+1 { // another attempt, before anything was said
		h.begun, h.first, h.next = true, p.Seq, p.Seq+1
	}
}

// acknowledge takes note of what the sender has got from the other side.
func (t *Table) acknowledge(f *Flow, s Side, p *Packet) {
	o := &f.halves[s.Other()]
	if p.Flags&(SYN|RST|FIN) == 0 && len(p.Payload) == 0 {
		f.note(s, sentACK, 'A')
	}
	if !o.begun || abs(after(p.Ack, o.next)) >= far {
		return
	}
	if f.marks[s.Other()]&(sentSYN|sentSYNACK) != 0 && after(p.Ack, o.first) > 0 && p.Flags&RST == 0 {
		f.marks[s] |= proved
	}
	if !o.hasAck || after(p.Ack, o.acked) > 0 {
		o.acked, o.hasAck = p.Ack, true
	}
}

// data takes what a segment holds of a stream; the end of it may be missing in the capture.
func (t *Table) data(f *Flow, s Side, seq uint32, data []byte, cut uint32) {
	h := &f.halves[s]
	ahead := after(seq, h.next)
	if abs(ahead) >= far && !t.resync(f, s, seq, data) {
		return
	}
	ahead = after(seq, h.next)
	if ahead < 0 {
		if f.note(s, sentAgain, 'T'); int(-ahead) >= len(data)+int(cut) {
			return // all of it was there
		}
		if skip := int(-ahead); skip < len(data) {
			data = data[skip:]
		} else {
			cut, data = cut-uint32(skip-len(data)), nil
		}
		seq, ahead = h.next, 0
	}
	if ahead > 0 {
		t.wait(f, s, seq, data)
		return
	}
	t.say(f, s, data)
	if cut > 0 {
		t.skip(f, s, cut)
	}
	t.drain(f, s)
}

// resync reports whether a segment far from where a stream is belongs to it after all:
// the capture lost much of it, and others followed.
func (t *Table) resync(f *Flow, s Side, seq uint32, data []byte) bool {
	h := &f.halves[s]
	if t.gone.Wild++; seq != h.wild {
		h.wilds = 0
	}
	h.wild = seq + uint32(len(data))
	if h.wilds++; h.wilds < resync {
		return false
	}
	h.wilds = 0
	t.flush(f, s)
	f.note(s, hadGap, 'G')
	f.Missed[s]++
	h.missing++ // how much is not known: something
	h.next, h.ends, h.hasAck = seq, false, false
	return true
}

// say tells of bytes that are in order.
func (t *Table) say(f *Flow, s Side, data []byte) {
	h := &f.halves[s]
	if len(data) == 0 {
		return
	}
	missing := h.missing
	h.missing = 0
	h.next += uint32(len(data))
	t.listen.Said(f, s, data, missing)
}

// skip goes on after bytes that were never seen.
func (t *Table) skip(f *Flow, s Side, n uint32) {
	h := &f.halves[s]
	f.note(s, hadGap, 'G')
	f.Missed[s] += uint64(n)
	h.missing += n
	h.next += n
}

// wait keeps a segment that came before its turn, in pages. What waits already holds.
func (t *Table) wait(f *Flow, s Side, seq uint32, data []byte) {
	h := &f.halves[s]
	if h.queue == 0 {
		h.since = 0
	}
	link := &h.queue
	for len(data) > 0 {
		for *link > 0 && after(seq, t.pages.at(*link).seq+t.pages.at(*link).n) >= 0 {
			link = &t.pages.at(*link).next
		}
		room := uint32(len(data))
		if *link > 0 {
			g := t.pages.at(*link)
			if d := after(seq, g.seq); d >= 0 { // inside what waits
				n := min(g.n-uint32(d), room)
				if string(g.data[d:uint32(d)+n]) != string(data[:n]) {
					t.gone.Overlaps++
				}
				seq, data = seq+n, data[n:]
				continue
			}
			room = min(room, uint32(-after(seq, g.seq)))
		}
		n := min(room, pageSize-12)
		i := uint32(0)
		if int(h.queued)+int(n) <= t.limits.Ahead && h.pages < manyPages {
			i = t.pages.take()
		}
		if i == 0 {
			t.gone.Bytes += uint64(len(data))
			return
		}
		g := t.pages.at(i)
		g.seq, g.n, g.next = seq, n, *link
		copy(g.data[:n], data)
		*link = i
		link = &g.next
		h.queued, h.pages = h.queued+n, h.pages+1
		seq, data = seq+n, data[n:]
	}
}

// drain tells of what waited for what has come.
func (t *Table) drain(f *Flow, s Side) {
	h := &f.halves[s]
	for h.queue > 0 {
		g := t.pages.at(h.queue)
		d := after(h.next, g.seq)
		if d < 0 {
			h.since = 0
			return
		}
		i := h.queue
		h.queue, h.queued, h.pages = g.next, h.queued-g.n, h.pages-1
		if uint32(d) < g.n {
			t.say(f, s, g.data[d:g.n])
		}
		t.pages.give(i)
	}
}

// impatient gives up what is missing before what waits, when it was acknowledged a while
// ago or too much waits: the capture lost it.
func (t *Table) impatient(f *Flow, s Side) {
	h := &f.halves[s]
	first := t.pages.at(h.queue).seq
	acknowledged := h.hasAck && after(h.acked, first) >= 0
	full := int(h.queued) >= t.limits.Ahead/2 || h.pages >= manyPages/2 || t.pages.used >= t.pages.most*7/8
	if acknowledged && h.since >= patience || full || !h.hasAck && h.since >= patience || h.since >= nobodyAcks {
		t.skip(f, s, uint32(after(first, h.next)))
		t.drain(f, s)
	}
}

// flush tells of all that waits, with what is missing between.
func (t *Table) flush(f *Flow, s Side) {
	h := &f.halves[s]
	for h.queue > 0 {
		t.skip(f, s, uint32(after(t.pages.at(h.queue).seq, h.next)))
		t.drain(f, s)
	}
}
