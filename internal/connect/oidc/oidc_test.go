package oidc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/connect/oidc/oidctest"
	"vedette/internal/fault"
)

const redirect = "http://127.0.0.1:8432/login/elsewhere/back"

func open(t *testing.T, i *oidctest.Issuer) (*Client, *bytes.Buffer) {
	t.Helper()
	t.Cleanup(i.Close)
	log := &bytes.Buffer{}
	return New(Options{
		Issuer: i.URL, Client: oidctest.Client, Redirect: redirect, Groups: "groups", Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Secret: func(context.Context) (string, error) { return oidctest.Secret, nil },
	}), log
}

const (
	state    = "state state state state state state state!"
	nonce    = "nonce nonce nonce nonce nonce nonce nonce!"
	verifier = "verifier-verifier-verifier-verifier-verifier"
)

// visit is a browser that is sent to the issuer, and returns with a code.
func visit(t *testing.T, c *Client) (code string) {
	t.Helper()
	address, err := c.Begin(t.Context(), state, nonce, verifier)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	back, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != http.StatusFound || !strings.HasPrefix(back.String(), redirect+"?") || back.Query().Get("state") != state {
		t.Fatalf("%d to %v, %v", r.StatusCode, back, err)
	}
	return back.Query().Get("code")
}

func TestClient(t *testing.T) {
	for name, test := range map[string]struct {
		issuer func(*oidctest.Issuer)
		groups string // claim
		want   Person
	}{
		"rs256":         {func(*oidctest.Issuer) {}, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}}},
		"es256":         {func(i *oidctest.Issuer) { i.ES256 = true }, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}}},
		"one_group":     {func(i *oidctest.Issuer) { i.User["groups"] = "soc" }, "groups", Person{Name: "carol", Groups: []string{"soc"}}},
		"no_groups":     {func(i *oidctest.Issuer) { delete(i.User, "groups") }, "groups", Person{Name: "carol"}},
		"odd_groups":    {func(i *oidctest.Issuer) { i.User["groups"] = []any{1, "soc", nil, map[string]any{}} }, "groups", Person{Name: "carol", Groups: []string{"soc"}}},
		"inside":        {func(i *oidctest.Issuer) { i.User["realm_access"] = map[string]any{"roles": []string{"x"}} }, "realm_access.roles", Person{Name: "carol", Groups: []string{"x"}}},
		"dots_in_names": {func(i *oidctest.Issuer) { i.User["https://a.example/groups"] = []string{"y"} }, "https://a.example/groups", Person{Name: "carol", Groups: []string{"y"}}},
		"from_userinfo": {func(i *oidctest.Issuer) {
			delete(i.User, "groups")
			i.UserInfo = map[string]any{"sub": i.User["sub"], "groups": []string{"late"}}
		}, "groups", Person{Name: "carol", Groups: []string{"late"}}},
		"second_factor": {func(i *oidctest.Issuer) { i.User["amr"] = []string{"pwd", "otp"} }, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}, Strong: true}},
		"only_a_mail":   {func(i *oidctest.Issuer) { delete(i.User, "preferred_username"); i.User["email"] = "c@x.example" }, "groups", Person{Name: "c@x.example", Groups: []string{"soc", "everybody"}}},
		"several_audiences": {func(i *oidctest.Issuer) {
			i.Claim = func(c map[string]any) { c["aud"] = []string{"other", oidctest.Client}; c["azp"] = oidctest.Client }
		}, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}}},
		"clock_half_a_minute_off": {func(i *oidctest.Issuer) {
			i.Claim = func(c map[string]any) {
				c["iat"], c["nbf"] = i.Now().Add(30*time.Second).Unix(), i.Now().Add(30*time.Second).Unix()
			}
		}, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}}},
		"ended_half_a_minute_ago": {func(i *oidctest.Issuer) {
			i.Claim = func(c map[string]any) { c["exp"] = i.Now().Add(-30 * time.Second).Unix() }
		}, "groups", Person{Name: "carol", Groups: []string{"soc", "everybody"}}},
	} {
		t.Run(name, func(t *testing.T) {
			i := oidctest.New()
			test.issuer(i)
			c, log := open(t, i)
			c.Groups = test.groups
			got, err := c.Finish(t.Context(), visit(t, c), nonce, verifier)
			test.want.Issuer, test.want.Subject = i.URL, "248289761001"
			if err != nil || got.Name != test.want.Name || got.Issuer != test.want.Issuer || got.Subject != test.want.Subject || got.Strong != test.want.Strong || !slices.Equal(got.Groups, test.want.Groups) {
				t.Errorf("%+v, %v\n%s", got, err, log)
			}
		})
	}
}

// TestClient_lies lets nobody in for whom the issuer does not vouch, for us, now.
func TestClient_lies(t *testing.T) {
	type lie struct {
		issuer func(*oidctest.Issuer)
		kind   fault.Kind
		why    string // that the log tells
	}
	claim := func(name string, value any) func(*oidctest.Issuer) {
		return func(i *oidctest.Issuer) { i.Claim = func(c map[string]any) { c[name] = value } }
	}
	now := time.Now()
	lies := map[string]lie{
		"wrong_audience":       {claim("aud", "another client"), fault.Denied, "expected audience"},
		"audience_missing":     {claim("aud", nil), fault.Denied, "audience"},
		"for_another_party":    {claim("azp", "another client"), fault.Denied, "was made for"},
		"several_no_party":     {claim("aud", []string{"x", oidctest.Client}), fault.Denied, "was made for"},
		"wrong_nonce":          {claim("nonce", "of another sign-in"), fault.Denied, "nonce"},
		"nonce_missing":        {claim("nonce", nil), fault.Denied, "nonce"},
		"expired":              {claim("exp", now.Add(-2*time.Minute).Unix()), fault.Denied, "ended at"},
		"expiry_missing":       {claim("exp", nil), fault.Denied, "claims"},
		"of_the_future":        {claim("iat", now.Add(5*time.Minute).Unix()), fault.Denied, "is of"},
		"not_yet":              {claim("nbf", now.Add(5*time.Minute).Unix()), fault.Denied, "not valid yet"},
		"another_issuer":       {claim("iss", "https://evil.example"), fault.Denied, "different provider"},
		"nobody":               {claim("sub", ""), fault.Denied, "about nobody"},
		"long_subject":         {claim("sub", strings.Repeat("x", 256)), fault.Denied, "about nobody"},
		"access_token_swapped": {claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), fault.Denied, "access token hash"},
		"userinfo_of_another": {func(i *oidctest.Issuer) {
			delete(i.User, "groups")
			i.UserInfo = map[string]any{"sub": "somebody else", "groups": []string{"admins"}}
		}, fault.Denied, "somebody else"},
		"huge_token": {func(i *oidctest.Issuer) {
			i.User["padding"] = strings.Repeat("x", mostAnswer)
		}, fault.Unavailable, "parse json"},
		"token_endpoint_fails": {func(i *oidctest.Issuer) {
			i.Answer = func(w http.ResponseWriter, path string) bool {
				if path == "/token" {
					w.WriteHeader(http.StatusBadGateway)
				}
				return path == "/token"
			}
		}, fault.Unavailable, "502"},
		"token_endpoint_redirects": {func(i *oidctest.Issuer) {
			i.Answer = func(w http.ResponseWriter, path string) bool {
				if path == "/token" {
					w.Header().Set("Location", "http://127.0.0.1:1/")
					w.WriteHeader(http.StatusTemporaryRedirect)
				}
				return path == "/token"
			}
		}, fault.Denied, "307"},
		"keys_missing": {func(i *oidctest.Issuer) {
			i.Answer = func(w http.ResponseWriter, path string) bool {
				if path == "/keys" {
					_, _ = io.WriteString(w, `{"keys":[]}`)
				}
				return path == "/keys"
			}
		}, fault.Denied, "verify signature"},
	}
	for _, how := range oidctest.Forgeries() {
		lies["forged_"+how] = lie{func(i *oidctest.Issuer) {
			i.Token = func(c map[string]any) string { return i.Forge(how, c) }
		}, fault.Denied, "why="}
	}
	for name, test := range lies {
		t.Run(name, func(t *testing.T) {
			i := oidctest.New()
			test.issuer(i)
			c, log := open(t, i)
			got, err := c.Finish(t.Context(), visit(t, c), nonce, verifier)
			if err == nil || fault.KindOf(err) != test.kind || got.Subject != "" {
				t.Errorf("%+v, %v", got, err)
			}
			if !strings.Contains(log.String(), test.why) {
				t.Errorf("the log says %s", log)
			}
			if err != nil && (strings.Contains(err.Error(), i.URL+"/") || len(err.Error()) > 300) {
				t.Errorf("people are told %q", err)
			}
		})
	}
}

func TestClient_codes(t *testing.T) {
	i := oidctest.New()
	c, _ := open(t, i)
	code := visit(t, c)
	if _, err := c.Finish(t.Context(), code, nonce, "another-verifier-another-verifier-another-verifier"); fault.KindOf(err) != fault.Denied {
		t.Errorf("a code that somebody else asked for: %v", err)
	}
	code = visit(t, c)
	if _, err := c.Finish(t.Context(), code, nonce, verifier); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{code, "", "made up", "x&grant_type=password", strings.Repeat("x", 10_000)} {
		if _, err := c.Finish(t.Context(), bad, nonce, verifier); fault.KindOf(err) != fault.Denied {
			t.Errorf("code %.20q: %v", bad, err)
		}
	}
	c.Secret = func(context.Context) (string, error) { return "wrong", nil }
	if _, err := c.Finish(t.Context(), visit(t, c), nonce, verifier); fault.KindOf(err) != fault.Denied {
		t.Errorf("a wrong secret: %v", err)
	}
	lost := errors.New("no key")
	c.Secret = func(context.Context) (string, error) { return "", lost }
	if _, err := c.Finish(t.Context(), visit(t, c), nonce, verifier); !errors.Is(err, lost) {
		t.Errorf("no secret: %v", err)
	}
	i.Says = func(d map[string]any) { d["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"} }
	c.provider, c.Secret = nil, func(context.Context) (string, error) { return oidctest.Secret, nil }
	if _, err := c.Finish(t.Context(), visit(t, c), nonce, verifier); err != nil {
		t.Errorf("a secret in the body: %v", err)
	}
	i.Public = true
	c.Secret = func(context.Context) (string, error) { return "", nil }
	if _, err := c.Finish(t.Context(), visit(t, c), nonce, verifier); err != nil {
		t.Errorf("a client without a secret: %v", err)
	}
}

func TestClient_asksOnlyWhenSomebodyComes(t *testing.T) {
	i := oidctest.New()
	i.Scopes = []string{"groups"}
	c, _ := open(t, i)
	if len(i.Asked) != 0 {
		t.Errorf("asked %v", i.Asked)
	}
	address, err := c.Begin(t.Context(), state, nonce, verifier)
	if err != nil || !strings.Contains(address, "scope=openid+profile+groups") || strings.Contains(address, verifier) {
		t.Errorf("%s, %v", address, err)
	}
	for range 5 {
		if _, err := c.Begin(t.Context(), state, nonce, verifier); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.Count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("asked about itself %d times", n)
	}
	now := time.Now()
	c.Now = func() time.Time { return now.Add(2 * fresh) }
	if _, err := c.Begin(t.Context(), state, nonce, verifier); err != nil || i.Count("/.well-known/openid-configuration") != 2 {
		t.Errorf("what it said holds for ever: %v", err)
	}
}

// TestClient_unreachable is about issuers that do not answer, or not as they should.
func TestClient_unreachable(t *testing.T) {
	says := func(name string, value any) func(*oidctest.Issuer) {
		return func(i *oidctest.Issuer) { i.Says = func(d map[string]any) { d[name] = value } }
	}
	answers := func(do func(w http.ResponseWriter)) func(*oidctest.Issuer) {
		return func(i *oidctest.Issuer) {
			i.Answer = func(w http.ResponseWriter, path string) bool { do(w); return true }
		}
	}
	for name, spoil := range map[string]func(*oidctest.Issuer){
		"gone":               func(i *oidctest.Issuer) { i.Close() },
		"another_name":       says("issuer", "https://evil.example"),
		"plain_http":         says("authorization_endpoint", "http://idp.example/authorize"),
		"script":             says("authorization_endpoint", "javascript:alert(1)"),
		"token_elsewhere":    says("token_endpoint", "http://169.254.169.254/"),
		"keys_elsewhere":     says("jwks_uri", "file:///etc/passwd"),
		"userinfo_elsewhere": says("userinfo_endpoint", "ftp://x/"),
		"not_json":           answers(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }),
		"fails":              answers(func(w http.ResponseWriter) { w.WriteHeader(500) }),
		"redirects":          answers(func(w http.ResponseWriter) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }),
		"huge": answers(func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"issuer":"`)
			for range 2 * mostAnswer / 1000 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			i := oidctest.New()
			spoil(i)
			c, log := open(t, i)
			_, err := c.Begin(t.Context(), state, nonce, verifier)
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "can sign in with that") {
				t.Errorf("people are told %v", err)
			}
			if log.Len() == 0 {
				t.Error("the log does not say why")
			}
			// Strangers cannot have us ask it again and again.
			asked := i.Count("/.well-known/openid-configuration")
			for range 20 {
				if _, err := c.Begin(t.Context(), state, nonce, verifier); fault.KindOf(err) != fault.Unavailable {
					t.Fatal(err)
				}
			}
			if n := i.Count("/.well-known/openid-configuration"); n != asked {
				t.Errorf("asked %d times more", n-asked)
			}
		})
	}
	i := oidctest.New()
	down := true
	i.Answer = func(w http.ResponseWriter, path string) bool {
		if down {
			w.WriteHeader(503)
		}
		return down
	}
	c, _ := open(t, i)
	if _, err := c.Begin(t.Context(), state, nonce, verifier); err == nil {
		t.Fatal("no error")
	}
	down = false
	now := time.Now().Add(again)
	c.Now = func() time.Time { return now }
	if _, err := c.Begin(t.Context(), state, nonce, verifier); err != nil {
		t.Errorf("it came back, and nobody saw: %v", err)
	}
}

// TestClient_slow is about an issuer that takes a connection and says nothing.
func TestClient_slow(t *testing.T) {
	i := oidctest.New()
	i.Answer = func(w http.ResponseWriter, path string) bool {
		time.Sleep(300 * time.Millisecond)
		return false
	}
	c, _ := open(t, i)
	c.http.Timeout = 50 * time.Millisecond
	start := time.Now()
	if _, err := c.Begin(t.Context(), state, nonce, verifier); fault.KindOf(err) != fault.Unavailable || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
