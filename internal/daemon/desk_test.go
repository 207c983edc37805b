package daemon

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"vedette/internal/api/desk"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/source"
	"vedette/internal/store/state"
)

// demoLine is a line of the demo, and when it could be known.
type demoLine struct {
	source.Record
	at float64
}

// demo returns the demo as live sources would tell it: in order of time.
func demo(t *testing.T) (all []demoLine) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/demo/*/*.log.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no demo:", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "../../testdata/"), ".gz")
		lines := bufio.NewScanner(z)
		at := 0.0
		for n := uint64(1); lines.Scan(); n++ {
			f := strings.Split(lines.Text(), "\t")
			if !strings.HasPrefix(f[0], "#") {
				if at, err = strconv.ParseFloat(f[0], 64); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(name, "conn.log") && f[8] != "-" {
					lasts, _ := strconv.ParseFloat(f[8], 64)
					at += lasts
				}
			}
			all = append(all, demoLine{source.Record{Source: name + "@00000000000a", Position: n, Data: []byte(lines.Text())}, at})
		}
		// The head of a file comes before all of it.
		for i := len(all) - 1; i >= 0 && all[i].Source == name+"@00000000000a"; i-- {
			if all[i].at == 0 {
				all[i].at = all[i+1].at
			}
		}
	}
	slices.SortStableFunc(all, func(a, b demoLine) int { return cmp.Compare(a.at, b.at) })
	return all
}

// site is a daemon in a folder of its own, and a browser before it.
type site struct {
	*testing.T
	dir    string
	daemon *Daemon
	faces  *Faces
	server *httptest.Server
	stop   func()
	client *http.Client
}

func start(t *testing.T, dir string) *site {
	t.Helper()
	s := &site{T: t, dir: dir}
	s.start()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Jar: jar, Timeout: time.Minute}
	t.Cleanup(func() { s.stop() })
	return s
}

// start starts the daemon and serves it, at the same address as before if there was one.
func (s *site) start() {
	s.Helper()
	c := config.Config{Data: s.dir, Site: "test", Budget: 1, Console: config.Console{Listen: "127.0.0.1:0"}, Keep: config.Keep{Days: 36500}}
	d, err := Open(s.Context(), c, slog.New(slog.NewTextHandler(testLog{s.T}, nil)))
	if err != nil {
		s.Fatal(err)
	}
	f, err := d.Faces(s.Context(), "test")
	if err != nil {
		s.Fatal(err)
	}
	h, err := f.Handler()
	if err != nil {
		s.Fatal(err)
	}
	s.daemon, s.faces, s.server = d, f, httptest.NewServer(h)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	s.stop = func() {
		f.hub.close()
		s.server.Close()
		cancel()
		if err := <-ended; err != nil {
			s.Error("running:", err)
		}
		if err := f.keep(context.Background()); err != nil {
			s.Error(err)
		}
		if err := d.Close(); err != nil {
			s.Error("closing:", err)
		}
		s.stop = func() {}
	}
}

type testLog struct{ *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// feed feeds lines and waits until they are learned and kept.
func (s *site) feed(lines []demoLine) {
	s.Helper()
	out := s.daemon.live.Out(context.Background())
	for i, l := range lines {
		if err := out.Emit(s.Context(), l.Record); err != nil {
			s.Fatal(err)
		}
		if i%200 == 199 {
			out.Mark(l.Source, nil)
		}
	}
	if err := out.Flush(s.Context()); err != nil {
		s.Fatal(err)
	}
	for s.daemon.position() < s.daemon.journal.Last() {
		time.Sleep(5 * time.Millisecond)
	}
	if err := s.daemon.store(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// get returns the status and the text of a page.
func (s *site) get(path string) (int, string) {
	s.Helper()
	r, err := s.client.Get(s.server.URL + path)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.Fatal(err)
	}
	return r.StatusCode, string(b)
}

var field = regexp.MustCompile(`name="(form|once|version)" value="([^"]*)"`)

// post sends a form as it stands in a page, with what is typed, and returns the page that
// it leads to.
func (s *site) post(page, action string, typed url.Values) (int, string) {
	s.Helper()
	_, text := s.get(page)
	form := url.Values{}
	for _, m := range field.FindAllStringSubmatch(text, -1) {
		form.Set(m[1], m[2])
	}
	for k, v := range typed {
		form[k] = v
	}
	r, err := s.client.PostForm(s.server.URL+action, form)
	if err != nil {
		s.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func (s *site) must(status int, page string, holds ...string) string {
	s.Helper()
	if status != http.StatusOK {
		s.Fatalf("status %d:\n%s", status, page)
	}
	for _, h := range holds {
		if !strings.Contains(page, h) {
			s.Fatalf("there is no %q in\n%s", h, page)
		}
	}
	return page
}

const password = "nine herons over the wet roof"

// setUp makes the first administrator with the code that is printed.
func (s *site) setUp() {
	s.Helper()
	code, err := s.faces.invite(s.Context(), strings.NewReader(strings.Repeat("0123456789", 10)))
	if err != nil {
		s.Fatal(err)
	}
	status, page := s.post("/setup?code="+code, "/setup", url.Values{"code": {code}, "name": {"Ada"}, "password": {password}, "again": {password}})
	s.must(status, page, "first administrator")
}

var openIncident = regexp.MustCompile(`href="/incidents/([0-9a-f]{16})"`)

// The whole way of a first evening: set up, look, judge, restart, look again.
func TestTheWholeWay(t *testing.T) {
	lines := demo(t)
	s := start(t, t.TempDir())
	half := len(lines) / 2
	s.feed(lines[:half])
	s.strangers()
	s.setUp()
	status, page := s.get("/incidents")
	s.must(status, page)
	s.feed(lines[half:])

	status, page = s.get("/incidents")
	page = s.must(status, page, "ws-113")
	ids := openIncident.FindAllStringSubmatch(page, -1)
	if len(ids) != 1 {
		t.Fatalf("%d incidents are surfaced, want 1:\n%s", len(ids), page)
	}
	id := ids[0][1]
	status, page = s.get("/incidents/" + id)
	s.must(status, page, "ws-113", "static-assets.example", "Suspicious")
	s.records(id)
	s.decide(id)
	s.looks()
	s.again(id, lines)
}

// strangers get nothing.
func (s *site) strangers() {
	s.Helper()
	for _, path := range []string{"/", "/incidents", "/entities", "/sources", "/settings", "/settings/people", "/search?q=ws"} {
		r, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(s.server.URL + path)
		if err != nil {
			s.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/login") || bytes.Contains(b, []byte("ws-1")) {
			s.Errorf("a stranger gets %d of %s", r.StatusCode, path)
		}
	}
	r, err := http.Get(s.server.URL + "/changes")
	if err != nil {
		s.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		s.Errorf("a stranger gets %d of the changes", r.StatusCode)
	}
}

// records opens the records behind each sentence.
func (s *site) records(id string) {
	s.Helper()
	for n := 1; ; n++ {
		status, page := s.get(fmt.Sprintf("/incidents/%s?show=%d", id, n))
		if page = s.must(status, page); !strings.Contains(page, "Behind sentence "+strconv.Itoa(n)) {
			if n < 4 {
				s.Errorf("there are records behind %d sentences", n-1)
			}
			return
		}
		if s.must(status, page, "10.20.1.32"); strings.Contains(page, "kept no longer") {
			s.Errorf("a record of sentence %d is gone", n)
		}
	}
}

// decide judges the incident, writes to it and takes it on.
func (s *site) decide(id string) {
	s.Helper()
	at := "/incidents/" + id
	status, page := s.post(at, at+"/notes", url.Values{"text": {"called the ward, nobody was there"}})
	s.must(status, page, "Your note is kept", "called the ward")
	status, page = s.post(at, at+"/assign", url.Values{"person": {"ada"}})
	s.must(status, page, "The assignment is kept", "took it on")
	status, page = s.post(at, at+"/assign", url.Values{"person": {"nobody-here"}})
	if status != http.StatusBadRequest || !strings.Contains(page, "nobody called nobody-here") {
		s.Errorf("assigning to nobody: %d", status)
	}
	status, page = s.post(at, at+"/verdict", url.Values{"verdict": {"malicious"}, "reason": {"a stranger's laptop"}})
	s.must(status, page, "Your verdict is kept", "judged it malicious", "stranger")
	status, page = s.post(at, at+"/verdict", url.Values{"version": {"1"}, "verdict": {"suspicious"}, "reason": {"no"}})
	if status != http.StatusConflict || !strings.Contains(page, "changed meanwhile") {
		s.Errorf("a verdict on what was not seen: %d", status)
	}
	status, page = s.get("/incidents?mine=1")
	s.must(status, page, id, "Judged malicious")
}

// looks goes through the other pages.
func (s *site) looks() {
	s.Helper()
	status, page := s.get("/")
	s.must(status, page, "One incident needs a decision", "The promise")
	status, page = s.get("/entities?q=ws-113")
	page = s.must(status, page, "ws-113", "10.20.1.32")
	key := regexp.MustCompile(`href="/entities/([0-9a-f]{16})"`).FindStringSubmatch(page)
	if key == nil {
		s.Fatal("no entity leads on")
	}
	status, page = s.get("/entities/" + key[1])
	s.must(status, page, "ws-113", "10.20.1.32", "02:00:5e", "a lease", "machines inside that it had never used",
		"Bytes sent outside", "2.3 GB in the hour before 04:00 UTC on 10 March led to a finding", "What is new this week", "static-assets.example", "compared with all machines of ours")
	s.signals(key[1])
	status, page = s.get("/sources")
	page = s.must(status, page, "demo/2026-03-10/conn.log", "Every source is as it should be")
	if strings.Contains(page, "@00000000000a") {
		s.Error("the hash in the name of a source is shown to people")
	}
	status, page = s.post("/settings", "/settings/budget", url.Values{"version": {"0"}, "budget": {"2"}})
	s.must(status, page, "The budget is changed")
	status, page = s.get("/search?q=static-assets")
	s.must(status, page, "static-assets.example")
}

// again restarts, and then has the log applied once more from its beginning.
func (s *site) again(id string, lines []demoLine) {
	s.Helper()
	received, before := s.total(), s.done()
	old, err := url.Parse(s.server.URL)
	if err != nil {
		s.Fatal(err)
	}
	s.stop()
	s.start()
	now, err := url.Parse(s.server.URL)
	if err != nil {
		s.Fatal(err)
	}
	s.client.Jar.SetCookies(now, s.client.Jar.Cookies(old))
	at := "/incidents/" + id
	status, page := s.get(at)
	s.must(status, page, "judged it malicious", "called the ward", "ws-113", "Sign out")
	s.records(id)
	if done := s.done(); done != before || done.Records == 0 || done.Findings == 0 || done.Surfaced != 1 {
		s.Errorf("today brought %+v, before the restart %+v", done, before)
	}
	if n := s.total(); n != received || n == 0 {
		s.Errorf("the book says that %d records were received, before the restart %d", n, received)
	}
	version := s.version(id)
	all, gone := s.daemon.learner.triage.Incidents(), []state.Report(nil)
	for _, in := range all {
		gone = append(gone, incidents{s.daemon.state.Tenant(tenant), s.daemon}.report(in))
	}
	if n, err := s.daemon.state.Tenant(tenant).Upsert(s.Context(), machine, gone...); err != nil || n != 0 {
		s.Errorf("writing the same incidents again changed %d: %v", n, err)
	}
	if v := s.version(id); v != version {
		s.Errorf("it is at version %d, and was at %d", v, version)
	}
	status, page = s.post(at, "/logout", nil)
	s.must(status, page, "You are signed out")
	s.strangers()
	status, page = s.post("/login", "/login", url.Values{"name": {"ada"}, "password": {password}})
	s.must(status, page, "One incident needs a decision")
}

func (s *site) done() desk.Done {
	s.Helper()
	d, err := s.faces.desk.Overview.Done(s.Context(), tenant)
	if err != nil {
		s.Fatal(err)
	}
	return d
}

func (s *site) total() (n int64) {
	s.Helper()
	all, err := s.faces.desk.Sources.Sources(s.Context(), tenant)
	if err != nil {
		s.Fatal(err)
	}
	for _, o := range all {
		n += o.Received
		if o.Received != o.Decoded+o.Rejected+o.Lost {
			s.Errorf("the account of %s does not add up: %+v", o.Name, o)
		}
	}
	return n
}

func (s *site) version(id string) uint64 {
	s.Helper()
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		s.Fatal(err)
	}
	c, err := s.faces.desk.Incidents.Get(s.Context(), tenant, n)
	if err != nil {
		s.Fatal(err)
	}
	return c.Version
}

func TestHubNeverLosesTheLast(t *testing.T) {
	var h hub
	ctx, cancel := context.WithCancel(t.Context())
	out := h.Watch(ctx, "a")
	other := h.Watch(t.Context(), "b")
	for i := range 10 * waiting {
		h.tell("a", desk.Change{What: "incident", ID: uint64(i)})
	}
	var last uint64
	for range waiting {
		last = (<-out).ID
	}
	if last != 10*waiting-1 {
		t.Errorf("the last is %d", last)
	}
	cancel()
	if _, ok := <-out; ok {
		t.Error("there is more after the end")
	}
	h.close()
	if _, ok := <-other; ok {
		t.Error("a watcher is told of another tenant")
	}
	if _, ok := <-h.Watch(t.Context(), "a"); ok {
		t.Error("a closed hub tells something")
	}
}

func TestOtherTenantsSeeNothing(t *testing.T) {
	s := start(t, t.TempDir())
	d := s.faces.desk
	if _, err := d.Incidents.Get(t.Context(), "other", 1); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, _, err := d.Entities.Find(t.Context(), "other", "", desk.Order{}, "", 10); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if all, err := d.Sources.Sources(t.Context(), "other"); err != nil || all != nil {
		t.Error(all, err)
	}
	if _, err := d.Entities.Entity(t.Context(), tenant, 7); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, _, err := d.Entities.Find(t.Context(), tenant, "", desk.Order{}, "no cursor", 10); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if _, _, err := d.Incidents.List(t.Context(), tenant, desk.Filter{Pile: "odd"}, "", 10); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}
