package console

import (
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/narrate"
)

type settingsView struct {
	Strong   bool
	Issuer   string // where the person signs in; empty: here
	Sessions []sessionRow
	Tokens   []tokenRow
	Scopes   []scope
	Budget   desk.Budget
	Daily    string // what the budget means here
	System   bool   // may change it
	Wrong    string
	Shown    string // a token that was made just now
	For      string // what it is for
	Code     *codeView
}

type sessionRow struct {
	desk.Seat
	Hash string
	Here bool
}

type tokenRow struct {
	desk.TokenRow
	Hash  string
	Names string
	State string
}

type scope struct{ Name, Says string }

// codeView is the enrolment of an authenticator. The secret goes with the form: it is worth
// nothing until the code proves that somebody holds it.
type codeView struct {
	Secret, Text string
	Address      template.URL
	QR           *qrView
}

func showSettings(v *visit) error {
	return v.settings(http.StatusOK, func(*settingsView) {})
}

func (v *visit) settings(status int, change func(*settingsView)) error {
	ctx, tenant, name := v.Context(), v.who.Tenant(), v.who.Name()
	me, err := v.c.People.Person(ctx, tenant, name)
	if err != nil {
		return err
	}
	s := settingsView{Strong: me.Strong, Issuer: issuerName(me.Issuer), System: v.who.May(auth.ManageSettings), Scopes: scopes(v.who)}
	seats, err := v.c.Door.Sessions.Sessions(ctx, tenant, name)
	if err != nil {
		return err
	}
	for _, o := range seats {
		s.Sessions = append(s.Sessions, sessionRow{o, hex.EncodeToString(o.Session.Hash[:]), o.Session.Hash == v.session.Hash})
	}
	tokens, err := v.c.Door.Tokens.Tokens(ctx, tenant, name)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		r := tokenRow{t, hex.EncodeToString(t.Hash[:]), strings.Join(t.Scopes.Names(), ", "), "valid"}
		if t.Revoked {
			r.State = "revoked"
		} else if !v.c.Door.Now().Before(t.Expires) {
			r.State = "expired"
		}
		s.Tokens = append(s.Tokens, r)
	}
	if s.Budget, err = v.c.Settings.Budget(ctx, tenant); err != nil {
		return err
	}
	promise, err := v.c.Overview.Promise(ctx, tenant)
	if err != nil {
		return err
	}
	s.Daily = daily(s.Budget.PerThousand, promise.Entities)
	if !s.Strong && v.URL.Query().Get("codes") != "" || v.page.pattern == "/settings/codes" {
		if s.Code, err = v.enrol(); err != nil {
			return err
		}
	}
	change(&s)
	return v.show(status, "settings", "Settings", s)
}

// daily says what a budget means for as many entities.
func daily(budget float64, entities int) string {
	n := budget * float64(entities) / 1000
	switch {
	case n >= 1:
		return "With " + count(float64(entities), "entity", "entities") + " that is " + narrate.Number(n) + " a day."
	case n > 0:
		return "With " + count(float64(entities), "entity", "entities") + " that is one in " + narrate.Number(1/n) + " days."
	}
	return ""
}

// scopes are what somebody may give to a token.
func scopes(p auth.Principal) (all []scope) {
	for n := range auth.Permission(64) {
		if p.May(n) && auth.ForTokens().Has(n) {
			all = append(all, scope{n.String(), n.Says()})
		}
	}
	return all
}

func (v *visit) enrol() (*codeView, error) {
	secret, err := base64.RawURLEncoding.DecodeString(v.PostFormValue("secret"))
	if err != nil || len(secret) != 20 {
		if secret, err = auth.NewTOTP(v.c.Door.Random); err != nil {
			return nil, err
		}
	}
	text := auth.TOTPText(secret)
	var groups []string
	for g := range slices.Chunk([]byte(text), 4) {
		groups = append(groups, string(g))
	}
	address := auth.TOTPAddress(secret, "Vedette "+v.c.Site, v.who.Name())
	code, err := qrCode(address)
	if err != nil {
		return nil, err
	}
	return &codeView{
		base64.RawURLEncoding.EncodeToString(secret), strings.Join(groups, " "),
		template.URL(address), //nolint:gosec // made by auth, every part escaped
		code,
	}, nil
}

// settled leads back to the settings, or shows them with what is wrong.
func (v *visit) settled(err error, done string) error {
	if err == nil {
		return v.to("/settings", done)
	}
	status, t := explain(err)
	if status == http.StatusInternalServerError {
		return err
	}
	return v.settings(status, func(s *settingsView) { s.Wrong = t.Next })
}

func doPassword(v *visit) error {
	if v.PostFormValue("password") != v.PostFormValue("again") {
		return v.settled(fault.New(fault.Invalid, "the two passwords are not the same"), "")
	}
	return v.settled(v.c.Door.ChangePassword(v.Context(), v.by(), v.PostFormValue("old"), v.PostFormValue("password"), v.visitor()), "password")
}

func doCodes(v *visit) error {
	secret, err := base64.RawURLEncoding.DecodeString(v.PostFormValue("secret"))
	if err != nil || len(secret) != 20 {
		return v.settled(fault.New(fault.Invalid, "the secret is not one of ours; begin again"), "")
	}
	return v.settled(v.c.Door.UseCodes(v.Context(), v.by(), v.PostFormValue("password"), secret, v.PostFormValue("code"), v.visitor()), "codes")
}

func doCodesOff(v *visit) error {
	return v.settled(v.c.Door.DropCodes(v.Context(), v.by(), v.PostFormValue("password"), v.visitor()), "codes-off")
}

func readHash(s string) (h auth.Hash, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, fault.New(fault.NotFound, "there is no such thing")
	}
	return auth.Hash(b), nil
}

func doEndSession(v *visit) error {
	h, err := readHash(v.PostFormValue("hash"))
	if err == nil {
		err = v.c.Door.EndSession(v.Context(), v.by(), h)
	}
	return v.settled(err, "session")
}

func doRevoke(v *visit) error {
	h, err := readHash(v.PostFormValue("hash"))
	if err == nil {
		err = v.c.Door.RevokeToken(v.Context(), v.by(), h)
	}
	return v.settled(err, "revoked")
}

func doToken(v *visit) error {
	may, err := auth.ParsePermissions(v.PostForm["scope"]...)
	if err != nil {
		return v.settled(err, "")
	}
	days, err := strconv.Atoi(v.PostFormValue("days"))
	if err != nil || days < 1 || days > 366 {
		return v.settled(fault.New(fault.Invalid, "a token lasts from 1 to 366 days"), "")
	}
	purpose := cut(v.PostFormValue("purpose"), 100)
	shown, _, err := v.c.Door.MakeToken(v.Context(), v.by(), purpose, may, time.Duration(days)*24*time.Hour)
	if err != nil {
		return v.settled(err, "")
	}
	return v.settings(http.StatusOK, func(s *settingsView) { s.Shown, s.For = shown, purpose })
}

func doBudget(v *visit) error {
	n, err := strconv.ParseFloat(strings.TrimSpace(v.PostFormValue("budget")), 64)
	if err != nil || !(n >= 0.01 && n <= 100) {
		return v.settled(fault.New(fault.Invalid, "the budget is a number from 0.01 to 100"), "")
	}
	return v.settled(v.c.Settings.SetBudget(v.Context(), v.by(), n), "budget")
}
