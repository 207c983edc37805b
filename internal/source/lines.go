package source

import (
	"bytes"
	"errors"
	"io"
)

// Lines splits a stream into lines. However long a line is, it holds no more memory than
// the longest line that is wanted. It is made by [NewLines] and can be reused.
type Lines struct {
	max      int
	r        io.Reader
	buf      []byte
	pos, end int // what is read and not yet handed out: buf[pos:end]
	line     uint64
	err      error // of r; it stays
}

// What Lines can find wrong.
var (
	ErrTooLong = errors.New("line too long")
	ErrUTF16   = errors.New("text in UTF-16 or UTF-32; this version reads UTF-8")
)

const (
	firstBuffer = 256 << 10 // bytes; also how much is asked for at a time, mostly
	maxIdle     = 100       // reads in a row that give nothing and no error
)

// NewLines returns Lines that hand out lines of at most longest bytes, without their ends.
func NewLines(longest int) *Lines {
	return &Lines{max: longest, buf: make([]byte, min(firstBuffer, longest+2)), err: io.EOF}
}

// Reset begins with r, which it reads ahead of what it hands out.
func (l *Lines) Reset(r io.Reader) { l.r, l.pos, l.end, l.line, l.err = r, 0, 0, 0, nil }

// Head returns the first n bytes, or all if there are fewer, without a byte order mark.
// It is called before Next if at all, and takes nothing away from it. The bytes are valid
// until the next call. It returns ErrUTF16 if the stream is in such an encoding; what
// else is wrong with the stream, Next tells.
func (l *Lines) Head(n int) ([]byte, error) {
	for l.end-l.pos < n && l.err == nil {
		l.fill(n)
	}
	head := l.buf[l.pos:min(l.end, l.pos+n)]
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) ||
		bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")) {
		return nil, ErrUTF16
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		l.pos += 3
		head = head[3:]
	}
	return head, nil
}

// Rest returns a reader of all that Next has not handed out, for what turns out not to
// consist of lines. It is called instead of Next.
func (l *Lines) Rest() io.Reader {
	return io.MultiReader(bytes.NewReader(l.buf[l.pos:l.end]), broken{l})
}

// broken is what comes after what was read ahead.
type broken struct{ *Lines }

// Read implements [io.Reader].
func (b broken) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.r.Read(p)
}

// Position returns the number of the line that Next spoke of last, from 1. Every physical
// line counts.
func (l *Lines) Position() uint64 { return l.line }

// Next returns the next line without its \n or \r\n, valid until the next call; what
// stands after the last \n is a line if there is anything. A line that is too long gives
// ErrTooLong once, and the line after it comes next. At the end it returns io.EOF. When
// the stream breaks, it returns the stream's error, and no half line before it.
func (l *Lines) Next() ([]byte, error) {
	seen := 0     // bytes from pos on that hold no \n
	long := false // in a line that is too long, and was let go so far
	for {
		if i := bytes.IndexByte(l.buf[l.pos+seen:l.end], '\n'); i >= 0 {
			line := l.buf[l.pos : l.pos+seen+i]
			l.pos += len(line) + 1
			return l.whole(line, long)
		}
		seen = l.end - l.pos
		if l.err == io.EOF && (seen > 0 || long) {
			line := l.buf[l.pos:l.end]
			l.pos = l.end
			return l.whole(line, long)
		}
		if l.err != nil {
			return nil, l.err
		}
		if long || seen > l.max+1 {
			long, seen, l.pos, l.end = true, 0, 0, 0
		}
		l.fill(l.max + 2)
	}
}

func (l *Lines) whole(line []byte, long bool) ([]byte, error) {
	l.line++
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if long || len(line) > l.max {
		return nil, ErrTooLong
	}
	return line, nil
}

// fill reads once, and makes room before if there is none: at most for n bytes in all.
func (l *Lines) fill(n int) {
	if l.pos == l.end {
		l.pos, l.end = 0, 0
	}
	if l.end == len(l.buf) {
		to := l.buf
		if l.pos == 0 {
			to = make([]byte, max(len(l.buf)+1, min(2*len(l.buf), n)))
		}
		l.pos, l.end = 0, copy(to, l.buf[l.pos:l.end])
		l.buf = to
	}
	for range maxIdle {
		got, err := l.r.Read(l.buf[l.end:])
		l.end += got
		l.err = err
		if got > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
