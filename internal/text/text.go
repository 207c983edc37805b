// Package text holds the strings of a batch: each once, in one piece of memory.
//
// A [Ref] is eight bytes and no pointer, so the garbage collector never walks a
// batch, and a batch that is reused allocates nothing.
package text

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Ref names a string of an [Arena]: its offset in the upper half, its length in the
// lower. Zero is the empty string. A Ref means nothing in another arena.
type Ref uint64

// Len returns the length of the string in bytes.
func (r Ref) Len() int { return int(uint32(r)) }

// Arena holds strings, at most 4 GiB of them. The zero Arena is empty and ready.
type Arena struct {
	buf   []byte
	slots []slot // open addressing over buf; a power of two
	used  int
}

type slot struct {
	ref  Ref
	hash uint64
}

// Put returns the Ref of s, which is copied the first time it is seen.
func (a *Arena) Put(s []byte) Ref {
	if len(s) == 0 {
		return 0
	}
	if a.used*2 >= len(a.slots) {
		a.grow(max(64, 2*len(a.slots)))
	}
	h := Hash(0, s)
	mask := uint64(len(a.slots) - 1)
	i := h & mask
	for a.slots[i].ref != 0 && (a.slots[i].hash != h || !bytes.Equal(a.Bytes(a.slots[i].ref), s)) {
		i = (i + 1) & mask
	}
	if a.slots[i].ref == 0 {
		a.slots[i] = slot{Ref(len(a.buf))<<32 | Ref(len(s)), h}
		a.buf = append(a.buf, s...)
		a.used++
	}
	return a.slots[i].ref
}

// Bytes returns the string. It is the arena's own memory: read it, never change it.
func (a *Arena) Bytes(r Ref) []byte { return a.buf[r>>32:][:uint32(r):uint32(r)] }

// Valid reports whether r lies within the arena: a batch that was read from disk is
// checked once, so that [Arena.Bytes] need not check each time.
func (a *Arena) Valid(r Ref) bool { return uint64(r>>32)+uint64(uint32(r)) <= uint64(len(a.buf)) }

// Size returns how many bytes of strings there are.
func (a *Arena) Size() int { return len(a.buf) }

// Memory returns how many bytes of memory the arena holds, in use or not.
func (a *Arena) Memory() int { return cap(a.buf) + 16*cap(a.slots) }

// Expect makes room for about as many strings as other holds.
func (a *Arena) Expect(other *Arena) {
	a.buf = slices.Grow(a.buf, len(other.buf)+len(other.buf)/16)
	if len(other.slots) > len(a.slots) {
		a.grow(len(other.slots))
	}
}

// Reset forgets every string and keeps the memory.
func (a *Arena) Reset() {
	a.buf, a.used = a.buf[:0], 0
	clear(a.slots)
}

// Raw returns all strings in one piece, for writing out.
func (a *Arena) Raw() []byte { return a.buf }

// SetRaw replaces the strings by what Raw returned. Refs stay as they were; a
// string that is put again afterwards gets a second one.
func (a *Arena) SetRaw(b []byte) {
	a.Reset()
	a.buf = append(a.buf, b...)
}

// Know has a string that SetRaw brought found again by Put. A Ref that is not valid, or is
// known, changes nothing.
func (a *Arena) Know(r Ref) {
	if r.Len() == 0 || !a.Valid(r) {
		return
	}
	if a.used*2 >= len(a.slots) {
		a.grow(max(64, 2*len(a.slots)))
	}
	s := a.Bytes(r)
	h := Hash(0, s)
	mask := uint64(len(a.slots) - 1)
	i := h & mask
	for a.slots[i].ref != 0 {
		if a.slots[i].hash == h && bytes.Equal(a.Bytes(a.slots[i].ref), s) {
			return
		}
		i = (i + 1) & mask
	}
	a.slots[i] = slot{r, h}
	a.used++
}

func (a *Arena) grow(n int) {
	old := a.slots
	a.slots = make([]slot, n)
	for _, s := range old {
		if s.ref == 0 {
			continue
		}
		i := s.hash & uint64(n-1)
		for a.slots[i].ref != 0 {
			i = (i + 1) & uint64(n-1)
		}
		a.slots[i] = s
	}
}

// Hash returns a 64-bit hash of s, the same in every process and on every machine.
// Whoever lets outsiders choose s passes a secret seed, or they choose the
// collisions too.
func Hash(seed uint64, s []byte) uint64 {
	n := len(s)
	h := Mix(seed, uint64(n))
	if n >= 64 {
		h, s = lanes(h, s)
	}
	if n >= 8 {
		n = len(s)
		for i := 0; i+8 < n; i += 8 {
			h = Mix(h, binary.LittleEndian.Uint64(s[i:]))
		}
		return Mix(h, binary.LittleEndian.Uint64(s[n-8:])) // overlaps what came before
	}
	switch {
	case n >= 4:
		return Mix(h, uint64(binary.LittleEndian.Uint32(s))|uint64(binary.LittleEndian.Uint32(s[n-4:]))<<32)
	case n > 0:
		return Mix(h, uint64(s[0])|uint64(s[n/2])<<8|uint64(s[n-1])<<16)
	}
	return h
}

// lanes hashes as much of s as it can in four lanes, which do not wait for each other, and
// returns the rest: from 8 to 39 bytes.
func lanes(h uint64, s []byte) (uint64, []byte) {
	a, b, c, d := h, h^1, h^2, h^3
	for len(s) >= 40 {
		a = Mix(a, binary.LittleEndian.Uint64(s))
		b = Mix(b, binary.LittleEndian.Uint64(s[8:]))
		c = Mix(c, binary.LittleEndian.Uint64(s[16:]))
		d = Mix(d, binary.LittleEndian.Uint64(s[24:]))
		s = s[32:]
	}
	return Mix(Mix(a, b), Mix(c, d)), s
}

// Mix returns a hash of two numbers: the folded product of both, each first xored
// with an odd constant so that neither zero nor equal arguments fold to nothing.
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1342543de82ef95)
	return hi ^ lo
}
