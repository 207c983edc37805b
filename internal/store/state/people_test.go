package state

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/fault"
)

func hashOf(s string) (h Hash) { copy(h[:], s); return h }

func people(t *testing.T) (*Tenant, *clock) {
	_, a, c := fresh(t)
	ok(t, a.CreateUser(t.Context(), by("set-up"), User{Name: "ann", Role: "administrator", Password: "$argon2id$1"}))
	ok(t, a.CreateUser(t.Context(), by("ann"), User{Name: "bob", Role: "viewer", Password: "$argon2id$2"}))
	return a, c
}

// enter signs a person in, at the account as it is.
func enter(t *testing.T, a *Tenant, s Session) {
	t.Helper()
	u, err := a.User(t.Context(), s.Person)
	ok(t, err)
	ok(t, a.Enter(t.Context(), Entry{Session: s, Version: u.Version, Whence: "198.51.100.7"}))
}

func TestUsers(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	wantKind(t, a.CreateUser(ctx, by("ann"), User{Name: "bob", Role: "viewer"}), fault.Conflict)
	wantKind(t, a.CreateUser(ctx, by("ann"), User{Name: "eve"}), fault.Invalid)
	_, err := a.User(ctx, "eve")
	wantKind(t, err, fault.NotFound)
	wantKind(t, a.SetRole(ctx, Request{Actor: "ann", Version: 7}, "bob", "analyst"), fault.Conflict)
	ok(t, a.SetRole(ctx, Request{Actor: "ann", Version: 1}, "bob", "analyst"))
	u, err := a.User(ctx, "bob")
	if err != nil || u.Role != "analyst" || u.Version != 2 || u.Password != "$argon2id$2" || !u.Created.Equal(c.now()) || u.Strong {
		t.Errorf("%+v, %v", u, err)
	}
	ok(t, a.Rehash(ctx, "bob", "$argon2id$2", "$argon2id$3"))
	ok(t, a.Rehash(ctx, "bob", "$argon2id$2", "$argon2id$4"))
	all, err := a.Users(ctx)
	if err != nil || len(all) != 2 || all[1].Password != "$argon2id$3" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestUsers_lastAdministrator(t *testing.T) {
	a, _ := people(t)
	ctx := t.Context()
	wantKind(t, a.SetDisabled(ctx, by("ann"), "ann", true), fault.Conflict)
	wantKind(t, a.SetRole(ctx, by("ann"), "ann", "viewer"), fault.Conflict)
	ok(t, a.SetRole(ctx, by("ann"), "bob", "administrator"))
	ok(t, a.SetDisabled(ctx, by("bob"), "ann", true))
	wantKind(t, a.SetDisabled(ctx, by("bob"), "bob", true), fault.Conflict)
	ok(t, a.SetDisabled(ctx, by("bob"), "ann", false))
	ok(t, a.SetPassword(ctx, by("bob"), "bob", "$argon2id$9", Hash{}))
}

func TestSessions(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	add := func(name, person string) {
		now := c.now()
		enter(t, a, Session{hashOf(name), person, now, now, now.Add(12 * time.Hour), true, "198.51.100.7", strings.Repeat("x", 999)})
	}
	add("a1", "ann")
	add("b1", "bob")
	add("b2", "bob")
	s, u, err := a.Session(ctx, hashOf("b1"))
	if err != nil || u.Name != "bob" || s.Person != "bob" || !s.Strong || !s.Ends.Equal(c.now().Add(12*time.Hour)) || len(s.Agent) != maxAgent {
		t.Errorf("%+v, %+v, %v", s, u, err)
	}
	c.add(30 * time.Second)
	ok(t, a.Touch(ctx, s))
	if now, _, err := a.Session(ctx, s.Hash); err != nil || !now.Seen.Equal(s.Seen) {
		t.Errorf("seen %v, %v", now.Seen, err)
	}
	c.add(31 * time.Second)
	ok(t, a.Touch(ctx, s))
	if now, _, err := a.Session(ctx, s.Hash); err != nil || !now.Seen.Equal(c.now()) {
		t.Errorf("seen %v, %v", now.Seen, err)
	}
	if all, err := a.Sessions(ctx, "bob"); err != nil || len(all) != 2 || all[0].Hash != hashOf("b1") {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := a.Sessions(ctx, ""); err != nil || len(all) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	if n, err := a.EndSessions(ctx, by("bob"), "bob", hashOf("b2")); err != nil || n != 1 {
		t.Errorf("%d ended, %v", n, err)
	}
	_, _, err = a.Session(ctx, hashOf("b1"))
	wantKind(t, err, fault.NotFound)
	wantKind(t, a.EndSession(ctx, by("bob"), hashOf("b1")), fault.NotFound)
	ok(t, a.EndSession(ctx, by("ann"), hashOf("b2")))
	c.add(13 * time.Hour)
	_, _, err = a.Session(ctx, hashOf("a1"))
	wantKind(t, err, fault.NotFound)
}

func TestSessions_endWithWhatTheyRestOn(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	ok(t, a.AddToken(ctx, by("bob"), Token{Hash: hashOf("t"), Owner: "bob", Purpose: "scripts", Scopes: []string{"incidents.read"}, Created: c.now(), Expires: c.now().Add(time.Hour)}))
	for _, test := range []struct {
		name string
		do   func() error
	}{
		{"password", func() error { return a.SetPassword(ctx, by("ann"), "bob", "$argon2id$5", Hash{}) }},
		{"codes", func() error { return a.SetTOTP(ctx, by("ann"), "bob", Secret{}, 0, Hash{}) }},
		{"role", func() error { return a.SetRole(ctx, by("ann"), "bob", "responder") }},
		{"disabled", func() error { return a.SetDisabled(ctx, by("ann"), "bob", true) }},
	} {
		enter(t, a, Session{Hash: hashOf(test.name), Person: "bob", Created: c.now(), Seen: c.now(), Ends: c.now().Add(time.Hour)})
		ok(t, test.do())
		if _, _, err := a.Session(ctx, hashOf(test.name)); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: the session lives on: %v", test.name, err)
		}
	}
	if k, _, err := a.Token(ctx, hashOf("t")); err != nil || !k.Revoked {
		t.Errorf("the token of who was disabled: %+v, %v", k, err)
	}
}

func TestTokens(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	k := Token{Hash: hashOf("t1"), Owner: "bob", Purpose: "scripts", Scopes: []string{"incidents.read", "export"}, Created: c.now(), Expires: c.now().Add(time.Hour)}
	ok(t, a.AddToken(ctx, by("bob"), k))
	wantKind(t, a.AddToken(ctx, by("bob"), Token{Hash: hashOf("t2"), Owner: "eve"}), fault.NotFound)
	got, u, err := a.Token(ctx, k.Hash)
	if err != nil || u.Role != "viewer" || got.Scopes[1] != "export" || !got.Expires.Equal(k.Expires) || !got.Used.IsZero() {
		t.Errorf("%+v, %+v, %v", got, u, err)
	}
	ok(t, a.UsedToken(ctx, got))
	ok(t, a.RevokeToken(ctx, by("ann"), k.Hash))
	wantKind(t, a.RevokeToken(ctx, by("ann"), hashOf("t9")), fault.NotFound)
	all, err := a.Tokens(ctx, "bob")
	if err != nil || len(all) != 1 || !all[0].Revoked || !all[0].Used.Equal(c.now()) {
		t.Errorf("%+v, %v", all, err)
	}
	if none, err := a.Tokens(ctx, "ann"); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestTOTP(t *testing.T) {
	a, _ := people(t)
	ctx := t.Context()
	if s, err := a.TOTP(ctx, "bob"); err != nil || !s.Empty() {
		t.Errorf("%v, %v", s.Reveal(), err)
	}
	ok(t, a.SetTOTP(ctx, by("bob"), "bob", NewSecret([]byte("12345678901234567890")), 100, Hash{}))
	if s, err := a.TOTP(ctx, "bob"); err != nil || string(s.Reveal()) != "12345678901234567890" {
		t.Errorf("%s, %v", s.Reveal(), err)
	}
	ok(t, a.SetTOTP(ctx, by("ann"), "bob", Secret{}, 0, Hash{}))
	if u, err := a.User(ctx, "bob"); err != nil || u.Strong {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestCodes(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	first := Code{hashOf("c1"), "", "administrator", c.now().Add(time.Hour)}
	ok(t, a.AddCode(ctx, by("vedette"), Code{hashOf("c0"), "", "administrator", c.now().Add(time.Hour)}))
	ok(t, a.AddCode(ctx, by("vedette"), first)) // replaces the other
	_, err := a.Code(ctx, hashOf("c0"))
	wantKind(t, err, fault.NotFound)
	if k, err := a.Code(ctx, first.Hash); err != nil || k != first {
		t.Errorf("%+v, %v", k, err)
	}
	var in atomic.Int32
	var wg sync.WaitGroup
	for _, name := range []string{"ann", "eve", "mallory"} {
		wg.Go(func() {
			if a.Redeem(ctx, first.Hash, User{Name: name, Password: "$argon2id$1"}) == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	all, err := a.Users(ctx)
	if in.Load() != 1 || err != nil || len(all) != 1 || all[0].Role != "administrator" {
		t.Fatalf("%d used the code: %+v, %v", in.Load(), all, err)
	}
	wantKind(t, a.AddCode(ctx, by("vedette"), first), fault.Denied)
	ok(t, a.AddCode(ctx, by(all[0].Name), Code{hashOf("c2"), "bob", "analyst", c.now().Add(time.Hour)}))
	wantKind(t, a.Redeem(ctx, hashOf("c2"), User{Name: "eve", Password: "x"}), fault.Denied)
	ok(t, a.Redeem(ctx, hashOf("c2"), User{Name: "bob", Password: "x", Role: "administrator"}))
	if u, err := a.User(ctx, "bob"); err != nil || u.Role != "analyst" || u.Password != "x" {
		t.Errorf("%+v, %v", u, err)
	}
	ok(t, a.AddCode(ctx, by("ann"), Code{hashOf("c3"), "bob", "administrator", c.now().Add(time.Hour)}))
	ok(t, a.Redeem(ctx, hashOf("c3"), User{Name: "bob", Password: "y"}))
	if u, err := a.User(ctx, "bob"); err != nil || u.Role != "analyst" || u.Password != "y" {
		t.Errorf("a new password gave another role: %+v, %v", u, err)
	}
	ok(t, a.AddCode(ctx, by("ann"), Code{hashOf("c4"), "bob", "viewer", c.now().Add(time.Hour)}))
	c.add(time.Hour)
	wantKind(t, a.Redeem(ctx, hashOf("c4"), User{Name: "bob", Password: "z"}), fault.NotFound)
}

func TestAttempts(t *testing.T) {
	s, a, c := fresh(t)
	ctx := t.Context()
	fail := func(x Attempts) (Attempts, error) { return Attempts{x.Failed + 1, c.now()}, nil }
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := a.ChangeAttempts(ctx, "account", "hunter2", fail); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if x, err := a.Attempts(ctx, "account", "hunter2"); err != nil || x.Failed != 10 || !x.Last.Equal(c.now()) {
		t.Errorf("%+v, %v", x, err)
	}
	if x, err := a.Attempts(ctx, "address", "hunter2"); err != nil || x.Failed != 0 {
		t.Errorf("%+v, %v", x, err)
	}
	var n int
	ok(t, s.read.QueryRow(`SELECT count(*) FROM attempts WHERE instr(subject, 'hunter2') > 0`).Scan(&n))
	if n != 0 {
		t.Error("what was typed as a name stands in the file")
	}
	wait := errors.New("wait")
	if err := a.ChangeAttempts(ctx, "account", "hunter2", func(x Attempts) (Attempts, error) { return Attempts{}, wait }); !errors.Is(err, wait) {
		t.Errorf("got %v", err)
	}
	ok(t, a.ChangeAttempts(ctx, "account", "hunter2", func(Attempts) (Attempts, error) { return Attempts{}, nil }))
	ok(t, s.read.QueryRow(`SELECT count(*) FROM attempts`).Scan(&n))
	if n != 0 {
		t.Error("a clean slate takes a row")
	}
}

func TestKnown(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	enter(t, a, Session{Hash: hashOf("b"), Person: "bob", Created: c.now(), Ends: c.now().Add(time.Hour)})
	wantKind(t, a.Enter(ctx, Entry{Session: Session{Hash: hashOf("e"), Person: "eve"}, Whence: "198.51.100.7"}), fault.NotFound)
	for address, want := range map[string]bool{"198.51.100.7": true, "198.51.100.8": false} {
		if got, err := a.Known(ctx, "bob", address); err != nil || got != want {
			t.Errorf("%s: %v, %v", address, got, err)
		}
	}
	if u, err := a.User(ctx, "bob"); err != nil || !u.SignedIn.Equal(c.now()) {
		t.Errorf("%+v, %v", u, err)
	}
	c.add(addressesKept + time.Hour)
	if got, err := a.Known(ctx, "bob", "198.51.100.7"); err != nil || got {
		t.Errorf("%v, %v", got, err)
	}
}
