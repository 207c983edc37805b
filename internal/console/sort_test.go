package console

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var (
	sortLinks = regexp.MustCompile(`aria-sort="([a-z]+)"><a class="sort" href="([^"]+)">([^<]+)<`)
	nextLink  = regexp.MustCompile(`href="([^"]*after=[^"]*)"`)
	rowLinks  = regexp.MustCompile(`<td class="what"><a href="/incidents/([0-9a-f]{16})"`)
)

// TestLists_sorted presses the head of every column of every list, twice, and turns all
// pages of what comes: every row is there once, whatever the order.
func TestLists_sorted(t *testing.T) {
	m := full(400)
	b := open(t, m, Options{}).as(m, "anna")
	count := func(at string) (n int) {
		t.Helper()
		seen := map[string]bool{}
		for at != "" {
			page := b.get(at)
			for _, r := range rowLinks.FindAllStringSubmatch(page, -1) {
				if seen[r[1]] {
					t.Errorf("%s holds %s twice", at, r[1])
				}
				seen[r[1]] = true
			}
			at = ""
			if next := nextLink.FindStringSubmatch(page); next != nil {
				at = html.UnescapeString(next[1])
			}
		}
		return len(seen)
	}
	for path, columns := range map[string]int{"/incidents": 4, "/incidents?pile=hidden&q=ws": 4, "/entities": 4, "/entities?q=mr": 4, "/sources": 6} {
		links := sortLinks.FindAllStringSubmatch(b.get(path), -1)
		if len(links) != columns {
			t.Errorf("%s can be sorted by %d columns, want %d", path, len(links), columns)
		}
		want := count(path)
		for _, l := range links {
			once := html.UnescapeString(l[2])
			for _, also := range []string{"pile=hidden", "q=ws", "q=mr"} {
				if strings.Contains(path, also) != strings.Contains(once, also) {
					t.Errorf("sorting %s by %s leads to %s", path, l[3], once)
				}
			}
			ways := map[string]bool{}
			for range 2 {
				page := b.get(once)
				if strings.HasPrefix(path, "/incidents") {
					if got := count(once); got != want {
						t.Errorf("%s has %d rows, want %d", once, got, want)
					}
				}
				for _, now := range sortLinks.FindAllStringSubmatch(page, -1) {
					if now[3] == l[3] {
						ways[now[1]] = true
						once = html.UnescapeString(now[2])
					} else if now[1] != "none" {
						t.Errorf("%s says that it is sorted by %s, too", once, now[3])
					}
				}
			}
			if !ways["ascending"] || !ways["descending"] || len(ways) != 2 {
				t.Errorf("%s by %s is sorted %v", path, l[3], ways)
			}
		}
	}
	for _, at := range []string{"/incidents?sort=password", "/entities?sort=x%22onmouseover"} {
		if r := b.do("GET", at, nil); r.StatusCode != 400 {
			t.Errorf("%s: %d", at, r.StatusCode)
		}
	}
}
