package daemon

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/daemon/doctor"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/store/state"
)

// tally is what Home shows of a day, kept for a moment since it takes the whole list to
// count.
type tally struct {
	lock     sync.Mutex
	from     int64           // findings from before this were made by an earlier run
	day      int64           // Unix day that seen is of
	seen     map[uint64]bool // findings of the day
	total    int64           // findings of this run
	carried  int64           // findings of the day that an earlier run made
	days     []desk.Day
	done     desk.Done
	at       time.Time // when days and done were counted; zero if it has to be done again
	progress progress
	reckoned time.Time // when that was
}

const (
	tallyLasts = 10 * time.Second
	chart      = 14 // days
	budgetName = "budget"
)

// count counts findings that are new.
func (t *tally) count(changed []incident.Incident, now time.Time) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if day := now.Unix() / 86400; day != t.day { // what stands in incidents by now was counted
		t.day, t.from, t.carried, t.seen = day, max(t.from, time.Unix(day*86400, 0).UnixNano()), 0, map[uint64]bool{}
	}
	for _, in := range changed {
		for _, f := range in.Findings {
			if f.Time >= t.from && !t.seen[f.ID] {
				t.seen[f.ID] = true
				t.total++
			}
		}
	}
}

// findings returns how many were made since midnight.
func (t *tally) findings(now time.Time) int64 {
	t.lock.Lock()
	defer t.lock.Unlock()
	if now.Unix()/86400 != t.day {
		return 0
	}
	return t.carried + int64(len(t.seen))
}

// stale has days counted again.
func (t *tally) stale() {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.at = time.Time{}
}

// deskOverview reads what Home shows.
type deskOverview struct{ *Faces }

// progress returns what the learner says of itself, at most some seconds old.
func (f *Faces) progress() progress {
	t := &f.tally
	t.lock.Lock()
	defer t.lock.Unlock()
	if now := f.daemon.now(); now.Sub(t.reckoned) >= tallyLasts || t.reckoned.IsZero() {
		t.progress, t.reckoned = f.daemon.learner.progress(), now
	}
	return t.progress
}

// Promise implements [desk.Overview].
func (s deskOverview) Promise(ctx context.Context, tenant string) (p desk.Promise, err error) {
	b, err := s.budget(ctx, tenant)
	if err != nil || ours(tenant) != nil {
		return desk.Promise{Budget: b.PerThousand}, err
	}
	far := s.progress()
	p.Budget, p.Learning, p.Entities = b.PerThousand, far.share, far.active
	p.Days, _, err = s.days(ctx)
	return p, err
}

// Done implements [desk.Overview].
func (s deskOverview) Done(ctx context.Context, tenant string) (desk.Done, error) {
	if ours(tenant) != nil {
		return desk.Done{}, nil
	}
	_, done, err := s.days(ctx)
	if err != nil {
		return desk.Done{}, err
	}
	s.sources() // the latest counts
	done.Records, done.Events = s.book.sinceMidnight()
	done.Findings = s.tally.findings(s.daemon.date())
	return done, nil
}

// days returns what came of the last days, and how many incidents there are of today.
func (f *Faces) days(ctx context.Context) ([]desk.Day, desk.Done, error) {
	t, now := &f.tally, f.daemon.now()
	t.lock.Lock()
	if !t.at.IsZero() && now.Sub(t.at) < tallyLasts {
		defer t.lock.Unlock()
		return t.days, t.done, nil
	}
	t.at = now // what changes while it is counted makes it stale again
	t.lock.Unlock()
	days, done, err := f.reckon(ctx, f.daemon.date())
	t.lock.Lock()
	defer t.lock.Unlock()
	if err != nil {
		t.at = time.Time{}
		return nil, done, err
	}
	t.days, t.done = days, done
	return days, done, nil
}

// reckon counts incidents by day.
func (f *Faces) reckon(ctx context.Context, now time.Time) (days []desk.Day, done desk.Done, err error) {
	st := f.tenant(tenant)
	if done.Incidents, done.Surfaced, err = st.OpenedSince(ctx, now.Truncate(24*time.Hour)); err != nil {
		return nil, done, err
	}
	if days = f.calendar(); len(days) == 0 {
		return nil, done, nil
	}
	shares, err := st.Shares(ctx, days[0].Date)
	for _, s := range shares {
		i := int(time.Unix(s.Day*86400, 0).Sub(days[0].Date) / (24 * time.Hour))
		if i >= len(days) {
			continue
		}
		days[i].Surfaced += s.Count
		switch s.Verdict {
		case incident.Benign:
			days[i].False += s.Count
		case "", incident.NeedsPerson:
			days[i].Open += s.Count
		}
	}
	return days, done, err
}

// calendar returns the last days of which there is telemetry, by the time that it tells;
// none before a whole day is over.
func (f *Faces) calendar() (days []desk.Day) {
	const day = 24 * time.Hour
	last := moment(f.daemon.learner.told()).Truncate(day)
	first := moment(f.progress().first).Truncate(day)
	if first.IsZero() || last.IsZero() || !first.Before(last) {
		return nil
	}
	if least := last.Add(-(chart - 1) * day); first.Before(least) {
		first = least
	}
	for d := first; !d.After(last); d = d.Add(day) {
		days = append(days, desk.Day{Date: d})
	}
	return days
}

// Health implements [desk.Overview].
func (s deskOverview) Health(_ context.Context, tenant string) (parts []desk.Part, err error) {
	if ours(tenant) != nil {
		return nil, nil
	}
	facts := s.facts()
	for _, l := range doctor.Within(doctor.Subject{Config: s.daemon.current(), Facts: &facts, Now: s.daemon.now()}) {
		parts = append(parts, desk.Part{Name: l.Check, Fine: l.State != doctor.Act, Says: strings.TrimSpace(l.Says + ". " + l.Do)})
	}
	return s.daemon.troubles.tell(parts), nil
}

// lag returns how many entries of the log are not learned yet.
func (f *Faces) lag() uint64 {
	last, at := f.daemon.journal.Last(), f.daemon.position()
	return uint64(max(last, at) - at)
}

// deskSettings reads and changes settings.
type deskSettings struct{ *Faces }

// Budget implements [desk.Settings].
func (s deskSettings) Budget(ctx context.Context, tenant string) (desk.Budget, error) {
	return s.budget(ctx, tenant)
}

func (f *Faces) budget(ctx context.Context, tenant string) (desk.Budget, error) {
	return budgetOf(ctx, f.tenant(tenant), f.daemon.current().Budget)
}

// budgetOf returns the budget that people set, or otherwise another.
func budgetOf(ctx context.Context, t *state.Tenant, otherwise float64) (desk.Budget, error) {
	v, err := t.Setting(ctx, budgetName)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return desk.Budget{PerThousand: otherwise}, nil
	} else if err != nil {
		return desk.Budget{}, err
	}
	n, err := strconv.ParseFloat(v.Value, 64)
	if err != nil || !(n > 0 && n <= 1000) {
		return desk.Budget{}, fault.New(fault.Unreadable, fmt.Sprintf("the budget is stored as %q", v.Value))
	}
	return desk.Budget{PerThousand: n, Version: v.Version, Author: v.Author, Time: v.Time}, nil
}

// SetBudget implements [desk.Settings].
func (s deskSettings) SetBudget(ctx context.Context, by desk.By, perThousand float64) error {
	if err := by.Require(auth.ManageSettings); err != nil {
		return err
	}
	if !(perThousand > 0 && perThousand <= 1000) {
		return fault.New(fault.Invalid, "the budget must be more than 0 and at most 1000")
	}
	if _, err := s.tenant(by.Tenant()).Set(ctx, request(by), budgetName, strconv.FormatFloat(perThousand, 'g', -1, 64)); err != nil {
		return err
	}
	s.hub.tell(by.Tenant(), desk.Change{What: "settings"})
	return s.daemon.declare(ctx)
}
