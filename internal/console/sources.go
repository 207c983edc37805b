package console

import (
	"net/http"
	"strconv"

	"vedette/internal/api/desk"
)

type sourcesView struct {
	Rows    []sourceRow
	Total   desk.Source
	Gaps    int
	Off     int64 // what the account of all does not explain
	Says    string
	Manage  bool
	Reasons int    // most reasons of a source
	Before  int    // sources on pages before this one
	Next    string // address of the next page; empty if there is none
	Heads   map[string]head
}

type sourceRow struct {
	desk.Source
	Word  string // how it does, in a word
	Wrong bool
	Off   int64 // received less decoded, rejected and lost: 0, or we do not count right
	Hours []hour
}

// hour is a bar of the last day, in percent.
type hour struct{ X, Y, Width, Height string }

func showSources(v *visit) error {
	all, err := v.c.Sources.Sources(v.Context(), v.who.Tenant())
	if err != nil {
		return err
	}
	var s sourcesView
	for _, o := range all {
		r := sourceRow{Source: o, Word: string(o.State), Off: o.Received - o.Decoded - o.Rejected - o.Lost}
		r.Wrong = o.State == desk.Gap || o.State == desk.Silent || o.State == desk.Failed
		if r.Wrong {
			s.Gaps++
		}
		r.Hours = bars(o.Hours)
		s.Rows = append(s.Rows, r)
		s.Total.Received += o.Received
		s.Total.Decoded += o.Decoded
		s.Total.Rejected += o.Rejected
		s.Total.Lost += o.Lost
		s.Off += r.Off
	}
	q := v.URL.Query()
	o := ordered(q)
	s.sort(o)
	s.Heads = heads("/sources", q, o, sortable{"name", "Source", "", true}, sortable{"received", "Received", "n", false}, sortable{"decoded", "= decoded", "n", false},
		sortable{"rejected", "+ rejected", "n", false}, sortable{"lost", "+ lost", "n", false}, sortable{"last", "Last record", "", false})
	s.Before = turned(v.URL.Query().Get("from"), len(s.Rows))
	if s.Rows = s.Rows[s.Before:]; len(s.Rows) > mostSources {
		s.Rows = s.Rows[:mostSources]
		q.Set("from", strconv.Itoa(s.Before+mostSources))
		s.Next = "/sources?" + q.Encode()
	}
	switch {
	case len(all) == 0:
		s.Says = "No source is set up yet."
	case s.Gaps > 0:
		s.Says = words(s.Gaps) + " of " + count(float64(len(all)), "source", "sources") + " " + plural(float64(s.Gaps), "is not as it", "are not as they") + " should be."
	default:
		s.Says = "Every source is as it should be."
	}
	return v.show(http.StatusOK, "sources", "Sources", s)
}

// mostSources is how many stand on a page. Those with something wrong come first.
const mostSources = 200

// turned returns where a page of a list of n begins.
func turned(from string, n int) int {
	at, err := strconv.Atoi(from)
	if err != nil {
		return 0
	}
	return max(0, min(at, n))
}

// bars draws counts, the latest at the right.
func bars(counts []int64) (all []hour) {
	most := int64(0)
	for _, n := range counts {
		most = max(most, n)
	}
	if most == 0 {
		return nil
	}
	w := 100 / float64(len(counts))
	for i, n := range counts {
		h := 100 * float64(n) / float64(most)
		if n > 0 {
			h = max(h, 4)
		}
		all = append(all, hour{percent(float64(i)*w + w*0.15), percent(100 - h), percent(w * 0.7), percent(h)})
	}
	return all
}
