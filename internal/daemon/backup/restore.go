package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"time"

	"vedette/internal/daemon/host"
	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/store/archive"
	"vedette/internal/store/journal"
	"vedette/internal/store/state"
)

// unfinished is a file in a data folder as long as it is being restored. It is there before
// anything else is, and goes last.
const unfinished = "restoring"

// spare is how many bytes of a disk restoring leaves free.
const spare = 64 << 20

// Whole returns an error if the data folder was left half restored. Nothing may run on
// such a one.
func Whole(data string) error {
	if _, err := os.Stat(filepath.Join(data, unfinished)); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fault.Wrap(fault.Unreadable, fmt.Errorf("looking at the data folder: %w", err))
	}
	return fault.New(fault.Unreadable, data+" was left half restored; the backup was not touched. Empty the folder and restore again")
}

// Into says how a backup is restored.
type Into struct {
	Data    string // the folder, which must be empty but for the keys
	Keep    string // see [state.Options]
	Learned func([]byte) (input.Position, error)
	Now     func() time.Time
}

// Restored is what became of a backup.
type Restored struct {
	Report
	Unsealed  bool       // the key of the state was not there, so there is a new one
	Unblinded bool       // likewise the secret by which protected values are hashed
	Lost      state.Lost // what could not be read without the key
	Owner     int        // user id to whom the files were given; -1 if they are the caller's
}

// Restore makes a data folder of a backup after checking it. Keys that stand in the folder
// already, as state/key and learned/key, are used; without them, and if they are not in
// the backup, new ones are made. Either all is there in the end, or the folder is as it was;
// if it is interrupted, nothing starts on what is there: see [Whole].
func Restore(ctx context.Context, file string, into Into) (r Restored, err error) {
	if err := empty(into.Data); err != nil {
		return r, err
	}
	if r.Report, err = Check(ctx, file, "", into.Learned); err != nil {
		return r, err
	}
	if err := os.MkdirAll(into.Data, 0o700); err != nil {
		return r, fault.Wrap(fault.Unavailable, fmt.Errorf("restoring: %w", err))
	}
	if free, ok := host.Free(into.Data); ok && r.Bytes > free-spare {
		return r, fault.New(fault.Unavailable, fmt.Sprintf("%s needs %d MB of room and %s has %d MB; nothing was written", file, r.Bytes>>20, into.Data, free>>20))
	}
	root, err := os.OpenRoot(into.Data)
	if err != nil {
		return r, fault.Wrap(fault.Unavailable, fmt.Errorf("restoring: %w", err))
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := write(filepath.Join(into.Data, unfinished), nothing{}); err != nil {
		return r, fault.Wrap(fault.Unavailable, fmt.Errorf("restoring: %w", err))
	}
	u := unpacking{into: into, root: root, restored: &r}
	err = u.all(ctx, file)
	if err == nil {
		err = u.settle()
	}
	if err != nil {
		return r, fmt.Errorf("restoring: %w", errors.Join(err, u.undo()))
	}
	return r, nil
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// empty makes sure that a data folder holds nothing but keys, or is not there.
func empty(data string) error {
	return filepath.WalkDir(data, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return fault.Wrap(fault.Unreadable, fmt.Errorf("looking at the data folder: %w", err))
		}
		rel, err := filepath.Rel(data, p)
		if err != nil || d.IsDir() && (rel == "lost+found" || slices.Contains([]string{".", "state", "learned"}, rel)) {
			if rel == "lost+found" {
				return fs.SkipDir
			}
			return err
		}
		if name := filepath.ToSlash(rel); name != stateKey && name != learnedKey {
			return fault.New(fault.Conflict, fmt.Sprintf("%s is not empty (there is %s); a backup is restored into an empty folder, never over another", data, name))
		}
		return nil
	})
}

// unpacking is a restore that is under way.
type unpacking struct {
	into     Into
	root     *os.Root
	restored *Restored
	made     []string // files, below the data folder
}

// part is where the state waits until it is checked with its key.
const part = "restoring.state"

// all reads the backup once more and puts everything where it belongs.
func (u *unpacking) all(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := archive.Read(stopping{ctx, f}, u.restored.Bytes, func(m archive.Member, from io.Reader) error {
		what, name := kindOf(m.Name)
		switch what {
		case log:
			return u.fill(ctx, m.Size, from)
		case people:
			return u.put(part, from)
		case keys:
			if _, err := u.root.Stat(filepath.FromSlash(name)); err == nil {
				return nil // that of the folder was put there on purpose; a wrong one is noticed
			}
		case unknown:
			return fault.New(fault.Invalid, "a backup holds no such file")
		}
		return u.put(name, from)
	})
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(m.About, u.restored.About) {
		return fault.New(fault.Conflict, file+" was replaced while it was read")
	}
	if err := u.people(ctx); err != nil {
		return err
	}
	if _, err := u.root.Stat(filepath.FromSlash(learnedKey)); errors.Is(err, fs.ErrNotExist) {
		u.restored.Unblinded = true // it is made at the first start
	}
	return u.root.Remove(part)
}

// put writes a file below the data folder.
func (u *unpacking) put(name string, from io.Reader) error {
	p := filepath.FromSlash(name)
	if err := u.root.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	f, err := u.root.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	u.made = append(u.made, name)
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// fill fills the journal with the entries of the log.
func (u *unpacking) fill(ctx context.Context, size int64, from io.Reader) error {
	last, err := journal.Refill(ctx, filepath.Join(u.into.Data, "journal"), u.restored.First, func(yield func([]byte, error) bool) {
		for e, err := range entriesOf(from, size) {
			if !yield(e.data, err) {
				return
			}
		}
	})
	if err == nil && last != u.restored.Position {
		err = fmt.Errorf("the log ends at entry %d and not at %d", last, u.restored.Position)
	}
	return err
}

// people restores the state, with its key if that is there.
func (u *unpacking) people(ctx context.Context) (err error) {
	dir := filepath.Join(u.into.Data, "state")
	_, err = os.Stat(filepath.Join(dir, state.KeyFile))
	u.restored.Unsealed = errors.Is(err, fs.ErrNotExist)
	o := state.Options{Now: u.into.Now, Keep: u.into.Keep}
	if o.Key, err = state.ReadKey(dir, rand.Reader); err != nil {
		return err
	}
	if u.restored.Unsealed {
		u.made = append(u.made, stateKey)
		u.restored.Lost, err = state.RestoreWithoutKey(ctx, filepath.Join(u.into.Data, part), dir, o)
		return err
	}
	return state.Restore(ctx, filepath.Join(u.into.Data, part), dir, o)
}

// settle brings everything to the disk, gives it to the owner of the folder, and declares
// the folder whole.
func (u *unpacking) settle() error {
	uid, gid, owned := host.Owner(u.into.Data)
	u.restored.Owner = -1
	give := owned && os.Geteuid() == 0 && uid != 0
	if give {
		u.restored.Owner = uid
	}
	err := filepath.WalkDir(u.into.Data, func(p string, d fs.DirEntry, err error) error {
		if err == nil && give {
			err = os.Lchown(p, uid, gid)
		}
		if err == nil && d.IsDir() {
			err = syncFolder(p)
		}
		return err
	})
	if err == nil {
		err = u.root.Remove(unfinished)
	}
	return errors.Join(err, syncFolder(u.into.Data))
}

func syncFolder(p string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there, nor need be
		return nil
	}
	d, err := os.Open(p)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// undo makes the folder what it was. The mark goes last.
func (u *unpacking) undo() error {
	err := errors.Join(u.root.RemoveAll("journal"), u.root.RemoveAll(eventsDir))
	for _, tail := range []string{"", "-wal", "-shm"} {
		u.made = append(u.made, stateName+tail)
	}
	for _, name := range append(u.made, part) {
		if e := u.root.Remove(filepath.FromSlash(name)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return err
	}
	return u.root.Remove(unfinished)
}
