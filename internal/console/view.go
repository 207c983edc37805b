package console

import (
	"cmp"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vedette/internal/api/desk"
	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// What templates say things with. All that comes from telemetry goes through see.

func (c *console) functions() template.FuncMap {
	return template.FuncMap{
		"see":      see,
		"lines":    lines,
		"cut":      func(n int, s string) string { return narrate.Cut(see(s), n) },
		"num":      func(n any) string { return narrate.Number(float(n)) },
		"amount":   narrate.Quantity,
		"percent":  narrate.Percent,
		"sure":     narrate.Confidence,
		"id":       func(n uint64) string { return narrate.ID(n) },
		"key":      func(k entity.Key) string { return narrate.ID(uint64(k)) },
		"ago":      func(t time.Time) string { return ago(c.Now(), t) },
		"ending":   ending,
		"since":    func(t time.Time) string { return ago(c.Door.Now(), t) }, // of what people do themselves
		"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"utc":      func(t time.Time) string { return narrate.Moment(t.UnixNano()) },
		"count":    func(n any, one, many string) string { return count(float(n), one, many) },
		"judged":   narrate.Judged,
		"upper":    upper,
		"lower":    strings.ToLower,
		"hasGap":   func(parts []desk.Part) bool { return ailing(parts) > 0 },
		"issuer":   issuerName,
		"verdicts": func() []incident.Verdict { return verdicts() },
	}
}

func float(n any) float64 {
	switch n := n.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case uint32:
		return float64(n)
	case uint64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// see makes what comes from telemetry fit to be looked at.
func see(s string) string { return narrate.Cut(narrate.Visible(s), 2000) }

// ending returns the end of a name that is too long, which says more of a path than its
// beginning does.
func ending(n int, s string) string {
	s = see(s)
	if len(s) <= n {
		return s
	}
	at := len(s) - n
	for at < len(s) && !utf8.RuneStart(s[at]) {
		at++
	}
	return "…" + s[at:]
}

// lines is see for what people wrote in several lines.
func lines(s string) string {
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(s), "\n")
	for i := range all {
		all[i] = narrate.Visible(all[i])
	}
	return strings.Join(all, "\n")
}

// cut returns s with at most n bytes, and whole letters.
func cut(s string, n int) string {
	for len(s) > n || !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s[:min(len(s), n)], "")
	}
	return s
}

func count(n float64, one, many string) string {
	return narrate.Number(n) + " " + plural(n, one, many)
}

func plural(n float64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// words writes small numbers as words, at the beginning of a sentence.
func words(n int) string {
	small := [...]string{"No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"}
	if n >= 0 && n < len(small) {
		return small[n]
	}
	return narrate.Number(float64(n))
}

func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// sentence makes a message one: it begins with a capital letter and ends.
func sentence(s string) string {
	s = upper(see(strings.TrimSpace(s)))
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// ago says how long ago something was, in one unit.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	in, after := "", " ago"
	if d < -time.Minute {
		d, in, after = -d, "in ", ""
	}
	n, unit := 0, ""
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return in + strconv.Itoa(int(d.Minutes())) + " min" + after
	case d < 24*time.Hour:
		return in + strconv.Itoa(int(d.Hours())) + " h" + after
	case d < 60*24*time.Hour:
		n, unit = int(d.Hours()/24), "day"
	case d < 730*24*time.Hour:
		n, unit = int(d.Hours()/24/30), "month"
	default:
		n, unit = int(d.Hours()/24/365), "year"
	}
	return in + count(float64(n), unit, unit+"s") + after
}

// verdicts are those that a person can give.
func verdicts() []incident.Verdict {
	return []incident.Verdict{incident.Malicious, incident.Suspicious, incident.Benign}
}

func isVerdict(v incident.Verdict) bool {
	return v == incident.Malicious || v == incident.Suspicious || v == incident.Benign
}

// sureness says what is thought of an incident and how sure that is.
func sureness(v incident.Verdict, confidence float64) string {
	switch v {
	case incident.Malicious, incident.Suspicious, incident.Benign, incident.NeedsPerson:
		return upper(narrate.Judged(v)) + ": " + narrate.Confidence(confidence)
	}
	return upper(narrate.Confidence(confidence))
}

func phases(all []attack.Tactic) string {
	var names []string
	for _, p := range all {
		if s := p.String(); s != "" {
			names = append(names, s)
		}
	}
	return upper(cmp.Or(strings.Join(names, ", "), "not known"))
}

func ailing(parts []desk.Part) (n int) {
	for _, p := range parts {
		if !p.Fine {
			n++
		}
	}
	return n
}

// said returns the sentence about what was done just now. The list is closed, so that an
// address can have the console say nothing else.
func said(done string) string {
	switch done {
	case "verdict":
		return "Your verdict is kept, and stands above the machine's."
	case "assigned":
		return "The assignment is kept."
	case "closed":
		return "The incident is closed. It can be opened again."
	case "reopened":
		return "The incident is open again."
	case "note":
		return "Your note is kept."
	case "marked":
		return "What was marked is done."
	case "password":
		return "Your password is changed. Your other sessions were ended."
	case "codes":
		return "One-time codes are on: signing in asks for one from now on."
	case "codes-off":
		return "One-time codes are off."
	case "session":
		return "The session is ended."
	case "revoked":
		return "The token is revoked. Programs that use it are turned away from now on."
	case "budget":
		return "The budget is changed. It holds for what is judged from now on."
	case "person":
		return "The account is changed."
	case "out":
		return "You are signed out."
	case "ended":
		return "You were signed out after a while without use. Nothing was lost."
	case "welcome":
		return "Welcome. You are the first administrator."
	}
	return ""
}
