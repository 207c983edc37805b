package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/source/sourcetest"
)

// certify writes a certificate for 127.0.0.1 that signs itself.
func certify(t *testing.T, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vedette"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pk, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "EC PRIVATE KEY", Bytes: pk}} {
		if err := os.WriteFile(file+name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCurl has curl push, plainly and over TLS with a client's certificate.
func TestCurl(t *testing.T) {
	program, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	dir := t.TempDir()
	certify(t, dir+"/server")
	certify(t, dir+"/client")
	body := dir + "/body"
	if err := os.WriteFile(body, []byte(pack(t, "gzip", strings.Repeat("{\"a\":1}\n", 3000))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, scheme string
		args         []string
		ok           bool
	}{
		{"plain", "http", nil, true},
		{"tls", "https", []string{"--cacert", dir + "/server.crt", "--cert", dir + "/client.crt", "--key", dir + "/client.key"}, true},
		{"tls_1.1", "https", []string{"--cacert", dir + "/server.crt", "--cert", dir + "/client.crt", "--key", dir + "/client.key", "--tls-max", "1.1"}, false},
		{"no_certificate", "https", []string{"--cacert", dir + "/server.crt"}, false},
		{"a_strangers_certificate", "https", []string{"--cacert", dir + "/server.crt", "--cert", dir + "/server.crt", "--key", dir + "/server.key"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := sourcetest.NewLog()
			l := listen(t, log, &sourcetest.Life{}, func(f *feed) {
				if test.scheme != "https" {
					return
				}
				f.settings.Cert, f.settings.Key, f.settings.ClientCA = dir+"/server.crt", dir+"/server.key", dir+"/client.crt"
				if f.tls, err = f.settings.secure(); err != nil {
					t.Fatal(err)
				}
			})
			url := strings.Replace(l.url, "http", test.scheme, 1)
			for range 2 {
				args := append([]string{"-sS", "--fail", "-H", "Authorization: Bearer one", "-H", "Content-Encoding: gzip", "-H", "Idempotency-Key: 1", "--data-binary", "@" + body, url + "/v1/push/conn"}, test.args...)
				out, err := exec.Command(program, args...).CombinedOutput()
				if test.ok != (err == nil) || test.ok && string(out) != "{\"accepted\":3000,\"rejected\":0}\n" {
					t.Errorf("%v: %s", err, out)
				}
			}
			if n := len(log.Records()); n != map[bool]int{true: 3000}[test.ok] {
				t.Errorf("%d records", n)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	tokens := "tokens:\n- {name: a, sha256: " + sum("one") + "}\n"
	for config, want := range map[string]string{
		"":                                    "nobody could send",
		"listen: x\n" + tokens:                "no host:port",
		"listen: 0.0.0.0:8088\n" + tokens:     "needs cert and key",
		"listen: ':8088'\n" + tokens:          "needs cert and key",
		"lisen: x":                            `line 1: there is no key "lisen"; the nearest is "listen"`,
		"tokens:\n- {nam: a}":                 `there is no key "nam"; the nearest is "name"`,
		"tokens:\n- {name: a/b}":              "is no name",
		"tokens:\n- {name: a, sha256: plain}": "64 hexadecimal digits",
		tokens + "- {name: a, sha256: " + sum("b") + "}":   "twice",
		tokens + "- {name: b, sha256: " + sum("one") + "}": "twice",
		tokens + "cert: x":                       "one is given without the other",
		tokens + "client_ca: x":                  "without cert",
		tokens + "cert: /nowhere\nkey: /nowhere": "cert and key: ",
	} {
		if _, err := newFeed([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", config, err, want)
		}
	}
	for config, want := range map[string]event.Trust{
		tokens: event.Authenticated, "listen: '[::1]:1'\n" + tokens: event.Authenticated, "listen: 0.0.0.0:1\ninsecure: true\n" + tokens: event.Handshake,
	} {
		f, err := newFeed([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.(*feed).settings.trust(); got != want {
			t.Errorf("%q: trust %d", config, got)
		}
	}
}

// TestTaken listens where somebody does already.
func TestTaken(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	f, err := newFeed([]byte(fmt.Sprintf("listen: %s\ntokens:\n- {name: a, sha256: %s}\n", strings.TrimPrefix(l.url, "http://"), sum("one"))))
	if err != nil {
		t.Fatal(err)
	}
	life := &sourcetest.Life{Log: sourcetest.NewLog()}
	stop, done := life.Start(t.Context(), f)
	defer stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
}
