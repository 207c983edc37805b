package backup

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/store/archive"
	"vedette/internal/store/journal"
	"vedette/internal/store/snapshot"
	"vedette/internal/store/state"
)

// Report is what a backup was found to hold.
type Report struct {
	archive.About
	Files    int   // segments, their indexes and all the rest
	Bytes    int64 // unpacked
	Segments int
	Entries  int // of the log
	Schema   int // of the state
}

// Check reads a backup from its beginning to its end and checks all that can be checked
// without the keys: every file against its SHA-256, that the entries of the log follow on
// each other and on the snapshot, that the snapshot can be read (by learned, which returns the entry it stands for), and the state: its pages, its
// references, the chain of its audit. It needs room for the state and the snapshot in a
// folder for what is temporary; "" is that of the system.
func Check(ctx context.Context, file, temporary string, learned func([]byte) (input.Position, error)) (r Report, err error) {
	f, err := os.Open(file)
	if err != nil {
		return r, fault.Wrap(fault.Unreadable, fmt.Errorf("reading the backup: %w", err))
	}
	defer f.Close()
	dir, err := os.MkdirTemp(temporary, ".vedette-check-")
	if err != nil {
		return r, fault.Wrap(fault.Unavailable, fmt.Errorf("checking the backup: %w", err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c := checking{dir: dir}
	m, err := archive.Read(stopping{ctx, f}, math.MaxInt64, c.visit)
	r = c.report
	if r.About = m.About; err == nil {
		err = c.compare(ctx, r, learned, &r.Schema)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// stopping is a reader that ends with a context.
type stopping struct {
	ctx  context.Context
	from io.Reader
}

func (s stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(b)
}

// checking is what has been seen of a backup.
type checking struct {
	dir         string
	report      Report
	learned     bool
	state       bool
	first, last input.Position // of the log
}

func (c *checking) visit(m archive.Member, from io.Reader) error {
	c.report.Files++
	c.report.Bytes += m.Size
	switch kind, _ := kindOf(m.Name); kind {
	case events:
		if strings.HasSuffix(m.Name, segmentExt) {
			c.report.Segments++
		}
		return nil
	case log:
		for e, err := range entriesOf(from, m.Size) {
			if err != nil {
				return err
			}
			if c.last > 0 && e.at != c.last+1 {
				return fmt.Errorf("entry %d of the log follows on %d", e.at, c.last)
			}
			if c.last = e.at; c.first == 0 {
				c.first = e.at
			}
			c.report.Entries++
		}
		return nil
	case keys:
		if m.Size != 32 {
			return fmt.Errorf("it has %d bytes and not 32", m.Size)
		}
		return nil
	case snapshots:
		c.learned = true
	case people:
		c.state = true
	case books:
		return nil
	default:
		return fault.New(fault.Invalid, "a backup holds no such file")
	}
	return write(filepath.Join(c.dir, filepath.Base(m.Name)), from)
}

// compare compares what was seen with what the manifest says.
func (c *checking) compare(ctx context.Context, r Report, learned func([]byte) (input.Position, error), schema *int) (err error) {
	var at input.Position
	if c.learned {
		if _, err := snapshot.Load(c.dir, func(body []byte) (err error) {
			at, err = learned(body)
			return err
		}); err != nil {
			return err
		}
	}
	entries := input.Position(r.Entries)
	switch {
	case at != r.Learned:
		return fmt.Errorf("what was learned stands for entry %d of the log and not for %d", at, r.Learned)
	case r.First < 1 || r.First > r.Learned+1 || r.Position+1 != r.First+entries || r.Position < r.Learned || entries > 0 && c.first != r.First:
		return fmt.Errorf("the log goes from entry %d on for %d entries; from %d to %d were expected, and %d is learned", c.first, entries, r.First, r.Position, r.Learned)
	case !c.state:
		return errors.New("there is no state in it")
	}
	*schema, err = state.Examine(ctx, filepath.Join(c.dir, state.File))
	return err
}

// kind is what a file of an archive is.
type kind int

const (
	unknown kind = iota
	events
	log
	keys
	snapshots
	people
	books
)

// kindOf returns what a file of an archive is, and where it belongs in the data folder.
func kindOf(name string) (kind, string) {
	switch name {
	case learnedName:
		return snapshots, name
	case stateName:
		return people, name
	case booksName:
		return books, name
	case journalName:
		return log, name
	case "keys/" + learnedKey, "keys/" + stateKey:
		return keys, strings.TrimPrefix(name, "keys/")
	case eventsDir + "/sealed":
		return events, name
	}
	if strings.HasPrefix(name, eventsDir+"/") && (strings.HasSuffix(name, segmentExt) || strings.HasSuffix(name, indexExt)) {
		return events, name
	}
	return unknown, ""
}

// logged is an entry of the log with its position.
type logged struct {
	at   input.Position
	data []byte // the caller's
}

// entriesOf reads the entries that Source.entries wrote, size bytes in all.
func entriesOf(from io.Reader, size int64) iter.Seq2[logged, error] {
	return func(yield func(logged, error) bool) {
		in := bufio.NewReaderSize(io.LimitReader(from, size), 1<<20)
		var head [entryHead]byte
		for {
			if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				yield(logged{}, fmt.Errorf("an entry of the log is cut off: %w", err))
				return
			}
			n := binary.LittleEndian.Uint32(head[8:])
			if n == 0 || n > journal.MaxEntry {
				yield(logged{}, fmt.Errorf("an entry of the log would have %d bytes", n))
				return
			}
			e := logged{input.Position(binary.LittleEndian.Uint64(head[:])), make([]byte, n)}
			if _, err := io.ReadFull(in, e.data); err != nil {
				yield(logged{}, fmt.Errorf("an entry of the log is cut off: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// write writes a new file that only its owner can read.
func write(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
