package baseline

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
	"vedette/internal/rows"
)

func TestRows(t *testing.T) {
	for name, err := range map[string]error{
		"head": rows.Check[head](), "cell": rows.Check[cell](), "beat": rows.Check[beat](), "hail": rows.Check[hail](), "note": rows.Check[note](), "mean": rows.Check[mean](),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func value(name string, key uint64) detect.Value {
	return detect.Value{Name: name, Of: func(event.View, detect.Side) uint64 { return key }}
}

func kinds() []detect.Kind {
	one := detect.Kind{
		Info: plug.Info{Name: "test/one"}, Facet: finding.Scan, Wants: []event.Type{event.FlowType, event.LogonType},
		Signals: []detect.Signal{{Name: "a"}, {Name: "b", Model: detect.News}}, Values: []detect.Value{value("peer", 1), value("user", 1)},
	}
	two := detect.Kind{
		Info: plug.Info{Name: "test/two"}, Facet: finding.Scan, Wants: []event.Type{event.FlowType},
		Signals: []detect.Signal{{Name: "c"}}, Values: []detect.Value{value("none", 0), value("peer", 2)},
	}
	return []detect.Kind{one, two}
}

func TestPlan(t *testing.T) {
	p := NewPlan(kinds(), 1)
	if len(p.Values) != 3 {
		t.Fatalf("%d values, want one for each name", len(p.Values))
	}
	if got := p.Asked(event.FlowType); len(got) != 3 {
		t.Errorf("of a flow %v is asked", got)
	}
	if got := p.Asked(event.LogonType); len(got) != 2 {
		t.Errorf("of a logon %v is asked", got)
	}
	if got := p.Asked(event.MailType); len(got) != 0 {
		t.Errorf("of a mail %v is asked", got)
	}
	if p.Key(0, event.View{}, detect.Acts) == p.Key(1, event.View{}, detect.Acts) {
		t.Error("different properties of the same hash have the same key")
	}
	if p.Key(2, event.View{}, detect.Acts) != 0 {
		t.Error("what has no value has a key")
	}
	if p.facets != 1 {
		t.Errorf("%d facets, want 1", p.facets)
	}
}

func TestShapeTellsPlansApart(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(k []detect.Kind) []detect.Kind{
		"same":   func(k []detect.Kind) []detect.Kind { return k },
		"fewer":  func(k []detect.Kind) []detect.Kind { return k[1:] },
		"order":  func(k []detect.Kind) []detect.Kind { return []detect.Kind{k[1], k[0]} },
		"name":   func(k []detect.Kind) []detect.Kind { k[0].Signals[0].Name = "x"; return k },
		"model":  func(k []detect.Kind) []detect.Kind { k[0].Signals[0].Model = detect.Clock; return k },
		"facet":  func(k []detect.Kind) []detect.Kind { k[0].Facet = finding.Beacon; return k },
		"signal": func(k []detect.Kind) []detect.Kind { k[1].Signals = append(k[1].Signals, detect.Signal{}); return k },
	} {
		s := NewPlan(change(kinds()), 1).Shape()
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s have the same shape", name, other)
		}
		seen[s] = name
	}
	if NewPlan(kinds(), 1).Shape() != NewPlan(kinds(), 9).Shape() {
		t.Error("the budget changes the shape")
	}
}

// TestTouch: how new a value is, against plain maps.
func TestTouch(t *testing.T) {
	type pair struct{ value, who uint64 }
	rapid.Check(t, func(t *rapid.T) {
		var o Objects
		had, estate, group := map[pair]bool{}, map[uint64]uint32{}, map[pair]uint32{}
		hour := uint32(490_000)
		for range rapid.IntRange(1, 200).Draw(t, "touches") {
			hour += rapid.Uint32Range(0, 3).Draw(t, "later")
			v, who := rapid.Uint64Range(1, 6).Draw(t, "value")<<50, rapid.Uint64Range(1, 30).Draw(t, "who")*0x9e3779b97f4a7c15 // keys are hashes
			g := uint16(who >> 60 % 3)
			n := o.Touch(v, &entity.Ref{Key: entity.Key(who), Group: g}, hour, detect.Always)
			if n.First == had[pair{v, who}] || n.Estate != estate[v] || n.First && n.Group != group[pair{v, uint64(g)}] {
				t.Fatalf("%+v, want first %v of %d, in the group %d", n, !had[pair{v, who}], estate[v], group[pair{v, uint64(g)}])
			}
			if n.Recent < 0 || n.Recent > float32(n.Estate)+0.1 {
				t.Fatalf("%v of %d adopted it of late", n.Recent, n.Estate)
			}
			if n.First {
				had[pair{v, who}] = true
				estate[v]++
				group[pair{v, uint64(g)}]++
			}
		}
		saved := o.Append(nil)
		var again Objects
		r := rows.Reader{Src: saved}
		if again.Read(&r); r.Err != nil || !bytes.Equal(again.Append(nil), saved) {
			t.Fatalf("read again: %v", r.Err)
		}
	})
}

func TestRecentAdoptionFades(t *testing.T) {
	var o Objects
	touch := func(who, hour int) float32 {
		return o.Touch(1<<60, &entity.Ref{Key: entity.Key(who)}, uint32(490_000+hour), detect.Always).Recent
	}
	for i := range 20 {
		touch(i+1, 0)
	}
	soon, day, month := touch(100, 0), touch(101, 24), touch(102, 24*30)
	if math.Abs(float64(soon)-20) > 0.5 || day > 7 || day < 4 || month > 0.1 {
		t.Errorf("%v adopted it of late, a day later %v, a month later %v", soon, day, month)
	}
}

// TestSoften: it rises, and what is small stays as it is.
func TestSoften(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 1e4).Draw(t, "a"), rapid.Float64Range(0, 1e4).Draw(t, "b")
		if x, y := soften(min(a, b)), soften(max(a, b)); x > y || x > min(a, b)+1e-9 || a <= 12 && soften(a) != a {
			t.Fatalf("%v becomes %v, %v becomes %v", min(a, b), x, max(a, b), y)
		}
	})
}

// TestMergeAddsUp: what partitions learned is in the next Shared, and gone from them.
func TestMergeAddsUp(t *testing.T) {
	p := NewPlan(kinds(), 1)
	parts := make([]Subjects, 3)
	for i := range parts {
		parts[i].Use(p)
		parts[i].delta.tails[0] = learn.Tail{N: 10, K1: 1, X1: 2}
		parts[i].delta.maxima[finding.Scan].Add(4)
		parts[i].learned = true
	}
	before := NewShared(p)
	empty := before.Append(nil)
	after := before.Merge(p, parts, 5, true)
	if after.tails[0] != (learn.Tail{N: 30, K1: 3, X1: 6}) || after.hours != 5 || after.maxima[finding.Scan].N != 3 {
		t.Errorf("merged: %+v after %d hours, %v days", after.tails[0], after.hours, after.maxima[finding.Scan].N)
	}
	if !bytes.Equal(before.Append(nil), empty) {
		t.Error("the shared state from before has changed")
	}
	for i := range parts {
		if parts[i].learned || !bytes.Equal(parts[i].delta.Append(nil), empty) {
			t.Errorf("partition %d keeps what it gave", i)
		}
	}
	var again Shared
	r := rows.Reader{Src: after.Append(nil)}
	if again.Read(p, &r); r.Err != nil || !bytes.Equal(again.Append(nil), after.Append(nil)) || again.Threshold(finding.Scan) != after.Threshold(finding.Scan) {
		t.Errorf("read again: %v", r.Err)
	}
}

func TestSharedLearns(t *testing.T) {
	p := NewPlan(kinds(), 1)
	s := NewShared(p)
	if s.Learning() != 0 || s.Members() != 0 {
		t.Errorf("at first: learning %v, %d members", s.Learning(), s.Members())
	}
	for range 400 {
		s = s.Merge(p, nil, 1, false)
		if s.Learning() > 1 {
			t.Fatalf("learning %v", s.Learning())
		}
	}
	if s.Learning() != 1 {
		t.Errorf("after 400 hours: learning %v", s.Learning())
	}
	for f := range finding.Facets {
		if x := s.Threshold(f); !(x > 1 && x < 40) {
			t.Errorf("the first threshold of %s is %v", f, x)
		}
	}
}
