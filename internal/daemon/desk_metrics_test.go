package daemon

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vedette/internal/fault"
)

// documented returns the rows of the table of metrics: "name type labels meaning".
func documented(t *testing.T) map[string][3]string {
	t.Helper()
	b, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][3]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([a-z_]+) \| (\w+) \| ([a-z, ]*)\| (.+) \|$`).FindAllStringSubmatch(string(b), -1) {
		if m[1] != "name" {
			all[m[1]] = [3]string{m[2], strings.TrimSpace(m[3]), m[4]}
		}
	}
	return all
}

// TestMetrics: the page of metrics is as documented, to the word, and in the format that
// Prometheus reads.
func TestMetrics(t *testing.T) {
	s := start(t, t.TempDir())
	s.setUp()
	s.faces.requests.tried(nil)
	var text string
	for range 2 { // the second sees the first
		r, err := http.Get(s.server.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v", r.StatusCode, err)
		}
		text = string(b)
	}
	want := documented(t)
	got, labels := map[string][3]string{}, map[string]map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch f := strings.SplitN(line, " ", 4); {
		case strings.HasPrefix(line, "# HELP "):
			got[f[2]] = [3]string{"", "", f[3]}
		case strings.HasPrefix(line, "# TYPE "):
			g := got[f[2]]
			g[0] = f[3]
			got[f[2]] = g
		default:
			m := regexp.MustCompile(`^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$`).FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("a line is no sample: %s", line)
			}
			if _, err := strconv.ParseFloat(m[3], 64); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if labels[m[1]] == nil {
				labels[m[1]] = map[string]bool{}
			}
			for _, l := range regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`).FindAllStringSubmatch(m[2], -1) {
				labels[m[1]][l[1]] = l[1] != "le"
			}
		}
	}
	for name, w := range want {
		g, ok := got[name]
		if !ok {
			if !strings.HasPrefix(name, "process_") || runtime.GOOS == "linux" {
				t.Errorf("%s is documented and not there", name)
			}
			continue
		}
		if g[0] != w[0] || g[2] != w[2] {
			t.Errorf("%s is documented as %q and is %q", name, w, g)
		}
		for l, counts := range labels[name] { // any order: each by itself
			if counts && !slices.Contains(strings.Split(w[1], ", "), l) {
				t.Errorf("%s has a label %s that is not documented", name, l)
			}
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not documented", name)
		}
	}
	if !strings.Contains(text, `vedette_sign_ins_total{outcome="entered"} `) || !strings.Contains(text, `vedette_http_request_duration_seconds_bucket{face="monitoring",code="2xx",le="+Inf"} 1`) {
		t.Errorf("what was asked is not counted:\n%s", text)
	}
	promtool(t, text)
}

// promtool has Prometheus's own tool read the page.
func promtool(t *testing.T, text string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("skipped: promtool is not installed (Debian: prometheus)")
		return
	}
	for name, c := range map[string]struct {
		text string
		fine bool
	}{"page": {text, true}, "spoilt": {strings.Replace(text, "# TYPE vedette_log_position gauge", "# TYPE vedette_log_position counter", 1), false}} {
		cmd := exec.Command(tool, "check", "metrics")
		cmd.Stdin = strings.NewReader(c.text)
		if out, err := cmd.CombinedOutput(); (err == nil && len(out) == 0) != c.fine {
			t.Errorf("promtool on the %s: %v: %s", name, err, out)
		}
	}
}

// A hostile name of a source or reason cannot break the page.
func TestMetricsOfHostileNames(t *testing.T) {
	var b strings.Builder
	nasty := "a\"b\\c\nd{e=\"f\"} 9 \xff"
	if err := writeMetrics(&b, []family{{"x_total", "counter", "X.", one(1, "source", nasty)}}); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "\n") != 3 {
		t.Errorf("it broke out of its line:\n%s", b.String())
	}
	promtoolFine(t, b.String())
}

func promtoolFine(t *testing.T, text string) {
	t.Helper()
	if tool, err := exec.LookPath("promtool"); err == nil {
		cmd := exec.Command(tool, "check", "metrics")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool: %v: %s", err, out)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	var q requests
	for _, took := range []float64{0.001, 0.005, 0.3, 20} {
		q.count(question{"api", "2xx"}, took)
	}
	for _, err := range []error{nil, fault.New(fault.Denied, "x"), fault.New(fault.Unavailable, "x"), errors.New("x")} {
		q.tried(err)
	}
	var b strings.Builder
	if err := writeMetrics(&b, q.measure()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{face="api",code="2xx",le="0.005"} 2`, `{face="api",code="2xx",le="0.25"} 2`, `{face="api",code="2xx",le="0.5"} 3`,
		`{face="api",code="2xx",le="+Inf"} 4`, `_sum{face="api",code="2xx"} 20.306`, `_count{face="api",code="2xx"} 4`,
		`{outcome="entered"} 1`, `{outcome="refused"} 1`, `{outcome="deferred"} 1`, `{outcome="failed"} 1`,
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("%s is missing:\n%s", want, b.String())
		}
	}
	promtoolFine(t, b.String())
}
