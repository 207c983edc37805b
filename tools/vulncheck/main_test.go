package main

import (
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// stream is shaped like govulncheck's: a vulnerability is reported for its module,
// its package and each symbol; GO-2026-0002 is there but not called.
const stream = `
{"config":{"protocol_version":"v1.0.0","go_version":"go1.26.8","db_last_modified":"2026-11-05T00:00:00Z"}}
{"progress":{"message":"Scanning"}}
{"osv":{"id":"GO-2026-0001","summary":"a bad thing in crypto/tls"}}
{"osv":{"id":"GO-2026-0002","summary":"another"}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8"}]}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8","package":"crypto/tls"}]}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8","package":"crypto/tls","function":"Read","receiver":"*Conn"},{"module":"stdlib","package":"bufio","function":"Read"},{"module":"vedette","package":"vedette/internal/source/push","function":"Run"}]}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8","package":"crypto/tls","function":"Read","receiver":"*Conn"},{"module":"vedette","package":"vedette/internal/source/push","function":"Run"}]}}
{"finding":{"osv":"GO-2026-0002","trace":[{"module":"stdlib","version":"v1.26.8","package":"net/smtp"}]}}
`

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name, known string
		fails       bool
		want        []string
	}{
		{"not_known", "", true, []string{
			"go1.26.8, database of 2026-11-05: 1 reachable, 1 more",
			"FAIL GO-2026-0001 is reachable and not known: a bad thing in crypto/tls",
			"vedette/internal/source/push.Run > crypto/tls.*Conn.Read\n", // the shorter way
			"stdlib v1.26.8; fixed in v1.26.9",
			"to accept it for a while: GO-2026-0001 2027-01-24 REASON",
		}},
		{"known", "GO-2026-0001 2027-01-24 only with a listener", false, []string{"known until 2027-01-24: only with a listener"}},
		{"last_day", "GO-2026-0001 2026-11-25 r", false, nil},
		{"expired", "GO-2026-0001 2026-11-24 r", true, []string{"FAIL GO-2026-0001 expired on 2026-11-24"}},
		{"too_far_ahead", "GO-2026-0001 2027-01-25 r", true, []string{"more than 60 days from now: 2027-01-24 at most"}},
		{"no_longer_found", "GO-2026-0001 2026-12-24 r\nGO-2026-0002 2026-12-24 r # not called", false, []string{"warning: GO-2026-0002 is no longer found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parse(strings.NewReader(stream))
			if err != nil {
				t.Fatal(err)
			}
			list, err := parseKnown(c.known)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := judge(&out, r, list, today); (err != nil) != c.fails {
				t.Errorf("judged %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("said\n%s\nwithout %q", &out, want)
				}
			}
		})
	}
}

func TestParse_truncated(t *testing.T) {
	for _, s := range []string{"", `{"config":{"go_version":"go1.26.8"`, "govulncheck: no such database"} {
		if _, err := parse(strings.NewReader(s)); err == nil {
			t.Errorf("%q was taken for a clean bill", s)
		}
	}
}

func TestParseKnown_malformed(t *testing.T) {
	for text, want := range map[string]string{
		"\nGO-2026-0001 2026-12-24":                            "2: want an id",
		"GO-2026-0001 24.12.2026 r":                            "1: \"24.12.2026\" is no day",
		"CVE-2026-1 2026-12-24 r":                              "1: \"CVE-2026-1\" is no id",
		"GO-2026-0001 2026-12-24 r\nGO-2026-0001 2026-12-25 s": "2: GO-2026-0001 stands there twice",
	} {
		if _, err := parseKnown(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
