package state

import (
	order "cmp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/entity"
	"vedette/internal/incident"
)

func TestTally(t *testing.T) {
	_, a, c := fresh(t)
	_, other, _ := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
	day := int64(24 * time.Hour)
	on := func(id uint64, risk float64, opened int64, all ...entity.Key) Report {
		r := report(id, risk)
		r.Incident.Opened, r.Incident.Entities = opened, all
		return r
	}
	early := on(6, 30, 9*day, 71)
	_, err := a.Upsert(ctx, "triage", early)
	ok(t, err)
	c.add(time.Hour)
	since := c.now()
	hidden := on(4, 1, 10*day, 71)
	hidden.Incident.Surfaced = false
	_, err = a.Upsert(ctx, "triage", on(1, 30, 10*day+5, 71, 72), on(2, 30, 10*day+7, 71), on(3, 30, 11*day, 72), hidden, on(5, 30, 11*day, 71))
	ok(t, err)
	_, err = a.Judge(ctx, by("ann"), 2, incident.Benign, "")
	ok(t, err)
	_, err = a.Finish(ctx, by("ann"), 3, "")
	ok(t, err)
	_, err = a.Assign(ctx, by("ann"), 1, "ann")
	ok(t, err)
	ok(t, a.Merge(ctx, "triage", 5, 1))

	shares, err := a.Shares(ctx, time.Unix(0, 10*day))
	slices.SortFunc(shares, func(x, y Share) int {
		return order.Or(order.Compare(x.Day, y.Day), order.Compare(x.Verdict, y.Verdict))
	})
	if d := cmp.Diff([]Share{{10, "", 1}, {10, incident.Benign, 1}, {11, "", 1}}, shares); d != "" || err != nil {
		t.Error(d, err)
	}
	all, surfaced, err := a.OpenedSince(ctx, since)
	if all != 4 || surfaced != 3 || err != nil {
		t.Errorf("%d were opened, %d surfaced, %v", all, surfaced, err)
	}
	n, err := a.Assigned(ctx, "ann")
	if n != 1 || err != nil {
		t.Errorf("%d are assigned, %v", n, err)
	}
	open, err := a.OpenOf(ctx, []entity.Key{71, 72, 73})
	if d := cmp.Diff(map[entity.Key]int{71: 3, 72: 1}, open); d != "" || err != nil {
		t.Error(d, err)
	}
	if n, err := other.OpenOf(ctx, []entity.Key{71}); len(n) != 0 || err != nil {
		t.Errorf("another tenant has %v, %v", n, err)
	}
}
