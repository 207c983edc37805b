package state

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"vedette/internal/fault"
)

// atOnce does something from several sides at the same moment, and returns how often it
// succeeded. Each failure must be of one of the kinds.
func atOnce(t *testing.T, n int, kinds []fault.Kind, do func(i int) error) (done int) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		fits := false
		for _, k := range kinds {
			fits = fits || fault.KindOf(err) == k
		}
		if !fits {
			t.Errorf("failed with %v", err)
		}
	}
	return done
}

func session(c *clock, name, person string) Session {
	return Session{Hash: hashOf(name), Person: person, Created: c.now(), Seen: c.now(), Ends: c.now().Add(time.Hour)}
}

func TestEnter_oneCodeOnce(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	ok(t, a.SetTOTP(ctx, by("bob"), "bob", NewSecret([]byte("12345678901234567890")), 100, Hash{}))
	u, err := a.User(ctx, "bob")
	ok(t, err)
	wantKind(t, a.Enter(ctx, Entry{Session: session(c, "old", "bob"), Version: u.Version, Step: 100}), fault.Denied)
	in := atOnce(t, 8, []fault.Kind{fault.Denied}, func(i int) error {
		return a.Enter(ctx, Entry{Session: session(c, strconv.Itoa(i), "bob"), Version: u.Version, Step: 101, Whence: "198.51.100.7"})
	})
	all, err := a.Sessions(ctx, "bob")
	if in != 1 || err != nil || len(all) != 1 {
		t.Errorf("one code let %d in, and %d sessions are there: %v", in, len(all), err)
	}
	rows, err := a.Audit(ctx, AuditFilter{Action: "person.sign-in"}, 100)
	if err != nil || len(rows) != 1 {
		t.Errorf("the audit has %d rows: %v", len(rows), err)
	}
	// Without a code, which an account that has none shows, the step stays used.
	ok(t, a.Enter(ctx, Entry{Session: session(c, "none", "bob"), Version: u.Version}))
	wantKind(t, a.Enter(ctx, Entry{Session: session(c, "again", "bob"), Version: u.Version, Step: 101}), fault.Denied)
}

// Whoever showed a password that was replaced before the door opened stays outside.
func TestEnter_passwordThatIsReplacedMeanwhile(t *testing.T) {
	for round := range 20 {
		a, c := people(t)
		ctx := t.Context()
		u, err := a.User(ctx, "bob")
		ok(t, err)
		_ = atOnce(t, 2, []fault.Kind{fault.Denied}, func(i int) error {
			if i == 0 {
				return a.SetPassword(ctx, by("ann"), "bob", "$argon2id$new", Hash{})
			}
			return a.Enter(ctx, Entry{Session: session(c, "late", "bob"), Version: u.Version})
		})
		if _, _, err := a.Session(ctx, hashOf("late")); fault.KindOf(err) != fault.NotFound {
			t.Fatalf("round %d: a session of the old password lives on: %v", round, err)
		}
	}
}

func TestEnter_refused(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	ok(t, a.SetDisabled(ctx, by("ann"), "bob", true))
	u, err := a.User(ctx, "bob")
	ok(t, err)
	wantKind(t, a.Enter(ctx, Entry{Session: session(c, "s", "bob"), Version: u.Version}), fault.Denied)
	wantKind(t, a.Enter(ctx, Entry{Session: session(c, "s", "ann"), Version: 77}), fault.Denied)
	if all, err := a.Sessions(ctx, ""); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestSetPassword_keepsTheOneThatAsks(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	enter(t, a, session(c, "mine", "bob"))
	enter(t, a, session(c, "stolen", "bob"))
	ok(t, a.SetPassword(ctx, by("bob"), "bob", "$argon2id$9", hashOf("mine")))
	all, err := a.Sessions(ctx, "bob")
	if err != nil || len(all) != 1 || all[0].Hash != hashOf("mine") {
		t.Errorf("%+v, %v", all, err)
	}
	// The stolen one is gone: what it asks for is not done, and not half of it either.
	wantKind(t, a.SetPassword(ctx, by("bob"), "bob", "$argon2id$evil", hashOf("stolen")), fault.Denied)
	wantKind(t, a.SetTOTP(ctx, by("bob"), "bob", NewSecret([]byte("12345678901234567890")), 1, hashOf("stolen")), fault.Denied)
	if u, err := a.User(ctx, "bob"); err != nil || u.Password != "$argon2id$9" || u.Strong {
		t.Errorf("%+v, %v", u, err)
	}
}

// Of two who change a password that both have seen, one does, and the other is told.
func TestSetPassword_atOnce(t *testing.T) {
	a, _ := people(t)
	done := atOnce(t, 6, []fault.Kind{fault.Conflict}, func(i int) error {
		return a.SetPassword(t.Context(), Request{Actor: "bob", Version: 1}, "bob", "$argon2id$"+strconv.Itoa(i), Hash{})
	})
	if done != 1 {
		t.Errorf("%d changed the same password", done)
	}
}

func TestRedeem_takesOffCodes(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	ok(t, a.SetTOTP(ctx, by("bob"), "bob", NewSecret([]byte("12345678901234567890")), 100, Hash{}))
	enter(t, a, session(c, "s", "bob"))
	ok(t, a.AddCode(ctx, by("ann"), Code{hashOf("c"), "bob", "viewer", c.now().Add(time.Hour)}))
	done := atOnce(t, 8, []fault.Kind{fault.NotFound}, func(i int) error {
		return a.Redeem(ctx, hashOf("c"), User{Name: "bob", Password: "$argon2id$" + strconv.Itoa(i)})
	})
	u, err := a.User(ctx, "bob")
	if done != 1 || err != nil || u.Strong {
		t.Errorf("%d used the code; %+v, %v", done, u, err)
	}
	if all, err := a.Sessions(ctx, "bob"); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// An account and its code are made together, or not at all.
func TestAddCode_makesTheAccount(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	done := atOnce(t, 6, nil, func(i int) error {
		return a.AddCode(ctx, by("ann"), Code{hashOf("c" + strconv.Itoa(i)), "nina", "analyst", c.now().Add(time.Hour)})
	})
	u, err := a.User(ctx, "nina")
	if done != 6 || err != nil || u.Role != "analyst" || u.Password != "" {
		t.Errorf("%d, %+v, %v", done, u, err)
	}
	rows, err := a.Audit(ctx, AuditFilter{Action: "person.create", Target: "person/nina"}, 100)
	if err != nil || len(rows) != 1 {
		t.Errorf("made %d times: %v", len(rows), err)
	}
	wantKind(t, a.AddCode(ctx, by("ann"), Code{hashOf("x"), "olga", "", c.now().Add(time.Hour)}), fault.Invalid)
	if _, err := a.User(ctx, "olga"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("half an invitation: %v", err)
	}
}

func TestIdentify(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	carol := Identity{"https://idp.example", "0a1b", "carol", "analyst"}
	done := atOnce(t, 6, nil, func(int) error {
		_, err := a.Identify(ctx, carol)
		return err
	})
	u, err := a.User(ctx, "carol")
	if done != 6 || err != nil || u.Role != "analyst" || u.Issuer != carol.Issuer || u.Password != "" {
		t.Fatalf("%d came in: %+v, %v", done, u, err)
	}
	enter(t, a, session(c, "s", "carol"))
	if again, err := a.Identify(ctx, Identity{carol.Issuer, carol.Subject, "renamed", "analyst"}); err != nil || again != func() User { u.SignedIn = c.now(); return u }() {
		t.Errorf("another name there makes another account here: %+v, %v", again, err)
	}
	if _, _, err := a.Session(ctx, hashOf("s")); err != nil {
		t.Errorf("coming again with the same role ended a session: %v", err)
	}
	demoted, err := a.Identify(ctx, Identity{carol.Issuer, carol.Subject, "carol", "viewer"})
	if err != nil || demoted.Role != "viewer" || demoted.Version != u.Version+1 {
		t.Errorf("%+v, %v", demoted, err)
	}
	if _, _, err := a.Session(ctx, hashOf("s")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a session outlived its role: %v", err)
	}
	// The name of a person here, and the subject of another issuer, are somebody else's.
	for _, i := range []Identity{{carol.Issuer, "ffff", "ann", "viewer"}, {"https://other.example", "0a1b", "ann", "viewer"}} {
		other, err := a.Identify(ctx, i)
		if err != nil || other.Name == "ann" || other.Name == "carol" || other.Issuer != i.Issuer {
			t.Errorf("%+v became %+v, %v", i, other, err)
		}
	}
	if u, err := a.User(ctx, "ann"); err != nil || u.Role != "administrator" || u.Issuer != "" {
		t.Errorf("an account was taken over: %+v, %v", u, err)
	}
	for what, err := range map[string]error{
		"a role":        a.SetRole(ctx, by("ann"), "carol", "administrator"),
		"a password":    a.SetPassword(ctx, by("ann"), "carol", "$argon2id$1", Hash{}),
		"codes":         a.SetTOTP(ctx, by("ann"), "carol", NewSecret([]byte("x")), 1, Hash{}),
		"an invitation": a.AddCode(ctx, by("ann"), Code{hashOf("c"), "carol", "viewer", c.now().Add(time.Hour)}),
	} {
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s from here: %v", what, err)
		}
	}
	ok(t, a.SetDisabled(ctx, by("ann"), "carol", true))
	_, err = a.Identify(ctx, carol)
	wantKind(t, err, fault.Denied)
	if u, err := a.User(ctx, "carol"); err != nil || !u.Disabled || u.Role != "viewer" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := a.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
}

func TestIdentify_notTheLastAdministrator(t *testing.T) {
	a, _ := people(t)
	ctx := t.Context()
	_, err := a.Identify(ctx, Identity{"https://idp.example", "1", "carol", "administrator"})
	ok(t, err)
	wantKind(t, a.SetDisabled(ctx, by("carol"), "ann", true), fault.Conflict)
	wantKind(t, a.SetRole(ctx, by("carol"), "ann", "viewer"), fault.Conflict)
}

func TestIdentify_notTheFirst(t *testing.T) {
	_, a, c := fresh(t)
	ctx := t.Context()
	_, err := a.Identify(ctx, Identity{"https://idp.example", "1", "carol", "administrator"})
	wantKind(t, err, fault.Denied)
	ok(t, a.AddCode(ctx, by("vedette"), Code{hashOf("c"), "", "administrator", c.now().Add(time.Hour)}))
}

func TestTurnAway(t *testing.T) {
	a, c := people(t)
	ctx := t.Context()
	i := Identity{"https://idp.example", "1", "carol", "viewer"}
	ok(t, a.TurnAway(ctx, i)) // a stranger
	_, err := a.Identify(ctx, i)
	ok(t, err)
	enter(t, a, session(c, "s", "carol"))
	ok(t, a.AddToken(ctx, by("carol"), Token{Hash: hashOf("t"), Owner: "carol", Purpose: "scripts", Created: c.now(), Expires: c.now().Add(time.Hour)}))
	ok(t, a.TurnAway(ctx, i))
	_, _, err = a.Session(ctx, hashOf("s"))
	wantKind(t, err, fault.NotFound)
	if k, _, err := a.Token(ctx, hashOf("t")); err != nil || !k.Revoked {
		t.Errorf("%+v, %v", k, err)
	}
	rows, err := a.Audit(ctx, AuditFilter{Action: "person.turn-away"}, 10)
	if err != nil || len(rows) != 2 || rows[0].Target != "person/carol" {
		t.Errorf("%+v, %v", rows, err)
	}
}
