package auth

import (
	"fmt"
	"io"
	"strings"
	"time"

	"vedette/internal/fault"
)

// Code is what is stored of a one-time code: the one that is printed when an
// installation starts for the first time, which makes the first administrator, and those
// by which people get a first or a new password.
type Code struct {
	Hash    Hash
	For     string // the person; empty for the first administrator, who chooses a name
	Role    Role   // of a person who is new
	Expires time.Time
	Used    bool
}

// crockford has no letters that are taken for each other.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	codeLetters = 20 // 100 bits
	codeGroup   = 5
)

// CodeLasts is how long a one-time code can be used.
const CodeLasts = 24 * time.Hour

// NewCode returns a code for a person, or for the first administrator if there is no
// name, and what the person will type: four groups of five letters.
func NewCode(random io.Reader, person string, role Role, now time.Time) (shown string, c Code, err error) {
	if person == "" && role != Administrator {
		return "", c, fault.New(fault.Invalid, "a code without a name is for the first administrator")
	}
	var b [codeLetters]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", c, fmt.Errorf("drawing a code: %w", err)
	}
	for i := range b {
		b[i] = crockford[b[i]%32] // 256 is a multiple of 32, so all are as likely
	}
	var groups []string
	for i := 0; i < codeLetters; i += codeGroup {
		groups = append(groups, string(b[i:i+codeGroup]))
	}
	return strings.Join(groups, "-"), Code{HashOf(string(b[:])), person, role, now.Add(CodeLasts), false}, nil
}

// ReadCode returns the hash to look a code up by. Small letters, spaces, and letters that
// look like others do no harm.
func ReadCode(typed string) Hash {
	return HashOf(strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(typed))))
}

// Check returns an error unless what was typed is this code and it can still be used.
func (c Code) Check(typed string, now time.Time) error {
	if !ReadCode(typed).same(c.Hash) || c.Used || !now.Before(c.Expires) {
		return fault.New(fault.Denied, "this code is not valid, or no longer; ask for a new one")
	}
	return nil
}
