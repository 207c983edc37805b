package triage

import (
	"testing"

	"vedette/internal/entity"
	"vedette/internal/finding"
)

// TestFloodOfFindings: findings without end make neither an incident nor the list of them
// grow without end, and the strongest evidence stays.
func TestFloodOfFindings(t *testing.T) {
	tr := New()
	strong := claim(1, hour, finding.Beacon, 50, 7)
	tr.Take([]finding.Finding{strong}, nil, 1, 1)
	for i := range entity.Key(3 * mostFindings) {
		tr.Take([]finding.Finding{claim(1, hour+int64(i), finding.Beacon, 5+float64(i)/1000, 1000+i)}, nil, 1, 1)
	}
	in := of(tr, 1)
	if n := len(in.Findings); n > mostFindings || n < mostFindings*9/10 {
		t.Errorf("an incident has %d findings", n)
	}
	least := in.Findings[0].Nats
	kept := false
	for _, f := range in.Findings {
		least = min(least, f.Nats)
		kept = kept || f.Nats == strong.Nats
	}
	if !kept || least < 6.9 {
		t.Errorf("the strongest is there: %v; the weakest has %v nats", kept, least)
	}
	if _, yes := tr.Crowded(); yes {
		t.Error("one incident is no crowd")
	}
	for i := range entity.Key(mostIncidents) {
		tr.Take([]finding.Finding{claim(1e6+i, 2*hour+int64(i)*1e9, finding.Hours, 5)}, nil, 1, 1)
	}
	before, yes := tr.Crowded()
	if tr.Settle(before); !yes || len(tr.incidents) < mostIncidents/2-1 || len(tr.incidents) > mostIncidents/2+1 {
		t.Errorf("%d incidents are left: %v", len(tr.incidents), yes)
	}
	if _, yes := tr.Crowded(); yes {
		t.Error("they are still too many")
	}
	if len(tr.seen) > mostSeen || len(tr.of) != len(tr.incidents) {
		t.Errorf("%d entities are counted, %d have an incident", len(tr.seen), len(tr.of))
	}
}
