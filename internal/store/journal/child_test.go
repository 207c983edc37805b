package journal

// Tests with a second process: the test binary runs itself.

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// The environment says what the child is to do, and where.
const (
	childTask = "VEDETTE_JOURNAL_CHILD"
	childDir  = "VEDETTE_JOURNAL_DIR"
)

// kills is the name of the variable that says how often TestJournal_killed kills.
const kills = "VEDETTE_JOURNAL_KILLS"

func TestMain(m *testing.M) {
	tasks := map[string]func(string) error{"append": childAppends, "exit": childExits, "hold": childHolds, "idle": childIdles}
	task, ok := tasks[os.Getenv(childTask)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := task(os.Getenv(childDir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t testing.TB, task, dir string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childTask+"="+task, childDir+"="+dir)
	c.Stderr = os.Stderr
	return c
}

// childAppends appends numbered entries from several goroutines until it is killed, and
// prints position and number of what is acknowledged. Its own number is the time.
func childAppends(dir string) error {
	ctx := context.Background()
	j, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	if lost := j.Recovered(); strings.Contains(lost, "lost") {
		return fmt.Errorf("recovered: %s", lost)
	}
	base := uint64(time.Now().UnixNano())
	var print sync.Mutex
	for w := range uint64(4) {
		go func() {
			for i := uint64(0); ; i++ {
				number := base + i*4 + w
				at, err := j.Append(ctx, sample(number, rand.IntN(100_000)))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				print.Lock()
				fmt.Println(at, number)
				print.Unlock()
				if w == 0 && i%50 == 49 {
					if err := j.Forget(ctx, at-min(at-1, 500)); err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
				}
			}
		}()
	}
	select {}
}

func TestJournal_killed(t *testing.T) {
	times := 20
	if n, err := strconv.Atoi(os.Getenv(kills)); err == nil {
		times = n
	}
	dir := t.TempDir()
	acknowledged := map[input.Position]uint64{}
	extra := 0
	for range times {
		c := child(t, "append", dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		line := bufio.NewScanner(out)
		for n := 0; line.Scan(); n++ {
			var at input.Position
			var number uint64
			if _, err := fmt.Sscan(line.Text(), &at, &number); err != nil {
				break // the last line may be cut
			}
			if acknowledged[at] != 0 {
				t.Fatalf("position %d was given out twice", at)
			}
			if acknowledged[at] = number; n == 0 {
				time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { _ = c.Process.Kill() })
			}
		}
		if err := c.Wait(); c.ProcessState.ExitCode() != -1 {
			t.Fatalf("the child ended by itself: %v", err)
		}
		extra += survivors(t, dir, acknowledged)
	}
	t.Logf("killed %d times: %d entries acknowledged, %d more were there", times, len(acknowledged), extra)
}

// survivors checks that all that was acknowledged is there and returns how many more are.
func survivors(t *testing.T, dir string, acknowledged map[input.Position]uint64) (extra int) {
	t.Helper()
	j, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j)
	if lost := j.Recovered(); strings.Contains(lost, "lost") {
		t.Errorf("recovered: %s", lost)
	}
	for at := range acknowledged {
		if at > j.Last() {
			t.Fatalf("entry %d was acknowledged and is not there: the last is %d", at, j.Last())
		}
	}
	seen := map[uint64]bool{}
	next := j.First()
	err = j.Read(t.Context(), 0, false, func(at input.Position, data []byte) error {
		number := binary.LittleEndian.Uint64(data)
		if want := acknowledged[at]; want == 0 {
			acknowledged[at] = number
			extra++
		} else if want != number {
			t.Errorf("position %d has entry %d instead of %d", at, number, want)
		}
		if string(data) != string(sample(number, len(data))) {
			t.Errorf("entry %d was changed", at)
		}
		if at != next || seen[number] {
			t.Errorf("entry %d where %d was next, or number %d twice", at, next, number)
		}
		next++
		seen[number] = true
		return nil
	})
	if err != nil || next != j.Last()+1 {
		t.Errorf("read up to %d of %d: %v", next-1, j.Last(), err)
	}
	return extra
}

// childExits leaves without closing.
func childExits(dir string) error {
	j, err := Open(context.Background(), dir, Options{})
	for i := uint64(1); err == nil && i <= 100; i++ {
		_, err = j.Append(context.Background(), sample(i, 50_000))
	}
	return err
}

func TestJournal_exits(t *testing.T) {
	dir := t.TempDir()
	if err := child(t, "exit", dir).Run(); err != nil {
		t.Fatal(err)
	}
	size, _, err := blocks(dir) // before anyone opens it
	if want := int64(100 * (50_000 + overhead)); err != nil || size < want {
		t.Errorf("%d bytes are in files, not %d: %v", size, want, err)
	}
	j := open(t, dir, Options{})
	check(t, j, 1, 100, 50_000)
}

// childHolds keeps the journal open until its standard input ends.
func childHolds(dir string) error {
	j, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	_, err = io.Copy(io.Discard, os.Stdin)
	_ = j // not closed
	return err
}

func TestJournal_otherProcess(t *testing.T) {
	dir := t.TempDir()
	c := child(t, "hold", dir)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("while another process has it open: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, Options{})
}

// childIdles prints what a journal costs that does nothing, and what sockets it has.
func childIdles(dir string) error {
	before := resident()
	start := time.Now()
	j, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	fmt.Printf("opened in %v, ", time.Since(start).Round(time.Millisecond))
	time.Sleep(time.Second)
	fmt.Printf("%d KiB before, %d KiB more when idle", before, resident()-before)
	for i := range uint64(200) {
		if _, err := j.Append(context.Background(), sample(i, 250_000)); err != nil {
			return err
		}
	}
	fmt.Printf(", %d KiB more after 50 MB, %d sockets\n", resident()-before, len(sockets()))
	if n := sockets(); len(n) > 0 {
		return fmt.Errorf("sockets: %v", n)
	}
	return j.Close()
}

// resident returns the memory of this process, in KiB.
func resident() int {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

// sockets returns the sockets that this process has open.
func sockets() (all []string) {
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && strings.HasPrefix(to, "socket:") {
			all = append(all, to)
		}
	}
	return all
}

func TestJournal_listensOnNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the sockets of a process are listed in /proc, which is only on Linux")
	}
	out, err := child(t, "idle", t.TempDir()).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
	if !strings.Contains(string(out), " 0 sockets") {
		t.Error("it has sockets")
	}
}
