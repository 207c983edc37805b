package daemon

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/audit"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// deskAudit reads who did what.
type deskAudit struct {
	*Faces
	chain *chain
}

// chain remembers how far the audit was verified.
type chain struct {
	lock sync.Mutex
	head audit.Head
	at   time.Time // when it was followed from its beginning; zero for never
}

// Entries implements [desk.Audit].
func (s deskAudit) Entries(ctx context.Context, name string, f desk.AuditFilter, cursor string, n int) ([]audit.Entry, string, error) {
	filter := state.AuditFilter{Actor: f.Actor, Action: f.Action, From: f.From, Until: f.Until}
	if cursor != "" {
		var err error
		if filter.Before, err = strconv.ParseUint(cursor, 10, 63); err != nil || filter.Before == 0 {
			return nil, "", fault.New(fault.Invalid, "this is no cursor of this list")
		}
	}
	all, err := s.tenant(name).Audit(ctx, filter, n+1)
	if err != nil || len(all) <= n {
		return all, "", err
	}
	return all[:n], strconv.FormatUint(all[n-1].Seq, 10), nil
}

// Chain implements [desk.Audit]. What breaks is looked for from the beginning each time,
// until it is mended.
func (s deskAudit) Chain(ctx context.Context, name string, whole bool) (desk.Chain, error) {
	if err := ours(name); err != nil {
		return desk.Chain{}, err
	}
	s.chain.lock.Lock()
	defer s.chain.lock.Unlock()
	t := s.tenant(name)
	from, at := s.chain.head, s.chain.at
	if whole || at.IsZero() {
		from, at = audit.Start(name), s.daemon.now()
	}
	there, err := t.AuditHead(ctx)
	if err != nil {
		return desk.Chain{}, err
	}
	end, err := t.VerifyAuditFrom(ctx, from)
	c := desk.Chain{Entries: max(there.Seq, end.Seq), Verified: end.Seq, Head: end.String(), At: at}
	if broken, ok := errors.AsType[*audit.Break](err); ok {
		c.Verified, c.Broken = min(end.Seq, broken.Seq-1), "Entry "+strconv.FormatUint(broken.Seq, 10)+" "+broken.Why
		s.chain.at = time.Time{}
		return c, nil
	} else if err != nil {
		return desk.Chain{}, err
	}
	s.chain.head, s.chain.at = end, at
	return c, nil
}
