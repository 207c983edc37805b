package console

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/api/guard"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

// Names of cookies. With TLS, browsers are told to keep them for this host alone.
const (
	formCookie  = "vedette-form" // of strangers: what their forms are signed for
	themeCookie = "vedette-theme"
)

// quietHeader marks requests of our script that nobody made by hand: they do not keep a
// session alive.
const quietHeader = "X-Vedette-Quiet"

// visit is one request of somebody.
type visit struct {
	*http.Request
	w       http.ResponseWriter
	c       *console
	page    page
	who     auth.Principal
	session auth.Session
	form    auth.Hash // what forms are signed for
	why     error     // why a stranger is not admitted, if a session was shown
}

// Errors of requests as such.
var (
	errNoPage = fault.New(fault.NotFound, "there is no such page")
	errForm   = fault.New(fault.Denied, "the form did not come from this console, or from before you signed in. Nothing was changed. Go back, load the page again and send it once more")
	errSignIn = fault.New(fault.Denied, "please sign in")
)

// serve answers requests for a page: it finds out who asks, whether they may, and whether
// they meant it.
func (c *console) serve(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Request: r, w: w, c: c, page: p}
		if err := v.admit(); err != nil {
			v.fail(err)
			return
		}
		if err := v.allowed(); err != nil {
			v.fail(err)
			return
		}
		if err := p.handle(v); err != nil {
			v.fail(err)
		}
	}
}

// admit finds out who asks.
func (v *visit) admit() error {
	if k, err := v.Cookie(v.c.sessionCookie()); err == nil {
		who, s, err := v.c.Door.Admit(v.Context(), k.Value, v.page.quiet || v.Header.Get(quietHeader) != "")
		switch {
		case err == nil:
			v.who, v.session, v.form = who, s, s.Hash
			return nil
		case fault.KindOf(err) != fault.Denied:
			return err
		}
		v.why = err
	}
	if k, err := v.Cookie(v.c.cookie(formCookie)); err == nil && len(k.Value) == 43 {
		v.form = auth.HashOf(k.Value)
	}
	return nil
}

// allowed is the one place where it is decided whether somebody may.
func (v *visit) allowed() error {
	stranger := v.who.Name() == ""
	switch {
	case v.page.open:
	case stranger:
		return errSignIn
	case v.page.own:
	default:
		if err := v.who.Require(v.page.need); err != nil {
			return err
		}
	}
	if v.Method == http.MethodGet || v.Method == http.MethodHead {
		return nil
	}
	if err := v.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "the form is too large, or could not be read")
	}
	if !auth.CheckForm(v.c.Door.Key, v.form, v.PostFormValue("form")) {
		return errForm
	}
	return nil
}

func (c *console) sessionCookie() string { return guard.SessionCookie(c.options.TLS) }

func (c *console) cookie(name string) string {
	if c.options.TLS {
		return "__Host-" + name
	}
	return name
}

func (v *visit) setCookie(name, value string, lasts time.Duration) {
	http.SetCookie(v.w, &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: v.c.options.TLS, MaxAge: int(lasts.Seconds()),
	})
}

func (v *visit) dropCookie(name string) { v.setCookie(name, "", -time.Second) }

// token returns what a form must bring back. A stranger gets something to sign it for.
func (v *visit) token() (string, error) {
	if v.form == (auth.Hash{}) {
		secret, err := v.random()
		if err != nil {
			return "", err
		}
		v.form = auth.HashOf(secret)
		v.setCookie(v.c.cookie(formCookie), secret, 0)
	}
	return auth.FormToken(v.c.Door.Key, v.form), nil
}

func (v *visit) random() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(v.c.Door.Random, b[:]); err != nil {
		return "", fmt.Errorf("drawing a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func (v *visit) visitor() desk.Visitor {
	return desk.Visitor{Address: guard.Address(v.Request), Agent: cut(v.UserAgent(), 200)}
}

// by returns who changes something with the form that was sent.
func (v *visit) by() desk.By {
	by := desk.By{Principal: v.who}
	if once := v.PostFormValue("once"); len(once) == 43 {
		by.Key = "form " + once
	}
	by.Version, _ = strconv.ParseUint(v.PostFormValue("version"), 10, 64) // without: whatever it is
	return by
}

// shell is what every page shows around its own.
type shell struct {
	Title, Here    string
	Style, Script  string
	Theme          string
	Site, Version  string
	Who            auth.Principal
	Token, Once    string
	Back           string // this page
	Query          string
	Done           string // what was done just now
	Parts          []desk.Part
	Live           bool // the page changes by itself
	Now            time.Time
	Data           any
	People, System bool
	Trail          bool // may read the audit
}

// show writes a page.
func (v *visit) show(status int, name, title string, data any) error {
	token, err := v.token()
	if err != nil {
		return err
	}
	once, err := v.random()
	if err != nil {
		return err
	}
	here, _, _ := strings.Cut(strings.TrimPrefix(v.page.pattern, "/"), "/")
	s := shell{
		Title: title, Here: here, Style: v.c.style, Script: v.c.script, Site: v.c.Site, Version: v.c.Version,
		Who: v.who, Token: token, Once: once, Back: v.URL.RequestURI(), Query: see(cut(v.URL.Query().Get("q"), 200)), Done: said(v.URL.Query().Get("done")), Now: v.c.Now(), Data: data,
		Live: here == "incidents" || here == "{$}" || here == "sources", People: v.who.May(auth.ManagePeople), System: v.who.May(auth.ManageSettings),
		Trail: v.who.May(auth.ReadAudit),
	}
	if v.Method != http.MethodGet || strings.HasPrefix(v.page.pattern, "/login/elsewhere") {
		s.Back, s.Query = "/", ""
	}
	if k, err := v.Cookie(themeCookie); err == nil && (k.Value == "light" || k.Value == "dark") {
		s.Theme = k.Value
	}
	if v.who.Name() != "" {
		if s.Parts, err = v.c.Overview.Health(v.Context(), v.who.Tenant()); err != nil {
			s.Parts = []desk.Part{{Name: "Health", Says: "could not be asked"}}
		}
	}
	return v.write(status, v.c.pages[name], s)
}

func (v *visit) write(status int, t *template.Template, s shell) error {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", s); err != nil {
		return fmt.Errorf("writing a page: %w", err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = b.WriteTo(v.w) // an error is the reader's having gone
	return nil
}

// to sends the browser to another page of ours, which says what was done.
func (v *visit) to(address, done string) error {
	u, err := url.Parse(local(address))
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Del("done")
	if done != "" {
		q.Set("done", done)
	}
	u.RawQuery = q.Encode()
	http.Redirect(v.w, v.Request, u.String(), http.StatusSeeOther)
	return nil
}

// local returns the address if it leads to a page of ours, else that of Home.
func local(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "":
		return "/"
	case !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n\t"):
		return "/"
	}
	return address
}

// trouble is what the page about an error says.
type trouble struct {
	What, Safe, Next string
	SignIn           bool
}

// fail answers with a page that says what happened, what is safe and what to do.
func (v *visit) fail(err error) {
	status, t := explain(err)
	if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
		v.retryAfter(soon)
	}
	switch stranger := v.who.Name() == "" && errors.Is(err, errSignIn); {
	case stranger && v.page.quiet:
		v.w.WriteHeader(http.StatusUnauthorized)
		return
	case stranger && v.Method == http.MethodGet:
		q := url.Values{}
		if back := v.URL.RequestURI(); back != "/" {
			q.Set("next", back)
		}
		if v.why != nil {
			q.Set("done", "ended")
		}
		http.Redirect(v.w, v.Request, strings.TrimSuffix("/login?"+q.Encode(), "?"), http.StatusSeeOther)
		return
	case stranger:
		status, t.SignIn = http.StatusUnauthorized, true
	}
	if status == http.StatusInternalServerError {
		v.c.options.Log.ErrorContext(v.Context(), "a page failed", "method", v.Method, "page", v.page.pattern, "error", err)
	}
	if errShow := v.show(status, "trouble", t.What, t); errShow != nil {
		v.c.options.Log.ErrorContext(v.Context(), "the page about an error failed", "error", errShow)
		http.Error(v.w, "Something failed, and so did the page that should say what. Nothing was changed by reading a page.", http.StatusInternalServerError)
	}
}

// retryAfter tells programs how long to wait.
func (v *visit) retryAfter(soon *desk.TooSoon) {
	v.w.Header().Set("Retry-After", soon.Seconds())
}

// explain puts an error into words. What is ours alone is not told to the world.
func explain(err error) (status int, t trouble) {
	safe := "Nothing was changed."
	if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
		return http.StatusTooManyRequests, trouble{"Too many attempts.", safe, message(err), false}
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest, trouble{"This could not be done as it was asked.", safe, message(err), false}
	case fault.NotFound:
		return http.StatusNotFound, trouble{"There is nothing here.", "Nothing is broken: the address leads to nothing that is kept.", message(err), false}
	case fault.Unreadable:
		return http.StatusInternalServerError, trouble{"Something is kept but cannot be read.", safe, message(err), false}
	case fault.Denied:
		return http.StatusForbidden, trouble{"This is not for you to do, or not like this.", safe, message(err), false}
	case fault.Conflict:
		return http.StatusConflict, trouble{"Somebody, or the machine, was faster.", "What they did stands; what you sent was not done.", message(err), false}
	case fault.Unavailable:
		return http.StatusServiceUnavailable, trouble{"This is not possible at the moment.", safe, message(err), false}
	}
	return http.StatusInternalServerError, trouble{
		"Something failed within Vedette.", "Telemetry goes on being received and judged. What you asked for may not have been done.",
		"Try again. If it stays, look at the log of the program: it says what failed, and when.", false,
	}
}

// message returns what an error says to people: that of the kind, without what callers
// have put around it.
func message(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return sentence(e.Error())
	}
	if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
		return sentence(soon.Error())
	}
	return "Try again."
}
