package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

// Me is who asks.
type Me struct {
	Name string   `json:"name"`
	Role string   `json:"role"`
	May  []string `json:"may"`
	Form string   `json:"form,omitempty" doc:"What changes by this session need in X-Vedette-Form"`
}

func me(p auth.Principal, form string) Me {
	var may auth.Permissions
	for n := range auth.Permission(64) {
		if p.May(n) {
			may |= auth.SetOf(n)
		}
	}
	return Me{p.Name(), string(p.Role()), may.Names(), form}
}

// Person is an account.
type Person struct {
	Name     string     `json:"name"`
	Role     string     `json:"role"`
	Disabled bool       `json:"disabled"`
	Strong   bool       `json:"strong" doc:"Uses one-time codes"`
	Pending  bool       `json:"pending" doc:"Has no password yet"`
	SignedIn *time.Time `json:"signed_in,omitempty"`
	Issuer   string     `json:"issuer,omitempty" doc:"Who signs the person in, and says the role; without, Vedette does"`
	Version  uint64     `json:"version"`
}

func person(p desk.Person) Person {
	return Person{p.Name, string(p.Role), p.Disabled, p.Strong, p.Pending, maybe(p.SignedIn), p.Issuer, p.Version}
}

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Invitation is a one-time code, which is shown once.
type Invitation struct {
	Name string `json:"name"`
	Code string `json:"code"`
}

// Session is a session.
type Session struct {
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Here    bool      `json:"here"`
}

// Token is a token. Its secret is shown once, when it is made.
type Token struct {
	ID      string     `json:"id"`
	For     string     `json:"for"`
	Owner   string     `json:"owner"`
	Scopes  []string   `json:"scopes"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used,omitempty"`
	Revoked bool       `json:"revoked"`
	Secret  string     `json:"secret,omitempty"`
}

func token(t desk.TokenRow, secret string) Token {
	return Token{hex.EncodeToString(t.Hash[:]), t.Name, t.Owner, t.Scopes.Names(), t.Created.UTC(), t.Expires.UTC(), maybe(t.Used), t.Revoked, secret}
}

type personIn struct {
	Name string `path:"name" maxLength:"64"`
	Change
	Body struct {
		Role     string `json:"role,omitempty" doc:"Left out: stays as it is"`
		Disabled *bool  `json:"disabled,omitempty" doc:"Left out: stays as it is"`
	}
}

type inviteIn struct {
	Change
	Body struct {
		Name string `json:"name" maxLength:"64"`
		Role string `json:"role"`
	}
}

type hashIn struct {
	ID string `path:"id" pattern:"^[0-9a-f]{64}$"`
	Change
}

func (h hashIn) hash() (auth.Hash, error) {
	b, err := hex.DecodeString(h.ID)
	if err != nil || len(b) != len(auth.Hash{}) {
		return auth.Hash{}, fault.New(fault.NotFound, "there is no such id")
	}
	return auth.Hash(b), nil
}

type tokenIn struct {
	Change
	Body struct {
		For    string   `json:"for" minLength:"1" maxLength:"100"`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"64"`
		Days   int      `json:"days" minimum:"1" maximum:"366" default:"90"`
	}
}

func (s *server) account() {
	operation(s, http.MethodGet, "/api/me", "Get who asks", rule{known: true}, func(ctx context.Context, _ *nothing) (*body[Me], error) {
		a := who(ctx)
		return &body[Me]{me(a.Principal, a.form)}, nil
	})
	operation(s, http.MethodGet, "/api/people", "List people", needs(auth.ManagePeople), s.listPeople)
	operation(s, http.MethodPost, "/api/people", "Make an account, or a new one-time code for one", needs(auth.ManagePeople), func(ctx context.Context, in *inviteIn) (*body[Invitation], error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		code, name, err := s.Door.Invite(ctx, by, in.Body.Name, auth.Role(in.Body.Role))
		if err != nil {
			return nil, err
		}
		return &body[Invitation]{Invitation{name, code}}, nil
	})
	operation(s, http.MethodPatch, "/api/people/{name}", "Give a role, disable or enable", needs(auth.ManagePeople), s.changePerson)
	operation(s, http.MethodGet, "/api/sessions", "List your sessions", rule{session: true}, s.listSessions)
	operation(s, http.MethodDelete, "/api/sessions/{id}", "End a session", rule{session: true}, func(ctx context.Context, in *hashIn) (*nothing, error) {
		return s.end(ctx, in, s.Door.EndSession)
	})
	operation(s, http.MethodGet, "/api/tokens", "List your tokens", rule{session: true}, s.listTokens)
	operation(s, http.MethodPost, "/api/tokens", "Make a token", rule{session: true}, func(ctx context.Context, in *tokenIn) (*body[Token], error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		scopes, err := auth.ParsePermissions(in.Body.Scopes...)
		if err != nil {
			return nil, err
		}
		shown, t, err := s.Door.MakeToken(ctx, by, in.Body.For, scopes, time.Duration(in.Body.Days)*24*time.Hour)
		if err != nil {
			return nil, err
		}
		return &body[Token]{token(desk.TokenRow{Token: t}, shown)}, nil
	})
	operation(s, http.MethodDelete, "/api/tokens/{id}", "Revoke a token", rule{session: true}, func(ctx context.Context, in *hashIn) (*nothing, error) {
		return s.end(ctx, in, s.Door.RevokeToken)
	})
}

func (s *server) end(ctx context.Context, in *hashIn, do func(context.Context, desk.By, auth.Hash) error) (*nothing, error) {
	h, err := in.hash()
	if err != nil {
		return nil, err
	}
	by, err := in.by(ctx)
	if err != nil {
		return nil, err
	}
	return &nothing{}, do(ctx, by, h)
}

func (s *server) listPeople(ctx context.Context, _ *nothing) (*body[Page[Person]], error) {
	all, err := s.People.People(ctx, who(ctx).Tenant())
	if err != nil {
		return nil, err
	}
	out := &body[Page[Person]]{Page[Person]{Items: []Person{}}}
	for _, p := range all {
		out.Body.Items = append(out.Body.Items, person(p))
	}
	return out, nil
}

func (s *server) changePerson(ctx context.Context, in *personIn) (*tagged[Person], error) {
	by, err := in.by(ctx)
	if err != nil {
		return nil, err
	}
	name, err := auth.Name(in.Name)
	if err != nil {
		return nil, err
	}
	if (in.Body.Role == "") == (in.Body.Disabled == nil) {
		return nil, fault.New(fault.Invalid, "change one thing at a time: the role, or whether the account is disabled")
	}
	if in.Body.Role != "" {
		role, err := auth.ParseRole(in.Body.Role)
		if err != nil {
			return nil, err
		}
		if err := s.People.SetRole(ctx, by, name, role); err != nil {
			return nil, err
		}
	} else if err := s.People.SetDisabled(ctx, by, name, *in.Body.Disabled); err != nil {
		return nil, err
	}
	p, err := s.People.Person(ctx, who(ctx).Tenant(), name)
	if err != nil {
		return nil, err
	}
	return &tagged[Person]{etag(p.Version), person(p)}, nil
}

func (s *server) listSessions(ctx context.Context, _ *nothing) (*body[Page[Session]], error) {
	return s.sessions(ctx, who(ctx).Name())
}

func (s *server) listTokens(ctx context.Context, _ *nothing) (*body[Page[Token]], error) {
	a := who(ctx)
	all, err := s.Door.Tokens.Tokens(ctx, a.Tenant(), a.Name())
	if err != nil {
		return nil, err
	}
	out := &body[Page[Token]]{Page[Token]{Items: []Token{}}}
	for _, t := range all {
		out.Body.Items = append(out.Body.Items, token(t, ""))
	}
	return out, nil
}
