package desktest

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"vedette/internal/api/desk"
	"vedette/internal/audit"
	"vedette/internal/fault"
)

// Entries implements desk.Audit.
func (m *Memory) Entries(_ context.Context, tenant string, f desk.AuditFilter, cursor string, n int) (all []audit.Entry, next string, err error) {
	unlock, err := m.lock(tenant)
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	before := uint64(len(m.Trail)) + 1
	if cursor != "" {
		if before, err = strconv.ParseUint(cursor, 10, 63); err != nil {
			return nil, "", fault.New(fault.Invalid, "this is no cursor of this list")
		}
	}
	for i := len(m.Trail) - 1; i >= 0; i-- {
		e := m.Trail[i]
		fits := e.Seq < before && (f.Actor == "" || e.Actor == f.Actor) && strings.HasPrefix(e.Action, f.Action) &&
			(f.From.IsZero() || e.Time >= f.From.UnixNano()) && (f.Until.IsZero() || e.Time < f.Until.UnixNano())
		if fits && len(all) == n {
			return all, strconv.FormatUint(all[n-1].Seq, 10), m.Fail
		} else if fits {
			all = append(all, e)
		}
	}
	return all, "", m.Fail
}

// Chain implements desk.Audit.
func (m *Memory) Chain(_ context.Context, tenant string, _ bool) (desk.Chain, error) {
	unlock, err := m.lock(tenant)
	if err != nil {
		return desk.Chain{}, err
	}
	defer unlock()
	end, err := audit.Verify(audit.Start(tenant), func(yield func(audit.Entry, error) bool) {
		for _, e := range m.Trail {
			if !yield(e, nil) {
				return
			}
		}
	})
	c := desk.Chain{Entries: uint64(len(m.Trail)), Verified: end.Seq, Head: end.String(), At: m.Clock}
	if broken, ok := errors.AsType[*audit.Break](err); ok {
		c.Broken = "Entry " + strconv.FormatUint(broken.Seq, 10) + " " + broken.Why
	}
	return c, m.Fail
}
