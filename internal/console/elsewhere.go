package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/fault"
)

// awayCookie holds, sealed, what ties the answer of an issuer to this browser. It comes back
// with a page that another site leads to, so it cannot be as strict as the others.
const (
	awayCookie = "vedette-away"
	awayLasts  = 10 * time.Minute
)

// elsewhere returns what people know the issuer by; empty if there is none.
func (c *console) elsewhere() string {
	if c.Door.Elsewhere == nil {
		return ""
	}
	return c.Door.Elsewhere.Issuer.Name()
}

// goElsewhere sends the browser to the issuer.
func goElsewhere(v *visit) error {
	address, carried, err := v.c.Door.Begin(v.Context(), local(v.URL.Query().Get("next")))
	if err != nil {
		return v.notIn(err)
	}
	v.setAway(carried, awayLasts)
	http.Redirect(v.w, v.Request, address, http.StatusSeeOther)
	return nil
}

func (v *visit) setAway(value string, lasts time.Duration) {
	http.SetCookie(v.w, &http.Cookie{
		Name: v.c.cookie(awayCookie), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: v.c.options.TLS, MaxAge: int(lasts.Seconds()),
	})
}

// backView is the page that leads on from the issuer to ours. A redirect would not do: to
// the browser it would still be the other site that leads here, and it would not show the
// session.
type backView struct{ Next string }

// comeBack lets in who comes back from the issuer.
func comeBack(v *visit) error {
	q := v.URL.Query()
	carried := ""
	if k, err := v.Cookie(v.c.cookie(awayCookie)); err == nil {
		carried = k.Value
	}
	v.setAway("", -time.Second)
	if q.Get("error") != "" { // in words of ours: those in the address may be anybody's
		return v.notIn(fault.New(fault.Denied, v.c.elsewhere()+" did not sign you in; you may have declined, or may not use Vedette"))
	}
	shown, next, err := v.c.Door.Finish(v.Context(), carried, q.Get("state"), q.Get("code"), v.visitor())
	if err != nil {
		return v.notIn(err)
	}
	v.enter(shown)
	u, err := url.Parse(local(next))
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	v.w.Header().Set("Refresh", "0; url="+u.String())
	return v.show(http.StatusOK, "back", "Signed in", backView{u.String()})
}

// notIn shows the page to sign in at, with why it did not work elsewhere. Signing in with a
// password goes on working.
func (v *visit) notIn(err error) error {
	status, t := explain(err)
	if status == http.StatusInternalServerError || status == http.StatusNotFound {
		return err
	}
	if soon := (*desk.TooSoon)(nil); errors.As(err, &soon) {
		v.retryAfter(soon)
	}
	waiting, err := v.c.Door.Codes.Waiting(v.Context(), v.c.Door.Tenant)
	if err != nil {
		return err
	}
	return v.show(status, "login", "Sign in", loginView{Wrong: t.Next, Elsewhere: v.c.elsewhere(), Next: "/", Waiting: waiting})
}
