package intake

import (
	"context"

	"vedette/internal/packet/pcap"
)

// captureFormat is what captures are called in accounts.
const captureFormat = "pcap"

// capture reads an item that is a capture. Its records are frames.
func (r *reader) capture(ctx context.Context) (Source, error) {
	r.s.Format = captureFormat
	c, err := pcap.Open(r.lines.Rest())
	if err != nil {
		r.s.Status, r.s.Error = Unreadable, err.Error()
		return r.s, ctx.Err()
	}
	w := r.in.wire(r.emit)
	for n := uint64(1); ; {
		if err := r.turn(ctx, n > 1); err != nil {
			return r.s, err
		}
		before := len(r.batch.Events)
		for size := 0; size < turn; n++ {
			f, err := c.Next()
			if err != nil {
				w.table.Close()
				r.count(before)
				r.end(err)
				return r.s, ctx.Err()
			}
			size += len(f.Data) + 1<<10
			if err := w.frame(n, f.Time, f.Link, f.Data, f.Length); err != nil {
				r.s.reject(reason(err), n)
				continue
			}
			r.s.Records++
			r.s.Decoded++
		}
		r.count(before)
	}
}

// count counts the events that were made from an index on, also by what they are.
func (r *reader) count(from int) {
	made := r.batch.Events[from:]
	r.s.made(made)
	if r.s.Datasets == nil {
		r.s.Datasets = map[string]uint64{}
	}
	for i := range made {
		r.s.Datasets[string(r.batch.Text.Bytes(made[i].Dataset))]++
	}
}
