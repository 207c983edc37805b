package analyze

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vedette/internal/fault"
	"vedette/internal/rows"
)

// The state folder holds two files: key, the secret of the installation that keyed hashes
// are made with, and learned, one snapshot. A snapshot is written beside the old one,
// synced, and then takes its name, so that there is always a whole one.
const (
	keyName     = "key"
	learnedName = "learned"
	magic       = "vedette learned 1\n"
)

// load reads the state folder, if there is one to read.
func (r *run) load() error {
	r.key = []byte("without a state folder there is nothing to keep from anybody")
	if r.State == "" {
		return nil
	}
	if err := os.MkdirAll(r.State, 0o700); err != nil {
		return fault.Wrap(fault.Invalid, fmt.Errorf("state folder: %w", err))
	}
	var err error
	if r.key, err = installationKey(filepath.Join(r.State, keyName)); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(r.State, learnedName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unreadable, fmt.Errorf("reading what was learned: %w", err))
	}
	if err := r.restore(b); err != nil {
		return fault.Wrap(fault.Unreadable, fmt.Errorf("%s: %w; move the file away to learn anew", filepath.Join(r.State, learnedName), err))
	}
	return nil
}

// installationKey reads the secret of the installation, or makes it.
func installationKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) != 32 {
		err = errors.New("it is damaged: it should have 32 bytes")
	}
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err = rand.Read(key); err == nil {
			err = writeFile(path, key)
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("key of the installation: %w", err))
	}
	return key, nil
}

func (r *run) restore(b []byte) error {
	if len(b) < len(magic)+sha256.Size || string(b[:len(magic)]) != magic {
		return errors.New("this is not a snapshot of this version")
	}
	sum, body := b[len(magic):][:sha256.Size], b[len(magic)+sha256.Size:]
	if got := sha256.Sum256(body); string(got[:]) != string(sum) {
		return errors.New("the snapshot is damaged: its checksum does not fit")
	}
	in := rows.Reader{Src: body}
	var head []int64
	rows.Read(&in, &head)
	r.resolver.Read(&in)
	if in.Err != nil || len(head) != 1 {
		return errors.Join(errors.New("the snapshot is damaged"), in.Err)
	}
	r.learned, r.tick = head[0], head[0]
	rest, err := r.machine.Load(in.Src)
	if err == nil && len(rest) > 0 {
		err = errors.New("the snapshot is damaged: there is more in it than there should be")
	}
	return err
}

// save writes what was learned. What comes next time must be later.
func (r *run) save() error {
	if r.State == "" || r.done == r.late {
		return nil
	}
	body := rows.Append(nil, []int64{(r.tick/window + 1) * window})
	body = r.machine.Save(r.resolver.Append(body))
	sum := sha256.Sum256(body)
	b := append(append([]byte(magic), sum[:]...), body...)
	if err := writeFile(filepath.Join(r.State, learnedName), b); err != nil {
		return fmt.Errorf("keeping what was learned: %w", err)
	}
	return nil
}

// writeFile writes a file that is there whole or not at all.
func writeFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // of no effect once it is renamed
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
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
