// Package snapshot keeps what was learned on disk: a file that is there whole or not at
// all, and the secret of the installation.
//
// A snapshot is written beside the old one, synced, and then takes its name. Its bytes are
// checked by their SHA-256 before anything is made of them.
package snapshot

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/internal/fault"
)

const (
	keyName = "key"
	name    = "learned"
	before  = "learned.before"
	damaged = "learned.damaged"
	magic   = "vedette learned 2\n"
)

// Key returns the secret of the installation whose folder is dir, and makes it, and the
// folder, if there is none.
func Key(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("state folder: %w", err))
	}
	path := filepath.Join(dir, keyName)
	key, err := os.ReadFile(path)
	if err == nil && len(key) != 32 {
		err = errors.New("it is damaged: it should have 32 bytes")
	}
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err = rand.Read(key); err == nil {
			err = writeFile(path, key, "")
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("key of the installation: %w", err))
	}
	return key, nil
}

// Load hands the snapshot in dir to restore, if there is one, and says whether there was.
// An error says where the file is and what to do about it.
func Load(dir string, restore func([]byte) error) (bool, error) {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		var body []byte
		if body, err = check(b); err == nil {
			err = restore(body)
		}
	}
	if err != nil {
		return false, fault.Wrap(fault.Unreadable, fmt.Errorf("%s: %w; move the file away to learn anew", path, err))
	}
	return true, nil
}

// LoadBefore does the same with the snapshot before, which [Replace] keeps. If there is a
// newer one, it is put aside: whoever asks for the one before could not use it.
func LoadBefore(dir string, restore func([]byte) error) (bool, error) {
	path := filepath.Join(dir, name)
	if err := os.Rename(path, filepath.Join(dir, damaged)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("putting a damaged snapshot aside: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, before))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var body []byte
	if err == nil {
		body, err = check(b)
	}
	if err == nil {
		err = restore(body)
	}
	if err != nil {
		return false, fault.Wrap(fault.Unreadable, fmt.Errorf("%s: %w", filepath.Join(dir, before), err))
	}
	return true, nil
}

// check returns the body of a snapshot.
func check(b []byte) ([]byte, error) {
	if len(b) < len(magic)+sha256.Size || string(b[:len(magic)]) != magic {
		return nil, errors.New("this is not a snapshot of this version")
	}
	sum, body := b[len(magic):][:sha256.Size], b[len(magic)+sha256.Size:]
	if got := sha256.Sum256(body); string(got[:]) != string(sum) {
		return nil, errors.New("the snapshot is damaged: its checksum does not fit")
	}
	return body, nil
}

// Save replaces the snapshot in dir.
func Save(dir string, body []byte) error {
	if err := writeFile(filepath.Join(dir, name), whole(body), ""); err != nil {
		return fmt.Errorf("keeping what was learned: %w", err)
	}
	return nil
}

// Replace replaces the snapshot in dir and keeps the one that was there for [LoadBefore].
// After a crash in the middle there may be none but that.
func Replace(dir string, body []byte) error {
	if err := writeFile(filepath.Join(dir, name), whole(body), filepath.Join(dir, before)); err != nil {
		return fmt.Errorf("keeping what was learned: %w", err)
	}
	return nil
}

// whole returns a snapshot with what it is checked by.
func whole(body []byte) []byte {
	sum := sha256.Sum256(body)
	b := append(append(make([]byte, 0, len(magic)+len(sum)+len(body)), magic...), sum[:]...)
	return append(b, body...)
}

// writeFile writes a file that is there whole or not at all. What was there gets the other
// name, if there is one.
func writeFile(path string, b []byte, other string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // of no effect once it is renamed
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil && other != "" {
		if err = os.Rename(path, other); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	// Not every system syncs folders, so its answer is not asked for.
	_ = dir.Sync()
	return dir.Close()
}
