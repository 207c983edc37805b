package resolve

import (
	"errors"

	"vedette/internal/entity"
	"vedette/internal/rows"
	"vedette/internal/text"
)

var errDamaged = errors.New("resolve: saved state is damaged")

// Append appends the bytes of the resolver to dst. What is declared is not part of it.
func (r *Resolver) Append(dst []byte) []byte {
	dst = appendTable(dst, &r.addresses)
	dst = appendTable(appendTable(dst, &r.links.young), &r.links.old)
	dst = appendTable(appendTable(dst, &r.lookups.young), &r.lookups.old)
	dst = appendTable(appendTable(dst, &r.own.ours), &r.own.counts)
	dst = rows.Append(rows.Append(dst, []float64{r.own.total}), []uint64{r.own.round})
	return r.Directory.append(dst)
}

// Read replaces the resolver by the next one of in.
func (r *Resolver) Read(in *rows.Reader) {
	readTable(in, &r.addresses)
	readTable(in, &r.links.young)
	readTable(in, &r.links.old)
	readTable(in, &r.lookups.young)
	readTable(in, &r.lookups.old)
	readTable(in, &r.own.ours)
	readTable(in, &r.own.counts)
	var total []float64
	var round []uint64
	rows.Read(in, &total)
	rows.Read(in, &round)
	if in.Err == nil && (len(total) != 1 || len(round) != 1) {
		in.Err = errDamaged
	}
	if in.Err == nil {
		r.own.total, r.own.round = total[0], round[0]
	}
	r.Directory.read(in)
}

func appendTable[V any](dst []byte, t *table[V]) []byte {
	return rows.Append(rows.Append(dst, t.keys), t.values)
}

func readTable[V any](in *rows.Reader, t *table[V]) {
	*t = table[V]{}
	rows.Read(in, &t.keys)
	rows.Read(in, &t.values)
	for _, k := range t.keys {
		if k != 0 {
			t.used++
		}
	}
	if n := len(t.keys); in.Err == nil && (n&(n-1) != 0 || len(t.values) != n || n > 0 && t.used == n) {
		in.Err = errDamaged
	}
}

// saved is an entry as it is written; further identifiers follow in a slice of their own.
type saved struct {
	Name     text.Ref
	From, To int64
	More     uint32
	Kind     entity.Kind
	Type     entity.IDType
	Own      uint8
	Spare    uint8
}

func (d *Directory) append(dst []byte) []byte {
	entries := make([]saved, len(d.entries.values))
	var more []further
	for i, e := range d.entries.values {
		entries[i] = saved{e.Name, e.From, e.To, uint32(len(e.More)), e.Kind, e.Type, e.Own, 0}
		more = append(more, e.More...)
	}
	dst = rows.Append(rows.Append(dst, d.words.Raw()), d.entries.keys)
	return rows.Append(rows.Append(dst, entries), more)
}

func (d *Directory) read(in *rows.Reader) {
	*d = Directory{}
	var words []byte
	var entries []saved
	var more []further
	rows.Read(in, &words)
	rows.Read(in, &d.entries.keys)
	rows.Read(in, &entries)
	rows.Read(in, &more)
	if in.Err != nil {
		return
	}
	d.words.SetRaw(words)
	if len(entries) != len(d.entries.keys) || len(entries)&(len(entries)-1) != 0 {
		in.Err = errDamaged
		return
	}
	d.entries.values = make([]entry, len(entries))
	for i, s := range entries {
		if int(s.More) > len(more) || !d.words.Valid(s.Name) {
			in.Err = errDamaged
			return
		}
		d.words.Know(s.Name)
		e := entry{Name: s.Name, From: s.From, To: s.To, Kind: s.Kind, Type: s.Type, Own: s.Own}
		for _, x := range more[:s.More] {
			if !d.words.Valid(x.Value) {
				in.Err = errDamaged
				return
			}
			d.words.Know(x.Value)
			e.More = append(e.More, x)
		}
		more = more[s.More:]
		d.entries.values[i] = e
		if d.entries.keys[i] != 0 {
			d.entries.used++
		}
	}
}
