package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// written is a report in all its forms.
func written(t *testing.T, r Report) map[string]string {
	t.Helper()
	var text, colour, narrow, js, page bytes.Buffer
	for _, err := range []error{
		Text(&text, r, Options{Width: 100}), Text(&colour, r, Options{Colour: true}), Text(&narrow, r, Options{Width: 40}),
		JSON(&js, r), HTML(&page, r),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"text": text.String(), "colour": colour.String(), "narrow": narrow.String(), "json": js.String(), "html": page.String(),
	}
}

func TestGolden(t *testing.T) {
	for set, r := range map[string]Report{"sample": sample(), "empty": {Names: names(), Budget: 1}, "quiet": quietReport()} {
		forms := written(t, r)
		for _, form := range []string{"text", "json", "html"} {
			file := filepath.Join("testdata", set+"."+form+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(forms[form]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if forms[form] != string(want) {
				t.Errorf("%s differs; if that is meant: go test ./internal/report -update", file)
			}
		}
	}
}

// quietReport has events and nothing worth a person's time.
func quietReport() Report {
	r := sample()
	r.Incidents, r.Findings = r.Incidents[1:], r.Findings[5:]
	return r
}

func TestSameReportSameBytes(t *testing.T) {
	a := written(t, sample())
	for range 5 {
		for form, s := range written(t, sample()) {
			if s != a[form] {
				t.Fatalf("%s differs from run to run", form)
			}
		}
	}
}

// hostile is what an attacker may write where telemetry is shown.
const hostile = "<script>alert(1)</script>\"'><b onmouseover=x>\x1b[2J\x1b]0;owned\x07\r\nfake: line\u202egnp.exe\u2066\u200b\x00\xff\u2028 {n} {peers} {{.CSP}}"

func hostileReport() Report {
	r := sample()
	b := names()
	for k, v := range b {
		v.name = hostile + v.name
		v.addresses = []string{hostile}
		b[k] = v
	}
	r.Names = hostileBook{b}
	for i := range r.Sources {
		r.Sources[i].Path, r.Sources[i].Format, r.Sources[i].Problem, r.Sources[i].Status = hostile, hostile, hostile, hostile
		r.Sources[i].Reasons, r.Sources[i].Rejected = map[string]int64{hostile: 2, "x" + hostile: 1}, 3
	}
	spoil := func(all []finding.Finding) {
		for i := range all {
			all[i].Labels = []string{hostile, hostile + "2"}
			all[i].Says, all[i].Signal = "did {n}: {labels} with {peers}"+hostile, hostile
		}
	}
	spoil(r.Findings)
	for i := range r.Incidents {
		spoil(r.Incidents[i].Findings)
		r.Incidents[i].Hidden = hostile
		for j := range r.Incidents[i].Links {
			r.Incidents[i].Links[j].Why = hostile
		}
	}
	r.Record = func(finding.Ref) []Field { return []Field{{hostile, hostile}, {hostile, strings.Repeat(hostile, 100)}} }
	return r
}

type hostileBook struct{ book }

func (h hostileBook) Where(r finding.Ref) string { return hostile + h.book.Where(r) }

func TestHostileNames(t *testing.T) {
	style := regexp.MustCompile(`\x1b\[[0-9]*m`)
	for form, s := range written(t, hostileReport()) {
		if form == "colour" {
			s = style.ReplaceAllString(s, "")
		}
		for _, r := range s {
			if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
				t.Errorf("%s: %U is in the output", form, r)
				break
			}
		}
		if form == "html" {
			if strings.Contains(s, "<script") || strings.Contains(s, "<b onmouseover") {
				t.Error("a name became markup")
			}
			if !strings.Contains(s, `\x1b[2J`) || !strings.Contains(s, `\u202e`) {
				t.Error("what does not print is not shown")
			}
		}
		if form == "json" {
			for line := range strings.Lines(s) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
		}
	}
}

// TestPageIsWhole checks that the page loads nothing, runs nothing, and that its policy
// allows its own style and nothing else.
func TestPageIsWhole(t *testing.T) {
	s := written(t, sample())["html"]
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(s)
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(s)
	if style == nil || policy == nil {
		t.Fatal("no style or no policy")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(policy[1]), want) {
		t.Errorf("the policy %q does not have %s", policy[1], want)
	}
	for _, bad := range []string{"<script", "<link", "<img", "<iframe", "<form", "src=", "url(", "@import", " style=", "http://", "https://"} {
		if i := strings.Index(regexp.MustCompile(`>[^<]*<`).ReplaceAllString(s, "><"), bad); i >= 0 {
			t.Errorf("the page has %q", bad)
		}
	}
	if regexp.MustCompile(`<[^>]*\son[a-z]+=`).MatchString(s) {
		t.Error("the page has an inline handler")
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(s, -1) {
		if ids[m[1]] {
			t.Errorf("two elements have the id %s", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(s, -1) {
		if !ids[m[1]] {
			t.Errorf("a link leads to %s, which is not there", m[1])
		}
	}
}

func hugeReport() Report {
	r := sample()
	base := r.Incidents[0]
	r.Incidents, r.Findings = nil, nil
	for i := range 400 {
		n := base
		n.ID, n.Surfaced, n.Findings, n.Entities = uint64(i), i < 200, nil, nil
		for j := range 60 {
			f := lateral()
			f.ID, f.Signal, f.Entity, f.Evidence = uint64(i*1000+j), fmt.Sprint("signal ", j%40), entity.Key(1000+j%30), refs(0, uint64(j), 400)
			f.From, f.To = f.From+int64(j)*3600e9, f.To+int64(j)*3600e9
			n.Findings = append(n.Findings, f)
		}
		for j := range 500 {
			n.Entities = append(n.Entities, entity.Key(1000+j))
		}
		n.Links = nil
		for j, f := range n.Findings {
			n.Links = append(n.Links, incident.Link{Finding: f.ID, Why: "both involve", Shared: entity.Key(j), Holders: 3})
		}
		r.Incidents = append(r.Incidents, n)
		r.Findings = append(r.Findings, n.Findings...)
	}
	for i := range 3000 {
		r.Sources = append(r.Sources, Source{Path: strings.Repeat("long/", 100) + fmt.Sprint(i), Format: "zeek/conn", Records: 10, Events: 9, Rejected: 1, Reasons: map[string]int64{"not valid JSON": 1}})
	}
	return r
}

func TestHugeReportIsBounded(t *testing.T) {
	r := hugeReport()
	var text, page bytes.Buffer
	if err := Text(&text, r, Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text.String(), "\n"); n > 200 {
		t.Errorf("%d lines for a terminal", n)
	}
	if page.Len() > 12<<20 {
		t.Errorf("the page has %d bytes", page.Len())
	}
	for _, said := range []string{"not in this file", "only in the output of --json", "smaller sources", "records are in this file", "not told here"} {
		if !strings.Contains(page.String(), said) {
			t.Errorf("what was left out is not said: %q", said)
		}
	}
}

func TestLinesFit(t *testing.T) {
	forms := written(t, sample())
	for form, width := range map[string]int{"text": 100, "narrow": 40, "colour": 80} {
		for line := range strings.Lines(forms[form]) {
			if n := columns(strings.TrimRight(line, "\n")); n > width && form != "narrow" {
				t.Errorf("%s: %d columns: %s", form, n, line)
			}
		}
	}
	if strings.Contains(forms["text"], "\x1b") {
		t.Error("colours without being asked")
	}
}

// TestNumbersAddUp works the picture of the score out by hand.
func TestNumbersAddUp(t *testing.T) {
	for _, s := range sample().Sources {
		row := toRow(s, "")
		if s.Records != 0 && row.Decoded == row.Records && s.Rejected > 0 {
			t.Errorf("%s: received is not decoded and rejected", s.Path)
		}
	}
	if s := written(t, sample())["html"]; strings.Contains(s, "none of the above explains") || strings.Contains(s, "no facet explains") {
		t.Error("a sum of the sample does not add up")
	}
}

// TestContract holds the names and types of the fields that programs rely on.
func TestContract(t *testing.T) {
	want := map[string]string{
		"source":   "type path format records events rejected reasons first last",
		"finding":  "type id time entity peers facet detector nats techniques why evidence",
		"incident": "type id opened updated score surfaced verdict confidence title entities techniques phases findings narrative hypotheses proposals",
		"summary":  "type records events rejected seconds entities findings incidents surfaced learning",
	}
	for set, r := range map[string]Report{"sample": sample(), "bare": {
		Names: names(), Findings: []finding.Finding{{}}, Incidents: []incident.Incident{{}}, Sources: []Source{{}},
	}} {
		for line := range strings.Lines(written(t, r)["json"]) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			for _, name := range strings.Fields(want[m["type"].(string)]) {
				v, ok := m[name]
				if !ok {
					t.Errorf("%s: %s has no %s", set, m["type"], name)
				}
				if v == nil && name != "first" && name != "last" {
					t.Errorf("%s: %s has null for %s", set, m["type"], name)
				}
				delete(m, name)
			}
			if len(m) > 0 {
				t.Errorf("%s: fields that are not in the contract: %v", set, m)
			}
		}
	}
}
