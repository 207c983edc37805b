package desk

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vedette/internal/auth"
	"vedette/internal/fault"
)

// Elsewhere is how people sign in at an issuer of identities, an OpenID provider, instead
// of with a password here.
type Elsewhere struct {
	Issuer Issuer
	People Identities
	Roles  map[string]auth.Role // by group there

	once  sync.Once
	box   cipher.AEAD
	mu    sync.Mutex
	spent map[[sha256.Size]byte]time.Time // states that came back, until they would have ended
}

// Ask is what ties the answer of an issuer to the browser that was sent there. All three
// are secrets of 256 bits.
type Ask struct{ State, Nonce, Verifier string }

// Vouched is what an issuer says about somebody.
type Vouched struct {
	Issuer  string
	Subject string // for ever the same person there; what is called by it
	Name    string // what the person likes to be called; may be anything
	Groups  []string
	Strong  bool // showed more than a password
}

// Issuer is asked who somebody is. One that cannot be reached is Unavailable; what it says
// wrongly is Denied.
type Issuer interface {
	// Name is what people know it by.
	Name() string
	// Begin returns the address that a browser is sent to.
	Begin(ctx context.Context, a Ask) (address string, err error)
	// Finish asks what the code stands for that the browser came back with.
	Finish(ctx context.Context, code string, a Ask) (Vouched, error)
}

// Identities keeps the accounts of people who sign in elsewhere.
type Identities interface {
	// Identify returns the account, with the role it has now, and makes it if there is none;
	// name is what it is called then, or nearly so. One that was disabled is Denied.
	Identify(ctx context.Context, tenant string, v Vouched, name string, r auth.Role) (Credential, error)
	// TurnAway ends the sessions of somebody who has a role no longer.
	TurnAway(ctx context.Context, tenant string, v Vouched) error
}

// trip is what a browser carries to the issuer and back, sealed.
type trip struct {
	Ask
	Next string
	Ends int64 // Unix seconds
}

const (
	tripLasts = 10 * time.Minute
	mostSpent = 10_000
	mostTrip  = 4000 // bytes that a browser keeps
)

var (
	errNowhere = fault.New(fault.NotFound, "people sign in here with a password; no other way is set up")
	errTrip    = fault.New(fault.Denied, "this sign-in was begun in another browser, or too long ago, or is over already; begin again")
)

// Begin returns the address of the issuer that a browser is sent to, and what the browser
// must bring back to [Door.Finish], sealed. Next is where it wants to go afterwards.
func (d *Door) Begin(ctx context.Context, next string) (address, carried string, err error) {
	e := d.Elsewhere
	if e == nil {
		return "", "", errNowhere
	}
	t := trip{Next: next, Ends: d.Now().Add(tripLasts).Unix()}
	for _, s := range []*string{&t.State, &t.Nonce, &t.Verifier} {
		var b [32]byte
		if _, err := io.ReadFull(d.Random, b[:]); err != nil {
			return "", "", fmt.Errorf("drawing a secret: %w", err)
		}
		*s = base64.RawURLEncoding.EncodeToString(b[:])
	}
	if address, err = e.Issuer.Begin(ctx, t.Ask); err != nil {
		return "", "", fmt.Errorf("signing in elsewhere: %w", err)
	}
	if carried, err = d.seal(t); err == nil && len(carried) > mostTrip {
		t.Next = "/"
		carried, err = d.seal(t)
	}
	return address, carried, err
}

// Finish lets a person in who comes back from the issuer with a state and a code, in the
// browser that carried what Begin gave it. It returns the secret of the session, and where
// the person wanted to go.
func (d *Door) Finish(ctx context.Context, carried, state, code string, v Visitor) (shown, next string, err error) {
	d.begin()
	e := d.Elsewhere
	if e == nil {
		return "", "", errNowhere
	}
	undo, err := d.attempt(ctx, "", auth.Whence(v.Address))
	if err != nil {
		return "", "", err
	}
	t, err := d.unseal(carried)
	now := d.Now()
	if err != nil || subtle.ConstantTimeCompare([]byte(t.State), []byte(state)) != 1 || now.Unix() >= t.Ends || !e.spend(t, now) {
		return "", "", errTrip
	}
	who, err := e.Issuer.Finish(ctx, code, t.Ask)
	if err != nil {
		if fault.KindOf(err) == fault.Unavailable {
			err = fmt.Errorf("signing in elsewhere: %w", err)
			if errUndo := undo(); errUndo != nil {
				return "", "", errUndo
			}
		}
		return "", "", err
	}
	shown, err = d.welcome(ctx, who, v)
	if err != nil {
		return "", "", err
	}
	return shown, t.Next, undo()
}

// welcome lets somebody in for whom the issuer vouches.
func (d *Door) welcome(ctx context.Context, who Vouched, v Visitor) (shown string, err error) {
	e := d.Elsewhere
	role, ok := auth.RoleOf(who.Groups, e.Roles)
	if !ok {
		if err := e.People.TurnAway(ctx, d.Tenant, who); err != nil {
			return "", fmt.Errorf("signing in elsewhere: %w", err)
		}
		return "", fault.New(fault.Denied, fmt.Sprintf("%s knows you, but none of your groups there has a role here; ask an administrator of Vedette which group you need", e.Issuer.Name()))
	}
	c, err := e.People.Identify(ctx, d.Tenant, who, who.called(), role)
	if err != nil {
		return "", err
	}
	shown, s, err := auth.NewSession(d.Random, c.Name, who.Strong, d.Now())
	if err != nil {
		return "", fmt.Errorf("signing in elsewhere: %w", err)
	}
	if err := d.Credentials.Enter(ctx, d.Tenant, Entry{Session: s, Version: c.Version, Visitor: v}); err != nil {
		return "", fmt.Errorf("signing in elsewhere: %w", err)
	}
	return shown, nil
}

// called returns what a new account is called: what the person likes, as far as it can be a
// name, else something that is made of who it is.
func (w Vouched) called() string {
	local, _, _ := strings.Cut(w.Name, "@")
	local = strings.Trim(strings.Map(func(r rune) rune {
		if r == ' ' {
			return '.'
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(local)), ".")
	if name, err := auth.Name(local); err == nil && len(name) <= 48 {
		return name
	}
	sum := sha256.Sum256([]byte(w.Issuer + "\x00" + w.Subject))
	return fmt.Sprintf("person-%x", sum[:4])
}

// spend reports whether the trip comes back for the first time.
func (e *Elsewhere) spend(t trip, now time.Time) bool {
	key := sha256.Sum256([]byte(t.State))
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, again := e.spent[key]; again {
		return false
	}
	if len(e.spent) >= mostSpent {
		e.forget(now)
	}
	if e.spent == nil {
		e.spent = map[[sha256.Size]byte]time.Time{}
	}
	e.spent[key] = time.Unix(t.Ends, 0)
	return true
}

// forget makes room: what has ended goes, and if that is nothing, the one that ends first.
// Then the issuer alone sees to it that no code is used twice.
func (e *Elsewhere) forget(now time.Time) {
	var first [sha256.Size]byte
	var soonest time.Time
	for k, end := range e.spent { // any order: all are looked at
		if !now.Before(end) {
			delete(e.spent, k)
		} else if soonest.IsZero() || end.Before(soonest) {
			first, soonest = k, end
		}
	}
	if len(e.spent) >= mostSpent {
		delete(e.spent, first)
	}
}

// cipher returns what trips are sealed with.
func (d *Door) cipher() (cipher.AEAD, error) {
	e := d.Elsewhere
	var err error
	e.once.Do(func() {
		var key []byte
		if key, err = hkdf.Key(sha256.New, d.Key, nil, "vedette sign-in elsewhere 1", 32); err != nil {
			return
		}
		var block cipher.Block
		if block, err = aes.NewCipher(key); err == nil {
			e.box, err = cipher.NewGCMWithRandomNonce(block)
		}
	})
	if err == nil && e.box == nil {
		err = fault.New(fault.Internal, "there is no key")
	}
	return e.box, err
}

func (d *Door) seal(t trip) (string, error) {
	box, err := d.cipher()
	if err != nil {
		return "", fmt.Errorf("sealing a sign-in: %w", err)
	}
	b, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("sealing a sign-in: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(box.Seal(nil, nil, b, nil)), nil
}

func (d *Door) unseal(carried string) (t trip, err error) {
	box, err := d.cipher()
	if err != nil {
		return t, fmt.Errorf("opening a sign-in: %w", err)
	}
	if len(carried) > mostTrip {
		return t, errTrip
	}
	b, err := base64.RawURLEncoding.DecodeString(carried)
	if err == nil {
		b, err = box.Open(nil, nil, b, nil)
	}
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	return t, err
}
