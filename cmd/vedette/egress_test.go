//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"vedette/internal/daemon/control"
	"vedette/internal/daemon/doctor"
)

// cell is a network name space with a way out that leads nowhere, in which every packet that
// would leave is counted.
type cell struct {
	*testing.T
	name string
}

func newCell(t *testing.T) *cell {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network name space takes root")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: iproute2, nftables)", tool)
		}
	}
	c := &cell{t, fmt.Sprintf("vedette-%d", os.Getpid())}
	if out, err := exec.Command("ip", "netns", "add", c.name).CombinedOutput(); err != nil {
		t.Skipf("no network name space can be made here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", c.name).Run() })
	// What asks for a name asks a server that is beyond the way out.
	etc := filepath.Join("/etc/netns", c.name)
	if err := os.MkdirAll(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(etc); os.Remove("/etc/netns") }) // the second only if it is empty
	if err := os.WriteFile(filepath.Join(etc, "resolv.conf"), []byte("nameserver 198.51.100.53\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "link", "add", "out", "type", "veth", "peer", "name", "away"},
		{"ip", "address", "add", "198.51.100.2/24", "dev", "out"},
		{"ip", "link", "set", "out", "up"},
		{"ip", "link", "set", "away", "up"},
		{"ip", "route", "add", "default", "via", "198.51.100.1"},
		{"nft", "add", "table", "inet", "watch"},
		{"nft", "add", "chain", "inet", "watch", "leaving", "{", "type", "filter", "hook", "output", "priority", "0", ";", "}"},
		{"nft", "add", "rule", "inet", "watch", "leaving", "oifname", "!=", "lo", "meta", "l4proto", "{", "tcp,", "udp,", "sctp", "}", "counter"},
	} {
		if out, err := c.run(args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	return c
}

// run returns a command in the cell.
func (c *cell) run(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", c.name}, args...)...)
}

// left returns how many packets have left.
func (c *cell) left() int {
	c.Helper()
	out, err := c.run("nft", "list", "chain", "inet", "watch", "leaving").CombinedOutput()
	m := regexp.MustCompile(`counter packets (\d+)`).FindSubmatch(out)
	if err != nil || m == nil {
		c.Fatalf("%v: %s", err, out)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// reachesOut is a program that looks a name up, and connects to an address, and so is what the
// daemon must not be.
func reachesOut() {
	_, _ = net.LookupHost("vedette.example")
	if c, err := net.DialTimeout("tcp", "203.0.113.7:443", 200*time.Millisecond); err == nil {
		c.Close()
	}
}

// TestNothingLeaves runs the daemon with every kind of source on the whole sample, in a
// network where every packet that would leave is counted. It works, and none does.
func TestNothingLeaves(t *testing.T) {
	c := newCell(t)
	dir, err := os.MkdirTemp("", "ved")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	demo, err := filepath.Abs("../../testdata/demo")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(demo, "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the sample has no files: %v", err)
	}
	data := filepath.Join(dir, "data")
	text := fmt.Sprintf("data: %s\nkeep:\n  days: 36500\nsources:\n  - tail:\n      paths: [%s/*/*]\n  - syslog:\n      udp: [\"127.0.0.1:5514\"]\n      tcp: [\"127.0.0.1:5514\"]\n  - push:\n      tokens:\n        - name: test\n          sha256: \"%064d\"\n", data, demo, 7)
	file, program := filepath.Join(dir, "vedette.yaml"), filepath.Join(dir, "vedette")
	for _, err := range []error{os.WriteFile(file, []byte(text), 0o600), os.Symlink(self(t), program), os.Symlink(self(t), filepath.Join(dir, "reachesout"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := c.run(program, "run", "-c", file)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var facts doctor.Facts
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		facts, err = control.Dial(data).Facts(t.Context())
		if err == nil && len(facts.Sources) == len(files) && facts.Lag == 0 && facts.Entities > 40 {
			break
		}
	}
	if err != nil || facts.Entities <= 40 || len(facts.Sources) != len(files) {
		log, _ := os.ReadFile(said.Name())
		t.Fatalf("it does not work there: %d sources, %d entities, %v; %s", len(facts.Sources), facts.Entities, err, log)
	}
	if out, err := c.run(program, "backup", "-c", file, filepath.Join(dir, "backup")).CombinedOutput(); err != nil {
		t.Errorf("backup: %v: %s", err, out)
	}
	if n := c.left(); n != 0 {
		t.Errorf("%d packets left", n)
	}
	if err := c.run(filepath.Join(dir, "reachesout")).Run(); err != nil {
		t.Fatal(err)
	}
	if c.left() == 0 {
		t.Error("what leaves is not counted, so the test is worth nothing")
	}
	t.Logf("%d sources, %d machines, nothing left", len(facts.Sources), facts.Entities)
}

// self is the path of the test binary.
func self(t *testing.T) string {
	t.Helper()
	p, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
