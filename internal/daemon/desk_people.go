package daemon

import (
	"context"
	"errors"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// deskPeople reads and changes accounts and what people are known by.
type deskPeople struct{ *Faces }

func account(tenant string, u state.User) auth.Account {
	return auth.Account{Tenant: tenant, Name: u.Name, Role: auth.Role(u.Role), Disabled: u.Disabled}
}

func person(tenant string, u state.User) desk.Person {
	return desk.Person{Account: account(tenant, u), Version: u.Version, Created: u.Created, SignedIn: u.SignedIn, Strong: u.Strong, Pending: u.Password == "" && u.Issuer == "", Issuer: u.Issuer}
}

// People implements [desk.People].
func (s deskPeople) People(ctx context.Context, tenant string) ([]desk.Person, error) {
	users, err := s.tenant(tenant).Users(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]desk.Person, 0, len(users))
	for _, u := range users {
		all = append(all, person(tenant, u))
	}
	return all, nil
}

// Person implements [desk.People].
func (s deskPeople) Person(ctx context.Context, tenant, name string) (desk.Person, error) {
	u, err := s.tenant(tenant).User(ctx, name)
	if err != nil {
		return desk.Person{}, err
	}
	return person(tenant, u), nil
}

// SetRole implements [desk.People].
func (s deskPeople) SetRole(ctx context.Context, by desk.By, name string, r auth.Role) error {
	if err := by.Require(auth.ManagePeople); err != nil {
		return err
	}
	if _, err := auth.ParseRole(string(r)); err != nil {
		return err
	}
	return s.tenant(by.Tenant()).SetRole(ctx, request(by), name, string(r))
}

// SetDisabled implements [desk.People].
func (s deskPeople) SetDisabled(ctx context.Context, by desk.By, name string, disabled bool) error {
	if err := by.Require(auth.ManagePeople); err != nil {
		return err
	}
	return s.tenant(by.Tenant()).SetDisabled(ctx, request(by), name, disabled)
}

// Credential implements [desk.Credentials].
func (s deskPeople) Credential(ctx context.Context, tenant, name string) (c desk.Credential, err error) {
	u, err := s.tenant(tenant).User(ctx, name)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return c, nil
	} else if err != nil {
		return c, err
	}
	c = desk.Credential{Account: account(tenant, u), Version: u.Version, Password: u.Password, Step: u.Step}
	if u.Strong {
		secret, err := s.tenant(tenant).TOTP(ctx, name)
		if err != nil {
			return desk.Credential{}, err
		}
		c.TOTP = secret.Reveal()
	}
	return c, nil
}

// SetPassword implements [desk.Credentials].
func (s deskPeople) SetPassword(ctx context.Context, by desk.By, name, phc string) error {
	return s.tenant(by.Tenant()).SetPassword(ctx, request(by), name, phc, own(by, name))
}

// own returns the session that asks, if it is that of the person.
func own(by desk.By, name string) state.Hash {
	if by.Name() != name {
		return state.Hash{}
	}
	return state.Hash(by.Session())
}

// SetTOTP implements [desk.Credentials].
func (s deskPeople) SetTOTP(ctx context.Context, by desk.By, name string, secret []byte, step int64) error {
	return s.tenant(by.Tenant()).SetTOTP(ctx, request(by), name, state.NewSecret(secret), step, own(by, name))
}

// Rehash implements [desk.Credentials].
func (s deskPeople) Rehash(ctx context.Context, tenant, name, was, now string) error {
	return s.tenant(tenant).Rehash(ctx, name, was, now)
}

// Enter implements [desk.Credentials].
func (s deskPeople) Enter(ctx context.Context, tenant string, e desk.Entry) error {
	n, from := e.Session, ""
	if e.Address.IsValid() {
		from = e.Address.String()
	}
	return s.tenant(tenant).Enter(ctx, state.Entry{
		Session: state.Session{
			Hash: state.Hash(n.Hash), Person: n.Person, Created: n.Created, Seen: n.Seen, Ends: n.Created.Add(s.lasting.Whole), Strong: n.Strong, Address: from, Agent: e.Agent,
		},
		Version: e.Version, Step: e.Step, Whence: auth.Whence(e.Address),
	})
}

// deskSessions keeps sessions.
type deskSessions struct{ *Faces }

func session(s state.Session) auth.Session {
	return auth.Session{Hash: auth.Hash(s.Hash), Person: s.Person, Created: s.Created, Seen: s.Seen, Strong: s.Strong}
}

// Session implements [desk.Sessions].
func (s deskSessions) Session(ctx context.Context, tenant string, h auth.Hash) (auth.Session, auth.Account, error) {
	n, u, err := s.tenant(tenant).Session(ctx, state.Hash(h))
	if err != nil {
		return auth.Session{}, auth.Account{}, err
	}
	return session(n), account(tenant, u), nil
}

// Seen implements [desk.Sessions].
func (s deskSessions) Seen(ctx context.Context, tenant string, h auth.Hash, _ time.Time) error {
	return s.tenant(tenant).Touch(ctx, state.Session{Hash: state.Hash(h)})
}

// Sessions implements [desk.Sessions]. Those that ended by themselves are left out.
func (s deskSessions) Sessions(ctx context.Context, tenant, person string) (all []desk.Seat, err error) {
	stored, err := s.tenant(tenant).Sessions(ctx, person)
	if err != nil {
		return nil, err
	}
	for _, n := range stored {
		if live := session(n); live.Alive(s.daemon.now(), s.lasting) {
			all = append(all, desk.Seat{Session: live, Visitor: desk.Visitor{Address: address(n.Address), Agent: n.Agent}})
		}
	}
	return all, nil
}

// End implements [desk.Sessions].
func (s deskSessions) End(ctx context.Context, by desk.By, h auth.Hash) error {
	return s.tenant(by.Tenant()).EndSession(ctx, request(by), state.Hash(h))
}

// EndAll implements [desk.Sessions].
func (s deskSessions) EndAll(ctx context.Context, by desk.By, person string) error {
	r := request(by)
	r.Version = 0 // of the account, which does not change
	_, err := s.tenant(by.Tenant()).EndSessions(ctx, r, person, own(by, person))
	return err
}

// deskTokens keeps tokens.
type deskTokens struct{ *Faces }

func token(k state.Token) (auth.Token, error) {
	scopes, err := auth.ParsePermissions(k.Scopes...)
	if err != nil {
		return auth.Token{}, fault.Wrap(fault.Unreadable, err)
	}
	return auth.Token{Hash: auth.Hash(k.Hash), Name: k.Purpose, Owner: k.Owner, Scopes: scopes, Created: k.Created, Expires: k.Expires, Revoked: k.Revoked}, nil
}

// Token implements [desk.Tokens].
func (s deskTokens) Token(ctx context.Context, tenant string, h auth.Hash) (auth.Token, auth.Account, error) {
	t := s.tenant(tenant)
	k, u, err := t.Token(ctx, state.Hash(h))
	if err != nil {
		return auth.Token{}, auth.Account{}, err
	}
	n, err := token(k)
	if err == nil && !n.Revoked && s.daemon.now().Before(n.Expires) {
		err = t.UsedToken(ctx, k)
	}
	return n, account(tenant, u), err
}

// Tokens implements [desk.Tokens].
func (s deskTokens) Tokens(ctx context.Context, tenant, person string) (all []desk.TokenRow, err error) {
	stored, err := s.tenant(tenant).Tokens(ctx, person)
	if err != nil {
		return nil, err
	}
	for _, k := range stored {
		n, err := token(k)
		if err != nil {
			return nil, err
		}
		all = append(all, desk.TokenRow{Token: n, Used: k.Used})
	}
	return all, nil
}

// AddToken implements [desk.Tokens].
func (s deskTokens) AddToken(ctx context.Context, by desk.By, t auth.Token) error {
	return s.tenant(by.Tenant()).AddToken(ctx, request(by), state.Token{
		Hash: state.Hash(t.Hash), Owner: t.Owner, Purpose: t.Name, Scopes: t.Scopes.Names(), Created: t.Created, Expires: t.Expires,
	})
}

// Revoke implements [desk.Tokens].
func (s deskTokens) Revoke(ctx context.Context, by desk.By, h auth.Hash) error {
	return s.tenant(by.Tenant()).RevokeToken(ctx, request(by), state.Hash(h))
}

// deskCodes keeps one-time codes.
type deskCodes struct{ *Faces }

// Waiting implements [desk.Codes].
func (s deskCodes) Waiting(ctx context.Context, tenant string) (bool, error) {
	users, err := s.tenant(tenant).Users(ctx)
	return err == nil && len(users) == 0, err
}

// AddCode implements [desk.Codes].
func (s deskCodes) AddCode(ctx context.Context, by desk.By, c auth.Code) error {
	if err := by.Require(auth.ManagePeople); err != nil {
		return err
	}
	r := request(by)
	r.Version = 0 // of the account, which is no part of the code
	return s.tenant(by.Tenant()).AddCode(ctx, r, code(c))
}

func code(c auth.Code) state.Code {
	return state.Code{Hash: state.Hash(c.Hash), Person: c.For, Role: string(c.Role), Expires: c.Expires}
}

// Code implements [desk.Codes].
func (s deskCodes) Code(ctx context.Context, tenant string, h auth.Hash) (auth.Code, error) {
	k, err := s.tenant(tenant).Code(ctx, state.Hash(h))
	if err != nil {
		return auth.Code{}, err
	}
	return auth.Code{Hash: auth.Hash(k.Hash), For: k.Person, Role: auth.Role(k.Role), Expires: k.Expires}, nil
}

// Redeem implements [desk.Codes].
func (s deskCodes) Redeem(ctx context.Context, tenant string, h auth.Hash, person, phc string) error {
	err := s.tenant(tenant).Redeem(ctx, state.Hash(h), state.User{Name: person, Password: phc})
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return errors.Join(fault.New(fault.Denied, "this code is not valid, or no longer; ask for a new one"), err)
	}
	return err
}

// deskAttempts keeps failures to sign in.
type deskAttempts struct{ *Faces }

// Attempts implements [desk.Attempts].
func (s deskAttempts) Attempts(ctx context.Context, tenant, kind, subject string) (auth.Attempts, error) {
	a, err := s.tenant(tenant).Attempts(ctx, kind, subject)
	return auth.Attempts(a), err
}

// SetAttempts implements [desk.Attempts].
func (s deskAttempts) SetAttempts(ctx context.Context, tenant, kind, subject string, a auth.Attempts) error {
	return s.tenant(tenant).ChangeAttempts(ctx, kind, subject, func(state.Attempts) (state.Attempts, error) { return state.Attempts(a), nil })
}

// Known implements [desk.Attempts].
func (s deskAttempts) Known(ctx context.Context, tenant, name, whence string) (bool, error) {
	return s.tenant(tenant).Known(ctx, name, whence)
}
