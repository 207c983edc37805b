package auth

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"vedette/internal/fault"
)

// chance is randomness for tests: the same each time.
func chance() io.Reader { return rand.NewChaCha8([32]byte{1}) }

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ann  = Account{Tenant: "acme", Name: "ann", Role: Administrator}
)

func wantKind(t *testing.T, err error, k fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != k {
		t.Errorf("got %v (kind %d), want kind %d", err, fault.KindOf(err), k)
	}
}

// TestTable prints who may do what, and holds it still.
func TestTable(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s", "")
	for _, r := range Roles() {
		fmt.Fprintf(&b, "%-14s", r)
	}
	b.WriteString("token\n")
	for p := range permissions {
		fmt.Fprintf(&b, "%-18s", p)
		for _, r := range Roles() {
			fmt.Fprintf(&b, "%-14s", mark(r.Permissions().Has(p)))
		}
		b.WriteString(mark(ForTokens().Has(p)) + "\n")
	}
	t.Log("\n" + b.String())
	const want = `
                  viewer        analyst       responder     clinical      administrator auditor       token
incidents.read    yes           yes           yes           yes           yes           yes           yes
events.read       -             yes           yes           yes           yes           yes           yes
notes.write       -             yes           yes           yes           yes           -             yes
incidents.judge   -             yes           yes           yes           yes           -             yes
exceptions.write  -             yes           yes           -             yes           -             yes
export            -             yes           yes           -             yes           yes           yes
actions.propose   -             yes           yes           yes           yes           -             yes
actions.approve   -             -             yes           -             yes           -             -
clinical.approve  -             -             -             yes           -             -             -
actions.undo      -             -             yes           yes           yes           -             -
captures.read     -             -             yes           -             -             -             -
exercises.run     -             -             yes           -             yes           -             yes
levels.grant      -             -             -             -             yes           -             -
sources.manage    -             -             -             -             yes           -             yes
settings.manage   -             -             -             -             yes           -             -
people.manage     -             -             -             -             yes           -             -
backups.make      -             -             -             -             yes           -             yes
audit.read        -             -             -             -             yes           yes           yes
`
	if got := "\n" + b.String(); got != want {
		t.Errorf("the table is now%s", got)
	}
}

func mark(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func TestTable_rows(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range table() {
		if int(r.permission) != i || r.name == "" || r.says == "" || seen[r.name] {
			t.Errorf("row %d is %+v", i, r)
		}
		seen[r.name] = true
		if got, err := ParsePermissions(r.name); err != nil || got != SetOf(r.permission) {
			t.Errorf("%s became %v, %v", r.name, got, err)
		}
	}
	for _, r := range Roles() {
		if got, err := ParseRole(string(r)); err != nil || got != r {
			t.Errorf("%s became %s, %v", r, got, err)
		}
		if got, err := ParsePermissions(r.Permissions().Names()...); err != nil || got != r.Permissions() {
			t.Errorf("%s: %v, %v", r, got, err)
		}
	}
	if Role("god").Permissions() != 0 || permissions.String() != "nothing" || SetOf(200) != 0 || Permissions(1<<63).Has(63) {
		t.Error("what is unknown may something")
	}
	_, err := ParseRole("god")
	wantKind(t, err, fault.Invalid)
	_, err = ParsePermissions("incidents.read", "everything")
	wantKind(t, err, fault.Invalid)
	if Auditor.Permissions()&^SetOf(ReadIncidents, ReadEvents, ReadAudit, Export) != 0 {
		t.Error("the auditor changes something")
	}
}

func TestName(t *testing.T) {
	for typed, want := range map[string]string{
		"ann": "ann", " Ann.B@Example.org ": "ann.b@example.org", "a": "", "": "", "ann b": "", "änn": "", "a/b": "", strings.Repeat("x", 65): "", "ann\x00": "",
	} {
		got, err := Name(typed)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q became %q, %v", typed, got, err)
		}
	}
}

func TestWhence(t *testing.T) {
	for address, want := range map[string]string{
		"198.51.100.7": "198.51.100.7", "::ffff:198.51.100.7": "198.51.100.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Whence(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s counts under %s, want %s", address, got, want)
		}
	}
}

func TestSession(t *testing.T) {
	shown, s, err := NewSession(chance(), "ann", true, noon)
	if err != nil {
		t.Fatal(err)
	}
	l := DefaultLasting()
	if h, ok := ReadSession(shown); !ok || h != s.Hash {
		t.Errorf("%q cannot be looked up", shown)
	}
	p, err := s.Admit(shown, ann, noon.Add(29*time.Minute), l)
	if err != nil || p.Name() != "ann" || p.Tenant() != "acme" || p.Role() != Administrator || !p.May(ManagePeople) || p.Session() != s.Hash {
		t.Errorf("%+v, %v", p, err)
	}
	used := s
	used.Seen = noon.Add(11*time.Hour + 50*time.Minute)
	other, _, err := NewSession(chance(), "ann", true, noon)
	if err != nil {
		t.Fatal(err)
	}
	other = "x" + other[1:]
	future := s
	future.Created, future.Seen = noon.Add(time.Hour), noon.Add(time.Hour)
	for name, x := range map[string]struct {
		s     Session
		shown string
		a     Account
		now   time.Time
	}{
		"idle":        {s, shown, ann, noon.Add(30 * time.Minute)},
		"too_long":    {used, shown, ann, noon.Add(12 * time.Hour)},
		"another":     {s, other, ann, noon},
		"nothing":     {s, "", ann, noon},
		"the_hash":    {s, fmt.Sprintf("%x", s.Hash), ann, noon},
		"disabled":    {s, shown, Account{"acme", "ann", Administrator, true}, noon},
		"of_others":   {s, shown, Account{"acme", "bob", Administrator, false}, noon},
		"zero":        {Session{}, shown, Account{}, noon},
		"from_future": {future, shown, ann, noon},
	} {
		p, err := x.s.Admit(x.shown, x.a, x.now, l)
		if fault.KindOf(err) != fault.Denied || p != (Principal{}) || p.May(ReadIncidents) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, _, err := NewSession(iotest.ErrReader(io.ErrUnexpectedEOF), "ann", true, noon); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestForm(t *testing.T) {
	key, a, b := []byte("key"), HashOf("a"), HashOf("b")
	back := FormToken(key, a)
	for name, x := range map[string]struct {
		key  []byte
		s    Hash
		back string
		want bool
	}{
		"right": {key, a, back, true}, "other_session": {key, b, back, false}, "other_key": {[]byte("x"), a, back, false},
		"empty": {key, a, "", false}, "cut": {key, a, back[:20], false}, "no_session": {key, Hash{}, FormToken(key, Hash{}), false},
	} {
		if got := CheckForm(x.key, x.s, x.back); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestToken(t *testing.T) {
	bob := Account{Tenant: "acme", Name: "bob", Role: Analyst}
	scopes := SetOf(ReadIncidents, JudgeIncidents)
	shown, k, err := NewToken(chance(), bob, "nightly export", scopes, noon, noon.Add(time.Hour))
	if err != nil || !strings.HasPrefix(shown, "vdt_") || len(shown) != 47 {
		t.Fatalf("%q, %v", shown, err)
	}
	p, err := k.Admit(shown, bob, noon)
	if err != nil || !p.May(JudgeIncidents) || p.May(Export) || p.Session() != (Hash{}) {
		t.Errorf("%+v, %v", p, err)
	}
	wantKind(t, p.Require(Export), fault.Denied)
	bob.Role = Viewer // what the owner lost, the token has lost
	if p, err = k.Admit(shown, bob, noon); err != nil || p.May(JudgeIncidents) || !p.May(ReadIncidents) {
		t.Errorf("%+v, %v", p, err)
	}
	revoked, disabled := k, bob
	revoked.Revoked, disabled.Disabled = true, true
	for name, x := range map[string]struct {
		k     Token
		shown string
		owner Account
		now   time.Time
	}{
		"expired": {k, shown, bob, noon.Add(time.Hour)}, "revoked": {revoked, shown, bob, noon}, "disabled": {k, shown, disabled, noon},
		"other_owner": {k, shown, ann, noon}, "cut": {k, shown[:46], bob, noon}, "other": {k, shown[:46] + "_", bob, noon}, "no_prefix": {k, shown[4:], bob, noon},
		"zero": {Token{}, "", Account{}, noon},
	} {
		if p, err := x.k.Admit(x.shown, x.owner, x.now); fault.KindOf(err) != fault.Denied || p != (Principal{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for name, x := range map[string]struct {
		a       Account
		name    string
		scopes  Permissions
		expires time.Time
		want    fault.Kind
	}{
		"no_name": {ann, " ", scopes, noon.Add(1), fault.Invalid}, "no_scope": {ann, "x", 0, noon.Add(1), fault.Invalid},
		"more_than_owner": {bob, "x", scopes, noon.Add(1), fault.Denied}, "approving": {ann, "x", SetOf(ApproveActions), noon.Add(1), fault.Denied},
		"forever": {ann, "x", scopes, noon.AddDate(2, 0, 0), fault.Invalid}, "past": {ann, "x", scopes, noon, fault.Invalid},
	} {
		_, _, err := NewToken(chance(), x.a, x.name, x.scopes, noon, x.expires)
		if fault.KindOf(err) != x.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCode(t *testing.T) {
	shown, c, err := NewCode(chance(), "", Administrator, noon)
	if err != nil || len(shown) != 23 || strings.Count(shown, "-") != 3 {
		t.Fatalf("%q, %v", shown, err)
	}
	for _, typed := range []string{shown, strings.ToLower(shown), " " + strings.ReplaceAll(shown, "-", " ") + "\n", strings.NewReplacer("0", "o", "1", "l").Replace(shown)} {
		if err := c.Check(typed, noon.Add(CodeLasts-1)); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	used := c
	used.Used = true
	wantKind(t, used.Check(shown, noon), fault.Denied)
	wantKind(t, c.Check(shown, noon.Add(CodeLasts)), fault.Denied)
	wantKind(t, c.Check("", noon), fault.Denied)
	wantKind(t, c.Check(shown[:22], noon), fault.Denied)
	_, _, err = NewCode(chance(), "", Viewer, noon)
	wantKind(t, err, fault.Invalid)
}

func TestApprove(t *testing.T) {
	what, other := Digest(HashOf("isolate ws-1")), Digest(HashOf("isolate ws-2"))
	session := func(r Role) Principal {
		a := Account{Tenant: "acme", Name: "x", Role: r}
		shown, s, err := NewSession(chance(), "x", false, noon)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Admit(shown, a, noon, DefaultLasting())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, r := range Roles() {
		for _, clinical := range []bool{false, true} {
			a, err := session(r).Approve(what, clinical, noon)
			may := r == Clinical && clinical || (r == Responder || r == Administrator) && !clinical
			if (err == nil) != may || a.Covers("acme", what, clinical, noon) != may {
				t.Errorf("%s, clinical %v: %+v, %v", r, clinical, a, err)
			}
		}
	}
	a, err := session(Responder).Approve(what, false, noon)
	if err != nil || a.Person() != "x" || a.Tenant() != "acme" || !a.Until().Equal(noon.Add(time.Hour)) {
		t.Fatalf("%+v, %v", a, err)
	}
	for name, covered := range map[string]bool{
		"other":    a.Covers("acme", other, false, noon),
		"tenant":   a.Covers("other", what, false, noon),
		"clinical": a.Covers("acme", what, true, noon),
		"late":     a.Covers("acme", what, false, noon.Add(time.Hour)),
		"early":    a.Covers("acme", what, false, noon.Add(-1)),
		"zero":     Approval{}.Covers("", Digest{}, false, time.Time{}),
	} {
		if covered {
			t.Errorf("%s is covered", name)
		}
	}
	_, err = session(Responder).Approve(Digest{}, false, noon)
	wantKind(t, err, fault.Denied)
	_, err = Principal{}.Approve(what, false, noon)
	wantKind(t, err, fault.Denied)
	token := session(Responder) // as if it had come with a token
	token.session = Hash{}
	_, err = token.Approve(what, false, noon)
	wantKind(t, err, fault.Denied)
}

func TestThrottle(t *testing.T) {
	a := ForAccount()
	var x Attempts
	var delays []time.Duration
	now := noon
	for range 16 {
		x = a.Fail(x, now)
		wait := a.Wait(x, now)
		delays = append(delays, wait)
		now = now.Add(wait)
	}
	want := "[0s 0s 0s 0s 0s 1s 2s 4s 8s 16s 32s 1m0s 1m0s 1m0s 1m0s 1m0s]"
	if got := fmt.Sprint(delays); got != want {
		t.Errorf("the delays are %s", got)
	}
	if w := a.Wait(x, now.Add(24*time.Hour)); w != 0 {
		t.Errorf("after a day %v", w)
	}
	if y := a.Fail(x, now.Add(45*time.Minute)); y.Failed != 16>>3+1 {
		t.Errorf("after three quiet quarters %d failures count", y.Failed)
	}
	if y := a.Undo(x, true); y != (Attempts{}) {
		t.Errorf("success left %+v", y)
	}
	if y := ForAddress().Undo(Attempts{30, noon}, false); y.Failed != 29 {
		t.Errorf("success cleared an address: %+v", y)
	}
	many := Attempts{1000, noon}
	if Wait(many, Attempts{}, false, noon) != time.Minute || Wait(many, Attempts{}, true, noon) != 0 || Wait(Attempts{}, many, true, noon) != 15*time.Minute {
		t.Error("an account is guarded at a known address, or an address is not")
	}
}

// TestThrottle_neverLocksOut is the promise: whatever happened, and whatever the clock
// did, the wait is bounded, and waiting it out is enough.
func TestThrottle_neverLocksOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		th := rapid.SampledFrom([]Throttle{ForAccount(), ForAddress()}).Draw(r, "throttle")
		x, now := Attempts{}, noon
		for range rapid.IntRange(0, 60).Draw(r, "attempts") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(2*time.Hour)).Draw(r, "pass")))
			if th.Wait(x, now) == 0 {
				x = th.Fail(x, now)
			}
			w := th.Wait(x, now)
			if w < 0 || w > th.Most {
				r.Fatalf("%+v waits %v", x, w)
			}
			if later := max(now.Add(w).UnixNano(), x.Last.Add(w).UnixNano()); th.Wait(x, time.Unix(0, later)) != 0 {
				r.Fatalf("%+v: waiting %v is not enough", x, w)
			}
		}
		if n := rapid.Int().Draw(r, "failed"); th.Wait(Attempts{n, now}, now) > th.Most {
			r.Fatalf("%d failures wait longer", n)
		}
	})
}
