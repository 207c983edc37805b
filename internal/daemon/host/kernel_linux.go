package host

import (
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock asks the kernel how its clock is kept; see adjtimex(2).
func SystemClock() Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return Clock{}
	}
	synchronised := state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	return Clock{Known: true, Synchronised: synchronised, Error: time.Duration(t.Maxerror) * time.Microsecond}
}

// ReceiveBuffer returns how large a buffer the kernel grants a socket, in bytes, and the
// setting that says so.
func ReceiveBuffer() (size int64, setting string, ok bool) {
	n, ok := number("/proc/sys/net/core/rmem_max")
	return n, "net.core.rmem_max", ok
}

// Memory returns how many bytes of memory this process may use at most: what the machine has,
// or what its control groups leave it (cgroup v2, memory.max).
func Memory() (limit int64, ok bool) {
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range bytes.Lines(b) {
			if f := bytes.Fields(line); len(f) >= 2 && string(f[0]) == "MemTotal:" {
				kb, err := strconv.ParseInt(string(f[1]), 10, 64)
				limit, ok = kb<<10, err == nil
			}
		}
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return limit, ok
	}
	for line := range strings.Lines(string(b)) {
		group, v2 := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for ; v2; group = path.Dir(group) {
			if n, set := number(path.Join("/sys/fs/cgroup", group, "memory.max")); set && (!ok || n < limit) {
				limit, ok = n, true
			}
			if group == "/" || group == "." {
				break
			}
		}
	}
	return limit, ok
}

// Resident returns how many bytes of memory a process takes.
func Resident(pid int) (int64, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	f := strings.Fields(string(b))
	if err != nil || len(f) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// Opened returns how many files this process has open.
func Opened() (int, bool) {
	all, err := os.ReadDir("/proc/self/fd")
	return len(all), err == nil
}

func number(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}
