package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/api/desktest"
	"vedette/internal/auth"
	"vedette/internal/incident"
)

var people = map[auth.Role]string{
	auth.Viewer: "vera", auth.Analyst: "anna", auth.Responder: "rosa", auth.Clinical: "carl", auth.Administrator: "ada", auth.Auditor: "otto",
}

// client is a program, or a browser, that uses the API.
type client struct {
	t      *testing.T
	m      *desktest.Memory
	d      *desk.Desk
	h      http.Handler
	host   string
	header map[string]string
}

func open(t *testing.T, n int) *client {
	t.Helper()
	m := desktest.New()
	m.Fill(n, desktest.Plain)
	d := m.Desk()
	h, err := New(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, m, d, h, "localhost", nil}
}

func (c *client) with(pairs ...string) *client {
	n := *c
	n.header = map[string]string{}
	for k, v := range c.header {
		n.header[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		n.header[pairs[i]] = pairs[i+1]
	}
	return &n
}

// session returns the client as a browser of somebody.
func (c *client) session(name string) *client {
	shown := c.m.AddSession(name)
	return c.with("Cookie", "vedette="+shown, FormHeader, auth.FormToken(c.d.Door.Key, auth.HashOf(shown)))
}

// token returns the client as a program of somebody, with all that a token of theirs can.
func (c *client) token(name string, scopes auth.Permissions) *client {
	c.t.Helper()
	p, err := c.m.Person(context.Background(), desktest.Tenant, name)
	if err != nil {
		c.t.Fatal(err)
	}
	shown, t, err := auth.NewToken(c.d.Door.Random, p.Account, "test", scopes, c.m.Now(), c.m.Now().Add(time.Hour))
	if err == nil {
		err = c.m.AddToken(context.Background(), desk.By{}, t)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return c.with("Authorization", "Bearer "+shown)
}

func (c *client) do(method, at, body string) (int, http.Header, string) {
	c.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, at, in)
	r.Host, r.RemoteAddr = c.host, "10.0.0.9:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// ask is one request that every operation is tried with.
func ask(a access) (at, body string) {
	at = strings.NewReplacer("{id}", "000000000000beef", "{name}", "vera", "{source}", "1", "{position}", "2", "{index}", "0").Replace(a.path)
	switch {
	case strings.HasPrefix(a.path, "/api/entities/"):
		at = "/api/entities/0000000000000001"
	case a.method == "DELETE":
		at = strings.Replace(a.path, "{id}", strings.Repeat("ab", 32), 1)
	}
	body = map[string]string{
		"put-incidents-id-verdict": `{"verdict":"malicious"}`, "post-incidents-id-notes": `{"text":"a"}`, "put-incidents-id-assignee": `{"person":""}`,
		"post-setup": `{"code":"XXXXX-XXXXX-XXXXX-XXXXX","password":"seven wet herons on a grey slate"}`, "post-session": `{"name":"vera","password":"` + desktest.Password + `"}`,
		"post-people": `{"name":"nina","role":"viewer"}`, "patch-people-name": `{"role":"analyst"}`, "post-tokens": `{"for":"x","scopes":["incidents.read"],"days":3}`, "put-settings-budget": `{"per_thousand":2}`,
		"put-me-password": `{"old":"` + desktest.Password + `","password":"seven wet herons on a grey slate"}`, "post-me-codes-off": `{"password":"` + desktest.Password + `"}`, "put-me-codes": `{"password":"x","secret":"x","code":"1"}`,
	}[name(a.method, a.path)]
	return at, body
}

func operations(t *testing.T) []access {
	t.Helper()
	s := &server{Desk: desktest.New().Desk()}
	s.build(http.NewServeMux())
	return s.access
}

// TestAccess tries every operation as everybody, by session and by token.
func TestAccess(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-48s %-9s", "session/token", "stranger")
	for _, r := range auth.Roles() {
		fmt.Fprintf(&table, " %-13s", r)
	}
	table.WriteString("\n")
	for _, a := range operations(t) {
		at, body := ask(a)
		c := open(t, 3)
		status, _, answer := c.do(a.method, at, body)
		if want := map[string]int{"GET /api/setup": 200, "POST /api/setup": 403, "POST /api/session": 200}[a.method+" "+a.path]; a.rule.open && status != want {
			t.Errorf("%s %s as a stranger: %d %s", a.method, a.path, status, answer)
		} else if !a.rule.open && status != 401 {
			t.Errorf("%s %s as a stranger: %d", a.method, a.path, status)
		}
		fmt.Fprintf(&table, "%-48s %-9d", a.method+" "+a.path, status)
		for _, role := range auth.Roles() {
			cell := ""
			for _, how := range []string{"session", "token"} {
				c := open(t, 3)
				may := role.Permissions()
				if how == "token" {
					may &= auth.ForTokens()
					c = c.token(people[role], may)
				} else {
					c = c.session(people[role])
				}
				status, header, answer := c.do(a.method, at, body)
				want := a.rule.open && a.path != "/api/setup" || a.path == "/api/setup" && a.method == "GET" || a.rule.known || a.rule.session && how == "session" || !a.rule.open && !a.rule.known && !a.rule.session && may.Has(a.rule.need)
				if got := status != 403 && status != 401; got != want || status >= 500 {
					t.Errorf("%s %s as %s by %s: %d, want allowed %v\n%s", a.method, a.path, role, how, status, want, answer)
				}
				if want && status >= 300 && a.method != "DELETE" && a.path != "/api/me/codes" {
					t.Errorf("%s %s as %s by %s: %d %s", a.method, a.path, role, how, status, answer)
				}
				if status >= 400 && header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s: an error as %q", a.method, a.path, header.Get("Content-Type"))
				}
				cell += map[bool]string{true: "yes", false: "-"}[want] + "/"
			}
			fmt.Fprintf(&table, " %-13s", strings.TrimSuffix(cell, "/"))
		}
		table.WriteString("\n")
	}
	t.Log("\n" + table.String())
}

func TestAccess_csrf(t *testing.T) {
	c := open(t, 1)
	other := c.session("vera").header[FormHeader]
	for _, a := range operations(t) {
		if a.method == "GET" || a.rule.open {
			continue
		}
		at, body := ask(a)
		for _, form := range []string{"", "wrong", other} {
			if status, _, _ := c.session("ada").with(FormHeader, form).do(a.method, at, body); status != 403 {
				t.Errorf("%s %s with form %q: %d", a.method, a.path, form, status)
			}
		}
		if status, _, _ := c.session("ada").with("Sec-Fetch-Site", "cross-site").do(a.method, at, body); status != 403 {
			t.Errorf("%s %s from another site: %d", a.method, a.path, status)
		}
	}
	if got := c.m.Case(0xbeef); got.Version != 3 {
		t.Error("something was changed")
	}
	// A bad token does not fall back to the session.
	if status, _, _ := c.session("ada").with("Authorization", "Bearer vdt_"+strings.Repeat("x", 43)).do("GET", "/api/me", ""); status != 401 {
		t.Errorf("a bad token beside a good session: %d", status)
	}
	// Nothing is done for a name that was made to lead here, and no page of others may frame
	// or read an answer.
	for _, host := range []string{"localhost", "rebound.example"} {
		c.host = host
		for _, a := range append(operations(t), access{method: "GET", path: "/api/openapi.json"}, access{method: "GET", path: "/api/docs"}, access{method: "GET", path: "/api/none"}) {
			at, body := ask(a)
			status, header, _ := c.session("ada").do(a.method, at, body)
			if (status == 421) != (host == "rebound.example") {
				t.Errorf("%s %s for %s: %d", a.method, a.path, host, status)
			}
			for k, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "", "Cross-Origin-Resource-Policy": "same-origin"} {
				if got := header.Get(k); got != want {
					t.Errorf("%s %s: %s is %q", a.method, a.path, k, got)
				}
			}
		}
	}
}

func TestEntity(t *testing.T) {
	c := open(t, 1).session("vera")
	const at = "/api/entities/0000000000000001"
	status, header, body := c.do("GET", at, "")
	var e Entity
	if err := json.Unmarshal([]byte(body), &e); err != nil || status != 200 {
		t.Fatalf("%d %v\n%s", status, err, body)
	}
	if e.Compared != 412 || e.Progress != (Progress{85, 120, 120}) || len(e.Firsts) != 3 || e.Firsts[0].Peer.Name != "mr-1" || e.Firsts[0].Label != "tcp/104" {
		t.Errorf("%+v", e)
	}
	g := e.Signals[0]
	if len(g.Bands) != 24 || len(g.Observed) != 7*24+1 || len(g.Findings) != 4 || g.Reading != "sum" || g.Window != 3600 || g.Bands[12].Own != 12 || g.Bands[3].Own != 0 {
		t.Errorf("%d bands, %d windows, %d findings: %+v", len(g.Bands), len(g.Observed), len(g.Findings), g)
	}
	none := 0
	for i, x := range g.Observed {
		hour := g.From.Add(time.Duration(i) * time.Hour)
		if x == nil {
			none++
		} else if i > 7*24-4 && *x != g.Findings[i-7*24+3].Observed || hour.Hour() == 3 && i < 7*24-4 {
			t.Errorf("%v: %v", hour, *x)
		}
	}
	if none == 0 {
		t.Error("it was there all the time")
	}
	for _, g := range e.Signals {
		if (g.Name == "alerts") != (len(g.Bands) == 0) || (g.Name == "serious alerts" || g.Name == "alerts" || g.Name == "regularity of contact") != (len(g.Observed) == 0) {
			t.Errorf("%s: %d bands and %d windows", g.Name, len(g.Bands), len(g.Observed))
		}
	}
	tag := header.Get("ETag")
	if status, _, body := c.with("If-None-Match", tag).do("GET", at, ""); status != 304 || tag == "" || body != "" {
		t.Errorf("not changed: %d %q", status, body)
	}
	if status, other, _ := c.with("If-None-Match", tag).do("GET", "/api/entities/0000000000000003", ""); status != 200 || other.Get("ETag") == tag {
		t.Errorf("another: %d %s", status, other.Get("ETag"))
	}
	if status, _, _ := c.do("GET", "/api/entities/0000000000000bad", ""); status != 404 {
		t.Errorf("nobody: %d", status)
	}
	if status, _, _ := c.do("GET", "/api/entities/zz", ""); status != 422 {
		t.Errorf("no key: %d", status)
	}
}

func TestIncident(t *testing.T) {
	c := open(t, 1).session("anna")
	const at = "/api/incidents/000000000000beef"
	status, header, body := c.do("GET", at, "")
	var i Incident
	if err := json.Unmarshal([]byte(body), &i); err != nil || status != 200 {
		t.Fatalf("%d %v\n%s", status, err, body)
	}
	tag := header.Get("ETag")
	if tag != `"3"` || len(i.Narrative) < 5 || len(i.Evidence) != 5 || i.ID != "000000000000beef" || len(i.Narrative[1].Evidence) == 0 {
		t.Errorf("%s %+v", tag, i)
	}
	if status, _, _ := c.with("If-None-Match", tag).do("GET", at, ""); status != 304 {
		t.Errorf("not changed: %d", status)
	}
	judge := c.with("If-Match", tag, "Idempotency-Key", "k1")
	for range 2 {
		if status, h, body := judge.do("PUT", at+"/verdict", `{"verdict":"malicious","reason":"seen"}`); status != 200 || h.Get("ETag") != `"4"` {
			t.Errorf("judging: %d %s %s", status, h.Get("ETag"), body)
		}
	}
	if status, _, _ := c.with("If-Match", tag).do("PUT", at+"/verdict", `{"verdict":"suspicious"}`); status != 412 {
		t.Errorf("a stale verdict: %d", status)
	}
	if got := c.m.Case(0xbeef); got.Verdict != incident.Malicious || got.Version != 4 {
		t.Errorf("%+v", got.Row)
	}
	for _, bad := range []struct {
		method, at, body string
		want             int
	}{
		{"PUT", at + "/verdict", `{"verdict":"needs-a-person"}`, 422},
		{"PUT", at + "/verdict", `{`, 400},
		{"PUT", at + "/verdict", `{"verdict":"malicious","more":1}`, 422},
		{"GET", "/api/incidents/zz", "", 422},
		{"GET", "/api/incidents/0000000000000bad", "", 404},
		{"POST", at + "/notes", `{"text":""}`, 422},
		{"GET", "/api/incidents?limit=1000", "", 422},
		{"GET", "/api/incidents?cursor=x", "", 422},
		{"GET", "/api/none", "", 404},
		{"PUT", at + "/assignee", `{"person":"nobody.here"}`, 422},
	} {
		status, header, body := c.do(bad.method, bad.at, bad.body)
		if status != bad.want || header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, `"status":`) {
			t.Errorf("%s %s: %d %s\n%s", bad.method, bad.at, status, header.Get("Content-Type"), body)
		}
	}
	if status, _, body := c.with("If-Match", "nonsense").do("POST", at+"/close", ""); status != 422 {
		t.Errorf("If-Match of nonsense: %d %s", status, body)
	}
}

func TestPaging(t *testing.T) {
	c := open(t, 500).token("otto", auth.Auditor.Permissions()&auth.ForTokens())
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		_, _, body := c.do("GET", "/api/incidents?pile=hidden&limit=70&cursor="+cursor, "")
		var p Page[Row]
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Items {
			if seen[r.ID] {
				t.Errorf("%s twice", r.ID)
			}
			seen[r.ID] = true
		}
		if pages++; p.Next == "" {
			break
		}
		cursor = p.Next
	}
	n, err := c.m.Counts(t.Context(), desktest.Tenant, "")
	if err != nil || len(seen) != n.Hidden || pages != n.Hidden/70+1 {
		t.Errorf("%d of %d on %d pages", len(seen), n.Hidden, pages)
	}
}

func TestErrors_tellNothing(t *testing.T) {
	c := open(t, 1)
	c.m.Fail = fmt.Errorf("reading: %w", errors.New("/var/lib/vedette/state.db: disk I/O error 0xdead"))
	c = c.session("ada")
	for _, at := range []string{"/api/incidents", "/api/incidents/000000000000beef", "/api/sources", "/api/health", "/api/export/incidents", "/api/people"} {
		if status, _, body := c.do("GET", at, ""); status != 500 || strings.Contains(body, "0xdead") || strings.Contains(body, "state.db") {
			t.Errorf("%s: %d %s", at, status, body)
		}
	}
}

func TestExport(t *testing.T) {
	m := desktest.New()
	m.Fill(450, func(s string) string { return "=cmd|' /C calc'!A0," + s })
	h, err := New(m.Desk(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := (&client{t, m, m.Desk(), h, "localhost", nil}).session("anna")
	want, _ := m.Counts(t.Context(), desktest.Tenant, "")
	_, header, body := c.do("GET", "/api/export/incidents?format=csv", "")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != want.Surfaced+1 || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%v: %d rows, want %d", err, len(rows), want.Surfaced+1)
	}
	for _, r := range rows {
		for _, cell := range r {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@") {
				t.Fatalf("a spreadsheet would take %q for a formula", cell)
			}
		}
	}
	for _, format := range []string{"ocsf", "ecs"} {
		_, _, body := c.do("GET", "/api/export/incidents?format="+format, "")
		lines := strings.Split(strings.TrimSpace(body), "\n")
		if len(lines) != want.Surfaced {
			t.Errorf("%s: %d lines", format, len(lines))
		}
		var o map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &o); err != nil {
			t.Fatal(err)
		}
		if format == "ocsf" && (o["class_uid"] != 2004.0 || o["category_uid"] != 2.0 || o["type_uid"] != 200402.0 || o["metadata"] == nil || o["finding_info"].(map[string]any)["uid"] != "000000000000beef") {
			t.Errorf("%s", lines[0])
		}
		if format == "ecs" && (o["@timestamp"] == nil || o["event"].(map[string]any)["kind"] != "alert") {
			t.Errorf("%s", lines[0])
		}
	}
}

func TestOpenAPI(t *testing.T) {
	c := open(t, 0)
	_, _, body := c.do("GET", "/api/openapi.json", "")
	var o struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(body), &o); err != nil || !strings.HasPrefix(o.OpenAPI, "3.1") {
		t.Fatalf("%v %s", err, o.OpenAPI)
	}
	status, header, page := c.do("GET", "/api/docs", "")
	if status != 200 || strings.Contains(page, "<script") || strings.Contains(page, "//cdn") || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the page about the API: %d\n%s", status, page)
	}
	for _, a := range operations(t) {
		if o.Paths[a.path][strings.ToLower(a.method)] == nil || !strings.Contains(page, a.path) {
			t.Errorf("%s %s is not described", a.method, a.path)
		}
	}
}

func TestTokens(t *testing.T) {
	c := open(t, 0).session("anna")
	status, _, body := c.do("POST", "/api/tokens", `{"for":"export","scopes":["export"],"days":7}`)
	var made Token
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 200 || !strings.HasPrefix(made.Secret, auth.TokenPrefix) {
		t.Fatalf("%d %v %s", status, err, body)
	}
	p := open(t, 0)
	p.m, p.h = c.m, c.h
	p = p.with("Authorization", "Bearer "+made.Secret)
	for at, want := range map[string]int{"/api/export/incidents": 200, "/api/incidents": 403, "/api/tokens": 403, "/api/me": 200} {
		if status, _, body := p.do("GET", at, ""); status != want {
			t.Errorf("%s: %d %s", at, status, body)
		}
	}
	if _, _, body := c.do("GET", "/api/tokens", ""); strings.Contains(body, made.Secret) || !strings.Contains(body, made.ID) {
		t.Errorf("%s", body)
	}
	if status, _, _ := c.do("DELETE", "/api/tokens/"+made.ID, ""); status != 204 {
		t.Errorf("revoking: %d", status)
	}
	if status, _, _ := p.do("GET", "/api/me", ""); status != 401 {
		t.Errorf("a revoked token: %d", status)
	}
}

// TestTokens_guessed: who guesses is told to wait, and whose token was right is not.
func TestTokens_guessed(t *testing.T) {
	c := open(t, 0)
	good := c.token("anna", auth.SetOf(auth.ReadIncidents))
	if status, _, answer := good.do("GET", "/api/me", ""); status != 200 {
		t.Fatal(status, answer)
	}
	seen := map[int]int{}
	for i := range 50 {
		status, header, answer := c.with("Authorization", fmt.Sprintf("Bearer vdt_%043d", i)).do("GET", "/api/me", "")
		seen[status]++
		if status == 429 && (header.Get("Retry-After") == "" || header.Get("Content-Type") != "application/problem+json") {
			t.Errorf("%v %s", header, answer)
		}
	}
	if seen[401] != 30 || seen[429] != 20 {
		t.Errorf("%v", seen)
	}
	if status, _, answer := good.do("GET", "/api/me", ""); status != 200 {
		t.Errorf("who guesses keeps others out: %d %s", status, answer)
	}
	c.m.Pass(time.Minute)
	if status, _, _ := c.with("Authorization", "Bearer vdt_"+strings.Repeat("x", 43)).do("GET", "/api/me", ""); status != 401 {
		t.Errorf("a minute later: %d", status)
	}
}

// TestComingIn goes the whole way of the first administrator by the API alone.
func TestComingIn(t *testing.T) {
	m := desktest.New()
	d := m.Desk()
	h, err := New(d, Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t, m, d, h, "localhost", nil}
	var ways Ways
	get := func(c *client, method, at, body string, want int, into any) http.Header {
		t.Helper()
		status, header, answer := c.do(method, at, body)
		if status != want {
			t.Fatalf("%s %s: %d %s", method, at, status, answer)
		}
		if into != nil {
			if err := json.Unmarshal([]byte(answer), into); err != nil {
				t.Fatal(err)
			}
		}
		return header
	}
	if get(c, "GET", "/api/setup", "", 200, &ways); !ways.Waiting {
		t.Errorf("%+v", ways)
	}
	code := m.AddCodeFor("", auth.Administrator)
	const password = "seven wet herons on a grey slate"
	set := func(password string) string {
		return fmt.Sprintf(`{"code":%q,"name":"Ada","password":%q}`, code, password)
	}
	get(c, "POST", "/api/setup", set("short"), 422, nil)
	var named Named
	if get(c, "POST", "/api/setup", set(password), 200, &named); named.Name != "ada" {
		t.Errorf("%+v", named)
	}
	get(c, "POST", "/api/setup", set(password), 403, nil)
	get(c, "POST", "/api/session", `{"name":"ada","password":"wrong"}`, 401, nil)
	var me Me
	header := get(c, "POST", "/api/session", fmt.Sprintf(`{"name":"ada","password":%q}`, password), 200, &me)
	cookies := (&http.Response{Header: header}).Cookies()
	if len(cookies) != 1 || cookies[0].Name != auth.Cookie || !cookies[0].HttpOnly || !cookies[0].Secure || cookies[0].SameSite != http.SameSiteStrictMode || me.Name != "ada" || me.Form == "" {
		t.Fatalf("%v %+v", header, me)
	}
	in := c.with("Cookie", cookies[0].Name+"="+cookies[0].Value, FormHeader, me.Form)
	get(in, "POST", "/api/people", `{"name":"nina","role":"viewer"}`, 200, nil)
	var seats Page[Session]
	m.AddSession("nina")
	if get(in, "GET", "/api/people/nina/sessions", "", 200, &seats); len(seats.Items) != 1 {
		t.Errorf("%+v", seats)
	}
	get(in, "DELETE", "/api/people/nina/sessions", "", 204, nil)
	if m.Live("nina") != 0 || m.Live("ada") != 1 {
		t.Error("the wrong sessions were ended")
	}
	get(in, "GET", "/api/people/nobody/sessions", "", 404, nil)
	get(c.with("Cookie", cookies[0].Name+"="+cookies[0].Value), "DELETE", "/api/session", "", 403, nil)
	header = get(in, "DELETE", "/api/session", "", 204, nil)
	if out := (&http.Response{Header: header}).Cookies(); len(out) != 1 || out[0].Value != "" || out[0].MaxAge >= 0 {
		t.Errorf("%v", header)
	}
	get(in, "GET", "/api/me", "", 401, nil)
	for range 30 {
		if status, header, _ := c.do("POST", "/api/session", `{"name":"ada","password":"wrong"}`); status == 429 {
			if header.Get("Retry-After") == "" {
				t.Error("nobody is told for how long to wait")
			}
			return
		}
	}
	t.Error("guessing passwords is not slowed down")
}

func TestAudit(t *testing.T) {
	c := open(t, 0)
	for i := range 7 {
		c.m.Log([]string{"ada", "anna"}[i%2], []string{"person.sign-in", "incident.judge"}[i%2], "x/1", `{"n":`+fmt.Sprint(i)+`}`)
	}
	otto := c.session("otto")
	var page Page[AuditEntry]
	ask := func(at string) {
		t.Helper()
		status, _, answer := otto.do("GET", at, "")
		page = Page[AuditEntry]{}
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 {
			t.Fatalf("%s: %d %s", at, status, answer)
		}
	}
	var seen []uint64
	for at := "/api/audit?limit=3"; ; at = "/api/audit?limit=3&cursor=" + page.Next {
		ask(at)
		for _, e := range page.Items {
			seen = append(seen, e.Seq)
			if e.Chain != "holds" || string(e.Detail) != fmt.Sprintf(`{"n":%d}`, e.Seq-1) {
				t.Errorf("%+v", e)
			}
		}
		if page.Next == "" {
			break
		}
	}
	if fmt.Sprint(seen) != "[7 6 5 4 3 2 1]" {
		t.Errorf("%v", seen)
	}
	if ask("/api/audit?actor=anna&action=incident."); len(page.Items) != 3 {
		t.Errorf("%+v", page)
	}
	if ask("/api/audit?until=" + c.m.Now().Add(2*time.Second).Format(time.RFC3339)); len(page.Items) != 2 {
		t.Errorf("%+v", page)
	}
	c.m.Trail[3].Actor = "nobody"
	ask("/api/audit")
	var chains []string
	for _, e := range page.Items {
		chains = append(chains, e.Chain)
	}
	if got := strings.Join(chains, ","); got != "not verified,not verified,not verified,broken,holds,holds,holds" {
		t.Errorf("%s", got)
	}
	var chain AuditChain
	status, _, answer := otto.do("GET", "/api/audit/chain?whole=true", "")
	if err := json.Unmarshal([]byte(answer), &chain); err != nil || status != 200 || chain.Verified != 3 || chain.Entries != 7 || !strings.Contains(chain.Broken, "Entry 4") {
		t.Errorf("%d %s", status, answer)
	}
	if status, _, _ := otto.do("GET", "/api/audit?cursor=x", ""); status != 422 {
		t.Errorf("a cursor of somebody else: %d", status)
	}
}
