package state

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"vedette/internal/entity"
	"vedette/internal/finding"
)

// big returns an incident of the size that triage makes: six findings with evidence.
func big(id uint64, risk float64) Report {
	r := report(id, risk)
	f := r.Incident.Findings[0]
	f.Says, f.Signal, f.Evidence, f.Peers = "{n} machines were tried on {labels}", "machines tried", make([]finding.Ref, 20), make([]finding.Peer, 8)
	r.Incident.Findings = nil
	for i := range uint64(6) {
		f.ID = id*100 + i
		r.Incident.Findings = append(r.Incident.Findings, f)
	}
	for i := range entity.Key(4) {
		r.Incident.Entities = append(r.Incident.Entities, 1000+entity.Key(id)*4+i)
		r.Names = append(r.Names, Name{1000 + entity.Key(id)*4 + i, fmt.Sprintf("srv-%d-%d.example.org", id, i)})
	}
	return r
}

var speed = flag.Bool("speed", false, "measure with 20,000 incidents, which takes a minute")

// filled returns a tenant with many incidents, written some times with changes, and how
// long that took.
func filled(t testing.TB, many, rounds uint64) (*Tenant, time.Duration) {
	t.Helper()
	_, a, c := fresh(t)
	start := time.Now()
	for round := range rounds {
		for from := uint64(0); from < many; from += 200 {
			var batch []Report
			for id := from; id < from+200; id++ {
				batch = append(batch, big(id+1, float64((id*7919+round)%1000)/40))
			}
			c.add(time.Second)
			if n, err := a.Upsert(t.Context(), "triage", batch...); err != nil || n != 200 {
				t.Fatal(n, err)
			}
		}
	}
	return a, time.Since(start)
}

// TestSpeed holds what was promised: with 20,000 incidents a page of the list in less than
// 20 ms, and 500 writes a second, in batches, each batch on the disk when Upsert returns.
func TestSpeed(t *testing.T) {
	if !*speed {
		t.Skip("takes a minute; see -speed")
	}
	const many = 20_000
	a, took := filled(t, many, 2)
	perSecond := 2 * many / took.Seconds()
	t.Logf("upsert: %.0f a second", perSecond)
	if perSecond < 500 {
		t.Errorf("only %.0f writes a second", perSecond)
	}
	middle, err := a.Incidents(t.Context(), Filter{}, "", 500)
	ok(t, err)
	for range 19 {
		middle, err = a.Incidents(t.Context(), Filter{}, middle.Next, 500)
		ok(t, err)
	}
	for _, x := range []struct {
		name   string
		f      Filter
		cursor string
	}{
		{"first page", Filter{}, ""},
		{"page 200", Filter{}, middle.Next},
		{"surfaced and open", Filter{Shown: Surfaced, Condition: IsOpen}, ""},
		{"hidden", Filter{Shown: Hidden}, ""},
		{"entity", Filter{Entity: 3}, ""},
		{"rare entity", Filter{Entity: 45_000}, ""},
		{"common text", Filter{Text: "ws-1"}, ""},
		{"rare text", Filter{Text: "srv-17312-2.example"}, ""},
		{"text that is nowhere", Filter{Text: "nothing like it"}, ""},
	} {
		var all []time.Duration
		for range 9 {
			start := time.Now()
			_, err := a.Incidents(t.Context(), x.f, x.cursor, 50)
			all = append(all, time.Since(start))
			ok(t, err)
		}
		slices.Sort(all)
		t.Logf("%-22s %v", x.name, all[len(all)/2].Round(10*time.Microsecond))
		if all[len(all)/2] > 20*time.Millisecond {
			t.Errorf("%s takes %v", x.name, all)
		}
	}
	start := time.Now()
	_, err = a.Counts(t.Context())
	ok(t, err)
	t.Logf("counts %v", time.Since(start))
	start = time.Now()
	_, err = a.Incident(t.Context(), 17)
	ok(t, err)
	t.Logf("one incident %v", time.Since(start))
	for i := range 100 {
		ok(t, a.Record(t.Context(), by("ann"), "x", fmt.Sprint(i), nil))
	}
	start = time.Now()
	for i := range 50 {
		_, err := a.Note(t.Context(), by("ann"), uint64(i+1), "a note")
		ok(t, err)
	}
	t.Logf("one note at a time %v each", time.Since(start)/50)
}

func BenchmarkUpsert(b *testing.B) {
	_, a, _ := fresh(b)
	n := uint64(0)
	for b.Loop() {
		var batch []Report
		for range 100 {
			n++
			batch = append(batch, big(n, float64(n%40)))
		}
		if _, err := a.Upsert(b.Context(), "triage", batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "incidents/s")
}

func BenchmarkList(b *testing.B) {
	a, _ := filled(b, 2000, 1)
	for b.Loop() {
		if _, err := a.Incidents(b.Context(), Filter{Condition: IsOpen}, "", 50); err != nil {
			b.Fatal(err)
		}
	}
}
