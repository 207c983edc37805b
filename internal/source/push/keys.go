package push

import (
	"encoding/binary"
	"fmt"
	"time"
)

const (
	maxKeys  = 100_000 // of a token that are remembered
	keepKeys = 24 * time.Hour
	pageSize = 64 // keys that are marked together
)

// hash stands for a key.
type hash [16]byte

// request is what is remembered of one that had a key.
type request struct {
	key      hash
	at       int64 // Unix seconds
	accepted uint32
	rejected uint32
	whole    bool // not only the first part of it was taken so far
}

const requestSize = 16 + 8 + 4 + 4 + 1

// ring remembers the requests of a token that had a key, the last ones. They are marked
// in pages. The page that is being filled is part of the token's own mark, so that what a
// step changes is always one mark; a page that is full is marked by itself before the next
// one begins.
type ring struct {
	name     string // of the token
	requests []request
	slots    map[hash]int // where the latest request of that key is
	n        uint64       // how many there ever were
}

// newRing returns the ring as it was marked last: n requests, the last page of them given.
func newRing(token string, n uint64, last []byte, place func(string) []byte) *ring {
	r := &ring{name: token, slots: map[hash]int{}, n: n}
	now := r.current()
	size := int(min(n, maxKeys))
	for p := 0; p*pageSize < size; p++ {
		page := last
		if p != now {
			page = place(r.page(p))
		}
		for i := 0; i < pageSize && len(r.requests) < size; i++ {
			var q request
			if len(page) >= requestSize {
				q, page = readRequest(page), page[requestSize:]
			}
			r.requests = append(r.requests, q)
		}
	}
	first := 0 // the oldest
	if n > maxKeys {
		first = int(n % maxKeys)
	}
	for i := range r.requests {
		slot := (first + i) % len(r.requests)
		r.slots[r.requests[slot].key] = slot // a later one of the same key is the better one
	}
	return r
}

func (r *ring) page(p int) string { return fmt.Sprintf("push/%s/#keys/%d", r.name, p) } // no source has a # in its name

// current returns the page of the last request.
func (r *ring) current() int {
	if r.n == 0 {
		return 0
	}
	return int((r.n - 1) % maxKeys / pageSize)
}

// full reports whether the next request begins a page.
func (r *ring) full() bool { return r.n > 0 && r.n%maxKeys%pageSize == 0 }

// appendPage appends the page of the last request.
func (r *ring) appendPage(dst []byte) []byte {
	p := r.current()
	for _, q := range r.requests[p*pageSize : min((p+1)*pageSize, len(r.requests))] {
		dst = q.append(dst)
	}
	return dst
}

// find returns the slot of a request with that key which is still remembered.
func (r *ring) find(key hash, now time.Time) (slot int, ok bool) {
	slot, ok = r.slots[key]
	return slot, ok && now.Unix()-r.requests[slot].at < int64(keepKeys/time.Second)
}

// add remembers a request, and forgets the oldest if there are too many.
func (r *ring) add(key hash, now time.Time) (slot int) {
	q := request{key: key, at: now.Unix()}
	slot = int(r.n % maxKeys)
	if slot < len(r.requests) {
		if old := r.requests[slot].key; r.slots[old] == slot {
			delete(r.slots, old)
		}
		r.requests[slot] = q
	} else {
		r.requests = append(r.requests, q)
	}
	r.n++
	r.slots[key] = slot
	return slot
}

// note changes what is remembered of a request.
func (r *ring) note(slot int, accepted, rejected uint32, whole bool) {
	q := &r.requests[slot]
	q.accepted, q.rejected, q.whole = accepted, rejected, whole
}

func (q *request) append(b []byte) []byte {
	b = append(b, q.key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(q.at))
	b = binary.LittleEndian.AppendUint32(b, q.accepted)
	b = binary.LittleEndian.AppendUint32(b, q.rejected)
	if q.whole {
		return append(b, 1)
	}
	return append(b, 0)
}

func readRequest(b []byte) (q request) {
	copy(q.key[:], b)
	q.at = int64(binary.LittleEndian.Uint64(b[16:]))
	q.accepted = binary.LittleEndian.Uint32(b[24:])
	q.rejected = binary.LittleEndian.Uint32(b[28:])
	q.whole = b[32] == 1
	return q
}
