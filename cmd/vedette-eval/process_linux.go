package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// pinned returns the command that runs another on the last core, if there is taskset.
func pinned(name string, args []string) (string, []string) {
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return name, args
	}
	return taskset, append([]string{"-c", strconv.Itoa(runtime.NumCPU() - 1), name}, args...)
}

// asNobody makes a command run as a user without rights, unless we are one already.
func asNobody(cmd *exec.Cmd) error {
	const nobody = 65534
	if os.Geteuid() != 0 {
		return nil
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return nil
}

// watchPeak follows how much memory a process holds. The function it returns is called when
// the process has ended, and says how much it was at most. The kernel's own figure in the
// accounting of children can't be used by itself: it begins with what the parent held.
func watchPeak(pid int) func(*os.ProcessState) int64 {
	end, ended := make(chan struct{}), make(chan struct{})
	var peak int64
	go func() {
		defer close(ended)
		t := time.NewTicker(20 * time.Millisecond)
		defer t.Stop()
		for {
			var kb int64
			if n, _ := fmt.Sscan(field(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), &kb); n == 1 {
				peak = max(peak, kb<<10)
			}
			select {
			case <-t.C:
			case <-end:
				return
			}
		}
	}()
	return func(s *os.ProcessState) int64 {
		close(end)
		<-ended
		var own syscall.Rusage
		child, ok := s.SysUsage().(*syscall.Rusage)
		if ok && syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil && child.Maxrss > own.Maxrss {
			peak = max(peak, child.Maxrss<<10) // more than ours, so it is the child's
		}
		return peak
	}
}

// freeSpace returns how many bytes can be written to a folder.
func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// makePipe makes a named pipe.
func makePipe(path string) error { return syscall.Mkfifo(path, 0o644) }

// profile has a program that was built for it write its profile.
func (d *daemon) profile() error { return d.cmd.Process.Signal(syscall.SIGUSR1) }
