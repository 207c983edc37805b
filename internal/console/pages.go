package console

import "vedette/internal/auth"

// page is a route: who may use it, and what it does. What nobody may is not in the list.
type page struct {
	method, pattern string
	open            bool            // strangers may, too
	own             bool            // everybody who has signed in may: it is about themselves
	need            auth.Permission // else it takes this
	quiet           bool            // nobody makes such a request by hand
	guest           bool            // it is there in demonstrations only
	handle          func(*visit) error
}

// pages lists every page and every action. Who may what is decided here and enforced in
// serve, nowhere else.
func pages() []page {
	return []page{
		// Coming in and going out.
		{method: "GET", pattern: "/enter", open: true, guest: true, handle: doEnter},
		{method: "GET", pattern: "/setup", open: true, handle: showSetup},
		{method: "POST", pattern: "/setup", open: true, handle: doSetup},
		{method: "GET", pattern: "/login", open: true, handle: showLogin},
		{method: "POST", pattern: "/login", open: true, handle: doLogin},
		{method: "GET", pattern: "/login/elsewhere", open: true, handle: goElsewhere},
		{method: "GET", pattern: "/login/elsewhere/back", open: true, handle: comeBack},
		{method: "POST", pattern: "/logout", own: true, handle: doLogout},
		{method: "POST", pattern: "/theme", open: true, handle: doTheme},

		// What there is to see.
		{method: "GET", pattern: "/{$}", need: auth.ReadIncidents, handle: showHome},
		{method: "GET", pattern: "/incidents", need: auth.ReadIncidents, handle: showIncidents},
		{method: "POST", pattern: "/incidents", need: auth.JudgeIncidents, handle: doMarked},
		{method: "GET", pattern: "/incidents/{id}", need: auth.ReadIncidents, handle: showIncident},
		{method: "POST", pattern: "/incidents/{id}/verdict", need: auth.JudgeIncidents, handle: doVerdict},
		{method: "POST", pattern: "/incidents/{id}/assign", need: auth.JudgeIncidents, handle: doAssign},
		{method: "POST", pattern: "/incidents/{id}/close", need: auth.JudgeIncidents, handle: doClose},
		{method: "POST", pattern: "/incidents/{id}/reopen", need: auth.JudgeIncidents, handle: doReopen},
		{method: "POST", pattern: "/incidents/{id}/notes", need: auth.WriteNotes, handle: doNote},
		{method: "GET", pattern: "/entities", need: auth.ReadIncidents, handle: showEntities},
		{method: "GET", pattern: "/entities/{key}", need: auth.ReadIncidents, handle: showEntity},
		{method: "GET", pattern: "/sources", need: auth.ReadIncidents, handle: showSources},
		{method: "GET", pattern: "/search", need: auth.ReadIncidents, handle: showSearch},
		{method: "GET", pattern: "/help", open: true, handle: showHelp},
		{method: "GET", pattern: "/changes", need: auth.ReadIncidents, quiet: true, handle: showChanges},

		// Settings: one's own, then everybody's.
		{method: "GET", pattern: "/settings", own: true, handle: showSettings},
		{method: "POST", pattern: "/settings/password", own: true, handle: doPassword},
		{method: "POST", pattern: "/settings/codes", own: true, handle: doCodes},
		{method: "POST", pattern: "/settings/codes/off", own: true, handle: doCodesOff},
		{method: "POST", pattern: "/settings/sessions", own: true, handle: doEndSession},
		{method: "POST", pattern: "/settings/tokens", own: true, handle: doToken},
		{method: "POST", pattern: "/settings/tokens/revoke", own: true, handle: doRevoke},
		{method: "POST", pattern: "/settings/budget", need: auth.ManageSettings, handle: doBudget},
		{method: "GET", pattern: "/settings/people", need: auth.ManagePeople, handle: showPeople},
		{method: "POST", pattern: "/settings/people", need: auth.ManagePeople, handle: doInvite},
		{method: "POST", pattern: "/settings/people/{name}", need: auth.ManagePeople, handle: doPerson},
		{method: "GET", pattern: "/settings/audit", need: auth.ReadAudit, handle: showAudit},
	}
}
