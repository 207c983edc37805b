package sorter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"vedette/internal/event"
	"vedette/internal/fault"
)

// run is a temporary file of frames: a length and a CRC-32C, both in four bytes, little
// endian, then a batch as it writes itself. The events of a run are in order.
type run struct {
	f     *os.File
	name  string // to be removed on closing; empty if it is gone already
	size  int64
	level int // how often its events were merged from runs
}

const (
	frameHead   = 8
	frameEvents = 1024 // at most
)

// castagnoli returns the table of CRC-32C, which processors have instructions for. The
// library makes it once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// spill writes what is in full segments to a run, and empties them.
func (w *Writer) spill() error {
	if len(w.full) == 0 {
		return nil
	}
	m := &merger{size: frameEvents, bytes: w.frame}
	for _, s := range w.full {
		m.add(s.cursor())
	}
	r, err := w.write(m, 0)
	if err != nil {
		return err
	}
	w.runs = append(w.runs, r)
	for _, s := range w.full {
		w.recycle(s)
	}
	w.full, w.memory = w.full[:0], 0
	return w.consolidate()
}

// consolidate merges runs of a level to one of the next where there are too many.
func (w *Writer) consolidate() error {
	for level := 0; ; level++ {
		m := &merger{size: frameEvents, bytes: w.frame}
		var merged, rest []*run
		for _, r := range w.runs {
			if r.level == level {
				merged = append(merged, r)
				m.add(r.cursor())
			} else {
				rest = append(rest, r)
			}
		}
		if len(merged) < w.fan {
			return nil
		}
		r, err := w.write(m, level+1)
		if err != nil {
			return err
		}
		w.runs = append(rest, r)
		var errs []error
		for _, r := range merged {
			errs = append(errs, r.close())
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
}

// write writes what m brings to a new run.
func (w *Writer) write(m *merger, level int) (*run, error) {
	if err := m.start(); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(w.dir, "vedette-sort-*")
	if err != nil {
		return nil, spillError(err)
	}
	r := &run{f: f, name: f.Name(), level: level}
	if os.Remove(r.name) == nil { // where that is possible nothing is left behind, even after a crash
		r.name = ""
	}
	if err := r.fill(m); err != nil {
		return nil, errors.Join(err, r.close())
	}
	w.spills++
	w.spilled += r.size
	return r, nil
}

func (r *run) fill(m *merger) error {
	var b event.Batch
	var buf []byte
	for {
		if err := m.fill(&b); err != nil {
			return err
		}
		if len(b.Events) == 0 {
			return nil
		}
		buf = b.Append(append(buf[:0], make([]byte, frameHead)...))
		binary.LittleEndian.PutUint32(buf, uint32(len(buf)-frameHead))
		binary.LittleEndian.PutUint32(buf[4:], crc32.Checksum(buf[frameHead:], castagnoli()))
		if _, err := r.f.Write(buf); err != nil {
			return spillError(err)
		}
		r.size += int64(len(buf))
	}
}

func spillError(err error) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("sorting events by way of a temporary file: %w", err))
}

func (r *run) close() error {
	err := r.f.Close()
	if r.name != "" {
		err = errors.Join(err, os.Remove(r.name))
	}
	return err
}

func (r *run) cursor() *cursor { return &cursor{batch: new(event.Batch), run: r} }

// load reads the run's next frame, and says whether there is one.
func (c *cursor) load() (bool, error) {
	r := c.run
	if c.offset == r.size {
		return false, nil
	}
	var head [frameHead]byte
	if _, err := r.f.ReadAt(head[:], c.offset); err != nil {
		return false, spillError(err)
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	if n > r.size-c.offset-frameHead {
		return false, spillError(errors.New("it was changed"))
	}
	if int64(cap(*c.raw)) < n {
		*c.raw = make([]byte, n)
	}
	raw := (*c.raw)[:n]
	if _, err := r.f.ReadAt(raw, c.offset+frameHead); err != nil {
		return false, spillError(err)
	}
	if crc32.Checksum(raw, castagnoli()) != binary.LittleEndian.Uint32(head[4:]) {
		return false, spillError(errors.New("it was changed"))
	}
	if err := c.batch.Read(raw); err != nil {
		return false, spillError(err)
	}
	c.offset += frameHead + n
	c.copier.Forget()
	return true, nil
}
