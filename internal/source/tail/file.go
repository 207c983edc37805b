package tail

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// file is one file that is followed, or was: it stays known while it is on disk.
type file struct {
	path    string // where it was seen last
	info    os.FileInfo
	size    int64     // the largest that it had
	since   time.Time // when it was first seen
	here    bool      // it is there now
	moved   bool      // it was there under another name before, or is there no more
	changed time.Time // when it was last seen to grow
	left    time.Time // when it was first seen to be gone

	f       *os.File // nil if it is not open
	packed  bool
	stream  io.Reader // what it unpacks to, from place.Offset + len(rest) on
	release func()
	meter   meter
	rest    []byte // unpacked and not taken yet

	key     string // empty as long as it is not begun
	place   place
	head    []byte      // first bytes that were taken, at most headSize
	tail    []byte      // last bytes that were taken, at most tailSize
	first   []byte      // what it began with when it was begun
	copyOf  *file       // it holds what that file, which is still there, holds
	header  bool        // its lines of # are to be emitted again
	checked os.FileInfo // as it was when it was last found to be the same
	broken  bool        // it cannot be read further, unless it grows
	adrift  bool        // another file took its place; it may be found elsewhere
	outside bool        // of the paths to follow
	search  time.Time   // when to look for it again
	last    []byte      // what holds found before place.Offset
	against int64       // the place.Offset of copyOf when they were last compared
}

// open opens the file at the path, if it still is the one that was seen there. It does not
// wait, as one would for a pipe.
func (f *file) open() error {
	if f.f != nil {
		return nil
	}
	g, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	info, err := g.Stat()
	if err == nil && (!info.Mode().IsRegular() || !os.SameFile(info, f.info)) {
		err = errMoved
	}
	if err != nil {
		return errors.Join(err, g.Close())
	}
	f.f, f.stream = g, nil
	return nil
}

func (f *file) close() {
	if f.release != nil {
		f.release()
	}
	if f.f != nil {
		_ = f.f.Close() // it was only read
	}
	f.f, f.stream, f.release, f.rest = nil, nil, nil, nil
}

// start returns the first bytes, unpacked, and sets packed.
func (f *file) start() ([]byte, error) {
	head := make([]byte, headSize)
	n, err := f.f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the beginning: %w", err)
	}
	head = head[:n]
	f.packed = bytes.HasPrefix(head, []byte("\x1f\x8b\x08")) || bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd"))
	if !f.packed {
		return head, nil
	}
	if err := f.unpack(); err != nil {
		return nil, err
	}
	head = make([]byte, headSize)
	n, err = io.ReadFull(f.stream, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("unpacking the beginning: %w", err)
	}
	f.rest = append(f.rest[:0], head[:n]...)
	return head[:n], nil
}

const (
	maxWindow = 128 << 20
	freeBytes = 256 << 20 // that any file may unpack to
	maxRatio  = 300       // and for each byte of it
)

var errBomb = errors.New("it unpacks to so much that it must be a bomb")

// meter ends a stream that is too good to be true.
type meter struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.left -= int64(n); m.left < 0 {
		return 0, errBomb
	}
	return n, err
}

// unpack begins to unpack from the first byte.
func (f *file) unpack() error {
	if f.release != nil {
		f.release()
	}
	f.release, f.rest = nil, nil
	raw := bufio.NewReaderSize(io.NewSectionReader(f.f, 0, 1<<62), 64<<10)
	magic, err := raw.Peek(1)
	if err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	if magic[0] == 0x1f {
		z, err := gzip.NewReader(raw)
		if err != nil {
			return fmt.Errorf("unpacking: %w", err)
		}
		f.meter.r = z
	} else {
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("unpacking: %w", err)
		}
		f.release, f.meter.r = z.Close, z
	}
	f.meter.left = freeBytes + maxRatio*f.info.Size()
	f.stream = &f.meter
	return nil
}

// skip goes on unpacking at an offset.
func (f *file) skip(offset int64) error {
	if err := f.unpack(); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, f.stream, offset); err != nil {
		return fmt.Errorf("unpacking what was read before: %w", err)
	}
	return nil
}

// holds reports whether the file, which begins with head, holds what was read to p. Early
// is whether it may only not be complete yet. What is packed can be read on from there.
func (f *file) holds(head []byte, p place) (yes, early bool) {
	if p.HeadN > len(head) {
		return false, len(head) < headSize
	}
	if sum(head[:p.HeadN]) != p.Head {
		return false, false
	}
	last := make([]byte, p.TailN)
	if f.packed {
		if f.skip(p.Offset-int64(p.TailN)) != nil {
			return false, true
		}
		if _, err := io.ReadFull(f.stream, last); err != nil {
			return false, true
		}
	} else if _, err := f.f.ReadAt(last, p.Offset-int64(p.TailN)); err != nil {
		return false, true
	}
	f.last = last
	return sum(last) == p.Tail, false
}

// same reports whether the file, which is not packed, still holds what was read of it.
func (f *file) same() bool {
	info, err := f.f.Stat()
	if err != nil || info.Size() < f.place.Offset {
		return false
	}
	if f.checked != nil && f.checked.Size() == info.Size() && f.checked.ModTime().Equal(info.ModTime()) {
		return true
	}
	f.checked = info
	head := f.head
	if len(head) < len(f.first) { // by which it was named
		head = f.first
	}
	for _, part := range []struct {
		want []byte
		at   int64
	}{{head, 0}, {f.tail, f.place.Offset - int64(len(f.tail))}} {
		var buf [headSize]byte
		n, err := f.f.ReadAt(buf[:len(part.want)], part.at)
		if n < len(part.want) && err != nil || !bytes.Equal(buf[:n], part.want) {
			return false
		}
	}
	return true
}

// took notes that these bytes were taken.
func (f *file) took(b []byte) {
	f.place.Offset += int64(len(b))
	f.head = append(f.head, b[:min(len(b), headSize-len(f.head))]...)
	b = b[max(0, len(b)-tailSize):]
	keep := f.tail[max(0, len(f.tail)+len(b)-tailSize):]
	f.tail = append(append(make([]byte, 0, tailSize), keep...), b...)
}

// noted returns the place, as it is to be marked.
func (f *file) noted() []byte {
	p := &f.place
	if len(f.head) > 0 { // else it is not known what they are, but they were summed before
		p.Head, p.HeadN, p.Tail, p.TailN = sum(f.head), len(f.head), sum(f.tail), len(f.tail)
	}
	if !f.adrift {
		p.Device, p.Inode = idOf(f.info)
	}
	return p.bytes()
}
