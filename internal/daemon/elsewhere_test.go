package daemon

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"vedette/internal/auth"
	"vedette/internal/config"
	"vedette/internal/connect/oidc/oidctest"
	"vedette/internal/store/state"
)

// federation is a daemon whose people can sign in at an issuer.
type federation struct {
	*oidctest.Issuer
	t     *testing.T
	faces *Faces
	site  *httptest.Server
	log   *lines
}

func federate(t *testing.T) *federation {
	t.Helper()
	f := &federation{Issuer: oidctest.New(), t: t, log: &lines{}}
	t.Cleanup(f.Close)
	var handler http.Handler
	f.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(f.site.Close)
	d, err := Open(t.Context(), config.Config{Data: t.TempDir(), Site: "test", Budget: 1, Keep: config.Keep{Days: 90}, Console: config.Console{
		Listen: "127.0.0.1:0", OIDC: config.OIDC{
			Issuer: f.URL, Client: oidctest.Client, Redirect: f.site.URL + config.RedirectPath, Groups: "groups",
			Roles: map[string]string{"everybody": "viewer", "soc": "analyst", "admins": "administrator", "audit": "auditor"},
		},
	}}, slog.New(slog.NewTextHandler(f.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if f.faces, err = d.Faces(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if handler, err = f.faces.Handler(); err != nil {
		t.Fatal(err)
	}
	if err = f.faces.tenant(tenant).PutSecret(t.Context(), state.Request{Actor: "test"}, ClientSecret, state.NewSecret([]byte(oidctest.Secret))); err != nil {
		t.Fatal(err)
	}
	return f
}

// setUp makes the first administrator.
func (f *federation) setUp() {
	f.t.Helper()
	tenant := f.faces.tenant(tenant)
	phc, err := auth.HashPassword(adaKnows, auth.Cost{Memory: 64, Passes: 1, Threads: 1}, strings.NewReader(strings.Repeat("x", 64)))
	if err == nil {
		err = tenant.CreateUser(f.t.Context(), state.Request{Actor: "test"}, state.User{Name: "ada", Role: "administrator", Password: phc})
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

const adaKnows = "nine herons over the wet roof"

// tab is a browser.
type tab struct {
	*http.Client
	f *federation
}

func (f *federation) open() tab {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return tab{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, f}
}

func (b tab) get(address string) (status int, header http.Header, page string) {
	b.f.t.Helper()
	r, err := b.Get(address)
	if err != nil {
		b.f.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.f.t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(text)
}

// away goes to the issuer and returns the address that it sends the browser back to.
func (b tab) away(next string) string {
	b.f.t.Helper()
	status, header, page := b.get(b.f.site.URL + "/login/elsewhere?next=" + url.QueryEscape(next))
	if status != http.StatusSeeOther {
		b.f.t.Fatalf("%d %s", status, page)
	}
	status, header, page = b.get(header.Get("Location"))
	if status != http.StatusFound {
		b.f.t.Fatalf("the issuer: %d %s", status, page)
	}
	return header.Get("Location")
}

// who returns the name and the role that the console shows.
func (b tab) who() string {
	b.f.t.Helper()
	status, _, page := b.get(b.f.site.URL + "/settings")
	m := regexp.MustCompile(`<p><b>([^<]*)</b><br>([a-z]*)</p>`).FindStringSubmatch(page)
	if status != http.StatusOK || m == nil {
		return ""
	}
	return m[1] + ", " + m[2]
}

func TestElsewhere(t *testing.T) {
	f := federate(t)
	b := f.open()
	if status, _, page := b.get(b.away("/")); status != http.StatusForbidden || !strings.Contains(page, "has not been set up yet") {
		t.Errorf("before anybody is here: %d %s", status, page)
	}
	f.setUp()
	if _, _, page := b.get(f.site.URL + "/login?next=/incidents"); !strings.Contains(page, `href="/login/elsewhere?next=%2fincidents"`) {
		t.Errorf("the page to sign in at leads nowhere else:\n%s", page)
	}
	status, header, page := b.get(b.away("/incidents?pile=hidden"))
	if status != http.StatusOK || header.Get("Refresh") != "0; url=/incidents?pile=hidden" || !strings.Contains(page, `href="/incidents?pile=hidden"`) {
		t.Fatalf("coming back: %d %v\n%s", status, header, page)
	}
	if got := b.who(); got != "carol, analyst" {
		t.Errorf("it is %q", got)
	}
	if _, _, page := b.get(f.site.URL + "/settings"); strings.Contains(page, "Today’s password") || !strings.Contains(page, "your role here comes from your groups there") {
		t.Error("the settings offer a password to somebody who has none")
	}
	again := f.open()
	if status, _, _ := again.get(again.away("/")); status != http.StatusOK || again.who() != "carol, analyst" || b.who() != "carol, analyst" {
		t.Errorf("the second time: %d, %q and %q", status, again.who(), b.who())
	}
	// Another role from the next sign-in on; sessions of the earlier one end.
	f.User["groups"] = []string{"soc", "admins", "audit"}
	if status, _, _ := again.get(again.away("/")); status != http.StatusOK || again.who() != "carol, administrator" || b.who() != "" {
		t.Errorf("promoted: %d, %q and %q", status, again.who(), b.who())
	}
	// Without a group nobody comes in, and who was in is out.
	f.User["groups"] = []string{"canteen"}
	status, _, page = b.get(b.away("/"))
	if status != http.StatusForbidden || !strings.Contains(page, "none of your groups there has a role here") || again.who() != "" || b.who() != "" {
		t.Errorf("without a group: %d, %q\n%s", status, again.who(), page)
	}
	// Who is disabled here stays so, whatever the groups say.
	f.User["groups"] = []string{"admins"}
	if err := f.faces.tenant(tenant).SetDisabled(t.Context(), state.Request{Actor: "ada"}, "carol", true); err != nil {
		t.Fatal(err)
	}
	if status, _, page := b.get(b.away("/")); status != http.StatusForbidden || !strings.Contains(page, "disabled") || b.who() != "" {
		t.Errorf("disabled: %d\n%s", status, page)
	}
	if _, err := f.faces.tenant(tenant).VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	if strings.Contains(f.log.String(), oidctest.Secret) {
		t.Error("the log holds the secret")
	}
}

// TestElsewhere_attacks is about those who come back with what is not theirs.
func TestElsewhere_attacks(t *testing.T) {
	f := federate(t)
	f.setUp()
	set := func(address, name, value string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, attack := range map[string]func(b tab) (address string){
		"state_missing":   func(b tab) string { return set(b.away("/"), "state", "") },
		"state_made_up":   func(b tab) string { return set(b.away("/"), "state", strings.Repeat("A", 43)) },
		"code_missing":    func(b tab) string { return set(b.away("/"), "code", "") },
		"another_browser": func(tab) string { return f.open().away("/") },
		"code_of_somebody_else": func(b tab) string { // put into the victim's own answer
			theirs, err := url.Parse(f.open().away("/"))
			if err != nil {
				t.Fatal(err)
			}
			return set(b.away("/"), "code", theirs.Query().Get("code"))
		},
		"replayed": func(b tab) string {
			back := b.away("/")
			u, err := url.Parse(f.site.URL)
			if err != nil {
				t.Fatal(err)
			}
			carried := b.Jar.Cookies(u) // before the console takes it away
			if status, _, _ := b.get(back); status != http.StatusOK {
				t.Errorf("the right one: %d", status)
			}
			thief := f.open()
			*b.Client = *thief.Client
			b.Jar.SetCookies(u, carried)
			return set(back, "code", f.Code(url.Values{})) // with a code that was never used
		},
		"carried_changed": func(b tab) string {
			back := b.away("/")
			u, err := url.Parse(f.site.URL)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range b.Jar.Cookies(u) {
				if k.Name == "vedette-away" {
					k.Value = k.Value[:20] + "AAAA" + k.Value[24:]
					b.Jar.SetCookies(u, []*http.Cookie{k})
				}
			}
			return back
		},
		"refused_there": func(b tab) string {
			b.away("/")
			return f.site.URL + config.RedirectPath + "?error=access_denied&error_description=%3Cb%3Ecall+0900-evil%3C/b%3E"
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := f.open()
			status, header, page := b.get(attack(b))
			if status != http.StatusForbidden || header.Get("Refresh") != "" || b.who() != "" {
				t.Errorf("%d, %v, it is %q", status, header, b.who())
			}
			if strings.Contains(page, "0900") || !strings.Contains(page, `name="password"`) {
				t.Errorf("the page says\n%s", page)
			}
		})
	}
	for _, next := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y", strings.Repeat("/a", 5000)} {
		b := f.open()
		if status, header, _ := b.get(b.away(next)); status != http.StatusOK || header.Get("Refresh") != "0; url=/" {
			t.Errorf("next %.30q: %d leads to %q", next, status, header.Get("Refresh"))
		}
	}
	// A session that somebody planted before is not the one that is let in.
	b := f.open()
	u, err := url.Parse(f.site.URL)
	if err != nil {
		t.Fatal(err)
	}
	planted := strings.Repeat("A", 43)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "vedette", Value: planted, Path: "/"}})
	b.get(b.away("/"))
	thief := f.open()
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: "vedette", Value: planted, Path: "/"}})
	if b.who() != "carol, analyst" || thief.who() != "" {
		t.Errorf("%q and %q", b.who(), thief.who())
	}
}

// TestElsewhere_throttled is about who comes back again and again with nothing.
func TestElsewhere_throttled(t *testing.T) {
	f := federate(t)
	f.setUp()
	b := f.open()
	var status int
	var header http.Header
	for range 40 {
		if status, header, _ = b.get(f.site.URL + config.RedirectPath + "?code=x&state=y"); status == http.StatusTooManyRequests {
			break
		}
	}
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("%d %v", status, header)
	}
}

// TestElsewhere_unreachable: who has a password here comes in all the same.
func TestElsewhere_unreachable(t *testing.T) {
	f := federate(t)
	f.setUp()
	f.Close()
	b := f.open()
	status, _, page := b.get(f.site.URL + "/login/elsewhere")
	if status != http.StatusServiceUnavailable || !strings.Contains(page, "does not answer as it should") || !strings.Contains(page, `name="password"`) {
		t.Errorf("%d\n%s", status, page)
	}
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		t.Fatal("no form")
	}
	r, err := b.PostForm(f.site.URL+"/login", url.Values{"form": {form[1]}, "name": {"ada"}, "password": {adaKnows}, "next": {"/"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusSeeOther || b.who() != "ada, administrator" {
		t.Errorf("%d, it is %q", r.StatusCode, b.who())
	}
}

// TestRoles compares the words of the configuration with those of package auth.
func TestRoles(t *testing.T) {
	for _, r := range auth.Roles() {
		text := "console: {oidc: {issuer: 'https://idp.example', client: v, roles: {g: " + string(r) + "}}}"
		path := t.TempDir() + "/vedette.yaml"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Configure(path); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
}
