package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// labelledFlows compares what the product says of a capture with what the authors of the
// capture say of its flows. Labels are taken out of the logs before the product sees them.
//
// An attacker is found when an incident, or a finding, names it or stands on records of its
// malicious flows. An incident is wrong when its machine began no malicious flow, and less
// than half of the labelled records it stands on are malicious. One that says a machine is
// compromised which only was attacked is wrong too, and counted by itself.
func labelledFlows(ctx context.Context, b *bench) (r result, err error) {
	all, err := sets(b.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return result{Skipped: "there is no data folder"}, nil
	}
	if err != nil {
		return r, err
	}
	found := table{Title: "Found and missed: malicious flows by who began them", Head: []string{"scenario", "label", "from", "to", "flows", "result"}}
	said := table{Title: "What was said: all incidents that were surfaced, and the first three others", Head: []string{"scenario", "surfaced", "score", "verdict", "title", "labelled evidence", "judgement"}}
	for _, s := range all {
		l, err := s.labels()
		if err != nil {
			return r, err
		}
		if !l.found() {
			continue
		}
		dir, err := os.MkdirTemp(b.Temp, "flows-")
		if err != nil {
			return r, err
		}
		scenarios, err := s.scenarios(l, dir)
		if err != nil {
			return r, err
		}
		for _, sc := range scenarios {
			b.say("%s: %d flows", sc.title(), len(sc.flows))
			o, err := b.analyze(ctx, job{}, sc.dir)
			if err != nil {
				return r, fmt.Errorf("%s: %w", sc.title(), err)
			}
			r.judge(sc, o, &found, &said)
		}
		if err := os.RemoveAll(dir); err != nil {
			return r, err
		}
	}
	if len(r.Figures) == 0 {
		return result{Skipped: "no set in the data folder has labels of flows"}, nil
	}
	r.Tables = append(r.Tables, found, said)
	return r, nil
}

// Levels of being found.
const (
	missed = iota
	inFinding
	inIncident
	inSurfaced
)

func levelName(l int) string {
	return [...]string{"missed", "a finding only", "an incident, not surfaced", "surfaced"}[l]
}

// claim is something the product said, with what tells whom it is about.
type claim struct {
	level int
	text  string          // names and sentences
	uids  map[string]bool // of the records it stands on
}

// claims gathers all that was said.
func (sc *scenario) claims(o outcome) (all []claim, incidents []claim) {
	byID := map[string]findingLine{}
	for _, f := range o.Findings {
		byID[f.ID] = f
		all = append(all, claim{inFinding, f.Entity + "\n" + strings.Join(f.Peers, "\n") + "\n" + f.Why, sc.uids(f.Evidence)})
	}
	for _, in := range o.Incidents {
		c := claim{level: inIncident, uids: map[string]bool{}}
		if in.Surfaced {
			c.level = inSurfaced
		}
		text := append([]string{in.Title}, in.Entities...)
		for _, s := range in.Narrative {
			text = append(text, s.Text)
			maps.Copy(c.uids, sc.uids(s.Evidence))
		}
		for _, id := range in.Findings {
			maps.Copy(c.uids, sc.uids(byID[id].Evidence))
			text = append(text, byID[id].Peers...)
		}
		c.text = strings.Join(text, "\n")
		all, incidents = append(all, c), append(incidents, c)
	}
	return all, incidents
}

// uids returns the flows that references lead to.
func (sc *scenario) uids(refs []string) map[string]bool {
	all := map[string]bool{}
	for _, ref := range refs {
		if rel, err := filepath.Rel(sc.dir, ref); err == nil && sc.refs[rel] != "" {
			all[sc.refs[rel]] = true
		}
	}
	return all
}

// source is who began malicious flows, and of what kind.
type source struct{ detail, orig string }

// judge adds what became of a scenario.
func (r *result) judge(sc *scenario, o outcome, found, said *table) {
	all, incidents := sc.claims(o)
	flows, targets := map[source]int{}, map[source]map[string]bool{}
	attackers, began, bad := map[string]bool{}, map[string]bool{}, 0
	for _, t := range sc.flows { // in any order: it is counted
		began[t.Orig] = began[t.Orig] || !t.bad()
		if !t.bad() {
			continue
		}
		bad++
		k := source{t.Detail, t.Orig}
		flows[k]++
		attackers[t.Orig] = true
		if targets[k] == nil {
			targets[k] = map[string]bool{}
		}
		targets[k][t.Resp] = true
	}
	level := sc.levels(all, attackers)
	sc.foundRows(found, flows, targets, level)
	reached := [4]int{}
	for k, n := range flows {
		for l := range level[k.orig] + 1 {
			reached[l] += n
		}
	}
	name := sc.title()
	if !sc.labelled {
		r.add(name, "incidents surfaced in a capture without labels", float64(surfacedOf(o.Incidents)), "incidents", fmt.Sprintf("%d flows, %d incidents, %d findings; nobody says what is true", len(sc.flows), len(o.Incidents), len(o.Findings)))
		sc.saidRows(said, o, incidents, attackers)
		return
	}
	wrong, compromised := sc.saidRows(said, o, incidents, attackers)
	r.add(name, "malicious flows", float64(bad), "flows", fmt.Sprintf("of %d, begun by %d addresses", len(sc.flows), len(attackers)))
	if bad > 0 {
		share := func(l int) float64 { return 100 * float64(reached[l]) / float64(bad) }
		r.add(name, "of them, begun by an address in a surfaced incident", share(inSurfaced), "%", fmt.Sprintf("in any incident %s %%, in any finding %s %%", number(share(inIncident)), number(share(inFinding))))
	}
	r.add(name, "surfaced incidents", float64(surfacedOf(o.Incidents)), "incidents", fmt.Sprintf("of %d", len(o.Incidents)))
	r.add(name, "surfaced incidents that are wrong", float64(wrong), "incidents", "").most(0)
	r.add(name, "machines wrongly said to be compromised", float64(compromised), "incidents", "surfaced, of a machine that began no malicious flow").most(0)
}

func surfacedOf(all []incidentLine) (n int) {
	for _, in := range all {
		if in.Surfaced {
			n++
		}
	}
	return n
}

// levels returns how far each attacker was found.
func (sc *scenario) levels(all []claim, attackers map[string]bool) map[string]int {
	level := map[string]int{}
	for _, c := range all {
		for uid := range c.uids {
			if t := sc.flows[uid]; t.bad() {
				level[t.Orig] = max(level[t.Orig], c.level)
			}
		}
		for a := range attackers {
			if level[a] < c.level && mentions(c.text, a) {
				level[a] = c.level
			}
		}
	}
	return level
}

// foundRows adds a row for each of the busiest attackers, and one for the rest of a kind.
func (sc *scenario) foundRows(t *table, flows map[source]int, targets map[source]map[string]bool, level map[string]int) {
	const most = 6
	byDetail := map[string][]source{}
	for k := range flows {
		byDetail[k.detail] = append(byDetail[k.detail], k)
	}
	for _, detail := range slices.Sorted(maps.Keys(byDetail)) {
		all := byDetail[detail]
		slices.SortFunc(all, func(a, b source) int { return cmp.Or(flows[b]-flows[a], strings.Compare(a.orig, b.orig)) })
		to := func(k source) string {
			if len(targets[k]) == 1 {
				return slices.Sorted(maps.Keys(targets[k]))[0]
			}
			return fmt.Sprintf("%d addresses", len(targets[k]))
		}
		for _, k := range all[:min(most, len(all))] {
			t.Rows = append(t.Rows, []string{sc.title(), cmp.Or(detail, "malicious"), k.orig, to(k), number(float64(flows[k])), levelName(level[k.orig])})
		}
		if rest := all[min(most, len(all)):]; len(rest) > 0 {
			n, sum := [4]int{}, 0
			for _, k := range rest {
				n[level[k.orig]]++
				sum += flows[k]
			}
			t.Rows = append(t.Rows, []string{
				sc.title(), cmp.Or(detail, "malicious"), fmt.Sprintf("%d more", len(rest)), "", number(float64(sum)),
				fmt.Sprintf("%d surfaced, %d in an incident, %d in a finding, %d missed", n[inSurfaced], n[inIncident], n[inFinding], n[missed]),
			})
		}
	}
}

// hacked are words that say a machine is in somebody's hands.
var hacked = regexp.MustCompile(`(?i)\b(compromised|infected|taken over|takeover|hijacked|controlled by|under control|implant|malware on)\b`)

// saidRows adds a row for each surfaced incident and the first few others, and counts the
// surfaced ones that are wrong.
func (sc *scenario) saidRows(t *table, o outcome, claims []claim, attackers map[string]bool) (wrong, compromised int) {
	const others = 3
	more := 0
	for i, in := range o.Incidents {
		surfaced := "yes"
		if !in.Surfaced {
			if more++; more > others {
				continue
			}
			surfaced = "no"
		}
		v := sc.verdict(in, claims[i], attackers)
		if in.Surfaced && v.wrong {
			wrong++
		}
		if in.Surfaced && v.compromised {
			compromised++
		}
		t.Rows = append(t.Rows, []string{sc.title(), surfaced, fmt.Sprint(in.Score), in.Verdict, in.Title, fmt.Sprintf("%d of %d malicious", v.bad, v.labelled), v.words})
	}
	return wrong, compromised
}

// verdict is what is to be thought of an incident.
type verdict struct {
	bad, labelled      int // of the flows it stands on
	wrong, compromised bool
	words              string
}

func (sc *scenario) verdict(in incidentLine, c claim, attackers map[string]bool) (v verdict) {
	for uid := range c.uids { // in any order: it is counted
		if x := sc.flows[uid]; x.Label != "" {
			v.labelled++
			if x.bad() {
				v.bad++
			}
		}
	}
	began := false // its machine began malicious flows
	for a := range attackers {
		began = began || slices.ContainsFunc(in.Entities, func(e string) bool { return mentions(e, a) })
	}
	switch {
	case !sc.labelled:
		v.words = "nobody knows"
	case began:
		v.words = "right"
	case in.Verdict == "malicious" || hacked.MatchString(in.Title):
		v.wrong, v.compromised = true, true
		v.words = "wrong: says that a machine is compromised which began no malicious flow"
	case v.labelled == 0 && len(c.uids) > 0:
		v.words = "nobody knows: none of its records is labelled"
	case 2*v.bad < v.labelled || v.labelled == 0:
		v.wrong = true
		v.words = "wrong"
	default:
		v.words = "right: it was attacked"
	}
	return v
}
