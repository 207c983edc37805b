package console

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"vedette/internal/api/desktest"
	"vedette/internal/auth"
)

func TestSetup(t *testing.T) {
	m := desktest.New()
	code := m.AddCodeFor("", auth.Administrator)
	b := open(t, m, Options{})
	if r := b.do("GET", "/", nil); r.StatusCode != 303 || r.Header.Get("Location") != "/login" {
		t.Fatalf("a stranger: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if page := b.get("/login"); !strings.Contains(page, "Nobody has an account here yet") {
		t.Error("the page to sign in does not say that nobody is here yet")
	}
	if page := b.get("/setup?code=" + code); !strings.Contains(page, `value="`+code+`"`) {
		t.Error("the code of the link is not in the form")
	}
	for what, form := range map[string][]string{
		"a wrong code":     {"code", "AAAAA-AAAAA-AAAAA-AAAAA", "name", "eve", "password", desktest.Password, "again", desktest.Password},
		"a weak password":  {"code", code, "name", "eve", "password", "password1234", "again", "password1234"},
		"two passwords":    {"code", code, "name", "eve", "password", desktest.Password, "again", "another"},
		"a name of spaces": {"code", code, "name", "e v e", "password", desktest.Password, "again", desktest.Password},
	} {
		if r := b.post("/setup", form...); r.StatusCode != 400 || b.cookies["vedette"] != "" {
			t.Errorf("%s: %d", what, r.StatusCode)
		}
	}
	r := b.post("/setup", "code", code, "name", "Eve", "password", desktest.Password, "again", desktest.Password)
	if r.StatusCode != 303 || r.Header.Get("Location") != "/?done=welcome" {
		t.Fatalf("setting up: %d %s\n%s", r.StatusCode, r.Header.Get("Location"), text(t, r))
	}
	if page := b.get("/?done=welcome"); !strings.Contains(page, "You are the first administrator") || !strings.Contains(page, "has nothing to look at yet") {
		t.Error("the first page does not teach the next step")
	}
	c := b.as(m, "")
	if r := c.post("/setup", "code", code, "name", "mallory", "password", desktest.Password, "again", desktest.Password); r.StatusCode != 400 {
		t.Errorf("the code twice: %d", r.StatusCode)
	}
}

func TestLogin(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{TLS: true, Hosts: []string{"v.example"}})
	// What a stranger was given before does not become the session.
	b.cookies["__Host-vedette"] = strings.Repeat("x", 43)
	token := b.token("/login")
	before := b.cookies["__Host-vedette-form"]
	r := b.do("POST", "/login", map[string][]string{"form": {token}, "name": {" Anna "}, "password": {desktest.Password}, "next": {"/incidents?pile=hidden"}})
	if r.StatusCode != 303 || r.Header.Get("Location") != "/incidents?pile=hidden" {
		t.Fatalf("signing in: %d\n%s", r.StatusCode, text(t, r))
	}
	after := b.cookies["__Host-vedette"]
	if after == strings.Repeat("x", 43) || after == before || b.cookies["__Host-vedette-form"] != "" {
		t.Error("the session is one that was there before")
	}
	for _, k := range r.Cookies() {
		if !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || !strings.HasPrefix(k.Name, "__Host-") || k.Domain != "" || k.Path != "/" {
			t.Errorf("cookie %v", k)
		}
	}
	if r.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	old := after
	if r := b.do("POST", "/logout", map[string][]string{"form": {b.token("/help")}}); r.StatusCode != 303 || b.cookies["__Host-vedette"] != "" {
		t.Errorf("signing out: %d", r.StatusCode)
	}
	b.cookies["__Host-vedette"] = old
	if r := b.do("GET", "/incidents", nil); r.StatusCode != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/login?") {
		t.Errorf("the old session after signing out: %d", r.StatusCode)
	}
}

func TestLogin_sameAnswer(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{})
	volatile := regexp.MustCompile(`value="[^"]*"`)
	answer := func(name, password string) string {
		c := b.as(m, "")
		c.from = "10.1.1." + fmt.Sprint(len(name)) + ":1"
		r := c.post("/login", "name", name, "password", password)
		return fmt.Sprint(r.StatusCode) + volatile.ReplaceAllString(text(t, r), "")
	}
	known, unknown, odd := answer("anna", "wrong wrong wrong"), answer("nobody", "wrong wrong wrong"), answer("<b>", "wrong wrong wrong")
	if known != unknown || known != odd || !strings.HasPrefix(known, "401") {
		t.Errorf("the answers differ:\n%s\n%s\n%s", known, unknown, odd)
	}
}

func TestLogin_throttled(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{})
	status := 0
	for i := range 12 {
		c := b.as(m, "")
		c.from = fmt.Sprintf("10.2.0.%d:1", i)
		r := c.post("/login", "name", "anna", "password", "guess number "+fmt.Sprint(i))
		if status = r.StatusCode; status == 429 {
			if r.Header.Get("Retry-After") == "" && !strings.Contains(text(t, r), "try again in") {
				t.Error("it does not say how long")
			}
			break
		}
	}
	if status != 429 {
		t.Fatalf("12 guesses: %d", status)
	}
	m.Pass(2 * time.Minute)
	c := b.as(m, "")
	if r := c.post("/login", "name", "anna", "password", desktest.Password); r.StatusCode != 303 {
		t.Errorf("the owner after a while: %d", r.StatusCode)
	}
}

func TestSession_ends(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "anna")
	for range 20 { // half an hour of a page that only refreshes itself
		m.Pass(2 * time.Minute)
		b.header = http.Header{quietHeader: {"1"}}
		b.do("GET", "/", nil)
	}
	b.header = http.Header{}
	r := b.do("GET", "/incidents", nil)
	if to := r.Header.Get("Location"); r.StatusCode != 303 || !strings.Contains(to, "done=ended") || !strings.Contains(to, "next=%2Fincidents") {
		t.Errorf("after half an hour: %d %s", r.StatusCode, to)
	}
}

// codeAt works out a one-time code apart from auth.
func codeAt(secret []byte, at time.Time) string {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	s := h.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(s[s[19]&15:])&0x7fffffff%1000000)
}

func TestSettings_codes(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "anna")
	page := b.get("/settings?codes=1")
	shown := regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`).FindStringSubmatch(page)
	sent := regexp.MustCompile(`name="secret" value="([^"]+)"`).FindStringSubmatch(page)
	if shown == nil || sent == nil || !strings.Contains(page, "otpauth://totp/") {
		t.Fatalf("no secret:\n%s", page)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(shown[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if r := b.post("/settings/codes", "secret", sent[1], "code", "000000", "password", desktest.Password); r.StatusCode != 400 || !strings.Contains(text(t, r), shown[1]) {
		t.Errorf("a wrong code: %d", r.StatusCode)
	}
	if r := b.post("/settings/codes", "secret", sent[1], "code", codeAt(secret, m.Now()), "password", "not the password"); r.StatusCode != 400 {
		t.Errorf("a wrong password: %d", r.StatusCode)
	}
	if r := b.post("/settings/codes", "secret", sent[1], "code", codeAt(secret, m.Now()), "password", desktest.Password); r.StatusCode != 303 {
		t.Fatalf("the right ones: %d\n%s", r.StatusCode, text(t, r))
	}
	m.Pass(time.Minute)
	try := func(code string) int {
		return b.as(m, "").post("/login", "name", "anna", "password", desktest.Password, "code", code).StatusCode
	}
	good := codeAt(secret, m.Now())
	for _, step := range []struct {
		code string
		want int
	}{{"", 401}, {"123456", 401}, {good, 303}, {good, 401}} {
		if got := try(step.code); got != step.want {
			t.Errorf("signing in with code %q: %d, want %d", step.code, got, step.want)
		}
	}
}

func TestSettings(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "ada")
	m.AddSession("ada")
	r := b.post("/settings/tokens", "purpose", desktest.Hostile, "scope", "incidents.read", "days", "30")
	page := text(t, r)
	if r.StatusCode != 200 || !strings.Contains(page, auth.TokenPrefix) {
		t.Fatalf("making a token: %d\n%s", r.StatusCode, page)
	}
	for _, wrong := range markup(page) {
		t.Error(wrong)
	}
	if strings.Contains(b.get("/settings"), auth.TokenPrefix) {
		t.Error("the token is shown twice")
	}
	if r := b.post("/settings/tokens", "purpose", "x", "scope", "people.manage", "days", "30"); r.StatusCode != 403 {
		t.Errorf("a token that may manage people: %d", r.StatusCode)
	}
	if r := b.post("/settings/budget", "budget", "0.5", "version", "1"); r.StatusCode != 303 {
		t.Errorf("the budget: %d", r.StatusCode)
	}
	if r := b.post("/settings/budget", "budget", "0.7", "version", "1"); r.StatusCode != 409 {
		t.Errorf("a stale budget: %d", r.StatusCode)
	}
	for _, n := range []string{"", "0", "-1", "NaN", "1e9", "+Inf"} {
		if r := b.post("/settings/budget", "budget", n); r.StatusCode != 400 {
			t.Errorf("budget %q: %d", n, r.StatusCode)
		}
	}
	if r := b.post("/settings/password", "old", desktest.Password, "password", "seven wet herons on a grey slate", "again", "seven wet herons on a grey slate"); r.StatusCode != 303 || m.Live("ada") != 1 {
		t.Errorf("a new password: %d, %d sessions", r.StatusCode, m.Live("ada"))
	}
	vera := b.as(m, "vera")
	mine := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`)
	m.AddSession("otto")
	if h := mine.FindStringSubmatch(b.as(m, "otto").get("/settings")); h == nil || vera.post("/settings/sessions", "hash", h[1]).StatusCode != 404 {
		t.Error("a session of somebody else could be ended, or be found")
	}
}

func TestPeople(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "ada")
	r := b.post("/settings/people", "name", "Nina", "role", "analyst")
	code := regexp.MustCompile(`<code>([0-9A-Z]{5}(?:-[0-9A-Z]{5}){3})</code>`).FindStringSubmatch(text(t, r))
	if r.StatusCode != 200 || code == nil {
		t.Fatalf("inviting: %d", r.StatusCode)
	}
	nina := b.as(m, "")
	if r := nina.post("/setup", "code", strings.ToLower(code[1]), "password", desktest.Password, "again", desktest.Password); r.StatusCode != 303 {
		t.Fatalf("setting the password: %d\n%s", r.StatusCode, text(t, r))
	}
	if page := nina.get("/"); !strings.Contains(page, "<b>nina</b>") {
		t.Error("she is not signed in")
	}
	if r := b.post("/settings/people/nina", "do", "disable"); r.StatusCode != 303 {
		t.Errorf("disabling: %d", r.StatusCode)
	}
	if r := nina.do("GET", "/", nil); r.StatusCode != 303 {
		t.Errorf("a disabled person sees Home: %d", r.StatusCode)
	}
	if r := b.post("/settings/people/vera", "do", "role", "role", "emperor"); r.StatusCode != 400 {
		t.Errorf("no role: %d", r.StatusCode)
	}
}
