//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// diskFull are the errors of a full disk.
var diskFull = []error{syscall.ENOSPC, syscall.EDQUOT}

// lock opens the file and locks it until it is closed or the process ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errInUse
	}
	return nil, errors.Join(err, f.Close())
}
