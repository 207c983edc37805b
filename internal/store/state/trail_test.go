package state

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/audit"
	"vedette/internal/fault"
)

// tampered returns a tenant with nine rows of audit, whose file was changed by whoever has
// the disk.
func tampered(t *testing.T, statements ...string) *Tenant {
	t.Helper()
	s, a, c := fresh(t)
	for i := range 9 {
		c.add(time.Second)
		ok(t, a.Record(t.Context(), by("ann"), "capture.open", fmt.Sprint("capture/", i), map[string]int{"n": i}))
	}
	for _, q := range append([]string{`DROP TRIGGER audit_kept`, `DROP TRIGGER audit_fixed`}, statements...) {
		if _, err := s.write.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return a
}

func TestVerifyAudit(t *testing.T) {
	for name, x := range map[string]struct {
		change string
		want   uint64 // where the break is; 0: none
	}{
		"whole":        {`SELECT 1`, 0},
		"time":         {`UPDATE audit SET time = time + 1 WHERE seq = 5`, 5},
		"actor":        {`UPDATE audit SET actor = 'bob' WHERE seq = 5`, 5},
		"action":       {`UPDATE audit SET action = 'x' WHERE seq = 5`, 5},
		"target":       {`UPDATE audit SET target = 'x' WHERE seq = 5`, 5},
		"detail":       {`UPDATE audit SET detail = '' WHERE seq = 5`, 5},
		"prev":         {`UPDATE audit SET prev = zeroblob(32) WHERE seq = 5`, 5},
		"hash":         {`UPDATE audit SET hash = zeroblob(32) WHERE seq = 5`, 5},
		"seq":          {`UPDATE audit SET seq = 50 WHERE seq = 9`, 9},
		"tenant":       {`UPDATE audit SET tenant = 'other' WHERE seq = 5`, 5},
		"deleted":      {`DELETE FROM audit WHERE seq = 5`, 5},
		"first":        {`DELETE FROM audit WHERE seq = 1`, 1},
		"last":         {`DELETE FROM audit WHERE seq = 9`, 9},
		"many":         {`DELETE FROM audit WHERE seq > 3`, 4},
		"all":          {`DELETE FROM audit`, 1},
		"swapped":      {`UPDATE audit SET seq = CASE seq WHEN 4 THEN -5 WHEN 5 THEN -4 END WHERE seq IN (4, 5); UPDATE audit SET seq = -seq WHERE seq < 0`, 4},
		"added":        {`INSERT INTO audit SELECT tenant, 10, time, actor, action, target, detail, prev, hash FROM audit WHERE seq = 9`, 10},
		"head_lost":    {`DELETE FROM audit_heads`, 1},
		"head_back":    {`UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)`, 4},
		"cut_and_head": {`UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3); DELETE FROM audit WHERE seq > 3`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tampered(t, x.change).VerifyAudit(t.Context())
			b, _ := errors.AsType[*audit.Break](err)
			switch {
			case x.want == 0 && err != nil:
				t.Error(err)
			case x.want != 0 && (b == nil || b.Seq != x.want):
				t.Errorf("got %v, want a break at %d", err, x.want)
			}
		})
	}
}

// TestVerifyAudit_writtenAnew is about somebody who writes the whole chain anew, with
// right hashes: only the seal shows it, and a head that was noted elsewhere.
func TestVerifyAudit_writtenAnew(t *testing.T) {
	a := tampered(t)
	ctx := t.Context()
	noted, err := a.AuditHead(ctx)
	ok(t, err)
	all, err := a.Audit(ctx, AuditFilter{}, 100)
	ok(t, err)
	head := audit.Start("acme")
	for i := range all {
		e := all[len(all)-1-i]
		e.Actor = "nobody"
		head = head.Next(&e)
		_, err := a.s.write.Exec(`UPDATE audit SET actor = ?, prev = ?, hash = ? WHERE seq = ?`, e.Actor, e.Prev[:], e.Hash[:], e.Seq)
		ok(t, err)
	}
	_, err = a.s.write.Exec(`UPDATE audit_heads SET hash = ?`, head.Hash[:])
	ok(t, err)
	if _, err := a.VerifyAudit(ctx); err == nil || !strings.Contains(err.Error(), "seal") {
		t.Errorf("got %v", err)
	}
	_, err = a.s.write.Exec(`UPDATE audit_heads SET seal = ?`, a.s.keys.sealHead("acme", head)) // with the key, too
	ok(t, err)
	if _, err := a.VerifyAudit(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.VerifyAuditSince(ctx, noted); err == nil || !strings.Contains(err.Error(), "noted") {
		t.Errorf("got %v", err)
	}
}

func TestAudit(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	start := c.now()
	for i, action := range []string{"incident.judge", "incident.note", "export", "incident.judge"} {
		ok(t, a.Record(ctx, by([]string{"ann", "bob"}[i%2]), action, fmt.Sprint("incident/", i), nil))
		c.add(time.Minute)
	}
	noted, err := a.AuditHead(ctx)
	ok(t, err)
	for name, x := range map[string]struct {
		f    AuditFilter
		most int
		want string
	}{
		"all":        {AuditFilter{}, 10, "4 3 2 1"},
		"actor":      {AuditFilter{Actor: "bob"}, 10, "4 2"},
		"action":     {AuditFilter{Action: "incident."}, 10, "4 2 1"},
		"both":       {AuditFilter{Actor: "ann", Action: "incident."}, 10, "1"},
		"target":     {AuditFilter{Target: "incident/2"}, 10, "3"},
		"time":       {AuditFilter{From: start.Add(time.Minute), Until: start.Add(3 * time.Minute)}, 10, "3 2"},
		"page":       {AuditFilter{}, 2, "4 3"},
		"next_page":  {AuditFilter{Before: 3}, 2, "2 1"},
		"wild":       {AuditFilter{Action: "%"}, 10, ""},
		"everything": {AuditFilter{"bob", "incident.j", "incident/3", start, start.Add(time.Hour), 9}, 10, "4"},
	} {
		all, err := a.Audit(ctx, x.f, x.most)
		var got []string
		for _, e := range all {
			got = append(got, fmt.Sprint(e.Seq))
		}
		if strings.Join(got, " ") != x.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := s.write.Exec(`DELETE FROM audit`); err == nil {
		t.Error("the audit can be emptied")
	}
	if _, err := s.write.Exec(`UPDATE audit SET actor = 'x'`); err == nil {
		t.Error("the audit can be changed")
	}
	var out bytes.Buffer
	if n, err := a.ExportAudit(ctx, &out); err != nil || n != 4 {
		t.Errorf("%d, %v", n, err)
	}
	text := out.String()
	if end, err := audit.Verify(audit.Start("acme"), ReadExport(strings.NewReader(text))); err != nil || end != noted {
		t.Errorf("the export ends at %v, not at %v: %v", end, noted, err)
	}
	if _, err := audit.Verify(audit.Start("acme"), ReadExport(strings.NewReader(strings.Replace(text, "bob", "eve", 1)))); err == nil {
		t.Error("a changed export was believed")
	}
	_, err = audit.Verify(audit.Start("acme"), ReadExport(strings.NewReader(text[:len(text)-9])))
	wantKind(t, err, fault.Unreadable)
	ok(t, a.Record(ctx, by("ann"), "x", "y", nil))
	if _, err := a.VerifyAuditSince(ctx, noted); err != nil {
		t.Error(err)
	}
}
