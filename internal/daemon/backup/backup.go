// Package backup puts all that a daemon keeps into one file and makes a data folder of such
// a file again.
//
// A backup is what the daemon was at one entry of the log: the snapshot of what was learned,
// the entries of the log beyond it, the sealed events, and the state that people see.
// Whoever starts on it applies those entries, as after a crash, and is where the daemon
// was. Nothing is in it twice: events that are sealed already are known by their ids.
//
// The keys of the installation are in it only when they are asked for.
package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/store/archive"
	"vedette/internal/store/journal"
	"vedette/internal/store/snapshot"
	"vedette/internal/store/state"
)

// Names below the data folder and in an archive alike.
const (
	learnedName = "learned/learned"
	learnedKey  = "learned/" + state.KeyFile
	stateName   = "state/" + state.File
	stateKey    = "state/" + state.KeyFile
	booksName   = "sources.json"
	eventsDir   = "events"
	journalName = "journal/entries" // of the archive only: in the folder there is a journal
)

// staged begins the names of folders in which backups are gathered.
const staged = ".backup-"

// Source is what a backup is made of.
type Source struct {
	Data    string // the folder
	Journal *journal.Journal
	State   *state.Store
	// Sealed is the last entry of the log whose events are in sealed segments, with all before.
	Sealed func() input.Position
	// Learned returns the entry that the body of a snapshot stands for.
	Learned func(body []byte) (input.Position, error)
	Site    string
	Program string // its version
	Now     func() time.Time
}

// Set is what a backup holds, gathered in a folder of its own: what is in it stays as it
// is while the daemon goes on. It must be closed.
type Set struct {
	about archive.About
	dir   string
	keys  string // the data folder, if the keys are asked for
}

// Gather gathers what a backup holds. While it does, nobody may save what was learned, remove
// events, or have the log forget entries; to add to the log and to the state is fine.
func (s Source) Gather(ctx context.Context, keys bool) (set *Set, err error) {
	dir, err := os.MkdirTemp(s.Data, staged)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("gathering a backup: %w", err))
	}
	set = &Set{dir: dir, about: archive.About{Program: s.Program, Site: s.Site, Made: s.Now(), Keys: keys}}
	defer func() {
		if err != nil {
			err = fmt.Errorf("gathering a backup: %w", errors.Join(err, set.Close()))
			set = nil
		}
	}()
	if keys {
		set.keys = s.Data
	}
	if err := s.learned(set); err != nil {
		return set, err
	}
	set.about.First = min(set.about.Learned, s.Sealed()) + 1
	if err := s.events(set); err != nil {
		return set, err
	}
	// The state is of a later moment than the snapshot and of an earlier one than the last
	// entry, so whoever applies the entries brings it to what it would be, and finds nothing
	// there that is not in them.
	if err := os.MkdirAll(filepath.Join(dir, "state"), 0o700); err != nil {
		return set, err
	}
	if err := s.State.Backup(ctx, set.path(stateName)); err != nil {
		return set, err
	}
	return set, s.entries(ctx, set)
}

func (s *Set) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// learned takes the snapshot, if there is one, and what it stands for.
func (s Source) learned(set *Set) error {
	if err := errors.Join(s.maybe(set, learnedName), s.maybe(set, booksName)); err != nil {
		return err
	}
	_, err := snapshot.Load(filepath.Dir(set.path(learnedName)), func(body []byte) (err error) {
		set.about.Learned, err = s.Learned(body)
		return err
	})
	return err
}

// events takes the sealed segments. The note of what was sealed last goes first, so that what
// it names is there by then. What is sealed meanwhile may come along: its events are known
// again by their ids.
func (s Source) events(set *Set) error {
	if err := s.maybe(set, eventsDir+"/sealed"); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(s.Data, eventsDir), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // there is none yet
			return nil
		}
		if err != nil || d.IsDir() || path.Ext(p) != segmentExt {
			return err
		}
		rel, err := filepath.Rel(s.Data, p)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.ToSlash(rel), segmentExt)
		return errors.Join(s.maybe(set, name+segmentExt), s.maybe(set, name+indexExt))
	})
}

// Extensions of the event store: a segment, and its index, which can be made again.
const (
	segmentExt = ".parquet"
	indexExt   = ".index"
)

// maybe keeps a file of the data folder, if it is there.
func (s Source) maybe(set *Set, name string) error {
	err := keep(filepath.Join(s.Data, filepath.FromSlash(name)), set.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keep keeps a file that is never written again under another name: as another name of the
// same file, or as a copy where the system knows no such thing.
func keep(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// entryHead is what stands before an entry in an archive: its position and its length.
const entryHead = 8 + 4

// entries copies the entries of the log beyond the snapshot, up to the last there is.
func (s Source) entries(ctx context.Context, set *Set) (err error) {
	set.about.Position = max(s.Journal.Last(), set.about.First-1)
	if err := os.MkdirAll(filepath.Dir(set.path(journalName)), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(set.path(journalName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if set.about.Position < set.about.First {
		return nil
	}
	enough := errors.New("enough")
	var head [entryHead]byte
	err = s.Journal.Read(ctx, set.about.First, false, func(at input.Position, data []byte) error {
		if at > set.about.Position {
			return enough
		}
		binary.LittleEndian.PutUint64(head[:], uint64(at))
		binary.LittleEndian.PutUint32(head[8:], uint32(len(data)))
		_, err := f.Write(slices.Concat(head[:], data))
		return err
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

// Write writes the backup as one archive.
func (s *Set) Write(ctx context.Context, to io.Writer) error {
	w, err := archive.NewWriter(to, s.about.Made)
	if err != nil {
		return err
	}
	if s.keys != "" {
		for _, name := range []string{learnedKey, stateKey} {
			if err := add(w, "keys/"+name, filepath.Join(s.keys, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	err = filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error { // in order of name
		if err != nil || d.IsDir() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, p)
		if err != nil {
			return err
		}
		return add(w, filepath.ToSlash(rel), p)
	})
	if err != nil {
		return fmt.Errorf("writing a backup: %w", err)
	}
	return w.Close(s.about)
}

func add(w *archive.Writer, name, p string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return w.Add(name, info.Size(), f)
}

// Close removes what was gathered.
func (s *Set) Close() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing what was gathered for a backup: %w", err)
	}
	return nil
}

// Tidy removes what backups left in a data folder that were interrupted. No backup may be
// under way.
func Tidy(data string) error {
	left, err := filepath.Glob(filepath.Join(data, staged+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return fmt.Errorf("tidying up after a backup: %w", err)
	}
	return nil
}
