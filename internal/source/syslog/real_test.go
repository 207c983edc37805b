package syslog

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/source/sourcetest"
)

// Real senders of Debian, on loopback. What is not installed is skipped.

// program returns where a program is, or skips the test.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (Debian: %s)", name, debian)
	}
	return path
}

// ships runs a sender that forwards what stands in dir/in, and looks at what arrives.
func ships(t *testing.T, dir, network, config string, args ...string) {
	t.Helper()
	const all = 500
	log := sourcetest.NewLog()
	certify(t, dir+"/server")
	certify(t, dir+"/client")
	settings := network + ": ['127.0.0.1:0']\n"
	if network == "tls" {
		settings += "cert: " + dir + "/server.crt\nkey: " + dir + "/server.key\nclient_ca: " + dir + "/client.crt\n"
	}
	addrs, stop := start(t, log, &sourcetest.Life{}, settings, nil)
	_, port, _ := net.SplitHostPort(addrs[network])
	var b strings.Builder
	for i := range all {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i)
	}
	must(t, os.WriteFile(dir+"/in", []byte(b.String()), 0o600))
	must(t, os.WriteFile(dir+"/conf", []byte(strings.NewReplacer("DIR", dir, "PORT", port).Replace(config)), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	said := new(strings.Builder)
	c.Stdout, c.Stderr = said, said
	must(t, c.Start())
	for end := time.Now().Add(15 * time.Second); len(log.All()) < all && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	_ = c.Wait()
	stop()
	for i, r := range log.All() {
		if number(r.Data) != i || r.Source != "syslog/127.0.0.1/eve" || r.Position != uint64(i+1) {
			t.Fatalf("record %d is %+v %s", i, r, r.Data)
		}
	}
	if n := len(log.All()); n != all {
		t.Errorf("%d records, lost %v; it says: %.2000s", n, log.Lost(), said)
	}
}

// TestRsyslog has rsyslog forward what a file holds. The configurations are those of
// docs/sources.md.
func TestRsyslog(t *testing.T) {
	rsyslogd := program(t, "rsyslogd", "rsyslog")
	for _, test := range []struct{ name, network, action string }{
		{"udp", "udp", `protocol="udp"`},
		{"lines", "tcp", `protocol="tcp" tcp_framing="traditional"`},
		{"counted", "tcp", `protocol="tcp" tcp_framing="octet-counted"`},
		{"tls", "tls", `protocol="tcp" tcp_framing="octet-counted" streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="x509/certvalid"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if module, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"); test.network == "tls" && len(module) == 0 {
				t.Skip("rsyslog's TLS is not installed (Debian: rsyslog-gnutls)")
			}
			dir := t.TempDir()
			ships(t, dir, test.network, `global(workDirectory="DIR" maxMessageSize="64k" defaultNetstreamDriverCAFile="DIR/server.crt" defaultNetstreamDriverCertFile="DIR/client.crt" defaultNetstreamDriverKeyFile="DIR/client.key")
module(load="imfile")
input(type="imfile" file="DIR/in" tag="eve")
action(type="omfwd" target="127.0.0.1" port="PORT" `+test.action+` template="RSYSLOG_SyslogProtocol23Format")
`, rsyslogd, "-n", "-f", dir+"/conf", "-i", dir+"/pid")
		})
	}
}

// TestSyslogNG has syslog-ng do the same.
func TestSyslogNG(t *testing.T) {
	ng := program(t, "syslog-ng", "syslog-ng-core")
	for _, test := range []struct{ name, network, destination string }{
		{"udp", "udp", `network("127.0.0.1" port(PORT) transport("udp"))`},
		{"lines", "tcp", `network("127.0.0.1" port(PORT) transport("tcp"))`},
		{"counted", "tcp", `syslog("127.0.0.1" port(PORT) transport("tcp"))`},
		{"tls", "tls", `syslog("127.0.0.1" port(PORT) transport("tls") tls(ca-file("DIR/server.crt") cert-file("DIR/client.crt") key-file("DIR/client.key")))`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			ships(t, dir, test.network, `@version: 3.35
source in { file("DIR/in" flags(no-parse) program-override("eve") follow-freq(1) read-old-records(yes)); };
destination out { `+test.destination+`; };
log { source(in); destination(out); };
`, ng, "-F", "-f", dir+"/conf", "-R", dir+"/persist", "-p", dir+"/pid", "-c", dir+"/ctl", "--no-caps")
		})
	}
}
