// Package input defines what stands in the log, the only input there is.
//
// Everything that can change an answer is an [Entry]: telemetry and the passing of time,
// and later what people decide. Whoever applies the same entries in the same order is in
// the same state, to the byte. Nothing else reads a clock or asks the world.
package input

import (
	"errors"

	"vedette/internal/event"
	"vedette/internal/rows"
)

// Position is the place of an entry in the log. The first is 1.
type Position uint64

// Entry is one entry: a batch, a tick, or marks alone.
type Entry struct {
	At    Position
	Batch *event.Batch // telemetry as it was decoded; resolving is part of applying it
	Tick  int64        // no event before this time is waited for any longer; Unix nanoseconds
	Marks []Mark       // where sources go on after this batch
}

// Mark says where a source goes on. It stands in the log beside the records before it, so
// that after a crash neither is there without the other.
type Mark struct {
	Source string
	Place  []byte // as the source understands it
}

// Append appends the bytes of the entry to dst, its position left out.
func (e *Entry) Append(dst []byte) []byte {
	dst = rows.Append(dst, []int64{e.Tick, int64(len(e.Marks))})
	for _, m := range e.Marks {
		dst = rows.Append(rows.Append(dst, []byte(m.Source)), m.Place)
	}
	if e.Batch != nil {
		dst = e.Batch.Append(dst)
	}
	return dst
}

// Read returns the entry that Append wrote. Its batch is read into reuse.
func Read(at Position, src []byte, reuse *event.Batch) (Entry, error) {
	e := Entry{At: at}
	r := rows.Reader{Src: src}
	var head []int64
	if rows.Read(&r, &head); r.Err == nil && (len(head) != 2 || head[1] < 0 || head[1] > int64(len(r.Src))) {
		r.Err = errors.New("input: not an entry")
	}
	if r.Err != nil {
		return e, r.Err
	}
	e.Tick = head[0]
	for range head[1] {
		var source, place []byte
		rows.Read(&r, &source)
		rows.Read(&r, &place)
		e.Marks = append(e.Marks, Mark{string(source), place})
	}
	if r.Err == nil && len(r.Src) > 0 {
		e.Batch = reuse
		r.Err = reuse.Read(r.Src)
	}
	return e, r.Err
}
