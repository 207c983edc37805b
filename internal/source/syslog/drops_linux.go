package syslog

import (
	"bytes"
	"net"
	"os"
	"strconv"
	"syscall"
)

// drops returns how many packets of a socket the kernel dropped.
func drops(c *net.UDPConn) uint64 {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var s syscall.Stat_t
	if err := raw.Control(func(fd uintptr) { _ = syscall.Fstat(int(fd), &s) }); err != nil || s.Ino == 0 {
		return 0
	}
	inode := strconv.FormatUint(s.Ino, 10)
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(b) {
			if f := bytes.Fields(line); len(f) == 13 && string(f[9]) == inode {
				n, _ := strconv.ParseUint(string(f[12]), 10, 64)
				return n
			}
		}
	}
	return 0
}
