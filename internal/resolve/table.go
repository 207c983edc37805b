package resolve

import "vedette/internal/entity"

// table is a hash table with open addressing, for keys that are hashes already. The zero
// table is empty and ready. A value that at returned may move at the next call.
type table[V any] struct {
	keys   []uint64 // 0 is empty; a power of two
	values []V
	used   int
}

// at returns the value of key, a zero one if it is new.
func (t *table[V]) at(key uint64) *V {
	key = max(key, 1)
	if t.used*5 >= len(t.keys)*3 {
		t.grow()
	}
	i := t.slot(key)
	if t.keys[i] == 0 {
		t.keys[i] = key
		t.used++
	}
	return &t.values[i]
}

// find returns the value of key, or nil.
func (t *table[V]) find(key uint64) *V {
	if len(t.keys) == 0 {
		return nil
	}
	if i := t.slot(max(key, 1)); t.keys[i] != 0 {
		return &t.values[i]
	}
	return nil
}

func (t *table[V]) slot(key uint64) int {
	mask := uint64(len(t.keys) - 1)
	i := (key ^ key>>32) & mask
	for t.keys[i] != 0 && t.keys[i] != key {
		i = (i + 1) & mask
	}
	return int(i)
}

func (t *table[V]) grow() {
	keys, values := t.keys, t.values
	n := max(64, 2*len(keys))
	t.keys, t.values = make([]uint64, n), make([]V, n)
	for i, k := range keys {
		if k != 0 {
			j := t.slot(k)
			t.keys[j], t.values[j] = k, values[i]
		}
	}
}

// keep calls stays with every value, in order of the layout, and removes those for which it
// is false.
func (t *table[V]) keep(stays func(key uint64, v *V) bool) {
	keys, values := t.keys, t.values
	t.keys, t.values, t.used = make([]uint64, len(keys)), make([]V, len(keys)), 0
	for i, k := range keys {
		if k != 0 && stays(k, &values[i]) {
			j := t.slot(k)
			t.keys[j], t.values[j] = k, values[i]
			t.used++
		}
	}
}

// names remembers the domain behind a key for a while: two generations of at most half
// the room each, so that memory is bounded and what is in use stays.
type names struct{ young, old table[entity.Key] }

const room = 1 << 20

func (n *names) put(key uint64, domain entity.Key) {
	if n.young.used >= room {
		n.old, n.young = n.young, table[entity.Key]{}
	}
	*n.young.at(key) = domain
}

func (n *names) get(key uint64) entity.Key {
	if k := n.young.find(key); k != nil {
		return *k
	}
	if k := n.old.find(key); k != nil {
		found := *k
		n.put(key, found)
		return found
	}
	return 0
}
