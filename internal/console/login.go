package console

import (
	"errors"
	"net/http"

	"vedette/internal/api/desk"
	"vedette/internal/fault"
)

type loginView struct {
	Name, Next string
	Wrong      string
	Waiting    bool   // nobody is here yet
	Elsewhere  string // where else to sign in
}

func showLogin(v *visit) error {
	if v.who.Name() != "" {
		return v.to(v.URL.Query().Get("next"), "")
	}
	waiting, err := v.c.Door.Codes.Waiting(v.Context(), v.c.Door.Tenant)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "login", "Sign in", loginView{Next: local(v.URL.Query().Get("next")), Waiting: waiting, Elsewhere: v.c.elsewhere()})
}

func doLogin(v *visit) error {
	name, next := v.PostFormValue("name"), local(v.PostFormValue("next"))
	shown, _, err := v.c.Door.SignIn(v.Context(), name, v.PostFormValue("password"), v.PostFormValue("code"), v.visitor())
	if soon := (*desk.TooSoon)(nil); err != nil && fault.KindOf(err) != fault.Denied && !errors.As(err, &soon) {
		return err
	} else if soon != nil {
		v.retryAfter(soon)
		return v.show(http.StatusTooManyRequests, "login", "Sign in", loginView{Name: cut(name, 64), Next: next, Wrong: message(err), Elsewhere: v.c.elsewhere()})
	} else if err != nil {
		return v.show(http.StatusUnauthorized, "login", "Sign in", loginView{Name: cut(name, 64), Next: next, Wrong: message(err), Elsewhere: v.c.elsewhere()})
	}
	v.enter(shown)
	return v.to(next, "")
}

// enter gives the browser a session in place of any it had.
func (v *visit) enter(shown string) {
	v.setCookie(v.c.sessionCookie(), shown, 0)
	v.dropCookie(v.c.cookie(formCookie))
}

func doLogout(v *visit) error {
	if err := v.c.Door.EndSession(v.Context(), v.by(), v.session.Hash); err != nil {
		return err
	}
	v.dropCookie(v.c.sessionCookie())
	return v.to("/login", "out")
}

// doTheme keeps which of the two themes somebody wants, or that the system decides.
func doTheme(v *visit) error {
	const long = 365 * 24 * 3600e9
	switch theme := v.PostFormValue("theme"); theme {
	case "light", "dark":
		v.setCookie(themeCookie, theme, long)
	default:
		v.dropCookie(themeCookie)
	}
	return v.to(v.PostFormValue("back"), "")
}
