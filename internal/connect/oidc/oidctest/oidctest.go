// Package oidctest is a small issuer of identities on loopback, for tests: an OpenID provider
// with real keys, which tells the truth unless it is asked to lie.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Client and Secret are what the issuer knows us by.
const (
	Client = "vedette"
	Secret = "s3cret of the client"
)

// Issuer is an issuer that runs. Its fields may be changed before it is asked.
type Issuer struct {
	*httptest.Server
	Now      func() time.Time
	User     map[string]any // claims about whoever signs in
	UserInfo map[string]any // what the endpoint of that name adds; nil: there is no such endpoint
	Scopes   []string       // that discovery names
	ES256    bool           // sign with the elliptic curve
	Public   bool           // the client has no secret

	// Ways to lie.
	Claim  func(claims map[string]any)                   // changes the claims before they are signed
	Token  func(claims map[string]any) string            // makes the ID token instead
	Answer func(w http.ResponseWriter, path string) bool // answers a path in place of the issuer
	Says   func(discovery map[string]any)                // changes the discovery document

	mu    sync.Mutex
	rsa   *rsa.PrivateKey
	ec    *ecdsa.PrivateKey
	codes map[string]url.Values // what was asked, by code
	Asked map[string]int        // requests by path
}

// The keys are drawn once: that takes longer than all the rest.
var (
	rsaKey = sync.OnceValue(newRSA)
	ecKey  = sync.OnceValue(newEC)
	others = sync.OnceValue(newRSA) // of somebody else
)

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newEC() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// New starts an issuer. It has to be closed.
func New() *Issuer {
	i := &Issuer{
		rsa: rsaKey(), ec: ecKey(), Now: time.Now, codes: map[string]url.Values{}, Asked: map[string]int{},
		User: map[string]any{"sub": "248289761001", "preferred_username": "carol", "groups": []string{"soc", "everybody"}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, i.UserInfo) })
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.Asked[r.URL.Path]++
		i.mu.Unlock()
		if i.Answer == nil || !i.Answer(w, r.URL.Path) {
			mux.ServeHTTP(w, r)
		}
	}))
	return i
}

// Count returns how often a path was asked.
func (i *Issuer) Count(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.Asked[path]
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error is the reader's having gone
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	d := map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
		"scopes_supported": append([]string{"openid", "profile"}, i.Scopes...),
	}
	if i.UserInfo != nil {
		d["userinfo_endpoint"] = i.URL + "/userinfo"
	}
	if i.Says != nil {
		i.Says(d)
	}
	reply(w, 200, d)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	x, y := make([]byte, 32), make([]byte, 32)
	point, err := i.ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	copy(x, point[1:33])
	copy(y, point[33:])
	reply(w, 200, map[string]any{"keys": []any{
		map[string]any{"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": b64(i.rsa.N.Bytes()), "e": "AQAB"},
		map[string]any{"kty": "EC", "kid": "e", "use": "sig", "alg": "ES256", "crv": "P-256", "x": b64(x), "y": b64(y)},
	}})
}

// authorize signs the user in without asking, and sends the browser back.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || !strings.Contains(" "+q.Get("scope")+" ", " openid ") {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := i.Code(q)
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// Code returns a code for what was asked at the authorization endpoint.
func (i *Issuer) Code(asked url.Values) string {
	code := rand.Text()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.codes[code] = asked
	return code
}

// token exchanges a code, once, for who has its verifier.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what cannot be read is missing
	i.mu.Lock()
	asked, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	i.mu.Unlock()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	} else if plain, err := url.QueryUnescape(secret); err == nil { // RFC 6749, section 2.3.1
		secret = plain
	}
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != Client || !i.Public && secret != Secret:
		reply(w, 401, map[string]any{"error": "invalid_client"})
		return
	case !ok || asked.Get("code_challenge") != b64(challenge[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri"):
		reply(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": i.URL, "aud": Client, "iat": i.Now().Unix(), "exp": i.Now().Add(5 * time.Minute).Unix(), "nonce": asked.Get("nonce")}
	maps.Copy(claims, i.User)
	if i.Claim != nil {
		i.Claim(claims)
	}
	made := i.Sign
	if i.Token != nil {
		made = i.Token
	}
	reply(w, 200, map[string]any{"access_token": "an access token", "token_type": "Bearer", "expires_in": 300, "id_token": made(claims)})
}

// Sign makes an ID token with the issuer's own keys.
func (i *Issuer) Sign(claims map[string]any) string {
	if i.ES256 {
		return SignES256(i.ec, "e", claims)
	}
	return SignRS256(i.rsa, "r", claims)
}

// Forge makes tokens that only look like the issuer's.
func (i *Issuer) Forge(how string, claims map[string]any) string {
	switch how {
	case "none":
		return head("none", "") + "." + body(claims) + "."
	case "none_with_signature":
		right := i.Sign(claims)
		return head("None", "r") + "." + body(claims) + right[strings.LastIndex(right, "."):]
	case "hs256_with_public_key": // the classic: the public key as a shared secret
		signed := head("HS256", "r") + "." + body(claims)
		mac := hmac.New(sha256.New, i.rsa.N.Bytes())
		_, _ = io.WriteString(mac, signed) // never fails
		return signed + "." + b64(mac.Sum(nil))
	case "key_of_somebody_else":
		return SignRS256(others(), "r", claims)
	case "swapped_kid": // signed with one key, said to be by the other
		return SignRS256(i.rsa, "e", claims)
	case "unknown_kid":
		return SignES256(newEC(), "mine", claims)
	case "changed_after_signing":
		parts := strings.Split(i.Sign(claims), ".")
		claims["groups"] = []string{"admins"}
		return parts[0] + "." + body(claims) + "." + parts[2]
	case "key_in_the_header": // RFC 7515, 4.1.3: a key that the token brings itself
		other := others()
		h := b64([]byte(fmt.Sprintf(`{"alg":"RS256","jwk":{"kty":"RSA","n":%q,"e":"AQAB"}}`, b64(other.N.Bytes()))))
		return sign(other, h+"."+body(claims))
	case "no_token":
		return ""
	case "rubbish":
		return "a.b.c"
	}
	panic("no such forgery: " + how)
}

// Forgeries are the ways to forge.
func Forgeries() []string {
	return []string{"none", "none_with_signature", "hs256_with_public_key", "key_of_somebody_else", "swapped_kid", "unknown_kid", "changed_after_signing", "key_in_the_header", "no_token", "rubbish"}
}

func head(alg, kid string) string { return b64([]byte(fmt.Sprintf(`{"alg":%q,"kid":%q}`, alg, kid))) }

func body(claims map[string]any) string {
	b, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return b64(b)
}

// SignRS256 signs as RFC 7518, section 3.3 says.
func SignRS256(key *rsa.PrivateKey, kid string, claims map[string]any) string {
	return sign(key, head("RS256", kid)+"."+body(claims))
}

func sign(key *rsa.PrivateKey, signed string) string {
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + b64(sig)
}

// SignES256 signs as RFC 7518, section 3.4 says.
func SignES256(key *ecdsa.PrivateKey, kid string, claims map[string]any) string {
	signed := head("ES256", kid) + "." + body(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return signed + "." + b64(sig)
}
