package resolve

import (
	"net/netip"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// estate knows which public addresses belong to the organisation. Those it declares do;
// those that a sensor calls local do. Where neither says anything, a sensor still stands at
// the edge of one network: each conversation it sees has one end there. So the network
// that most conversations share must be ours; what is left of them is looked at again.
type estate struct {
	declared []netip.Prefix
	ours     table[uint64] // network -> 1
	counts   table[tally]  // network -> conversations that nobody explains yet
	total    float64       // of those
	round    uint64        // changes whenever counts begin anew
}

// tally counts conversations of one network.
type tally struct {
	Round uint64
	N     float64
	Acts  float64 // that it began
}

const (
	enough = 50  // conversations that nobody explains before a network is taken for ours
	share  = 0.6 // of them that it must have a part in
	again  = 400 // after so many without a decision, counting begins anew
)

// public reports whether an address can be that of anybody on the Internet.
func public(ip netip.Addr) bool {
	if ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() {
		return false
	}
	if ip.Is4() {
		b := ip.As4()
		return !(b[0] == 100 && b[1]&0xc0 == 64) && b != [4]byte{255, 255, 255, 255} // RFC 6598; limited broadcast
	}
	return true
}

// group reports whether a binding is of a multicast or broadcast address, which is
// nobody's.
func group(b *binding) bool {
	if b.Four == 1 {
		return b.Addr[12]&0xf0 == 0xe0 || b.Addr[12] == 255 || b.Addr[12] == 0
	}
	return b.Addr[0] == 0xff
}

// network returns a key for the /24, or the /48 of IPv6, of an address.
func network(b *binding) uint64 {
	if b.Four == 1 {
		return text.Hash(4, b.Addr[12:15])
	}
	return text.Hash(6, b.Addr[:6])
}

// has reports whether an address belongs to the organisation, as far as is known by now.
func (e *estate) has(b *binding) bool {
	if n := e.ours.find(network(b)); n != nil && *n == 1 {
		return true
	}
	if len(e.declared) > 0 {
		ip := netip.AddrFrom16(b.Addr).Unmap()
		for _, p := range e.declared {
			if p.Contains(ip) {
				return true
			}
		}
	}
	return false
}

// flow takes note of a conversation between public addresses.
func (e *estate) flow(s, o *binding, h *event.Envelope) {
	if h.Subject.Local != entity.NotSaid || h.Object.Local != entity.NotSaid {
		if h.Subject.Local == entity.Yes || h.Object.Local == entity.Yes {
			return
		}
	}
	if h.Type != event.FlowType || len(e.declared) > 0 || e.has(s) || e.has(o) || group(s) || group(o) {
		return
	}
	e.total++
	a, b := network(s), network(o)
	e.count(a, 1)
	if a != b {
		e.count(b, 0)
	}
	if e.total < enough {
		return
	}
	x, y := *e.counts.at(a), *e.counts.at(b)
	best, key := x, a
	if y.N > x.N || y.N == x.N && y.Acts > x.Acts {
		best, key = y, b
	}
	switch {
	case best.N >= share*e.total:
		*e.ours.at(key) = 1
	case e.total < again:
		return
	}
	e.round++
	e.total = 0
	e.counts = table[tally]{}
}

func (e *estate) count(k uint64, acts float64) {
	t := e.counts.at(k)
	if t.Round != e.round {
		*t = tally{Round: e.round}
	}
	t.N++
	t.Acts += acts
}
