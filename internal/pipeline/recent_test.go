package pipeline_test

import (
	"math"
	"testing"

	"vedette/internal/baseline"
	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/resolve"
)

// TestBandIsTheOneThatWasScored asks after each entry what was normal, and holds the
// answer against what the findings of that entry say.
func TestBandIsTheOneThatWasScored(t *testing.T) {
	m := machine(2)
	compared := map[detect.Model]int{}
	tick := int64(0)
	for _, e := range busy() {
		closes := e.Batch == nil && e.Tick/hour > tick/hour // the hour is learned at once
		if e.Batch == nil {
			tick = e.Tick
		}
		f := m.Apply(e)
		if closes {
			continue
		}
		for _, f := range f.Findings {
			r, ok := m.Recent(f.Entity)
			if !ok {
				t.Fatalf("nothing is known of %x", f.Entity)
			}
			g := signal(t, r, f.Detector, f.Signal)
			b := g.Bands[r.Hour%24]
			if !g.OpenTold {
				t.Errorf("%s: the finding has left no mark", f.Signal)
			}
			switch g.Model {
			case detect.Amount, detect.Largest, detect.News:
				if b.Known && (b.Middle != f.Expected || b.High != f.Usual) || !b.Known && f.Expected >= 0 || g.Open < f.Observed {
					t.Fatalf("%s: about %v, seldom over %v, %v so far; the finding says %v, %v, %v", f.Signal, b.Middle, b.High, g.Open, f.Expected, f.Usual, f.Observed)
				}
				compared[g.Model]++
			}
		}
	}
	for _, k := range []detect.Model{detect.Amount, detect.News} {
		if compared[k] < 3 {
			t.Errorf("only %d findings of model %d were compared", compared[k], k)
		}
	}
}

func signal(t *testing.T, r baseline.Recent, detector, name string) baseline.Signal {
	for _, g := range r.Signals {
		if g.Detector == detector && g.Name == name {
			return g
		}
	}
	t.Fatalf("no signal %s of %s", name, detector)
	return baseline.Signal{}
}

// TestRecentIsWhatWasSeen counts for itself what machines sent outside in each hour.
func TestRecentIsWhatWasSeen(t *testing.T) {
	m := machine(1)
	type at struct {
		who  entity.Key
		hour int64
	}
	sent, last := map[at]float64{}, int64(0)
	seen := map[entity.Key]bool{}
	for _, e := range busy() {
		m.Apply(e)
		if last = max(last, e.Tick); e.Batch == nil {
			continue
		}
		for i := range e.Batch.Events {
			h := &e.Batch.Events[i]
			if h.Type != event.FlowType || h.Subject.Own != 1 || h.Object.Own == 1 {
				continue
			}
			if f := e.Batch.Flows[h.Row]; f.Open == 0 {
				seen[h.Subject.Key] = true
				sent[at{h.Subject.Key, max(h.Time, last) / hour}] += float64(f.BytesOut)
			}
		}
	}
	compared := 0
	for who := range seen {
		r, ok := m.Recent(who)
		if !ok {
			t.Fatalf("%x is not known", who)
		}
		g := signal(t, r, "network/volume", "bytes sent outside")
		for i, x := range g.Seen {
			want := sent[at{who, int64(r.Hour) - baseline.Week + int64(i)}]
			if math.Abs(math.Log1p(x)-math.Log1p(want)) > 0.07 {
				t.Fatalf("%x, hour %d: %v, want %v", who, i, x, want)
			}
			if want > 0 {
				compared++
				if !r.Active[i] {
					t.Fatalf("%x, hour %d: it sent something and was not there", who, i)
				}
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d hours were compared", compared)
	}
}

// TestAlike holds who is found to be alike against a look at everybody.
func TestAlike(t *testing.T) {
	m := machine(1)
	everybody := map[entity.Key]bool{}
	for _, e := range busy() {
		if m.Apply(e); e.Batch != nil {
			for i := range e.Batch.Events {
				if s := e.Batch.Events[i].Subject; s.Own == 1 {
					everybody[s.Key] = true
				}
			}
		}
	}
	for who := range everybody {
		best, looked := m.Alike(who, 5)
		if len(best) != 5 || looked < len(everybody) {
			t.Fatalf("%d are alike among %d", len(best), looked)
		}
		all, _ := m.Alike(who, 1000)
		for i, a := range all {
			if a.Key == who || i > 0 && a.Distance < all[i-1].Distance || i < 5 && a != best[i] {
				t.Fatalf("of %d the %dth is %+v", len(all), i, a)
			}
		}
		back, _ := m.Alike(all[0].Key, 1000)
		for _, b := range back {
			if b.Key == who && math.Abs(b.Distance-all[0].Distance) > 1e-6 {
				t.Fatalf("from one to the other it is %v, and back %v", all[0].Distance, b.Distance)
			}
		}
	}
	if best, _ := m.Alike(1, 5); best != nil {
		t.Error("somebody is like nobody")
	}
}

// TestFirsts: what a machine turned to for the first time is known, the newest first.
func TestFirsts(t *testing.T) {
	m := machine(1)
	var at input.Position
	apply := func(e input.Entry) {
		at++
		e.At = at
		m.Apply(e)
	}
	e := &estate{devices: 5, seed: 1}
	apply(input.Entry{Tick: start})
	var deeds []deed
	for i := range 20 {
		deeds = append(deeds, deed{at: start + int64(i)*second, from: device(1), to: server(i), port: uint16(1000 + i), outcome: event.Established, out: 10, in: 10, length: second})
	}
	b := e.batch(deeds)
	resolve.New(nil).Resolve(b)
	apply(input.Entry{Batch: b})
	r, ok := m.Recent(b.Events[0].Subject.Key)
	if !ok || len(r.Firsts) != 12 {
		t.Fatalf("%v, %d firsts", ok, len(r.Firsts))
	}
	if f := r.Firsts[0]; f.Port != 1019 || f.Label != "tcp" || f.Peer != b.Events[19].Object.Key || int64(f.Hour) != start/hour {
		t.Errorf("the newest: %+v", f)
	}
	for _, later := range []int64{start + 6*day, start + 8*day} {
		apply(input.Entry{Tick: later})
		if r, _ = m.Recent(b.Events[0].Subject.Key); (len(r.Firsts) == 12) != (later < start+7*day) {
			t.Errorf("after %d days: %d firsts", (later-start)/day, len(r.Firsts))
		}
	}
}
