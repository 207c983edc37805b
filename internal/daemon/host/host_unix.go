//go:build linux || darwin

package host

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes can still be written on the disk of a folder.
func Free(folder string) (int64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // their types differ by system
}

// Owner returns the user and the group that own a file.
func Owner(path string) (uid, gid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}

// Files returns how many files this process may have open.
func Files() (uint64, bool) {
	var r unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r)
	return uint64(r.Cur), err == nil //nolint:unconvert // its type differs by system
}
