package syslog

import (
	"context"
	"encoding/binary"
	"time"

	"vedette/internal/source"
)

const (
	maxNames = 4096
	maxApp   = 64   // bytes of an application's name
	reserve  = 1000 // positions that are marked ahead
	every    = 50 * time.Millisecond
)

// emitter gives messages their source and position. One goroutine uses it.
type emitter struct {
	format string
	place  func(string) []byte
	out    source.Out
	said   map[name]*origin
	known  map[string]*origin
	others int // of those, the ones of an address without a name
}

// name is what a message calls itself.
type name struct{ peer, app string }

// origin is a source.
type origin struct {
	name     string
	position uint64 // of its last message
	reserved uint64 // up to here they are marked: none of them is given again
}

// run emits what comes until ctx ends.
func (e *emitter) run(ctx context.Context, queue <-chan message) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last *origin // since the last mark
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if last != nil {
				e.mark(last)
				last = nil
			}
		case m := <-queue:
			if m.reason != "" {
				e.out.Lost(m.peer, m.reason, m.n)
				continue
			}
			o := e.origin(name{m.peer, m.app})
			if o.position == o.reserved {
				o.reserved += reserve
				e.mark(o)
			}
			o.position++
			last = o
			err := e.out.Emit(ctx, source.Record{Source: o.name, Format: e.format, Position: o.position, Trust: m.trust, Data: m.data})
			if err != nil {
				if ctx.Err() != nil {
					e.out.Lost(o.name, atEnd, 1)
					return nil
				}
				return err
			}
		}
	}
}

// mark marks what is reserved. It is done now and then even if it says nothing new, since
// what was emitted is kept up to a mark.
func (e *emitter) mark(o *origin) { e.out.Mark(o.name, binary.AppendUvarint(nil, o.reserved)) }

const atEnd = "not taken when the program ended"

// drain counts what was still on its way.
func (e *emitter) drain(queue <-chan message, unsent []message) {
	for {
		select {
		case m := <-queue:
			e.lose(m)
			continue
		default:
		}
		break
	}
	for _, m := range unsent {
		e.lose(m)
	}
}

func (e *emitter) lose(m message) {
	if m.reason != "" {
		e.out.Lost(m.peer, m.reason, m.n)
		return
	}
	e.out.Lost(e.origin(name{m.peer, m.app}).name, atEnd, 1)
}

// origin returns the source of a message. However many names peers make up, there are not
// more than three times maxNames.
func (e *emitter) origin(n name) *origin {
	if o := e.said[n]; o != nil {
		return o
	}
	full := "syslog/" + n.peer + "/" + n.app
	if len(e.said) >= maxNames {
		full = "syslog/" + n.peer + "/other"
	}
	o := e.known[full]
	if o == nil && len(e.said) >= maxNames {
		if e.others++; e.others > maxNames {
			full = "syslog/other"
			o = e.known[full]
		}
	}
	if o == nil {
		o = &origin{name: full}
		o.position, _ = binary.Uvarint(e.place(full))
		o.reserved = o.position
		e.known[full] = o
	}
	if len(e.said) < maxNames {
		e.said[n] = o
	}
	return o
}

// clean returns a name with only such characters as do no harm anywhere.
func clean(app []byte) string {
	if len(app) == 0 {
		return "none"
	}
	var buf [maxApp]byte
	b := append(buf[:0], app[:min(len(app), maxApp)]...)
	for i, c := range b {
		if c|0x20-'a' >= 26 && c-'0' >= 10 && c != '.' && c != '_' && c != '-' && c != ':' {
			b[i] = '_'
		}
	}
	return string(b)
}
