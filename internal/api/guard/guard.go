// Package guard stands before every handler of a face: it checks for which host a request
// is meant, sets the headers that browsers are told to be careful by, bounds what is read,
// and packs what is sent.
package guard

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"vedette/internal/auth"
)

// Policy is the content security policy of every page: nothing but what we serve
// ourselves, and no script or style within a page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxBody is how much of a request is read, in bytes.
const maxBody = 1 << 20

// Options say how requests come in.
type Options struct {
	Hosts []string // by which names this is reached, without ports; loopback always is
	TLS   bool     // browsers reach it over TLS
}

// Handler returns what stands before next.
func Handler(next http.Handler, o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header(w.Header(), o.TLS)
		if !o.meant(r.Host) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusMisdirectedRequest)
			_, _ = io.WriteString(w, "This request names a host that Vedette is not known by. Nothing was done.\nUse the address it is known by, or add this name to the hosts in its configuration.\n")
			return
		}
		if kind := strings.ToLower(r.Header.Get("Content-Type")); strings.HasPrefix(strings.TrimSpace(kind), "multipart/") {
			// No form here has parts, so their parser, which has had its faults, is never reached.
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusUnsupportedMediaType)
			_, _ = io.WriteString(w, "Forms with parts are not read here. Nothing was done.\n")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		p := &packed{ResponseWriter: w}
		defer p.close()
		next.ServeHTTP(p, r)
	})
}

func header(h http.Header, tls bool) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// meant reports whether a request is for us. Else a page of somebody else, whose name was
// made to lead to our address, could read ours.
func (o Options) meant(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if a, err := netip.ParseAddr(name); name == "localhost" || err == nil && a.IsLoopback() {
		return true
	}
	return name != "" && slices.ContainsFunc(o.Hosts, func(h string) bool {
		return strings.EqualFold(strings.TrimSuffix(strings.Trim(h, "[]"), "."), name)
	})
}

// Address returns where a request comes from. What it says of itself does not count.
func Address(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// packed is a writer that packs text.
type packed struct {
	http.ResponseWriter
	z       *gzip.Writer
	decided bool
}

// writers are kept, for each takes much memory.
var writers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a constant
	return z
}}

func (p *packed) WriteHeader(status int) {
	p.decide(status)
	p.ResponseWriter.WriteHeader(status)
}

func (p *packed) decide(status int) {
	if p.decided {
		return
	}
	p.decided = true
	h := p.Header()
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	text := strings.HasPrefix(kind, "text/") && kind != "text/event-stream" || strings.HasSuffix(kind, "json") || kind == "image/svg+xml"
	if !text || h.Get("Content-Encoding") != "" || status == http.StatusNoContent || status == http.StatusNotModified {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	p.z = writers.Get().(*gzip.Writer)
	p.z.Reset(p.ResponseWriter)
}

func (p *packed) Write(b []byte) (int, error) {
	p.decide(http.StatusOK)
	if p.z != nil {
		return p.z.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// FlushError sends what was written so far.
func (p *packed) FlushError() error {
	if p.z != nil {
		if err := p.z.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the writer inside.
func (p *packed) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// close ends what was packed. An error is the reader's having gone.
func (p *packed) close() {
	if p.z != nil {
		_ = p.z.Close()
		writers.Put(p.z)
	}
}

// SessionCookie returns the name of the cookie that carries a session. Without TLS browsers
// would not keep one of the name that is for one host alone.
func SessionCookie(tls bool) string {
	if tls {
		return auth.Cookie
	}
	return "vedette"
}
