package push

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

// Real shippers of Debian, on loopback. What is not installed is skipped.

// ships runs a shipper that sends what stands in dir/in, and looks at what arrives. What a
// record is called is told by name.
func ships(t *testing.T, dir, config, name string, args ...string) {
	t.Helper()
	const all = 500
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{}, nil)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(l.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range all {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"/in": b.String(), "/conf": strings.NewReplacer("DIR", dir, "PORT", port).Replace(config)} {
		if err := os.WriteFile(dir+file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	said := new(strings.Builder)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); len(log.Records()) < all && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	_ = c.Wait()
	l.stop()
	short, _, _ := strings.Cut(host, ".")
	hosts := map[string]bool{clean(host[:min(len(host), maxHost)]): true, clean(short[:min(len(short), maxHost)]): true}
	for i, r := range log.Records() {
		from, what, _ := strings.Cut(strings.TrimPrefix(r.Source, "push/a/"), ":")
		if number(r.Data) != i || what != name || !hosts[from] || time.Since(time.Unix(0, r.Time)).Abs() > time.Hour {
			t.Fatalf("record %d is %+v %s, of the host %s", i, r, r.Data, host)
		}
	}
	if n := len(log.Records()); n != all {
		t.Errorf("%d records, lost %v; it says: %.2000s", n, log.Lost(), said)
	}
}

// The configurations are those of docs/sources.md.

func TestRsyslog_bulk(t *testing.T) {
	rsyslogd, err := exec.LookPath("rsyslogd")
	if modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omelasticsearch.so"); err != nil || len(modules) == 0 {
		t.Skip("rsyslog's output to Elasticsearch is not installed (Debian: rsyslog rsyslog-elasticsearch)")
	}
	dir := t.TempDir()
	ships(t, dir, `global(workDirectory="DIR")
module(load="imfile")
module(load="omelasticsearch")
template(name="document" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
input(type="imfile" file="DIR/in" tag="eve")
action(type="omelasticsearch" server="127.0.0.1" serverport="PORT" uid="rsyslog" pwd="one" searchIndex="eve" searchType=""
       template="document" bulkmode="on" errorFile="DIR/errors" retryFailures="on")
`, "eve", rsyslogd, "-n", "-f", dir+"/conf", "-i", dir+"/pid")
	if b, _ := os.ReadFile(dir + "/errors"); len(b) > 0 {
		t.Errorf("it took answers for errors: %.2000s", b)
	}
}

func TestSyslogNG(t *testing.T) {
	ng, err := exec.LookPath("syslog-ng")
	if err != nil {
		t.Skip("syslog-ng is not installed (Debian: syslog-ng-core syslog-ng-mod-http)")
	}
	for _, test := range []struct{ name, called, destination string }{
		{"hec", "suricata:eve", `http(url("http://127.0.0.1:PORT/services/collector/event") headers("Authorization: Splunk one", "Content-Type: application/json")
  body('{"time": $S_UNIXTIME, "host": "$LOGHOST", "sourcetype": "suricata:eve", "event": $MSG}') delimiter("\n") batch-lines(100) batch-timeout(500) retries(5))`},
		{"bulk", "eve", `http(url("http://127.0.0.1:PORT/_bulk") user("syslog-ng") password("one") headers("Content-Type: application/x-ndjson")
  body("{\"create\":{\"_index\":\"eve\"}}\n$(format-json --omit-empty-values @timestamp=$S_ISODATE host=$LOGHOST message=$MSG)") delimiter("\n") body-suffix("\n") batch-lines(100) batch-timeout(500) retries(5))`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			ships(t, dir, `@version: 3.35
source in { file("DIR/in" flags(no-parse) follow-freq(1) read-old-records(yes)); };
destination out { `+test.destination+`; };
log { source(in); destination(out); };
`, test.called, ng, "-F", "-f", dir+"/conf", "-R", dir+"/persist", "-p", dir+"/pid", "-c", dir+"/ctl", "--no-caps")
		})
	}
}

// TestCurl_hec has curl send as the manuals of Splunk's collector show it.
func TestCurl_hec(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{}, nil)
	for _, test := range []struct {
		token, body string
		want        string
	}{
		{"one", `{"sourcetype":"suricata:eve","host":"sensor","event":{"a":1}}`, `{"text":"Success","code":0}`},
		{"wrong", `{"event":"x"}`, `"text":"Invalid token","code":4`},
	} {
		out, err := exec.Command(curl, "-sS", l.url+"/services/collector", "-H", "Authorization: Splunk "+test.token, "-d", test.body).CombinedOutput()
		if err != nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%v: %s", err, out)
		}
	}
	l.stop()
	expect(t, log, `push/a/sensor:suricata:eve#1 {"a":1}`)
}
