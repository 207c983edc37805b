// Package segments is the event store: it keeps the events of resolved batches in files
// that any Parquet engine reads, and finds them again by entity and time.
//
// Events are gathered in memory, where nothing is durable: the log holds them. Sealing
// writes them to segments, sorted by subject and time, and then [Store.Safe] says up to
// which entry the log may forget. A segment is one Parquet file and, beside it, an index
// that says which of its rows an entity takes part in. Its place says whose events it
// holds: DIR/TENANT/SITE/2026/11/25/FIRST-LAST-N.parquet, where FIRST and LAST are entries
// of the log. The day is that of the events, and all of them are kept equally long. Small
// segments of a day become one, see [Store.Merge].
//
// The files are written anew and renamed when they are whole and on disk; last comes the
// file "sealed", which makes the seal count. After a crash, what was not finished is
// written again from the log: whoever adds the same entries again adds no row twice. What
// is damaged is moved aside, never deleted, and [Store.Problems] says so.
//
// A row holds the whole of an event: reading it gives an event equal to the one that was
// added. An index can be made again from its Parquet file.
package segments

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/input"
)

// Options is how a store works. The zero Options keeps all events for ever.
type Options struct {
	SegmentRows  int           // events in memory after which Add seals; 0 is 262,144
	SegmentBytes int           // bytes of them, likewise; 0 is 128 MiB
	SegmentAge   time.Duration // after which Flush seals; 0 is an hour
	// Retention is how long events of a type are kept; 0, or no entry, is for ever. It is
	// kept to by Enforce, to the day.
	Retention map[event.Type]time.Duration
	// DiskBudget is how many bytes the store may take on disk; 0 is without limit. Beyond
	// it Enforce removes the oldest segments.
	DiskBudget int64
	OpenFiles  int // that are kept open between queries, at most; 0 is 64
	// Held is the first entry that the log still holds; 0 if that is not known. What Open
	// finds damaged is wanted again from there on: see Safe.
	Held input.Position
}

// Store is a store of events. Its methods may be called at the same time; Add, by one
// goroutine.
type Store struct {
	dir    string
	o      Options
	layout *layout
	files  handles

	sealing sync.Mutex // held while segments are written or removed; before mu

	mu       sync.RWMutex
	segments []*segment // by last, first and number; replaced, never changed
	open     *memory    // takes what is added
	full     *memory    // is being sealed; nil if none is
	safe     input.Position
	added    input.Position // the last entry that was added, or is known to be safe
	again    *again         // entries after safe that may be there already
	sealed   commit
	problems []Problem
	closed   bool

	trip func(step string) error // of tests: lets a step of sealing fail
}

// segment is one file of events and its index.
type segment struct {
	about
	name  string
	path  string // without the extension
	bytes int64  // of both files
	merging

	mu     sync.Mutex
	fences []fence // of the index; nil until it is asked
	gone   bool    // it was removed
}

const (
	eventsExt  = ".parquet"
	indexExt   = ".index"
	tempExt    = ".tmp"
	damagedExt = ".damaged"
)

// Problem is something that is wrong with the files of a store.
type Problem struct {
	Path        string         // of the file, or where it was moved
	Reason      string         // for people
	First, Last input.Position // entries of the log it concerns; 0 if not known
	Rows        int            // events that cannot be read; 0 if none, or not known
	Lost        bool           // the events, or some of them, are not in the log any more, as far as the store knows
}

// Open opens the store in a folder, which it makes if need be. What it finds wrong there is
// told by [Store.Problems]; an error means that it cannot work at all. A folder must not be
// opened twice at the same time.
func Open(dir string, o Options) (*Store, error) {
	if o.SegmentRows <= 0 {
		o.SegmentRows = 256 << 10
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 128 << 20
	}
	if o.SegmentAge <= 0 {
		o.SegmentAge = time.Hour
	}
	if o.OpenFiles <= 0 {
		o.OpenFiles = 64
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("opening the event store: %w", err))
	}
	s := &Store{dir: dir, o: o, layout: newLayout(), open: newMemory(nil), files: handles{most: o.OpenFiles}}
	if err := s.recover(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("opening the event store: %w", err))
	}
	return s, nil
}

// Add adds the events of a batch, which entry at of the log made. Entries come in the order
// of the log; one that was added before is passed over. The batch stays the caller's.
//
// When enough is gathered, Add first seals it, which takes a second or so. If that fails
// Add adds nothing and returns the error; it can be tried again.
func (s *Store) Add(b *event.Batch, at input.Position) error {
	s.mu.RLock()
	added, n, size := s.added, len(s.open.batch.Events), s.open.batch.Size()
	s.mu.RUnlock()
	if at <= added {
		return nil
	}
	if n > 0 && (n+len(b.Events) > s.o.SegmentRows || size+b.Size() > s.o.SegmentBytes) {
		if err := s.Seal(); err != nil {
			return err
		}
	}
	known := s.known(at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.open.add(b, at, known)
	s.added = at
	return nil
}

var errClosed = errors.New("the event store is closed")

// Full returns how much of its memory the store has filled, from 0 on. At 1 Add seals, and
// its caller waits; who has Seal called by another goroutine before that does not wait.
func (s *Store) Full() float64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return max(float64(len(s.open.batch.Events))/float64(s.o.SegmentRows), float64(s.open.batch.Size())/float64(s.o.SegmentBytes))
}

// Safe returns the last entry of the log that is in sealed segments, with all before it:
// the log may forget them, and after a crash whoever adds goes on with the next.
//
// When Open finds a segment damaged whose entries the log still holds, Safe is the entry
// before the first of them: whoever adds them again gets back what was in it, and no row
// twice. They have to be resolved as they were the first time, so by the state of who is
// who as of that entry or before.
func (s *Store) Safe() input.Position {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.safe
}

// Stats is how much a store holds.
type Stats struct {
	Segments int
	Rows     int64 // in segments
	Bytes    int64 // of segments on disk, with their indexes
	Open     int   // events that are in memory alone
	Memory   int   // bytes that they take
	From, To int64 // times of the first and the last event in segments; 0 if there is none
}

// Stats returns how much there is.
func (s *Store) Stats() (n Stats) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, g := range s.segments {
		if n.Segments == 0 {
			n.From, n.To = g.From, g.To
		}
		n.Segments++
		n.Rows += int64(g.Rows)
		n.Bytes += g.bytes
		n.From, n.To = min(n.From, g.From), max(n.To, g.To)
	}
	for _, m := range []*memory{s.open, s.full} {
		if m != nil {
			n.Open += len(m.batch.Events)
			n.Memory += m.size()
		}
	}
	return n
}

// Problems returns what was found wrong since the store was opened.
func (s *Store) Problems() []Problem {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.problems)
}

func (s *Store) problem(p Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

// Ease seals what is in memory, and lets go of what is only kept there to be quicker.
func (s *Store) Ease() error {
	err := s.Seal()
	s.mu.Lock()
	if s.open.last == 0 {
		s.open = newMemory(nil)
	}
	all := s.segments
	s.mu.Unlock()
	for _, g := range all {
		g.mu.Lock()
		g.fences = nil
		g.mu.Unlock()
	}
	return errors.Join(err, s.files.ease())
}

// Close closes the store. What was not sealed is forgotten: the log has it.
func (s *Store) Close() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.files.close()
}

// file returns the open file of a segment. It must be released.
func (s *Store) file(g *segment) (*handle, error) {
	h, err := s.files.acquire(g.path+eventsExt, &g.about)
	if err != nil {
		return nil, err
	}
	if h.rows != g.Rows {
		s.files.release(h)
		return nil, errors.New("it has another number of rows than its index says")
	}
	return h, nil
}

// find returns the rows of a segment that an entity takes part in.
func (g *segment) find(q *Query) ([]span, error) {
	g.mu.Lock()
	fences := g.fences
	g.mu.Unlock()
	if fences == nil {
		var err error
		if _, fences, err = readTail(g.path + indexExt); err != nil {
			return nil, err
		}
		g.mu.Lock()
		g.fences = fences
		g.mu.Unlock()
	}
	f, err := os.Open(g.path + indexExt)
	if err != nil {
		return nil, err
	}
	rows, err := find(f, fences, q.Entity, q.Role)
	return rows, errors.Join(err, f.Close())
}

// relative returns the path of a file below the store's folder, with slashes.
func (s *Store) relative(path string) string {
	if r, err := filepath.Rel(s.dir, path); err == nil {
		return filepath.ToSlash(r)
	}
	return path
}
