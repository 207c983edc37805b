package baseline

import (
	"bytes"
	"testing"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
	"vedette/internal/rows"
	"vedette/internal/text"
)

const (
	someHour = 490_000 // from 1970
	anHour   = int64(3600e9)
)

// TestFloodOfValues: whoever makes up names for ever neither fills memory nor makes what
// everybody has look new.
func TestFloodOfValues(t *testing.T) {
	var o Objects
	normal := func(hour uint32) (first int) {
		for i := range uint64(2000) {
			for who := range entity.Key(3) {
				if o.Touch(text.Mix(i, 1), &entity.Ref{Key: 1000 + who, Group: 2}, hour, detect.Always).First {
					first++
				}
			}
		}
		return first
	}
	if first := normal(someHour); first != 6000 {
		t.Fatalf("%d of 6,000 values are new", first)
	}
	normal(someHour + 1)
	made := uint64(0)
	flood := func(o *Objects, from, n uint64, hour uint32) {
		for i := range n {
			o.Touch(text.Mix(from+i, 2), &entity.Ref{Key: 9, Group: 3}, hour, detect.Always)
		}
	}
	for hour := uint32(2); hour < 6; hour++ {
		flood(&o, made, mostValues, someHour+hour)
		made += mostValues
		if n := o.table.Len(); n > mostValues || n < mostValues/4 {
			t.Fatalf("%d cells, of %d at most", n, mostValues)
		}
	}
	if first := normal(someHour + 7); first > 0 {
		t.Errorf("%d values of normal entities were forgotten", first)
	}
	if n := o.Touch(text.Mix(0, 1), &entity.Ref{Key: 77, Group: 2}, someHour+7, detect.Always); n.Estate != 3 || n.Group != 3 {
		t.Errorf("how many have a value was forgotten: %+v", n)
	}

	var again Objects // a loaded one gives way to the same
	r := rows.Reader{Src: o.Append(nil)}
	if again.Read(&r); r.Err != nil {
		t.Fatal(r.Err)
	}
	flood(&o, made, mostValues, someHour+8)
	flood(&again, made, mostValues, someHour+8)
	if !bytes.Equal(o.Append(nil), again.Append(nil)) {
		t.Error("replay forgets something else")
	}
}

// beating returns a partition with a signal of rhythms, at an hour, and an entity.
func beating(hour uint32) *Subjects {
	p := NewPlan([]detect.Kind{{
		Info: plug.Info{Name: "test/beat"}, Facet: finding.Beacon, Wants: []event.Type{event.FlowType},
		Signals: []detect.Signal{{Name: "beat", Model: detect.Beats, Hourly: 12}},
	}}, 1)
	s := new(Subjects)
	s.Use(p)
	b := new(event.Batch)
	e := event.NewEmit(nil)
	e.Source(b, "t", "s", "x")
	e.Begin(1, event.Handshake, []byte("x"))
	e.Flow(int64(hour) * anHour)
	s.seen = detect.Seen{View: event.View{Batch: b}}
	s.Begin(NewShared(p), Now{Time: int64(hour) * anHour, Hour: hour})
	s.row, _ = s.find(&entity.Ref{Key: 5})
	return s
}

// TestThirdContactMakesTheSameRhythm: what was remembered of the first two is all that
// there is to it.
func TestThirdContactMakesTheSameRhythm(t *testing.T) {
	s := beating(someHour)
	var want learn.Rhythm
	at := int64(someHour) * anHour
	for i, x := range []struct {
		after int64
		bytes float64
	}{{0, 100}, {1e9, 7}, {60e9, 120}, {60e9, 0}, {59e9, 110}, {61e9, 90}} {
		at += x.after
		want.Contact(at, x.bytes, 12)
		b := s.rhythm(99, 0, at, x.bytes)
		if (b != nil) != (i > 2) {
			t.Fatalf("contact %d: a rhythm is %v", i, b)
		}
		if b == nil {
			continue
		}
		if b.Contact(at, x.bytes, 12); b.Rhythm != want {
			t.Fatalf("contact %d: %+v\nwant %+v", i, b.Rhythm, want)
		}
		if b.First != int64(someHour)*anHour || i == 3 && b.Cited != 2 {
			t.Errorf("%+v", b)
		}
	}
	if len(s.hails) != 0 || len(s.beats) != 1 || s.pairs.Len() != 1 {
		t.Errorf("%d hails, %d beats of %d relations", len(s.hails), len(s.beats), s.pairs.Len())
	}
}

// TestFloodOfPeers: a host that contacts everything, once or again and again, leaves the
// rhythms of others alone.
func TestFloodOfPeers(t *testing.T) {
	s := beating(someHour)
	contact := func(s *Subjects, key uint64, at int64) {
		if b := s.rhythm(key, 0, at, 100); b != nil {
			b.Contact(at, 100, 12)
		}
	}
	begin := int64(someHour) * anHour
	for n := range int64(20) {
		for key := range uint64(500) {
			contact(s, text.Mix(key, 1), begin+n*300e9)
		}
	}
	check := func(when string) {
		t.Helper()
		if len(s.hails) > mostHails || len(s.beats) > mostBeats || s.pairs.Len() != len(s.hails)+len(s.beats) {
			t.Fatalf("%s: %d hails and %d beats of %d relations", when, len(s.hails), len(s.beats), s.pairs.Len())
		}
		for i := range s.hails {
			if c := s.pairs.Find(s.hails[i].Key); c.Count != uint32(i+1)|hailed {
				t.Fatalf("%s: hail %d is said to be %x", when, i, c.Count)
			}
		}
		for i := range s.beats {
			if c := s.pairs.Find(s.beats[i].Key); c.Count != uint32(i+1) {
				t.Fatalf("%s: beat %d is said to be %x", when, i, c.Count)
			}
		}
	}
	made := uint64(0)
	for hour := range int64(6) {
		s.now.Hour = uint32(someHour + 2 + hour)
		for key := range uint64(mostHails) * 3 / 2 {
			contact(s, text.Mix(made+key, 2), begin+(2+hour)*anHour)
		}
		for n := range int64(3) { // these come to be rhythms, or would
			for key := range uint64(mostBeats) {
				contact(s, text.Mix(made+key, 3), begin+(2+hour)*anHour+n*10e9)
			}
		}
		made += 2 * mostHails
		check("in the hour")
		s.forgetBeats()
		check("at its end")
	}
	for key := range uint64(500) {
		c := s.pairs.Find(text.Mix(key, 1))
		if c.Count == 0 || c.Count&hailed != 0 || s.beats[c.Count-1].Seen != 19 {
			t.Fatal("a rhythm was forgotten")
		}
	}
}

// TestFloodOfEntities: addresses that are made up take the rows of each other, not of those
// that were there before.
func TestFloodOfEntities(t *testing.T) {
	s := beating(someHour)
	sh := *s.shared
	meet := func(key entity.Key, hour uint32) bool {
		row, ok := s.find(&entity.Ref{Key: key})
		if ok {
			s.heads[row].Hour = hour + 1
			if p := &s.pasts[row*len(s.plan.signals)]; p.Track == 0 {
				s.tracks = append(s.tracks, track{Hour: uint32(key)})
				p.Track = uint32(len(s.tracks))
			}
		}
		return ok
	}
	made := entity.Key(1 << 40)
	for h := range uint32(80) {
		sh.hours = h
		s.Begin(&sh, Now{Time: int64(someHour+h) * anHour, Hour: someHour + h})
		for k := range entity.Key(200) {
			if !meet(entity.Key(text.Mix(uint64(k), 1)), someHour+h) {
				t.Fatalf("hour %d: there is no room for an entity of long ago", h)
			}
		}
		for range 3 * mostEntities {
			if h >= 30 {
				made++
				meet(made, someHour+h)
			}
		}
		s.forgetEntities()
		if s.index.Len() > mostEntities/4*3 || len(s.heads) > mostEntities || len(s.tracks) > mostEntities {
			t.Fatalf("hour %d: %d entities in %d rows, %d weeks", h, s.index.Len(), len(s.heads), len(s.tracks))
		}
		for i := range s.heads {
			k := s.heads[i].Key
			if k != 0 && int(s.index.Find(uint64(k)).Count) != i+1 {
				t.Fatalf("hour %d: row %d is not that of its entity", h, i)
			}
			if n := s.pasts[i*len(s.plan.signals)].Track; n > 0 && (k == 0 || s.tracks[n-1].Hour != uint32(k)) {
				t.Fatalf("hour %d: the week of row %d is not that of its entity", h, i)
			}
		}
	}
	for k := range entity.Key(200) {
		if row := s.index.Find(text.Mix(uint64(k), 1)).Count; row == 0 || s.heads[row-1].Born > 0 {
			t.Fatal("an entity was forgotten")
		}
	}
}
