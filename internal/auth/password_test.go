package auth

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"vedette/internal/fault"
)

var cheap = Cost{64, 1, 1}

func TestPassword(t *testing.T) {
	stored, err := HashPassword("correct", cheap, chance())
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%s, %v", stored, err)
	}
	again, err := HashPassword("correct", cheap, iotest.OneByteReader(chance()))
	if err != nil || again != stored {
		t.Errorf("from the same randomness: %s, %v", again, err)
	}
	f := strings.Split(stored, "$")
	for name, x := range map[string]struct {
		stored, password string
		ok, stale        bool
	}{
		"right":        {stored, "correct", true, false},
		"wrong":        {stored, "Correct", false, false},
		"empty":        {stored, "", false, false},
		"nobody":       {"", "correct", false, false},
		"nobody_empty": {"", "", false, false},
		"rubbish":      {"rubbish", "correct", false, false},
		"argon2i":      {strings.Replace(stored, "argon2id", "argon2i", 1), "correct", false, false},
		"version":      {strings.Replace(stored, "v=19", "v=16", 1), "correct", false, false},
		"too_costly":   {strings.Replace(stored, "m=64", "m=4000000", 1), "correct", false, false},
		"no_threads":   {strings.Replace(stored, "p=1", "p=0", 1), "correct", false, false},
		"spaces":       {strings.Replace(stored, "m=64,", "m=64, ", 1), "correct", false, false},
		"no_sum":       {strings.Join(f[:5], "$") + "$", "correct", false, false},
		"other_sum":    {strings.Join(f[:5], "$") + "$" + f[4], "correct", false, false},
		"long":         {stored, strings.Repeat("x", maxPassword+1), false, false},
	} {
		if ok, stale := VerifyPassword(x.stored, x.password, cheap); ok != x.ok || stale != x.stale {
			t.Errorf("%s: %v, %v", name, ok, stale)
		}
	}
	if ok, stale := VerifyPassword(stored, "correct", Cost{128, 1, 1}); !ok || !stale {
		t.Error("a password at an old cost is not to be replaced")
	}
	_, err = HashPassword("x", Cost{}, chance())
	wantKind(t, err, fault.Invalid)
	_, err = HashPassword(strings.Repeat("x", maxPassword+1), cheap, chance())
	wantKind(t, err, fault.Invalid)
	if _, err = HashPassword("x", cheap, strings.NewReader("short")); err == nil {
		t.Error("a salt was drawn from too little")
	}
	if (DefaultCost() != Cost{65536, 3, 2}) || !DefaultCost().valid() {
		t.Errorf("%+v", DefaultCost())
	}
}

// TestPassword_nobodyCostsAsMuch measures: who is not there must not answer sooner. That
// the parameters are the same is what matters; the time is only a check that work is done.
func TestPassword_nobodyCostsAsMuch(t *testing.T) {
	c := Cost{8 << 10, 1, 1}
	stored, err := HashPassword("correct", c, chance())
	if err != nil {
		t.Fatal(err)
	}
	least := func(stored string) time.Duration {
		best := time.Hour
		for range 7 {
			start := time.Now()
			VerifyPassword(stored, "wrong", c)
			best = min(best, time.Since(start))
		}
		return best
	}
	somebody, nobody := least(stored), least("")
	if nobody < somebody/2 || nobody > somebody*2 {
		t.Errorf("somebody takes %v, nobody %v", somebody, nobody)
	}
}

// TestPassword_asTheReference holds the parameters to those of argon2's own tool:
// echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32.
func TestPassword_asTheReference(t *testing.T) {
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, stale := VerifyPassword(stored, "password", DefaultCost()); !ok || !stale {
		t.Errorf("%v, %v", ok, stale)
	}
}

func TestCheckPassword(t *testing.T) {
	for _, bad := range []string{
		"", "short", "elevenchars", "\xff\xfe\xfdxxxxxxxxxxxx", strings.Repeat("long ", 300),
		"passwordpassword", "Password1234!", "P@ssw0rd1234", "p4$$w0rd2026!!", "passwordadmin", "AdminPassword1", "123password123",
		"aaaaaaaaaaaaaa", "abababababab", "abcabcabcabc", "123123123123", "xyzzyxyzzyxyzzy",
		"123456789012", "qwertyuiop12", "qwertyuiopas", "abcdefghijkl", "0987654321098", "asdfghjklqwerty", "1q2w3e4r5t6y", "1qaz2wsx3edc",
		"Summer2026!!!", "Hospital123456", "welcome-welcome", "letmein123456", "administrator", "vedette-vedette", "changeme!changeme",
		"gunther.schmidt", "Gunther.Schmidt1", "guntherschmidt2026", "st-elisabeth-2026", "11111111111a",
	} {
		if err := CheckPassword(bad, "gunther.schmidt@example.org", "st-elisabeth"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{
		"a sentence is easy to remember", "correct horse gallops past", "kettle-orbit-wistful", "Ypsilanti boat 7", "mein pferd mag karotten",
		"xK9$mQ2vLp7!wR4z", "monkey sunshine over the lake", "пароль для работы", "summer in the hospital garden", "tr0ubador&three kings",
	} {
		if err := CheckPassword(good, "gunther.schmidt@example.org", "st-elisabeth"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// TestTOTP_vectors are those of RFC 6238, appendix B.
func TestTOTP_vectors(t *testing.T) {
	seed := func(n int) []byte { return []byte(strings.Repeat("1234567890", 7)[:n]) }
	for _, x := range []struct {
		at                   int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for _, y := range []struct {
			h    func() hash.Hash
			size int
			want string
		}{{sha1.New, 20, x.sha1}, {sha256.New, 32, x.sha256}, {sha512.New, 64, x.sha512}} {
			if got := totp(y.h, seed(y.size), x.at/totpPeriod, 8); got != y.want {
				t.Errorf("at %d: %s, want %s", x.at, got, y.want)
			}
		}
		step, ok := VerifyTOTP(seed(20), x.sha1[2:], time.Unix(x.at, 0), -1)
		if !ok || step != x.at/totpPeriod {
			t.Errorf("at %d: step %d, %v", x.at, step, ok)
		}
	}
}

func TestVerifyTOTP(t *testing.T) {
	secret, err := NewTOTP(chance())
	if err != nil || len(secret) != 20 {
		t.Fatal(err)
	}
	at := noon.Unix() / totpPeriod
	code := func(step int64) string { return totp(sha1.New, secret, step, totpDigits) }
	for name, x := range map[string]struct {
		typed string
		last  int64
		step  int64
		ok    bool
	}{
		"now":           {code(at), 0, at, true},
		"just_before":   {code(at - 1), 0, at - 1, true},
		"just_after":    {code(at + 1), 0, at + 1, true},
		"too_old":       {code(at - 2), 0, 0, false},
		"too_early":     {code(at + 2), 0, 0, false},
		"used":          {code(at), at, 0, false},
		"before_used":   {code(at - 1), at, 0, false},
		"next_one":      {code(at + 1), at, at + 1, true},
		"spaces":        {code(at)[:3] + " " + code(at)[3:], 0, at, true},
		"empty":         {"", 0, 0, false},
		"cut":           {code(at)[:5], 0, 0, false},
		"more":          {code(at) + "0", 0, 0, false},
		"other_letters": {"......", 0, 0, false},
	} {
		if step, ok := VerifyTOTP(secret, x.typed, noon, x.last); ok != x.ok || ok && step != x.step {
			t.Errorf("%s: %d, %v", name, step, ok)
		}
	}
	if _, ok := VerifyTOTP(nil, totp(sha1.New, nil, at, totpDigits), noon, 0); ok {
		t.Error("who has no secret was let in")
	}
	u, err := url.Parse(TOTPAddress(secret, "Vedette St Elisabeth", "ann@example.org"))
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Vedette St Elisabeth:ann@example.org" ||
		u.Query().Get("secret") != TOTPText(secret) || u.Query().Get("issuer") != "Vedette St Elisabeth" || strings.Contains(u.RawQuery, "+") {
		t.Errorf("%v, %v", u, err)
	}
	if _, err := NewTOTP(strings.NewReader("")); err == nil {
		t.Error("a secret was drawn from nothing")
	}
}

func BenchmarkVerifyPassword(b *testing.B) {
	for b.Loop() {
		VerifyPassword("", "correct horse", DefaultCost())
	}
}
