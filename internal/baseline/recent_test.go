package baseline

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/rows"
)

func TestRecentRows(t *testing.T) {
	for name, err := range map[string]error{"track": rows.Check[track](), "diary": rows.Check[diary](), "past": rows.Check[past]()} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPack: what is kept is what was seen, to the precision that is promised.
func TestPack(t *testing.T) {
	for n := range 16 {
		if got := unpack(pack(float64(n), stepOther), stepOther, true); got != float64(n) {
			t.Errorf("%d comes back as %v", n, got)
		}
	}
	for _, x := range []float64{0, -1, math.NaN()} {
		if pack(x, stepBytes) != 0 {
			t.Errorf("%v is something", x)
		}
	}
	if pack(math.Inf(1), stepOther) != 255 || pack(1e-300, stepBytes) != 1 {
		t.Error("the ends of the scale are not kept")
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range []struct{ step, most float64 }{{stepBytes, 1e15}, {stepOther, 8e6}} {
			x := math.Exp(rapid.Float64Range(math.Log(20), math.Log(s.most)).Draw(t, "logarithm"))
			back := unpack(pack(x, s.step), s.step, false)
			if off := math.Abs(math.Log1p(back) - math.Log1p(x)); off > s.step/2+1e-9 {
				t.Fatalf("%v comes back as %v in steps of %v", x, back, s.step)
			}
			if y := x * rapid.Float64Range(1, 2).Draw(t, "more"); pack(y, s.step) < pack(x, s.step) {
				t.Fatalf("%v is kept as less than %v", y, x)
			}
		}
	})
}

// TestRecentIsTheLastWeek holds the rings against plain maps, over gaps of any length.
func TestRecentIsTheLastWeek(t *testing.T) {
	p := NewPlan([]detect.Kind{{Signals: []detect.Signal{{Name: "a"}, {Name: "b", Unit: "bytes"}}}}, 1)
	rapid.Check(t, func(t *rapid.T) {
		var s Subjects
		s.Use(p)
		s.Begin(NewShared(p), Now{})
		s.row, _ = s.find(&entity.Ref{Key: 7})
		seen, told := map[uint32]float64{}, map[uint32]bool{}
		hour := rapid.Uint32Range(490_000, 491_000).Draw(t, "first hour")
		for range rapid.IntRange(1, 60).Draw(t, "hours") {
			s.now.Hour = hour
			x := float64(rapid.IntRange(0, 15).Draw(t, "amount"))
			if seen[hour], told[hour] = x, rapid.Bool().Draw(t, "told"); told[hour] {
				s.past(0).In = hour + 1
			}
			s.keep(&cell{Sum: x}, 0)
			s.diaries[s.row].wake(hour)
			hour += rapid.SampledFrom([]uint32{1, 1, 1, 2, 5, 23, 24, 100, Week - 1, Week, Week + 1, 1000}).Draw(t, "later")
		}
		r, ok := s.Recent(7, s.shared, Now{Hour: hour})
		if !ok || r.Hour != hour {
			t.Fatalf("%v, hour %d", ok, r.Hour)
		}
		for i := range Week {
			h := hour - Week + uint32(i)
			x, was := seen[h]
			if r.Active[i] != was || r.Signals[0].Seen[i] != x || r.Signals[0].Told[i] != told[h] {
				t.Fatalf("hour %d of the week: active %v, %v, told %v; want %v, %v, %v", i, r.Active[i], r.Signals[0].Seen[i], r.Signals[0].Told[i], was, x, told[h])
			}
		}
		if len(s.tracks) > 1 {
			t.Fatalf("%d tracks, though only one signal was ever seen", len(s.tracks))
		}
		if _, ok := s.Recent(8, s.shared, Now{Hour: hour}); ok {
			t.Fatal("an entity that is not known has a past")
		}
	})
}

// TestDamagedTracks: state that leads nowhere is not loaded.
func TestDamagedTracks(t *testing.T) {
	p := NewPlan(kinds(), 1)
	for name, harm := range map[string]func(*Subjects){
		"none":   func(*Subjects) {},
		"track":  func(s *Subjects) { s.pasts[0].Track = 9 },
		"diary":  func(s *Subjects) { s.diaries = nil },
		"next":   func(s *Subjects) { s.diaries[0].Next = mostFirsts },
		"signal": func(s *Subjects) { s.diaries[0].Firsts[3].Signal = 200 },
	} {
		var s, again Subjects
		s.Use(p)
		s.Begin(NewShared(p), Now{})
		s.find(&entity.Ref{Key: 7})
		harm(&s)
		r := rows.Reader{Src: s.Append(nil)}
		again.Use(p)
		if again.Read(&r); (r.Err == nil) != (name == "none") {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}
