package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"time"
)

// Cookie is the name of the cookie that carries a session. Browsers keep a cookie of
// such a name only if it is for one host, for all paths, and over TLS. A session is
// shown in no other way, least of all in an address.
const Cookie = "__Host-vedette"

// Session is what is stored of a session.
type Session struct {
	Hash    Hash
	Person  string
	Created time.Time
	Seen    time.Time // of the last request; the caller keeps it up to date
	Strong  bool      // a one-time code was shown, too
}

// Lasting is how long a session lasts.
type Lasting struct {
	Idle  time.Duration // without a request
	Whole time.Duration // at most
}

// DefaultLasting returns half an hour without a request, twelve hours at most: a shift.
func DefaultLasting() Lasting { return Lasting{30 * time.Minute, 12 * time.Hour} }

// NewSession returns a session for somebody who has just proved who they are, and its
// secret, which belongs in the cookie. Whoever signs in again, or gets another role, gets
// a new session.
func NewSession(random io.Reader, person string, strong bool, now time.Time) (shown string, s Session, err error) {
	if shown, err = draw(random); err != nil {
		return "", s, err
	}
	return shown, Session{HashOf(shown), person, now, now, strong}, nil
}

// ReadSession returns the hash to look a session up by, if what was shown has the form
// of one.
func ReadSession(shown string) (Hash, bool) { return HashOf(shown), wellFormed(shown) }

// Alive reports whether the session has not yet ended by itself.
func (s Session) Alive(now time.Time, l Lasting) bool {
	const skew = 5 * time.Minute // a clock may be set back a little
	return now.Sub(s.Seen) < l.Idle && now.Sub(s.Created) < l.Whole && s.Created.Sub(now) <= skew && s.Seen.Sub(now) <= skew
}

// Admit returns who asks, if what was shown is this session and it is alive. The account
// is as stored now.
func (s Session) Admit(shown string, a Account, now time.Time, l Lasting) (Principal, error) {
	h, ok := ReadSession(shown)
	switch {
	case !ok || !h.same(s.Hash) || s.Person == "" || s.Person != a.Name || a.Disabled:
		return Principal{}, errStranger
	case !s.Alive(now, l):
		return Principal{}, errExpired
	}
	return Principal{tenant: a.Tenant, name: a.Name, role: a.Role, may: a.Role.Permissions(), session: s.Hash}, nil
}

// FormToken returns what a form of a session must bring back, so that another site
// cannot send it: an HMAC of the session. The key is the installation's.
func FormToken(key []byte, session Hash) string {
	return base64.RawURLEncoding.EncodeToString(formMAC(key, session))
}

func formMAC(key []byte, session Hash) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("vedette form 1"))
	mac.Write(session[:])
	return mac.Sum(nil)
}

// CheckForm reports whether a form brought back what FormToken gave it.
func CheckForm(key []byte, session Hash, back string) bool {
	got, err := base64.RawURLEncoding.DecodeString(back)
	return err == nil && session != Hash{} && hmac.Equal(got, formMAC(key, session))
}
