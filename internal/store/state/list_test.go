package state

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/entity"
	"vedette/internal/fault"
)

var background = context.Background() // rapid has no context of its own

// walkList pages through a list, and calls between after each page.
func walkList(t interface{ Fatal(...any) }, a *Tenant, f Filter, size int, between func()) (all []Row) {
	cursor := ""
	for {
		p, err := a.Incidents(background, f, cursor, size)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Rows...)
		if cursor = p.Next; cursor == "" {
			return all
		}
		between()
	}
}

func ids(rows []Row) (all []uint64) {
	for _, r := range rows {
		all = append(all, r.ID)
	}
	return all
}

func TestIncidents(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
	low, same, unweighed := report(3, 8), report(4, 20), report(6, 50)
	same.Incident.Updated = report(2, 0).Incident.Updated
	unweighed.Incident.Threshold, unweighed.Incident.Surfaced = 0, false
	_, err := a.Upsert(ctx, "triage", report(1, 12), report(2, 20), low, same, report(5, 20), unweighed)
	ok(t, err)
	_, err = a.Finish(ctx, by("ann"), 5, "")
	ok(t, err)
	_, err = a.Assign(ctx, by("ann"), 2, "ann")
	ok(t, err)
	ok(t, a.Merge(ctx, "triage", 6, 1))
	for name, x := range map[string]struct {
		f    Filter
		want []uint64
	}{
		"all":        {Filter{}, []uint64{5, 4, 2, 1, 3}},
		"surfaced":   {Filter{Shown: Surfaced}, []uint64{5, 4, 2, 1}},
		"hidden":     {Filter{Shown: Hidden}, []uint64{3}},
		"open":       {Filter{Condition: IsOpen}, []uint64{4, 2, 1, 3}},
		"closed":     {Filter{Condition: IsClosed}, []uint64{5}},
		"merged":     {Filter{Condition: IsMerged}, []uint64{6}},
		"assignee":   {Filter{Assignee: "ann"}, []uint64{2}},
		"entity":     {Filter{Entity: 3}, []uint64{2}},
		"no_entity":  {Filter{Entity: 99}, nil},
		"text":       {Filter{Text: "WS-4"}, []uint64{4}},
		"words":      {Filter{Text: " its  WS- "}, []uint64{5, 4, 2, 1, 3}},
		"no_text":    {Filter{Text: "ws-4 nothing"}, nil},
		"percent":    {Filter{Text: "%"}, nil},
		"everything": {Filter{Surfaced, IsOpen, 3, "way", "ann", Order{}}, []uint64{2}},
		"backwards":  {Filter{Order: Order{Up: true}}, []uint64{3, 1, 2, 4, 5}},
		"by_name":    {Filter{Shown: Surfaced, Order: Order{By: ByAssignee}}, []uint64{2, 5, 4, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= 6; size++ {
				if got := ids(walkList(t, a, x.f, size, func() {})); !slices.Equal(got, x.want) {
					t.Errorf("in pages of %d: %v, want %v", size, got, x.want)
				}
			}
		})
	}
}

// TestIncidents_standsStill pages through a list while the incidents in it change in every
// way, and asks for exactly what was there at the beginning.
func TestIncidents_standsStill(t *testing.T) {
	s, _, c := fresh(t)
	s.rare = 3 // so that lists with a text begin with it, or do not, from page to page
	tenants := 0
	rapid.Check(t, func(r *rapid.T) {
		tenants++
		a := s.Tenant(fmt.Sprint("tenant ", tenants))
		disturb := func() {
			c.add(time.Second)
			for range rapid.IntRange(0, 4).Draw(r, "changes") {
				id := rapid.Uint64Range(1, 40).Draw(r, "id")
				var err error
				switch rapid.IntRange(0, 3).Draw(r, "what") {
				case 0:
					_, err = a.Finish(background, by("ann"), id, "")
				case 1:
					err = a.Merge(background, "triage", id, rapid.Uint64Range(1, 40).Draw(r, "into"))
				default:
					_, err = a.Upsert(background, "triage", disturbed(r, id))
				}
				if k := fault.KindOf(err); err != nil && k == fault.Internal {
					r.Fatal(err)
				}
			}
		}
		for range 8 {
			disturb()
		}
		f := Filter{
			Shown: rapid.SampledFrom([]Shown{Either, Surfaced, Hidden}).Draw(r, "shown"), Condition: rapid.SampledFrom([]Condition{"", IsOpen}).Draw(r, "condition"),
			Entity: entity.Key(rapid.Uint64Range(0, 3).Draw(r, "entity")), Text: rapid.SampledFrom([]string{"", "way", "ws-1", "home", "ws 2"}).Draw(r, "text"),
			Order: Order{rapid.SampledFrom([]By{ByUrgency, ByUpdated, ByConfidence, ByFindings, ByAssignee}).Draw(r, "by"), rapid.Bool().Draw(r, "up")},
		}
		want := walkList(r, a, f, 500, func() {})
		got := walkList(r, a, f, rapid.IntRange(1, 5).Draw(r, "size"), disturb)
		if !slices.IsSortedFunc(want, func(x, y Row) int { return inOrder(x, y, f.Order) }) {
			r.Fatalf("%v is not in the order %v", ids(want), f.Order)
		}
		if len(want) != len(got) {
			r.Fatalf("%v became %v", ids(want), ids(got))
		}
		for i := range want {
			if fmt.Sprint(want[i]) != fmt.Sprint(got[i]) {
				r.Fatalf("%+v became %+v", want[i], got[i])
			}
		}
	})
}

func disturbed(r *rapid.T, id uint64) Report {
	rep := report(id, rapid.Float64Range(0, 30).Draw(r, "risk"))
	if rapid.Bool().Draw(r, "renamed") {
		rep.Title = fmt.Sprintf("ws-%d phoned home", id)
	}
	rep.Incident.Updated = rapid.Int64Range(0, 5).Draw(r, "updated")
	rep.Incident.Entities = []entity.Key{entity.Key(rapid.Uint64Range(1, 3).Draw(r, "entity"))}
	return rep
}

func TestIncidents_withWritersAtTheSameTime(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	var all []Report
	for id := range uint64(200) {
		all = append(all, report(id+1, float64(id%40)))
	}
	_, err := a.Upsert(ctx, "triage", all...)
	ok(t, err)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := uint64(0); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := a.Upsert(ctx, "triage", report(i%200+1, float64(i%37)), report(201+i, 15)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20 {
		seen, end := map[uint64]bool{}, (*Row)(nil)
		for _, r := range walkList(t, a, Filter{}, 7, func() {}) {
			if seen[r.ID] {
				t.Fatalf("incident %d stands twice", r.ID)
			}
			if end != nil && (r.Surfaced && !end.Surfaced || r.Surfaced == end.Surfaced && r.Ratio > end.Ratio) {
				t.Fatalf("%+v stands behind %+v", r, end)
			}
			seen[r.ID], end = true, &r
		}
		for id := range uint64(200) {
			if !seen[id+1] {
				t.Fatalf("incident %d was skipped", id+1)
			}
		}
	}
	close(stop)
	wg.Wait()
}

func TestIncidents_cursors(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	_, err := a.Upsert(ctx, "triage", report(1, 12), report(2, 20), report(3, 30))
	ok(t, err)
	p, err := a.Incidents(ctx, Filter{}, "", 1)
	ok(t, err)
	_, err = a.Incidents(ctx, Filter{Text: "x"}, p.Next, 1)
	wantKind(t, err, fault.Invalid)
	for _, bad := range []string{"x", "!", strings.Repeat("A", 64), p.Next + "AAAA"} {
		_, err = a.Incidents(ctx, Filter{}, bad, 1)
		wantKind(t, err, fault.Invalid)
	}
	c.add(listsKept + time.Hour)
	_, err = a.Upsert(ctx, "triage", report(1, 13)) // retires a row
	ok(t, err)
	if _, err = a.Incidents(ctx, Filter{}, p.Next, 1); err != nil {
		t.Errorf("nothing was forgotten, and yet: %v", err)
	}
	c.add(listsKept + time.Hour)
	_, err = a.Upsert(ctx, "triage", report(1, 14))
	ok(t, err)
	_, err = a.Incidents(ctx, Filter{}, p.Next, 1)
	wantKind(t, err, fault.Conflict)
	var rows int
	ok(t, s.read.QueryRow(`SELECT count(*) FROM incident_rows`).Scan(&rows))
	if rows != 4 { // three, and the one that ended just now
		t.Errorf("%d rows are left", rows)
	}
}

// inOrder compares two rows as a list in an order should.
func inOrder(x, y Row, o Order) int {
	c := 0
	switch o.By {
	case ByUrgency:
		c = cmp.Or(cmp.Compare(bit(x.Surfaced), bit(y.Surfaced)), cmp.Compare(x.Ratio, y.Ratio))
	case ByUpdated:
	case ByConfidence:
		c = cmp.Compare(x.Confidence, y.Confidence)
	case ByFindings:
		c = cmp.Compare(x.Findings, y.Findings)
	case ByAssignee:
		c = cmp.Compare(x.Assignee, y.Assignee)
	}
	if c = cmp.Or(c, cmp.Compare(x.Updated, y.Updated)); o.Up {
		return c
	}
	return -c
}

func TestIncidents_orderOfSomethingElse(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	if _, err := a.Incidents(ctx, Filter{Order: Order{By: "score; DROP TABLE incident_rows"}}, "", 10); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	_, err := a.Upsert(ctx, "triage", report(1, 12), report(2, 20))
	ok(t, err)
	p, err := a.Incidents(ctx, Filter{Order: Order{By: ByUpdated}}, "", 1)
	ok(t, err)
	if _, err := a.Incidents(ctx, Filter{Order: Order{By: ByFindings}}, p.Next, 1); fault.KindOf(err) != fault.Invalid {
		t.Error("a list goes on in another order: ", err)
	}
}

func TestIncidents_plan(t *testing.T) {
	s, a, _ := fresh(t)
	for name, x := range map[string]struct {
		f    Filter
		rare bool
		want string
	}{
		"list":     {Filter{}, false, "SEARCH r USING COVERING INDEX incident_rows_order (tenant=? AND (surfaced,ratio,updated,id)<"},
		"surfaced": {Filter{Shown: Surfaced, Condition: IsOpen, Assignee: "ann"}, false, "SEARCH r USING COVERING INDEX incident_rows_order (tenant=? AND "},
		"entity":   {Filter{Entity: 5}, false, "SEARCH e USING PRIMARY KEY (tenant=? AND entity=?) | SEARCH r USING COVERING INDEX incident_rows_id (tenant=? AND id=?"},
		"text":     {Filter{Text: "srv"}, true, "SCAN s VIRTUAL TABLE INDEX 0:M0 | SEARCH x USING INTEGER PRIMARY KEY (rowid=?) | SEARCH r USING COVERING INDEX incident_rows_id (tenant=? AND id=?"},
	} {
		query, args := a.listQuery(x.f, cursor{going: true}, x.rare, 10)
		rows, err := s.read.Query("EXPLAIN QUERY PLAN "+query, args...)
		var plan []string
		ok(t, each(rows, err, func(r *sql.Rows) error {
			var id, parent, unused int
			var line string
			err := r.Scan(&id, &parent, &unused, &line)
			plan = append(plan, line)
			return err
		}))
		text := strings.Join(plan, " | ")
		if !strings.Contains(text, x.want) || strings.Contains(text, "SCAN r") || strings.Contains(text, "SCAN x") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestCounts(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
	if n, err := a.Counts(ctx); err != nil || n != (Counts{}) {
		t.Errorf("%+v, %v", n, err)
	}
	_, err := a.Upsert(ctx, "triage", report(1, 12), report(2, 20), report(3, 3), report(4, 40))
	ok(t, err)
	_, err = a.Assign(ctx, by("ann"), 2, "ann")
	ok(t, err)
	_, err = a.Finish(ctx, by("ann"), 4, "")
	ok(t, err)
	if n, err := a.Counts(ctx); err != nil || n != (Counts{Open: 2, Unassigned: 1, Hidden: 1, Closed: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
}

// TestIncidents_renamed is about what an incident is no longer called.
func TestIncidents_renamed(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	found := func(text string) int {
		p, err := a.Incidents(ctx, Filter{Text: text}, "", 10)
		ok(t, err)
		return len(p.Rows)
	}
	r := report(1, 20)
	for _, title := range []string{"Müller's PC", `the "old" one`, "the new one"} {
		r.Title = title
		_, err := a.Upsert(ctx, "triage", r, report(2, 20))
		ok(t, err)
		if found(title) != 1 || found(title[4:]) != 1 || found("nowhere") != 0 {
			t.Errorf("%q is not found", title)
		}
		c.add(listsKept + time.Hour)
	}
	if found("MÜLLER") != 0 || found(`"old"`) != 0 {
		t.Error("it is found under an old name")
	}
	for range 3 { // what ended more than a day ago goes with the next changes
		r.Incident.Risk++
		_, err := a.Upsert(ctx, "triage", r)
		ok(t, err)
	}
	var texts int
	ok(t, s.read.QueryRow(`SELECT count(*) FROM incident_texts`).Scan(&texts))
	if texts != 2 {
		t.Errorf("%d texts are kept", texts)
	}
	if _, err := s.write.Exec(`INSERT INTO incident_search (incident_search, rank) VALUES ('integrity-check', 1)`); err != nil {
		t.Error(err)
	}
}
