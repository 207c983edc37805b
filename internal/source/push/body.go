package push

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// budget is the memory that all requests share.
type budget struct{ used atomic.Int64 }

// take returns whether there are n bytes more.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > maxMemory {
		b.used.Add(-n)
		return false
	}
	return true
}

// body is what a request holds, unpacked.
type body struct {
	data   []byte
	budget *budget
	size   int64 // that it takes of the budget
}

// free gives the memory back.
func (b *body) free() {
	b.budget.used.Add(-b.size)
	b.size, b.data = 0, nil
}

var (
	errLarge  = errors.New("more than 32 MiB")
	errMemory = errors.New("no memory")
)

const (
	firstSize = 64 << 10
	maxWindow = 8 << 20
)

// read reads a body whole. What it is packed into may be no larger than what comes out.
func (s *server) read(w http.ResponseWriter, r *http.Request) (*body, *problem) {
	b := &body{budget: &s.budget}
	err := b.fill(http.MaxBytesReader(w, r.Body, maxBody), r.Header.Get("Content-Encoding"))
	if err == nil {
		return b, nil
	}
	b.free()
	large := new(http.MaxBytesError)
	switch {
	case errors.Is(err, errLarge) || errors.As(err, &large):
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Detail: "a body may have 32 MiB, packed and unpacked"}
	case errors.Is(err, errMemory):
		return nil, &problem{Status: http.StatusServiceUnavailable, Detail: "too many large requests at once; nothing was taken", retry: retryAfter}
	case errors.Is(err, errors.ErrUnsupported):
		return nil, &problem{Status: http.StatusUnsupportedMediaType, Detail: err.Error()}
	}
	return nil, &problem{Status: http.StatusBadRequest, Detail: "the body could not be read to its end: " + err.Error()}
}

func (b *body) fill(raw io.Reader, encoding string) error {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		r = raw
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(raw)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		defer z.Close()
		r = z
	default:
		return fmt.Errorf("content encoding %.40q: %w; gzip, zstd or none are taken", encoding, errors.ErrUnsupported)
	}
	return b.from(r)
}

func (b *body) from(r io.Reader) error {
	for {
		if len(b.data) == cap(b.data) {
			n := max(firstSize, 2*cap(b.data))
			if !b.budget.take(int64(n - cap(b.data))) {
				return errMemory
			}
			b.size += int64(n - cap(b.data))
			b.data = append(make([]byte, 0, n), b.data...)
		}
		n, err := r.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case len(b.data) > maxBody:
			return errLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
