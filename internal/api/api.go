// Package api is how programs meet Vedette: all that the console shows and does, as JSON
// over HTTP, described by OpenAPI 3.1 at /api/openapi.json.
//
// Who asks is known by a token ("Authorization: Bearer vdt_...") or by the session of the
// console; with a session, what changes something also needs the header X-Vedette-Form with
// the token that GET /api/me tells. Errors are problems of RFC 9457. A change may name the
// version it was decided on (If-Match) and a key by which it can be sent again without
// happening twice (Idempotency-Key).
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"vedette/internal/api/desk"
	"vedette/internal/api/guard"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

// FormHeader is the header that a change by a session needs.
const FormHeader = "X-Vedette-Form"

// Options say how the API is reached.
type Options struct {
	Hosts []string     // by which names, without ports; loopback always is
	TLS   bool         // browsers reach it over TLS
	Log   *slog.Logger // for errors that are ours; nil for none
}

// server is what operations share.
type server struct {
	*desk.Desk
	options Options
	huma    huma.API
	access  []access
}

// access is who may use an operation.
type access struct {
	method, path, summary string
	rule                  rule
}

// rule says who may: everybody, who is known, who has signed in, or who has a permission.
type rule struct {
	open    bool
	known   bool // a token will do
	session bool // it takes a person who has signed in
	need    auth.Permission
}

func needs(p auth.Permission) rule { return rule{need: p} }

// String returns the rule in words.
func (r rule) String() string {
	switch {
	case r.open:
		return "everybody"
	case r.known:
		return "who is known"
	case r.session:
		return "who has signed in"
	}
	return r.need.String()
}

// New returns the API. It answers all addresses that begin with /api/.
func New(d *desk.Desk, o Options) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{Desk: d, options: o}
	mux := http.NewServeMux()
	s.build(mux)
	if err := s.docs(mux); err != nil {
		return nil, err
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "there is no such address")
	})
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "the request came from a page of another site")
	}))
	return guard.Handler(same.Handler(mux), guard.Options{Hosts: o.Hosts, TLS: o.TLS}), nil
}

func (s *server) build(mux *http.ServeMux) {
	c := huma.DefaultConfig("Vedette", s.Version)
	c.DocsPath, c.SchemasPath, c.OpenAPIPath, c.CreateHooks = "", "", "/api/openapi", nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer"},
		"session": {Type: "apiKey", In: "cookie", Name: guard.SessionCookie(s.options.TLS)},
	}
	s.huma = humago.New(mux, c)
	s.huma.UseMiddleware(s.admit)
	s.incidents()
	s.things()
	s.signIn()
	s.account()
	s.own()
	s.audit()
	s.export()
}

type whoKey struct{}

// asks is who asks, and how.
type asks struct {
	auth.Principal
	session auth.Session
	form    string // what changes need, for sessions
	request *http.Request
}

func who(ctx context.Context) asks {
	a, _ := ctx.Value(whoKey{}).(asks) // without: nobody, who may nothing
	return a
}

// visitor returns where the request comes from.
func (a asks) visitor() desk.Visitor {
	return desk.Visitor{Address: guard.Address(a.request), Agent: a.request.UserAgent()}
}

// admit is the one place where it is decided who asks, and whether they may.
func (s *server) admit(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	a, err := s.know(r)
	a.request = r
	rule, ok := ctx.Operation().Metadata["rule"].(rule)
	switch {
	case !ok:
		err = fault.New(fault.Denied, "nobody may do this")
	case rule.open:
		err = nil
	case err != nil:
	case a.Name() == "":
		err = errStranger
	case rule.known:
	case rule.session:
		if a.Session() == (auth.Hash{}) {
			err = fault.New(fault.Denied, "only a person who has signed in can do this")
		}
	default:
		err = a.Require(rule.need)
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if err == nil && !safe && !rule.open && a.Session() != (auth.Hash{}) && !auth.CheckForm(s.Door.Key, a.Session(), r.Header.Get(FormHeader)) {
		err = fault.New(fault.Denied, "a change by a session needs the header "+FormHeader+"; GET /api/me tells what stands in it")
	}
	if err != nil {
		e := s.say(r.Context(), err, a.Name() == "")
		if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
			ctx.SetHeader("Retry-After", soon.Seconds())
		}
		_ = huma.WriteErr(s.huma, ctx, e.Status, e.Detail) // an error is the reader's having gone
		return
	}
	next(huma.WithValue(ctx, whoKey{}, a))
}

var errStranger = fault.New(fault.Denied, "show a token, or sign in")

// know finds out who asks. A token that is shown decides: it never falls back to a session.
func (s *server) know(r *http.Request) (a asks, err error) {
	if h := r.Header.Get("Authorization"); h != "" {
		token, ok := strings.CutPrefix(h, "Bearer ")
		if !ok {
			return a, fault.New(fault.Denied, "only bearer tokens are known here")
		}
		a.Principal, err = s.Door.AdmitToken(r.Context(), token, desk.Visitor{Address: guard.Address(r)})
		return a, err
	}
	k, err := r.Cookie(guard.SessionCookie(s.options.TLS))
	if err != nil {
		return a, nil
	}
	if a.Principal, a.session, err = s.Door.Admit(r.Context(), k.Value, false); err == nil {
		a.form = auth.FormToken(s.Door.Key, a.Session())
	}
	return a, err
}

// say turns an error into a problem. What is ours alone goes into the log, not to the world.
func (s *server) say(ctx context.Context, err error, stranger bool) *huma.ErrorModel {
	status, detail := http.StatusInternalServerError, "something failed within Vedette; its log says what"
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind != fault.Internal {
		detail = e.Error()
		switch e.Kind {
		case fault.Invalid:
			status = http.StatusUnprocessableEntity
		case fault.NotFound:
			status = http.StatusNotFound
		case fault.Denied:
			if status = http.StatusForbidden; stranger {
				status = http.StatusUnauthorized
			}
		case fault.Conflict:
			status = http.StatusConflict
		case fault.Unavailable:
			status = http.StatusServiceUnavailable
		case fault.Internal, fault.Unreadable:
		}
	}
	if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
		status, detail = http.StatusTooManyRequests, soon.Error()
	}
	if status == http.StatusInternalServerError {
		s.options.Log.ErrorContext(ctx, "an operation failed", "error", err)
	}
	return &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
}

// problem answers outside of operations.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}) // an error is the reader's having gone
}

// Change is what every change can say about itself.
type Change struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what the change was decided on"`
	Key     string `header:"Idempotency-Key" maxLength:"180" doc:"The same for the same change sent again: it happens once"`
}

// by returns who asks for a change, and how.
func (c Change) by(ctx context.Context) (by desk.By, err error) {
	by.Principal = who(ctx).Principal
	if c.Key != "" {
		by.Key = "api " + by.Name() + " " + c.Key // the keys of one person are not those of another
	}
	if c.IfMatch != "" && c.IfMatch != "*" {
		if by.Version, err = strconv.ParseUint(strings.Trim(strings.TrimPrefix(c.IfMatch, "W/"), `"`), 10, 64); err != nil || by.Version == 0 {
			return by, fault.New(fault.Invalid, "If-Match holds no ETag of ours")
		}
	}
	return by, nil
}

func etag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// operation adds an operation. It is the only way to add one, so each has a rule.
func operation[I, O any](s *server, method, path, summary string, r rule, do func(context.Context, *I) (*O, error)) {
	s.access = append(s.access, access{method, path, summary, r})
	op := huma.Operation{
		OperationID: name(method, path), Method: method, Path: path, Summary: summary, Metadata: map[string]any{"rule": r},
		Description: "For " + r.String() + ".", Errors: failures(method), Responses: answers(method, path),
	}
	if !r.open {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err == nil {
			return out, nil
		}
		if e := huma.StatusError(nil); errors.As(err, &e) {
			return nil, e
		}
		e := s.say(ctx, err, false)
		if r := who(ctx).request; e.Status == http.StatusConflict && r.Header.Get("If-Match") != "" {
			e.Status, e.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
		}
		if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
			return nil, huma.ErrorWithHeaders(e, http.Header{"Retry-After": {soon.Seconds()}})
		}
		return nil, e
	})
}

// name makes an id of an operation: "get-incidents-id".
func name(method, path string) string {
	return strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(strings.TrimPrefix(path, "/api"))
}
