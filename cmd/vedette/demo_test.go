package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is what a program has written so far.
type screen struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.String()
}

// shows waits until the screen shows something.
func (s *screen) shows(t *testing.T, what string) []string {
	t.Helper()
	re := regexp.MustCompile(what)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.String()); m != nil {
			return m
		}
	}
	t.Fatalf("%s does not come; there is: %s", what, s)
	return nil
}

// browser is somebody with a browser.
func browser(t *testing.T) func(url string) (status int, body string) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	t.Cleanup(c.CloseIdleConnections)
	return func(url string) (int, string) {
		t.Helper()
		r, err := c.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
}

// TestDemo runs the demonstration from its start to Ctrl-C, as fast as it goes: the link
// signs in, once; the one incident is there, with its records; nothing is left behind.
func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("HOME", t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	var out, err screen
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"demo", "--speed", "0"}, streams{&out, &err}) }()
	m := out.shows(t, `(http://127\.0\.0\.1:\d+)(/enter\?code=\S+)`)
	out.shows(t, `All is learned: 42,941 events`)
	visit := browser(t)
	if status, _ := visit(m[1] + "/api/incidents"); status != 401 {
		t.Errorf("a stranger gets %d", status)
	}
	if r, err := http.Head(m[1] + m[2]); err != nil || r.StatusCode != 200 || len(r.Cookies()) > 0 {
		t.Errorf("who only asks for the head gets %v, %v", r, err)
	}
	if status, body := visit(m[1] + m[2]); status != 200 || !strings.Contains(body, "You are signed in") {
		t.Fatalf("the link: %d %s", status, body)
	}
	if status, body := visit(m[1] + m[2]); status != 200 || !strings.Contains(body, "You are signed in") {
		t.Errorf("the link again, signed in: %d %s", status, body)
	}
	if status, _ := browser(t)(m[1] + m[2]); status != 403 {
		t.Errorf("the link in the hands of another: %d", status)
	}
	found(t, visit, m[1])
	for page, has := range map[string]string{"/": "One incident needs a decision", "/incidents": "ws-113 felt its way", "/sources": "Every source is as it should be", "/entities?q=ws-113": "10.20.1.32"} {
		if status, body := visit(m[1] + page); status != 200 || !strings.Contains(body, has) {
			t.Errorf("%s: %d, without %q", page, status, has)
		}
	}
	next := out.shows(t, `(?s)another browser.*(http://\S+/enter\?code=\S+)`)
	if status, _ := browser(t)(next[1]); status != 200 {
		t.Errorf("the next link: %d", status)
	}
	interrupt()
	if c := <-code; c != 0 {
		t.Errorf("it ended with %d", c)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	if err.String() != "" {
		t.Errorf("it complained: %s", err.String())
	}
}

// found asks the API for the incident, and opens a record that it stands on.
func found(t *testing.T, visit func(string) (int, string), base string) {
	t.Helper()
	var list struct {
		Items []struct {
			ID, Title string
			Score     int
			Opened    time.Time
		}
	}
	_, body := visit(base + "/api/incidents")
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	in := list.Items[0]
	if !strings.HasPrefix(in.Title, "ws-113 felt its way through the network") || in.Score != 100 || in.Opened.Format(time.DateOnly) != "2026-03-09" {
		t.Errorf("%+v", in)
	}
	_, page := visit(base + "/incidents/" + in.ID)
	beside := regexp.MustCompile(`href="(/incidents/[^"]*)" data-beside|data-beside href="([^"]*)"`).FindStringSubmatch(page)
	if beside == nil {
		t.Fatal("no sentence leads to records")
	}
	if _, body := visit(base + strings.ReplaceAll(beside[1]+beside[2], "&amp;", "&")); !strings.Contains(body, "/2026-03-09/ssl.log.gz#1206") && !strings.Contains(body, "ssl.log.gz#1206") {
		t.Error("the record does not open")
	}
}

// TestDemo_wrong says what cannot be shown, and what of a folder was not read.
func TestDemo_wrong(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	empty := filepath.Join(dir, "empty")
	wrong := filepath.Join(dir, "wrong")
	for _, d := range []string{full, empty, wrong} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{full + "/x": "x", wrong + "/a.pdf": "%PDF-1.7\n", wrong + "/conn.log": "hello\nworld\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no_path", []string{"demo", dir + "/nowhere"}, exitUnread, "there is nothing to show: there is no "},
		{"empty", []string{"demo", empty}, exitUnread, "there is nothing in this folder"},
		{"wrong", []string{"demo", wrong}, exitUnread, "a PDF"},
		{"kept", []string{"demo", "--keep", full}, exitFailed, "nothing of it was touched"},
		{"speed", []string{"demo", "--speed=-1"}, exitUsage, "--speed must be"},
		{"own", []string{"demo", "--own", "x"}, exitUsage, "is no network"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, err screen
			if code := run(t.Context(), test.args, streams{&out, &err}); code != test.code || !strings.Contains(out.String()+err.String(), test.says) {
				t.Errorf("%d, want %d; %s%s", code, test.code, &out, &err)
			}
		})
	}
}

// TestDemo_keep keeps what was learned, for a person with a password.
func TestDemo_keep(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "kept")
	ctx, interrupt := context.WithCancel(t.Context())
	var out, err screen
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"demo", "--speed", "0", "--keep", dir, "../../testdata/demo/2026-03-02"}, streams{&out, &err})
	}()
	m := out.shows(t, `(http://127\.0\.0\.1:\d+)/setup\?code=\S+`)
	out.shows(t, `Nothing in it needs a person`)
	if status, _ := browser(t)(m[1] + "/enter?code=x"); status != 404 {
		t.Errorf("there is a way in without a password: %d", status)
	}
	interrupt()
	if c := <-code; c != 0 || err.String() != "" {
		t.Errorf("it ended with %d: %s", c, &err)
	}
	for _, f := range []string{"journal", "events", "learned/learned", "state"} {
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			t.Error(err)
		}
	}
}
