package narrate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

const (
	told       = 24 // how many signals of an incident are told
	toldLinks  = 5
	mostProofs = 16
)

// Title returns the incident in half a sentence: who did what to whom.
func Title(i incident.Incident, n Names) string {
	return actors(i, n, false) + " " + deeds(i, n)
}

// Story tells the incident: what happened in order of time, why it belongs together, and
// what to think of it.
func Story(i incident.Incident, n Names) []Sentence {
	groups := Signals(i)
	from, to := Extent(i)
	story := []Sentence{{
		Text:     upper(span(from, to, true, true)) + ", " + actors(i, n, true) + " " + deeds(i, n) + ".",
		Evidence: proofs(strongestFirst(i.Findings), 1, 3),
		Claim:    "opening",
	}}
	left := 0
	if left = len(groups) - told; left > 0 {
		slices.SortStableFunc(groups, func(a, b Repeated) int { return cmp.Compare(b.Best.Nats, a.Best.Nats) })
		groups = groups[:told]
	}
	slices.SortStableFunc(groups, func(a, b Repeated) int { return cmp.Compare(a.Best.From, b.Best.From) }) // as the sentences say
	for _, g := range groups {
		story = append(story, g.tell(n, detail{date: !sameDay(from, to)}))
	}
	if left > 0 {
		story = append(story, Sentence{Text: untold(left, "signal"), Claim: "untold"})
	}
	story = append(story, links(i, n)...)
	story = append(story, techniques(i)...)
	if i.Learning < 1 {
		story = append(story, Sentence{
			Text:  "When this began, " + Percent(i.Learning) + " of the learning period had passed, so what is normal here was not yet well known.",
			Claim: "learning",
		})
	}
	return append(story, Sentence{Text: verdict(i), Claim: "surfaced"})
}

// Extent returns the times between which the incident's findings lie.
func Extent(i incident.Incident) (from, to int64) {
	from, to = i.Opened, i.Updated
	for j, f := range i.Findings {
		if j == 0 {
			from, to = f.From, f.To
		}
		from, to = min(from, f.From), max(to, f.To)
	}
	return from, to
}

func sameDay(from, to int64) bool {
	const day = 86400e9
	return from/day == max(from, to-1)/day
}

// Repeated is the findings of one signal of one entity, which a story tells at once.
type Repeated struct {
	Best     finding.Finding   // the strongest
	All      []finding.Finding // in the incident's order
	From, To int64             // of all of them
}

// Signals returns the incident's findings as its story tells them: those of one signal of
// one entity together, in order of time.
func Signals(i incident.Incident) []Repeated {
	type id struct {
		who              entity.Key
		detector, signal string
	}
	at := map[id]int{}
	var groups []Repeated
	for _, f := range i.Findings {
		k := id{f.Entity, f.Detector, f.Signal}
		j, ok := at[k]
		if !ok {
			j = len(groups)
			at[k] = j
			groups = append(groups, Repeated{Best: f, From: f.From, To: f.To})
		}
		g := &groups[j]
		if f.Nats > g.Best.Nats {
			g.Best = f
		}
		g.All = append(g.All, f)
		g.From, g.To = min(g.From, f.From), max(g.To, f.To)
	}
	slices.SortStableFunc(groups, func(a, b Repeated) int { return cmp.Compare(a.From, b.From) })
	return groups
}

func (g Repeated) tell(n Names, d detail) Sentence {
	s := sentence(g.Best, n, d)
	if len(g.All) > 1 {
		s += " That is the strongest of " + strconv.Itoa(len(g.All)) + " findings of the same kind " + span(g.From, g.To, d.date, false) + "."
	}
	return Sentence{s, proofs(strongestFirst(g.All), mostProofs, mostProofs), "finding/" + ID(g.Best.ID)}
}

func strongestFirst(all []finding.Finding) []finding.Finding {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b finding.Finding) int { return cmp.Compare(b.Nats, a.Nats) })
	return all
}

// proofs returns at most limit records, at most each of one finding, none twice.
func proofs(all []finding.Finding, each, limit int) []finding.Ref {
	var refs []finding.Ref
	for _, f := range all {
		for i, r := range f.Evidence {
			if i == each || len(refs) == limit {
				break
			}
			if !slices.Contains(refs, r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// actors names whose doing it was, the strongest first.
func actors(i incident.Incident, n Names, address bool) string {
	var keys []entity.Key
	for _, f := range strongestFirst(i.Findings) {
		if !slices.Contains(keys, f.Entity) {
			keys = append(keys, f.Entity)
		}
	}
	if len(keys) == 0 {
		keys = i.Entities
	}
	if len(keys) == 0 {
		return "nobody known"
	}
	name := func(k entity.Key) string {
		if address {
			return withAddress(n, k)
		}
		return Name(n, k)
	}
	switch len(keys) {
	case 1:
		return name(keys[0])
	case 2:
		return name(keys[0]) + " and " + name(keys[1])
	}
	return name(keys[0]) + " and " + strconv.Itoa(len(keys)-1) + " others"
}

// deeds says what was done, by the two strongest facets; with whom, by the strongest
// finding.
func deeds(i incident.Incident, n Names) string {
	all := strongestFirst(i.Findings)
	if len(all) == 0 {
		return "took part in something of which no finding is left"
	}
	with := ""
	if len(all[0].Peers) > 0 {
		with = peers(all[0], n)
	}
	s := deed(all[0], with)
	for _, f := range all[1:] {
		if f.Facet != all[0].Facet {
			return s + " and " + deed(f, "")
		}
	}
	return s
}

func deed(f finding.Finding, with string) string {
	add := func(s, before, after string) string {
		if with == "" {
			return s
		}
		return s + before + with + after
	}
	switch f.Facet {
	case finding.Volume:
		if f.Unit != "bytes" {
			return add("was far busier than usual", " with ", "")
		}
		return add("moved far more data than usual", " with ", "")
	case finding.Destination:
		if with == "" {
			return "turned to places outside that are new or rare here"
		}
		return "turned to " + with + ", new or rare here"
	case finding.Lateral:
		return add("made unusual contacts inside", " (", ")")
	case finding.Authentication:
		return add("signed in, or tried to, in an unusual way", " at ", "")
	case finding.Beacon:
		return add("kept up unusually regular contact", " with ", "")
	case finding.Scan:
		return add("felt its way through the network", " (", ")")
	case finding.Hours:
		return add("was active at unusual hours", " with ", "")
	case finding.Session:
		return add("held an unusually long conversation", " with ", "")
	case finding.Third:
		return add("was reported by another tool", " over ", "")
	}
	return add("did something unusual", " with ", "")
}

// links says why the findings belong together: each reason once, the strongest first.
func links(i incident.Incident, n Names) []Sentence {
	type reason struct {
		why    string
		shared entity.Key
	}
	var order []incident.Link
	findings := map[reason][]uint64{}
	all := slices.Clone(i.Links)
	slices.SortStableFunc(all, func(a, b incident.Link) int { return cmp.Compare(b.Strength, a.Strength) })
	for _, l := range all {
		r := reason{l.Why, l.Shared}
		if findings[r] == nil {
			order = append(order, l)
		}
		findings[r] = append(findings[r], l.Finding)
	}
	if len(i.Findings) < 2 {
		return nil
	}
	var out []Sentence
	for j, l := range order {
		if j == toldLinks {
			out = append(out, Sentence{Text: untold(len(order)-j, "link"), Claim: "links"})
			break
		}
		ids := findings[reason{l.Why, l.Shared}]
		var linked []finding.Finding
		for _, f := range i.Findings {
			if slices.Contains(ids, f.ID) {
				linked = append(linked, f)
			}
		}
		out = append(out, Sentence{link(l, n), proofs(linked, 1, named), "link/" + strconv.Itoa(j+1)})
	}
	return out
}

func link(l incident.Link, n Names) string {
	shared := "somebody not named"
	if l.Shared != 0 {
		shared = Name(n, l.Shared)
	}
	s := "These findings are linked because "
	switch l.Why {
	case "both involve":
		s += "both involve " + shared
	case "the same":
		s += "they are about the same " + one(n.Kind(l.Shared)) + ", " + shared
	case "turns to":
		s += "one is about somebody who turned to " + shared
	case "turned to before":
		s += "others had turned before to " + shared
	default:
		s = "These findings are linked by " + Visible(l.Why) + ", " + shared
	}
	switch {
	case l.Shared == 0 || l.Holders == 0 || l.Holders > 100:
		return s + "."
	case l.Holders == 1:
		return s + ", which only 1 of our entities knows."
	}
	only := ""
	if l.Holders <= 5 {
		only = "only "
	}
	return s + ", which " + only + strconv.Itoa(int(l.Holders)) + " of our entities know."
}

func untold(n int, what string) string {
	if n == 1 {
		return "1 weaker " + what + " is not told here."
	}
	return Number(float64(n)) + " weaker " + what + "s are not told here."
}

func techniques(i incident.Incident) []Sentence {
	var names []string
	for _, id := range i.Techniques {
		t := attack.Lookup(id)
		if t.ID == "" {
			names = append(names, Visible(string(id)))
		} else {
			names = append(names, t.Name+" ("+string(t.ID)+", "+t.Tactic.String()+")")
		}
	}
	if len(names) == 0 {
		return nil
	}
	s := names[0]
	if n := len(names); n > 1 {
		s = strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	var with []finding.Finding
	for _, f := range strongestFirst(i.Findings) {
		if slices.ContainsFunc(f.Techniques, func(id attack.ID) bool { return slices.Contains(i.Techniques, id) }) {
			with = append(with, f)
		}
	}
	return []Sentence{{"In the words of MITRE ATT&CK this looks like " + s + ".", proofs(with, 1, named), "techniques"}}
}

func verdict(i incident.Incident) string {
	risk := "its risk is " + Nats(i.Risk) + ", and the budget asks for " + Nats(i.Threshold)
	if i.Surfaced {
		return "It is shown because " + risk + "."
	}
	if i.Hidden == "" {
		return "It is not shown to people because " + risk + "."
	}
	return "It is not shown to people: " + Visible(i.Hidden) + " (" + Nats(i.Risk) + ", where " + Nats(i.Threshold) + " are asked for)."
}
