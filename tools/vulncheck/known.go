package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// longest is how far ahead a line of the list may expire.
const longest = 60

// known is a line of the list: a vulnerability that is accepted until a day, which
// is the last on which it is.
type known struct {
	id     string
	until  time.Time
	reason string
}

var goID = regexp.MustCompile(`^GO-\d{4}-\d{4,}$`)

// parseKnown reads the list: an id, a day and a reason a line; # begins a comment.
func parseKnown(text string) (list []known, err error) {
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 3 {
			return nil, fmt.Errorf("%d: want an id, a day (YYYY-MM-DD) and a reason", i+1)
		}
		day, err := time.Parse(time.DateOnly, f[1])
		switch {
		case err != nil:
			return nil, fmt.Errorf("%d: %q is no day (YYYY-MM-DD)", i+1, f[1])
		case !goID.MatchString(f[0]):
			return nil, fmt.Errorf("%d: %q is no id (GO-YYYY-NNNN)", i+1, f[0])
		case seen[f[0]]:
			return nil, fmt.Errorf("%d: %s stands there twice", i+1, f[0])
		}
		seen[f[0]] = true
		list = append(list, known{f[0], day, strings.Join(f[2:], " ")})
	}
	return list, nil
}

// judge compares what was found with the list, tells w, and returns an error if
// anything is wrong.
func judge(w io.Writer, r result, list []known, now time.Time) error {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	last := today.AddDate(0, 0, longest)
	fmt.Fprintf(w, "%s, database of %s: %d reachable, %d more in what is there but never called\n",
		r.goVersion, r.database.Format(time.DateOnly), len(r.reachable), r.others)
	slices.SortFunc(r.reachable, func(a, b finding) int { return cmp.Compare(a.id, b.id) })
	wrong := 0
	fail := func(format string, args ...any) {
		wrong++
		fmt.Fprintf(w, "  FAIL "+format+"\n", args...)
	}
	byID := map[string]known{}
	for _, k := range list {
		byID[k.id] = k
		if k.until.Before(today) {
			fail("%s expired on %s: update the toolchain or the module, or decide again", k.id, k.until.Format(time.DateOnly))
		}
		if k.until.After(last) {
			fail("%s expires on %s, more than %d days from now: %s at most", k.id, k.until.Format(time.DateOnly), longest, last.Format(time.DateOnly))
		}
	}
	for _, f := range r.reachable {
		if k, ok := byID[f.id]; ok {
			fmt.Fprintf(w, "  %s known until %s: %s\n", f.id, k.until.Format(time.DateOnly), k.reason)
			delete(byID, f.id)
			continue
		}
		fail("%s is reachable and not known: %s\n%s\n       to accept it for a while: %s %s REASON",
			f.id, f.summary, f.way(), f.id, last.Format(time.DateOnly))
	}
	for _, k := range list {
		if _, unused := byID[k.id]; unused {
			fmt.Fprintf(w, "  warning: %s is no longer found; take it out of the list\n", k.id)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d wrong", wrong)
	}
	return nil
}

// way says how our code reaches the vulnerability, and what mends it.
func (f finding) way() string {
	var calls []string
	for _, c := range slices.Backward(f.trace) {
		calls = append(calls, c.String())
	}
	mend := "no fixed version is known"
	if f.fixed != "" {
		mend = "fixed in " + f.fixed
	}
	v := f.trace[0]
	return fmt.Sprintf("       %s\n       %s %s; %s", strings.Join(calls, " > "), v.Module, v.Version, mend)
}
