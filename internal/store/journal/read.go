package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// How much is asked of the server at once.
const (
	maxChunk      = 512
	maxChunkBytes = 4 << 20
)

// Gap is the error of Read when entries are lost to a damaged disk. Reading can go on
// behind them.
type Gap struct {
	From, To input.Position // the first and the last that are lost
}

// Error implements error.
func (g *Gap) Error() string {
	return fmt.Sprintf("entries %d to %d of the journal are damaged and lost", g.From, g.To)
}

// Read calls f for each entry, in order, from position from on; 0 stands for the oldest.
// With follow it goes on with what is appended meanwhile, until ctx ends; otherwise it
// returns nil at what was the newest entry when it got there. It ends with the error of
// f, if f returns one. data is valid until f returns.
//
// An entry that was forgotten is an error of kind NotFound, lost entries are a [*Gap] of
// kind Unreadable.
func (j *Journal) Read(ctx context.Context, from input.Position, follow bool, f func(at input.Position, data []byte) error) error {
	next := from
	if next == 0 {
		next = j.First()
	}
	for {
		j.boundsLock.Lock()
		b, changed := j.bounds, j.changed
		j.boundsLock.Unlock()
		switch {
		case j.closed():
			return errClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case next < b.first:
			return fault.Wrap(fault.NotFound, fmt.Errorf("entry %d of the journal was forgotten, the oldest is %d", next, b.first))
		case next > b.last && !follow:
			return nil
		case next > b.last:
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		chunk, _, err := j.fetch(ctx, next)
		if err != nil {
			return err
		}
		if len(chunk) == 0 || chunk[0].at != next {
			if next < j.First() {
				continue // forgotten meanwhile
			}
			return j.gap(ctx, next)
		}
		for _, e := range chunk {
			if e.at > b.last {
				break
			}
			if e.at != next {
				return j.gap(ctx, next)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(e.at, e.data); err != nil {
				return err
			}
			next++
		}
	}
}

func (j *Journal) closed() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// gap returns the error for entries that are lost from the position on.
func (j *Journal) gap(ctx context.Context, from input.Position) error {
	var b bounds
	err := j.request(ctx, from, func(ctx context.Context, e *engine) (err error) {
		b, err = e.bounds(ctx)
		return err
	})
	if err != nil {
		return err
	}
	last := j.Last()
	for next := max(from, b.first); next <= last; {
		chunk, seen, err := j.fetch(ctx, next)
		switch {
		case err != nil:
			return err
		case len(chunk) == 0:
			next = max(next, seen) + 1
		case chunk[0].at <= from:
			return fault.New(fault.Unavailable, "an entry of the journal could not be read and then could")
		default:
			return fault.Wrap(fault.Unreadable, &Gap{from, chunk[0].at - 1})
		}
	}
	return fault.Wrap(fault.Unreadable, &Gap{from, last})
}

// request calls f with the server to learn something about the entry at the position.
func (j *Journal) request(ctx context.Context, at input.Position, f func(context.Context, *engine) error) error {
	j.engineLock.RLock()
	defer j.engineLock.RUnlock()
	if j.engine == nil {
		if j.closed() {
			return errClosed
		}
		return fault.New(fault.Unavailable, "the journal waits for its disk")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := f(ctx, j.engine); err != nil {
		return fmt.Errorf("reading entry %d of the journal: %w", at, err)
	}
	return nil
}

// entry is what was read.
type entry struct {
	at   input.Position
	data []byte
}

// fetch returns the next entries from the position on, and up to where it has looked. It
// returns none if the one at the position is damaged, and begins later if it is missing.
func (j *Journal) fetch(ctx context.Context, from input.Position) (chunk []entry, seen input.Position, err error) {
	err = j.request(ctx, from, func(ctx context.Context, e *engine) (err error) {
		unread := e.notes.unread()
		chunk, seen, err = e.fetch(ctx, from)
		if e.notes.unread() != unread { // too many open files, for instance: that is no damage
			err = fault.New(fault.Unavailable, "a file of the journal cannot be opened")
		}
		return err
	})
	return chunk, seen, err
}

func (e *engine) fetch(ctx context.Context, from input.Position) (chunk []entry, seen input.Position, err error) {
	inbox := nats.NewInbox()
	sub, err := e.read.SubscribeSync(inbox)
	if err != nil {
		return nil, 0, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // it fails when the connection is closed
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, 0, err
	}
	request, err := json.Marshal(struct {
		Seq      input.Position `json:"seq"`
		Batch    int            `json:"batch"`
		MaxBytes int            `json:"max_bytes"`
	}{from, maxChunk, maxChunkBytes})
	if err != nil {
		return nil, 0, err
	}
	if err := e.read.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, request); err != nil {
		return nil, 0, err
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, 0, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
			at, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, 0, fmt.Errorf("reading the answer of the server: %w", err)
			}
			seen = input.Position(at)
			if len(m.Data) > 0 { // an empty one keeps the place of one that was lost
				chunk = append(chunk, entry{seen, m.Data})
			}
		case "204", "404": // the end; nothing there
			return chunk, seen, nil
		default:
			return nil, 0, fmt.Errorf("the server answers %s %s", status, m.Header.Get("Description"))
		}
	}
}
