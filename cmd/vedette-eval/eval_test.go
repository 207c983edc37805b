package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func generated(t *testing.T, w workload) []byte {
	t.Helper()
	var b bytes.Buffer
	out := bufio.NewWriter(&b)
	if err := w.write(context.Background(), []*bufio.Writer{out}); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGenerator_same_seed_same_bytes(t *testing.T) {
	w := workload{Lines: 5000, Entities: 50}
	a, again := generated(t, w), generated(t, w)
	if !bytes.Equal(a, again) {
		t.Error("the same workload made other bytes")
	}
	w.Seed = 1
	if bytes.Equal(a, generated(t, w)) {
		t.Error("another seed made the same bytes")
	}
}

// The shape: valid JSON, in order of the end, few failures, lengths as of real lines.
func TestGenerator_shape(t *testing.T) {
	w := workload{Lines: 20_000, Entities: 200, Days: 2}
	var n, failed, bytes int
	last := 0.0
	for line := range strings.Lines(string(generated(t, w))) {
		n++
		bytes += len(line)
		var c struct {
			TS       float64 `json:"ts"`
			UID      string  `json:"uid"`
			Orig     string  `json:"id.orig_h"`
			Resp     string  `json:"id.resp_h"`
			Duration float64 `json:"duration"`
			State    string  `json:"conn_state"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("line %d: %v: %s", n, err, line)
		}
		if len(c.UID) != 18 || c.Orig == "" || c.Resp == "" {
			t.Errorf("line %d lacks something: %s", n, line)
		}
		switch c.State {
		case "S0", "REJ", "RSTOS0", "SH":
			failed++
		}
		if end := c.TS + c.Duration; end < last-30 {
			t.Fatalf("line %d ends %.1f s before the one before it", n, last-end)
		} else {
			last = max(last, end)
		}
	}
	if n != int(w.Lines) {
		t.Errorf("%d lines, want %d", n, w.Lines)
	}
	if share := float64(failed) / float64(n); share < 0.04 || share > 0.08 {
		t.Errorf("%.3f failed, want about 0.05", share)
	}
	if mean := bytes / n; mean < 360 || mean > 420 {
		t.Errorf("lines are %d bytes long, want about 390", mean)
	}
}

func TestRhythm(t *testing.T) {
	r := newRhythm(7)
	var night, day, sunday int
	const n = 100_000
	last := 0.0
	for i := range n {
		at := r.at((float64(i) + 0.5) / n)
		if at < last {
			t.Fatal("time goes back")
		}
		last = at
		hours := (at - firstDay) / 3600
		switch h := int(hours) % 24; {
		case int(hours)/24 == 6:
			sunday++
		case h < 4:
			night++
		case h >= 9 && h < 13:
			day++
		}
	}
	if night*3 > day || sunday*2 > n/7 {
		t.Errorf("of %d events %d are at night, %d in the morning and %d on Sunday", n, night, day, sunday)
	}
}

func TestCount(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	tests := []struct {
		name, text string
		sort       sort
		n          int64
	}{
		{"columns", "#separator \\x09\n#fields\tts\tuid\n1.0\tC1\n\n2.0\tC2\n#close\n", zeekColumns, 2},
		{"columns_behind_white_space", "\t#separator \\x09\n1.0\tC1", zeekColumns, 1},
		{"json", "{\"ts\":1,\"uid\":\"C1\"}\r\n  \n{\"ts\":2,\"uid\":\"C2\"}", zeekJSON, 2},
		{"json_with_number_sign", "{\"_path\":\"conn\",\"ts\":1}\n# no comment in JSON\n", zeekJSON, 2},
		{"eve", "{\"timestamp\":\"x\",\"event_type\":\"dns\"}\n", eveJSON, 1},
		{"long_line", "{\"ts\":1,\"uid\":\"C1\"}\n" + long + "\n" + strings.Repeat(" ", 300<<10) + "x\n" + strings.Repeat(" ", 300<<10) + "\n", zeekJSON, 3},
		{"nothing", "", noLog, 0},
		{"prose", "read me\n", noLog, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, n, err := count(bufio.NewReaderSize(strings.NewReader(tt.text), headSize))
			if kind != tt.sort || n != tt.n || err != nil {
				t.Errorf("count = %q, %d, %v, want %q, %d", kind, n, err, tt.sort, tt.n)
			}
		})
	}
}

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	inner, err := tarOf("logs/conn.log", []byte("one\ntwo\n"))
	if err != nil {
		t.Fatal(err)
	}
	outer, err := tarOf("inner.tar.gz", gzipped(inner))
	if err != nil {
		t.Fatal(err)
	}
	if err := put(dir, "set.tar.gz", gzipped(outer)); err != nil {
		t.Fatal(err)
	}
	want := dir + "/set.tar.gz!inner.tar.gz!logs/conn.log"
	seen := 0
	err = walk(dir, func(l leaf) error {
		seen++
		b, err := io.ReadAll(l.Reader)
		if l.Name != want || string(b) != "one\ntwo\n" || err != nil {
			t.Errorf("found %s with %q, %v, want %s", l.Name, b, err, want)
		}
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%d found, %v", seen, err)
	}
}

func TestZeekLog_strip(t *testing.T) {
	log := "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h   label   detailedlabel\n1.0\tC1\t10.0.0.1   Malicious   C&C\n"
	z := zeekLog{kind: zeekColumns}
	var out, labels []string
	z.onLine = func(line []byte, r *row) error {
		out = append(out, string(z.strip(line, r != nil)))
		if r != nil {
			labels = append(labels, r.get("label"), r.get("detailedlabel"), r.get("id.orig_h"))
		}
		return nil
	}
	if err := z.read(bufio.NewReader(strings.NewReader(log)), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(out, ""), "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\n1.0\tC1\t10.0.0.1\n"; got != want {
		t.Errorf("stripped: %q, want %q", got, want)
	}
	if got := strings.Join(labels, ","); got != "Malicious,C&C,10.0.0.1" {
		t.Errorf("read %s", got)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"10.0.0.1": true, "to 10.0.0.1.": true, "10.0.0.1:443": false, "10.0.0.11": false, "110.0.0.1": false, "host (10.0.0.1)": true, "": false,
	} {
		if got := mentions(text, "10.0.0.1"); got != want {
			t.Errorf("mentions(%q) = %v", text, got)
		}
	}
}

func TestFigure(t *testing.T) {
	r := result{}
	r.add("a|b", "place", 3, "place", "in /tmp/here/x").most(5)
	r.add("a", "rate", 1234567.5, "events/s", "").least(2e6)
	r.add("a", "bare", 0.25, "", "")
	r.hide("/tmp/here")
	var js, text bytes.Buffer
	if err := r.print(&js, "name", true); err != nil {
		t.Fatal(err)
	}
	want := `{"eval":"name","set":"a|b","measure":"place","value":3,"target":5,"unit":"place","detail":"in x"}
{"eval":"name","set":"a","measure":"rate","value":1234567.5,"target":2000000,"unit":"events/s","detail":""}
{"eval":"name","set":"a","measure":"bare","value":0.25,"target":null,"unit":"","detail":""}
`
	if js.String() != want {
		t.Errorf("JSON:\n%s", js.String())
	}
	if err := r.print(&text, "name", false); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"(met ≤ 5)", "1,234,568 events/s (missed ≥ 2,000,000)", "bare: 0.25"} {
		if !strings.Contains(text.String(), s) {
			t.Errorf("no %q in:\n%s", s, text.String())
		}
	}
}

func TestWrite_replaces_its_part_only(t *testing.T) {
	dir := t.TempDir()
	page := "# Top\n<!-- eval:start -->\nold\n<!-- end:start -->\nremarks\n"
	if err := put(dir, "benchmarks.md", []byte(page)); err != nil {
		t.Fatal(err)
	}
	r := result{}
	r.add("a|b", "size", 3, "MB", "").most(70)
	e := evaluation{Name: "start", Summary: "how"}
	for range 2 {
		if err := write(context.Background(), dir, e, r, "the command"); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	for _, s := range []string{"# Top\n", "remarks\n", "`the command`", `a\|b`} {
		if strings.Count(got, s) != 1 {
			t.Errorf("%q stands there %d times:\n%s", s, strings.Count(got, s), got)
		}
	}
	if strings.Contains(got, "old") {
		t.Error("the old part is still there")
	}
	var rec record
	j, err := os.ReadFile(filepath.Join(dir, "results", "start.json"))
	if err != nil || json.Unmarshal(j, &rec) != nil || len(rec.Figures) != 1 || rec.Machine.Cores < 1 || rec.Command == "" {
		t.Errorf("results: %v: %s", err, j)
	}
}

func TestOutcome_read(t *testing.T) {
	out := func(seconds string) string {
		return `{"type":"source","path":"a","records":2,"events":1,"rejected":1,"reasons":{"no":1}}` + "\n" +
			`{"type":"finding","id":"1","facet":"beacon"}` + "\n" + `{"type":"summary","records":2,"seconds":` + seconds + "}\n"
	}
	var a, b, c outcome
	if err := a.read(strings.NewReader(out("1.5"))); err != nil {
		t.Fatal(err)
	}
	if err := b.read(strings.NewReader(out("2.5"))); err != nil {
		t.Fatal(err)
	}
	if a.Hash != b.Hash || len(a.Sources) != 1 || len(a.Findings) != 1 || a.Summary == nil || a.Summary.Records != 2 {
		t.Errorf("read %+v", a)
	}
	if err := c.read(strings.NewReader(strings.Replace(out("1.5"), "beacon", "scan", 1))); err != nil || c.Hash == a.Hash {
		t.Error("another finding has the same hash")
	}
	if c.read(strings.NewReader("not JSON\n")) == nil {
		t.Error("rubbish was read")
	}
}

// A stream: its lines are JSON of now, spread over the ways by their shares, and a scan is
// in what goes next.
func TestStream(t *testing.T) {
	s := newStream(1000, 50)
	var lines int64
	for lines < 20_000 {
		_, n := s.lines()
		lines += n
	}
	for _, w := range s.ways {
		if share := float64(w.fill.lines) / float64(lines); share < w.share-0.01 || share > w.share+0.01 {
			t.Errorf("%s has %.3f of all lines, want %.2f", w.name, share, w.share)
		}
		n := int64(0)
		for line := range bytes.Lines(w.fill.data) {
			n++
			if !json.Valid(line) {
				t.Fatalf("%s", line)
			}
		}
		if n != w.fill.lines {
			t.Errorf("%s has %d lines, and counts %d", w.name, n, w.fill.lines)
		}
	}
	push := s.ways[0]
	before := len(push.fill.data)
	s.scan(push)
	if n := bytes.Count(push.fill.data[before:], []byte(s.scans[0].address)); n != scanned || len(push.fill.scans) != 1 {
		t.Errorf("the scan has %d lines", n)
	}
	for line := range bytes.Lines(push.fill.data[before:]) {
		if !json.Valid(line) {
			t.Fatalf("%s", line)
		}
	}
}

func TestLine(t *testing.T) {
	mean, slope := line([]point{{0, 5}, {1, 7}, {2, 9}, {4, 13}})
	if mean != 8.5 || slope < 1.999 || slope > 2.001 {
		t.Errorf("the mean is %g, the slope %g", mean, slope)
	}
}
