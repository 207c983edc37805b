package tail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"vedette/internal/event"
	"vedette/internal/source"
)

const (
	maxLine   = 1 << 20   // bytes of a record
	chunk     = 256 << 10 // bytes between marks
	maxChunks = 4         // of a file before the next one has its turn
	maxHeader = 64 << 10
)

// read reads what there is of each file, some of it, and says whether there is more.
func (t *tailer) read(ctx context.Context) (more bool, err error) {
	for _, f := range slices.Clone(t.files) {
		if ctx.Err() != nil {
			return false, nil
		}
		if f.copyOf != nil && !t.stillCopy(f) {
			f.copyOf = nil
		}
		if f.copyOf != nil {
			continue
		}
		if f.key == "" {
			n := len(t.files)
			if !t.begin(f, t.now()) {
				continue
			}
			if len(t.files) != n { // what was found now and was there before comes first
				more = true
				continue
			}
		}
		again, err := t.readFile(ctx, f)
		if err != nil {
			return false, err
		}
		more = more || again
	}
	return more, nil
}

// stillCopy reports whether a file is a copy of one that is read itself.
func (t *tailer) stillCopy(f *file) bool {
	o := f.copyOf
	if t.known[o.key] != o || !o.here && o.f == nil {
		return false
	}
	if f.packed || o.place.Offset == 0 || f.checked != nil && f.checked.Size() == f.info.Size() && f.checked.ModTime().Equal(f.info.ModTime()) && f.against == o.place.Offset {
		return true
	}
	f.checked, f.against = f.info, o.place.Offset
	if t.open(f) != nil {
		return true
	}
	defer t.shut(f)
	head, err := f.start()
	if err != nil {
		return true
	}
	o.noted()
	yes, early := f.holds(head, o.place)
	return yes || early && t.now().Sub(f.changed) < t.settings.Settle
}

// readFile reads some of a file.
func (t *tailer) readFile(ctx context.Context, f *file) (more bool, err error) {
	if f.broken || f.place.Done && (f.packed || f.info.Size() == f.place.Offset && (f.checked == nil || f.checked.ModTime().Equal(f.info.ModTime()))) {
		return false, nil
	}
	if f.f == nil && !f.here {
		return false, nil
	}
	if err := t.open(f); err != nil {
		return false, nil // look finds out what became of it
	}
	if f.place.Done && f.info.Size() > f.place.Offset { // what seemed to be its end was not
		f.place.Done = false
	}
	if f.packed && f.stream == nil {
		if err := f.skip(f.place.Offset); err != nil {
			return false, t.damaged(f, err)
		}
	}
	if f.header {
		f.header = false
		if err := t.headers(ctx, f); err != nil {
			return false, err
		}
	}
	for range maxChunks {
		more, err = t.chunk(ctx, f)
		if !more || err != nil || f.key == "" {
			return more && err == nil, err
		}
	}
	return true, nil
}

// replaced lets go of a file in whose place there is another now: what was read of it may
// be found elsewhere, and what is here is begun.
func (t *tailer) replaced(f *file) {
	old := *f
	old.f, old.stream, old.release = nil, nil, nil
	old.here, old.moved, old.adrift, old.left = false, true, true, t.now()
	t.shut(f)
	*f = file{path: f.path, info: f.info, size: f.info.Size(), since: t.now(), here: f.here, moved: !f.here, left: f.left, changed: t.now(), outside: f.outside}
	t.known[old.key] = &old
	for _, x := range t.files {
		if x.copyOf == f {
			x.copyOf = nil
		}
	}
	t.files = slices.Insert(t.files, max(0, slices.Index(t.files, f)), &old)
	t.missing(&old, t.now())
}

// chunk reads the next lines of a file and marks where it stands. More is whether there may
// be more at once.
func (t *tailer) chunk(ctx context.Context, f *file) (more bool, err error) {
	data, end, err := t.next(f)
	if err != nil {
		return false, t.damaged(f, err)
	}
	if !f.packed && !f.same() { // asked now, it is true of what was read too
		t.replaced(f)
		return true, nil
	}
	last := bytes.LastIndexByte(data, '\n') + 1
	switch {
	case last > 0:
	case len(data) > maxLine+1: // a line that is let go
		f.place.Long = true
		last = len(data)
	case end && t.complete(f):
		last = len(data)
		f.place.Done = true
	case end:
		return false, nil
	}
	final := f.place.Done
	if err := t.take(ctx, f, data[:last], final); err != nil {
		return false, err
	}
	f.took(data[:last])
	if f.packed {
		f.rest = append(f.rest[:0], f.rest[last:]...)
	}
	t.out.Mark(f.key, f.noted())
	if final {
		t.shut(f)
	}
	return !final, nil
}

// complete reports whether nobody writes to the file any more.
func (t *tailer) complete(f *file) bool {
	return f.packed || (f.moved || t.settings.Drop) && t.now().Sub(f.changed) >= t.settings.Settle
}

// next returns the bytes that were not taken yet: a chunk, or more if there is no end of a
// line in it. End is whether there are no more at present.
func (t *tailer) next(f *file) (data []byte, end bool, err error) {
	if f.packed {
		for size := chunk; ; {
			for len(f.rest) < size && !end {
				f.rest = slices.Grow(f.rest, 64<<10)
				var n int
				n, err = f.stream.Read(f.rest[len(f.rest):min(cap(f.rest), len(f.rest)+64<<10)])
				f.rest = f.rest[:len(f.rest)+n]
				if end = err == io.EOF; err != nil && !end {
					return nil, false, err
				}
			}
			if end || size > chunk || bytes.IndexByte(f.rest, '\n') >= 0 {
				return f.rest, end, nil
			}
			size = len(t.buf)
		}
	}
	for size := chunk; ; size = len(t.buf) {
		n, err := f.f.ReadAt(t.buf[:size], f.place.Offset)
		if err != nil && err != io.EOF {
			return nil, false, err
		}
		if n < size || size == len(t.buf) || bytes.IndexByte(t.buf[:n], '\n') >= 0 {
			return t.buf[:n], n < size, nil
		}
	}
}

// take emits the lines in data, the last of which may have no end if it is final.
func (t *tailer) take(ctx context.Context, f *file, data []byte, final bool) error {
	p := &f.place
	if p.Offset == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		if data = rest; p.Long && !ended && !final {
			return nil // its end is not there yet
		}
		p.Line++
		if line = bytes.TrimSuffix(line, []byte("\r")); p.Long || len(line) > maxLine {
			p.Long = false
			t.out.Lost(p.Source, "a line longer than 1 MiB", 1)
			continue
		}
		if err := t.emit(ctx, f, line, p.Line); err != nil {
			return err
		}
	}
	if final && p.Long {
		p.Line, p.Long = p.Line+1, false
		t.out.Lost(p.Source, "a line longer than 1 MiB", 1)
	}
	return nil
}

func (t *tailer) emit(ctx context.Context, f *file, line []byte, position uint64) error {
	line = bytes.TrimLeft(line, "\x00") // left by who truncates a file under one who does not append
	if len(line) == 0 {
		return nil // it counts as a line, and says nothing
	}
	return t.out.Emit(ctx, source.Record{Source: f.place.Source, Format: t.settings.Format, Position: position, Trust: event.Claimed, Data: line})
}

// headers emits the lines of # that a file begins with, for a decoder that did not see them.
func (t *tailer) headers(ctx context.Context, f *file) error {
	if f.place.Offset == 0 || len(f.head) == 0 || f.head[0] != '#' || f.place.Done {
		return nil
	}
	header := make([]byte, min(maxHeader, f.place.Offset))
	if f.packed {
		if err := f.unpack(); err != nil {
			return t.damaged(f, err)
		}
		n, err := io.ReadFull(f.stream, header)
		if header = header[:n]; err != nil {
			return t.damaged(f, err)
		}
		if err := f.skip(f.place.Offset); err != nil {
			return t.damaged(f, err)
		}
	} else {
		n, _ := f.f.ReadAt(header, 0) // where it does not go on, its lines do not either
		header = header[:n]
	}
	position := uint64(0)
	for line := range bytes.Lines(header) {
		if position++; line[0] != '#' || line[len(line)-1] != '\n' {
			return nil
		}
		if err := t.emit(ctx, f, bytes.TrimRight(line, "\r\n"), position); err != nil {
			return err
		}
	}
	return nil
}

// damaged gives a file up until it grows.
func (t *tailer) damaged(f *file, err error) error {
	f.broken = true
	t.out.Lost(f.place.Source, "a file that cannot be read further: "+reason(err), 1)
	t.shut(f)
	return nil
}

// reason returns one of a few words, since what the system says may hold anything.
func reason(err error) string {
	switch {
	case errors.Is(err, errBomb):
		return "a bomb"
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return "cut short"
	}
	return "damaged"
}

// note marks which file is at a path now, and which ones that were there before it are not
// read to their end. After a restart these are looked for; those that were not known to be
// there are looked for now.
func (t *tailer) note(f *file) {
	if t.settings.Drop || f.packed || f.moved {
		return
	}
	name := "tail:" + f.path
	before, ok := t.paths[f.path]
	if !ok {
		_ = json.Unmarshal(t.ask(name), &before) // nothing if it was never marked
		for _, key := range before {
			if p, ok := readPlace(t.ask(key)); ok && !p.Done && t.known[key] == nil && key != f.key {
				old := &file{path: f.path, info: f.info, adrift: true, moved: true, key: key, place: p, header: true, left: t.now()}
				t.known[key] = old
				t.files = slices.Insert(t.files, max(0, slices.Index(t.files, f)), old)
				t.missing(old, t.now())
			}
		}
	}
	keys := slices.DeleteFunc(slices.Clone(before), func(key string) bool {
		if key == f.key {
			return true
		}
		if o := t.known[key]; o != nil {
			return o.place.Done
		}
		p, ok := readPlace(t.ask(key))
		return !ok || p.Done
	})
	keys = append(keys[max(0, len(keys)-maxBefore):], f.key)
	if b, err := json.Marshal(keys); err == nil && !(ok && slices.Equal(t.paths[f.path], keys)) {
		t.out.Mark(name, b)
	}
	t.paths[f.path] = keys
}
