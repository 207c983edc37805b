// Package syslog listens for syslog over UDP, TCP and TLS: RFC 5424 and 3164, counted in
// octets or one a line, and what is sent as such.
//
// A message that carries telemetry with a shape of its own, such as JSON of Suricata or
// Zeek, CEF or LEEF, is taken out of its envelope; any other is taken whole. A source is
// called syslog/<address of the peer>/<application or tag>. There are at most 4,096 such
// names, then as many syslog/<address>/other, then syslog/other. Positions count the
// messages of a source; after a restart they go on with the next thousand, so that none is
// given twice.
//
// Over UDP a message is as true as anyone who can send a packet; over TCP its peer's
// address is real; over TLS with a certificate that was verified, the peer is who it says.
//
// Syslog has no acknowledgement: what a peer sent and nobody read is lost when the program
// ends. What the kernel dropped of UDP (on Linux), what was too long, and what waited when
// the program ended is counted as lost.
package syslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// Kind is the listener for syslog.
var Kind = source.Kind{
	Info: plug.Info{Name: "syslog", Summary: "Listens for syslog over UDP, TCP and TLS"},
	New:  newFeed,
}

// settings is the part of the configuration.
type settings struct {
	UDP      []string `yaml:"udp"` // host:port, each
	TCP      []string `yaml:"tcp"`
	TLS      []string `yaml:"tls"`
	Cert     string   `yaml:"cert"` // files, PEM
	Key      string   `yaml:"key"`
	ClientCA string   `yaml:"client_ca"` // if set, peers over TLS must show a certificate of it
	Format   string   `yaml:"format"`    // of the telemetry; empty if it is to be recognised
}

// Bounds that nobody needs to set.
const (
	maxMessage = 64 << 10 // bytes; RFC 5425 asks for 8,192
	maxConns   = 512
	maxPerPeer = 64               // connections of one address
	idle       = time.Hour        // between messages of a connection
	slow       = 30 * time.Second // for a message to arrive whole, and for a handshake
	queued     = 256              // messages on their way
	rcvbuf     = 4 << 20          // bytes asked of the kernel for a UDP socket
	dropsEvery = 3 * time.Second
)

// feed is the listener.
type feed struct {
	settings settings
	tls      *tls.Config
	slow     time.Duration
	ready    func(network string, a net.Addr) // if not nil, is told where it listens
}

func newFeed(part []byte) (source.Feed, error) {
	f := &feed{slow: slow}
	if err := source.Decode(part, &f.settings); err != nil {
		return nil, err
	}
	s := &f.settings
	err := s.check()
	if err == nil && len(s.TLS) > 0 {
		f.tls, err = s.secure()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return f, nil
}

// check says what is wrong, for people.
func (s *settings) check() error {
	if len(s.UDP)+len(s.TCP)+len(s.TLS) == 0 {
		return errors.New("udp, tcp, tls: nothing to listen at")
	}
	for key, list := range map[string][]string{"udp": s.UDP, "tcp": s.TCP, "tls": s.TLS} {
		for _, a := range list {
			if _, _, err := net.SplitHostPort(a); err != nil {
				return fmt.Errorf("%s: %q is no host:port", key, a)
			}
		}
	}
	if given := s.Cert != "" && s.Key != ""; given != (len(s.TLS) > 0) || given != (s.Cert+s.Key+s.ClientCA != "") {
		return errors.New("tls, cert and key: all are needed, or none")
	}
	return nil
}

func (s *settings) secure() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, fmt.Errorf("cert and key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
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

// Run implements [source.Feed].
func (f *feed) Run(outer context.Context, place func(string) []byte, newOut func() source.Out) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	l := &listener{feed: f, ctx: ctx, queue: make(chan message, queued), losses: newOut(), conns: map[net.Conn]string{}, peers: map[string]int{}}
	e := &emitter{format: f.settings.Format, place: place, out: newOut(), said: map[name]*origin{}, known: map[string]*origin{}}
	err := l.listen()
	if err == nil {
		var readers sync.WaitGroup
		l.serve(&readers, cancel)
		err = e.run(ctx, l.queue)
		cancel(err)
		l.count(e.out.Lost)
		l.close()
		readers.Wait()
		e.drain(l.queue, l.unsent)
	} else {
		l.close()
	}
	if outer.Err() != nil {
		return nil
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("listening for syslog: %w", err)
}
