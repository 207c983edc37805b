package intake

import (
	"errors"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet/pcap"
	"vedette/internal/source"
)

// Again reads an item again, as far as need be, and calls found with each event of the
// records at some positions. What is not there any more, or cannot be read, gives none.
func (in Intake) Again(item source.Item, want map[uint64]bool, found func(event.View)) {
	lines := source.NewLines(decode.MaxRecord)
	lines.Reset(item.Reader)
	head, err := lines.Head(decode.HeadSize)
	if err != nil {
		return
	}
	a := again{in: in, name: item.Name, want: want, found: found, emit: event.NewEmit(in.Key)}
	if pcap.Is(head) {
		a.frames(lines)
		return
	}
	if kind, ok := in.Recognise(head); ok {
		a.lines(lines, kind.New())
	}
}

// again is an item that is read again.
type again struct {
	in    Intake
	name  string
	want  map[uint64]bool
	found func(event.View)
	emit  *event.Emit
	batch event.Batch
}

// begin makes the batch a fresh one.
func (a *again) begin() {
	a.batch.Reset()
	a.emit.Source(&a.batch, a.in.Tenant, a.in.Site, a.name)
}

// tell tells of the events in the batch that are wanted.
func (a *again) tell() {
	for i := range a.batch.Events {
		if v := (event.View{Batch: &a.batch, I: i}); a.want[v.Record().Position] {
			a.found(v)
		}
	}
}

// lines reads lines up to the last that is wanted.
func (a *again) lines(lines *source.Lines, record decode.Record) {
	for seen := 0; seen < len(a.want); {
		line, err := lines.Next()
		if errors.Is(err, source.ErrTooLong) {
			continue
		}
		if err != nil {
			return
		}
		wanted := a.want[lines.Position()]
		if !wanted && (len(line) == 0 || line[0] != '#') {
			continue // what explains other lines begins with #
		}
		if wanted {
			seen++
		}
		a.begin()
		a.emit.Begin(lines.Position(), event.Claimed, line)
		if attempt(record, line, a.emit) == nil {
			a.tell()
		}
	}
}

// frames reads a whole capture: what a frame means may show long after it.
func (a *again) frames(lines *source.Lines) {
	c, err := pcap.Open(lines.Rest())
	if err != nil {
		return
	}
	w := a.in.wire(a.emit)
	a.begin()
	for n := uint64(1); ; n++ {
		f, err := c.Next()
		if err != nil {
			break
		}
		_ = w.frame(n, f.Time, f.Link, f.Data, f.Length) // that it was rejected was said the first time
		if len(a.batch.Events) > liveFull {
			a.tell()
			a.begin()
		}
	}
	w.table.Close()
	a.tell()
}
