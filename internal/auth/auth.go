// Package auth knows who people are and what they may do, and is the only maker of
// approvals.
//
// It holds the rules and nothing else: it keeps no state, reads no clock and has no
// randomness of its own. What is stored comes in as a value; the time and the source of
// randomness, which must be fit for secrets, are handed in.
//
// Of every secret that somebody shows (a session, a token, a set-up code) only the
// [Hash] is stored. Passwords are stored as argon2id.
//
// A [Principal] is proof that somebody showed what is theirs. Only [Session.Admit] and
// [Token.Admit] make one.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"vedette/internal/fault"
	"vedette/internal/knock"
)

// Hash is the SHA-256 of a secret of 100 bits or more: what is stored instead of it.
// Such a secret cannot be guessed, so the hash needs no salt and no slowness.
type Hash [sha256.Size]byte

// HashOf returns the hash of a secret as it was shown.
func HashOf(shown string) Hash { return sha256.Sum256([]byte(shown)) }

// same compares in a time that does not depend on where they differ.
func (h Hash) same(o Hash) bool { return subtle.ConstantTimeCompare(h[:], o[:]) == 1 }

// secretSize is 256 bits.
const secretSize = 32

// draw returns a new secret in letters that need no escaping anywhere.
func draw(random io.Reader) (string, error) {
	var b [secretSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("drawing a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Account is what is stored about a person, as far as it matters here.
type Account struct {
	Tenant   string
	Name     string
	Role     Role
	Disabled bool
}

// Errors that end a request. Their messages tell a stranger nothing.
var (
	errStranger = fault.New(fault.Denied, "please sign in")
	errExpired  = fault.New(fault.Denied, "signed out after a while without use; please sign in again")
	errToken    = fault.New(fault.Denied, "this token is not valid")
)

// Principal is who asks, proven. The zero Principal is nobody and may nothing.
type Principal struct {
	tenant, name string
	role         Role
	may          Permissions
	session      Hash // zero if it came with a token
}

// Tenant returns whose data the principal is confined to.
func (p Principal) Tenant() string { return p.tenant }

// Name returns the name of the person.
func (p Principal) Name() string { return p.name }

// Role returns the role of the person.
func (p Principal) Role() Role { return p.role }

// Session returns the hash of the session, which is zero for who came with a token.
func (p Principal) Session() Hash { return p.session }

// May reports whether the principal has a permission.
func (p Principal) May(what Permission) bool { return p.name != "" && p.may.Has(what) }

// Require returns an error of kind Denied, which says what is missing, unless the
// principal has the permission.
func (p Principal) Require(what Permission) error {
	switch {
	case p.name == "":
		return errStranger
	case p.May(what):
		return nil
	case p.role.Permissions().Has(what):
		return fault.New(fault.Denied, "this token does not reach so far: it would take "+what.String())
	}
	return fault.Wrap(fault.Denied, fmt.Errorf("as %s you may not %s", p.role, what.Says()))
}

// Name returns the form in which the name of a person is stored: in lower case. An error
// says what cannot stand in a name.
func Name(typed string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(typed))
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._-@", r)
	})
	if bad || len(name) < 2 || len(name) > 64 {
		return "", fault.New(fault.Invalid, "a name has 2 to 64 letters from a to z, digits, and the signs . _ - @")
	}
	return name, nil
}

// Whence returns what attempts from an address are counted under, by [knock.Whence].
func Whence(a netip.Addr) string {
	if p := knock.Whence(a); !p.IsSingleIP() && p.IsValid() {
		return p.String()
	}
	return a.Unmap().String()
}
