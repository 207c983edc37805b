package syslog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errLong says that a message was too long and was passed over.
var errLong = errors.New("a message longer than 64 KiB")

// errFrame says that a stream makes no sense any more.
var errFrame = errors.New("no frame of syslog")

// frames reads messages from a stream: counted in octets ("12 <13>message"), or up to the
// end of the line. Senders mix them, so each message is looked at.
type frames struct {
	b   *bufio.Reader // of more than maxMessage
	buf []byte
}

func newFrames(r io.Reader) *frames {
	return &frames{b: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next message, valid until the next call. After errLong it goes on.
func (f *frames) next() ([]byte, error) {
	if err := f.wait(); err != nil {
		return nil, err
	}
	n, head, err := f.count()
	switch {
	case err != nil:
		return nil, err
	case head > 0:
		return f.counted(n, head)
	}
	return f.line()
}

// wait waits for the next message to begin.
func (f *frames) wait() error {
	f.buf = f.buf[:0]
	for {
		first, err := f.b.Peek(1)
		if err != nil {
			return err
		}
		if first[0] != '\n' && first[0] != '\r' && first[0] != 0 && first[0] != ' ' {
			return nil
		}
		_, _ = f.b.Discard(1) // it was peeked
	}
}

// begun reports whether a part of a message was read.
func (f *frames) begun() bool { return f.b.Buffered()+len(f.buf) > 0 }

// count returns how long the next message says it is, and the length of the number with
// its space; 0 if it says nothing.
func (f *frames) count() (n, head int, err error) {
	for i := range 11 {
		b, err := f.b.Peek(i + 1)
		if err == io.EOF {
			return 0, 0, nil // a line without end
		} else if err != nil {
			return 0, 0, err
		}
		switch c := b[i]; {
		case digit(c) && !(i == 0 && c == '0') && i < 9:
			n = n*10 + int(c-'0')
		case c == ' ' && i > 0:
			after, err := f.b.Peek(i + 2)
			if err != nil && err != io.EOF {
				return 0, 0, err
			}
			if len(after) < i+2 || after[i+1] != '<' {
				return 0, 0, nil // a line that begins with a number
			}
			return n, i + 1, nil
		default:
			return 0, 0, nil
		}
	}
	return 0, 0, nil
}

func (f *frames) counted(n, head int) ([]byte, error) {
	_, _ = f.b.Discard(head) // it was peeked
	if n > maxMessage {
		if n > 1000*maxMessage {
			return nil, errFrame
		}
		if _, err := f.b.Discard(n); err != nil {
			return nil, err
		}
		return nil, errLong
	}
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	f.buf = f.buf[:n]
	if _, err := io.ReadFull(f.b, f.buf); err != nil {
		return nil, err
	}
	return bytes.TrimRight(f.buf, "\r\n\x00"), nil
}

func (f *frames) line() ([]byte, error) {
	f.buf = f.buf[:0]
	long := false
	for {
		part, err := f.b.ReadSlice('\n')
		if long = long || len(f.buf)+len(part) > maxMessage+2; !long {
			f.buf = append(f.buf, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && !(err == io.EOF && len(f.buf)+len(part) > 0):
			return nil, err
		}
		line := bytes.TrimRight(f.buf, "\r\n\x00")
		if long || len(line) > maxMessage {
			return nil, errLong
		}
		return line, nil
	}
}
