package console

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "otto")
	if page := b.get("/settings/audit"); !strings.Contains(page, "There is no entry yet") {
		t.Errorf("an empty record:\n%s", page)
	}
	for i := range 120 {
		m.Log([]string{"ada", "<b>anna</b>"}[i%2], []string{"person.sign-in", "incident.judge"}[i%2], "person/"+fmt.Sprint(i), `{"address":"192.0.2.7","scopes":["a","b"]}`)
	}
	number := regexp.MustCompile(`<tr id="entry-(\d+)">`)
	var seen []string
	next := regexp.MustCompile(`<a href="([^"]+)" rel="next">`)
	for at := "/settings/audit"; at != ""; {
		page := b.get(at)
		for _, m := range number.FindAllStringSubmatch(page, -1) {
			seen = append(seen, m[1])
		}
		at = ""
		if m := next.FindStringSubmatch(page); m != nil {
			at = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	want := make([]string, 0, 120)
	for n := 120; n > 0; n-- {
		want = append(want, fmt.Sprint(n))
	}
	if !slices.Equal(seen, want) {
		t.Errorf("%v", seen)
	}
	page := b.get("/settings/audit")
	for _, holds := range []string{"120 entries, and all hold. Verified up to entry 120", "address: 192.0.2.7, scopes: a b", "&lt;b&gt;anna", `<span class="fine">holds</span>`, `aria-current="true">Audit`} {
		if !strings.Contains(page, holds) {
			t.Errorf("the page does not say %q", holds)
		}
	}
	today := m.Now().UTC().Format(time.DateOnly)
	for query, rows := range map[string]int{
		"?actor=ada": 50, "?actor=nobody": 0, "?action=incident.": 50, "?action=person.sign-in&actor=ada": 50, "?actor=ada&action=incident.": 0,
		"?from=" + today: 50, "?until=" + today: 50, "?from=2030-01-01": 0, "?until=2020-01-01": 0, "?cursor=3": 2,
	} {
		if got := len(number.FindAllString(b.get("/settings/audit"+query), -1)); got != rows {
			t.Errorf("%s: %d rows, want %d", query, got, rows)
		}
	}
	for _, query := range []string{"?from=yesterday", "?until=1", "?cursor=x"} {
		if r := b.do("GET", "/settings/audit"+query, nil); r.StatusCode != 400 {
			t.Errorf("%s: %d", query, r.StatusCode)
		}
	}
	m.Trail[99].Target = "somebody else"
	page = b.get("/settings/audit?whole=1")
	for _, holds := range []string{"tampered with, or is damaged", "Entry 100 was changed", "Everything up to entry 99 holds", `<b class="act">broken</b>`, `<span class="watch">not verified</span>`} {
		if !strings.Contains(page, holds) {
			t.Errorf("with a changed entry the page does not say %q", holds)
		}
	}
}
