package syslog

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, line, app, data string }{
		{"rfc5424", `<165>1 2003-10-11T22:14:15.003Z host app 12 ID [a@1 k="]\"x"][b] {"a":1}`, "app", `{"a":1}`},
		{"rfc5424_bom", "<165>1 2003-10-11T22:14:15.003Z host app - - - \xef\xbb\xbf{\"a\":1}", "app", `{"a":1}`},
		{"rfc5424_text", "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - 'su root' failed", "su", "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - 'su root' failed"},
		{"rfc5424_nil", "<34>1 - - - - - -", "", "<34>1 - - - - - -"},
		{"rfc3164", `<13>Feb  5 17:32:18 host suricata[123]: {"timestamp":"x"}`, "suricata", `{"timestamp":"x"}`},
		{"rfc3164_cee", `<13>Feb  5 17:32:18 host zeek: @cee: {"ts":1}`, "zeek", `{"ts":1}`},
		{"rfc3164_no_host", "<13>Feb  5 17:32:18 su: failed", "su", "<13>Feb  5 17:32:18 su: failed"},
		{"rfc3164_year", `<13>Feb  5 17:32:18 2026 host app: {"a":1}`, "app", `{"a":1}`},
		{"iso_time", `<13>2026-02-05T17:32:18.123+01:00 host app: {"a":1}`, "app", `{"a":1}`},
		{"no_priority", `Feb  5 17:32:18 host app: {"a":1}`, "app", `{"a":1}`},
		{"bare_json", `{"a":"b: c"}`, "", `{"a":"b: c"}`},
		{"tag_only", `<13>suricata: {"a":1}`, "suricata", `{"a":1}`},
		{"tag_json", `<13>Feb  5 17:32:18 host zeek:{"a":1}`, "zeek", `{"a":1}`},
		{"no_tag", `<13>Feb  5 17:32:18 host {"a":1}`, "", `{"a":1}`},
		{"cef", "<13>Feb  5 17:32:18 host CEF:0|v|p|1|2|n|3|a=b", "", "CEF:0|v|p|1|2|n|3|a=b"},
		{"leef", "<13>1 2026-02-05T17:32:18Z host app - - - LEEF:1.0|a", "app", "LEEF:1.0|a"},
		{"broken_json", `<13>Feb  5 17:32:18 host app: {"a":`, "app", `<13>Feb  5 17:32:18 host app: {"a":`},
		{"hello", "hello", "", "hello"},
		{"priority_only", "<13>", "", "<13>"},
		{"no_end", `<13>1 a b c d e [x y="`, "c", `<13>1 a b c d e [x y="`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if p := parse([]byte(test.line)); string(p.app) != test.app || string(p.data) != test.data {
				t.Errorf("app %q, data %q", p.app, p.data)
			}
		})
	}
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("x", maxMessage+1)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"lines", "<1>a\n<2>b\r\n\n\x00<3>c", []string{"<1>a", "<2>b", "<3>c"}},
		{"counted", "4 <1>a6 <2>b\nc5 <3>c\n", []string{"<1>a", "<2>b\nc", "<3>c"}},
		{"mixed", "4 <1>a\n<2>b\n4 <3>c", []string{"<1>a", "<2>b", "<3>c"}},
		{"numbers", "12 monkeys\n5\n1234567890123 <x\n", []string{"12 monkeys", "5", "1234567890123 <x"}},
		{"long_line", "<1>" + long + "\n<2>b\n", []string{errLong.Error(), "<2>b"}},
		{"longest", long[1:] + "\nb\n", []string{long[1:], "b"}},
		{"long_counted", fmt.Sprint(maxMessage+1) + " <" + long[1:] + "4 <2>b", []string{errLong.Error(), "<2>b"}},
		{"absurd", "99999999 <1>", []string{errFrame.Error()}},
		{"cut", "9 <1>a", []string{"unexpected EOF"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFrames(strings.NewReader(test.text))
			var got []string
			for {
				line, err := f.next()
				if err == nil {
					got = append(got, string(line))
				} else if errors.Is(err, errLong) {
					got = append(got, err.Error())
				} else {
					if err.Error() != "EOF" {
						got = append(got, err.Error())
					}
					break
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %.200q", got)
			}
		})
	}
}

func number(data []byte) int {
	s, ok := strings.CutPrefix(string(data), `{"n":`)
	n, err := strconv.Atoi(strings.TrimSuffix(s, "}"))
	if !ok || err != nil {
		return -1
	}
	return n
}

// free returns an address that nobody listens at.
func free(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestConformance(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			sourcetest.Run(t, Kind, func(t *testing.T) sourcetest.Story {
				addr := free(t)
				var c net.Conn
				t.Cleanup(func() {
					if c != nil {
						c.Close()
					}
				})
				return sourcetest.Story{
					Config: network + ": ['" + addr + "']", Records: 4000, Number: number, Lossy: true, Memory: 32 << 20,
					Send: func(ctx context.Context, from, to int) error {
						for i := from; i < to; i++ {
							for ctx.Err() == nil {
								if c == nil {
									c, _ = net.Dial(network, addr)
								}
								if c != nil {
									_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
									if _, err := fmt.Fprintf(c, "<13>Feb  5 17:32:18 host app: {\"n\":%d}\n", i); err == nil {
										break
									}
									c.Close() // a part of it may have been sent
									c = nil
									break
								}
								time.Sleep(5 * time.Millisecond)
							}
						}
						time.Sleep(2 * time.Millisecond)
						return ctx.Err()
					},
				}
			})
		})
	}
}

// start runs a feed and returns its addresses.
func start(t *testing.T, log *sourcetest.Log, life *sourcetest.Life, config string, change func(*feed)) (addrs map[string]string, stop func()) {
	t.Helper()
	f, err := newFeed([]byte(config))
	must(t, err)
	at := make(chan [2]string, 8)
	f.(*feed).ready = func(network string, a net.Addr) { at <- [2]string{network, a.String()} }
	if change != nil {
		change(f.(*feed))
	}
	life.Log = log
	cancel, done := life.Start(t.Context(), f)
	ended := false
	stop = func() {
		cancel()
		if !ended {
			if err := <-done; err != nil {
				t.Errorf("Run returned %v", err)
			}
		}
		ended = true
	}
	t.Cleanup(stop)
	addrs = map[string]string{}
	s := f.(*feed).settings
	for range len(s.UDP) + len(s.TCP) + len(s.TLS) {
		a := <-at
		addrs[a[0]] = a[1]
	}
	return addrs, stop
}

func kept(all []source.Record) (s []string) {
	for _, r := range all {
		s = append(s, fmt.Sprintf("%s#%d %d %s", r.Source, r.Position, r.Trust, r.Data))
	}
	slices.Sort(s)
	return s
}

func send(t *testing.T, network, addr, text string) {
	t.Helper()
	c, err := net.Dial(network, addr)
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte(text))
	must(t, err)
}

// certify writes a certificate that signs itself.
func certify(t *testing.T, file string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: file}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(t, err)
	pk, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(file+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(file+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: pk}), 0o600))
	pair, err := tls.LoadX509KeyPair(file+".crt", file+".key")
	must(t, err)
	return pair
}

func TestTrust(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	certify(t, dir+"/server")
	client := certify(t, dir+"/client")
	local := "['127.0.0.1:0']\n"
	addrs, stop := start(t, log, &sourcetest.Life{}, "udp: "+local+"tcp: "+local+"tls: "+local+
		"cert: "+dir+"/server.crt\nkey: "+dir+"/server.key\nclient_ca: "+dir+"/client.crt\nformat: eve\n", nil)
	send(t, "udp", addrs["udp"], "<13>Feb  5 17:32:18 h u: {}")
	send(t, "tcp", addrs["tcp"], "<13>Feb  5 17:32:18 h c: {}\n")
	c, err := tls.Dial("tcp", addrs["tls"], &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{client}})
	must(t, err)
	fmt.Fprint(c, "27 <13>Feb  5 17:32:18 h s: {}")
	must(t, c.Close())
	if c, err := tls.Dial("tcp", addrs["tls"], &tls.Config{InsecureSkipVerify: true}); err == nil {
		fmt.Fprint(c, "27 <13>Feb  5 17:32:18 h x: {}")
		c.Close()
	}
	time.Sleep(200 * time.Millisecond)
	send(t, "tcp", addrs["tcp"], "<13>Feb  5 17:32:18 h c: {}\n")
	time.Sleep(100 * time.Millisecond)
	stop()
	got := kept(log.All())
	want := []string{"syslog/127.0.0.1/c#1 1 {}", "syslog/127.0.0.1/s#1 2 {}", "syslog/127.0.0.1/u#1 0 {}"}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("got %q, want %q", got, w)
		}
	}
	for _, g := range got {
		if strings.Contains(g, "/x#") {
			t.Errorf("taken without a certificate: %q", g)
		}
	}
}

func TestRestart(t *testing.T) {
	log := sourcetest.NewLog()
	var got []uint64
	for range 3 {
		addrs, stop := start(t, log, &sourcetest.Life{Keep: 1}, "tcp: ['127.0.0.1:0']", nil)
		send(t, "tcp", addrs["tcp"], "a: {}\na: {}\n")
		time.Sleep(100 * time.Millisecond)
		stop()
	}
	for _, r := range log.All() {
		got = append(got, r.Position)
	}
	if !slices.Equal(got, []uint64{1, 2, 1001, 1002, 2001, 2002}) {
		t.Errorf("positions %v", got)
	}
}

func TestNames(t *testing.T) {
	e := &emitter{place: func(string) []byte { return nil }, said: map[name]*origin{}, known: map[string]*origin{}}
	for i := range 3 * maxNames {
		e.origin(name{"10.0.0.1", fmt.Sprint(i)})
		e.origin(name{fmt.Sprint("10.1.", i), "app"})
	}
	if n := len(e.known); n > 2*maxNames+1 {
		t.Errorf("%d names", n)
	}
	if n := e.origin(name{"new", "app"}).name; n != "syslog/other" {
		t.Error(n)
	}
	if n := e.origin(name{"10.0.0.1", "new"}).name; n != "syslog/10.0.0.1/other" {
		t.Error(n)
	}
	if n := clean([]byte("a/b\x00" + strings.Repeat("x", 100))); n != "a_b_"+strings.Repeat("x", 60) {
		t.Error(n)
	}
}

// TestSlow has senders who do not come to an end.
func TestSlow(t *testing.T) {
	log := sourcetest.NewLog()
	addrs, stop := start(t, log, &sourcetest.Life{}, "tcp: ['127.0.0.1:0']", func(f *feed) { f.slow = 100 * time.Millisecond })
	c, err := net.Dial("tcp", addrs["tcp"])
	must(t, err)
	defer c.Close()
	fmt.Fprint(c, "4 <1>a\n")
	time.Sleep(200 * time.Millisecond) // idle is not slow
	fmt.Fprint(c, "9 <1>")
	must(t, c.SetReadDeadline(time.Now().Add(2*time.Second)))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it was not hung up on: %v", err)
	}
	var open []net.Conn
	for range maxPerPeer + 10 {
		c, err := net.Dial("tcp", addrs["tcp"])
		must(t, err)
		defer c.Close()
		open = append(open, c)
	}
	time.Sleep(100 * time.Millisecond)
	shut := 0
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			shut++
		}
	}
	if shut != 10 {
		t.Errorf("%d of %d connections were refused", shut, len(open))
	}
	stop()
	if len(log.All()) != 1 || log.Lost()["syslog/127.0.0.1: a message that broke off"] != 1 {
		t.Errorf("%v, lost %v", kept(log.All()), log.Lost())
	}
}

// TestDrops floods a socket that nobody reads.
func TestDrops(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what it dropped")
	}
	log, hold := sourcetest.NewLog(), make(chan struct{})
	addrs, stop := start(t, log, &sourcetest.Life{Hold: hold}, "udp: ['127.0.0.1:0']", nil)
	c, err := net.Dial("udp", addrs["udp"])
	must(t, err)
	defer c.Close()
	const sent = 20_000
	text := []byte("app: {\"x\":\"" + strings.Repeat("y", 500) + "\"}")
	for range sent {
		_, _ = c.Write(text)
	}
	close(hold)
	time.Sleep(500 * time.Millisecond)
	stop()
	lost := uint64(0)
	for why, n := range log.Lost() {
		if strings.Contains(why, "kernel") || strings.Contains(why, atEnd) {
			lost += n
		}
	}
	if n := uint64(len(log.All())) + lost; n != sent || lost == 0 {
		t.Errorf("%d sent, %d taken, lost %v", sent, len(log.All()), log.Lost())
	}
}

// TestLogger has util-linux's logger send.
func TestLogger(t *testing.T) {
	program, err := exec.LookPath("logger")
	if err != nil {
		t.Skip("logger (util-linux, bsdutils) is not installed")
	}
	log := sourcetest.NewLog()
	addrs, stop := start(t, log, &sourcetest.Life{}, "udp: ['127.0.0.1:0']\ntcp: ['127.0.0.1:0']\n", nil)
	var want []string
	for i, args := range [][]string{{"-d", "--rfc3164"}, {"-d", "--rfc5424"}, {"-T", "--rfc3164"}, {"-T", "--rfc5424"}, {"-T", "--octet-count", "--rfc5424"}} {
		network := map[string]string{"-d": "udp", "-T": "tcp"}[args[0]]
		_, port, _ := net.SplitHostPort(addrs[network])
		args = append(args, "-n", "127.0.0.1", "-P", port, "-t", fmt.Sprint("tag", i), "-S", "8192", `{"n":`+fmt.Sprint(i)+`,"x":"`+strings.Repeat("y", 3000)+`"}`)
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want = append(want, fmt.Sprintf("syslog/127.0.0.1/tag%d {\"n\":%d", i, i))
	}
	time.Sleep(200 * time.Millisecond)
	stop()
	var got []string
	for _, r := range log.All() {
		got = append(got, fmt.Sprintf("%s %.6s", r.Source, r.Data))
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSettings(t *testing.T) {
	for config, want := range map[string]string{
		"":                      "nothing to listen at",
		"udb: [x]":              `no key "udb"; the nearest is "udp"`,
		"udp: [x]":              "no host:port",
		"tls: ['127.0.0.1:0']":  "tls, cert and key",
		"tcp: ['a:1']\ncert: x": "tls, cert and key",
		"tls: ['127.0.0.1:0']\ncert: /nowhere\nkey: /nowhere": "cert and key: ",
	} {
		if _, err := newFeed([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", config, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<165>1 2003-10-11T22:14:15.003Z host app 12 ID [a@1 k="]\"x"][b] {"a":1}`, `<13>Feb  5 17:32:18 host suricata[123]: {"timestamp":"x"}`,
		"12 <13>Feb 5 x", "{}", "<", "<13>1", "<13>1 a b c d e [", "a[", "Feb  5 17:32:18", "4 <1>a\n<2>b\n4 <3>c",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parse(b)
		if len(p.data) > len(b) || len(b) > 0 && len(p.data) == 0 {
			t.Errorf("data %q of %q", p.data, b)
		}
		if n := clean(p.app); len(n) == 0 || len(n) > maxApp || strings.ContainsAny(n, "/ \x00\n") {
			t.Errorf("name %q", n)
		}
		fr := newFrames(strings.NewReader(string(b)))
		for size := 0; ; {
			line, err := fr.next()
			if size += len(line); size > len(b) {
				t.Fatalf("%d bytes of %d", size, len(b))
			}
			if err != nil && !errors.Is(err, errLong) {
				break
			}
		}
	})
}
