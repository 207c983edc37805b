package desktest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
)

var errNobody = fault.New(fault.NotFound, "there is nobody of that name")

// People implements desk.People.
func (m *Memory) People(context.Context, string) (all []desk.Person, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.people {
		all = append(all, p.view())
	}
	slices.SortFunc(all, func(a, b desk.Person) int { return cmp.Compare(a.Name, b.Name) })
	return all, m.Fail
}

func (p *person) view() desk.Person {
	v := p.Person
	v.Strong, v.Pending = len(p.totp) > 0, p.phc == ""
	return v
}

// Person implements desk.People.
func (m *Memory) Person(_ context.Context, _, name string) (desk.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[name]
	if p == nil {
		return desk.Person{}, errNobody
	}
	return p.view(), m.Fail
}

func (m *Memory) alter(by desk.By, name string, do func(*person)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[name]
	switch {
	case p == nil:
		return errNobody
	case by.Version != 0 && by.Version != p.Version:
		return fault.New(fault.Conflict, "the account has changed meanwhile")
	}
	do(p)
	p.Version++
	for h, s := range m.sessions {
		if s.Person == name && h != by.Session() {
			delete(m.sessions, h)
		}
	}
	return nil
}

// SetRole implements desk.People.
func (m *Memory) SetRole(_ context.Context, by desk.By, name string, r auth.Role) error {
	return m.alter(by, name, func(p *person) { p.Role = r })
}

// SetDisabled implements desk.People.
func (m *Memory) SetDisabled(_ context.Context, by desk.By, name string, disabled bool) error {
	return m.alter(by, name, func(p *person) { p.Disabled = disabled })
}

// Credential implements desk.Credentials.
func (m *Memory) Credential(_ context.Context, _, name string) (desk.Credential, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[name]
	if p == nil {
		return desk.Credential{}, nil
	}
	return desk.Credential{Account: p.Account, Version: p.Version, Password: p.phc, TOTP: p.totp, Step: p.step}, nil
}

// SetPassword implements desk.Credentials.
func (m *Memory) SetPassword(_ context.Context, by desk.By, name, phc string) error {
	return m.alter(by, name, func(p *person) { p.phc = phc })
}

// SetTOTP implements desk.Credentials.
func (m *Memory) SetTOTP(_ context.Context, by desk.By, name string, secret []byte, step int64) error {
	return m.alter(by, name, func(p *person) { p.totp, p.step = secret, step })
}

// Rehash implements desk.Credentials.
func (m *Memory) Rehash(_ context.Context, _, name, was, now string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.people[name]; p != nil && p.phc == was {
		p.phc = now
	}
	return nil
}

// Enter implements desk.Credentials.
func (m *Memory) Enter(_ context.Context, _ string, e desk.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := e.Session
	p := m.people[s.Person]
	if p == nil || p.Disabled || p.Version != e.Version || e.Step != 0 && e.Step <= p.step {
		return fault.New(fault.Denied, "the code was used")
	}
	p.step, p.SignedIn = max(e.Step, p.step), m.Clock
	m.known[s.Person+" "+auth.Whence(e.Address)] = true
	m.sessions[s.Hash] = desk.Seat{Session: s, Visitor: e.Visitor}
	return nil
}

// Known implements desk.Attempts.
func (m *Memory) Known(_ context.Context, _, name, whence string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[name+" "+whence], nil
}

// Session implements desk.Sessions.
func (m *Memory) Session(_ context.Context, _ string, h auth.Hash) (auth.Session, auth.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[h]
	if !ok || m.people[s.Person] == nil {
		return auth.Session{}, auth.Account{}, fault.New(fault.NotFound, "there is no such session")
	}
	return s.Session, m.people[s.Person].Account, nil
}

// Seen implements desk.Sessions.
func (m *Memory) Seen(_ context.Context, _ string, h auth.Hash, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[h]
	s.Session.Seen = at
	m.sessions[h] = s
	return nil
}

// Sessions implements desk.Sessions.
func (m *Memory) Sessions(_ context.Context, _, name string) (all []desk.Seat, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if name == "" || s.Person == name {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b desk.Seat) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// End implements desk.Sessions.
func (m *Memory) End(_ context.Context, _ desk.By, h auth.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, h)
	return nil
}

// EndAll implements desk.Sessions.
func (m *Memory) EndAll(_ context.Context, by desk.By, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for h, s := range m.sessions {
		if s.Person == name && h != by.Session() {
			delete(m.sessions, h)
		}
	}
	return nil
}

// Token implements desk.Tokens.
func (m *Memory) Token(_ context.Context, _ string, h auth.Hash) (auth.Token, auth.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[h]
	if !ok || m.people[t.Owner] == nil {
		return auth.Token{}, auth.Account{}, fault.New(fault.NotFound, "there is no such token")
	}
	t.Used = m.Clock
	m.tokens[h] = t
	return t.Token, m.people[t.Owner].Account, nil
}

// Tokens implements desk.Tokens.
func (m *Memory) Tokens(_ context.Context, _, name string) (all []desk.TokenRow, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tokens {
		if name == "" || t.Owner == name {
			all = append(all, t)
		}
	}
	return all, nil
}

// AddToken implements desk.Tokens.
func (m *Memory) AddToken(_ context.Context, _ desk.By, t auth.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[t.Hash] = desk.TokenRow{Token: t}
	return nil
}

// Revoke implements desk.Tokens.
func (m *Memory) Revoke(_ context.Context, _ desk.By, h auth.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[h]
	t.Revoked = true
	m.tokens[h] = t
	return nil
}

// Waiting implements desk.Codes.
func (m *Memory) Waiting(context.Context, string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.people) == 0, m.Fail
}

// AddCode implements desk.Codes.
func (m *Memory) AddCode(_ context.Context, _ desk.By, c auth.Code) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[c.Hash] = c
	if m.people[c.For] == nil {
		m.people[c.For] = &person{Person: desk.Person{Account: auth.Account{Tenant: Tenant, Name: c.For, Role: c.Role}, Version: 1, Created: m.Clock}}
	}
	return nil
}

// Code implements desk.Codes.
func (m *Memory) Code(_ context.Context, _ string, h auth.Hash) (auth.Code, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.codes[h]
	if !ok {
		return c, fault.New(fault.NotFound, "there is no such code")
	}
	return c, nil
}

// Redeem implements desk.Codes.
func (m *Memory) Redeem(_ context.Context, _ string, h auth.Hash, name, phc string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.codes[h]
	if !ok || c.Used {
		return fault.New(fault.Denied, "this code is not valid, or no longer; ask for a new one")
	}
	c.Used = true
	m.codes[h] = c
	p := m.people[name]
	if p == nil {
		p = &person{Person: desk.Person{Account: auth.Account{Tenant: Tenant, Name: name, Role: c.Role}, Version: 1, Created: m.Clock}}
		m.people[name] = p
	}
	p.phc, p.totp = phc, nil
	p.Version++
	return nil
}

// Attempts implements desk.Attempts.
func (m *Memory) Attempts(_ context.Context, _, kind, subject string) (auth.Attempts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.attempts[kind+" "+subject], nil
}

// SetAttempts implements desk.Attempts.
func (m *Memory) SetAttempts(_ context.Context, _, kind, subject string, a auth.Attempts) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts[kind+" "+subject] = a
	return nil
}

// Promise implements desk.Overview.
func (m *Memory) Promise(context.Context, string) (desk.Promise, error) { return m.promise, m.Fail }

// Done implements desk.Overview.
func (m *Memory) Done(context.Context, string) (desk.Done, error) { return m.done, m.Fail }

// Health implements desk.Overview.
func (m *Memory) Health(context.Context, string) ([]desk.Part, error) { return m.Parts, m.Fail }

// Budget implements desk.Settings.
func (m *Memory) Budget(context.Context, string) (desk.Budget, error) { return m.budget, m.Fail }

// SetBudget implements desk.Settings.
func (m *Memory) SetBudget(_ context.Context, by desk.By, n float64) error {
	if by.Version != 0 && by.Version != m.budget.Version {
		return fault.New(fault.Conflict, "the budget has changed meanwhile")
	}
	m.budget = desk.Budget{PerThousand: n, Version: m.budget.Version + 1, Author: by.Name(), Time: m.Clock}
	return nil
}

// Watch implements desk.Changes.
func (m *Memory) Watch(ctx context.Context, _ string) <-chan desk.Change {
	c := make(chan desk.Change, 8)
	m.mu.Lock()
	m.watchers = append(m.watchers, c)
	m.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watchers = slices.DeleteFunc(m.watchers, func(w chan desk.Change) bool { return w == c })
		close(c)
	})
	return c
}
