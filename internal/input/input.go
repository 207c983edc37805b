// Package input defines what stands in the log, the only input there is.
//
// Everything that can change an answer is an [Entry]: telemetry, the passing of time, and
// what people set. Whoever applies the same entries in the same order is in
// the same state, to the byte. Nothing else reads a clock or asks the world.
package input

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"time"

	"vedette/internal/event"
	"vedette/internal/rows"
)

// Position is the place of an entry in the log. The first is 1.
type Position uint64

// Entry is one entry: a batch, a tick, a setting, or marks alone.
type Entry struct {
	At      Position
	Batch   *event.Batch // telemetry as it was decoded; resolving is part of applying it
	Tick    int64        // no event before this time is waited for any longer; Unix nanoseconds
	Arrived int64        // when the batch came by the clock of this machine, Unix nanoseconds; 0 is not known
	Setting *Setting     // what holds from here on, before the batch
	Marks   []Mark       // where sources go on after this batch
}

// Ahead is how much the clock of a sensor may be ahead of this machine's.
const Ahead = 15 * time.Minute

// Bound returns the greatest time that is believed of an event that came at a time: what
// is later says more of a sensor's clock than of the event. This machine's clock may be
// wrong, too: if telemetry had told a later time by then, that counts. Both are Unix
// nanoseconds; without a time of arrival anything is believed.
func Bound(arrived, told int64) int64 {
	if arrived == 0 {
		return math.MaxInt64
	}
	return max(arrived, told) + int64(Ahead)
}

// Setting is what people set that changes answers. It stands in the log, so that replay
// finds at each entry what held there.
type Setting struct {
	Budget float64        // false incidents per 1,000 entities and day that may be surfaced
	Own    []netip.Prefix // networks of the organisation, beside private ones
}

// Equal reports whether two settings say the same.
func (s Setting) Equal(o Setting) bool { return s.Budget == o.Budget && slices.Equal(s.Own, o.Own) }

// Append appends the bytes of the setting to dst.
func (s Setting) Append(dst []byte) []byte {
	dst = rows.Append(dst, []float64{s.Budget})
	dst = rows.Append(dst, []int64{int64(len(s.Own))})
	for _, p := range s.Own {
		dst = rows.Append(dst, []byte(p.String()))
	}
	return dst
}

var errSetting = errors.New("input: not a setting")

// Read replaces the setting by the next one of r.
func (s *Setting) Read(r *rows.Reader) {
	var budget []float64
	var count []int64
	rows.Read(r, &budget)
	rows.Read(r, &count)
	if r.Err == nil && (len(budget) != 1 || len(count) != 1 || count[0] < 0 || count[0] > int64(len(r.Src))) {
		r.Err = errSetting
	}
	if r.Err != nil {
		return
	}
	*s = Setting{Budget: budget[0]}
	for range count[0] {
		var text []byte
		if rows.Read(r, &text); r.Err != nil {
			return
		}
		p, err := netip.ParsePrefix(string(text))
		if err != nil {
			r.Err = errSetting
			return
		}
		s.Own = append(s.Own, p)
	}
}

// Mark says where a source goes on. It stands in the log beside the records before it, so
// that after a crash neither is there without the other.
type Mark struct {
	Source string
	Place  []byte // as the source understands it
}

// Append appends the bytes of the entry to dst, its position left out.
func (e *Entry) Append(dst []byte) []byte {
	said := int64(0)
	if e.Setting != nil {
		said = 1
	}
	dst = rows.Append(dst, []int64{e.Tick, int64(len(e.Marks)), said, e.Arrived})
	if e.Setting != nil {
		dst = e.Setting.Append(dst)
	}
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
	if rows.Read(&r, &head); r.Err == nil && (len(head) != 4 || head[1] < 0 || head[1] > int64(len(r.Src))) {
		r.Err = errors.New("input: not an entry")
	}
	if r.Err != nil {
		return e, r.Err
	}
	e.Tick, e.Arrived = head[0], head[3]
	if head[2] != 0 {
		e.Setting = new(Setting)
		e.Setting.Read(&r)
	}
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
