package auth

import (
	"fmt"
	"io"
	"strings"
	"time"

	"vedette/internal/fault"
)

// TokenPrefix is how every token begins, so that it can be found where it should not be.
const TokenPrefix = "vdt_"

// maxTokenLife is how long a token can be valid.
const maxTokenLife = 366 * 24 * time.Hour

// Token is what is stored of a token: what a program shows instead of a password.
type Token struct {
	Hash    Hash
	Name    string // what it is for
	Owner   string // for whom it acts; with the owner it loses what it may do
	Scopes  Permissions
	Created time.Time
	Expires time.Time
	Revoked bool
}

// NewToken returns a new token for what the owner may do, and its secret, which is shown
// once. Approving, and managing people and settings, is not for tokens.
func NewToken(random io.Reader, owner Account, name string, scopes Permissions, now, expires time.Time) (shown string, t Token, err error) {
	switch most := owner.Role.Permissions(); {
	case strings.TrimSpace(name) == "":
		return "", t, fault.New(fault.Invalid, "say what the token is for")
	case scopes == 0:
		return "", t, fault.New(fault.Invalid, "a token needs at least one permission")
	case !scopes.Within(most):
		return "", t, fault.Wrap(fault.Denied, fmt.Errorf("as %s you may not give away %s", owner.Role, scopes&^most))
	case !scopes.Within(ForTokens()):
		return "", t, fault.Wrap(fault.Denied, fmt.Errorf("only people can have %s", scopes&^ForTokens()))
	case !expires.After(now) || expires.Sub(now) > maxTokenLife:
		return "", t, fault.New(fault.Invalid, "a token expires within a year")
	}
	if shown, err = draw(random); err != nil {
		return "", t, err
	}
	shown = TokenPrefix + shown
	return shown, Token{Hash: HashOf(shown), Name: name, Owner: owner.Name, Scopes: scopes, Created: now, Expires: expires}, nil
}

// ReadToken returns the hash to look a token up by, if what was shown has the form of one.
func ReadToken(shown string) (Hash, bool) {
	ok := strings.HasPrefix(shown, TokenPrefix) && wellFormed(shown[len(TokenPrefix):])
	return HashOf(shown), ok
}

// wellFormed reports whether s could be what draw returned.
func wellFormed(s string) bool {
	return len(s) == (secretSize*8+5)/6 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// Admit returns who asks, if what was shown is this token and it is good at the time.
// The owner is as stored now: what a person lost since, the token has lost too.
func (t Token) Admit(shown string, owner Account, now time.Time) (Principal, error) {
	h, ok := ReadToken(shown)
	switch {
	case !ok || !h.same(t.Hash) || t.Owner == "" || owner.Name != t.Owner:
		return Principal{}, errToken
	case t.Revoked || owner.Disabled || !now.Before(t.Expires):
		return Principal{}, errToken
	}
	return Principal{
		tenant: owner.Tenant, name: owner.Name, role: owner.Role,
		may: t.Scopes & owner.Role.Permissions() & ForTokens(),
	}, nil
}
