package journal

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// What is written together at most: more would make the first wait for the last.
const (
	maxGroup      = 256
	maxGroupBytes = 16 << 20
)

// overhead is what the server adds to an entry: lengths, number, time and a checksum.
const overhead = 22 + len(stream) + 8

// request is what the writer is asked for: to append an entry, or to forget.
type request struct {
	data  []byte
	again bool           // it was asked for before, and may be there, right behind after
	after input.Position // the last entry when it was asked for first
	at    input.Position // where it was appended; what comes before it is forgotten
	err   error
	done  chan struct{} // closed when it is done
}

// Append appends an entry and returns its position when it is on the disk. It does not
// keep data.
//
// When ctx ends before the turn of the entry has come, the entry is not in the journal;
// later, its fate is waited for. After an error of kind Invalid or one that says that the
// disk or the journal is full, it is not in the journal either. After any other error,
// such as a disk that fails to sync, it may be there all the same.
func (j *Journal) Append(ctx context.Context, data []byte) (input.Position, error) {
	if len(data) == 0 {
		return 0, fault.New(fault.Invalid, "an entry of the journal cannot be empty")
	}
	if len(data) > MaxEntry {
		return 0, fault.Wrap(fault.Invalid, fmt.Errorf("an entry of the journal has %d bytes, more than %d", len(data), MaxEntry))
	}
	r := &request{data: data, done: make(chan struct{})}
	err := j.ask(ctx, j.queue, r)
	return r.at, err
}

// Retry appends an entry that Append, or Retry, failed to append when after was the last
// position, and that may be there all the same: then its position is returned, and nothing
// is added. Nobody else may append between the two.
func (j *Journal) Retry(ctx context.Context, data []byte, after input.Position) (input.Position, error) {
	r := &request{data: data, again: true, after: after, done: make(chan struct{})}
	err := j.ask(ctx, j.queue, r)
	return r.at, err
}

// Forget removes the entries before the given position. The newest entry stays in any
// case: the numbering goes on from it. When ctx ends before its turn has come, nothing is
// removed; later, the end is waited for.
func (j *Journal) Forget(ctx context.Context, before input.Position) error {
	return j.ask(ctx, j.forget, &request{at: before, done: make(chan struct{})})
}

// ask has the writer do what is requested.
func (j *Journal) ask(ctx context.Context, writer chan *request, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case writer <- r:
		<-r.done
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	case <-j.stop:
		return errClosed
	}
}

// run writes what is asked for, until the journal is closed.
func (j *Journal) run() {
	defer close(j.done)
	group := make([]*request, 0, maxGroup)
	for {
		select {
		case <-j.stop:
			return
		case r := <-j.forget:
			r.err = j.trim(r.at)
			close(r.done)
			continue
		case r := <-j.queue:
			group = append(group[:0], r)
		}
		for size := len(group[0].data); len(group) < maxGroup && size < maxGroupBytes; {
			select {
			case r := <-j.queue:
				group, size = append(group, r), size+len(r.data)
				continue
			default:
			}
			break
		}
		j.write(group)
		for _, r := range group {
			close(r.done)
		}
		clear(group)
	}
}

// write writes the group and gives every request its position or error.
func (j *Journal) write(group []*request) {
	err := j.broken
	if err != nil {
		err = j.restart(group)
	}
	if err == nil {
		group, err = j.meet(group)
	}
	last := j.Last()
	if group = j.admit(group); err == nil && len(group) > 0 {
		if err = j.publish(group, last); err != nil {
			j.settle(group, last)
		}
		size := int64(0)
		for _, r := range group {
			if r.at > 0 {
				last, size = r.at, size+cost(r)
			}
		}
		if kept := j.keep(last); kept == nil {
			j.set(func(b *bounds) {
				b.entries += uint64(last - b.last)
				b.last, b.bytes = last, b.bytes+size
			})
		} else { // whatever is on the disk, a restart finds it
			err = kept
			for _, r := range group {
				r.at = 0
			}
		}
	}
	j.broken = err
	for _, r := range group {
		if r.at == 0 {
			r.err = fmt.Errorf("appending to the journal: %w", err)
		}
	}
}

// meet gives those of the group that are in the journal already their position, and
// returns the others.
func (j *Journal) meet(group []*request) (others []*request, err error) {
	others = group[:0:0]
	for _, r := range group {
		if !r.again || r.after >= j.Last() {
			others = append(others, r)
			continue
		}
		found, _, err := j.fetch(context.Background(), r.after+1)
		if err != nil {
			return group, err
		}
		if len(found) > 0 && found[0].at == r.after+1 && bytes.Equal(found[0].data, r.data) {
			r.at = r.after + 1
			continue
		}
		others = append(others, r)
	}
	return others, nil
}

// admit returns the requests of the group that the limit leaves room for, and gives the
// others an error.
func (j *Journal) admit(group []*request) []*request {
	limit := j.options.MaxBytes
	if limit == 0 {
		return group
	}
	_, size := j.Size()
	admitted := group[:0:0]
	for _, r := range group {
		if n := cost(r); size+n <= limit {
			size += n
			admitted = append(admitted, r)
		} else {
			r.err = fault.Wrap(fault.Unavailable, fmt.Errorf("the journal has reached its limit of %d bytes", limit))
		}
	}
	return admitted
}

// cost is how many bytes the entry takes on the disk.
func cost(r *request) int64 { return int64(len(r.data) + overhead) }

// trim removes the entries before the position.
func (j *Journal) trim(before input.Position) error {
	if before = min(before, j.Last()); before <= j.First() {
		return nil
	}
	err := j.purge(before)
	if err != nil { // on a full disk even removing needs some room, which is held for this
		if err := release(j.dir); err != nil {
			return err
		}
		if err = j.restart(nil); err == nil {
			err = j.purge(before)
		}
	}
	if err != nil {
		return fmt.Errorf("forgetting entries before %d of the journal: %w", before, err)
	}
	return reserve(j.dir)
}

func (j *Journal) purge(before input.Position) error {
	j.engineLock.Lock() // who reads must not take what is forgotten for lost
	defer j.engineLock.Unlock()
	if j.engine == nil {
		return j.broken
	}
	if err := j.mark.begin(before); err != nil {
		return err
	}
	b, err := j.engine.purge(context.Background(), before)
	if err == nil {
		j.set(func(now *bounds) { now.first, now.entries, now.bytes = before, b.entries, b.bytes })
	}
	return err
}

// settle finds out what the server has stored of a group, whose first was to come after
// last, when it has not acknowledged all. What it has stored it has synced.
func (j *Journal) settle(group []*request, last input.Position) {
	b, err := j.engine.bounds(context.Background())
	for _, r := range group {
		if err == nil && last < b.last {
			last++
			r.at = last
		}
	}
}

// keep puts on the disk what the server does not: how far the journal has come, and the
// names of new files.
func (j *Journal) keep(last input.Position) (err error) {
	if j.block, err = syncNewer(j.dir, j.block); err != nil {
		return err
	}
	return j.mark.reach(last)
}

// publish hands the group, whose first is to come after last, to the server and waits
// until it has acknowledged all. It returns an error when the server can write no more.
//
// The server syncs each entry by itself while it takes in the next. It can share a sync
// among the entries of an "atomic batch", and then writes them twice and, after a crash,
// finishes half batches of which it was said that they are not there. So who has many
// small things to append had better make one entry of them.
func (j *Journal) publish(group []*request, last input.Position) error {
	acks := make([]jetstream.PubAckFuture, len(group))
	for i, r := range group {
		var err error
		if acks[i], err = j.engine.js.PublishAsync(stream, r.data); err != nil {
			return fmt.Errorf("handing an entry to the server: %w", err)
		}
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for i, r := range group {
		select {
		case ack := <-acks[i].Ok():
			if last++; input.Position(ack.Sequence) != last {
				return fmt.Errorf("an entry got position %d instead of %d", ack.Sequence, last)
			}
			r.at = last
		case err := <-acks[i].Err():
			return fmt.Errorf("waiting for the server: %w", err)
		case <-j.engine.notes.failed:
			return j.engine.notes.reason()
		case <-late.C:
			return fault.New(fault.Unavailable, "the disk of the journal does not answer")
		}
	}
	return nil
}
