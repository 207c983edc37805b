// Package push takes telemetry that others send over HTTP: lines of JSON at /v1/push, and
// the shapes of Splunk's HTTP Event Collector and of Elasticsearch's bulk requests, so that
// shippers that are already there need only another address.
//
// A sender is told 200 when what it sent is safe on disk, and not before. It may name a
// request with the header Idempotency-Key: sent again, the request answers as it did the
// first time and adds nothing, also after a restart. What is remembered are the last
// 100,000 keys of each token, for 24 hours. A request without a key that was answered with
// 503, or not at all, may have been kept: whoever sends it again may have it twice.
//
// Which shippers were run against it, and how they are set up, is in docs/sources.md. A
// shipper for Elasticsearch must be told to set up no template, index or policy.
//
// Wrong tokens are counted by the address they come from; beyond thirty, one a second is
// looked at, and the others are told 429. Senders whose token was right from there within a
// day do not notice. A token should be drawn, not thought of (openssl rand -hex 32).
//
// A source is called push/<token's name>/<what the sender calls it>: the last part of the
// path at /v1/push, the sourcetype or source of Splunk, the index of Elasticsearch; for the
// latter two with the host before it, if the sender names one. Its positions count its
// records from 1 and go on after a restart.
package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/knock"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// Kind is the listener for telemetry that is pushed.
var Kind = source.Kind{
	Info: plug.Info{Name: "push", Summary: "Takes JSON lines over HTTP, also from senders for Splunk HEC and Elasticsearch"},
	New:  newFeed,
}

// settings is the part of the configuration.
type settings struct {
	Listen   string  `yaml:"listen"`    // host:port
	Cert     string  `yaml:"cert"`      // files, PEM
	Key      string  `yaml:"key"`       //
	ClientCA string  `yaml:"client_ca"` // if set, senders must show a certificate of it too
	Insecure bool    `yaml:"insecure"`  // listen without TLS on an address that others reach
	Tokens   []token `yaml:"tokens"`
}

// token is a sender's.
type token struct {
	Name   string `yaml:"name"`
	SHA256 string `yaml:"sha256"` // of the token, in hexadecimal
	Format string `yaml:"format"` // of what it sends; empty if it is to be recognised
}

// Bounds that nobody needs to set.
const (
	maxBody   = 32 << 20  // bytes of a request, packed and unpacked
	maxMemory = 256 << 20 // bytes of all requests at once
	maxLine   = 1 << 20   // bytes of a record
	maxConns  = 256
	maxQueue  = 64 // requests of one token that wait
	patience  = 5 * time.Second
	grace     = 300 * time.Millisecond // for requests at hand when it ends
)

// feed is the listener.
type feed struct {
	settings settings
	tls      *tls.Config
	now      func() time.Time
	patience time.Duration
	knocks   knock.Log      // of wrong tokens
	ready    func(net.Addr) // if not nil, is told where it listens
}

func newFeed(part []byte) (source.Feed, error) {
	f := &feed{settings: settings{Listen: "127.0.0.1:8088"}, now: time.Now, patience: patience}
	if err := source.Decode(part, &f.settings); err != nil {
		return nil, err
	}
	if err := f.settings.check(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if f.settings.Cert == "" {
		return f, nil
	}
	var err error
	if f.tls, err = f.settings.secure(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return f, nil
}

// check says what is wrong, for people.
func (s *settings) check() error {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is no host:port", s.Listen)
	}
	if (s.Cert == "") != (s.Key == "") {
		return errors.New("cert and key: one is given without the other")
	}
	if s.ClientCA != "" && s.Cert == "" {
		return errors.New("client_ca is given without cert and key")
	}
	if s.Cert == "" && !s.Insecure && !loopback(host) {
		return fmt.Errorf("listen: %s can be reached by others, so it needs cert and key (or insecure: true, and then anybody on the way can read tokens and telemetry)", s.Listen)
	}
	if len(s.Tokens) == 0 {
		return errors.New("tokens: nobody could send anything; give each sender a name and the SHA-256 of its token")
	}
	names, sums := map[string]bool{}, map[string]bool{}
	for _, t := range s.Tokens {
		sum, err := hex.DecodeString(t.SHA256)
		switch {
		case t.Name == "" || t.Name != clean(t.Name) || len(t.Name) > maxName:
			return fmt.Errorf("tokens: %q is no name: letters, digits and . _ : -, at most %d", t.Name, maxName)
		case err != nil || len(sum) != 32:
			return fmt.Errorf("tokens: sha256 of %s is not 64 hexadecimal digits (printf %%s TOKEN | sha256sum)", t.Name)
		case names[t.Name] || sums[string(sum)]:
			return fmt.Errorf("tokens: the name or the sum of %s is there twice", t.Name)
		}
		names[t.Name], sums[string(sum)] = true, true
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *settings) secure() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, fmt.Errorf("cert and key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if s.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(s.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("client_ca: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client_ca: %s holds no certificate", s.ClientCA)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}

// trust of what is pushed. Over an open network a token is only as good as the network.
func (s *settings) trust() event.Trust {
	if host, _, _ := net.SplitHostPort(s.Listen); s.Cert == "" && !loopback(host) {
		return event.Handshake
	}
	return event.Authenticated
}

// Knocks returns how many tokens were wrong, and how many were not looked at because too many
// wrong ones had come from the same address.
func (f *feed) Knocks() (wrong, refused uint64) { return f.knocks.Counts() }

// Run implements [source.Feed].
func (f *feed) Run(outer context.Context, place func(string) []byte, newOut func() source.Out) error {
	plain, err := (&net.ListenConfig{}).Listen(outer, "tcp", f.settings.Listen)
	if err != nil {
		if outer.Err() != nil {
			return nil
		}
		return fmt.Errorf("listening for pushes: %w", err)
	}
	if f.ready != nil {
		f.ready(plain.Addr())
	}
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	var workers sync.WaitGroup
	s := f.server(ctx)
	for _, t := range f.settings.Tokens {
		w := newWorker(t, f.settings.trust(), f.now, place, newOut())
		s.workers[sumOf(t)] = w
		workers.Go(func() {
			if err := w.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	one := new(http.Protocols) // HTTP/2 has more ways to exhaust a server, and senders gain nothing by it
	one.SetHTTP1(true)
	h := &http.Server{
		Protocols: one,
		Handler:   s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: silent(), TLSConfig: f.tls,
	}
	workers.Go(func() {
		l := netutil.LimitListener(plain, maxConns)
		if f.tls == nil {
			err = h.Serve(l)
		} else {
			err = h.ServeTLS(l, "", "")
		}
		cancel(fmt.Errorf("listening for pushes: %w", err)) // no news if it is the end
	})
	<-ctx.Done()
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	if h.Shutdown(last) != nil {
		_ = h.Close() // those that are left are told nothing, and send again
	}
	s.handlers.Wait()
	workers.Wait()
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}
