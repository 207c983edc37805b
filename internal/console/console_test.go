package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"vedette/internal/api/desk"
	"vedette/internal/api/desktest"
	"vedette/internal/auth"
	"vedette/internal/incident"
)

// people are who desktest makes, by role.
var people = map[auth.Role]string{
	auth.Viewer: "vera", auth.Analyst: "anna", auth.Responder: "rosa", auth.Clinical: "carl", auth.Administrator: "ada", auth.Auditor: "otto",
}

// browser is somebody at a console.
type browser struct {
	t       *testing.T
	h       http.Handler
	d       *desk.Desk
	cookies map[string]string
	host    string
	from    string
	header  http.Header
}

func open(t *testing.T, m *desktest.Memory, o Options) *browser {
	t.Helper()
	d := m.Desk()
	h, err := New(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, h: h, d: d, cookies: map[string]string{}, host: "localhost:8443", from: "10.0.0.9:4711", header: http.Header{}}
}

// as returns the same console with somebody else in front of it.
func (b *browser) as(m *desktest.Memory, name string) *browser {
	c := *b
	c.cookies = map[string]string{}
	if name != "" {
		c.cookies["vedette"] = m.AddSession(name)
	}
	return &c
}

func (b *browser) do(method, address string, form url.Values) *http.Response {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	if strings.HasPrefix(address, "/changes") {
		ctx, cancel = context.WithTimeout(b.t.Context(), 50*time.Millisecond)
	}
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, address, body)
	r.Host, r.RemoteAddr = b.host, b.from
	for k, v := range b.header {
		r.Header[k] = v
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	resp := w.Result()
	for _, k := range resp.Cookies() {
		if k.MaxAge < 0 {
			delete(b.cookies, k.Name)
		} else {
			b.cookies[k.Name] = k.Value
		}
	}
	return resp
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (b *browser) get(address string) string {
	b.t.Helper()
	r := b.do("GET", address, nil)
	s := text(b.t, r)
	if r.StatusCode != 200 {
		b.t.Fatalf("GET %s: %d\n%s", address, r.StatusCode, s)
	}
	return s
}

var tokenOf = regexp.MustCompile(`name="form" value="([^"]+)"`)

// token returns what a form of the page must bring back.
func (b *browser) token(address string) string {
	b.t.Helper()
	m := tokenOf.FindStringSubmatch(b.get(address))
	if m == nil {
		b.t.Fatalf("%s has no form", address)
	}
	return m[1]
}

func (b *browser) post(address string, pairs ...string) *http.Response {
	b.t.Helper()
	page := "/help"
	form := url.Values{"form": {b.token(page)}}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do("POST", address, form)
}

// address makes an address of a pattern.
func address(pattern string) string {
	return strings.NewReplacer("{$}", "", "{id}", "000000000000beef", "{key}", "0000000000000001", "{name}", "vera").Replace(pattern)
}

// reads are the pages that are looked at, with and without what can be asked of them.
func reads() (all []string) {
	for _, p := range pages() {
		if p.method == "GET" && !p.quiet {
			all = append(all, address(p.pattern))
		}
	}
	return append(all, "/incidents?pile=hidden", "/incidents?pile=closed", "/incidents?mine=1", "/incidents?q=ws", "/incidents/000000000000beef?show=3",
		"/incidents/000000000000beef?show=2", "/entities?q=ws", "/search?q=ws", "/search?q=000000000000f00d", "/settings?codes=1", "/setup?code=ABC", "/nothing/here")
}

func full(n int) *desktest.Memory {
	m := desktest.New()
	m.Fill(n, desktest.Plain)
	return m
}

// TestAccess tries every route as everybody and compares with auth's table of permissions.
func TestAccess(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-6s %-30s %-9s", "", "", "stranger")
	for _, r := range auth.Roles() {
		fmt.Fprintf(&table, " %-13s", r)
	}
	table.WriteString("\n")
	for _, p := range pages() {
		fmt.Fprintf(&table, "%-6s %-30s", p.method, p.pattern)
		for _, role := range append([]auth.Role{""}, auth.Roles()...) {
			m := full(3)
			b := open(t, m, Options{}).as(m, people[role])
			var form url.Values
			if p.method == "POST" {
				form = url.Values{"form": {b.token("/help")}}
			}
			resp := b.do(p.method, address(p.pattern), form)
			login := resp.StatusCode == 303 && strings.HasPrefix(resp.Header.Get("Location"), "/login") && p.pattern != "/logout" && !p.open
			got := (resp.StatusCode != 401 || p.pattern == "/login") && resp.StatusCode != 403 && !login // what is typed at the login is wrong here
			want := p.open || role != "" && (p.own || role.Permissions().Has(p.need))
			if got != want {
				t.Errorf("%s %s as %q: %d, want allowed %v", p.method, p.pattern, role, resp.StatusCode, want)
			}
			if resp.StatusCode >= 500 {
				t.Errorf("%s %s as %q: %d", p.method, p.pattern, role, resp.StatusCode)
			}
			mark := map[bool]string{true: "yes", false: "-"}[got]
			fmt.Fprintf(&table, map[bool]string{true: " %-9s", false: " %-13s"}[role == ""], mark)
		}
		table.WriteString("\n")
	}
	t.Log("\n" + table.String())
}

func TestHeaders(t *testing.T) {
	m := full(3)
	b := open(t, m, Options{Hosts: []string{"vedette.clinic.example"}})
	check := func(b *browser, method, at string) {
		t.Helper()
		r := b.do(method, at, nil)
		for k, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := r.Header.Get(k); got != want {
				t.Errorf("%s %s: %s is %q", method, at, k, got)
			}
		}
		if cache := r.Header.Get("Cache-Control"); strings.HasPrefix(at, "/assets") != strings.Contains(cache, "immutable") || !strings.HasPrefix(at, "/assets") && cache != "no-store" {
			t.Errorf("%s %s: Cache-Control is %q", method, at, cache)
		}
		for _, k := range r.Cookies() {
			site := http.SameSiteStrictMode
			if k.Name == awayCookie { // another site leads back with it
				site = http.SameSiteLaxMode
			}
			if !k.HttpOnly || k.SameSite != site || k.Path != "/" || k.Domain != "" {
				t.Errorf("%s %s: cookie %v", method, at, k)
			}
		}
	}
	for _, who := range []string{"", "ada"} {
		for _, p := range pages() {
			check(b.as(m, who), p.method, address(p.pattern))
		}
		for _, at := range []string{"/assets/console.css", "/assets/console.js", "/assets/icon.svg", "/nothing"} {
			check(b.as(m, who), "GET", at)
		}
	}
}

func TestHost(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{Hosts: []string{"vedette.clinic.example"}}).as(m, "ada")
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9999": 200, "127.0.0.1:80": 200, "[::1]:80": 200, "127.1.2.3": 200, "Vedette.Clinic.Example.:443": 200,
		"evil.example": 421, "": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "127.0.0.1.evil.example": 421, "vedette.clinic.example.evil.example": 421, "169.254.169.254": 421,
	} {
		b.host = host
		if r := b.do("GET", "/", nil); r.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, r.StatusCode, want)
		}
	}
	b.host = "localhost"
	form := url.Values{"form": {b.token("/help")}} // all is right but the host
	b.host = "rebound.example"
	for _, p := range append(pages(), page{method: "GET", pattern: "/assets/console.js"}, page{method: "GET", pattern: "/nothing"}) {
		var sent url.Values
		if p.method == "POST" {
			sent = form
		}
		if r := b.do(p.method, address(p.pattern), sent); r.StatusCode != 421 || r.Header.Get("X-Frame-Options") != "DENY" || len(r.Cookies()) > 0 {
			t.Errorf("%s %s for another host: %d", p.method, p.pattern, r.StatusCode)
		}
	}
}

func TestForms_csrf(t *testing.T) {
	m := full(3)
	b := open(t, m, Options{})
	other := b.as(m, "anna").token("/help")
	stranger := b.as(m, "").token("/help")
	for _, p := range pages() {
		if p.method != "POST" {
			continue
		}
		for what, form := range map[string]url.Values{
			"missing": {}, "empty": {"form": {""}}, "wrong": {"form": {strings.Repeat("A", 43)}}, "of somebody else": {"form": {other}}, "of a stranger": {"form": {stranger}},
		} {
			ada := b.as(m, "ada")
			form.Set("verdict", "malicious")
			form.Set("text", "a note")
			if r := ada.do("POST", address(p.pattern), form); r.StatusCode != 403 {
				t.Errorf("%s with token %s: %d", p.pattern, what, r.StatusCode)
			}
		}
		ada := b.as(m, "ada")
		form := url.Values{"form": {ada.token("/help")}}
		ada.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
		if r := ada.do("POST", address(p.pattern), form); r.StatusCode != 403 {
			t.Errorf("%s from another site: %d", p.pattern, r.StatusCode)
		}
	}
	if c := m.Case(0xbeef); c.Version != 3 || c.Verdict != "" {
		t.Errorf("something was changed: %+v", c.Row)
	}
	if r := b.as(m, "ada").do("GET", "/incidents/000000000000beef/verdict?verdict=malicious", nil); r.StatusCode != 404 && r.StatusCode != 405 {
		t.Errorf("a GET changed something: %d", r.StatusCode)
	}
}

func TestOpenRedirect(t *testing.T) {
	for address, want := range map[string]string{
		"/incidents?pile=hidden": "/incidents?pile=hidden", "/": "/", "": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/", "\\/evil.example": "/",
		"javascript:alert(1)": "/", "/\t/evil.example": "/", "http:/evil": "/", "///evil.example": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x", "evil.example": "/", "/a\nb": "/", "//user@evil.example/": "/",
	} {
		if got := local(address); got != want {
			t.Errorf("local(%q) = %q, want %q", address, got, want)
		}
	}
	m := full(0)
	b := open(t, m, Options{})
	for _, next := range []string{"//evil.example", "https://evil.example", "/\\evil.example"} {
		c := b.as(m, "")
		r := c.post("/login", "name", "anna", "password", desktest.Password, "next", next)
		if to := r.Header.Get("Location"); r.StatusCode != 303 || to != "/" {
			t.Errorf("signing in with next %q leads to %q (%d)", next, to, r.StatusCode)
		}
		if to := b.as(m, "anna").do("GET", "/login?next="+url.QueryEscape(next), nil).Header.Get("Location"); to != "/" {
			t.Errorf("being signed in with next %q leads to %q", next, to)
		}
		if to := b.as(m, "anna").post("/theme", "theme", "dark", "back", next).Header.Get("Location"); to != "/" {
			t.Errorf("changing the theme with back %q leads to %q", next, to)
		}
	}
	// No route leads elsewhere, whatever it is told.
	for _, p := range pages() {
		for _, who := range []string{"", "ada"} {
			for _, evil := range []string{"//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)"} {
				c, q := b.as(m, who), url.Values{"next": {evil}, "back": {evil}, "q": {evil}, "return": {evil}, "done": {evil}}
				var form url.Values
				if p.method == "POST" {
					form = maps.Clone(q)
					form.Set("form", c.token("/help"))
				}
				at := address(p.pattern) + "?" + q.Encode()
				to := c.do(p.method, at, form).Header.Get("Location")
				if u, err := url.Parse(to); err != nil || to != "" && local(to) != to || u.Host != "" {
					t.Errorf("%s %s as %q leads to %q", p.method, at, who, to)
				}
			}
		}
	}
}

// TestPages renders every page for everybody, empty and full and hostile, and looks at the
// markup.
func TestPages(t *testing.T) {
	empty := desktest.New()
	for r, n := range people {
		empty.AddPerson(n, r)
	}
	hostile := desktest.New()
	hostile.Fill(60, desktest.Attack)
	hostile.Parts = []desk.Part{{Name: desktest.Hostile, Says: desktest.Hostile}}
	for what, m := range map[string]*desktest.Memory{"empty": empty, "full": full(60), "hostile": hostile} {
		b := open(t, m, Options{})
		for _, role := range append([]auth.Role{""}, auth.Roles()...) {
			for _, at := range reads() {
				c := b.as(m, people[role])
				if what == "hostile" {
					at += map[bool]string{true: "&", false: "?"}[strings.Contains(at, "?")] + url.Values{"q": {desktest.Hostile}, "done": {desktest.Hostile}, "next": {desktest.Hostile}}.Encode()
				}
				r := c.do("GET", at, nil)
				body := text(t, r)
				if r.StatusCode >= 500 {
					t.Errorf("%s as %q, %s: %d", at, role, what, r.StatusCode)
				}
				if len(body) > 400<<10 {
					t.Errorf("%s as %q, %s: %d bytes", at, role, what, len(body))
				}
				if r.StatusCode != 303 {
					for _, wrong := range markup(body) {
						t.Errorf("%.60s as %q, %s: %s", at, role, what, wrong)
					}
				}
			}
		}
	}
}

// markup returns what is wrong with a page.
func markup(page string) (wrong []string) {
	for _, s := range []string{"\u202e", "\x00", "\x1b", "ZgotmplZ", "<no value>", "%!"} {
		if strings.Contains(page, s) {
			wrong = append(wrong, fmt.Sprintf("holds %q", s))
		}
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return append(wrong, err.Error())
	}
	ids, labelled := map[string]bool{}, map[string]bool{}
	headings, mains := 0, 0
	var fields []*html.Node
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		a := attributes(n)
		for k, v := range a {
			if strings.HasPrefix(k, "on") || k == "style" || (k == "href" || k == "src" || k == "action") && strings.Contains(strings.ToLower(v), "script:") {
				wrong = append(wrong, fmt.Sprintf("<%s %s=%q>", n.Data, k, v))
			}
		}
		if id, ok := a["id"]; ok {
			if ids[id] {
				wrong = append(wrong, "twice the id "+id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "script":
			if !strings.HasPrefix(a["src"], "/assets/console.js?") || n.FirstChild != nil {
				wrong = append(wrong, "a script that is not ours")
			}
		case "style", "iframe", "object", "embed", "base":
			wrong = append(wrong, "a "+n.Data)
		case "img":
			wrong = append(wrong, "an image")
		case "h1":
			headings++
		case "main":
			mains++
		case "label":
			labelled[a["for"]] = true
		case "input", "select", "textarea":
			if a["type"] != "hidden" && a["aria-label"] == "" {
				fields = append(fields, n)
			}
		case "form":
			if a["method"] == "post" && !slices.ContainsFunc(slices.Collect(n.Descendants()), func(m *html.Node) bool { return m.Data == "input" && attributes(m)["name"] == "form" }) {
				wrong = append(wrong, "a form without a token: "+a["action"])
			}
		case "table":
			if !slices.ContainsFunc(slices.Collect(n.ChildNodes()), func(m *html.Node) bool { return m.Data == "caption" }) {
				wrong = append(wrong, "a table without a caption")
			}
		case "th":
			if a["scope"] == "" {
				wrong = append(wrong, "a th without a scope")
			}
		case "svg":
			if a["aria-hidden"] == "" && a["aria-label"] == "" && !hidden(n) {
				wrong = append(wrong, "a picture without words")
			}
		}
	}
	for _, n := range fields {
		inside := false
		for p := range n.Ancestors() {
			inside = inside || p.Data == "label"
		}
		if !inside && !labelled[attributes(n)["id"]] {
			wrong = append(wrong, "a field without a label: "+attributes(n)["name"])
		}
	}
	if headings != 1 || mains != 1 {
		wrong = append(wrong, fmt.Sprintf("%d h1, %d main", headings, mains))
	}
	return wrong
}

func hidden(n *html.Node) bool {
	for p := range n.Ancestors() {
		if attributes(p)["aria-hidden"] == "true" {
			return true
		}
	}
	return false
}

func attributes(n *html.Node) map[string]string {
	a := map[string]string{}
	for _, x := range n.Attr {
		a[x.Key] = x.Val
	}
	return a
}

func TestLists_paging(t *testing.T) {
	m := full(20000)
	b := open(t, m, Options{}).as(m, "anna")
	next := regexp.MustCompile(`href="(/incidents\?[^"]*after=[^"]*)"`)
	row := regexp.MustCompile(`<tr data-id="([0-9a-f]{16})"`)
	seen, at, n := map[string]bool{}, "/incidents?pile=hidden", 0
	for at != "" && n < 6 {
		page := b.get(at)
		if n++; len(page) > 400<<10 {
			t.Errorf("page %d has %d bytes", n, len(page))
		}
		rows := row.FindAllStringSubmatch(page, -1)
		if len(rows) != rowsPerPage {
			t.Errorf("page %d has %d rows", n, len(rows))
		}
		for _, r := range rows {
			if seen[r[1]] {
				t.Errorf("%s is there twice", r[1])
			}
			seen[r[1]] = true
		}
		at = ""
		if f := next.FindStringSubmatch(page); f != nil {
			at = html.UnescapeString(f[1])
		}
	}
	if len(seen) != 6*rowsPerPage {
		t.Errorf("%d rows on 6 pages", len(seen))
	}
	b.header = http.Header{"Accept-Encoding": {"gzip"}}
	r := b.do("GET", "/incidents", nil)
	if size := len(text(t, r)); r.Header.Get("Content-Encoding") != "gzip" || size > 20<<10 {
		t.Errorf("packed %q, %d bytes", r.Header.Get("Content-Encoding"), size)
	}
}

func TestErrors_tellNothing(t *testing.T) {
	m := full(1)
	b := open(t, m, Options{}).as(m, "ada")
	m.Fail = errors.New("open /var/lib/vedette/state.db: disk I/O error 0xdead")
	for _, at := range []string{"/", "/incidents", "/incidents/000000000000beef", "/entities/0000000000000001", "/sources"} {
		r := b.do("GET", at, nil)
		if body := text(t, r); r.StatusCode != 500 || strings.Contains(body, "0xdead") || strings.Contains(body, "state.db") || !strings.Contains(body, "What is safe") {
			t.Errorf("%s: %d\n%s", at, r.StatusCode, body)
		}
	}
}

func TestIncident_changes(t *testing.T) {
	m := full(3)
	b := open(t, m, Options{}).as(m, "anna")
	const at = "/incidents/000000000000beef"
	if page := b.get(at + "?show=3"); !strings.Contains(page, "Behind sentence 3") || !strings.Contains(page, "radiology/conn.log#1204") || !strings.Contains(page, "bytes_out") {
		t.Error("the records of sentence 3 are not beside")
	}
	if page := b.get(at + "?show=2"); !strings.Contains(page, "kept no longer") {
		t.Error("it does not say that a record is gone")
	}
	once := strings.Repeat("a", 43)
	for range 2 { // sent twice, kept once
		if r := b.post(at+"/verdict", "verdict", "malicious", "reason", "exfiltration, confirmed", "version", "3", "once", once); r.StatusCode != 303 {
			t.Fatalf("judging: %d\n%s", r.StatusCode, text(t, r))
		}
	}
	if c := m.Case(0xbeef); c.Verdict != incident.Malicious || c.By != "anna" || c.Version != 4 {
		t.Errorf("after judging: %+v", c.Row)
	}
	r := b.post(at+"/verdict", "verdict", "benign-explained", "reason", "what I typed <b>", "version", "3")
	if page := text(t, r); r.StatusCode != 409 || !strings.Contains(page, "what I typed &lt;b&gt;") || !strings.Contains(page, "has changed meanwhile") {
		t.Errorf("a stale verdict: %d", r.StatusCode)
	}
	if r := b.post(at+"/verdict", "verdict", "needs-a-person"); r.StatusCode != 400 {
		t.Errorf("no verdict of people: %d", r.StatusCode)
	}
	if r := b.post(at+"/notes", "text", desktest.Hostile); r.StatusCode != 303 {
		t.Errorf("a note: %d", r.StatusCode)
	}
	for _, wrong := range markup(b.get(at)) {
		t.Errorf("with a hostile note: %s", wrong)
	}
	for _, step := range []struct {
		do   string
		form []string
		want func(desk.Case) bool
	}{
		{"assign", []string{"person", "rosa"}, func(c desk.Case) bool { return c.Assignee == "rosa" }},
		{"assign", []string{"person", ""}, func(c desk.Case) bool { return c.Assignee == "" }},
		{"close", nil, func(c desk.Case) bool { return c.Closed }},
		{"reopen", nil, func(c desk.Case) bool { return !c.Closed }},
	} {
		if r := b.post(at+"/"+step.do, step.form...); r.StatusCode != 303 || !step.want(m.Case(0xbeef)) {
			t.Errorf("%s %v: %d", step.do, step.form, r.StatusCode)
		}
	}
	if r := b.post("/incidents", "do", "mine", "id", "000000000000cafe", "id", "000000000000f00d", "back", "/incidents?q=x"); r.StatusCode != 303 || m.Case(0xcafe).Assignee != "anna" || m.Case(0xf00d).Assignee != "anna" {
		t.Errorf("marked: %d", r.StatusCode)
	}
}

func TestChanges(t *testing.T) {
	m := full(3)
	b := open(t, m, Options{}).as(m, "anna")
	server := httptest.NewServer(b.h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/changes", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "vedette", Value: b.cookies["vedette"]})
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make([]byte, 400)
	read := func(want string) {
		t.Helper()
		all := ""
		for !strings.Contains(all, want) {
			n, err := resp.Body.Read(got)
			if all += string(got[:n]); err != nil {
				t.Fatalf("%v after %q", err, all)
			}
		}
	}
	read("retry")
	b.post("/incidents/000000000000beef/notes", "text", "hello")
	read("event: change\ndata: incident 000000000000beef\n\n")
}
