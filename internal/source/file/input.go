package file

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

// input is an open file that counts what is read of it.
type input struct {
	ctx  context.Context // of the one reading that it serves
	f    *os.File
	size int64
	read int64         // bytes read so far; more than size if it is read in several places
	done *atomic.Int64 // of all files; gets no more than size from this one
	told int64         // how much it got
}

var errIrregular = errors.New("it was replaced by something that is no file")

// open opens a file that was found. If it has become something that makes the opener wait,
// such as a pipe, it does not wait.
func open(ctx context.Context, f found, done *atomic.Int64) (*input, error) {
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errIrregular
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &input{ctx: ctx, f: file, size: f.size, done: done}, nil
}

func (in *input) close() {
	in.count(max(0, in.size-in.read))
	_ = in.f.Close() // it was only read
}

func (in *input) count(n int64) {
	in.read += n
	if add := min(in.read, in.size) - in.told; add > 0 {
		in.told += add
		in.done.Add(add)
	}
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := in.f.Read(p)
	in.count(int64(n))
	return n, plain(err)
}

// ReadAt implements io.ReaderAt.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := in.f.ReadAt(p, off)
	in.count(int64(n))
	return n, plain(err)
}

// Seek implements io.Seeker, so that what nobody wants of a tar is not read.
func (in *input) Seek(offset int64, whence int) (int64, error) {
	to, err := in.f.Seek(offset, whence)
	if whence == io.SeekCurrent && err == nil && offset > 0 {
		in.count(offset)
	}
	return to, plain(err)
}

// plain words an error of reading.
func plain(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return unreadable(err)
}
