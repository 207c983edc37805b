package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/detect"
	"vedette/internal/detect/all"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/input"
	"vedette/internal/pipeline"
	"vedette/internal/resolve"
	"vedette/internal/rows"
)

// busy is a log of four days with attacks, made once.
var busy = sync.OnceValue(func() []input.Entry {
	return (&estate{devices: 40, seed: 1, attacks: 2}).log(4)
})

func machine(workers int) *pipeline.Machine { return pipeline.New(all.Kinds(), 1, workers) }

func TestSameForAnyNumberOfWorkers(t *testing.T) {
	log := busy()
	one := machine(1)
	want := apply(one, log)
	if len(want.Findings) < 10 {
		t.Fatalf("only %d findings: nothing is compared", len(want.Findings))
	}
	bytesOf := one.Save(nil)
	for _, workers := range []int{2, 7, 16, 7} {
		m := machine(workers)
		got := apply(m, log)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%d workers find something else (-1 +%d):\n%s", workers, workers, d)
		}
		if !bytes.Equal(m.Save(nil), bytesOf) {
			t.Fatalf("%d workers learn something else", workers)
		}
	}
}

func TestSameTenTimes(t *testing.T) {
	log := busy()
	log = log[:len(log)*3/4]
	var want found
	var bytesOf []byte
	for i := range 10 {
		m := machine(1 + i%3)
		got := apply(m, log)
		if i == 0 {
			want, bytesOf = got, m.Save(nil)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("run %d differs:\n%s", i, d)
		}
		if !bytes.Equal(m.Save(nil), bytesOf) {
			t.Fatalf("run %d learned something else", i)
		}
	}
}

func TestLoadedGoesOnAsIfItHadNotStopped(t *testing.T) {
	log := busy()
	fresh := machine(2)
	var counts []int
	var want found
	for _, e := range log {
		want.take(fresh.Apply(e))
		counts = append(counts, len(want.Findings))
	}
	bytesOf := fresh.Save(nil)
	c := chance(5)
	cuts := []int{1, 2, len(log) / 4, len(log) / 2, len(log)*3/4 + 1, len(log)}
	for range 4 {
		cuts = append(cuts, 1+c.n(len(log)))
	}
	for _, n := range cuts {
		a := machine(2)
		apply(a, log[:n])
		saved := a.Save(nil)
		b := machine(7)
		rest, err := b.Load(append(bytes.Clone(saved), "after"...))
		if err != nil || string(rest) != "after" {
			t.Fatalf("cut at %d of %d: load: %v, %d bytes left", n, len(log), err, len(rest))
		}
		if b.At() != a.At() || !bytes.Equal(b.Save(nil), saved) {
			t.Fatalf("cut at %d: what was loaded is not what was saved", n)
		}
		got := apply(b, log[n:])
		if d := cmp.Diff(want.Findings[counts[n-1]:], got.Findings, sameIfEmpty); d != "" {
			t.Fatalf("cut at %d: other findings after loading:\n%s", n, d)
		}
		if !bytes.Equal(b.Save(nil), bytesOf) {
			t.Fatalf("cut at %d: other state in the end", n)
		}
	}
}

var sameIfEmpty = cmp.Transformer("nil", func(f []finding.Finding) []finding.Finding {
	return append([]finding.Finding{}, f...)
})

func TestResolverGoesOnAsIfItHadNotStopped(t *testing.T) {
	resolved := func(cut int) (events, state []byte) {
		r := resolve.New(nil)
		n := 0
		(&estate{devices: 30, seed: 3, attacks: 2}).each(4, func(w window) {
			if n++; n == cut {
				again := resolve.New(nil)
				in := rows.Reader{Src: r.Append(nil)}
				again.Read(&in)
				if in.Err != nil || len(in.Src) > 0 {
					t.Fatalf("cut %d: %v, %d bytes left", cut, in.Err, len(in.Src))
				}
				r = again
			}
			r.Resolve(w.batch)
			events = rows.Append(events, w.batch.Events)
		})
		return events, r.Append(nil)
	}
	wantEvents, wantState := resolved(0)
	for _, cut := range []int{1, 2, 100, 130, 288, 500, 1000, 4 * 288} {
		events, state := resolved(cut)
		if !bytes.Equal(events, wantEvents) {
			t.Errorf("cut at %d: events are resolved otherwise", cut)
		}
		if !bytes.Equal(state, wantState) {
			t.Errorf("cut at %d: another state in the end", cut)
		}
	}
}

func TestScanIsFoundBeforeTheBatchEnds(t *testing.T) {
	e := &estate{devices: 5, seed: 1}
	m := machine(2)
	m.Apply(input.Entry{At: 1, Tick: start})
	var deeds []deed
	for i := range 60 {
		deeds = append(deeds, deed{at: start + int64(i+1)*second, source: conn, from: device(1), to: fmt.Sprintf("10.0.7.%d", i), port: 445, outcome: event.Unanswered})
	}
	b := e.batch(deeds)
	resolve.New(nil).Resolve(b)
	got := m.Apply(input.Entry{At: 2, Batch: b})
	if len(got.Findings) != 1 || len(got.Risks) != 1 {
		t.Fatalf("%d findings and %d risks with the batch, want one each", len(got.Findings), len(got.Risks))
	}
	f := got.Findings[0]
	if f.Facet != finding.Scan || f.Entity != b.Events[0].Subject.Key || got.Risks[0].Entity != f.Entity || got.Risks[0].Top != finding.Scan {
		t.Errorf("found %+v", f)
	}
	if last := b.Events[len(b.Events)-1].Time; f.Time != last || f.To < last || f.From > b.Events[0].Time {
		t.Errorf("said at %d about %d to %d, want at the end of the batch, %d", f.Time, f.From, f.To, last)
	}
	if len(f.Evidence) == 0 {
		t.Fatal("no evidence")
	}
	for _, r := range f.Evidence {
		if m.Source(r.Source) != "conn.log" || r.Position < 1 || r.Position > 60 || r.Index != 0 {
			t.Errorf("evidence %+v of %q is no record of the scan", r, m.Source(r.Source))
		}
	}
}

// TestEvidenceExists: every reference leads to a record that was there, of an event in
// which the entity of the finding took part, and which was over when it was said.
func TestEvidenceExists(t *testing.T) {
	m := machine(2)
	type place struct {
		source string
		finding.Ref
	}
	records := map[place]event.Envelope{}
	for _, e := range busy() {
		if e.Batch != nil {
			for i := range e.Batch.Events {
				v := event.View{Batch: e.Batch, I: i}
				h := v.Head()
				records[place{v.String(v.Origin().Source), finding.Ref{Position: v.Record().Position, Index: uint32(h.Index)}}] = *h
			}
		}
		for _, f := range m.Apply(e).Findings {
			if len(f.Evidence) == 0 {
				t.Errorf("%s: %s has no evidence", f.Detector, f.Signal)
			}
			if f.From > f.Time || f.Time > f.To {
				t.Errorf("%s: %s is said at %d about %d to %d", f.Detector, f.Signal, f.Time, f.From, f.To)
			}
			for _, r := range f.Evidence {
				h, ok := records[place{m.Source(r.Source), finding.Ref{Position: r.Position, Index: r.Index}}]
				if !ok || h.Subject.Key != f.Entity && h.Object.Key != f.Entity {
					t.Fatalf("%s cites %s record %d, which is not there or about others", f.Detector, m.Source(r.Source), r.Position)
				}
				if h.Time > f.Time || h.Time > f.To {
					t.Errorf("%s: %s, said at %d about %d to %d, cites a record of %d", f.Detector, f.Signal, f.Time, f.From, f.To, h.Time)
				}
			}
		}
	}
}

func TestAttacksAreFound(t *testing.T) {
	got := apply(machine(2), (&estate{devices: 40, seed: 2, attacks: 9}).log(10))
	var of [finding.Facets]int
	for _, r := range got.Risks {
		if r.Total >= r.Threshold {
			of[r.Top]++
		}
	}
	for _, f := range []finding.Facet{finding.Scan, finding.Authentication, finding.Volume} {
		if of[f] == 0 {
			t.Errorf("no risk above the threshold is led by %s", f)
		}
	}
}

func TestQuietEstateStaysQuiet(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if testing.Short() {
		seeds = seeds[:1]
	}
	for _, seed := range seeds {
		log := (&estate{devices: 50, seed: seed}).log(10)
		m := machine(2)
		events, above := 0, map[entity.Key]finding.Risk{}
		for _, e := range log {
			if e.Batch != nil {
				events += len(e.Batch.Events)
			}
			got := m.Apply(e)
			for _, r := range got.Risks {
				if r.Total < r.Threshold {
					continue
				}
				if above[r.Entity].Entity == 0 {
					for _, f := range got.Findings {
						if f.Entity == r.Entity {
							t.Logf("seed %d, day %.2f: %s: %s %.4g (expected %.3g, usual %.3g), native %.1f raw %.1f nats %.1f", seed,
								float64(r.Time-start)/float64(day), f.Detector, f.Signal, f.Observed, f.Expected, f.Usual, f.Native, f.Raw, f.Nats)
						}
					}
				}
				above[r.Entity] = r
			}
		}
		t.Logf("seed %d: %d events, %d of %d entities above the threshold at some time", seed, events, len(above), m.Members())
		if len(above) > 0 {
			t.Errorf("seed %d: a quiet estate surfaces %d entities, want none", seed, len(above))
		}
	}
}

// small is a state of a few devices and hours.
var small = sync.OnceValue(func() []byte {
	m := machine(1)
	log := (&estate{devices: 3, seed: 9}).log(1)
	apply(m, log[:len(log)*2/3])
	return m.Save(nil)
})

func TestDamagedStateIsRefused(t *testing.T) {
	good := small()
	t.Logf("the state of 3 devices takes %d bytes", len(good))
	t.Run("truncated", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.OneOf(rapid.IntRange(0, len(good)-1), rapid.IntRange(0, 20000)).Draw(t, "n")
			if _, err := machine(1).Load(good[:n:n]); !errors.Is(err, pipeline.ErrDamaged) && !errors.Is(err, pipeline.ErrShape) {
				t.Fatalf("%d of %d bytes: %v", n, len(good), err)
			}
		})
	})
	t.Run("flipped", func(t *testing.T) {
		// A flip in a number cannot be told from another number: the file around it has
		// a checksum. But it must not panic, nor take memory that is not there.
		bad := bytes.Clone(good)
		rapid.Check(t, func(t *rapid.T) {
			var undo []int
			defer func() {
				for _, i := range undo {
					bad[i] = good[i]
				}
			}()
			for range rapid.IntRange(1, 4).Draw(t, "flips") {
				i := rapid.OneOf(rapid.IntRange(0, len(bad)-1), rapid.IntRange(0, 5000)).Draw(t, "at")
				bad[i] ^= rapid.Byte().Draw(t, "bits")
				undo = append(undo, i)
			}
			_, err := machine(1).Load(bad)
			if err != nil && !errors.Is(err, pipeline.ErrDamaged) && !errors.Is(err, pipeline.ErrShape) {
				t.Fatal(err)
			}
		})
	})
	t.Run("other_shape", func(t *testing.T) {
		kinds := all.Kinds()
		for name, k := range map[string][]detect.Kind{"fewer": kinds[1:], "other_order": append(kinds[1:len(kinds):len(kinds)], kinds[0]), "none": nil} {
			if _, err := pipeline.New(k, 1, 1).Load(good); !errors.Is(err, pipeline.ErrShape) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestOddTimes: sensors are wrong about time. Nothing may panic, nor take for ever.
func TestOddTimes(t *testing.T) {
	at := func(times ...int64) []int64 { return times }
	year := 365 * day
	for name, times := range map[string][]int64{
		"late":            at(0, hour, hour+minute, 2*minute, -day, hour+2*minute),
		"out_of_order":    at(5*minute, 4*minute, 3*minute, 2*minute, 3*hour, 2*hour, hour),
		"gap_of_a_year":   at(0, minute, year, year+minute, 3*year),
		"back_in_time":    at(year, year+hour, 0, minute, year+2*hour),
		"before_1970":     at(-start-year, -start, -start+1, 0),
		"end_of_the_time": at(0, 1<<62-start, 1<<63-1-start),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			e := &estate{devices: 5, seed: 1}
			for _, workers := range []int{1, 3} {
				m, r := machine(workers), resolve.New(nil)
				position := input.Position(0)
				next := func(x input.Entry) {
					position++
					x.At = position
					m.Apply(x)
				}
				for _, d := range times {
					now := start + d
					next(input.Entry{Tick: now / int64(pipeline.Window) * int64(pipeline.Window)})
					var deeds []deed
					for i := range 40 { // all kinds, and times that jump
						x := deed{at: now + int64(i%7-3)*hour*int64(i%2), source: i % sources, from: device(i % 3), to: server(i % 5), name: "02:00:00:00:00:01", port: 445, outcome: event.Outcome(i % 4), length: int64(i) * second}
						deeds = append(deeds, x)
					}
					b := e.batch(deeds)
					r.Resolve(b)
					next(input.Entry{Batch: b})
				}
				next(input.Entry{Tick: start + 4*year})
				again := machine(1)
				if _, err := again.Load(m.Save(nil)); err != nil {
					t.Errorf("what was learned cannot be loaded: %v", err)
				}
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestEmptyEntries(t *testing.T) {
	m := machine(2)
	for i, e := range []input.Entry{{}, {Tick: start}, {Batch: new(event.Batch)}, {Tick: start}, {Tick: start - day}, {Tick: start + day}} {
		e.At = input.Position(i + 1)
		if got := m.Apply(e); len(got.Findings) > 0 {
			t.Errorf("entry %d: findings out of nothing", i)
		}
	}
	if m.At() != 6 || m.Members() != 0 || m.Source(9) != "" {
		t.Errorf("at %d with %d members", m.At(), m.Members())
	}
}
