package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/intake"
	"vedette/internal/store/state"
)

// lines is a log that can be read while it is written.
type lines struct {
	lock sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.String()
}

// served runs a daemon with its faces, and returns its log, the link of the first run and
// what ends it.
func served(t *testing.T, dir string, c config.Console) (log *lines, link *url.URL, end func() error) {
	t.Helper()
	log = &lines{}
	d, err := Open(t.Context(), config.Config{Data: dir, Site: "test", Budget: 1, Console: c, Keep: config.Keep{Days: 90}}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Faces(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	for range 500 {
		if m := regexp.MustCompile(`link="?([^"\s]+)`).FindStringSubmatch(log.String()); m != nil {
			if link, err = url.Parse(m[1]); err != nil {
				t.Fatal(err)
			}
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return log, link, func() error {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error("running:", err)
			}
		case <-time.After(2 * stopWait):
			t.Fatal("it does not end")
		}
		return d.Close()
	}
}

func TestFirstRun(t *testing.T) {
	dir := t.TempDir()
	log, link, end := served(t, dir, config.Console{Listen: "127.0.0.1:0"})
	if link == nil || link.Scheme != "http" || link.Path != "/setup" {
		t.Fatalf("no way in is printed:\n%s", log)
	}
	r, err := http.Get(link.String())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if code := link.Query().Get("code"); r.StatusCode != http.StatusOK || code == "" || !strings.Contains(string(b), code) {
		t.Errorf("the link leads to %d without its code", r.StatusCode)
	}
	if n := strings.Count(log.String(), "code="); n != 1 {
		t.Errorf("the code is printed %d times", n)
	}
	if err := end(); err != nil {
		t.Error(err)
	}

	// Another start, another code; the earlier is worth nothing.
	_, again, end := served(t, dir, config.Console{Listen: "127.0.0.1:0"})
	if again == nil || again.Query().Get("code") == link.Query().Get("code") {
		t.Error("the next start prints no code of its own")
	}
	r, err = http.Get("http://" + again.Host + "/health")
	if err != nil {
		t.Fatal(err)
	}
	var health map[string]any
	if err := json.NewDecoder(r.Body).Decode(&health); err != nil || health["status"] != "ok" || health["lag"] != 0.0 {
		t.Errorf("health: %v %v", health, err)
	}
	r.Body.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d, err := Open(t.Context(), config.Config{Data: t.TempDir(), Site: "test", Budget: 1, Console: config.Console{Listen: l.Addr().String()}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Faces(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the error is %v", err)
	}
}

func TestEncrypted(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	listen := config.Console{Listen: "127.0.0.1:0", Hosts: []string{"localhost"}, Cert: write("cert.pem", "CERTIFICATE", der), Key: write("key.pem", "PRIVATE KEY", private)}
	log, link, end := served(t, filepath.Join(dir, "data"), listen)
	if link == nil || link.Scheme != "https" || link.Hostname() != "localhost" {
		t.Fatalf("the way in is %v:\n%s", link, log)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	dial := func(most uint16) (*http.Response, error) {
		t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: most}}
		defer t.CloseIdleConnections()
		return (&http.Client{Transport: t}).Get(link.String())
	}
	r, err := dial(0)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK || r.Header.Get("Strict-Transport-Security") == "" || !strings.HasPrefix(r.Header.Get("Set-Cookie"), "__Host-") {
		t.Errorf("over TLS: %d %v", r.StatusCode, r.Header)
	}
	if r, err := dial(tls.VersionTLS11); err == nil {
		r.Body.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log holds errors:\n%s", log)
	}
}

// A token opens metrics and the API, and no more than it may.
func TestPrograms(t *testing.T) {
	s := start(t, t.TempDir())
	s.setUp()
	ctx := t.Context()
	shown, k, err := auth.NewToken(rand.Reader, auth.Account{Tenant: tenant, Name: "ada", Role: auth.Administrator}, "monitoring", auth.SetOf(auth.ReadIncidents), time.Now(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.daemon.state.Tenant(tenant).AddToken(ctx, state.Request{Actor: "ada"}, state.Token{Hash: state.Hash(k.Hash), Owner: "ada", Purpose: k.Name, Scopes: k.Scopes.Names(), Created: k.Created, Expires: k.Expires}); err != nil {
		t.Fatal(err)
	}
	get := func(path string, header ...string) (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		if h := r.Header.Get("Host"); h != "" {
			r.Host = h
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		return a.StatusCode, string(b)
	}
	for _, c := range []struct {
		name   string
		path   string
		header []string
		status int
		holds  string
	}{
		{"metrics from here", "/metrics", nil, 200, "\nvedette_incidents{pile=\"surfaced\"} 0\n"},
		{"of the program itself", "/metrics", nil, 200, "\ngo_goroutines "},
		{"through something", "/metrics", []string{"X-Forwarded-For", "192.0.2.7"}, 401, "token"},
		{"through something, with a token", "/metrics", []string{"X-Forwarded-For", "192.0.2.7", "Authorization", "Bearer " + shown}, 200, "vedette_log_position"},
		{"with a wrong token", "/metrics", []string{"X-Forwarded-For", "192.0.2.7", "Authorization", "Bearer " + shown[:len(shown)-1] + "x"}, 401, "token"},
		{"which is counted", "/metrics", nil, 200, "\nvedette_wrong_tokens_total{where=\"api\"} 1\n"},
		{"under a strange name", "/metrics", []string{"Host", "evil.example"}, 421, "host"},
		{"health under any name", "/health", []string{"Host", "10.1.2.3"}, 200, `"status":"ok"`},
		{"the API with a token", "/api/incidents", []string{"Authorization", "Bearer " + shown}, 200, "{"},
		{"the API without", "/api/incidents", nil, 401, "token"},
		{"what the token may not", "/api/people", []string{"Authorization", "Bearer " + shown}, 403, ""},
	} {
		if status, page := get(c.path, c.header...); status != c.status || !strings.Contains(page, c.holds) {
			t.Errorf("%s: %d\n%s", c.name, status, page)
		}
	}
}

// Who watches is told of a change by somebody else, and let go at the end.
func TestStream(t *testing.T) {
	s := start(t, t.TempDir())
	s.setUp()
	r, err := s.client.Get(s.server.URL + "/changes")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	s.faces.changed(tenant, 0xabc)
	var b strings.Builder
	buf := make([]byte, 512)
	for !strings.Contains(b.String(), "data: incident 0000000000000abc") {
		n, err := r.Body.Read(buf)
		if b.Write(buf[:n]); err != nil {
			t.Fatalf("the stream ends with %v after %q", err, b.String())
		}
	}
	s.faces.hub.close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Error("the stream does not end well:", err)
	}
}

func TestHowSourcesDo(t *testing.T) {
	began := time.Date(2026, 3, 24, 8, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return began.Add(d) }
	// said makes accounts of a source that speaks every minute until some moment.
	said := func(until time.Duration, change func(*intake.Account)) *book {
		b := &book{ledgers: map[string]*ledger{}, before: map[string]intake.Account{}, failed: map[string]string{}, began: began}
		for d := time.Minute; d <= until; d += time.Minute {
			a := intake.Account{Source: "syslog/fw", Received: uint64(d / time.Minute), Decoded: uint64(d / time.Minute), Seen: at(d), Last: at(d).UnixNano()}
			if change != nil {
				change(&a)
			}
			b.take(func() []intake.Account { return []intake.Account{a} }, at(d))
		}
		return b
	}
	for _, c := range []struct {
		name string
		book *book
		now  time.Duration
		want desk.SourceState
	}{
		{"speaks", said(time.Hour, nil), time.Hour, desk.Fine},
		{"silent for a moment", said(time.Hour, nil), time.Hour + 9*time.Minute, desk.Fine},
		{"silent for longer than usual", said(time.Hour, nil), time.Hour + 11*time.Minute, desk.Gap},
		{"silent for a day", said(time.Hour, nil), 26 * time.Hour, desk.Silent},
		{"not known for long", said(10*time.Minute, nil), time.Hour, desk.Fine},
		{"not known for long, and silent", said(10*time.Minute, nil), 2 * time.Hour, desk.Gap},
		{"of the past", said(time.Hour, func(a *intake.Account) { a.Last = 1 }), 5 * time.Hour, desk.Idle},
		{"loses", said(time.Hour, func(a *intake.Account) { a.Lost = map[string]uint64{"the buffer was full": 3} }), time.Hour, desk.Gap},
		{"not understood", said(time.Hour, func(a *intake.Account) {
			a.Decoded, a.Rejected = 0, map[string]uint64{"format not recognised": a.Received}
		}), time.Hour, desk.Failed},
	} {
		all := c.book.sources(at(c.now))
		if len(all) != 1 || all[0].State != c.want {
			t.Errorf("%s: %+v, want %s", c.name, all, c.want)
			continue
		}
		if s := all[0]; s.Received != s.Decoded+s.Rejected+s.Lost || (s.State != desk.Fine && s.State != desk.Idle) != (s.Says != "") {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

func TestHours(t *testing.T) {
	b := &book{ledgers: map[string]*ledger{}, before: map[string]intake.Account{}}
	start := time.Date(2026, 3, 24, 0, 30, 0, 0, time.UTC)
	for h := range 30 {
		at := start.Add(time.Duration(h) * time.Hour)
		n := uint64(10 * (h + 1))
		b.take(func() []intake.Account { return []intake.Account{{Source: "a", Received: n, Decoded: n, Seen: at}} }, at)
	}
	s := b.sources(start.Add(32 * time.Hour))[0]
	if len(s.Hours) != 24 || s.Hours[23] != 0 || s.Hours[21] != 0 || s.Hours[20] != 10 || s.Hours[0] != 10 {
		t.Errorf("the hours are %v", s.Hours)
	}
	if records, _ := b.sinceMidnight(); records != 60 { // six hours of the second day
		t.Errorf("%d records are of today", records)
	}
}

func TestTailedFilesAreOneSource(t *testing.T) {
	for name, want := range map[string][2]string{
		"/var/log/zeek/conn.log@0123456789ab":   {"/var/log/zeek/conn.log", "file"},
		"/var/log/zeek/conn.log@0123456789ab-2": {"/var/log/zeek/conn.log", "file"},
		"syslog/10.0.0.1/sshd":                  {"syslog/10.0.0.1/sshd", "syslog"},
		"push/probe/conn":                       {"push/probe/conn", "push"},
		"a@b":                                   {"a@b", "feed"},
	} {
		if who, kind := shown(name); who != want[0] || kind != want[1] {
			t.Errorf("%s is %s, %s", name, who, kind)
		}
	}
}
