package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

// wire keeps what both ends of a connection say, in order.
type wire struct {
	net.Conn
	from packet.Side
	said *[]dt.Said
	lock *sync.Mutex
}

func (w wire) Write(b []byte) (int, error) {
	w.lock.Lock()
	*w.said = append(*w.said, dt.Said{From: w.from, Data: slices.Clone(b)})
	w.lock.Unlock()
	return w.Conn.Write(b)
}

// handshakeOf has Go's own client and server shake hands, say something, and part.
func handshakeOf(t testing.TB, client, server *tls.Config) dt.Talk {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var said []dt.Said
	var lock sync.Mutex
	c, s := tls.Client(wire{a, packet.Client, &said, &lock}, client), tls.Server(wire{b, packet.Server, &said, &lock}, server)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if s.Handshake() == nil {
			room := make([]byte, 10)
			_, _ = s.Read(room)
			_, _ = s.Write([]byte("and to you"))
		}
		_ = b.Close()
	}()
	if c.Handshake() == nil {
		_, _ = c.Write([]byte("hello"))
		_, _ = c.Read(make([]byte, 10))
	}
	_ = a.Close()
	<-ended
	return dt.Talk{Over: packet.TCP, Port: 443, Said: said}
}

// certificateOf makes a certificate of a name, signed by itself.
func certificateOf(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Clinic"}}, DNSNames: []string{name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestRealHandshakes(t *testing.T) {
	cert := certificateOf(t, "pacs.clinic.example")
	for name, c := range map[string]struct {
		client, server *tls.Config
		want           []string
		certificate    bool
		established    bool
	}{
		"tls_1.2": {
			&tls.Config{ServerName: "PACS.clinic.example.", MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
			&tls.Config{NextProtos: []string{"http/1.1"}},
			[]string{"pacs.clinic.example", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "http/1.1", "t12d01", "CN=pacs.clinic.example,O=Clinic"},
			true, true,
		},
		"tls_1.3": {
			&tls.Config{ServerName: "pacs.clinic.example", MinVersion: tls.VersionTLS13}, &tls.Config{},
			[]string{"pacs.clinic.example", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "t13d03"},
			false, true,
		},
		"without_name": {
			&tls.Config{MinVersion: tls.VersionTLS13}, &tls.Config{}, []string{"TLSv1.3", "t13i03"}, false, true,
		},
		"asked_again": { // the server wants a group that the client did not guess
			&tls.Config{ServerName: "a.example", CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP384}, MinVersion: tls.VersionTLS13},
			&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}},
			[]string{"a.example", "TLSv1.3"},
			false, true,
		},
		"refused": {
			&tls.Config{ServerName: "a.example", MaxVersion: tls.VersionTLS12}, &tls.Config{MinVersion: tls.VersionTLS13},
			[]string{"a.example", "t12d"},
			false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.client.InsecureSkipVerify, c.server.Certificates = true, []tls.Certificate{cert}
			h := dt.RunProtocol(t, Kind, handshakeOf(t, c.client, c.server))
			if len(h.Batch.Events) != 1 {
				t.Fatalf("%d events", len(h.Batch.Events))
			}
			v := event.View{Batch: h.Batch, I: 0}
			said := dt.Describe(v)
			for _, w := range c.want {
				if !strings.Contains(said, w) {
					t.Errorf("it does not say %q:\n%s", w, said)
				}
			}
			e := v.TLS()
			if (e.Established == 1) != c.established || (e.CertHash != 0) != c.certificate || c.certificate && e.NotAfter != time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() {
				t.Errorf("established %d, certificate %q", e.Established, v.String(e.CertHash))
			}
		})
	}
}

func TestResumed(t *testing.T) {
	cert := certificateOf(t, "a.example")
	for _, most := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{ServerName: "a.example", InsecureSkipVerify: true, MaxVersion: most, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		server := &tls.Config{Certificates: []tls.Certificate{cert}}
		for n := range uint8(2) {
			h := dt.Hear(t, Kind, handshakeOf(t, client, server))
			if len(h.Batch.TLS) != 1 || h.Batch.TLS[0].Resumed != n || h.Batch.TLS[0].Established != 1 {
				t.Errorf("version %x, handshake %d: %+v", most, n, h.Batch.TLS)
			}
		}
	}
}

func TestNotTLS(t *testing.T) {
	for name, data := range map[string]string{
		"http": "GET / HTTP/1.1\r\n\r\n", "ssh": "SSH-2.0-x\r\n", "data_first": "\x17\x03\x03\x00\x20aaaa", "zeros": "\x00\x00\x00\x00\x00\x00", "dns": "\x00\x1d\x12\x34\x01\x00\x00\x01",
	} {
		if Kind.Sniff(&packet.Flow{Protocol: packet.TCP}, packet.Client, []byte(data)) != decode.No {
			t.Errorf("%s may be TLS", name)
		}
	}
}

func TestBroken(t *testing.T) {
	good := handshakeOf(t, &tls.Config{ServerName: "a.example", InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{certificateOf(t, "a.example")}})
	bad := good
	bad.Said = append(slices.Clone(good.Said[:1]), dt.Server("HTTP/1.1 400 Bad Request\r\n\r\n"))
	h := dt.Hear(t, Kind, bad)
	if len(h.Rejected) != 1 || h.Rejected[0] != noRecord || len(h.Batch.TLS) != 1 {
		t.Errorf("rejected %v, %d events: who asked for what is known all the same", h.Rejected, len(h.Batch.TLS))
	}
	h = dt.Hear(t, Kind, dt.Talk{Over: packet.TCP, Said: []dt.Said{dt.Client("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x09\x09")}})
	if len(h.Rejected) != 1 || h.Rejected[0] != noHello {
		t.Errorf("rejected %v", h.Rejected)
	}
}

func Fuzz(f *testing.F) {
	cert := certificateOf(f, "a.example")
	var seeds []dt.Talk
	for _, most := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		seeds = append(seeds, handshakeOf(f, &tls.Config{ServerName: "a.example", InsecureSkipVerify: true, MaxVersion: most}, &tls.Config{Certificates: []tls.Certificate{cert}}))
	}
	dt.FuzzProtocol(f, Kind, seeds...)
}
