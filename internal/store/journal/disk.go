package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"

	"vedette/internal/input"
)

// folder is where the server keeps the entries of the journal in dir: in files of up to 8
// MiB that are called 1.blk, 2.blk and so on.
func folder(dir string) string {
	return filepath.Join(dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", stream, "msgs")
}

func blockFile(dir string, n int) string { return filepath.Join(folder(dir), strconv.Itoa(n)+".blk") }

// blocks returns how many bytes the files of entries have together, and the number of
// the newest.
func blocks(dir string) (size int64, newest int, err error) {
	files, err := os.ReadDir(folder(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, fmt.Errorf("looking for entries: %w", err)
	}
	for _, f := range files {
		number, ok := strings.CutSuffix(f.Name(), ".blk")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return 0, 0, fmt.Errorf("looking for entries: %w", err)
		}
		size, newest = size+info.Size(), max(newest, n)
	}
	return size, newest, nil
}

// syncNewer puts the names of files of entries on the disk that are newer than the given,
// and returns the newest. The server syncs a new file, and not the folder it is in.
func syncNewer(dir string, newest int) (int, error) {
	was := newest
	for {
		if _, err := os.Stat(blockFile(dir, newest+1)); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return was, fmt.Errorf("looking for a new file of entries: %w", err)
		}
		newest++
	}
	if newest == was {
		return was, nil
	}
	if err := syncFolder(folder(dir)); err != nil {
		return was, err
	}
	return newest, nil
}

// syncFolders puts the names of all that is below dir on the disk, and dir's own.
func syncFolders(dir string) error {
	folders := []string{filepath.Dir(dir)}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // the server tidies up
			return nil
		case err == nil && d.IsDir():
			folders = append(folders, path)
		}
		return err
	})
	for _, f := range slices.Backward(folders) {
		if err == nil {
			err = syncFolder(f)
		}
	}
	if err != nil {
		return fmt.Errorf("syncing the journal: %w", err)
	}
	return nil
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be synced there, nor need be
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// probe returns an error if n more bytes cannot be written below dir.
func probe(dir string, n int64) error {
	f, err := os.CreateTemp(dir, "probe")
	if err == nil {
		_, err = io.CopyN(f, zeros{}, n)
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if isFull(err) {
		return errFull(err)
	}
	return err
}

// reserved is the room that is held for forgetting on a full disk: the server writes the
// rest of a file anew when it removes its beginning.
const reserved = 10 << 20

// reserve takes that room, unless it is taken or there is none.
func reserve(dir string) error {
	path := filepath.Join(dir, "reserve")
	if info, err := os.Stat(path); err == nil && info.Size() == reserved {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = io.CopyN(f, zeros{}, reserved)
		err = errors.Join(err, f.Close())
	}
	if isFull(err) {
		return release(dir)
	} else if err != nil {
		return fmt.Errorf("holding room for the journal: %w", err)
	}
	return nil
}

// release gives it back.
func release(dir string) error {
	if err := os.Remove(filepath.Join(dir, "reserve")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("making room for the journal: %w", err)
	}
	return nil
}

// isFull reports whether err is that of a full disk.
func isFull(err error) bool {
	return slices.ContainsFunc(diskFull, func(full error) bool { return errors.Is(err, full) })
}

// zeros is as many zeros as one reads.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// mark is a file that remembers where the journal begins and how far it has come. The
// end is written often and not synced: after the end of the process it is exact, after
// that of the machine it may be too low.
type mark struct {
	file *os.File

	lock        sync.Mutex
	first, last input.Position // 0 is not known
}

func openMark(path string) (*mark, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &mark{file: f}
	var b [32]byte
	if _, err := f.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading how far the journal has come: %w", errors.Join(err, f.Close()))
	}
	first, last := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
	if binary.LittleEndian.Uint64(b[16:]) == ^first && binary.LittleEndian.Uint64(b[24:]) == ^last {
		m.first, m.last = input.Position(first), input.Position(last)
	}
	return m, nil
}

func (m *mark) get() (first, last input.Position) {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.first, m.last
}

// begin remembers the first, on the disk.
func (m *mark) begin(first input.Position) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.first = first
	if err := m.write(); err != nil {
		return err
	}
	return m.file.Sync()
}

// reach remembers the last.
func (m *mark) reach(last input.Position) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.last = last
	return m.write()
}

func (m *mark) write() error {
	var b [32]byte
	for i, v := range []input.Position{m.first, m.last, ^m.first, ^m.last} {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
	if _, err := m.file.WriteAt(b[:], 0); err != nil {
		return fmt.Errorf("noting how far the journal has come: %w", err)
	}
	return nil
}

func (m *mark) close() error { return m.file.Close() }
