package auth

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/url"
	"strings"
	"time"
)

// The one-time codes of RFC 6238 as every authenticator knows them: SHA-1, 6 digits, 30
// seconds. SHA-1 is safe here, since nothing rests on collisions.
const (
	totpSecret = 20 // bytes
	totpDigits = 6
	totpPeriod = 30 // seconds
	totpWindow = 1  // steps that a clock may be off, either way
)

// NewTOTP returns a new secret for one-time codes.
func NewTOTP(random io.Reader) ([]byte, error) {
	secret := make([]byte, totpSecret)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("drawing a secret for one-time codes: %w", err)
	}
	return secret, nil
}

// TOTPText returns the secret as people type it into an authenticator.
func TOTPText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPAddress returns what a QR code for authenticators holds. It is a secret.
func TOTPAddress(secret []byte, issuer, name string) string {
	v := url.Values{
		"secret": {TOTPText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"},
		"digits": {fmt.Sprint(totpDigits)}, "period": {fmt.Sprint(totpPeriod)},
	}
	query := strings.ReplaceAll(v.Encode(), "+", "%20") // authenticators do not know the plus
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(name) + "?" + query
}

// VerifyTOTP reports whether the code is right at the time, one step to either side
// allowed, and of a later step than the last one that was used. The caller keeps the
// step that is returned, in the same transaction as it lets the person in: so a code
// that was overseen or intercepted is worth nothing.
func VerifyTOTP(secret []byte, typed string, now time.Time, last int64) (step int64, ok bool) {
	typed = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, typed)
	at := now.Unix() / totpPeriod
	for s := at - totpWindow; s <= at+totpWindow; s++ { // all, so that the time tells nothing
		right := subtle.ConstantTimeCompare([]byte(totp(sha1.New, secret, s, totpDigits)), []byte(typed)) == 1
		if right && s > last && len(secret) > 0 && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// totp returns the code of a step, as RFC 4226 section 5.3 says.
func totp(h func() hash.Hash, secret []byte, step int64, digits int) string {
	mac := hmac.New(h, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & (1<<31 - 1)
	bound := uint32(1)
	for range digits {
		bound *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%bound)
}
