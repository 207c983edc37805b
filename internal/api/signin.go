package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"vedette/internal/api/desk"
	"vedette/internal/api/guard"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

// Ways is how people can come in.
type Ways struct {
	Waiting   bool   `json:"waiting" doc:"Nobody has an account yet: the first administrator is waited for"`
	Elsewhere string `json:"elsewhere,omitempty" doc:"Where people can sign in, in a browser, from /login/elsewhere"`
}

type setupIn struct {
	Body struct {
		Code     string `json:"code" maxLength:"64" doc:"The one-time code"`
		Name     string `json:"name,omitempty" maxLength:"64" doc:"Of the first administrator; else the code says whose it is"`
		Password string `json:"password" maxLength:"1024" doc:"12 letters or more"`
	}
}

// Named is whose password was set.
type Named struct {
	Name string `json:"name"`
}

type signInIn struct {
	Body struct {
		Name     string `json:"name" maxLength:"64"`
		Password string `json:"password" maxLength:"1024"`
		Code     string `json:"code,omitempty" maxLength:"10" doc:"Of the authenticator, for those who use one"`
	}
}

// signedIn is an answer that gives, or takes away, a session.
type signedIn struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

type signedOut struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

type sessionsOfIn struct {
	Name string `path:"name" maxLength:"64"`
	Change
}

// signIn are the operations by which people come in, go out, and are put out.
func (s *server) signIn() {
	everybody := rule{open: true}
	operation(s, http.MethodGet, "/api/setup", "Get how people can come in", everybody, func(ctx context.Context, _ *nothing) (*body[Ways], error) {
		waiting, err := s.Door.Codes.Waiting(ctx, s.Door.Tenant)
		if err != nil {
			return nil, err
		}
		out := &body[Ways]{Ways{Waiting: waiting}}
		if s.Door.Elsewhere != nil {
			out.Body.Elsewhere = s.Door.Elsewhere.Issuer.Name()
		}
		return out, nil
	})
	operation(s, http.MethodPost, "/api/setup", "Set a password with a one-time code", everybody, func(ctx context.Context, in *setupIn) (*body[Named], error) {
		name, err := s.Door.Redeem(ctx, in.Body.Code, in.Body.Name, in.Body.Password, who(ctx).visitor())
		if err != nil {
			return nil, err
		}
		return &body[Named]{Named{name}}, nil
	})
	operation(s, http.MethodPost, "/api/session", "Sign in", everybody, s.startSession)
	operation(s, http.MethodDelete, "/api/session", "Sign out", rule{session: true}, func(ctx context.Context, in *Change) (*signedOut, error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		return &signedOut{s.cookie("", -1)}, s.Door.EndSession(ctx, by, by.Session())
	})
	operation(s, http.MethodGet, "/api/people/{name}/sessions", "List the sessions of somebody", needs(auth.ManagePeople), func(ctx context.Context, in *sessionsOfIn) (*body[Page[Session]], error) {
		p, err := s.person(ctx, in.Name)
		if err != nil {
			return nil, err
		}
		return s.sessions(ctx, p.Name)
	})
	operation(s, http.MethodDelete, "/api/people/{name}/sessions", "End all sessions of somebody, but the one that asks", needs(auth.ManagePeople), func(ctx context.Context, in *sessionsOfIn) (*nothing, error) {
		by, err := in.by(ctx)
		if err != nil {
			return nil, err
		}
		p, err := s.person(ctx, in.Name)
		if err != nil {
			return nil, err
		}
		return &nothing{}, s.Door.EndSessions(ctx, by, p.Name)
	})
}

// startSession lets a person in who shows what they know, as a browser: the session is in a
// cookie, and changes need the form token.
func (s *server) startSession(ctx context.Context, in *signInIn) (*signedIn, error) {
	shown, session, err := s.Door.SignIn(ctx, in.Body.Name, in.Body.Password, in.Body.Code, who(ctx).visitor())
	if err != nil {
		if fault.KindOf(err) == fault.Denied {
			return nil, s.say(ctx, err, true)
		}
		return nil, err
	}
	p, _, err := s.Door.Admit(ctx, shown, false)
	if err != nil {
		return nil, err
	}
	return &signedIn{s.cookie(shown, 0), me(p, auth.FormToken(s.Door.Key, session.Hash))}, nil
}

// cookie returns the cookie of a session.
func (s *server) cookie(shown string, age int) http.Cookie {
	return http.Cookie{
		Name: guard.SessionCookie(s.options.TLS), Value: shown, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.options.TLS, MaxAge: age,
	}
}

// person returns somebody by what was asked for.
func (s *server) person(ctx context.Context, typed string) (desk.Person, error) {
	name, err := auth.Name(typed)
	if err != nil {
		return desk.Person{}, err
	}
	return s.People.Person(ctx, who(ctx).Tenant(), name)
}

// sessions lists those of a person.
func (s *server) sessions(ctx context.Context, person string) (*body[Page[Session]], error) {
	a := who(ctx)
	all, err := s.Door.Sessions.Sessions(ctx, a.Tenant(), person)
	if err != nil {
		return nil, err
	}
	out := &body[Page[Session]]{Page[Session]{Items: []Session{}}}
	for _, o := range all {
		h, from := o.Session.Hash, ""
		if o.Address.IsValid() {
			from = o.Address.String()
		}
		out.Body.Items = append(out.Body.Items, Session{hex.EncodeToString(h[:]), o.Person, from, o.Agent, o.Created.UTC(), o.Seen.UTC(), h == a.Session()})
	}
	return out, nil
}
