//go:build linux || darwin

package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vedette/internal/daemon/doctor"
	"vedette/internal/fault"
)

// asStranger has the test binary ask the socket of a folder as another user.
const asStranger = "VEDETTE_TEST_STRANGER"

func TestMain(m *testing.M) {
	if data := os.Getenv(asStranger); data != "" {
		if _, err := Dial(data).Facts(context.Background()); err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// answers is a daemon that answers what it is told to.
type answers struct {
	err  error
	body []byte
	keys []bool
	hold chan struct{}
}

func (a *answers) Facts(ctx context.Context) (doctor.Facts, error) {
	if a.hold != nil {
		select {
		case <-a.hold:
		case <-ctx.Done():
		}
	}
	return doctor.Facts{Version: "test", Learning: 0.5}, a.err
}

func (a *answers) Reload(context.Context) (Reloaded, error) {
	return Reloaded{Applied: []string{"keep"}}, a.err
}

func (a *answers) Backup(_ context.Context, to io.Writer, keys bool) error {
	a.keys = append(a.keys, keys)
	if _, err := to.Write(a.body); err != nil {
		return err
	}
	return a.err
}

// serve serves until the test ends, and returns the data folder.
func serve(t *testing.T, d Daemon) (data string, stop func()) {
	t.Helper()
	data, err := os.MkdirTemp("", "ved") // whose path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	s, err := Listen(data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, d) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return data, stop
}

func TestAnswers(t *testing.T) {
	big := bytes.Repeat([]byte("backup "), 1<<18)
	a := &answers{body: big}
	data, stop := serve(t, a)
	c := Dial(data)
	if f, err := c.Facts(t.Context()); err != nil || f.Version != "test" || f.Learning != 0.5 {
		t.Errorf("facts: %+v, %v", f, err)
	}
	if r, err := c.Reload(t.Context()); err != nil || !slices.Equal(r.Applied, []string{"keep"}) {
		t.Errorf("reload: %+v, %v", r, err)
	}
	var got bytes.Buffer
	if err := c.Backup(t.Context(), &got, true); err != nil || !bytes.Equal(got.Bytes(), big) || !slices.Equal(a.keys, []bool{true}) {
		t.Errorf("backup: %d bytes, %v, %v", got.Len(), a.keys, err)
	}
	info, err := os.Stat(Path(data))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v: %v", info, err)
	}
	stop()
	if _, err := os.Stat(Path(data)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := c.Facts(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody answers: %v", err)
	}
}

// What goes wrong over there is told here, also behind half an answer.
func TestFailures(t *testing.T) {
	a := &answers{err: fault.New(fault.Conflict, "no\nsuch luck, M\u00fcller"), body: []byte("half a backup")}
	data, _ := serve(t, a)
	c := Dial(data)
	if _, err := c.Reload(t.Context()); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "such luck, M\u00fcller") {
		t.Errorf("reload: %v", err)
	}
	var got bytes.Buffer
	if err := c.Backup(t.Context(), &got, false); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "such luck") {
		t.Errorf("backup: %v", err)
	}
	r, err := c.do(t.Context(), http.MethodGet, "/nothing")
	if err != nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown question: %v", err)
	} else {
		r.Body.Close()
	}
}

// A socket that a killed daemon left is replaced.
func TestLeftSocket(t *testing.T) {
	data, stop := serve(t, &answers{})
	stop()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: Path(data), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial(data).Facts(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody answers: %v", err)
	}
	s, err := Listen(data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.listener.Close()
	if _, err := Listen(filepath.Join(data, strings.Repeat("x", 100)), slog.New(slog.DiscardHandler)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a long path: %v", err)
	}
}

// Another user is turned away even if the file system would let them in.
func TestStranger(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("to be another user takes root")
	}
	data, _ := serve(t, &answers{})
	for path, mode := range map[string]os.FileMode{data: 0o755, Path(data): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	self := filepath.Join(data, "test")
	b, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(self, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for uid, welcome := range map[uint32]bool{0: true, 65534: false} {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asStranger+"="+data)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if out, err := cmd.CombinedOutput(); (err == nil) != welcome {
			t.Errorf("user %d: %v: %s", uid, err, out)
		}
	}
}

// No more than a few are heard at a time, and those who say nothing go.
func TestCrowd(t *testing.T) {
	a := &answers{hold: make(chan struct{})}
	data, _ := serve(t, a)
	var all []net.Conn
	for range most {
		c, err := net.Dial("unix", Path(data))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET /facts HTTP/1.1\r\nHost: control\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Dial(data).Facts(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("one too many: %v", err)
	}
	close(a.hold)
	for _, c := range all {
		if _, err := io.ReadAll(c); err != nil {
			t.Error(err)
		}
	}
	if _, err := Dial(data).Facts(t.Context()); err != nil {
		t.Errorf("when they have gone: %v", err)
	}
}
