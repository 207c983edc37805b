package resolve

import (
	"cmp"
	"slices"

	"vedette/internal/text"
)

// What is remembered is bounded by numbers, which are no setting and depend on no machine:
// replay forgets the same at the same batch.
const (
	mostAddresses = 1 << 20 // bindings
	mostEntries   = 1 << 20 // of the directory
	returned      = 3600e9  // nanoseconds after which who is seen again was no passing one
)

// bound keeps to the bounds. It is called between batches.
func (r *Resolver) bound() {
	if r.addresses.used > mostAddresses {
		r.forgetAddresses(mostAddresses)
	}
	if r.Directory.entries.used > mostEntries {
		r.Directory.forget(mostEntries / 2)
	}
}

// forgetAddresses forgets the bindings that say no more than an address does by itself.
// Nothing is lost with them. If what leases have shown takes most of the room, the older half of
// that goes too.
func (r *Resolver) forgetAddresses(most int) {
	r.addresses.keep(func(key uint64, b *binding) bool {
		return b.MAC != 0 || uint64(b.Entity) != key || b.Addr == [16]byte{}
	})
	if r.addresses.used <= most/4*3 {
		return
	}
	var times []int64
	r.addresses.keep(func(_ uint64, b *binding) bool { times = append(times, b.latest()); return true })
	slices.Sort(times)
	middle := times[len(times)/2]
	r.addresses.keep(func(_ uint64, b *binding) bool { return b.latest() >= middle })
}

// latest returns when a binding was last seen to hold.
func (b *binding) latest() int64 { return max(b.Since, b.Noted) }

// forget leaves so many entries: those of the organisation and those that came back, and of
// the others those seen last. What an entity that was forgotten is called is not known any
// more; who it is stays the same.
func (d *Directory) forget(left int) {
	type place struct {
		class int
		to    int64
		at    int
	}
	var all []place
	for i, k := range d.entries.keys {
		if e := &d.entries.values[i]; k != 0 {
			class := 0
			if e.To-e.From >= returned {
				class = 2
			}
			all = append(all, place{class + int(e.Own), e.To, i})
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(cmp.Compare(b.class, a.class), cmp.Compare(b.to, a.to), cmp.Compare(a.at, b.at))
	})
	stays := make([]bool, len(d.entries.keys))
	for _, p := range all[:min(left, len(all))] {
		stays[p.at] = true
	}
	i, words := -1, d.words
	d.words = text.Arena{}
	put := func(r text.Ref) text.Ref { return d.words.Put(words.Bytes(r)) }
	keys := d.entries.keys
	d.entries.keep(func(_ uint64, e *entry) bool {
		for i++; keys[i] == 0; i++ {
		}
		if !stays[i] {
			return false
		}
		e.Name = put(e.Name)
		for j := range e.More {
			e.More[j].Value = put(e.More[j].Value)
		}
		return true
	})
}
