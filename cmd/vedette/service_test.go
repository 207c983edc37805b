//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/internal/daemon/control"
)

// service is the program as a service manager runs it.
type service struct {
	*testing.T
	dir    string
	cmd    *exec.Cmd
	said   string // file of what it logs
	notify *net.UnixConn
	push   string // address
}

const pushToken = "a token of the test"

// configure writes a configuration with a source that is pushed to, and returns the service.
func configure(t *testing.T) *service {
	t.Helper()
	dir, err := os.MkdirTemp("", "ved") // whose path is short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{T: t, dir: dir, push: l.Addr().String(), said: filepath.Join(dir, "log")}
	l.Close()
	sum := sha256.Sum256([]byte(pushToken))
	s.write(fmt.Sprintf("data: %s\nconsole:\n  listen: 127.0.0.1:0\nlog:\n  format: json\nkeep:\n  days: 36500\nsources:\n  - push:\n      listen: %s\n      tokens:\n        - name: test\n          sha256: %s\n",
		filepath.Join(dir, "data"), s.push, hex.EncodeToString(sum[:])))
	return s
}

func (s *service) file() string { return filepath.Join(s.dir, "vedette.yaml") }

func (s *service) write(text string) {
	s.Helper()
	if err := os.WriteFile(s.file(), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// start starts it and waits until it says that it is ready.
func (s *service) start() {
	s.Helper()
	path := filepath.Join(s.dir, "notify")
	_ = os.Remove(path)
	var err error
	if s.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		s.Fatal(err)
	}
	log, err := os.OpenFile(s.said, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(os.Args[0], "run", "-c", s.file())
	s.cmd.Args[0] = "vedette" // see TestMain
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=300000")
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	cmd := s.cmd
	s.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s.told("READY=1\nSTATUS=")
}

// told waits until it tells the service manager something.
func (s *service) told(want string) string {
	s.Helper()
	b := make([]byte, 4096)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		_ = s.notify.SetReadDeadline(end)
		n, err := s.notify.Read(b)
		if err != nil {
			break
		}
		if got := string(b[:n]); strings.HasPrefix(got, want) {
			return got
		}
	}
	log, _ := os.ReadFile(s.said)
	s.Fatalf("it was to tell %q; its log:\n%s", want, log)
	return ""
}

// end ends it as a service manager does, and fails unless it ends well.
func (s *service) end() {
	s.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatal(err)
	}
	s.told("STOPPING=1")
	if err := s.cmd.Wait(); err != nil || time.Since(began) > 30*time.Second {
		log, _ := os.ReadFile(s.said)
		s.Fatalf("it ended after %v: %v\n%s", time.Since(began), err, log)
	}
	s.notify.Close()
}

func TestServiceManager(t *testing.T) {
	s := configure(t)
	s.start()
	s.told("WATCHDOG=1")
	old, err := os.ReadFile(s.file())
	if err != nil {
		t.Fatal(err)
	}
	s.write(strings.Replace(string(old), "36500", "90", 1) + "budget: 7\nsite: elsewhere\n")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	got := s.told("RELOADING=1\nMONOTONIC_USEC=")
	if us, err := strconv.ParseInt(got[len("RELOADING=1\nMONOTONIC_USEC="):], 10, 64); err != nil || us <= 0 {
		t.Errorf("it tells %q", got)
	}
	s.told("READY=1")
	s.write(strings.Replace(string(old), "days: 36500", "days: none", 1))
	data := filepath.Join(s.dir, "data")
	if r, err := control.Dial(data).Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("a wrong file is taken: %+v, %v", r, err)
	}
	s.write(string(old) + "site: elsewhere\n")
	r, err := control.Dial(data).Reload(t.Context())
	if err != nil || strings.Join(r.Applied, ", ") != "keep, budget" || strings.Join(r.Restart, ", ") != "site" {
		t.Errorf("%+v, %v", r, err)
	}
	s.end()
	log, err := os.ReadFile(s.said)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(log) { // log.format: json
		var x struct{ Time, Level, Msg string }
		if err := json.Unmarshal(line, &x); err != nil || x.Time == "" || x.Level == "" || x.Msg == "" {
			t.Errorf("a line of the log is no object: %s", line)
		}
	}
	if !regexp.MustCompile(`"msg":"the configuration was read again","applied":\["keep","budget"\],"at_the_next_start":\["site"\]`).Match(log) {
		t.Errorf("the reload is not in the log:\n%s", log)
	}
	if bytes.Contains(log, []byte(pushToken)) {
		t.Error("the log holds a secret")
	}
}

// TestStopWhilePushing stops the program again and again while others push. What it said was
// safe is there, and what is sent again under its key is there once.
func TestStopWhilePushing(t *testing.T) {
	s := configure(t)
	const senders, lives = 4, 3
	var lock sync.Mutex
	sent := 0
	quit := make(chan struct{})
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for i := 0; ; i++ {
				body := fmt.Sprintf(`{"ts":%d.5,"uid":"C%d-%d","id.orig_h":"10.0.%d.%d","id.orig_p":5000,"id.resp_h":"192.0.2.9","id.resp_p":443,"proto":"tcp","duration":1.5,"orig_bytes":10,"resp_bytes":9,"conn_state":"SF"}`+"\n",
					1772409600+i, n, i, n, i%200)
				for !s.sends(fmt.Sprintf("%d-%d", n, i), body) { // again, under its key, until it is safe
					select {
					case <-quit:
						return
					case <-time.After(20 * time.Millisecond):
					}
				}
				lock.Lock()
				sent++
				lock.Unlock()
			}
		})
	}
	for life := range lives {
		s.start()
		time.Sleep(time.Duration(300+200*life) * time.Millisecond)
		if life == lives-1 {
			close(quit) // each finishes what it sends
			time.Sleep(300 * time.Millisecond)
		}
		s.end()
	}
	all.Wait()
	s.start()
	facts, err := control.Dial(filepath.Join(s.dir, "data")).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := s.metric("vedette_learned_events_total")
	s.end()
	if facts.Lag != 0 || sent < 20 || got < sent || got > sent+senders { // a sender may have quit without having been told
		t.Errorf("%d records were safe, %d are learned, %d entries are not", sent, got, facts.Lag)
	}
	t.Logf("%d records over %d lives", sent, lives)
}

// sends sends a record and reports whether it is safe.
func (s *service) sends(key, body string) bool {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.push+"/v1/push/zeek", strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+pushToken)
	r.Header.Set("Idempotency-Key", key)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// metric reads a number that monitoring reads.
func (s *service) metric(name string) int {
	s.Helper()
	log, err := os.ReadFile(s.said)
	if err != nil {
		s.Fatal(err)
	}
	links := regexp.MustCompile(`"link":"(http://[^/]+)/`).FindAllSubmatch(log, -1)
	if links == nil {
		s.Fatalf("where is the console?\n%s", log)
	}
	r, err := http.Get(string(links[len(links)-1][1]) + "/metrics")
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		s.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(b.Bytes())
	if m == nil {
		s.Fatalf("there is no %s", name)
	}
	x, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		s.Fatal(err)
	}
	return int(x)
}

// TestUnit has systemd's own tools judge the unit. What it would run is not there, so
// something else takes its place.
func TestUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (Debian: systemd)")
	}
	unit, err := os.ReadFile("../../packaging/vedette.service")
	if err != nil {
		t.Fatal(err)
	}
	judge := func(text string) (wrong string, exposure float64) {
		file := filepath.Join(t.TempDir(), "vedette.service")
		text = strings.ReplaceAll(text, "/usr/bin/vedette", "/bin/true")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput()
		if wrong = string(out); err != nil {
			wrong += err.Error()
		}
		out, err = exec.Command(tool, "security", "--offline=true", "--no-pager", file).CombinedOutput()
		m := regexp.MustCompile(`Overall exposure level for vedette.service: ([\d.]+)`).FindSubmatch(out)
		if m == nil {
			t.Skipf("this systemd-analyze cannot judge a file: %v: %s", err, out)
		}
		exposure, err = strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return wrong, exposure
	}
	wrong, exposure := judge(string(unit))
	if wrong != "" || exposure > 2 {
		t.Errorf("exposure %.1f of 10, at most 2 was to be; %s", exposure, wrong)
	}
	t.Logf("systemd reckons an exposure of %.1f of 10", exposure)
	if wrong, _ = judge(strings.Replace(string(unit), "ProtectSystem=strict\n", "ProtectSystem=sometimes\n", 1)); wrong == "" {
		t.Error("a unit with a mistake is taken for right")
	}
	if _, worse := judge(regexp.MustCompile(`(?m)^(Protect|System|Restrict|Private|Capability).*\n`).ReplaceAllString(string(unit), "")); worse <= 2 {
		t.Errorf("a bare unit has an exposure of %.1f", worse)
	}
}
