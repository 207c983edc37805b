// Package journal is the durable log: what was appended is there after a power cut.
//
// Entries are numbered from 1 without gaps, and their order never changes. Append returns
// when the entry is on the disk. Old entries go only when Forget says so.
//
// Entries are kept by a NATS JetStream server inside this process, which listens on no
// socket, calls nobody and serves one stream with one subject. It syncs every entry before
// it acknowledges it; what it leaves to its user is here: one process at a time, a
// directory entry that is synced too, a disk that was full and has room again, and
// telling what a damaged disk has taken. When entries at the end are lost, their
// positions are not given out again, since snapshots may stand for them.
package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// MaxEntry is the greatest length of an entry, in bytes.
const MaxEntry = 8 << 20

// Options say how a journal is kept.
type Options struct {
	MaxBytes int64 // Append refuses what would make the entries take more; 0 is no limit
}

// Journal is an open journal. All its methods may be called from several goroutines.
type Journal struct {
	dir     string
	options Options
	lock    *os.File
	mark    *mark

	queue  chan *request // to the writer; unbuffered, so what was received is answered
	forget chan *request // too
	stop   chan struct{} // closed by Close
	done   chan struct{} // closed when the writer has ended
	close  func() error

	// The writer's own.
	broken error // why nothing can be written before a new server is started
	block  int   // the newest file of entries whose name is on the disk

	engineLock sync.RWMutex // held for reading during a request, for writing to replace the server
	engine     *engine      // nil when it could not be started again, and after Close

	boundsLock sync.Mutex
	bounds     bounds
	recovered  string
	changed    chan struct{} // closed and replaced when bounds changes
}

// bounds is what is in the journal and may be read.
type bounds struct {
	first, last input.Position // first is last+1 when there is none
	entries     uint64
	bytes       int64
}

var (
	errClosed = fault.New(fault.Unavailable, "the journal is closed")
	errInUse  = fault.New(fault.Conflict, "another process has it open")
)

// Open opens the journal in dir, which belongs to it alone, and creates it if there is
// none. It is refused while another process, or another part of this one, has it open.
// What was appended before is recovered, as far as the disk still has it; Recovered says
// what is missing.
func Open(ctx context.Context, dir string, o Options) (j *Journal, err error) {
	if o.MaxBytes < 0 {
		return nil, fault.New(fault.Invalid, "the limit of the journal is less than nothing")
	}
	j = &Journal{
		dir: dir, options: o,
		queue: make(chan *request), forget: make(chan *request),
		stop: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}),
	}
	j.close = sync.OnceValue(j.shut)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the journal: %w", err)
	}
	if j.lock, err = lock(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", dir, err)
	}
	if j.mark, err = openMark(filepath.Join(dir, "mark")); err == nil {
		if err = reserve(dir); err == nil {
			err = j.launch(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", dir, errors.Join(err, j.free()))
	}
	go j.run()
	return j, nil
}

// Recovered says in a sentence what was found damaged and lost when the journal was
// opened, or nothing.
func (j *Journal) Recovered() string {
	j.boundsLock.Lock()
	defer j.boundsLock.Unlock()
	return j.recovered
}

// First returns the position of the oldest entry, or that of the next if there is none.
func (j *Journal) First() input.Position { return j.now().first }

// Last returns the position of the newest entry. It is 0 before the first Append.
func (j *Journal) Last() input.Position { return j.now().last }

// Size returns how many entries there are and how many bytes they take on the disk.
func (j *Journal) Size() (entries uint64, bytes int64) {
	b := j.now()
	return b.entries, b.bytes
}

func (j *Journal) now() bounds {
	j.boundsLock.Lock()
	defer j.boundsLock.Unlock()
	return j.bounds
}

// set changes the bounds and wakes who waits for that.
func (j *Journal) set(change func(*bounds)) {
	j.boundsLock.Lock()
	defer j.boundsLock.Unlock()
	change(&j.bounds)
	close(j.changed)
	j.changed = make(chan struct{})
}

// Close ends the journal. Entries that are being appended are finished first; later calls
// of its methods fail.
func (j *Journal) Close() error { return j.close() }

func (j *Journal) shut() error {
	close(j.stop)
	<-j.done
	j.set(func(*bounds) {}) // wake who reads
	return j.free()
}

// free gives back what Open took.
func (j *Journal) free() error {
	j.engineLock.Lock()
	defer j.engineLock.Unlock()
	if j.engine != nil {
		j.engine.close()
		j.engine = nil
	}
	var err error
	if j.mark != nil {
		err = j.mark.close()
	}
	return errors.Join(err, j.lock.Close()) // closing the file gives up the lock
}
