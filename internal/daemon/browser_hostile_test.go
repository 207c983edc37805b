package daemon

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vedette/internal/console/browsertest"
	"vedette/internal/source"
)

// payloads are what somebody writes who knows that a browser will show it: markup, script,
// addresses that are script, templates, styles, and what breaks a layout.
var payloads = []string{
	`"><img src=x onerror=alert(1)>`,
	`</script><script>alert(2)</script>`,
	`<svg/onload=alert(3)>`,
	`' autofocus onfocus=alert(4) x='`,
	`javascript:alert(5)`,
	`{{.Token}}{{html "x"}}${alert(6)}`,
	`</title></textarea></style><style>*{display:none}</style><iframe srcdoc="<script>alert(7)</script>">`,
	"\u202egnp.exe\u0000\u001b[2J<base href=//203.0.113.66/>",
	strings.Repeat("W", 700) + `<math><mtext></form><form action=//203.0.113.66>`,
}

// poisoned returns every line of a file of JSON logs as often as it has texts, each time
// with another of them poisoned. What tells records apart stays, or nothing would be read.
func poisoned(t *testing.T, file, name string) (all []source.Record) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var whole map[string]any
		if json.Unmarshal(lines.Bytes(), &whole) != nil {
			continue
		}
		texts(whole, func(key, was string, set func(any)) {
			if slices.Contains([]string{"ts", "timestamp", "event_type", "_path", "_write_ts"}, key) {
				return
			}
			p := payloads[n%len(payloads)]
			n++
			set(was + p)
			b, err := json.Marshal(whole)
			if err != nil {
				t.Fatal(err)
			}
			set(was)
			all = append(all, source.Record{Source: name, Position: uint64(n), Data: b})
		})
	}
	if n < 100 {
		t.Fatalf("%s has %d texts to poison", file, n)
	}
	return all
}

// texts calls yield with every text of a value, and what sets it.
func texts(v any, yield func(key, was string, set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if s, ok := v[k].(string); ok {
				yield(k, s, func(x any) { v[k] = x })
			} else {
				texts(v[k], yield)
			}
		}
	case []any:
		for i := range v {
			if s, ok := v[i].(string); ok {
				yield("", s, func(x any) { v[i] = x })
			} else {
				texts(v[i], yield)
			}
		}
	}
}

// TestBrowser_hostile poisons every text of every kind of record, has a daemon read it, and
// opens everything that can be reached: nothing of it runs, and no page falls apart.
func TestBrowser_hostile(t *testing.T) {
	s := start(t, t.TempDir())
	b := s.browse()
	lines := demo(t)
	for i := range lines {
		l := string(lines[i].Data)
		l = strings.ReplaceAll(l, "ws-113", `ws-113`+payloads[0])
		l = strings.ReplaceAll(l, "static-assets.example", `static-assets<svg/onload=alert(3)>.example`)
		lines[i].Data = []byte(l)
		lines[i].Source = strings.Replace(lines[i].Source, "demo/", `demo/`+payloads[2], 1)
	}
	s.feed(lines)
	var more []demoLine
	for _, r := range append(poisoned(t, "../decode/zeek/testdata/logs.jsonl", `zeek `+payloads[1]+`@00000000000b`), poisoned(t, "../decode/eve/testdata/suricata-7.json", `eve `+payloads[3]+`@00000000000c`)...) {
		more = append(more, demoLine{r, 0})
	}
	s.feed(more)
	s.admitted(b)
	s.write()
	shown, alive := map[string]int{}, map[string]int{}
	c := crawler{site: s, Browser: b, most: 5}
	for i, w := range []int64{1440, 390} {
		b.Look(w, 844, i == 1, true)
		c.walk("/", func(at string) {
			if n := browsertest.Ask[int](b, `document.body.innerText.split(/onerror=|onload=|alert\(|onfocus=/).length - 1`); n > 0 {
				shown[pattern(at)]++
			}
			if odd := browsertest.Ask[[]string](b, intruders); len(odd) > 0 {
				t.Errorf("%s holds what is not ours: %q", at, odd)
			}
			if wide := b.Sideways(); len(wide) > 0 {
				t.Errorf("%s at %d pixels is too wide: %q", at, w, wide)
			}
			if wrong := b.Troubles(); len(wrong) > 0 {
				t.Errorf("%s: %q", at, wrong)
			}
			alive[pattern(at)]++
		})
	}
	t.Logf("%d pages of %d kinds were opened; %d kinds show what is hostile: %v", c.opened, len(alive), len(shown), slices.Sorted(maps.Keys(shown)))
	for _, p := range []string{"/", "/incidents", "/incidents/ID", "/incidents/ID?show", "/entities", "/entities/ID", "/sources", "/search?q"} {
		if alive[p] == 0 || shown[p] == 0 {
			t.Errorf("%s was opened %d times, and what is hostile was on it %d times: the test proves nothing about it", p, alive[p], shown[p])
		}
	}
}

// intruders returns the elements of a page that no template of ours has.
const intruders = `[...document.querySelectorAll("img, iframe, object, embed, base, math, style, script:not([src^='/assets/']), [onerror], [onload], [onfocus], [srcdoc], [href^='javascript' i], form[action^='//'], a[href^='//'], a[href^='http']")].map((e) => e.outerHTML.slice(0, 120))`

// write has people write what is hostile, too.
func (s *site) write() {
	s.Helper()
	_, page := s.get("/incidents")
	id := openIncident.FindStringSubmatch(page)
	if id == nil {
		s.Fatal("no incident is shown")
	}
	at := "/incidents/" + id[1]
	all := strings.Join(payloads, "\n")
	s.post(at, at+"/notes", url.Values{"text": {all}})
	s.post(at, at+"/verdict", url.Values{"verdict": {"malicious"}, "reason": {all}})
	s.post("/settings", "/settings/tokens", url.Values{"purpose": {payloads[0]}, "scope": {"incidents.read"}, "days": {"3"}})
}

// crawler opens all that pages lead to.
type crawler struct {
	*site
	*browsertest.Browser
	most   int // pages of a kind
	opened int
}

var ids = regexp.MustCompile(`[0-9a-f]{16}`)

// pattern returns the kind of a page: its address without what tells one from another.
func pattern(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return at
	}
	p := ids.ReplaceAllString(u.Path, "ID")
	if keys := slices.Sorted(maps.Keys(u.Query())); len(keys) > 0 {
		p += "?" + strings.Join(keys, "&")
	}
	return p
}

// walk opens a page and all that it leads to, some of each kind, and has each looked at.
// The search for what is hostile is begun by hand: no link leads to it.
func (c *crawler) walk(from string, look func(at string)) {
	c.site.Helper()
	todo, seen, kinds := []string{from, "/search?q=" + url.QueryEscape("ws-113"), "/search?q=" + url.QueryEscape(payloads[0])}, map[string]bool{}, map[string]int{}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if k := pattern(at); seen[at] || kinds[k] >= c.most {
			continue
		} else {
			kinds[k]++
		}
		seen[at] = true
		c.Go(at)
		c.opened++
		look(at)
		todo = append(todo, browsertest.Ask[[]string](c.Browser, `[...new Set([...document.querySelectorAll("a[href]")].filter((a) => a.host === location.host && !a.pathname.startsWith("/api/")).map((a) => a.pathname + a.search))]`)...)
	}
}
