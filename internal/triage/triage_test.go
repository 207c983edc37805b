package triage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/text"
)

const hour = int64(time.Hour)

// claim makes a finding of an entity at an hour, about peers.
func claim(who entity.Key, at int64, facet finding.Facet, nats float64, peers ...entity.Key) finding.Finding {
	f := finding.Finding{
		ID: text.Mix(uint64(who)<<32|uint64(at/1e9), uint64(facet)), Detector: "network/" + facet.String(), Signal: facet.String(),
		Facet: facet, Entity: who, Time: at, From: at - hour, To: at, Nats: nats, Raw: nats,
	}
	for _, p := range peers {
		f.Peers = append(f.Peers, finding.Peer{Key: p, Holders: 1})
	}
	return f
}

func risk(who entity.Key, at int64, threshold float64, facets map[finding.Facet]float64) finding.Risk {
	r := finding.Risk{Entity: who, Time: at, Threshold: threshold}
	for f, x := range facets {
		r.Facets[f] = x
		if r.Total += x; x > r.Facets[r.Top] {
			r.Top = f
		}
	}
	return r
}

// amid returns a triage that has seen so many unrelated findings, as an estate of some
// size has, long before.
func amid(n int) *Triage {
	t := New()
	for i := range n {
		f := claim(entity.Key(1e6+i), int64(i)*1e9, finding.Hours, 3, entity.Key(2e6+i))
		t.Take([]finding.Finding{f}, nil, 1, 1)
	}
	return t
}

// old is how long after the unrelated findings the stories begin.
const old = 100 * hour

// story shows findings one by one and returns the incidents of the entities below 1000,
// each as the list of its entities.
func story(all ...finding.Finding) (cases [][]entity.Key) {
	t := amid(50)
	for _, f := range all {
		f.Time, f.From, f.To = f.Time+old, f.From+old, f.To+old
		t.Take([]finding.Finding{f}, nil, 1, 1)
	}
	for _, in := range t.Incidents() {
		if in.Entities[0] < 1000 {
			slices.Sort(in.Entities)
			cases = append(cases, in.Entities)
		}
	}
	slices.SortFunc(cases, slices.Compare)
	return cases
}

func TestLinking(t *testing.T) {
	const ann, ben, cat, c2, dc = entity.Key(1), entity.Key(2), entity.Key(3), entity.Key(900), entity.Key(901)
	together := [][]entity.Key{{ann, ben}}
	apart := [][]entity.Key{{ann}, {ben}}
	var popular []finding.Finding // everybody cites it
	for i := range 60 {
		popular = append(popular, claim(entity.Key(3e6+i), int64(i)*1e9, finding.Volume, 3, dc))
	}
	for _, x := range []struct {
		name string
		all  []finding.Finding
		want [][]entity.Key
	}{
		{"the_same_entity", []finding.Finding{claim(ann, 0, finding.Scan, 20), claim(ann, 5*hour, finding.Volume, 5)}, [][]entity.Key{{ann}}},
		{"the_same_entity_within_the_lull", []finding.Finding{claim(ann, 0, finding.Scan, 20), claim(ann, 24*hour, finding.Volume, 5)}, [][]entity.Key{{ann}}},
		{"the_same_entity_after_the_lull", []finding.Finding{claim(ann, 0, finding.Scan, 20), claim(ann, 24*hour+1, finding.Volume, 5)}, [][]entity.Key{{ann}, {ann}}},
		{"the_lull_counts_from_the_last_finding", []finding.Finding{
			claim(ann, 0, finding.Scan, 20), claim(ann, 20*hour, finding.Volume, 5), claim(ann, 40*hour, finding.Beacon, 5, c2), claim(ann, 60*hour, finding.Hours, 5),
		}, [][]entity.Key{{ann}}},
		{"a_rare_peer_in_common", []finding.Finding{claim(ann, 0, finding.Beacon, 9, c2), claim(ben, hour, finding.Beacon, 9, c2)}, together},
		{"a_rare_peer_in_common_of_other_facets", []finding.Finding{claim(ann, 0, finding.Beacon, 9, c2), claim(ben, hour, finding.Volume, 9, c2)}, together},
		{"a_rare_peer_in_common_after_a_day", []finding.Finding{claim(ann, 0, finding.Beacon, 9, c2), claim(ben, 23*hour, finding.Beacon, 9, c2)}, apart},
		{"one_turns_to_the_other", []finding.Finding{claim(ben, 0, finding.Volume, 9), claim(ann, hour, finding.Lateral, 9, ben)}, together},
		{"one_was_turned_to_before", []finding.Finding{claim(ann, 0, finding.Lateral, 9, ben, cat), claim(ben, hour, finding.Volume, 9)}, together},
		{"a_chain", []finding.Finding{claim(ann, 0, finding.Lateral, 9, ben), claim(ben, hour, finding.Lateral, 9, cat), claim(cat, 2*hour, finding.Volume, 9, c2)}, [][]entity.Key{{ann, ben, cat}}},
		{"nothing_in_common", []finding.Finding{claim(ann, 0, finding.Scan, 20, 910), claim(ben, 0, finding.Scan, 20, 911)}, apart},
		{"a_peer_that_everybody_cites", append(slices.Clone(popular), claim(ann, 2*hour, finding.Volume, 9, dc), claim(ben, 2*hour, finding.Volume, 9, dc)), apart},
		{"two_incidents_become_one", []finding.Finding{claim(ann, 0, finding.Scan, 20), claim(ben, hour, finding.Volume, 9, c2), claim(ann, 2*hour, finding.Beacon, 9, c2)}, together},
		{"nobody_is_no_link", []finding.Finding{claim(ann, 0, finding.Scan, 20), claim(ben, 0, finding.Scan, 20)}, apart},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := story(x.all...); !cmp.Equal(got, x.want) {
				t.Errorf("incidents of %v, want %v", got, x.want)
			}
		})
	}
}

// TestLinksSayWhy: what is in an incident of several entities has a link with a reason, by
// somebody who has a part in it, from a finding that is there.
func TestLinksSayWhy(t *testing.T) {
	tr := amid(50)
	tr.Take([]finding.Finding{claim(1, old, finding.Lateral, 9, 2), claim(1, old, finding.Beacon, 4, 900)}, nil, 1, 1)
	tr.Take([]finding.Finding{claim(2, old+hour, finding.Scan, 9, 700)}, nil, 1, 1)
	tr.Take([]finding.Finding{claim(3, old+hour, finding.Beacon, 9, 900)}, nil, 1, 1)
	tr.Take([]finding.Finding{claim(3, old+2*hour, finding.Beacon, 12, 900), claim(2, old+2*hour, finding.Scan, 29, 700)}, nil, 1, 1) // both grow
	in := of(tr, 1)
	if len(in.Entities) != 3 || len(in.Links) != 2 {
		t.Fatalf("%d entities, %d links", len(in.Entities), len(in.Links))
	}
	for _, l := range in.Links {
		known := slices.Contains(in.Entities, l.Shared)
		there := false
		for _, f := range in.Findings {
			known = known || slices.ContainsFunc(f.Peers, func(p finding.Peer) bool { return p.Key == l.Shared })
			there = there || f.ID == l.Finding
		}
		if l.Why == "" || l.Strength < linking || !known || !there {
			t.Errorf("link %+v: shares somebody of the incident: %v; of a finding that is there: %v", l, known, there)
		}
	}
}

func of(t *Triage, who entity.Key) (found incident.Incident) {
	for _, in := range t.Incidents() {
		if slices.Contains(in.Entities, who) {
			return in
		}
	}
	return found
}

func TestMergeKeepsEverything(t *testing.T) {
	tr := amid(50)
	tr.Take([]finding.Finding{claim(1, old, finding.Scan, 20)}, []finding.Risk{risk(1, old, 10, map[finding.Facet]float64{finding.Scan: 20})}, 1, 1)
	tr.Take([]finding.Finding{claim(2, old+hour, finding.Volume, 6, 900)}, []finding.Risk{risk(2, old+hour, 10, map[finding.Facet]float64{finding.Volume: 6})}, 1, 1)
	if a, b := of(tr, 1), of(tr, 2); a.ID == b.ID || !a.Surfaced || b.Surfaced {
		t.Fatalf("before: %+v, %+v", a, b)
	}
	tr.Take([]finding.Finding{claim(1, old+2*hour, finding.Beacon, 5, 900)}, []finding.Risk{risk(1, old+2*hour, 10, map[finding.Facet]float64{finding.Scan: 15, finding.Beacon: 5})}, 1, 1)
	a, b := of(tr, 1), of(tr, 2)
	if a.ID != b.ID || len(a.Findings) != 3 || a.Opened != old || a.Updated != old+2*hour {
		t.Fatalf("after: %d findings, opened %v, updated %v", len(a.Findings), a.Opened, a.Updated)
	}
	if a.Risk != 20+6+5 || a.Facets[finding.Scan] != 20 || a.Facets[finding.Volume] != 6 || a.Facets[finding.Beacon] != 5 {
		t.Errorf("risk %v of %v", a.Risk, a.Facets)
	}
	// Later findings of either go there.
	tr.Take([]finding.Finding{claim(2, old+3*hour, finding.Hours, 3)}, nil, 1, 1)
	if in := of(tr, 2); in.ID != a.ID || len(in.Findings) != 4 {
		t.Errorf("a later finding went elsewhere")
	}
}

func TestSurfacedOrHidden(t *testing.T) {
	for _, x := range []struct {
		nats, threshold float64
		surfaced        bool
		score           int
	}{{20, 10, true, 75}, {10, 10, true, 50}, {9.9, 10, false, 50}, {3, 10, false, 19}, {0.2, 0, false, 13}, {300, 10, true, 100}} {
		tr := New()
		tr.Take([]finding.Finding{claim(1, old, finding.Scan, x.nats)}, []finding.Risk{risk(1, old, x.threshold, map[finding.Facet]float64{finding.Scan: x.nats})}, 0.5, 1)
		in := of(tr, 1)
		if in.Surfaced != x.surfaced || in.Score != x.score || (in.Hidden == "") != x.surfaced || (in.Verdict == incident.Suspicious) != x.surfaced {
			t.Errorf("%v of %v nats: surfaced %v (%q), score %d, verdict %s", x.nats, x.threshold, in.Surfaced, in.Hidden, in.Score, in.Verdict)
		}
		if in.Confidence < 0 || in.Confidence > 1 || in.Learning != 0.5 {
			t.Errorf("confidence %v while learning %v", in.Confidence, in.Learning)
		}
	}
	t.Run("without_risk", func(t *testing.T) {
		tr := New()
		tr.Take([]finding.Finding{claim(1, old, finding.Scan, 20)}, nil, 1, 1)
		if in := of(tr, 1); in.Surfaced {
			t.Error("surfaced without a risk")
		}
	})
	t.Run("of_nobody", func(t *testing.T) {
		tr := New()
		tr.Take(nil, []finding.Risk{risk(1, old, 1, map[finding.Facet]float64{finding.Scan: 20})}, 1, 1)
		if len(tr.Incidents()) != 0 {
			t.Error("a risk without a finding is an incident")
		}
	})
	// A threshold that rose later, because of the incident itself, does not hide it again.
	t.Run("threshold_rises", func(t *testing.T) {
		tr := New()
		for i, threshold := range []float64{10, 40, 80} {
			at := old + int64(i)*hour
			tr.Take([]finding.Finding{claim(1, at, finding.Scan, 30)}, []finding.Risk{risk(1, at, threshold, map[finding.Facet]float64{finding.Scan: 30})}, 1, 1)
		}
		if in := of(tr, 1); !in.Surfaced {
			t.Error("hidden again")
		}
	})
}

func TestOrderOfIncidents(t *testing.T) {
	tr := New()
	for i, x := range []float64{5, 40, 12, 8, 25} {
		who := entity.Key(i + 1)
		tr.Take([]finding.Finding{claim(who, old+int64(i), finding.Scan, x)}, []finding.Risk{risk(who, old, 10, map[finding.Facet]float64{finding.Scan: x})}, 1, 1)
	}
	var got []entity.Key
	for _, in := range tr.Incidents() {
		got = append(got, in.Entities[0])
	}
	if want := []entity.Key{2, 5, 3, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// TestRepeatedFindingsAreOne: what says the same is one finding, the strongest.
func TestRepeatedFindingsAreOne(t *testing.T) {
	tr := New()
	for i, nats := range []float64{5, 9, 7} {
		tr.Take([]finding.Finding{claim(1, old+int64(i)*hour, finding.Volume, nats, entity.Key(900+i))}, nil, 1, 1)
	}
	in := of(tr, 1)
	if len(in.Findings) != 1 {
		t.Fatalf("%d findings", len(in.Findings))
	}
	f := in.Findings[0]
	if f.Nats != 9 || f.Time != old || f.From != old-hour || f.To != old+2*hour || f.Peers[0].Key != 901 {
		t.Errorf("%v nats at %d, from %d to %d, with %v", f.Nats, f.Time, f.From, f.To, f.Peers)
	}
	// But other signals, facets, entities and rhythms are not the same.
	tr = New()
	other := claim(1, old, finding.Volume, 5)
	other.Signal = "something else"
	tr.Take([]finding.Finding{
		claim(1, old, finding.Volume, 5), other, claim(1, old, finding.Scan, 5), claim(1, old, finding.Beacon, 5, 900), claim(1, old, finding.Beacon, 5, 901),
		claim(1, old+1, finding.Beacon, 6, 901),
	}, nil, 1, 1)
	if in := of(tr, 1); len(in.Findings) != 5 {
		t.Errorf("%d findings, want 5", len(in.Findings))
	}
}

func TestPhasesAndTechniques(t *testing.T) {
	tr := New()
	a, b, c := claim(1, old+2, finding.Beacon, 5), claim(1, old, finding.Scan, 5), claim(1, old+1, finding.Hours, 5)
	a.Techniques, b.Techniques, c.Techniques = []attack.ID{"T1071", "T1573"}, []attack.ID{"T1046", "T1018"}, []attack.ID{"T9999"}
	tr.Take([]finding.Finding{a, b, c}, nil, 1, 1)
	in := of(tr, 1)
	if want := []attack.ID{"T1046", "T1018", "T9999", "T1071", "T1573"}; !slices.Equal(in.Techniques, want) {
		t.Errorf("techniques %v", in.Techniques)
	}
	if want := []attack.Tactic{attack.Discovery, attack.CommandAndControl}; !slices.Equal(in.Phases, want) {
		t.Errorf("phases %v", in.Phases)
	}
	if !slices.IsSortedFunc(in.Findings, func(a, b finding.Finding) int { return int(a.Time - b.Time) }) {
		t.Error("findings are not in order of time")
	}
}

// chance is splitmix64 (Steele et al. 2014).
type chance uint64

func (c *chance) n(n int) int {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// many makes up findings of many entities with peers of whom some are popular.
func many(n, entities int) (all []finding.Finding, risks []finding.Risk) {
	c := chance(n)
	for i := range n {
		who, at := entity.Key(1+c.n(entities)), int64(i)*60e9
		peer := entity.Key(1e6 + c.n(1+c.n(entities*4)))
		f := claim(who, at, finding.Facet(c.n(int(finding.Facets))), 3+float64(c.n(200))/10, peer, 42)
		if c.n(5) == 0 {
			f.Peers = append(f.Peers, finding.Peer{Key: entity.Key(1 + c.n(entities))})
		}
		all = append(all, f)
		risks = append(risks, risk(who, at, 12, map[finding.Facet]float64{f.Facet: f.Nats}))
	}
	return all, risks
}

func TestSameEveryTime(t *testing.T) {
	all, risks := many(1500, 150)
	var want []incident.Incident
	for range 5 {
		tr := New()
		for i := range all {
			tr.Take(all[i:i+1], risks[i:i+1], 1, 1)
		}
		got := tr.Incidents()
		if again := tr.Incidents(); !cmp.Equal(got, again) {
			t.Fatal("asking changes the answer")
		}
		if want == nil {
			want = got
		} else if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("another answer:\n%s", d)
		}
	}
	seen := map[uint64]bool{}
	for _, in := range want {
		if seen[in.ID] || len(in.Findings) == 0 || len(in.Entities) == 0 || in.Opened > in.Updated {
			t.Errorf("incident %x of %d findings, opened %d, updated %d", in.ID, len(in.Findings), in.Opened, in.Updated)
		}
		seen[in.ID] = true
	}
}

// TestManyFindingsStayFast: four times as many findings take about four times as long,
// also where all name one peer, and where one entity, or one incident, has them all.
func TestManyFindingsStayFast(t *testing.T) {
	took := func(of func(n int) []finding.Finding, n int) time.Duration {
		all := of(n)
		best := time.Hour
		for range 3 {
			begun := time.Now()
			tr := New()
			for i := range all {
				tr.Take(all[i:i+1], nil, 1, 1)
			}
			tr.Incidents()
			best = min(best, time.Since(begun))
		}
		return best
	}
	for name, of := range map[string]func(n int) []finding.Finding{
		"mixed":      func(n int) []finding.Finding { all, _ := many(n, 500); return all },
		"one_entity": func(n int) []finding.Finding { all, _ := many(n, 1); return all },
		"one_peer_of_all": func(n int) (all []finding.Finding) {
			for i := range n {
				all = append(all, claim(entity.Key(1+i), int64(i)*10e9, finding.Beacon, 5, 1e6))
			}
			return all
		},
		"one_incident": func(n int) (all []finding.Finding) {
			for i := range n {
				all = append(all, claim(entity.Key(1+i), int64(i)*10e9, finding.Lateral, 5, entity.Key(2+i)))
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			few, lots := took(of, 2000), took(of, 8000)
			ratio := float64(lots) / float64(few)
			t.Logf("2,000 findings %v, 8,000 %v: %.1f times as long", few, lots, ratio)
			if ratio > 9 && lots > 200*time.Millisecond {
				t.Errorf("8,000 findings take %.1f times as long as 2,000", ratio)
			}
		})
	}
}

func TestRank(t *testing.T) {
	weak, strong := claim(1, 1, finding.Beacon, 5, 900), claim(2, 2, finding.Volume, 9, 901)
	support, early := claim(1, 3, finding.Volume, 6, 900), claim(3, 0, finding.Volume, 9, 902)
	all := []finding.Finding{strong, weak, early, support}
	Rank(all)
	if want := []finding.Finding{support, weak, early, strong}; !cmp.Equal(all, want) {
		for _, f := range all {
			t.Errorf("entity %d, %v nats", f.Entity, f.Nats)
		}
	}
	Rank(nil)
}

func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all, risks := many(n, n/10)
			for b.Loop() {
				tr := New()
				for i := range all {
					tr.Take(all[i:i+1], risks[i:i+1], 1, 1)
				}
				tr.Incidents()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/finding")
		})
	}
}
