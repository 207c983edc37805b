package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"vedette/internal/fault"
)

// usable makes the folder of data if need be, and sees whether it can be written to: all
// that fails later would say less.
func usable(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".writable-"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err == nil {
		return nil
	}
	why := err
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		why = p.Err
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("data: nothing can be kept in %s: %w; nothing was changed. "+
		"Name another folder, or let the user that runs Vedette write there", dir, why))
}

// inUse says what it means that the journal is open already.
func inUse(dir string, err error) error {
	if err == nil || fault.KindOf(err) != fault.Conflict {
		return fmt.Errorf("journal: %w", err)
	}
	return fault.Wrap(fault.Conflict, fmt.Errorf("vedette runs already on the data in %s, and goes on. End it first, or name another folder as data", dir))
}
