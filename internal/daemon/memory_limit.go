package daemon

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

const (
	share     = 60      // percent of the memory there is that we take if nobody says how much
	unknown   = 4 << 30 // bytes that there are taken to be where the system does not say
	leastAuto = 256 << 20
)

// memoryLimit returns how many bytes of memory to use: what the configuration says, or
// else a share of what there is, be it of the machine or of the control group.
func memoryLimit(configured int64) int64 {
	if configured > 0 {
		return configured
	}
	return max(leastAuto, available(os.ReadFile)/100*share)
}

// available returns how many bytes of memory this process may have, by Linux: see
// proc_meminfo(5) and "memory.max" of the kernel's cgroup-v2.
func available(read func(string) ([]byte, error)) int64 {
	n := int64(math.MaxInt64)
	if b, err := read("/proc/meminfo"); err == nil {
		for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
			if f := strings.Fields(s.Text()); len(f) == 3 && f[0] == "MemTotal:" {
				if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil && kb > 0 {
					n = kb << 10
				}
			}
		}
	}
	groups, _ := read("/proc/self/cgroup") // without groups there is no limit by them
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if f[1] == "memory" {
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if f[1] != "" {
			continue
		}
		for at := path.Clean("/" + f[2]); ; at = path.Dir(at) { // what holds for a group holds for those below it
			if b, err := read(path.Join(root, at, file)); err == nil {
				if most, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && most > 0 {
					n = min(n, most)
				}
			}
			if at == "/" {
				break
			}
		}
	}
	if n == math.MaxInt64 {
		return unknown
	}
	return n
}
