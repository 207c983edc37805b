package state

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

var update = flag.Bool("update", false, "rewrite what an incident looks like when stored")

// fill gives every field of a value something that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*n) + 1.0/3)
	case reflect.Uint64:
		v.SetUint(math.MaxUint64 - uint64(*n))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(*n%3 + 1))
	default:
		v.SetInt(int64(*n))
	}
}

// TestStoredForm holds still what an incident looks like when stored. What is stored
// outlives the program: a field that is renamed or removed, or a number that gets another
// meaning, takes a migration.
func TestStoredForm(t *testing.T) {
	var in incident.Incident
	n := 0
	fill(reflect.ValueOf(&in).Elem(), &n)
	file := filepath.Join("testdata", "incident.json")
	if *update {
		b, err := json.MarshalIndent(in, "", "\t")
		ok(t, err)
		ok(t, os.WriteFile(file, append(b, '\n'), 0o644))
	}
	text, err := os.ReadFile(file)
	ok(t, err)
	var got incident.Incident
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("what was stored can no longer be read: %v", err)
	}
	facets := []string{"volume", "new destination", "lateral", "authentication", "beacon", "scan", "hours", "long session", "third-party alert"}
	for i, want := range facets {
		if f := finding.Facet(i).String(); f != want {
			t.Errorf("facet %d is stored for %q and now means %q", i, want, f)
		}
	}
	tactics := []string{"", "initial access", "credential access", "discovery", "lateral movement", "collection", "command and control", "exfiltration", "impact"}
	for i, want := range tactics {
		if a := attack.Tactic(i).String(); a != want {
			t.Errorf("tactic %d is stored for %q and now means %q", i, want, a)
		}
	}
	if finding.ForIt != 0 || finding.Here != 1 || finding.Decisive != 2 {
		t.Error("the sorts of evidence have other numbers than those stored")
	}
}

func TestUpsert_roundTrip(t *testing.T) {
	_, a, c := fresh(t)
	var r Report
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	if n, err := a.Upsert(t.Context(), "triage", r); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	got, err := a.Incident(t.Context(), r.Incident.ID)
	ok(t, err)
	want := Case{Report: r, Condition: IsOpen, Version: 1, Created: c.now(), Changed: c.now()}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p, err := a.Incidents(t.Context(), Filter{Entity: r.Incident.Entities[1], Text: "TEXT"}, "", 5)
	if err != nil || len(p.Rows) != 1 || p.Rows[0].ID != r.Incident.ID || p.Rows[0].Names[1] != r.Names[1] || p.Rows[0].Findings != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestUpsert_sameAgain(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	all := []Report{report(1, 20), report(2, 30)}
	for i, want := range []int{2, 0, 0} {
		if n, err := a.Upsert(ctx, "triage", all...); err != nil || n != want {
			t.Errorf("time %d: %d changes, %v", i, n, err)
		}
	}
	all[1].Title = "another"
	if n, err := a.Upsert(ctx, "triage", all...); err != nil || n != 1 {
		t.Errorf("%d changes, %v", n, err)
	}
	steps, err := a.History(ctx, 2)
	if err != nil || len(steps) != 2 || steps[1].Title != "another" || steps[1].Kind != Updated {
		t.Errorf("%+v, %v", steps, err)
	}
}

func TestUpsert_bad(t *testing.T) {
	_, a, _ := fresh(t)
	bad := report(2, math.NaN())
	if _, err := a.Upsert(t.Context(), "triage", report(1, 20), bad); err == nil {
		t.Fatal("not a number was stored")
	}
	_, err := a.Incident(t.Context(), 1)
	wantKind(t, err, fault.NotFound)
}

// TestIncidentAt does things to incidents, and compares what is said of each earlier
// moment with what was seen then.
func TestIncidentAt(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
	next := uint64(0)
	rapid.Check(t, func(r *rapid.T) {
		next++
		id := next
		type seen struct {
			when time.Time
			is   Case
		}
		var past []seen
		rep := report(id, 5)
		_, err := a.IncidentAt(ctx, id, c.now())
		wantKind(t, err, fault.NotFound)
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			rep = change1(r, rep)
			switch rapid.IntRange(0, 6).Draw(r, "what") {
			case 0:
				_, err = a.Judge(ctx, by("ann"), id, incident.Benign, "known")
			case 1:
				_, err = a.Note(ctx, by("ann"), id, "a note")
			case 2:
				_, err = a.Assign(ctx, by("ann"), id, rapid.SampledFrom([]string{"ann", ""}).Draw(r, "to"))
			case 3:
				_, err = a.Finish(ctx, by("ann"), id, "done")
			case 4:
				_, err = a.Reopen(ctx, by("ann"), id, "again")
			default:
				_, err = a.Upsert(ctx, "triage", rep)
			}
			if k := fault.KindOf(err); err != nil && k != fault.Conflict && k != fault.NotFound {
				r.Fatal(err)
			}
			if now, err := a.Incident(ctx, id); err == nil {
				past = append(past, seen{c.now(), now})
			}
			c.add(time.Duration(rapid.IntRange(1, 1e9).Draw(r, "pass")))
		}
		for _, p := range past {
			got, err := a.IncidentAt(ctx, id, p.when)
			if err != nil {
				r.Fatal(err)
			}
			if d := cmp.Diff(p.is, got); d != "" {
				r.Fatalf("as of %v: %s", p.when, d)
			}
		}
	})
}

// change1 returns the report with something different.
func change1(r *rapid.T, rep Report) Report {
	in := rep.Incident
	in.Findings = append([]finding.Finding(nil), in.Findings...)
	in.Links = append([]incident.Link(nil), in.Links...)
	switch rapid.IntRange(0, 6).Draw(r, "change") {
	case 0:
		in.Findings = append(in.Findings, finding.Finding{ID: uint64(len(in.Findings)), Nats: rapid.Float64Range(0, 99).Draw(r, "nats")})
	case 1:
		if i := rapid.IntRange(0, len(in.Findings)).Draw(r, "which"); i < len(in.Findings) {
			in.Findings[i].Nats = rapid.Float64Range(0, 99).Draw(r, "nats")
		}
	case 2:
		if i := rapid.IntRange(0, len(in.Findings)).Draw(r, "which"); i < len(in.Findings) {
			in.Findings = append(in.Findings[:i], in.Findings[i+1:]...)
		}
	case 3:
		in.Links = append(in.Links, incident.Link{Finding: rapid.Uint64().Draw(r, "finding"), Why: "the same machine"})
	case 4:
		in.Risk = rapid.Float64Range(0, 99).Draw(r, "risk")
		in.Surfaced = in.Risk > in.Threshold
	case 5:
		in.Entities = []entity.Key{entity.Key(rapid.Uint64Range(1, 9).Draw(r, "entity"))}
	case 6:
		rep.Names = append(append([]Name(nil), rep.Names...), Name{1, "srv"})
	}
	rep.Incident = in
	return rep
}

func TestJudge(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	start := c.now()
	_, err := a.Upsert(ctx, "triage", report(1, 20))
	ok(t, err)
	_, err = a.Judge(ctx, Request{Actor: "ann", Version: 1}, 1, incident.Malicious, "the file server is encrypted")
	ok(t, err)
	_, err = a.Judge(ctx, Request{Actor: "bob", Version: 1}, 1, incident.Benign, "")
	wantKind(t, err, fault.Conflict)
	_, err = a.Judge(ctx, by("bob"), 1, "rubbish", "")
	wantKind(t, err, fault.Invalid)
	_, err = a.Assign(ctx, by("bob"), 1, "nobody-there")
	wantKind(t, err, fault.NotFound)
	more := report(1, 40)
	_, err = a.Upsert(ctx, "triage", more)
	ok(t, err)
	got, err := a.Incident(ctx, 1)
	ok(t, err)
	if got.Verdict != incident.Malicious || got.JudgedBy != "ann" || got.Incident.Risk != 40 || got.Version != 3 {
		t.Errorf("%+v", got)
	}
	v, err := a.Verdicts(ctx, start, start.Add(time.Hour))
	want := []Verdict{{1, 2, start, "ann", incident.Malicious, "the file server is encrypted", incident.Suspicious, 20, true}}
	if d := cmp.Diff(want, v); d != "" || err != nil {
		t.Error(d, err)
	}
	_, err = a.Finish(ctx, by("ann"), 1, "cleaned")
	ok(t, err)
	_, err = a.Finish(ctx, by("ann"), 1, "cleaned")
	wantKind(t, err, fault.Conflict)
	n, err := a.Counts(ctx)
	if err != nil || n != (Counts{Closed: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestMerge(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	_, err := a.Upsert(ctx, "triage", report(1, 20), report(2, 30))
	ok(t, err)
	_, err = a.Note(ctx, by("ann"), 1, "stays")
	ok(t, err)
	ok(t, a.Merge(ctx, "triage", 1, 2))
	ok(t, a.Merge(ctx, "triage", 1, 2))
	wantKind(t, a.Merge(ctx, "triage", 2, 9), fault.NotFound)
	wantKind(t, a.Merge(ctx, "triage", 2, 2), fault.Invalid)
	p, err := a.Incidents(ctx, Filter{}, "", 10)
	if err != nil || len(p.Rows) != 1 || p.Rows[0].ID != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	got, err := a.Incident(ctx, 1)
	if err != nil || got.Condition != IsMerged || got.Into != 2 || got.Version != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSplice(t *testing.T) {
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) json.RawMessage {
		return json.RawMessage(rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "piece"))
	}), 0, 6)
	rapid.Check(t, func(r *rapid.T) {
		old, now := list.Draw(r, "old"), list.Draw(r, "now")
		s := spliceOf(old, now)
		got, err := s.apply(old)
		if err != nil || fmt.Sprintf("%s", got) != fmt.Sprintf("%s", now) {
			r.Fatalf("%s to %s: %+v gives %s, %v", old, now, s, got, err)
		}
	})
	if _, err := (&splice{Keep: 2, Tail: 2}).apply(make([]json.RawMessage, 3)); err == nil {
		t.Error("a splice of a longer list was applied")
	}
}
