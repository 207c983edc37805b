package desk

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"vedette/internal/auth"
	"vedette/internal/fault"
)

// What people do about their own account and, with the permission, about those of others.

// ReadCode returns a one-time code that can still be used. Attempts are counted as those to
// sign in are.
func (d *Door) ReadCode(ctx context.Context, typed string, v Visitor) (auth.Code, error) {
	d.begin()
	undo, err := d.attempt(ctx, "", auth.Whence(v.Address))
	if err != nil {
		return auth.Code{}, err
	}
	c, err := d.Codes.Code(ctx, d.Tenant, auth.ReadCode(typed))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return auth.Code{}, fmt.Errorf("reading a code: %w", err)
	}
	if err := c.Check(typed, d.Now()); err != nil {
		return auth.Code{}, err
	}
	return c, undo()
}

// Redeem sets a password with a one-time code, and makes the account if it is new. The name
// counts only if the code is for the first administrator.
func (d *Door) Redeem(ctx context.Context, typed, name, password string, v Visitor) (person string, err error) {
	c, err := d.ReadCode(ctx, typed, v)
	if err != nil {
		return "", err
	}
	if person = c.For; person == "" {
		if person, err = auth.Name(name); err != nil {
			return "", err
		}
	}
	phc, err := d.hash(ctx, person, password)
	if err != nil {
		return "", err
	}
	if err := d.Codes.Redeem(ctx, d.Tenant, c.Hash, person, phc); err != nil {
		return "", fmt.Errorf("using a code: %w", err)
	}
	return person, nil
}

// Guest signs in whoever shows a one-time code, with nothing to remember: the account gets
// a password that nobody knows. It ends the sessions that the account had.
func (d *Door) Guest(ctx context.Context, typed, name string, v Visitor) (shown string, err error) {
	var b [32]byte
	if _, err := io.ReadFull(d.Random, b[:]); err != nil {
		return "", fmt.Errorf("drawing a password: %w", err)
	}
	password := base64.RawURLEncoding.EncodeToString(b[:])
	person, err := d.Redeem(ctx, typed, name, password, v)
	if err != nil {
		return "", err
	}
	shown, _, err = d.SignIn(ctx, person, password, "", v)
	return shown, err
}

// hash checks and hashes a new password.
func (d *Door) hash(ctx context.Context, person, password string) (string, error) {
	if err := auth.CheckPassword(password, person, "vedette"); err != nil {
		return "", err
	}
	phc, err := d.compute(ctx, password)
	if err != nil {
		return "", fmt.Errorf("setting a password: %w", err)
	}
	return phc, nil
}

// again has a person show the password once more before something that matters.
func (d *Door) again(ctx context.Context, by By, password string, v Visitor) (Credential, error) {
	if by.Session() == (auth.Hash{}) {
		return Credential{}, fault.New(fault.Denied, "only a person who has signed in can do this")
	}
	undo, err := d.attempt(ctx, by.Name(), auth.Whence(v.Address))
	if err != nil {
		return Credential{}, err
	}
	c, err := d.credential(ctx, by.Name())
	if err != nil {
		return Credential{}, err
	}
	ok, _, err := d.verify(ctx, c.Password, password)
	if err != nil {
		return Credential{}, err
	}
	if !ok {
		return Credential{}, fault.New(fault.Invalid, "that is not your password")
	}
	return c, undo()
}

// seen returns by at the version of the account that was looked at, unless it names one: at
// another the password that was shown may be no longer right.
func (b By) seen(c Credential) By {
	if b.Version == 0 {
		b.Version = c.Version
	}
	return b
}

// ChangePassword sets a person's own password.
func (d *Door) ChangePassword(ctx context.Context, by By, old, password string, v Visitor) error {
	c, err := d.again(ctx, by, old, v)
	if err != nil {
		return err
	}
	phc, err := d.hash(ctx, by.Name(), password)
	if err != nil {
		return err
	}
	if err := d.Credentials.SetPassword(ctx, by.seen(c), by.Name(), phc); err != nil {
		return fmt.Errorf("setting a password: %w", err)
	}
	return nil
}

// UseCodes has a person show a one-time code from now on. The code proves that the
// authenticator holds the secret.
func (d *Door) UseCodes(ctx context.Context, by By, password string, secret []byte, code string, v Visitor) error {
	c, err := d.again(ctx, by, password, v)
	if err != nil {
		return err
	}
	if bytes.Equal(c.TOTP, secret) {
		return nil // it was asked for twice
	}
	step, ok := auth.VerifyTOTP(secret, code, d.Now(), 0)
	if !ok {
		return fault.New(fault.Invalid, "the code does not belong to this secret; check the clock of the device it comes from")
	}
	if err := d.Credentials.SetTOTP(ctx, by.seen(c), by.Name(), secret, step); err != nil {
		return fmt.Errorf("turning on one-time codes: %w", err)
	}
	return nil
}

// DropCodes lets a person sign in with the password alone again.
func (d *Door) DropCodes(ctx context.Context, by By, password string, v Visitor) error {
	c, err := d.again(ctx, by, password, v)
	if err != nil {
		return err
	}
	if len(c.TOTP) == 0 {
		return nil // likewise
	}
	if err := d.Credentials.SetTOTP(ctx, by.seen(c), by.Name(), nil, 0); err != nil {
		return fmt.Errorf("turning off one-time codes: %w", err)
	}
	return nil
}

// Invite makes a one-time code by which a person gets a first, or a new, password. It is
// shown once.
func (d *Door) Invite(ctx context.Context, by By, typed string, r auth.Role) (shown, name string, err error) {
	if err := by.Require(auth.ManagePeople); err != nil {
		return "", "", err
	}
	if name, err = auth.Name(typed); err != nil {
		return "", "", err
	}
	if r, err = auth.ParseRole(string(r)); err != nil {
		return "", "", err
	}
	shown, c, err := auth.NewCode(d.Random, name, r, d.Now())
	if err != nil {
		return "", "", err
	}
	if err := d.Codes.AddCode(ctx, by, c); err != nil {
		return "", "", fmt.Errorf("inviting: %w", err)
	}
	return shown, name, nil
}

// MakeToken makes a token for a person's own programs. It is shown once.
func (d *Door) MakeToken(ctx context.Context, by By, purpose string, scopes auth.Permissions, lasts time.Duration) (shown string, t auth.Token, err error) {
	if by.Session() == (auth.Hash{}) {
		return "", t, fault.New(fault.Denied, "a token cannot make tokens; sign in")
	}
	owner := auth.Account{Tenant: by.Tenant(), Name: by.Name(), Role: by.Role()}
	now := d.Now()
	shown, t, err = auth.NewToken(d.Random, owner, strings.TrimSpace(purpose), scopes, now, now.Add(lasts))
	if err != nil {
		return "", t, err
	}
	if err := d.Tokens.AddToken(ctx, by, t); err != nil {
		return "", t, fmt.Errorf("making a token: %w", err)
	}
	return shown, t, nil
}

// EndSession ends a session: one's own, or with the permission anybody's.
func (d *Door) EndSession(ctx context.Context, by By, h auth.Hash) error {
	s, _, err := d.Sessions.Session(ctx, by.Tenant(), h)
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	if s.Person != by.Name() && !by.May(auth.ManagePeople) {
		return fault.New(fault.NotFound, "there is no such session")
	}
	if err := d.Sessions.End(ctx, by, h); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of a person but the one that asks: one's own, or with the
// permission anybody's.
func (d *Door) EndSessions(ctx context.Context, by By, name string) error {
	if name != by.Name() {
		if err := by.Require(auth.ManagePeople); err != nil {
			return err
		}
	}
	if err := d.Sessions.EndAll(ctx, by, name); err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	return nil
}

// RevokeToken ends a token: one's own, or with the permission anybody's.
func (d *Door) RevokeToken(ctx context.Context, by By, h auth.Hash) error {
	all, err := d.Tokens.Tokens(ctx, by.Tenant(), "")
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	for _, t := range all {
		if t.Hash == h && (t.Owner == by.Name() || by.May(auth.ManagePeople)) {
			if err := d.Tokens.Revoke(ctx, by, h); err != nil {
				return fmt.Errorf("revoking a token: %w", err)
			}
			return nil
		}
	}
	return fault.New(fault.NotFound, "there is no such token")
}
