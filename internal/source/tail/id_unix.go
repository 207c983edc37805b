//go:build unix

package tail

import (
	"os"
	"syscall"
)

// idOf returns what tells a file from others on this machine while it exists.
func idOf(info os.FileInfo) (device, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), uint64(s.Ino)
	}
	return 0, 0
}
