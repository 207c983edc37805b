package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// Refill makes a journal in dir, which must be empty or not there, from entries that were
// read from another: the first gets the position first, and the numbering goes on from
// the last. So what other parts remember of positions holds. It returns the last position,
// which is first-1 if there are no entries.
func Refill(ctx context.Context, dir string, first input.Position, entries iter.Seq2[[]byte, error]) (last input.Position, err error) {
	if first < 1 {
		return 0, fault.New(fault.Invalid, "the entries of a journal are numbered from 1")
	}
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("filling the journal: %w", err)
	}
	if len(there) > 0 {
		return 0, fault.New(fault.Conflict, dir+" is not empty; a journal is never filled over another")
	}
	if err := number(dir, first); err != nil {
		return 0, fmt.Errorf("filling the journal: %w", err)
	}
	j, err := Open(ctx, dir, Options{}) // it skips to where the mark says the numbering has come
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if err := j.fillWith(ctx, entries); err != nil {
		return 0, fmt.Errorf("filling the journal: %w", err)
	}
	return j.Last(), nil
}

// number has the journal that will be opened in dir begin at a position.
func number(dir string, first input.Position) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	m, err := openMark(filepath.Join(dir, "mark"))
	if err != nil {
		return err
	}
	m.last = first - 1
	return errors.Join(m.begin(first), m.close())
}

// fillWith appends entries in order. The writer is handed the next while it syncs those before.
func (j *Journal) fillWith(ctx context.Context, entries iter.Seq2[[]byte, error]) error {
	var waiting []*request
	settle := func() error {
		for _, r := range waiting {
			if <-r.done; r.err != nil {
				return r.err
			}
		}
		waiting = waiting[:0]
		return nil
	}
	size := 0
	for data, err := range entries {
		if err != nil {
			return errors.Join(err, settle())
		}
		if len(data) == 0 || len(data) > MaxEntry {
			return errors.Join(fault.New(fault.Invalid, fmt.Sprintf("an entry has %d bytes", len(data))), settle())
		}
		r := &request{data: data, done: make(chan struct{})}
		select {
		case j.queue <- r:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), settle())
		}
		waiting, size = append(waiting, r), size+len(data)
		if len(waiting) >= maxGroup || size >= maxGroupBytes {
			if err := settle(); err != nil {
				return err
			}
			size = 0
		}
	}
	return settle()
}
