package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vedette/internal/event"
	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

func sum(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

// free returns an address that nobody listens at.
func free(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestConformance(t *testing.T) {
	sourcetest.Run(t, Kind, func(t *testing.T) sourcetest.Story {
		addr := free(t)
		client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
		t.Cleanup(client.CloseIdleConnections)
		return sourcetest.Story{
			Config:  fmt.Sprintf("listen: %s\ntokens:\n- name: probe\n  sha256: %s\n", addr, sum("secret")),
			Records: 5000,
			Memory:  16 << 20,
			Send: func(ctx context.Context, from, to int) error {
				var b strings.Builder
				for i := from; i < to; i++ {
					fmt.Fprintf(&b, "{\"n\":%d}\n", i)
				}
				for {
					r, _ := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/v1/push/x", strings.NewReader(b.String()))
					r.Header.Set("Authorization", "Bearer secret")
					r.Header.Set("Idempotency-Key", fmt.Sprint(from, "-", to))
					a, err := client.Do(r)
					if err == nil {
						body, _ := io.ReadAll(a.Body)
						a.Body.Close()
						if a.StatusCode == 200 {
							if want := fmt.Sprintf("{\"accepted\":%d,\"rejected\":0}\n", to-from); string(body) != want {
								return fmt.Errorf("answer %q, want %q", body, want)
							}
							client.CloseIdleConnections()
							return nil
						}
					}
					client.CloseIdleConnections()
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(5 * time.Millisecond):
					}
				}
			},
			Number: number,
		}
	})
}

func number(data []byte) int {
	s, ok := strings.CutPrefix(string(data), `{"n":`)
	n, err := strconv.Atoi(strings.TrimSuffix(s, "}"))
	if !ok || err != nil {
		return -1
	}
	return n
}

// listener is a feed that runs.
type listener struct {
	t    *testing.T
	url  string
	log  *sourcetest.Log
	feed *feed
	life *sourcetest.Life
	stop func()
}

func listen(t *testing.T, log *sourcetest.Log, life *sourcetest.Life, change func(*feed)) *listener {
	t.Helper()
	f, err := newFeed([]byte("listen: 127.0.0.1:0\ntokens:\n- {name: a, sha256: " + sum("one") + "}\n- {name: b, sha256: " + sum("two") + ", format: eve}\n"))
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, log: log, feed: f.(*feed), life: life}
	at := make(chan net.Addr, 1)
	l.feed.ready = func(a net.Addr) { at <- a }
	if change != nil {
		change(l.feed)
	}
	life.Log = log
	cancel, done := life.Start(t.Context(), l.feed)
	ended := false
	l.stop = func() {
		cancel()
		if !ended {
			if err := <-done; err != nil {
				t.Errorf("Run returned %v", err)
			}
		}
		ended = true
	}
	t.Cleanup(l.stop)
	l.url = "http://" + (<-at).String()
	return l
}

// answered is an answer, its body read.
type answered struct {
	status int
	header http.Header
	body   string
}

func (l *listener) post(path, body string, header ...string) answered {
	l.t.Helper()
	return l.do("POST", path, body, header...)
}

func (l *listener) do(method, path, body string, header ...string) answered {
	l.t.Helper()
	r, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer one")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return answered{a.StatusCode, a.Header, string(b)}
}

// kept returns what is kept, one string a record.
func kept(l *sourcetest.Log) (all []string) {
	for _, r := range l.Records() {
		all = append(all, fmt.Sprintf("%s#%d %s%s", r.Source, r.Position, r.Format, r.Data))
	}
	return all
}

func expect(t *testing.T, l *sourcetest.Log, want ...string) {
	t.Helper()
	if got := kept(l); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("kept\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func pack(t *testing.T, how, s string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch how {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	default:
		return s
	}
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestLines(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	for _, how := range []string{"", "gzip", "zstd"} {
		a := l.post("/v1/push", pack(t, how, `{"how":"`+how+"\"}\r\n\n{}"), "Content-Encoding", how)
		if a.status != 200 || a.body != "{\"accepted\":2,\"rejected\":0}\n" {
			t.Errorf("%s: %+v", how, a)
		}
	}
	l.post("/v1/push/conn", "x", "Authorization", "Splunk two")
	l.post("/v1/push/con%20n%0a", "y", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:two")))
	expect(t, l.log, `push/a/v1#1 {"how":""}`, "push/a/v1#2 {}", `push/a/v1#3 {"how":"gzip"}`, "push/a/v1#4 {}",
		`push/a/v1#5 {"how":"zstd"}`, "push/a/v1#6 {}", "push/b/conn#1 evex", "push/b/con_n_#1 evey")
	if r := l.log.Records()[0]; r.Trust != event.Authenticated {
		t.Errorf("trust %d", r.Trust)
	}
	long := strings.Repeat("x", maxLine+1)
	if a := l.post("/v1/push", "a\n"+long+"\nb\n"); a.body != "{\"accepted\":2,\"rejected\":1}\n" {
		t.Errorf("%+v", a)
	}
	if n := l.log.Lost()["push/a/v1: a record longer than 1 MiB"]; n != 1 {
		t.Errorf("lost %v", l.log.Lost())
	}
}

func TestKeys(t *testing.T) {
	log := sourcetest.NewLog()
	now := time.Unix(1_700_000_000, 0)
	clock := func(f *feed) { f.now = func() time.Time { return now } }
	l := listen(t, log, &sourcetest.Life{}, clock)
	first := l.post("/v1/push", "a\nb\n", "Idempotency-Key", "k")
	other := l.post("/v1/push", "c\n", "Idempotency-Key", "k", "Authorization", "Bearer two")
	l.stop()
	l = listen(t, log, &sourcetest.Life{}, clock)
	again := l.post("/v1/push", "a\nb\n", "Idempotency-Key", "k")
	if again.body != first.body || again.status != 200 || again.header.Get("Idempotency-Replayed") != "true" || other.status != 200 {
		t.Errorf("%+v, then %+v", first, again)
	}
	l.post("/v1/push", "d", "Idempotency-Key", "k2")
	expect(t, log, "push/a/v1#1 a", "push/a/v1#2 b", "push/b/v1#1 evec", "push/a/v1#3 d")
	now = now.Add(keepKeys)
	l.post("/v1/push", "a\nb\n", "Idempotency-Key", "k")
	if n := len(log.Records()); n != 6 {
		t.Errorf("%d records after the key was forgotten", n)
	}
}

// TestManyKeys turns the ring over, with restarts in between.
func TestManyKeys(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	log := sourcetest.NewLog()
	life := &sourcetest.Life{Log: log, Keep: 1}
	var w *worker
	restart := func() {
		outs := make(chan source.Out, 1)
		stop, done := life.Start(t.Context(), grab(outs))
		w = newWorker(token{Name: "a"}, 0, func() time.Time { return now }, log.Place, <-outs)
		stop()
		<-done
	}
	restart()
	push := func(i int) answer {
		j := &job{keyed: true, each: func(v visitor) error { return v(said{name: "x"}, []byte("y")) }}
		copy(j.key[:], fmt.Sprintf("%016d", i))
		a, err := w.take(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	const all = maxKeys + 1000
	for i := range all {
		if push(i); i%25_013 == 0 || i == all-1 {
			w.mark()
			restart()
		}
	}
	for _, test := range []struct {
		i     int
		again bool
	}{{all - 1, true}, {all - maxKeys, true}, {all - maxKeys - 1, false}, {maxKeys - 1, true}, {maxKeys, true}} {
		if a := push(test.i); a.again != test.again {
			t.Errorf("request %d: taken before is %v", test.i, a.again)
		}
	}
	if n := log.Marks(); n > maxKeys/pageSize+2 {
		t.Errorf("%d marks", n)
	}
}

// grab is a feed that gives its Out away.
type grab chan source.Out

// Run implements source.Feed.
func (g grab) Run(ctx context.Context, _ func(string) []byte, newOut func() source.Out) error {
	g <- newOut()
	<-ctx.Done()
	return nil
}

func TestProblems(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	bomb := pack(t, "gzip", strings.Repeat("\n", maxBody+1))
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		contains                 string
	}{
		{"no_token", "POST", "/v1/push", "x", []string{"Authorization", ""}, 401, "no token"},
		{"wrong_token", "POST", "/v1/push", "x", []string{"Authorization", "Bearer three"}, 401, "nobody has this token"},
		{"wrong_scheme", "POST", "/v1/push", "x", []string{"Authorization", "Digest one"}, 401, "Bearer"},
		{"wrong_basic", "POST", "/v1/push", "x", []string{"Authorization", "Basic !"}, 401, "form"},
		{"no_page", "GET", "/console", "", nil, 404, "telemetry is taken at"},
		{"get", "GET", "/v1/push", "", nil, 404, "telemetry is taken at"},
		{"bomb", "POST", "/v1/push", bomb, []string{"Content-Encoding", "gzip"}, 413, "32 MiB"},
		{"large", "POST", "/v1/push", strings.Repeat("x", maxBody+1), nil, 413, "32 MiB"},
		{"not_gzip", "POST", "/v1/push", "hello", []string{"Content-Encoding", "gzip"}, 400, "gzip"},
		{"cut_gzip", "POST", "/v1/push", pack(t, "gzip", "hello")[:20], []string{"Content-Encoding", "gzip"}, 400, "to its end"},
		{"brotli", "POST", "/v1/push", "hello", []string{"Content-Encoding", "br"}, 415, "zstd"},
		{"hec_token", "POST", "/services/collector", "x", []string{"Authorization", "Splunk x"}, 403, `"text":"Invalid token","code":4`},
		{"hec_none", "POST", "/services/collector/event", " ", nil, 400, `"text":"No data","code":5`},
		{"hec_raw_none", "POST", "/services/collector/raw", "\n", nil, 400, `"text":"No data","code":5`},
		{"hec_json", "POST", "/services/collector/event", `{"event":"a"}{"event"`, nil, 400, `"text":"Invalid data format","code":6,"invalid-event-number":1`},
		{"hec_no_event", "POST", "/services/collector/event", `{"event":"a"}{"time":1}`, nil, 400, `"code":12,"invalid-event-number":1`},
		{"hec_blank", "POST", "/services/collector/event", `{"event":""}`, nil, 400, `"code":13,"invalid-event-number":0`},
		{"hec_array", "POST", "/services/collector/event", `[{"event":"a"}]`, nil, 400, `"code":6`},
		{"hec_no_token", "POST", "/services/collector", "x", []string{"Authorization", ""}, 401, `"text":"Token is required","code":2`},
		{"hec_wrong_scheme", "POST", "/services/collector", "x", []string{"Authorization", "Digest x"}, 401, `"text":"Invalid authorization","code":3`},
		{"hec_ack_channel", "POST", "/services/collector/ack", `{"acks":[0]}`, nil, 400, `"text":"Data channel is missing","code":10`},
		{"hec_ack_list", "POST", "/services/collector/ack?channel=x", `{"acks":"all"}`, nil, 400, `"text":"Invalid data format","code":6`},
		{"bulk_none", "POST", "/_bulk", "\n", nil, 400, `"error":{"type":"illegal_argument_exception"`},
		{"bulk_json", "POST", "/_bulk", "{\"create\":{}}\n{}\nhello\n{}\n", nil, 400, `"error":{"type":"illegal_argument_exception"`},
		{"bulk_token", "POST", "/_bulk", "x", []string{"Authorization", "ApiKey " + base64.StdEncoding.EncodeToString([]byte("id:x"))}, 401, "security_exception"},
		{"elastic_token", "GET", "/", "", []string{"Authorization", ""}, 401, "security_exception"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := l.do(test.method, test.path, test.body, test.header...)
			var p problem
			kind := problemType
			if !strings.HasPrefix(test.name, "no_") && (p.Text != "" || strings.Contains(test.path, "services") || strings.Contains(test.path, "bulk") || test.path == "/") {
				kind = "application/json"
			}
			if err := json.Unmarshal([]byte(a.body), &p); err != nil || p.Status != a.status || p.Type != "about:blank" || a.header.Get("Content-Type") != kind {
				t.Errorf("no problem details: %+v, %v", a, err)
			}
			if a.status != test.status || !strings.Contains(a.body, test.contains) {
				t.Errorf("%+v", a)
			}
		})
	}
	expect(t, l.log)
	if n := l.feed.settings; n.Listen == "" {
		t.Error(n)
	}
}

func TestSplunk(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	a := l.post("/services/collector/event", `{"time":1.5,"host":"h","sourcetype":"zeek:conn","event":{"ts": 1.0,"a":"}{\""}} {"source":"/var/log/x","event":"line"}
{"event":"{\n \"pretty\": 1\n}"}{"event":"two\nlines\n"}{"event":5}`, "Authorization", "Splunk one")
	if a.status != 200 || a.body != "{\"text\":\"Success\",\"code\":0}\n" {
		t.Errorf("%+v", a)
	}
	l.post("/services/collector/raw?sourcetype=s%2Ft&source=x", "one\ntwo\n")
	if a := l.do("GET", "/services/collector/health", "", "Authorization", ""); a.status != 200 || !strings.Contains(a.body, `"code":17`) {
		t.Errorf("%+v", a)
	}
	expect(t, l.log, `push/a/h:zeek:conn#1 {"ts":1.0,"a":"}{\""}`, "push/a/_var_log_x#1 line", `push/a/event#1 {"pretty":1}`,
		"push/a/event#2 two lines", "push/a/event#3 5", "push/a/s_t#1 one", "push/a/s_t#2 two")
}

func TestElastic(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	a := l.post("/logs-x/_bulk?filter_path=items", `{"create":{}}
{"message":"{\"ts\":1}","agent":{}}
{"index":{"_index":"other","_id":"7"}}
{"message":"no json"}
{"delete":{"_id":"1"}}
{"update":{"_id":"1"}}
{"doc":{}}
{"create":{}}
oh
`)
	want := `{"took":0,"errors":true,"items":[{"create":{"_index":"logs-x","status":201,"result":"created"}},{"index":{"_index":"other","_id":"7","status":201,"result":"created"}},` +
		`{"delete":{"_index":"logs-x","_id":"1","status":400,"error":{"type":"illegal_argument_exception","reason":"only create and index are taken"}}},` +
		`{"update":{"_index":"logs-x","_id":"1","status":400,"error":{"type":"illegal_argument_exception","reason":"only create and index are taken"}}},` +
		`{"create":{"_index":"logs-x","status":400,"error":{"type":"document_parsing_exception","reason":"the document is no JSON object"}}}]}` + "\n"
	if a.status != 200 || a.body != want || a.header.Get("X-Elastic-Product") != "Elasticsearch" {
		t.Errorf("%+v, want %s", a, want)
	}
	expect(t, l.log, `push/a/logs-x#1 {"ts":1}`, `push/a/other#1 {"message":"no json"}`)
	for path, has := range map[string]string{"/": `"number":"8.`, "/_license": `"status":"active"`, "/_xpack": `"basic"`} {
		if a := l.do("GET", path, ""); a.status != 200 || !strings.Contains(a.body, has) || a.header.Get("X-Elastic-Product") == "" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := l.do("HEAD", "/", ""); a.status != 200 {
		t.Errorf("%+v", a)
	}
}

// TestBusy has the disk take longer than anybody waits.
func TestBusy(t *testing.T) {
	hold := make(chan struct{})
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{Hold: hold}, func(f *feed) { f.patience = 200 * time.Millisecond })
	first := l.post("/v1/push", "a", "Idempotency-Key", "1")
	second := l.post("/v1/push", "b", "Idempotency-Key", "2")
	if first.status != 503 || second.status != 429 || first.header.Get("Retry-After") == "" || second.header.Get("Retry-After") == "" {
		t.Errorf("%+v, %+v", first, second)
	}
	answers := make(chan int, 3*maxQueue)
	for range cap(answers) {
		go func() { answers <- l.post("/v1/push", "x").status }()
	}
	for range cap(answers) {
		if s := <-answers; s != 429 {
			t.Errorf("status %d", s)
		}
	}
	close(hold)
	for _, k := range []string{"1", "2"} {
		if a := l.post("/v1/push", map[string]string{"1": "a", "2": "b"}[k], "Idempotency-Key", k); a.status != 200 {
			t.Errorf("%+v", a)
		}
	}
	expect(t, log, "push/a/v1#1 a", "push/a/v1#2 b")
}

func TestMemory(t *testing.T) {
	var b budget
	one := body{budget: &b, data: nil}
	if err := one.from(strings.NewReader(strings.Repeat("x", 1<<20))); err != nil || b.used.Load() < 1<<20 {
		t.Error(err, b.used.Load())
	}
	b.used.Store(maxMemory)
	other := body{budget: &b}
	if err := other.from(strings.NewReader("x")); err != errMemory {
		t.Error(err)
	}
	one.free()
	if b.used.Load() != maxMemory-2<<20 {
		t.Error(b.used.Load() - maxMemory)
	}
}

// TestNames bounds what a sender can make up.
func TestNames(t *testing.T) {
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{}, nil)
	var b strings.Builder
	for i := range maxSources + 50 {
		fmt.Fprintf(&b, `{"sourcetype":"s%d","event":"x"}`, i)
	}
	l.post("/services/collector", b.String())
	names := map[string]int{}
	for _, r := range log.Records() {
		names[r.Source]++
	}
	if len(names) != maxSources+1 || names["push/a/other"] != 50 {
		t.Errorf("%d names, %d other", len(names), names["push/a/other"])
	}
}

// TestHosts tells hosts apart, until there are too many: then all of them have the names
// that they would have without, and those go on being told apart.
func TestHosts(t *testing.T) {
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{}, nil)
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `{"host":"sensor-%d.%s","sourcetype":"conn","event":"x"}`, i, strings.Repeat("long.", 20))
	}
	b.WriteString(`{"host":"../..","sourcetype":"dns","event":"x"}{"host":"sensor-1.` + strings.Repeat("long.", 20) + `","sourcetype":"conn","event":"x"}`)
	l.post("/services/collector", b.String())
	names := map[string]int{}
	for _, r := range log.Records() {
		names[r.Source]++
	}
	if len(names) != maxHosted+2 || names["push/a/conn"] != 300-maxHosted || names["push/a/dns"] != 1 || names["push/a/sensor-1.long.long.long.long.lo:conn"] != 2 {
		t.Errorf("%d names: %v", len(names), names)
	}
	l.stop()
	again := listen(t, log, &sourcetest.Life{}, nil)
	again.post("/services/collector", `{"host":"sensor-5.`+strings.Repeat("long.", 20)+`","sourcetype":"conn","event":"y"}`)
	all := log.Records()
	if last := all[len(all)-1]; last.Source != "push/a/sensor-5.long.long.long.long.lo:conn" || last.Position != 2 {
		t.Errorf("after a restart: %+v", last)
	}
}

// TestTimes takes the time that a sender says beside a record.
func TestTimes(t *testing.T) {
	log := sourcetest.NewLog()
	l := listen(t, log, &sourcetest.Life{}, nil)
	l.post("/services/collector", `{"time":1426279439.123,"event":"a"}{"time":"1426279439","event":"b"}{"time":-5,"event":"c"}{"time":"now","event":"d"}{"time":1e300,"event":"e"}{"event":"f"}`)
	l.post("/services/collector/raw?time=1426279439.5", "g\n")
	l.post("/x/_bulk", `{"create":{}}
{"@timestamp":"2015-03-13T20:43:59.25Z","host":{"name":"s1"},"message":"h"}
{"create":{}}
{"@timestamp":"soon","host":"s2","message":"i"}
`)
	var got []string
	for _, r := range log.Records() {
		got = append(got, fmt.Sprintf("%s %.2f", r.Source, float64(r.Time)/1e9))
	}
	want := []string{
		"push/a/event 1426279439.12", "push/a/event 1426279439.00", "push/a/event 0.00", "push/a/event 0.00", "push/a/event 0.00", "push/a/event 0.00",
		"push/a/raw 1426279439.50", "push/a/s1:x 1426279439.25", "push/a/s2:x 0.00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestAcknowledgement has a sender with a channel ask what became of its requests.
func TestAcknowledgement(t *testing.T) {
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, nil)
	const channel = "FE0ECFAD-13D5-401B-847D-77833BD77131"
	for i, want := range []string{`"ackId":0`, `"ackId":1`} {
		if a := l.post("/services/collector", `{"event":"a"}`, "X-Splunk-Request-Channel", channel); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("request %d: %+v", i, a)
		}
	}
	if a := l.post("/services/collector/ack?channel="+channel, `{"acks":[0,1]}`); a.status != 200 || a.body != `{"acks":{"0":true,"1":true}}`+"\n" {
		t.Errorf("%+v", a)
	}
}
