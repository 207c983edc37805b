package console

import (
	"net/http"

	"vedette/internal/auth"
	"vedette/internal/fault"
)

type setupView struct {
	Code, Name string
	First      bool // nobody is here yet
	Wrong      string
}

// showSetup asks for a password. The code that the link holds is looked at when the form is
// sent: links are opened by more than people.
func showSetup(v *visit) error {
	first, err := v.c.Door.Codes.Waiting(v.Context(), v.c.Door.Tenant)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "setup", "Set a password", setupView{Code: cut(v.URL.Query().Get("code"), 64), First: first})
}

func doSetup(v *visit) error {
	s := setupView{Code: cut(v.PostFormValue("code"), 64), Name: cut(v.PostFormValue("name"), 64)}
	password := v.PostFormValue("password")
	first, err := v.c.Door.Codes.Waiting(v.Context(), v.c.Door.Tenant)
	if err != nil {
		return err
	}
	s.First = first
	if password != v.PostFormValue("again") {
		s.Wrong = "The two passwords are not the same."
		return v.show(http.StatusBadRequest, "setup", "Set a password", s)
	}
	person, err := v.c.Door.Redeem(v.Context(), s.Code, s.Name, password, v.visitor())
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Denied || kind == fault.Invalid || kind == fault.Conflict:
		s.Wrong = message(err)
		return v.show(http.StatusBadRequest, "setup", "Set a password", s)
	default:
		return err
	}
	shown, _, err := v.c.Door.SignIn(v.Context(), person, password, "", v.visitor())
	if err != nil {
		return v.to("/login", "")
	}
	v.enter(shown)
	v.who = auth.Principal{}
	if first {
		return v.to("/", "welcome")
	}
	return v.to("/", "")
}
