package oidc

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
)

// glewlwyd is an OpenID provider that nobody here wrote, from Debian, set up over its own API.
type glewlwyd struct {
	t     *testing.T
	url   string
	admin *http.Client
}

const (
	glewlwydData   = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
	glewlwydConfig = `port=%d
bind_address="127.0.0.1"
external_url="%s"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="WARNING"
log_file="%s"
session_key="S"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "%s"; };
`
)

func startGlewlwyd(t *testing.T) *glewlwyd {
	t.Helper()
	schema, err := os.ReadFile(glewlwydData)
	for _, program := range []string{"glewlwyd", "sqlite3"} {
		if _, missing := exec.LookPath(program); err != nil || missing != nil {
			t.Skip("glewlwyd is not installed (Debian: glewlwyd, sqlite3)")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := t.TempDir()
	g := &glewlwyd{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	db, config := filepath.Join(dir, "db"), filepath.Join(dir, "conf")
	create := exec.Command("sqlite3", db)
	create.Stdin = bytes.NewReader(schema)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatal(string(out), err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, glewlwydConfig, port, g.url, filepath.Join(dir, "log"), db), 0o600); err != nil {
		t.Fatal(err)
	}
	// Properties of users hold from the next start on, so there are two.
	stop := g.run(config)
	g.login()
	var users map[string]any
	g.call("GET", "/api/mod/user/database", nil, &users)
	users["parameters"].(map[string]any)["data-format"] = map[string]any{"groups": map[string]any{"multiple": true, "read": true, "write": true}}
	g.call("PUT", "/api/mod/user/database", users, nil)
	stop()
	t.Cleanup(g.run(config))
	g.login()
	g.fill()
	return g
}

// run starts the program and returns what ends it.
func (g *glewlwyd) run(config string) (stop func()) {
	g.t.Helper()
	c := exec.Command("glewlwyd", "--config-file="+config)
	if err := c.Start(); err != nil {
		g.t.Fatal(err)
	}
	for range 200 {
		if r, err := http.Get(g.url + "/api/"); err == nil {
			r.Body.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait() // it says with which signal
	}
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (g *glewlwyd) login() {
	g.t.Helper()
	g.admin = newBrowser(g.t)
	g.call("POST", "/api/auth/", map[string]any{"username": "admin", "password": "password"}, nil)
}

func (g *glewlwyd) call(method, path string, in, out any) {
	g.t.Helper()
	g.as(g.admin, method, path, in, out)
}

func (g *glewlwyd) as(who *http.Client, method, path string, in, out any) {
	g.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		g.t.Fatal(err)
	}
	r, err := http.NewRequest(method, g.url+path, bytes.NewReader(b))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := who.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		var said bytes.Buffer
		_, _ = said.ReadFrom(a.Body) // for the message only
		g.t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, said.String())
	}
	if out != nil {
		if err := json.NewDecoder(a.Body).Decode(out); err != nil {
			g.t.Fatal(err)
		}
	}
}

// fill makes the provider, a client and somebody in two groups.
func (g *glewlwyd) fill() {
	g.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		g.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		g.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		g.t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	g.call("POST", "/api/mod/plugin/", map[string]any{"module": "oidc", "name": "oidc", "display_name": "OIDC", "parameters": map[string]any{
		"iss": g.url + "/api/oidc", "jwt-type": "rsa", "jwt-key-size": "256", "key": text("PRIVATE KEY", private), "cert": text("PUBLIC KEY", public),
		"access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600, "refresh-token-rolling": true, "allow-non-oidc": false,
		"auth-type-code-enabled": true, "auth-type-token-enabled": false, "auth-type-id-token-enabled": true, "auth-type-none-enabled": false,
		"auth-type-password-enabled": false, "auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": false,
		"pkce-allowed": true, "pkce-method-plain-allowed": false, "pkce-required": true, "jwks-show": true, "subject-type": "public",
		"claims":     []any{map[string]any{"name": "groups", "user-property": "groups", "type": "string", "mandatory": true, "scope": []string{}}},
		"name-claim": "mandatory", "email-claim": "no", "scope-claim": "no", "address-claim": map[string]any{"type": "no"},
	}}, nil)
	g.call("POST", "/api/user/", map[string]any{
		"username": "carol", "name": "Carol C.", "enabled": true, "password": "carols password", "scope": []string{"openid"}, "groups": []string{"soc", "everybody"},
	}, nil)
	g.call("POST", "/api/client/", map[string]any{
		"client_id": "vedette", "name": "Vedette", "enabled": true, "confidential": true, "client_secret": "itssecret", "password": "itssecret",
		"redirect_uri": []string{redirect}, "authorization_type": []string{"code"}, "token_endpoint_auth_method": []string{"client_secret_basic", "client_secret_post"},
	}, nil)
}

// TestGlewlwyd signs somebody in at a provider that nobody here wrote.
func TestGlewlwyd(t *testing.T) {
	g := startGlewlwyd(t)
	secret := "itssecret"
	c := New(Options{
		Issuer: g.url + "/api/oidc", Client: "vedette", Redirect: redirect, Groups: "groups", Now: time.Now,
		Secret: func(context.Context) (string, error) { return secret, nil },
	})
	carol := newBrowser(t)
	g.as(carol, "POST", "/api/auth/", map[string]any{"username": "carol", "password": "carols password"}, nil)
	g.as(carol, "PUT", "/api/auth/grant/vedette", map[string]any{"scope": "openid"}, nil)
	code := func() string {
		t.Helper()
		address, err := c.Begin(t.Context(), state, nonce, verifier)
		if err != nil {
			t.Fatal(err)
		}
		r, err := carol.Get(address + "&g_continue") // as its own page does, once she has agreed
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		back, err := url.Parse(r.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(back.String(), redirect+"?") || back.Query().Get("state") != state {
			t.Fatalf("%d to %v, %v", r.StatusCode, back, err)
		}
		return back.Query().Get("code")
	}
	first := code()
	p, err := c.Finish(t.Context(), first, nonce, verifier)
	if err != nil || p.Issuer != g.url+"/api/oidc" || p.Subject == "" || p.Name != "Carol C." || !slices.Equal(p.Groups, []string{"soc", "everybody"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if again, err := c.Finish(t.Context(), code(), nonce, verifier); err != nil || again.Subject != p.Subject {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	for what, do := range map[string]func() error{
		"a code that was used": func() error { _, err := c.Finish(t.Context(), first, nonce, verifier); return err },
		"another nonce":        func() error { _, err := c.Finish(t.Context(), code(), "another nonce", verifier); return err },
		"another verifier":     func() error { _, err := c.Finish(t.Context(), code(), nonce, strings.Repeat("x", 43)); return err },
		"a wrong secret": func() error {
			secret = "wrong"
			defer func() { secret = "itssecret" }()
			_, err := c.Finish(t.Context(), code(), nonce, verifier)
			return err
		},
	} {
		if err := do(); fault.KindOf(err) != fault.Denied {
			t.Errorf("%s: %v", what, err)
		}
	}
}
