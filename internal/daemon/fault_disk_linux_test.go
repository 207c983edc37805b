package daemon

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"vedette/internal/fault"
)

// small mounts a disk of the given size.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// fill fills a disk to its last byte, and returns what gives the room back.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	path := filepath.Join(disk, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull fills the disk of the data folder while everything presses on the daemon,
// twice, and makes room again. Nothing ends, people are told, senders wait, and when there
// is room all goes on: every line and every acknowledged record is there once.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := small(t, "96m")
	h := build(t, disk)
	h.start()
	h.press.begin()
	var spans []time.Time
	for round := range 2 {
		before := h.daemon.learned()
		h.wait("load", func() bool { return h.daemon.learned() > before+2000 })
		free := fill(t, disk)
		h.wait("the log to take nothing", func() bool { return h.daemon.live.Stalled().Err != nil })
		h.wait("people to be told", func() bool { return strings.Contains(h.wrong(), "cannot be written") })
		h.told(logPart, "files wait where they are", "files wait where they are")
		h.press.lock.Lock()
		acknowledged := h.press.push
		h.press.lock.Unlock()
		h.press.flood.Store(round == 1)
		for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
			spans = append(spans, time.Now())
			if _, err := h.faces.desk.Sources.Sources(t.Context(), tenant); err != nil { // nothing but feeds waits
				t.Fatal(err)
			}
		}
		if h.daemon.live.Stalled().Err == nil {
			t.Error("the disk is not full")
		}
		h.press.lock.Lock()
		if more := h.press.push - acknowledged; more > 20 {
			t.Errorf("%d records were acknowledged on a full disk", more)
		}
		h.press.lock.Unlock()
		h.press.flood.Store(false)
		free()
		h.wait("the log to take entries", func() bool { return h.daemon.live.Stalled().Err == nil })
		h.wait("people to be told that it works", func() bool { return !strings.Contains(h.wrong(), "cannot be written") })
		if !strings.Contains(h.log.String(), "it works again") {
			t.Error("the log does not say that it works again")
		}
	}
	if n := strings.Count(h.log.String(), `msg="something is wrong" part=Log`); n != 2 {
		t.Errorf("the log says %d times what happened twice", n)
	}
	time.Sleep(time.Second)
	h.press.end()
	settled(h.daemon)
	checkReplay(t, h.daemon)
	lost := int64(0)
	for _, s := range h.faces.sources() {
		if strings.HasPrefix(s.Name, "syslog/") {
			lost += s.Lost
		}
	}
	h.stop()
	h.press.check(h.data, spans)
	seen := stored(t, h.data)
	udp := int64(len(h.press.sent[1]))
	for n := range seen {
		if n >= udp0 {
			udp--
		}
	}
	if lost == 0 {
		t.Error("nothing of a flood on a full disk was lost: nothing is shown")
	}
	if udp != lost {
		t.Errorf("%d datagrams are missing, %d are counted as lost", udp, lost)
	}
}

// TestDiskThatFails has every file of the daemon that would grow beyond a bound fail to, as
// a broken disk may. It waits, loses nothing, and says what is wrong and when it is not any
// more, once each.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPress(t, dir, filepath.Join(dir, "data"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+dir, loudChild+"=yes")
	said := &lines{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	defer end()
	wait := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %s\n%s", what, said)
			}
		}
	}
	bound := func(n uint64) {
		t.Helper()
		limit := syscall.Rlimit{Cur: n, Max: math.MaxUint64}
		_, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		if err != 0 {
			t.Skipf("the files of a program cannot be bounded: %v", err)
		}
	}
	p.begin()
	size := func() uint64 {
		info, err := os.Stat(newestBlock(p.data()))
		if err != nil {
			return 0
		}
		return uint64(info.Size())
	}
	for range 2 {
		n := strings.Count(said.String(), "it works again\" part=Log")
		before := size()
		wait("the log to grow", func() bool { return size() > before+100_000 })
		bound(size())
		wait("people to be told", func() bool { return strings.Count(said.String(), "The log cannot be written") == n+1 })
		time.Sleep(1500 * time.Millisecond)
		bound(math.MaxUint64)
		wait("people to be told that it works", func() bool { return strings.Count(said.String(), "it works again\" part=Log") == n+1 })
	}
	p.end()
	end()
	d, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	settled(d)
	stop()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	checkReplay(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	seen := stored(t, p.data())
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	for way, n := range map[uint64]uint64{tailed0: uint64(p.file.lines), pushed0: p.push} {
		for i := range n {
			if seen[way+i] != 1 {
				t.Fatalf("record %d is stored %d times", way+i, seen[way+i])
			}
		}
	}
	if twice > 0 || p.push == 0 {
		t.Errorf("%d records are stored more than once; %d were acknowledged", twice, p.push)
	}
}

// TestReadOnlyDisk starts on a disk that cannot be written: it says so and ends, and when
// it can be written everything goes on.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := small(t, "8g")
	h := build(t, disk)
	h.start()
	h.write(300)
	h.stop()
	h.press.file.write(200)
	if err := syscall.Mount("", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8g"); err != nil {
		t.Fatal(err)
	}
	err := h.open()
	if err == nil || !strings.Contains(err.Error(), "read-only file system") || !strings.Contains(err.Error(), h.data) {
		t.Errorf("on a read-only disk: kind %d, %v", fault.KindOf(err), err)
	}
	if err := syscall.Mount("", disk, "tmpfs", syscall.MS_REMOUNT, "size=8g"); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.wait("lines to be learned", func() bool { return int(h.daemon.learned()) >= h.press.file.lines })
	if wrong := h.wrong(); wrong != "" {
		t.Errorf("it says %s", wrong)
	}
	h.same()
}
