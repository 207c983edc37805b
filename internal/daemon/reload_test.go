package daemon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// certificate writes a certificate with a number of its own, and its key.
func certificate(t *testing.T, dir string, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReload changes everything that a reload can change, while the daemon runs.
func TestReload(t *testing.T) {
	dir := short(t)
	certificate(t, dir, 1)
	file := filepath.Join(dir, "vedette.yaml")
	configure := func(rest string) {
		t.Helper()
		text := fmt.Sprintf("data: %s\nconsole:\n  listen: 127.0.0.1:0\n  hosts: [localhost]\n  cert: %s/cert.pem\n  key: %s/key.pem\n", filepath.Join(dir, "data"), dir, dir)
		if err := os.WriteFile(file, []byte(text+rest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("keep:\n  days: 36500\n")
	log := &lines{}
	d, f := runs(t, file, log)
	var link *url.URL
	for end := time.Now().Add(20 * time.Second); link == nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m := regexp.MustCompile(`link="?([^"\s]+)`).FindStringSubmatch(log.String()); m != nil {
			link, _ = url.Parse(m[1])
		}
	}
	serial := func() int64 {
		t.Helper()
		c, err := tls.Dial("tcp", link.Host, &tls.Config{InsecureSkipVerify: true}) // whatever it shows is looked at
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Fatalf("the certificate is number %d", n)
	}
	conn := filepath.Join(dir, "conn.log")
	(&writer{t: t, path: conn}).write(50)
	certificate(t, dir, 2)
	configure(fmt.Sprintf("keep:\n  days: 30000\nbudget: 5\nown: [192.0.2.0/24]\nsite: x\nsources:\n  - tail:\n      poll: 5ms\n      paths: [%s]\n", conn))
	r, err := f.Reload(t.Context())
	if err != nil || strings.Join(r.Applied, ", ") != "console.cert, keep, budget, own, sources (1 begun, 0 ended)" || !slices.Equal(r.Restart, []string{"site"}) {
		t.Errorf("%+v, %v", r, err)
	}
	if n := serial(); n != 2 {
		t.Errorf("the certificate is still number %d", n)
	}
	for end := time.Now().Add(20 * time.Second); d.learned() < 50 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	d.learner.lock.RLock()
	got := d.learner.setting
	d.learner.lock.RUnlock()
	if want := (input.Setting{Budget: 5, Own: d.current().Own}); d.learned() != 50 || !got.Equal(want) || len(got.Own) != 1 {
		t.Errorf("%d events are learned under %+v", d.learned(), got)
	}
	// Of what is wrong nothing holds.
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	configure("budget: 9\n")
	if _, err := f.Reload(t.Context()); fault.KindOf(err) == fault.Internal || err == nil || serial() != 2 || d.current().Budget != 5 {
		t.Errorf("a wrong certificate: %v; budget %g", err, d.current().Budget)
	}
}

// runs runs a daemon with its faces until the test ends.
func runs(t *testing.T, file string, log *lines) (*Daemon, *Faces) {
	t.Helper()
	c, err := Configure(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), c, logTo(log))
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Faces(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, f
}
