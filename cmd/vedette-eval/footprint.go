package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// footprint measures what the daemon takes: idle, with the history of an estate, and until
// it answers.
func footprint(ctx context.Context, b *bench) (r result, err error) {
	info, err := os.Stat(b.Binary)
	if err != nil {
		return r, err
	}
	r.add("program", "size", float64(info.Size())/1e6, "MB", "as releases are built").most(70)
	if err := b.idle(ctx, &r); err != nil {
		return r, fmt.Errorf("idle: %w", err)
	}
	if err := b.history(ctx, &r); err != nil {
		return r, fmt.Errorf("with history: %w", err)
	}
	return r, nil
}

const idleFor = 45 * time.Second // after which a daemon that does nothing is idle

// idle measures a daemon that has no source, after its first administrator has set a
// password, signed in and looked around.
func (b *bench) idle(ctx context.Context, r *result) error {
	const set = "no source"
	d, err := b.daemon(ctx, filepath.Join(b.Temp, "idle"), "")
	if err != nil {
		return err
	}
	defer d.kill()
	r.add(set, "start to first answer", d.answered.Seconds(), "s", "the first start, with an empty folder").most(2)
	fresh, _ := d.memory()
	if err := d.visit(ctx); err != nil {
		return err
	}
	b.say("waiting until it is idle")
	if err := wait(ctx, idleFor); err != nil {
		return err
	}
	rss, peak := d.memory()
	r.add(set, "memory", megabytes(rss), "MB RSS", fmt.Sprintf("idle for %v after a password was set and every page of the menu shown; just started %s, at most %s",
		idleFor, number(megabytes(fresh)), number(megabytes(peak)))).most(80)
	return d.stop()
}

// history measures a daemon that has learned an estate for a month.
func (b *bench) history(ctx context.Context, r *result) error {
	w, err := b.generate(ctx, workload{Lines: b.Lines, Entities: 1000, Days: 30})
	if err != nil {
		return err
	}
	defer w.remove()
	set := w.String()
	folder := filepath.Join(b.Temp, "history")
	d, err := b.daemon(ctx, folder, fmt.Sprintf("keep:\n  days: 36500\nsources:\n  - tail:\n      paths: [%s]\n", filepath.Join(w.dir, "*.log")))
	if err != nil {
		return err
	}
	defer func() { d.kill() }()
	began := time.Now()
	for learned := 0.0; learned < float64(w.Lines); {
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
		if learned, err = d.metric(ctx, "vedette_learned_events_total"); err != nil {
			return err
		}
		if time.Since(began) > time.Hour {
			return fmt.Errorf("of %d events %v were learned in an hour", w.Lines, learned)
		}
	}
	r.add(set, "taken in and learned", float64(w.Lines)/time.Since(began).Seconds(), "events/s", "by tail, with journal and event store")
	if err := wait(ctx, idleFor); err != nil {
		return err
	}
	rss, peak := d.memory()
	known, err := d.metric(ctx, `vedette_entities{which="known"}`)
	if err != nil {
		return err
	}
	r.add(set, "memory when all is learned", megabytes(rss), "MB RSS", fmt.Sprintf("%s entities of ours; idle for %v", number(known), idleFor)).most(1000)
	r.add(set, "memory at most", megabytes(peak), "MB RSS", "while the month was learned as fast as it goes").most(1000)
	if err := d.stop(); err != nil {
		return err
	}
	size, err := folderSize(folder)
	if err != nil {
		return err
	}
	r.add(set, "room on disk", float64(size)/float64(w.Lines), "bytes/event", "all that is kept")
	if d, err = b.daemon(ctx, folder, ""); err != nil {
		return err
	}
	r.add(set, "start to first answer", d.answered.Seconds(), "s", "with that history").most(2)
	if err := wait(ctx, idleFor); err != nil {
		return err
	}
	rss, _ = d.memory()
	r.add(set, "memory after a new start", megabytes(rss), "MB RSS", fmt.Sprintf("idle for %v", idleFor)).most(1000)
	return d.stop()
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// running is a daemon as a process.
type running struct {
	cmd      *exec.Cmd
	address  string
	answered time.Duration // from its start to its first answer
	client   *http.Client
	said     *said
	ended    chan error
}

// said is what a process writes, also while it runs.
type said struct {
	lock sync.Mutex
	b    bytes.Buffer
}

// Write implements [io.Writer].
func (s *said) Write(p []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.b.String()
}

// daemon starts a daemon whose data are in a folder, and waits for its first answer.
func (b *bench) daemon(ctx context.Context, folder, settings string) (*running, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	free, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &running{address: free.Addr().String(), said: new(said), ended: make(chan error, 1)}
	config := filepath.Join(folder, "vedette.yaml")
	text := fmt.Sprintf("data: %s\nconsole:\n  listen: %s\n%s", filepath.Join(folder, "data"), d.address, settings)
	if err := errors.Join(free.Close(), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	d.client = &http.Client{Jar: jar, Timeout: time.Minute}
	d.cmd = exec.CommandContext(ctx, b.Binary, "run", "-c", config)
	d.cmd.Stdout, d.cmd.Stderr = d.said, d.said
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { d.ended <- d.cmd.Wait() }()
	for {
		if _, _, err = d.get(ctx, "/login"); err == nil {
			d.answered = time.Since(began)
			return d, nil
		}
		select {
		case err := <-d.ended:
			d.ended <- err
			return nil, fmt.Errorf("it ended: %w: %s", err, d.said)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(began) > time.Minute {
			d.kill()
			return nil, fmt.Errorf("it does not answer: %w: %s", err, d.said)
		}
	}
}

// kill ends it at once, if it still runs.
func (d *running) kill() { _ = d.cmd.Process.Kill() } // what has ended cannot be killed

// stop ends it as an operator does.
func (d *running) stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-d.ended:
		if err != nil {
			return fmt.Errorf("stopping: %w: %s", err, d.said)
		}
		return nil
	case <-time.After(2 * time.Minute):
		return errors.New("it does not stop")
	}
}

// memory returns how much memory it holds now, and held at most; 0 if the system does not say.
func (d *running) memory() (rss, peak int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			rss = n << 10
		case "VmHWM:":
			peak = n << 10
		}
	}
	return rss, peak
}

func (d *running) get(ctx context.Context, path string) (body, final string, err error) {
	return d.do(ctx, http.MethodGet, path, nil)
}

func (d *running) do(ctx context.Context, method, path string, form url.Values) (body, final string, err error) {
	q, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Origin", "http://"+d.address)
	}
	a, err := d.client.Do(q)
	if err != nil {
		return "", "", err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, a.Status)
	}
	return string(b), a.Request.URL.Path, err
}

// metric returns a figure that it offers to monitoring.
func (d *running) metric(ctx context.Context, name string) (float64, error) {
	body, _, err := d.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}

// visit makes the first administrator and shows every page of the menu.
func (d *running) visit(ctx context.Context) error {
	code := regexp.MustCompile(`setup\?code=([A-Z0-9-]+)`).FindStringSubmatch(d.said.String())
	if code == nil {
		return fmt.Errorf("it says no link for the first administrator: %s", d.said)
	}
	page, _, err := d.get(ctx, "/setup?code="+code[1])
	if err != nil {
		return err
	}
	_, page, _ = strings.Cut(page, `action="/setup"`)
	hidden := func(name string) string {
		m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
		if m == nil {
			return ""
		}
		return m[1]
	}
	const password = "a sentence for an evaluation"
	home, final, err := d.do(ctx, http.MethodPost, "/setup", url.Values{
		"form": {hidden("form")}, "once": {hidden("once")}, "code": {code[1]}, "name": {"eval"}, "password": {password}, "again": {password},
	})
	if err != nil || final == "/setup" || final == "/login" {
		return errors.Join(fmt.Errorf("setting a password led to %s", final), err)
	}
	_, nav, ok := strings.Cut(home, "<nav")
	if nav, _, _ = strings.Cut(nav, "</nav>"); !ok {
		return errors.New("the page has no menu")
	}
	links := regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(nav, -1)
	if len(links) < 3 {
		return fmt.Errorf("the menu has %d links", len(links))
	}
	for _, l := range links {
		if _, _, err := d.get(ctx, l[1]); err != nil {
			return err
		}
	}
	return nil
}
