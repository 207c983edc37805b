package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/knock"
)

// Person is an account as people who manage it see it.
type Person struct {
	auth.Account
	Version  uint64
	Created  time.Time
	SignedIn time.Time // last; zero for never
	Strong   bool      // uses one-time codes
	Pending  bool      // has no password yet
	Issuer   string    // who signs the person in; empty: we do
}

// People reads and changes accounts. Making, disabling and giving another role end the
// sessions of the person.
type People interface {
	People(ctx context.Context, tenant string) ([]Person, error)
	Person(ctx context.Context, tenant, name string) (Person, error)
	SetRole(ctx context.Context, by By, name string, r auth.Role) error
	SetDisabled(ctx context.Context, by By, name string, disabled bool) error
}

// Credential is what is stored about a person to know them by.
type Credential struct {
	auth.Account
	Version  uint64 // of the account
	Password string // PHC; empty: cannot sign in with one
	TOTP     []byte // secret; nil without
	Step     int64  // the last that was used
}

// Entry is somebody who has shown who they are.
type Entry struct {
	Session auth.Session
	Version uint64 // of the account that was looked at
	Step    int64  // of the one-time code; 0 for none
	Visitor
}

// Credentials reads and changes what people are known by. Those that begin with Set end all
// sessions of the person but the one that asks, which must still be there.
type Credentials interface {
	// Credential returns what is stored; the zero Credential and no error for a stranger.
	Credential(ctx context.Context, tenant, name string) (Credential, error)
	SetPassword(ctx context.Context, by By, name, phc string) error
	SetTOTP(ctx context.Context, by By, name string, secret []byte, step int64) error // nil: no codes
	// Rehash replaces what is stored of a password by the same at another cost, unless the
	// password has changed meanwhile. No session ends.
	Rehash(ctx context.Context, tenant, name, was, now string) error
	// Enter keeps a new session and the step of the code in one transaction. A step that is
	// not later than the stored one is Denied, and so is an account that is no longer at the
	// version.
	Enter(ctx context.Context, tenant string, e Entry) error
}

// Visitor is where a request comes from.
type Visitor struct {
	Address netip.Addr
	Agent   string // what the browser calls itself
}

// Seat is a session as its owner sees it.
type Seat struct {
	auth.Session
	Visitor
}

// Sessions keeps sessions. Session returns NotFound for one that is not there.
type Sessions interface {
	Session(ctx context.Context, tenant string, h auth.Hash) (auth.Session, auth.Account, error)
	Seen(ctx context.Context, tenant string, h auth.Hash, at time.Time) error
	Sessions(ctx context.Context, tenant, person string) ([]Seat, error) // of all: ""
	End(ctx context.Context, by By, h auth.Hash) error
	EndAll(ctx context.Context, by By, person string) error // but the one that asks
}

// TokenRow is a token as its owner sees it.
type TokenRow struct {
	auth.Token
	Used time.Time // last; zero for never
}

// Tokens keeps tokens. Token returns NotFound for one that is not there, and notes the use.
type Tokens interface {
	Token(ctx context.Context, tenant string, h auth.Hash) (auth.Token, auth.Account, error)
	Tokens(ctx context.Context, tenant, person string) ([]TokenRow, error) // of all: ""
	AddToken(ctx context.Context, by By, t auth.Token) error
	Revoke(ctx context.Context, by By, h auth.Hash) error
}

// Codes keeps one-time codes.
type Codes interface {
	// Waiting reports whether nobody is here yet: the first administrator is waited for.
	Waiting(ctx context.Context, tenant string) (bool, error)
	// AddCode keeps a code in place of an earlier one for the same person. An account that is
	// not there is made, with the role.
	AddCode(ctx context.Context, by By, c auth.Code) error
	Code(ctx context.Context, tenant string, h auth.Hash) (auth.Code, error)
	// Redeem uses a code up: it sets the password, makes the account if need be, takes off
	// one-time codes and ends all sessions, in one transaction. A code that was used is Denied.
	Redeem(ctx context.Context, tenant string, h auth.Hash, person, phc string) error
}

// Attempts keeps failures to sign in. Kinds are "account" and "address".
type Attempts interface {
	// Known reports whether the person has signed in from there before.
	Known(ctx context.Context, tenant, name, whence string) (bool, error)
	Attempts(ctx context.Context, tenant, kind, subject string) (auth.Attempts, error)
	SetAttempts(ctx context.Context, tenant, kind, subject string, a auth.Attempts) error
}

// Door is where people and programs come in. Lasting, Cost and Elsewhere may be zero; the
// first two are then the default.
type Door struct {
	Tenant      string
	Key         []byte // that forms are signed with
	Now         func() time.Time
	Random      io.Reader
	Lasting     auth.Lasting
	Cost        auth.Cost
	Tried       func(err error) // told how each attempt to sign in went; may be nil
	Credentials Credentials
	Sessions    Sessions
	Tokens      Tokens
	Codes       Codes
	Attempts    Attempts
	Elsewhere   *Elsewhere // where people can sign in instead; nil: nowhere

	knocks  knock.Log  // of tokens
	one     sync.Mutex // counts attempts
	once    sync.Once
	hashing chan struct{} // few at once: each takes much memory
}

// atOnce is how many passwords are looked at at the same moment.
const atOnce = 2

func (d *Door) begin() {
	d.once.Do(func() {
		d.hashing = make(chan struct{}, atOnce)
		if d.Lasting == (auth.Lasting{}) {
			d.Lasting = auth.DefaultLasting()
		}
		if d.Cost == (auth.Cost{}) {
			d.Cost = auth.DefaultCost()
		}
	})
}

// errWrong is said of every attempt that failed, whatever was wrong.
var errWrong = fault.New(fault.Denied, "the name, the password or the one-time code is not right")

// SignIn lets a person in who shows what they know, and returns the secret of the session.
// Whoever is told to wait gets an error of kind Unavailable.
func (d *Door) SignIn(ctx context.Context, typed, password, code string, v Visitor) (shown string, s auth.Session, err error) {
	shown, s, err = d.signIn(ctx, typed, password, code, v)
	if d.Tried != nil {
		d.Tried(err)
	}
	return shown, s, err
}

func (d *Door) signIn(ctx context.Context, typed, password, code string, v Visitor) (shown string, s auth.Session, err error) {
	d.begin()
	name, errName := auth.Name(typed)
	if errName != nil {
		name = "" // is nobody, and takes as long
	}
	undo, err := d.attempt(ctx, name, auth.Whence(v.Address))
	if err != nil {
		return "", s, err
	}
	c, err := d.credential(ctx, name)
	if err != nil {
		return "", s, err
	}
	ok, stale, err := d.verify(ctx, c.Password, password)
	if err != nil {
		return "", s, err
	}
	var step int64
	if len(c.TOTP) > 0 {
		right := false
		step, right = auth.VerifyTOTP(c.TOTP, code, d.Now(), c.Step)
		ok = ok && right
	}
	if !ok || c.Disabled || name == "" || c.Name != name {
		return "", s, errWrong
	}
	shown, s, err = auth.NewSession(d.Random, name, len(c.TOTP) > 0, d.Now())
	if err != nil {
		return "", s, fmt.Errorf("signing in: %w", err)
	}
	if err := d.Credentials.Enter(ctx, d.Tenant, Entry{s, c.Version, step, v}); err != nil {
		if fault.KindOf(err) == fault.Denied {
			err = errWrong // the code was used, or the password changed, a moment ago
		}
		return "", s, fmt.Errorf("signing in: %w", err)
	}
	if stale {
		d.refresh(ctx, c, password)
	}
	return shown, s, undo()
}

func (d *Door) credential(ctx context.Context, name string) (c Credential, err error) {
	if name == "" {
		return c, nil
	}
	if c, err = d.Credentials.Credential(ctx, d.Tenant, name); err != nil {
		return c, fmt.Errorf("signing in: %w", err)
	}
	return c, nil
}

// refresh stores a password at today's cost. If that fails, it is done the next time.
func (d *Door) refresh(ctx context.Context, c Credential, password string) {
	if phc, err := d.compute(ctx, password); err == nil {
		_ = d.Credentials.Rehash(ctx, d.Tenant, c.Name, c.Password, phc)
	}
}

// turn waits until a password can be looked at, and returns what ends the turn.
func (d *Door) turn(ctx context.Context) (end func(), err error) {
	d.begin()
	select {
	case d.hashing <- struct{}{}:
		return func() { <-d.hashing }, nil
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "too many people sign in at once; try again in a moment")
	}
}

// verify looks at a password, when it is its turn.
func (d *Door) verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	end, err := d.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer end()
	ok, stale = auth.VerifyPassword(stored, password, d.Cost)
	return ok, stale, nil
}

// compute hashes a password, when it is its turn.
func (d *Door) compute(ctx context.Context, password string) (string, error) {
	end, err := d.turn(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	return auth.HashPassword(password, d.Cost, d.Random)
}

// attempt counts an attempt as failed before it begins, and returns what takes that back.
// Without a name it counts only against the address: what nobody can guess needs no more,
// and strangers could keep out all who have a code.
func (d *Door) attempt(ctx context.Context, name, whence string) (undo func() error, err error) {
	d.one.Lock()
	defer d.one.Unlock()
	now := d.Now()
	address, err := d.Attempts.Attempts(ctx, d.Tenant, "address", whence)
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	account, known := auth.Attempts{}, false
	if name != "" {
		if account, err = d.Attempts.Attempts(ctx, d.Tenant, "account", name); err == nil {
			known, err = d.Attempts.Known(ctx, d.Tenant, name, whence)
		}
		if err != nil {
			return nil, fmt.Errorf("signing in: %w", err)
		}
	}
	if wait := auth.Wait(account, address, known, now); wait > 0 {
		return nil, &TooSoon{wait}
	}
	if err := d.count(ctx, "address", whence, auth.ForAddress().Fail(address, now)); err != nil {
		return nil, err
	}
	if err := d.count(ctx, "account", name, auth.ForAccount().Fail(account, now)); err != nil {
		return nil, err
	}
	return func() error {
		d.one.Lock()
		defer d.one.Unlock()
		latest, err := d.Attempts.Attempts(ctx, d.Tenant, "address", whence)
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		return errors.Join(d.count(ctx, "account", name, auth.Attempts{}), d.count(ctx, "address", whence, auth.ForAddress().Undo(latest, false)))
	}, nil
}

// count keeps how often somebody failed. Nobody is not counted.
func (d *Door) count(ctx context.Context, kind, subject string, a auth.Attempts) error {
	if subject == "" {
		return nil
	}
	if err := d.Attempts.SetAttempts(ctx, d.Tenant, kind, subject, a); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	return nil
}

// TooSoon says that the next attempt is not looked at before some time has passed.
type TooSoon struct{ Wait time.Duration }

// Error implements error.
func (e *TooSoon) Error() string {
	return "too many attempts; try again in " + (e.Wait.Truncate(time.Second) + time.Second).String()
}

// Seconds returns the wait as the header Retry-After has it (RFC 9110, section 10.2.3).
func (e *TooSoon) Seconds() string { return strconv.Itoa(int(e.Wait.Seconds()) + 1) }

// Admit returns who a session is, and the session. Quiet requests, which nobody made by
// hand, do not keep it alive.
func (d *Door) Admit(ctx context.Context, shown string, quiet bool) (p auth.Principal, s auth.Session, err error) {
	d.begin()
	h, ok := auth.ReadSession(shown)
	if !ok {
		return p, s, fault.New(fault.Denied, "please sign in")
	}
	s, a, err := d.Sessions.Session(ctx, d.Tenant, h)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return p, s, fault.New(fault.Denied, "please sign in")
	} else if err != nil {
		return p, s, fmt.Errorf("reading a session: %w", err)
	}
	now := d.Now()
	if p, err = s.Admit(shown, a, now, d.Lasting); err != nil || quiet {
		return p, s, err
	}
	const often = 30 * time.Second
	if now.Sub(s.Seen) < often {
		return p, s, nil
	}
	if err := d.Sessions.Seen(ctx, d.Tenant, h, now); err != nil {
		return auth.Principal{}, s, fmt.Errorf("keeping a session: %w", err)
	}
	return p, s, nil
}

// AdmitToken returns whom a token acts for. Wrong ones are counted by where they come from;
// whoever is told to wait gets a [TooSoon].
func (d *Door) AdmitToken(ctx context.Context, shown string, v Visitor) (p auth.Principal, err error) {
	d.begin()
	stranger := fault.New(fault.Denied, "this token is not valid")
	h, ok := auth.ReadToken(shown)
	if !ok {
		return p, stranger // it could never have been one, so it is no guess either
	}
	now := d.Now()
	if wait := d.knocks.Try(v.Address, knock.Secret(h), now); wait > 0 {
		return p, &TooSoon{wait}
	}
	t, owner, err := d.Tokens.Token(ctx, d.Tenant, h)
	if err == nil {
		p, err = t.Admit(shown, owner, now)
	} else if fault.KindOf(err) == fault.NotFound {
		err = stranger
	}
	if err != nil {
		d.knocks.Wrong()
		if fault.KindOf(err) != fault.Denied {
			err = fmt.Errorf("reading a token: %w", err)
		}
		return auth.Principal{}, err
	}
	d.knocks.Right(v.Address, knock.Secret(h), now)
	return p, nil
}

// Knocks returns how many tokens were wrong, and how many were not looked at because too
// many wrong ones had come from the same address.
func (d *Door) Knocks() (wrong, refused uint64) { return d.knocks.Counts() }
