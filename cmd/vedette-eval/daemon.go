package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// daemon is a running `vedette run`, seen from outside: its process, its console and API,
// its metrics.
type daemon struct {
	base    string // of the console's address
	dir     string // of the data
	cmd     *exec.Cmd
	began   time.Time
	visitor http.Client // with the cookies of somebody who has signed in
	token   string      // for the API
	ended   chan struct{}
	err     error // how it ended; may be read when ended is closed

	mu   sync.Mutex
	link string   // the way in for the first administrator
	said []string // the last lines of its log
}

// The administrator of a measured daemon.
const (
	evalName     = "eval"
	evalPassword = "only a measurement, on loopback"
)

// start starts the daemon on a data folder, with sources as the configuration has them, and
// waits until it answers.
func (b *bench) start(ctx context.Context, dir, sources string, env ...string) (*daemon, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(b.Temp, "vedette-"+filepath.Base(dir)+".yaml")
	text := fmt.Sprintf("data: %q\nconsole: {listen: %q}\n%s", dir, address, sources)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	d := &daemon{base: "http://" + address, dir: dir, ended: make(chan struct{})}
	d.cmd = exec.CommandContext(ctx, b.Binary, "run", "-c", config)
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = time.Minute
	log, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	d.visitor.Jar, _ = cookiejar.New(nil) // without options it does not fail
	d.visitor.Timeout = time.Minute
	d.began = time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("running the program: %w", err)
	}
	go func() {
		defer close(d.ended)
		d.listen(log)
		d.err = d.cmd.Wait()
	}()
	if err := d.answers(ctx); err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

var setupLink = regexp.MustCompile(`http[^" ]*/setup\?[^" ]*`)

// listen reads the log.
func (d *daemon) listen(r io.Reader) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		d.mu.Lock()
		if l := setupLink.FindString(in.Text()); l != "" {
			d.link = l
		}
		if d.said = append(d.said, in.Text()); len(d.said) > 50 {
			d.said = d.said[1:]
		}
		d.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r) // if a line was too long, the rest is of no use
}

// complaints returns what it said last of what is not as it should be.
func (d *daemon) complaints() (all []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.said {
		if strings.Contains(l, "level=WARN") || strings.Contains(l, "level=ERROR") || strings.Contains(l, "error:") {
			all = append(all, l)
		}
	}
	return all
}

// answers waits until it answers.
func (d *daemon) answers(ctx context.Context) error {
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		r, err := http.Get(d.base + "/health")
		if err == nil {
			_ = r.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ended:
			return fmt.Errorf("the program ended: %w: %s", d.err, strings.Join(d.said, "; "))
		case <-time.After(5 * time.Millisecond):
		}
	}
	return errors.New("the program does not answer")
}

// stop ends it as an operator would, and waits for that.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-d.ended:
	case <-time.After(2 * time.Minute):
		_ = d.cmd.Process.Kill() // likewise
		<-d.ended
		return errors.New("the program did not end within two minutes")
	}
	if d.err != nil && !strings.Contains(strings.Join(d.said, "\n"), "stopped") {
		return fmt.Errorf("the program ended with %w: %s", d.err, strings.Join(d.complaints(), "; "))
	}
	return nil
}

// enter signs in, as the first administrator if nobody is there yet, and makes a token.
func (d *daemon) enter(ctx context.Context) error {
	d.mu.Lock()
	link := d.link
	d.mu.Unlock()
	form, page := url.Values{"name": {evalName}, "password": {evalPassword}, "again": {evalPassword}}, "/login"
	if link != "" {
		u, err := url.Parse(link)
		if err != nil {
			return err
		}
		form.Set("code", u.Query().Get("code"))
		page = u.RequestURI()
	}
	text, err := d.page(ctx, page)
	if err != nil {
		return err
	}
	for _, m := range hiddenField.FindAllStringSubmatch(text, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	path, _, _ := strings.Cut(page, "?")
	r, err := d.visitor.PostForm(d.base+path, form)
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("signing in: %s", r.Status)
	}
	var me struct {
		Form string `json:"form"`
	}
	if err := d.call(ctx, http.MethodGet, "/api/me", nil, nil, &me); err != nil {
		return err
	}
	var token struct {
		Secret string `json:"secret"`
	}
	ask := map[string]any{"for": "measuring " + rand.Text()[:8], "scopes": []string{"incidents.read"}, "days": 1}
	err = d.call(ctx, http.MethodPost, "/api/tokens", map[string]string{"X-Vedette-Form": me.Form}, ask, &token)
	d.token = token.Secret
	return err
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// page gets a page of the console.
func (d *daemon) page(ctx context.Context, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+path, nil)
	if err != nil {
		return "", err
	}
	a, err := d.visitor.Do(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(a.Body)
	_ = a.Body.Close()
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, a.Status)
	}
	return string(text), err
}

// call calls the API: by the token if there is one, else by the session.
func (d *daemon) call(ctx context.Context, method, path string, header map[string]string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, d.base+path, &body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if d.token != "" {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	a, err := d.visitor.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(a.Body)
	_ = a.Body.Close()
	if err == nil && a.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, a.Status, bytes.TrimSpace(text))
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// metrics are numbers by name and labels, as they stand in the answer.
type metrics map[string]float64

// metrics asks for all of them.
func (d *daemon) metrics(ctx context.Context) (metrics, error) {
	text, err := d.page(ctx, "/metrics")
	all := metrics{}
	for line := range strings.Lines(text) {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64); err == nil {
			all[line[:i]] = v
		}
	}
	return all, err
}

// sum adds up the numbers of a name whose labels hold some text.
func (m metrics) sum(name, holds string) (n float64) {
	for k, v := range m { // in any order: a sum
		if before, labels, _ := strings.Cut(k, "{"); before == name && strings.Contains(labels, holds) {
			n += v
		}
	}
	return n
}

// process is what the system says of a process.
type process struct {
	RSS     int64 // bytes
	FDs     int
	Threads int
	CPU     float64 // seconds
}

// process asks the system; without /proc all is 0.
func (d *daemon) process() (p process) {
	dir := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	var kb int64
	if n, _ := fmt.Sscan(field(dir+"status", "VmRSS"), &kb); n == 1 {
		p.RSS = kb << 10
	}
	_, _ = fmt.Sscan(field(dir+"status", "Threads"), &p.Threads)
	all, _ := os.ReadDir(dir + "fd")
	p.FDs = len(all)
	p.CPU = cpuOf(dir + "stat")
	return p
}

// cpuOf reads the CPU seconds of a process, at the hundred ticks a second that Linux has.
func cpuOf(stat string) float64 {
	b, _ := os.ReadFile(stat)
	_, rest, _ := bytes.Cut(b, []byte(") "))
	f := strings.Fields(string(rest))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// sizeOf returns how many bytes the files of a folder take on the disk.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil // what is gone meanwhile takes no room
	})
	return n
}
