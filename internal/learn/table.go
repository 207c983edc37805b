// Package learn holds streaming learners: small models that see each value once and
// can be saved between values. They know numbers and keys, not security.
//
// Scores are in nats of surprise: minus the natural logarithm of a probability. Each
// formula names its source; docs/design says how they work together.
package learn

import (
	"errors"

	"vedette/internal/rows"
)

// Cell is 16 bytes and no pointer: the collector never looks into a table.
type Cell struct {
	Key   uint64
	Count uint32
	Last  uint32 // what the user of the table makes of it, such as the hour of the last touch
}

// Table is a hash table of cells, open addressing, for keys that are hashes already.
// The zero Table is empty and ready. Its layout depends only on the order of insertion,
// and is what is saved: a table that was loaded goes on as if it had not been.
type Table struct {
	cells []Cell // a power of two
	used  int
}

// Reserve makes room for n more keys, so that n calls of At do not move cells.
func (t *Table) Reserve(n int) {
	if (t.used+n)*5 <= len(t.cells)*3 {
		return
	}
	old := t.cells
	size := max(64, 2*len(old))
	for (t.used+n)*5 > size*3 {
		size *= 2
	}
	t.cells = make([]Cell, size)
	for _, c := range old {
		if c.Key != 0 {
			t.cells[t.slot(c.Key)] = c
		}
	}
}

// At returns the cell of key, which it adds if need be. The caller has made room.
func (t *Table) At(key uint64) *Cell {
	key = max(key, 1) // 0 marks an empty cell
	c := &t.cells[t.slot(key)]
	if c.Key == 0 {
		c.Key = key
		t.used++
	}
	return c
}

// Find returns the cell of key, or a zero cell.
func (t *Table) Find(key uint64) Cell {
	if len(t.cells) == 0 {
		return Cell{}
	}
	return t.cells[t.slot(max(key, 1))]
}

// Len returns how many keys there are.
func (t *Table) Len() int { return t.used }

// Remove removes a key, if it is there. Cells may move.
func (t *Table) Remove(key uint64) {
	if len(t.cells) == 0 {
		return
	}
	hole := t.slot(max(key, 1))
	if t.cells[hole].Key == 0 {
		return
	}
	t.used--
	mask := uint64(len(t.cells) - 1)
	for i := (hole + 1) & mask; t.cells[i].Key != 0; i = (i + 1) & mask { // what would not be found behind a hole moves into it
		if k := t.cells[i].Key; (i-(k^k>>32))&mask >= (i-hole)&mask {
			t.cells[hole], hole = t.cells[i], i
		}
	}
	t.cells[hole] = Cell{}
}

// Keep calls keep with every cell, which it may change but for the key, and removes those
// for which it is false. The order is that of the layout. The room stays as it is.
func (t *Table) Keep(keep func(c *Cell) bool) {
	old := t.cells
	t.cells, t.used = make([]Cell, len(old)), 0
	for i := range old {
		if c := &old[i]; c.Key != 0 && keep(c) {
			t.cells[t.slot(c.Key)] = *c
			t.used++
		}
	}
}

// slot mixes the key's halves: partitions are chosen by the upper bits, and linear
// probing wants the lower ones well spread.
func (t *Table) slot(key uint64) uint64 {
	mask := uint64(len(t.cells) - 1)
	i := (key ^ key>>32) & mask
	for t.cells[i].Key != 0 && t.cells[i].Key != key {
		i = (i + 1) & mask
	}
	return i
}

// Append appends the table to dst.
func (t *Table) Append(dst []byte) []byte { return rows.Append(dst, t.cells) }

// Read replaces the table by the next one of r.
func (t *Table) Read(r *rows.Reader) {
	*t = Table{}
	rows.Read(r, &t.cells)
	if len(t.cells)&(len(t.cells)-1) != 0 && r.Err == nil {
		r.Err = errors.New("learn: table damaged")
	}
	for _, c := range t.cells {
		if c.Key != 0 {
			t.used++
		}
	}
	if t.used > 0 && t.used*5 > len(t.cells)*3 && r.Err == nil { // a full table would be probed for ever
		r.Err = errors.New("learn: table damaged")
	}
}
