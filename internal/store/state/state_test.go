package state

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return c.t
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 3, 12, 0, 0, time.UTC)} }

func options(c *clock) Options {
	return Options{Key: bytes.Repeat([]byte{7}, keySize), Now: c.now, Keep: "administrator"}
}

// fresh returns a new store, its tenant acme, and its clock.
func fresh(t testing.TB) (*Store, *Tenant, *clock) {
	t.Helper()
	c := newClock()
	s, err := Open(context.Background(), t.TempDir(), options(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, s.Tenant("acme"), c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err error, k fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Fatalf("got %v (kind %d), want kind %d", err, fault.KindOf(err), k)
	}
}

// report returns a small incident.
func report(id uint64, risk float64) Report {
	return Report{
		Incident: incident.Incident{
			ID: id, Opened: int64(id) * 1e9, Updated: int64(id)*1e9 + 5, Entities: []entity.Key{entity.Key(id%7 + 1)},
			Findings: []finding.Finding{{ID: id * 100, Detector: "network/scan", Entity: entity.Key(id%7 + 1), Nats: risk, Labels: []string{"tcp/445"}}},
			Risk:     risk, Threshold: 10, Score: int(risk), Surfaced: risk >= 10, Hidden: "below the budget", Verdict: incident.Suspicious,
		},
		Title: fmt.Sprintf("ws-%d felt its way", id), Names: []Name{{entity.Key(id%7 + 1), fmt.Sprintf("ws-%d", id)}},
	}
}

func by(actor string) Request { return Request{Actor: actor} }

func TestChange_keyMakesItOnce(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	_, err := a.Upsert(ctx, "triage", report(1, 20))
	ok(t, err)
	r := Request{Actor: "ann", Key: "k1"}
	v1, err := a.Note(ctx, r, 1, "looks like the scanner")
	ok(t, err)
	v2, err := a.Note(ctx, r, 1, "looks like the scanner")
	ok(t, err)
	if v1 != v2 || v1 != 2 {
		t.Errorf("versions %d and %d", v1, v2)
	}
	if n, err := a.Notes(ctx, 1); err != nil || len(n) != 1 {
		t.Errorf("%d notes, %v", len(n), err)
	}
	if h, err := a.AuditHead(ctx); err != nil || h.Seq != 1 {
		t.Errorf("%d rows of audit, %v", h.Seq, err)
	}
	_, err = a.Note(ctx, r, 1, "something else")
	wantKind(t, err, fault.Conflict)
	c.add(requestsKept + time.Hour)
	_, err = a.Note(ctx, r, 1, "something else")
	ok(t, err)
}

func TestChange_failsAsAWhole(t *testing.T) {
	_, a, _ := fresh(t)
	ctx := t.Context()
	_, err := a.Note(ctx, Request{Actor: "ann", Key: "k"}, 9, "x")
	wantKind(t, err, fault.NotFound)
	if h, err := a.AuditHead(ctx); err != nil || h.Seq != 0 {
		t.Errorf("what failed stands in the audit: %v, %v", h, err)
	}
	_, err = a.Note(ctx, Request{Key: "k"}, 9, "x")
	wantKind(t, err, fault.Invalid)
	none := a.s.Tenant("")
	wantKind(t, none.Record(ctx, by("ann"), "x", "y", nil), fault.Invalid)
}

func TestTenantsAreApart(t *testing.T) {
	s, a, _ := fresh(t)
	b, ctx := s.Tenant("other"), t.Context()
	for _, x := range []*Tenant{a, b} {
		_, err := x.Upsert(ctx, "triage", report(1, 20))
		ok(t, err)
		ok(t, x.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
		ok(t, x.PutSecret(ctx, by("ann"), "smtp", NewSecret([]byte("of "+x.name))))
		_, err = x.Set(ctx, by("ann"), "budget", x.name)
		ok(t, err)
	}
	_, err := a.Judge(ctx, by("ann"), 1, incident.Benign, "")
	ok(t, err)
	if c, err := b.Incident(ctx, 1); err != nil || c.Verdict != "" {
		t.Errorf("the verdict of one tenant is another's: %+v, %v", c, err)
	}
	if v, err := b.Setting(ctx, "budget"); err != nil || v.Value != "other" {
		t.Errorf("%+v, %v", v, err)
	}
	// A sealed value that is moved to another tenant cannot be opened there.
	_, err = s.write.Exec(`UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE tenant = 'acme') WHERE tenant = 'other'`)
	ok(t, err)
	_, err = b.Secret(ctx, "smtp")
	wantKind(t, err, fault.Unreadable)
}

func TestEveryKeyBeginsWithTheTenant(t *testing.T) {
	s, _, _ := fresh(t)
	rows, err := s.read.Query(`SELECT m.name, coalesce(i.name, ''), coalesce(c.name, '') FROM sqlite_schema m
		LEFT JOIN pragma_index_list(m.name) i LEFT JOIN pragma_index_info(i.name) c ON c.seqno = 0
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'incident_search%'`)
	n := 0
	ok(t, each(rows, err, func(r *sql.Rows) error {
		var table, index, column string
		n++
		if err := r.Scan(&table, &index, &column); err != nil {
			return err
		}
		if column != "tenant" {
			t.Errorf("key %s of table %s begins with %q", index, table, column)
		}
		return nil
	}))
	if n < 20 {
		t.Errorf("only %d keys were seen", n)
	}
}

func TestConcurrentWritersAndReaders(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	ok(t, a.CreateUser(ctx, by("set-up"), User{Name: "ann", Role: "administrator"}))
	var wg sync.WaitGroup
	errs := make(chan error, 1000)
	for w := range 4 {
		wg.Go(func() {
			for i := range 15 {
				c.add(time.Second)
				id := uint64(i%5 + 1)
				_, err := a.Upsert(ctx, "triage", report(id, float64(10+w+i)))
				errs <- err
				_, err = a.Note(ctx, by("ann"), id, "note")
				errs <- err
				_, err = a.Incidents(ctx, Filter{}, "", 10)
				errs <- err
				_, err = a.Incident(ctx, id)
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if h, err := a.VerifyAudit(ctx); err != nil || h.Seq != 61 {
		t.Errorf("%v, %v", h, err)
	}
	for id := uint64(1); id <= 5; id++ {
		steps, err := a.History(ctx, id)
		ok(t, err)
		for i, s := range steps {
			if s.Version != uint64(i+1) || i > 0 && s.Time.Before(steps[i-1].Time) {
				t.Fatalf("step %d of incident %d: %+v", i, id, s)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	_, a, _ := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Upsert(ctx, "triage", report(1, 20)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := a.Incidents(t.Context(), Filter{}, "", 10); err != nil {
		t.Error(err)
	}
}
