package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vedette/internal/fault"
	"vedette/internal/source"
)

// unpacker visits what is in one file after the other. It is used by one goroutine at a
// time and keeps its buffers from file to file.
type unpacker struct {
	limits Limits
	visit  func(source.Item) error
	in     *input
	// stop is set once nothing more of the file is to be read: a bomb, or the end of ctx.
	stop     error
	unpacked int64
	members  int
	// told is whether the item that was visited last told of an error, in its Err or by its
	// Reader; then nobody needs to hear of it again from the archive around it.
	told bool

	buffers []*bufio.Reader
	gzips   []*gzip.Reader
	zstds   []*zstd.Decoder
	inner   []*zstd.Decoder // for use inside another
	zstding int             // how many are in use
}

const (
	bufferSize = 64 << 10
	magicSize  = 512 // a block of tar
	maxLayers  = 3   // of compression right inside each other

	// Windows of zstd, which are memory. Up to level 19 it is 8 MiB, with --long 128 MiB;
	// that of the outermost is enough.
	maxWindow   = 128 << 20
	innerWindow = 8 << 20
)

// run visits the items of the file in.
func (u *unpacker) run(in *input, name string, l Limits, visit func(source.Item) error) error {
	u.limits, u.visit, u.in = l, visit, in
	u.stop, u.unpacked, u.members, u.told, u.zstding = nil, 0, 0, false, 0
	defer func() { u.visit, u.in = nil, nil }()
	var magic [magicSize]byte
	n, err := in.f.ReadAt(magic[:], 0)
	switch {
	case err != nil && err != io.EOF:
		return visit(source.Item{Name: name, Err: plain(err)})
	case isZip(magic[:n]):
		err = u.zip(name, in, in.size, 1)
	case isTar(magic[:n]):
		err = u.tar(name, in, 1) // not through a buffer: it can seek
	default:
		err = u.stream(name, in, 1, 0)
	}
	if err == nil {
		err = in.ctx.Err()
	}
	return err
}

// stream visits what a stream holds: another stream, members, or lines. Depth is that of
// the next archive, layers how many compressions are right around it.
func (u *unpacker) stream(name string, r io.Reader, depth, layers int) error {
	b := u.buffer(r)
	defer u.release(b)
	magic, err := b.Peek(magicSize)
	if err != nil && err != io.EOF && len(magic) == 0 {
		return u.broken(name, err)
	}
	switch {
	case isGzip(magic):
		return u.gzip(name, b, depth, layers+1)
	case isZstd(magic):
		return u.zstd(name, b, depth, layers+1)
	case isTar(magic):
		return u.tar(name, b, depth)
	case isZip(magic):
		return u.spool(name, b, depth)
	}
	if err := u.in.ctx.Err(); err != nil {
		return err
	}
	u.told = false
	return u.visit(source.Item{Name: name, Reader: &leaf{u, b, nil}})
}

// broken reports an archive or a compression that cannot be entered, or not further.
func (u *unpacker) broken(name string, err error) error {
	if cerr := u.in.ctx.Err(); cerr != nil {
		return cerr
	}
	u.told = true
	return u.visit(source.Item{Name: name, Err: explain(err)})
}

func (u *unpacker) gzip(name string, b *bufio.Reader, depth, layers int) error {
	if layers > maxLayers {
		return u.broken(name, errLayers)
	}
	var z *gzip.Reader
	var err error
	if n := len(u.gzips); n > 0 {
		z, u.gzips = u.gzips[n-1], u.gzips[:n-1]
		err = z.Reset(b)
	} else if z, err = gzip.NewReader(b); err != nil {
		return u.broken(name, err)
	}
	defer func() { u.gzips = append(u.gzips, z) }()
	if err != nil {
		return u.broken(name, err)
	}
	return u.stream(name, &metered{u, z}, depth, layers)
}

func (u *unpacker) zstd(name string, b *bufio.Reader, depth, layers int) error {
	if layers > maxLayers {
		return u.broken(name, errLayers)
	}
	idle, window := &u.zstds, uint64(maxWindow)
	if u.zstding > 0 {
		idle, window = &u.inner, innerWindow
	}
	var z *zstd.Decoder
	var err error
	if n := len(*idle); n > 0 {
		z, *idle = (*idle)[n-1], (*idle)[:n-1]
		err = z.Reset(b)
	} else {
		z, err = zstd.NewReader(b, inline(window)...)
	}
	if z == nil {
		return u.broken(name, err)
	}
	u.zstding++
	defer func() {
		u.zstding--
		*idle = append(*idle, z)
	}()
	if err != nil {
		return u.broken(name, err)
	}
	return u.stream(name, &metered{u, z}, depth, layers)
}

// inline returns the options of a decoder that runs in the goroutine that reads it.
func inline(window uint64) []zstd.DOption {
	return []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true)}
}

func (u *unpacker) buffer(r io.Reader) *bufio.Reader {
	if n := len(u.buffers); n > 0 {
		b := u.buffers[n-1]
		u.buffers = u.buffers[:n-1]
		b.Reset(r)
		return b
	}
	return bufio.NewReaderSize(r, bufferSize)
}

func (u *unpacker) release(b *bufio.Reader) {
	b.Reset(nil)
	u.buffers = append(u.buffers, b)
}

// metered counts what a decompressor gives, and ends the file when it is too much.
type metered struct {
	u *unpacker
	r io.Reader
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	u := m.u
	if u.stop != nil {
		return 0, u.stop
	}
	n, err := m.r.Read(p)
	u.unpacked += int64(n)
	if u.unpacked > u.limits.Free && u.unpacked > u.limits.Free+u.limits.Ratio*min(u.in.read, u.in.size) || u.unpacked > u.limits.Unpack {
		u.stop = errBomb
		return 0, u.stop
	}
	return n, err
}

// leaf is the Reader of an item. Its first error stays.
type leaf struct {
	u   *unpacker
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (l *leaf) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.r.Read(p)
	if err != nil && err != io.EOF {
		l.u.told = true
		err = explain(err)
	}
	l.err = err
	return n, err
}

// Why reading stops.
var (
	errBomb    = fault.New(fault.Unreadable, "it unpacks to so much that it must be a decompression bomb; the rest is not read")
	errLayers  = fault.New(fault.Unreadable, "compressed again and again; not unpacked further")
	errDepth   = fault.New(fault.Unreadable, "archives within archives, too many; not unpacked further")
	errMembers = fault.New(fault.Unreadable, "an archive of too many members; the rest is not read")
	errSpool   = fault.New(fault.Unreadable, "a zip inside another archive that is too large to be unpacked to a temporary file")
	errSecret  = fault.New(fault.Unreadable, "encrypted")
)

// explain words what a decompressor or archive reader says.
func explain(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fault.Wrap(fault.Unreadable, fmt.Errorf("cut short: it ends in the middle (%w)", err))
	}
	return fault.Wrap(fault.Unreadable, fmt.Errorf("damaged: %w", err))
}

func isGzip(b []byte) bool { return bytes.HasPrefix(b, []byte("\x1f\x8b\x08")) }

// isZstd reports whether a frame begins, or one that may be skipped.
func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\x28\xb5\x2f\xfd")) ||
		len(b) > 8 && b[0]&0xf0 == 0x50 && bytes.Equal(b[1:4], []byte("\x2a\x4d\x18"))
}

func isZip(b []byte) bool {
	return bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06")) ||
		bytes.HasPrefix(b, []byte("PK\x07\x08PK\x03\x04"))
}

// isTar reports whether b is the header of a member: its checksum is right.
func isTar(b []byte) bool {
	if len(b) < magicSize {
		return false
	}
	sum, want := 0, 0
	for i, c := range b[:magicSize] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	digits := bytes.Trim(b[148:156], " \x00")
	for _, c := range digits {
		if c < '0' || c > '7' {
			return false
		}
		want = want*8 + int(c-'0')
	}
	return len(digits) > 0 && sum == want && sum > 8*' '
}
