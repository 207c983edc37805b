// Package triage makes incidents of findings: what belongs together becomes one case, with
// the reason, and cases are ranked by how far they exceed what the budget asks for.
//
// It sees findings in the order in which the machine brings them up, and reads no clock.
package triage

import (
	"cmp"
	"math"
	"slices"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/text"
)

// Triage gathers incidents. It is used by one goroutine.
type Triage struct {
	incidents []*incident.Incident // in order of opening; nil where merged into another
	cases     []*record            // what belongs to incidents, by the same index
	of        map[entity.Key]int   // entity -> its latest incident
	by        map[entity.Key][]int // entity that is a peer of findings -> incidents that cite it
	seen      map[entity.Key]int   // entity -> in how many findings it has a part
	findings  int
	members   int      // entities of ours
	gone      []Merged // since Changed was called last
}

// record is what triage keeps of an incident beside it.
type record struct {
	parties map[entity.Key]bool // entities and peers
	have    map[uint64]int      // finding's cause -> index in Findings
	ratio   float64             // the highest of risk to threshold
	changed bool                // since Changed was called last
}

const (
	lull    = 24 * 3600e9 // nanoseconds without a finding after which the next is another case
	linking = 1.0         // strength from which findings belong together
	halfDay = 6 * 3600e9  // nanoseconds that take one from the strength

	// Bounds, which depend on no machine: replay comes to them at the same entry.
	mostIncidents = 20_000  // that are open
	mostFindings  = 1000    // of an incident, beside those that links speak of
	mostSeen      = 1 << 17 // entities whose findings are counted though no incident is open
)

// New returns a triage without incidents.
func New() *Triage {
	return &Triage{of: map[entity.Key]int{}, by: map[entity.Key][]int{}, seen: map[entity.Key]int{}}
}

// Take takes the findings of one moment, and the risks of their entities. Learning is how
// much of the estate's learning period had passed, members how many entities of ours there
// are.
func (t *Triage) Take(findings []finding.Finding, risks []finding.Risk, learning float64, members int) {
	t.members = members
	for i := range findings {
		t.take(&findings[i], learning)
	}
	for i := range risks {
		t.weigh(&risks[i])
	}
}

// take finds the incident that a finding belongs to, or opens one.
func (t *Triage) take(f *finding.Finding, learning float64) {
	t.findings++
	t.seen[f.Entity]++
	for _, p := range f.Peers {
		t.seen[p.Key]++
	}
	links := t.candidates(f)
	if len(links) == 0 {
		t.open(f, learning)
		return
	}
	best := links[0]
	for _, l := range links[1:] { // the others tell of the same: one attack is one incident
		t.merge(best.into, l)
	}
	t.add(best.into, f, best.link)
}

// candidate is an incident that a finding may belong to.
type candidate struct {
	into int
	link incident.Link
}

// candidates returns the incidents that a finding is linked to, the strongest first.
func (t *Triage) candidates(f *finding.Finding) []candidate {
	var all []candidate
	offer := func(i int, strength float64, why string, shared entity.Key, holders uint32) {
		in := t.incidents[i]
		if in == nil || f.Time-in.Updated > lull {
			return
		}
		if strength -= math.Max(0, float64(f.Time-in.Updated)) / halfDay; strength < linking {
			return
		}
		j := slices.IndexFunc(all, func(c candidate) bool { return c.into == i })
		if j < 0 {
			all = append(all, candidate{into: i})
			j = len(all) - 1
		}
		if strength > all[j].link.Strength {
			all[j].link = incident.Link{Finding: f.ID, Strength: strength, Why: why, Shared: shared, Holders: holders}
		}
	}
	if i, ok := t.of[f.Entity]; ok {
		offer(i, same, "the same", f.Entity, 0)
	}
	if r := t.rarity(f.Entity); r >= linking { // or the list may be long and lead nowhere
		for _, i := range t.by[f.Entity] {
			offer(i, r, "turned to before", f.Entity, 0)
		}
	}
	for _, p := range f.Peers {
		r := t.rarity(p.Key)
		if r < linking {
			continue
		}
		if i, ok := t.of[p.Key]; ok {
			offer(i, r, "turns to", p.Key, p.Holders)
		}
		for _, i := range t.by[p.Key] {
			offer(i, r, "both involve", p.Key, p.Holders)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.link.Strength, a.link.Strength), cmp.Compare(a.into, b.into))
	})
	return all
}

const same = 1 + lull/halfDay // an entity's own incident is its own until the lull

// rarity returns the strength of a link by an entity: how rarely findings speak of it.
func (t *Triage) rarity(k entity.Key) float64 {
	return math.Log((float64(max(t.findings, t.members)) + 2) / (float64(t.seen[k]) + 1.5))
}

// open opens an incident with a finding.
func (t *Triage) open(f *finding.Finding, learning float64) {
	i := len(t.incidents)
	t.incidents = append(t.incidents, &incident.Incident{
		ID: text.Mix(f.ID, 1), Opened: f.Time, Updated: f.Time, Verdict: incident.Unjudged, Learning: learning,
	})
	t.cases = append(t.cases, &record{parties: map[entity.Key]bool{}, have: map[uint64]int{}})
	t.add(i, f, incident.Link{})
}

// add adds a finding to an incident. One that says the same as an earlier one, of the same
// entity and signal about the same peer, replaces it if it is stronger.
func (t *Triage) add(i int, f *finding.Finding, l incident.Link) {
	in, c := t.incidents[i], t.cases[i]
	in.Updated = max(in.Updated, f.Time)
	c.changed = true
	t.of[f.Entity] = i
	t.party(i, f.Entity, false)
	if !slices.Contains(in.Entities, f.Entity) {
		in.Entities = append(in.Entities, f.Entity)
		if l.Finding != 0 {
			in.Links = append(in.Links, l)
		}
	}
	for _, p := range f.Peers {
		t.party(i, p.Key, true)
	}
	cause := causeOf(f)
	if j, ok := c.have[cause]; ok {
		old := &in.Findings[j]
		if f.Nats > old.Nats {
			id, from, at := old.ID, old.From, old.Time
			*old = *f
			old.ID = id // links speak of it
			old.From, old.Time = min(from, f.From), min(at, f.Time)
		} else {
			old.To = max(old.To, f.To)
		}
		return
	}
	if len(in.Findings) >= mostFindings+len(in.Links) {
		trim(in, c)
	}
	c.have[cause] = len(in.Findings)
	in.Findings = append(in.Findings, *f)
}

// trim removes the weakest tenth of the findings of an incident; not those that links speak of.
func trim(in *incident.Incident, c *record) {
	linked := map[uint64]bool{}
	for _, l := range in.Links {
		linked[l.Finding] = true
	}
	var nats []float64
	for i := range in.Findings {
		nats = append(nats, in.Findings[i].Nats)
	}
	slices.Sort(nats)
	left := len(nats) / 10
	weak := nats[left]
	clear(c.have)
	in.Findings = slices.DeleteFunc(in.Findings, func(f finding.Finding) bool {
		if left > 0 && f.Nats <= weak && !linked[f.ID] {
			left--
			return true
		}
		return false
	})
	for i := range in.Findings {
		c.have[causeOf(&in.Findings[i])] = i
	}
}

// causeOf returns what makes two findings say the same.
func causeOf(f *finding.Finding) uint64 {
	k := text.Mix(uint64(f.Entity), text.Hash(0, []byte(f.Detector+"\x00"+f.Signal)))
	if f.Facet == finding.Beacon && len(f.Peers) > 0 {
		k = text.Mix(k, uint64(f.Peers[0].Key)) // each rhythm is a cause of its own
	}
	return k
}

func (t *Triage) party(i int, k entity.Key, peer bool) {
	c := t.cases[i]
	if c.parties[k] {
		return
	}
	c.parties[k] = true
	if peer {
		t.by[k] = append(t.by[k], i)
	}
}

// merge moves the findings of one incident into another.
func (t *Triage) merge(into int, from candidate) {
	old := t.incidents[from.into]
	in := t.incidents[into]
	link := from.link
	for i := range old.Findings {
		t.add(into, &old.Findings[i], link)
	}
	in.Links = append(in.Links, old.Links...)
	in.Opened = min(in.Opened, old.Opened)
	for f, e := range old.Facets {
		in.Facets[f] = max(in.Facets[f], e)
	}
	if in.Threshold == 0 {
		in.Threshold = old.Threshold
	}
	for _, k := range old.Entities {
		t.of[k] = into
	}
	t.gone = append(t.gone, Merged{old.ID, in.ID})
	t.incidents[from.into], t.cases[from.into] = nil, nil
}

// weigh takes note of the risk of an entity.
func (t *Triage) weigh(r *finding.Risk) {
	i, ok := t.of[r.Entity]
	if !ok {
		return
	}
	in, c := t.incidents[i], t.cases[i]
	c.changed = true
	for f, e := range r.Facets {
		in.Facets[f] = max(in.Facets[f], e)
	}
	in.Risk = 0
	for _, e := range in.Facets {
		in.Risk += e
	}
	// What the budget asked for when the risk stood out most: later it may ask for more
	// because of this very incident.
	if r.Threshold > 0 && (in.Threshold == 0 || in.Risk/r.Threshold > c.ratio) {
		in.Threshold, c.ratio = r.Threshold, in.Risk/r.Threshold
	}
}

// Incidents returns the incidents so far, those most worth a person's time first.
func (t *Triage) Incidents() []incident.Incident {
	var all []incident.Incident
	for _, in := range t.incidents {
		if in != nil {
			all = append(all, finish(*in))
		}
	}
	slices.SortStableFunc(all, func(a, b incident.Incident) int {
		return cmp.Or(
			cmp.Compare(bit(b.Surfaced), bit(a.Surfaced)),
			cmp.Compare(b.Risk/b.Threshold, a.Risk/a.Threshold),
			cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// finish works out what follows from an incident's findings.
func finish(in incident.Incident) incident.Incident {
	in.Findings = slices.Clone(in.Findings)
	slices.SortStableFunc(in.Findings, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	in.Threshold = max(in.Threshold, 1)
	share := 1 - math.Exp2(-in.Risk/in.Threshold)
	in.Score = int(math.Round(100 * share))
	in.Confidence = share * (0.5 + 0.5*in.Learning)
	if in.Surfaced = in.Risk >= in.Threshold; in.Surfaced {
		in.Verdict = incident.Suspicious
	} else {
		in.Hidden = "its risk is below the level that the budget asks for"
	}
	for _, f := range in.Findings {
		for _, id := range f.Techniques {
			if !slices.Contains(in.Techniques, id) {
				in.Techniques = append(in.Techniques, id)
			}
		}
		if len(f.Techniques) > 0 {
			if p := attack.Lookup(f.Techniques[0]).Tactic; p != attack.NoTactic && !slices.Contains(in.Phases, p) {
				in.Phases = append(in.Phases, p)
			}
		}
	}
	slices.Sort(in.Phases)
	return in
}
