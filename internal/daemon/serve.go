package daemon

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"vedette/internal/api"
	"vedette/internal/api/desk"
	"vedette/internal/api/guard"
	"vedette/internal/auth"
	"vedette/internal/config"
	"vedette/internal/console"
	"vedette/internal/daemon/control"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

const (
	headerWait = 5 * time.Second
	readWait   = 30 * time.Second
	writeWait  = time.Minute
	idleWait   = 2 * time.Minute
	stopWait   = 5 * time.Second
	mostHeader = 32 << 10
)

// Faces returns what people and programs see of the daemon. It is called once, after
// [Open] and before anything runs: from then on the daemon tells it what changes.
func (d *Daemon) Faces(ctx context.Context, version string) (*Faces, error) {
	return newFaces(ctx, d, version)
}

// Run runs the daemon and shows it to people until ctx ends, and then stops in order. If
// one of the two fails, so does the other.
func (f *Faces) Run(ctx context.Context) error {
	listener, err := f.listen(ctx)
	if err != nil {
		return err
	}
	f.at = listener.Addr()
	if err := f.welcome(ctx, f.at); err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	controlled := f.controlled(ctx)
	defer controlled()
	go func() {
		defer stop()
		served <- f.serve(ctx, listener)
	}()
	tell("READY=1\nSTATUS=watching; the console is on " + listener.Addr().String())
	err = f.daemon.Run(ctx)
	stop()
	tell("STOPPING=1\nSTATUS=saving what was learned")
	err = errors.Join(err, <-served)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	return errors.Join(err, f.keep(last))
}

// controlled answers the program's own verbs until ctx ends, and has the service manager know
// that it is alive. It returns what waits for its end. Without a control socket all the rest
// works, so that is no error.
func (f *Faces) controlled(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	all.Go(func() { watchdog(ctx, f.daemon.condition.alive) })
	s, err := control.Listen(f.daemon.config.Data, f.daemon.log)
	if err != nil {
		f.daemon.log.Warn("the program's own verbs cannot ask this daemon", "why", err)
		return all.Wait
	}
	all.Go(func() {
		if err := s.Serve(ctx, f); err != nil {
			f.daemon.log.Error("the program's own verbs cannot ask this daemon any more", "why", err)
		}
	})
	return all.Wait
}

// keep keeps the last counts.
func (f *Faces) keep(ctx context.Context) error {
	f.sources()
	return errors.Join(f.book.store(ctx, f.tenant(tenant)), f.note())
}

// listen opens the address of the console.
func (f *Faces) listen(ctx context.Context) (net.Listener, error) {
	c := f.daemon.config.Console
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fault.New(fault.Unavailable, fmt.Sprintf("console.listen: something listens at %s already. End it, or choose another address", c.Listen))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("console.listen: %w", err))
	}
	if c.Cert == "" {
		return l, nil
	}
	if _, err := f.certify(c); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	current := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.pair.Load(), nil }
	return tls.NewListener(l, &tls.Config{GetCertificate: current, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}

// serve answers requests until ctx ends; then those that are under way have a moment.
func (f *Faces) serve(ctx context.Context, l net.Listener) error {
	h, err := f.Handler()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	one := new(http.Protocols) // HTTP/2 has more ways to exhaust a server than a console needs
	one.SetHTTP1(true)
	s := &http.Server{
		Protocols: one,
		Handler:   h, ReadHeaderTimeout: headerWait, ReadTimeout: readWait, WriteTimeout: writeWait, IdleTimeout: idleWait, MaxHeaderBytes: mostHeader,
		ErrorLog: slog.NewLogLogger(f.daemon.log.Handler(), slog.LevelWarn),
	}
	s.RegisterOnShutdown(f.hub.close) // streams end, or they would be waited for
	following, unfollow := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		f.follow(following)
	}()
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
		defer cancel()
		if s.Shutdown(last) != nil {
			_ = s.Close() // who has not gone by now is cut off
		}
		err = <-failed
	}
	unfollow()
	<-followed
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// Handler returns what answers requests: the console, the API, health and metrics.
func (f *Faces) Handler() (http.Handler, error) {
	c := f.daemon.config.Console
	secure := c.Cert != ""
	hosts := c.Hosts
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && !everywhere(host) {
		hosts = append(hosts[:len(hosts):len(hosts)], host)
	}
	pages, err := console.New(f.desk, console.Options{Hosts: hosts, TLS: secure, Log: f.daemon.log, Guest: f.guest()})
	if err != nil {
		return nil, err
	}
	programs, err := api.New(f.desk, api.Options{Hosts: hosts, TLS: secure, Log: f.daemon.log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("/api/", programs)
	mux.HandleFunc("GET /health", f.health)
	mux.Handle("GET /metrics", guard.Handler(http.HandlerFunc(f.metrics), guard.Options{Hosts: hosts, TLS: secure}))
	return f.requests.watch(mux), nil
}

// guest returns what signs in whoever has the link to a replay, or nil.
func (f *Faces) guest() func(ctx context.Context, code string, v desk.Visitor) (string, error) {
	if !f.passing() {
		return nil
	}
	return func(ctx context.Context, code string, v desk.Visitor) (string, error) {
		shown, err := f.desk.Door.Guest(ctx, code, guest, v)
		if err == nil {
			err = f.admit(ctx, f.at)
		}
		return shown, err
	}
}

// everywhere reports whether a host stands for all addresses of this machine.
func everywhere(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.IsUnspecified()
}

// health says whether it works. It tells strangers no more than that, and by which name it
// is asked does not matter: what watches programs asks by address.
func (f *Faces) health(w http.ResponseWriter, r *http.Request) {
	all := f.sources()
	answer := struct {
		Status  string `json:"status"`
		Lag     uint64 `json:"lag"`     // entries of the log that are not learned yet
		Sources int    `json:"sources"` // how many there are
		Silent  int    `json:"silent"`  // of these, how many are not as they should be
	}{"ok", f.lag(), len(all), ailing(all)}
	parts, err := f.desk.Overview.Health(r.Context(), tenant)
	for _, p := range parts {
		if err != nil || !p.Fine {
			answer.Status = "degraded"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(answer) // an error is the reader's having gone
}

// metrics answers programs on this machine, and those that show a token.
func (f *Faces) metrics(w http.ResponseWriter, r *http.Request) {
	if !near(r) {
		shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		p, err := f.desk.Door.AdmitToken(r.Context(), shown, desk.Visitor{Address: guard.Address(r)})
		if err == nil {
			err = p.Require(auth.ReadIncidents)
		}
		if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
			w.Header().Set("Retry-After", soon.Seconds())
			http.Error(w, "Too many wrong tokens came from this address.", http.StatusTooManyRequests)
			return
		} else if !ok || err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="vedette"`)
			http.Error(w, "Metrics are for programs on this machine, or with a token that may read incidents.", http.StatusUnauthorized)
			return
		}
	}
	counts, err := f.tenant(tenant).Counts(r.Context())
	if err != nil {
		f.daemon.log.ErrorContext(r.Context(), "metrics failed", "error", err)
		http.Error(w, "The metrics could not be read.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = writeMetrics(w, f.measure(counts)) // likewise
}

// near reports whether a request comes from this machine itself, and not through something
// on it that passes on those of others.
func near(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	return guard.Address(r).IsLoopback()
}

// welcome prints the way in for the first administrator, as long as nobody is here.
func (f *Faces) welcome(ctx context.Context, at net.Addr) error {
	waiting, err := f.desk.Door.Codes.Waiting(ctx, tenant)
	if err != nil || !waiting {
		return err
	}
	shown, err := f.invite(ctx, rand.Reader)
	if err != nil {
		return err
	}
	if f.Welcome != nil {
		f.Welcome(f.link(at, shown))
		return nil
	}
	f.daemon.log.Info("nobody can sign in yet: open this link within a day to become the administrator", "link", f.link(at, shown))
	return nil
}

// guest is who looks at a replay of which nothing is kept.
const guest = "demo"

// admit makes the next link after one was used: whoever has another browser needs it.
func (f *Faces) admit(ctx context.Context, at net.Addr) error {
	shown, c, err := auth.NewCode(rand.Reader, guest, auth.Administrator, f.daemon.now())
	if err == nil {
		err = f.tenant(tenant).AddCode(ctx, state.Request{Actor: machine}, code(c))
	}
	if err != nil {
		return fmt.Errorf("making the next link: %w", err)
	}
	f.Welcome(f.link(at, shown))
	return nil
}

// passing reports whether people look at a replay of which nothing is kept: then a link is
// enough to sign in, for there is nothing behind it to come back to.
func (f *Faces) passing() bool {
	return f.daemon.replay != nil && !f.daemon.replay.Keep && f.Welcome != nil
}

// invite makes a code for the first administrator, in place of an earlier one.
func (f *Faces) invite(ctx context.Context, random io.Reader) (shown string, err error) {
	shown, c, err := auth.NewCode(random, "", auth.Administrator, f.daemon.now())
	if err != nil {
		return "", err
	}
	if err := f.tenant(tenant).AddCode(ctx, state.Request{Actor: machine}, code(c)); err != nil {
		return "", fmt.Errorf("making a code for the first administrator: %w", err)
	}
	return shown, nil
}

// link returns the address of the page where a code is used.
func (f *Faces) link(at net.Addr, shown string) string {
	c := f.daemon.config.Console
	host, _, errHost := net.SplitHostPort(c.Listen)
	if _, port, err := net.SplitHostPort(at.String()); err == nil && errHost == nil {
		c.Listen = net.JoinHostPort(host, port)
	}
	page := "/setup"
	if f.passing() {
		page = "/enter"
	}
	return codeLink(c, page, shown)
}

// setupLink returns the address of the page where a code is used.
func setupLink(c config.Console, shown string) string { return codeLink(c, "/setup", shown) }

// codeLink returns the address of a page that takes a code.
func codeLink(c config.Console, page, shown string) string {
	return c.Address(page) + "?" + url.Values{"code": {shown}}.Encode()
}

var _ desk.Changes = (*hub)(nil)
