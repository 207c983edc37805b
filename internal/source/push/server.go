package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/knock"
)

// server answers requests.
type server struct {
	*http.ServeMux
	ctx      context.Context // of the feed's one run: when it ends, nobody waits any longer
	patience time.Duration
	workers  map[[32]byte]*worker // by the sum of the token; not changed while it serves
	budget   budget
	acks     atomic.Uint64 // requests that were answered with a number
	handlers gate
	knocks   *knock.Log
	now      func() time.Time
}

// gate counts those inside, and lets none in once somebody waits for all to leave.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside.Add(1)
	return true
}

// Wait closes the gate and waits until nobody is inside.
func (g *gate) Wait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
}

const (
	retryAfter  = 5 * time.Second
	problemType = "application/problem+json"
)

// problem is an error as RFC 9457 has it, with what Splunk's and Elasticsearch's clients
// look for beside it.
type problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail,omitempty"`
	Text   string        `json:"text,omitempty"` // Splunk
	Code   int           `json:"code,omitempty"`
	Event  *int          `json:"invalid-event-number,omitempty"`
	Error  *elasticError `json:"error,omitempty"` // Elasticsearch
	retry  time.Duration
}

// dialect is how the senders of a path want to hear of a problem.
type dialect func(*problem)

func plain(*problem) {}

func (f *feed) server(ctx context.Context) *server {
	s := &server{ServeMux: http.NewServeMux(), ctx: ctx, patience: f.patience, workers: map[[32]byte]*worker{}, knocks: &f.knocks, now: f.now}
	s.HandleFunc("POST /v1/push", s.handler(plain, s.lines))
	s.HandleFunc("POST /v1/push/{name}", s.handler(plain, s.lines))
	s.splunk()
	s.elastic()
	s.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, &problem{Status: http.StatusNotFound, Detail: "telemetry is taken at /v1/push, /services/collector and /_bulk"}, plain)
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.handlers.enter() {
		fail(w, stopping(), plain)
		return
	}
	defer s.handlers.inside.Done()
	s.ServeMux.ServeHTTP(w, r)
}

// handler asks who it is before anything else is done for a request.
func (s *server) handler(d dialect, serve func(w http.ResponseWriter, r *http.Request, worker *worker) *problem) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		worker, p := s.who(r)
		if p == nil {
			p = serve(w, r, worker)
		}
		if p != nil {
			fail(w, p, d)
		}
	}
}

// who returns the worker of the token that a request shows. Senders have different ways
// of showing one: Bearer, Splunk's, and as the password or key of Elasticsearch's.
func (s *server) who(r *http.Request) (*worker, *problem) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	switch strings.ToLower(scheme) {
	case "":
		return nil, &problem{Status: http.StatusUnauthorized, Detail: "no token: send the header Authorization: Bearer TOKEN", Code: 2}
	case "bearer", "splunk":
	case "apikey", "basic": // id:key, user:password
		b, err := base64.StdEncoding.DecodeString(secret)
		_, after, ok := strings.Cut(string(b), ":")
		if err != nil || !ok {
			return nil, &problem{Status: http.StatusUnauthorized, Detail: "the credentials are not of the form that their scheme has", Code: 3}
		}
		secret = after
	default:
		return nil, &problem{Status: http.StatusUnauthorized, Detail: "tokens are shown as Bearer, Splunk, ApiKey or Basic", Code: 3}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		from = netip.AddrPort{} // then all such share one bound
	}
	sum, now := sha256.Sum256([]byte(secret)), s.now()
	if wait := s.knocks.Try(from.Addr(), sum, now); wait > 0 {
		return nil, &problem{Status: http.StatusTooManyRequests, Detail: "too many wrong tokens came from this address; nothing was looked at", Code: 9, retry: wait.Truncate(time.Second) + time.Second}
	}
	if w := s.workers[sum]; w != nil {
		s.knocks.Right(from.Addr(), sum, now)
		return w, nil
	}
	s.knocks.Wrong()
	return nil, &problem{Status: http.StatusUnauthorized, Detail: "nobody has this token", Code: 4}
}

func sumOf(t token) (sum [32]byte) {
	b, _ := hex.DecodeString(t.SHA256) // it was checked
	copy(sum[:], b)
	return sum
}

// lines takes a body of lines.
func (s *server) lines(w http.ResponseWriter, r *http.Request, to *worker) *problem {
	b, p := s.read(w, r)
	if p != nil {
		return p
	}
	name := r.PathValue("name")
	if name == "" {
		name = "v1"
	}
	a, p := s.submit(r, to, b, func(visit visitor) error { return eachLine(b.data, said{name: name}, visit) })
	if p != nil {
		return p
	}
	if a.again {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	reply(w, http.StatusOK, struct {
		Accepted uint32 `json:"accepted"`
		Rejected uint32 `json:"rejected"` // longer than 1 MiB
	}{a.accepted, a.rejected})
	return nil
}

// eachLine visits the lines that are not blank.
func eachLine(data []byte, of said, visit visitor) error {
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			if err := visit(of, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// submit hands a request to its worker, who frees the body, and waits until it is safe.
func (s *server) submit(r *http.Request, to *worker, b *body, each func(visitor) error) (answer, *problem) {
	j := &job{each: each, free: b.free, done: make(chan answer, 1)}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		j.keyed = true
		sum := sha256.Sum256([]byte(key))
		copy(j.key[:], sum[:])
	}
	select {
	case to.queue <- j:
	default:
		b.free()
		return answer{}, &problem{Status: http.StatusTooManyRequests, Detail: "too many requests wait already; nothing was taken", Code: 9, retry: retryAfter}
	}
	wait := time.NewTimer(s.patience)
	defer wait.Stop()
	var p *problem
	select {
	case a := <-j.done:
		if a.err == nil {
			return a, nil
		}
		return a, unsure()
	case <-s.ctx.Done():
		p = stopping()
	case <-r.Context().Done():
		p = &problem{Status: http.StatusServiceUnavailable} // nobody is there to read it
	case <-wait.C:
		p = &problem{Status: http.StatusTooManyRequests, Detail: "what came before takes too long; nothing was taken", Code: 9, retry: retryAfter}
	}
	if j.state.CompareAndSwap(waiting, left) {
		b.free()
		return answer{}, p
	}
	if p.Status == http.StatusTooManyRequests {
		p = unsure()
	}
	return answer{}, p
}

func stopping() *problem {
	return &problem{Status: http.StatusServiceUnavailable, Detail: "the program is ending; what was sent may have been kept", Code: 9, retry: retryAfter}
}

func unsure() *problem {
	return &problem{
		Status: http.StatusServiceUnavailable, Code: 9, retry: retryAfter,
		Detail: "it is not safe yet, and may have been kept; a request with the same Idempotency-Key adds nothing twice",
	}
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever is gone sends again
}

func fail(w http.ResponseWriter, p *problem, d dialect) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	d(p)
	if p.Text == "" {
		p.Code = 0
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	if p.Text != "" || p.Error != nil {
		h.Set("Content-Type", "application/json") // all that those clients know
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.retry/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="vedette"`)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // likewise
}

// silent returns a logger that says nothing: what strangers do wrong is no news.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
