package console

import (
	"net/http"
	"net/url"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

type peopleView struct {
	People []desk.Person
	Roles  []roleView
	Wrong  string
	Code   string // that was made just now
	For    string
}

type roleView struct{ Name, Says string }

func roles() (all []roleView) {
	for _, r := range auth.Roles() {
		all = append(all, roleView{string(r), roleSays(r)})
	}
	return all
}

func roleSays(r auth.Role) string {
	switch r {
	case auth.Viewer:
		return "looks"
	case auth.Analyst:
		return "decides what an incident is"
	case auth.Responder:
		return "decides what is done about it"
	case auth.Clinical:
		return "answers for medical devices and controllers"
	case auth.Administrator:
		return "keeps the system"
	case auth.Auditor:
		return "looks at everything, changes nothing"
	}
	return ""
}

// issuerName returns what people know an issuer by: its host.
func issuerName(issuer string) string {
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return issuer
}

func showPeople(v *visit) error { return v.people(http.StatusOK, func(*peopleView) {}) }

func (v *visit) people(status int, change func(*peopleView)) error {
	all, err := v.c.People.People(v.Context(), v.who.Tenant())
	if err != nil {
		return err
	}
	s := peopleView{People: all, Roles: roles()}
	change(&s)
	return v.show(status, "people", "People", s)
}

func (v *visit) peopled(err error) error {
	if err == nil {
		return v.to("/settings/people", "person")
	}
	status, t := explain(err)
	if status == http.StatusInternalServerError {
		return err
	}
	return v.people(status, func(s *peopleView) { s.Wrong = t.Next })
}

// doInvite makes an account, and the one-time code by which its owner sets a password.
func doInvite(v *visit) error {
	code, name, err := v.c.Door.Invite(v.Context(), v.by(), v.PostFormValue("name"), auth.Role(v.PostFormValue("role")))
	if err != nil {
		return v.peopled(err)
	}
	return v.people(http.StatusOK, func(s *peopleView) { s.Code, s.For = code, name })
}

func doPerson(v *visit) error {
	name, err := auth.Name(v.PathValue("name"))
	if err != nil {
		return err
	}
	ctx, by := v.Context(), v.by()
	switch v.PostFormValue("do") {
	case "role":
		r, err := auth.ParseRole(v.PostFormValue("role"))
		if err != nil {
			return v.peopled(err)
		}
		return v.peopled(v.c.People.SetRole(ctx, by, name, r))
	case "disable":
		return v.peopled(v.c.People.SetDisabled(ctx, by, name, true))
	case "enable":
		return v.peopled(v.c.People.SetDisabled(ctx, by, name, false))
	case "end":
		return v.peopled(v.c.Door.EndSessions(ctx, by, name))
	case "code":
		p, err := v.c.People.Person(ctx, v.who.Tenant(), name)
		if err != nil {
			return err
		}
		code, _, err := v.c.Door.Invite(ctx, by, name, p.Role)
		if err != nil {
			return v.peopled(err)
		}
		return v.people(http.StatusOK, func(s *peopleView) { s.Code, s.For = code, name })
	}
	return v.peopled(fault.New(fault.Invalid, "nothing of that name can be done to an account"))
}
