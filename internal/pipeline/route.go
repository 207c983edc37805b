package pipeline

import (
	"slices"

	"vedette/internal/baseline"
	"vedette/internal/detect"
	"vedette/internal/event"
)

// route is work for one partition.
type route struct {
	key   uint64 // its first byte is the partition
	event uint32
	row   uint32 // of the novelties of this event and side
	value uint16 // stage O: which value
	side  uint16
}

// routes is work for all partitions: in log order until sorted, then by partition, and in
// log order within each.
type routes struct {
	in, out []route
	ends    [Partitions + 1]int
	found   [Partitions]*baseline.Found
}

func partition(key uint64) int { return int(key >> 56) }

// of returns the work of partition p.
func (r *routes) of(p int) []route { return r.out[r.ends[p]:r.ends[p+1]] }

// sort puts in into out by partition: a counting sort, which keeps the order.
func (r *routes) sort() {
	r.ends = [Partitions + 1]int{}
	for i := range r.in {
		r.ends[partition(r.in[i].key)+1]++
	}
	for p := range Partitions {
		r.ends[p+1] += r.ends[p]
	}
	next := r.ends
	r.out = slices.Grow(r.out[:0], len(r.in))[:len(r.in)]
	for _, x := range r.in {
		p := partition(x.key)
		r.out[next[p]] = x
		next[p]++
	}
}

// route works out which partition does what for a batch: each of our entities that took
// part in an event gets it, and its values are asked for.
func (m *Machine) route(b *event.Batch) {
	m.asks.in, m.events.in = m.asks.in[:0], m.events.in[:0]
	for i := range b.Events {
		e := &b.Events[i]
		if len(m.wanted) <= int(e.Type) || !m.wanted[e.Type] {
			continue
		}
		if e.Subject.Own == 1 {
			m.routeSide(b, i, detect.Acts, uint64(e.Subject.Key))
		}
		if e.Object.Own == 1 && e.Object.Key != e.Subject.Key && answered(b, e) {
			m.routeSide(b, i, detect.Serves, uint64(e.Object.Key))
		}
	}
	n := len(m.events.in) * len(m.plan.Values)
	m.novelty = slices.Grow(m.novelty[:0], n)[:n]
	clear(m.novelty)
	m.asks.sort()
	m.events.sort()
}

// answered reports whether the server took part, as far as is known: an address that was
// knocked at in vain need not be anybody's.
func answered(b *event.Batch, e *event.Envelope) bool {
	return e.Type != event.FlowType || b.Flows[e.Row].Outcome == event.Established
}

func (m *Machine) routeSide(b *event.Batch, i int, side detect.Side, who uint64) {
	row := uint32(len(m.events.in))
	m.events.in = append(m.events.in, route{key: who, event: uint32(i), row: row, side: uint16(side)})
	for _, v := range m.plan.Asked(b.Events[i].Type) {
		if key := m.plan.Key(v, event.View{Batch: b, I: i}, side); key != 0 {
			m.asks.in = append(m.asks.in, route{key: key, event: uint32(i), row: row, value: uint16(v), side: uint16(side)})
		}
	}
}

// noveltyOf returns the novelties of the values of one side of an event.
func (m *Machine) noveltyOf(r route) []detect.Novelty {
	n := len(m.plan.Values)
	return m.novelty[int(r.row)*n:][:n]
}
