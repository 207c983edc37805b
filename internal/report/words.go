package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// What both the terminal and the page say.

func (r Report) headline() string {
	n := r.surfaced()
	switch {
	case n == 0 && r.Events == 0 && r.Late > 0:
		return "There was nothing new to look at."
	case n == 0 && r.Events == 0:
		return "There was nothing to look at."
	case n == 0:
		return "Nothing found that is worth a person's time."
	case n == 1:
		return "One incident is worth a person's time."
	}
	return inWords(n) + " incidents are worth a person's time."
}

func inWords(n int) string {
	words := [...]string{"No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"}
	if n < len(words) {
		return words[n]
	}
	return narrate.Number(float64(n))
}

// seen says what was looked at: how much, of whom, over which time.
func (r Report) seen() string {
	s := count(r.Events, "event", "events") + " from " + count(int64(len(r.Sources)), "source", "sources") +
		" about " + count(int64(r.Entities), "entity", "entities") + " of ours"
	if r.Late > 0 {
		s += " (" + narrate.Number(float64(r.Late)) + " more are from before what was learned already, and were left out)"
	}
	from, to := r.period()
	if to == 0 {
		return s + "."
	}
	const minute = int64(time.Minute)
	s += ", " + narrate.Span(from-from%minute, to-to%minute)
	if d := float64(to-from) / 1e9; d >= 60 {
		s += " (" + narrate.Duration(d) + ")"
	}
	return s + "."
}

func (r Report) period() (from, to int64) {
	for _, s := range r.Sources {
		if s.Last == 0 {
			continue
		}
		if to == 0 || s.First < from {
			from = s.First
		}
		to = max(to, s.Last)
	}
	return from, to
}

// promise says what the budget means here.
func (r Report) promise() string {
	s := "Budget: at most " + narrate.Number(r.Budget) + " false " + one(r.Budget, "incident", "incidents") + " shown per 1,000 entities and day"
	if daily := r.Budget * float64(r.Entities) / 1000; daily >= 1 {
		s += "; with " + count(int64(r.Entities), "entity", "entities") + " that is " + narrate.Number(daily) + " a day"
	} else if daily > 0 {
		s += "; with " + count(int64(r.Entities), "entity", "entities") + " that is one in " + narrate.Number(1/daily) + " days"
	}
	return s + "."
}

func (r Report) learning() string {
	if r.Learning >= 1 {
		return "Learning: the learning period is over."
	}
	return "Learning: " + narrate.Percent(max(0, r.Learning)) + " of the learning period has passed. Until it is over, the budget is an aim and not yet a promise."
}

func count(n int64, singular, plural string) string {
	return narrate.Number(float64(n)) + " " + one(float64(n), singular, plural)
}

func one(n float64, singular, plural string) string {
	if n == 1 {
		return singular
	}
	return plural
}

// sureness says what the verdict is and how sure it is.
func sureness(i incident.Incident) string {
	switch i.Verdict {
	case incident.Malicious:
		return "Malicious: " + narrate.Confidence(i.Confidence)
	case incident.Suspicious:
		return "Suspicious: " + narrate.Confidence(i.Confidence)
	case incident.Benign:
		return "Explained as benign: " + narrate.Confidence(i.Confidence)
	case incident.NeedsPerson:
		return "A person must judge: " + narrate.Confidence(i.Confidence)
	}
	return "Not judged yet"
}

func phases(i incident.Incident) string {
	var names []string
	for _, p := range i.Phases {
		if p != attack.NoTactic {
			names = append(names, p.String())
		}
	}
	if len(names) == 0 {
		return "not known"
	}
	return strings.Join(names, ", ")
}

// facets returns the facets of an incident that count, the strongest first.
func facets(i incident.Incident) []finding.Facet {
	var all []finding.Facet
	for f := range finding.Facets {
		if i.Facets[f] > 0 {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b finding.Facet) int { return cmp.Compare(i.Facets[b], i.Facets[a]) })
	return all
}

// reasons says why records were rejected, the most frequent first.
func reasons(s Source, most int) string {
	names := slices.Sorted(maps.Keys(s.Reasons))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(s.Reasons[b], s.Reasons[a]) })
	var said []string
	for i, name := range names {
		if i == most {
			said = append(said, strconv.Itoa(len(names)-most)+" more reasons")
			break
		}
		said = append(said, narrate.Number(float64(s.Reasons[name]))+" x "+narrate.Visible(name))
	}
	return strings.Join(said, "; ")
}

// notTelemetry is the status of what was left aside with good reason.
const notTelemetry = "not telemetry"

// wrong reports whether something about the source needs to be known.
func (s Source) wrong() bool {
	if s.Status == notTelemetry {
		return false
	}
	return s.Rejected > 0 || s.Problem != "" || s.Status != "" && s.Status != "read"
}

// complaint says what is wrong with a source.
func (s Source) complaint() string {
	c := narrate.Visible(s.Problem)
	if s.wrong() && s.Status != "read" && s.Status != "" {
		c = strings.TrimSuffix(narrate.Visible(s.Status)+": "+c, ": ")
	}
	if why := reasons(s, 3); why != "" && !(c != "" && s.Events == 0) { // else it was said
		if c != "" {
			c += "; "
		}
		c += why
	}
	return c
}

// short writes a time for a table: "24 Mar 11:00".
func short(at int64) string {
	if at == 0 {
		return "unknown"
	}
	return time.Unix(0, at).UTC().Format("2 Jan 15:04")
}

// affected names those of ours that take part.
func (r Report) affected(i incident.Incident) string {
	var own []string
	for _, k := range i.Entities {
		if r.Names.Kind(k) != entity.External {
			own = append(own, narrate.Name(r.Names, k))
		}
	}
	switch n := len(own); {
	case n == 0:
		return "nobody of ours that is known"
	case n > 3:
		return strings.Join(own[:2], ", ") + " and " + strconv.Itoa(n-2) + " more"
	}
	return strings.Join(own, ", ")
}

// trouble is what is wrong with some sources in the same way.
type trouble struct {
	sources, records, rejected int64
	what, example              string
}

// troubles gathers what is wrong with sources, so that a folder of a thousand files of
// another sort takes one line: what cost the most records first.
func (r Report) troubles(from func(Source) bool) []trouble {
	var all []trouble
	at := map[string]int{}
	for _, s := range r.Sources {
		if !s.wrong() || !from(s) {
			continue
		}
		what := s.complaint()
		kind := numbers(what)
		i, ok := at[kind]
		if !ok {
			i = len(all)
			at[kind] = i
			all = append(all, trouble{what: what, example: narrate.Visible(s.Path)})
		} else if all[i].what != what {
			all[i].what = kind
		}
		all[i].sources, all[i].records, all[i].rejected = all[i].sources+1, all[i].records+s.Records, all[i].rejected+s.Rejected
	}
	slices.SortStableFunc(all, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(b.rejected, a.rejected), cmp.Compare(b.sources, a.sources))
	})
	return all
}

// numbers replaces numbers that are words of their own by "n", so that complaints which
// differ in nothing else are one.
func numbers(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		if strings.Trim(w, "0123456789,") == "" && w != "" {
			words[i] = "n"
		}
	}
	return strings.Join(words, " ")
}

// sameReason returns why incidents are not shown, if it is the same for all of them.
func (r Report) sameReason() string {
	why, n := "", 0
	for _, i := range r.Incidents {
		if i.Surfaced {
			continue
		}
		if n++; n > 1 && i.Hidden != why {
			return ""
		}
		why = i.Hidden
	}
	return why
}

// folder returns the folder that all sources are in, with the slash at its end.
func (r Report) folder() string {
	dir := ""
	for i, s := range r.Sources {
		if i == 0 {
			dir = s.Path[:strings.LastIndexByte(s.Path, '/')+1]
		}
		for !strings.HasPrefix(s.Path, dir) {
			dir = dir[:strings.LastIndexByte(dir[:len(dir)-1], '/')+1]
		}
	}
	if len(r.Sources) < 2 || dir == "/" {
		return ""
	}
	return dir
}

// tail returns the end of a path of at most n characters: what it begins with is mostly
// the same for all.
func tail(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return "…" + string(r[len(r)-n+1:])
}
