package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/audit"
	"vedette/internal/fault"
)

type auditView struct {
	Rows    []auditRow
	Chain   desk.Chain
	Actor   string
	Action  string
	From    string // days
	Until   string
	Chosen  bool // not all entries are asked for
	Later   string
	Earlier string // addresses of other pages; empty if there are none
	Whole   string // address that follows the whole chain
}

type auditRow struct {
	audit.Entry
	At   time.Time
	Says string
	Link desk.Link
}

const auditRows = 50

// showAudit shows who did what, and whether the record of it holds.
func showAudit(v *visit) error {
	q := v.URL.Query()
	s := auditView{Actor: cut(q.Get("actor"), 64), Action: cut(q.Get("action"), 64), From: cut(q.Get("from"), 10), Until: cut(q.Get("until"), 10)}
	f := desk.AuditFilter{Actor: strings.TrimSpace(s.Actor), Action: strings.TrimSpace(s.Action)}
	var err error
	if f.From, err = day(s.From); err != nil {
		return err
	}
	if f.Until, err = day(s.Until); err != nil {
		return err
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1) // that day, too
	}
	s.Chosen = f != desk.AuditFilter{}
	if s.Chain, err = v.c.Audit.Chain(v.Context(), v.who.Tenant(), q.Get("whole") != ""); err != nil {
		return err
	}
	all, next, err := v.c.Audit.Entries(v.Context(), v.who.Tenant(), f, q.Get("cursor"), auditRows)
	if err != nil {
		return err
	}
	for _, e := range all {
		s.Rows = append(s.Rows, auditRow{e, time.Unix(0, e.Time), detail(e.Detail), s.Chain.Link(e)})
	}
	at := func(cursor, whole string) string {
		to := url.Values{}
		for name, value := range map[string]string{"actor": s.Actor, "action": s.Action, "from": s.From, "until": s.Until, "cursor": cursor, "whole": whole} { // any order: Encode sorts
			if value != "" {
				to.Set(name, value)
			}
		}
		return strings.TrimSuffix("/settings/audit?"+to.Encode(), "?")
	}
	if next != "" {
		s.Earlier = at(next, "")
	}
	if q.Get("cursor") != "" {
		s.Later = at("", "")
	}
	s.Whole = at(q.Get("cursor"), "1")
	return v.show(http.StatusOK, "audit", "Audit", s)
}

// day reads a day as browsers send it.
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fault.New(fault.Invalid, "a day is written like 2026-03-24")
	}
	return t, nil
}

// detail writes what an entry says beside who did what to what: names and values.
func detail(s string) string {
	var all map[string]any
	if json.Unmarshal([]byte(s), &all) != nil {
		return s
	}
	var parts []string
	for name, value := range all { // any order: they are sorted below
		if list, ok := value.([]any); ok {
			value = strings.Trim(fmt.Sprint(list), "[]")
		}
		parts = append(parts, fmt.Sprintf("%s: %v", name, value))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
