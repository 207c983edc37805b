package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"vedette/internal/fault"
)

// Cost is how much work a password is to those who guess: the parameters of argon2id.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost returns what new passwords cost: 64 MiB, 3 passes, 2 threads. It is more
// than RFC 9106 asks of the constrained, and fits machines with little memory as long as
// the caller lets only a few people sign in at the same moment.
func DefaultCost() Cost { return Cost{64 << 10, 3, 2} }

// Limits of what is computed, whatever stands in the store.
const (
	maxMemory   = 1 << 20 // KiB
	maxPasses   = 64
	maxThreads  = 16
	maxPassword = 1024 // bytes
	minPassword = 12   // letters
	saltSize    = 16
	keySize     = 32
)

func (c Cost) valid() bool {
	return c.Passes >= 1 && c.Passes <= maxPasses && c.Threads >= 1 && c.Threads <= maxThreads &&
		c.Memory >= 8*uint32(c.Threads) && c.Memory <= maxMemory
}

// HashPassword returns what is stored of a password: a PHC string with the parameters, a
// new salt and the key. It does not judge the password; see [CheckPassword].
func HashPassword(password string, c Cost, random io.Reader) (string, error) {
	if !c.valid() || len(password) > maxPassword {
		return "", fault.New(fault.Invalid, "hashing a password: the parameters, or the password, are out of bounds")
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("drawing a salt: %w", err)
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(c.key(password, salt, keySize))), nil
}

func (c Cost) key(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Threads, uint32(size))
}

// VerifyPassword reports whether the password is the stored one, and whether what is
// stored should be replaced by [HashPassword] at today's cost.
//
// If nothing is stored, because there is no such person, or nothing that can be read, it
// does the same work at today's cost and says no, so that the time tells nothing.
func VerifyPassword(stored, password string, today Cost) (ok, stale bool) {
	p, readable := parsePHC(stored)
	if len(password) > maxPassword {
		password, readable = "", false
	}
	if !readable {
		if !today.valid() {
			today = DefaultCost()
		}
		p = phc{today, make([]byte, saltSize), make([]byte, keySize)}
	}
	same := subtle.ConstantTimeCompare(p.key(password, p.salt, len(p.sum)), p.sum) == 1
	if !same || !readable {
		return false, false
	}
	return true, p.Cost != today || len(p.salt) != saltSize || len(p.sum) != keySize
}

// phc is what a PHC string says.
type phc struct {
	Cost
	salt, sum []byte
}

func parsePHC(s string) (p phc, ok bool) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return p, false
	}
	n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads)
	if err != nil || n != 3 || !p.valid() || f[3] != fmt.Sprintf("m=%d,t=%d,p=%d", p.Memory, p.Passes, p.Threads) {
		return p, false
	}
	b64 := base64.RawStdEncoding.Strict()
	var errSalt, errSum error
	p.salt, errSalt = b64.DecodeString(f[4])
	p.sum, errSum = b64.DecodeString(f[5])
	return p, errSalt == nil && errSum == nil && len(p.salt) >= 8 && len(p.salt) <= 64 && len(p.sum) >= 16 && len(p.sum) <= 64
}

// CheckPassword returns an error, which says what to do, for a password that is guessed
// early: a short one, a common one, or one made of what everybody knows about the
// person: the name, and other words given. It asks for no particular signs.
func CheckPassword(password, name string, known ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return fault.New(fault.Invalid, "the password holds bytes that are no letters")
	case n < minPassword:
		return fault.New(fault.Invalid, fmt.Sprintf("the password has %d letters; it takes %d. A sentence is easy to remember", n, minPassword))
	case len(password) > maxPassword:
		return fault.New(fault.Invalid, fmt.Sprintf("the password is longer than %d bytes", maxPassword))
	}
	local, _, _ := strings.Cut(name, "@")
	if guessable(password, append([]string{name, local}, known...)) {
		return fault.New(fault.Invalid, "this password would be among the first to be guessed: it is a common one, follows the keyboard, repeats itself, or is the name. A sentence is easy to remember")
	}
	return nil
}
