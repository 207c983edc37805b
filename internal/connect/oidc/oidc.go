// Package oidc asks an issuer of identities who somebody is, by OpenID Connect Core 1.0:
// the authorization code flow (section 3.1) with PKCE (RFC 7636, S256), state and nonce.
//
// What the issuer says is believed only if it is signed with one of the issuer's public
// keys, by an algorithm with such keys that its discovery document names; if issuer,
// audience, authorized party and nonce are right; and if it is of now, give or take a
// minute. Nothing is fetched before somebody wants to sign in; each answer may take ten
// seconds and have 1 MiB; redirects are not followed.
package oidc

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"vedette/internal/fault"
)

const (
	patience   = 10 * time.Second // for one answer of the issuer
	mostAnswer = 1 << 20          // bytes of one
	skew       = time.Minute      // that our clock and the issuer's may differ
	fresh      = time.Hour        // how long the discovery document holds
	again      = 10 * time.Second // after which an issuer that failed is asked anew
	mostGroups = 5_000
)

// Options say which issuer there is, and who we are to it.
type Options struct {
	Issuer   string                                // its address, as it writes it itself
	Client   string                                // our id there
	Redirect string                                // where browsers come back to: exactly what is registered there
	Groups   string                                // the claim that holds the groups; with dots: inside of others
	Secret   func(context.Context) (string, error) // of the client; "" for one without
	Now      func() time.Time
	Log      *slog.Logger // for why somebody was not let in
}

// Client speaks with an issuer. Its methods may be called from any goroutine.
type Client struct {
	Options
	http *http.Client

	mu       sync.Mutex
	provider *provider
	asked    time.Time // when discovery was tried last
	failed   error     // how that went
}

// provider is what discovery told.
type provider struct {
	*oidc.Provider
	groups bool             // there is a scope "groups"
	style  oauth2.AuthStyle // how a secret is shown
	at     time.Time
}

// Person is who the issuer says somebody is.
type Person struct {
	Issuer, Subject string
	Name            string // preferred_username, or what else there is to call the person by
	Groups          []string
	Strong          bool // amr (RFC 8176) says that more than a password was shown
}

// New returns a client. It asks the issuer nothing yet.
func New(o Options) *Client {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxConnsPerHost: 4,
		TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		DialContext: (&net.Dialer{Timeout: patience}).DialContext,
	}
	return &Client{Options: o, http: &http.Client{
		Transport: bounded{t}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// bounded lets answers have so many bytes, and no more.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	w, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		w.Body = http.MaxBytesReader(nil, w.Body, mostAnswer)
	}
	return w, err
}

// Name returns the host of the issuer.
func (c *Client) Name() string {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return c.Issuer
	}
	return u.Host
}

// unreachable says that the issuer does not answer as it should. Why goes into the log: it
// may say more about the network than strangers should read.
func (c *Client) unreachable(ctx context.Context, err error) error {
	c.Log.WarnContext(ctx, "the issuer of identities cannot be asked", "issuer", c.Issuer, "why", err)
	return fault.New(fault.Unavailable, c.Name()+" does not answer as it should, so nobody can sign in there at the moment; who has a password here can sign in with that")
}

// refused says that an answer is not to be believed. Why goes into the log.
func (c *Client) refused(ctx context.Context, err error) error {
	c.Log.WarnContext(ctx, "a sign-in elsewhere was refused", "issuer", c.Issuer, "why", err)
	return fault.New(fault.Denied, "what "+c.Name()+" answered could not be verified, so you are not signed in; begin again, and if it stays, ask whoever runs Vedette to look at its log")
}

// discover returns what the issuer says about itself (OpenID Connect Discovery 1.0, section 4).
func (c *Client) discover(ctx context.Context) (*provider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Now()
	if p := c.provider; p != nil && now.Sub(p.at) < fresh && !now.Before(p.at) {
		return p, nil
	}
	if since := now.Sub(c.asked); c.failed != nil && since >= 0 && since < again {
		return nil, c.failed
	}
	c.asked = now
	// Keys are fetched with the client of this context whenever they are needed, so it must
	// not end with the request.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), c.http), c.Issuer)
	var said struct {
		Scopes   []string `json:"scopes_supported"`
		Keys     string   `json:"jwks_uri"`
		UserInfo string   `json:"userinfo_endpoint"`
		Methods  []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err == nil {
		err = p.Claims(&said)
	}
	if err == nil {
		err = c.safe(p.Endpoint().AuthURL, p.Endpoint().TokenURL, said.Keys)
	}
	if err == nil && said.UserInfo != "" {
		err = c.safe(said.UserInfo)
	}
	if c.failed = nil; err != nil {
		c.failed = c.unreachable(ctx, err)
		return nil, c.failed
	}
	style := oauth2.AuthStyleInHeader // the default, Discovery section 3
	if slices.Contains(said.Methods, "client_secret_post") && !slices.Contains(said.Methods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	c.provider = &provider{p, slices.Contains(said.Scopes, "groups"), style, now}
	return c.provider, nil
}

// safe returns an error unless all addresses are as safe as that of the issuer.
func (c *Client) safe(all ...string) error {
	for _, s := range all {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && Loopback(c.Issuer) && Loopback(s)) {
			return fmt.Errorf("the issuer names %q, which is no address that begins with https://", s)
		}
	}
	return nil
}

// Loopback reports whether an address leads to this machine itself.
func Loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func (c *Client) config(p *provider, secret string) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "profile"}
	if p.groups {
		scopes = append(scopes, "groups")
	}
	at := p.Endpoint()
	if at.AuthStyle = p.style; secret == "" {
		at.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: c.Client, ClientSecret: secret, Endpoint: at, RedirectURL: c.Redirect, Scopes: scopes}
}

// Begin returns the address of the issuer that a browser is sent to.
func (c *Client) Begin(ctx context.Context, state, nonce, verifier string) (string, error) {
	p, err := c.discover(ctx)
	if err != nil {
		return "", err
	}
	return c.config(p, "").AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// Finish asks the issuer whom the code stands for that a browser came back with.
func (c *Client) Finish(ctx context.Context, code, nonce, verifier string) (Person, error) {
	p, err := c.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	secret, err := c.Secret(ctx)
	if err != nil {
		return Person{}, fmt.Errorf("reading the secret of the client: %w", err)
	}
	ctx = oidc.ClientContext(ctx, c.http)
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	t, err := c.config(p, secret).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		if no, ok := errors.AsType[*oauth2.RetrieveError](err); ok && no.Response.StatusCode < 500 {
			return Person{}, c.refused(ctx, fmt.Errorf("the issuer refuses the code, or us: %d %s %s", no.Response.StatusCode, no.ErrorCode, no.ErrorDescription))
		}
		return Person{}, c.unreachable(ctx, err)
	}
	who, err := c.verify(ctx, p, t, nonce)
	if err != nil {
		if _, known := errors.AsType[*fault.Error](err); known {
			return Person{}, err
		}
		return Person{}, c.refused(ctx, err)
	}
	return who, nil
}

// claims are those of an ID token that are looked at beside what the library checks.
type claims struct {
	Party     string   `json:"azp"`
	NotBefore *float64 `json:"nbf"`
	Name      string   `json:"preferred_username"`
	Full      string   `json:"name"`
	Mail      string   `json:"email"`
	Methods   []string `json:"amr"`
}

// verify returns whom an ID token is about, if it is to be believed (section 3.1.3.7).
func (c *Client) verify(ctx context.Context, p *provider, t *oauth2.Token, nonce string) (Person, error) {
	raw, ok := t.Extra("id_token").(string)
	if !ok || raw == "" {
		return Person{}, errors.New("the answer holds no ID token")
	}
	// The times are checked below: both ways, with a bound.
	id, err := p.Verifier(&oidc.Config{ClientID: c.Client, SkipExpiryCheck: true}).Verify(ctx, raw)
	if err != nil {
		return Person{}, err
	}
	var says claims
	if err := id.Claims(&says); err != nil {
		return Person{}, err
	}
	now := c.Now()
	switch {
	case id.Issuer != c.Issuer:
		return Person{}, fmt.Errorf("the ID token is of %q", id.Issuer)
	case id.Subject == "" || len(id.Subject) > 255:
		return Person{}, errors.New("the ID token says about nobody")
	case len(id.Audience) > 1 && says.Party == "" || says.Party != "" && says.Party != c.Client:
		return Person{}, fmt.Errorf("the ID token was made for %q, among %q", says.Party, id.Audience)
	case id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return Person{}, errors.New("the nonce of the ID token is not that of this sign-in")
	case !now.Before(id.Expiry.Add(skew)):
		return Person{}, fmt.Errorf("the ID token ended at %s; it is %s here", id.Expiry.UTC(), now.UTC())
	case id.IssuedAt.After(now.Add(skew)):
		return Person{}, fmt.Errorf("the ID token is of %s; it is %s here", id.IssuedAt.UTC(), now.UTC())
	case says.NotBefore != nil && *says.NotBefore > float64(now.Add(skew).Unix()):
		return Person{}, errors.New("the ID token is not valid yet")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(t.AccessToken); err != nil {
			return Person{}, err
		}
	}
	who := Person{Issuer: c.Issuer, Subject: id.Subject, Name: says.Name, Strong: slices.ContainsFunc(says.Methods, func(m string) bool { return m == "mfa" || m == "otp" || m == "hwk" })}
	for _, n := range []string{says.Mail, says.Full} {
		if who.Name == "" {
			who.Name = n
		}
	}
	who.Groups, err = c.groups(ctx, p, t, id)
	return who, err
}

// groups returns the groups of somebody. An issuer that leaves them out of the ID token is
// asked for more (section 5.3).
func (c *Client) groups(ctx context.Context, p *provider, t *oauth2.Token, id *oidc.IDToken) ([]string, error) {
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return nil, err
	}
	groups, ok := find(all, c.Groups)
	if ok || p.UserInfoEndpoint() == "" {
		return groups, nil
	}
	more, err := p.UserInfo(ctx, oauth2.StaticTokenSource(t))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if more.Subject != id.Subject {
		return nil, errors.New("the issuer tells about somebody else than it signed for")
	}
	all = nil
	if err := more.Claims(&all); err != nil {
		return nil, err
	}
	groups, _ = find(all, c.Groups)
	return groups, nil
}

// find returns the groups in a claim: a list of texts, or one text. A name with dots that is
// no claim itself leads into others, as in realm_access.roles.
func find(all map[string]any, name string) (groups []string, ok bool) {
	v, ok := all[name]
	if !ok {
		first, rest, dotted := strings.Cut(name, ".")
		inner, is := all[first].(map[string]any)
		if !dotted || !is {
			return nil, false
		}
		return find(inner, rest)
	}
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, e := range v[:min(len(v), mostGroups)] {
			if s, is := e.(string); is {
				groups = append(groups, s)
			}
		}
	}
	return groups, true
}
