package state

import (
	"context"
	"fmt"
	"time"

	"vedette/internal/fault"
)

// Entry is somebody who has just shown who they are.
type Entry struct {
	Session Session
	Version uint64 // of the account that was looked at
	Step    int64  // of the one-time code that was shown; 0 for none
	Whence  string // what the address is remembered by
}

// addressesKept is how long it is remembered from where somebody signed in.
const addressesKept = 30 * 24 * time.Hour

// Enter lets a person in: it uses the step of the code up, keeps the session and where it
// came from, and writes it into the audit, all or nothing. It also drops sessions that have
// ended.
//
// The error is of kind Denied if that code or a later one was used before, so that of two
// who show the same code at the same moment one gets in; and if the account was changed or
// disabled since it was looked at, so that a password that is no longer valid opens nothing.
func (t *Tenant) Enter(ctx context.Context, e Entry) error {
	s := e.Session
	detail := map[string]any{"address": e.Whence, "strong": s.Strong}
	c := change{Request: Request{Actor: s.Person}, action: "person.sign-in", target: "person/" + s.Person, detail: detail}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		u, err := w.user(ctx, w, s.Person)
		switch {
		case err != nil:
			return 0, err
		case u.Disabled || u.Version != e.Version:
			return 0, fault.New(fault.Denied, "the account was changed a moment ago; sign in again")
		case e.Step != 0 && e.Step <= u.Step:
			return 0, fault.New(fault.Denied, "this one-time code was used already; wait for the next")
		}
		return 0, w.enter(ctx, e, max(e.Step, u.Step))
	})
	return err
}

func (w *writer) enter(ctx context.Context, e Entry, step int64) error {
	s := e.Session
	err := w.exec(ctx, `UPDATE users SET signed_in = ?, totp_step = ? WHERE tenant = ? AND name = ?`, w.now, step, w.name, s.Person)
	if err == nil {
		err = w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND ends <= ?`, w.name, w.now)
	}
	if err == nil {
		err = w.exec(ctx, `INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, w.name, s.Hash[:], s.Person, at(s.Created), at(s.Seen), at(s.Ends),
			bit(s.Strong), s.Address[:min(len(s.Address), maxAgent)], s.Agent[:min(len(s.Agent), maxAgent)])
	}
	if err == nil {
		err = w.exec(ctx, `INSERT INTO user_addresses VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name, address) DO UPDATE SET time = excluded.time`,
			w.name, s.Person, w.s.keys.mac(w.s.keys.subjects, w.name, []byte("known"), []byte(e.Whence)), w.now)
	}
	if err == nil {
		err = w.exec(ctx, `DELETE FROM user_addresses WHERE tenant = ? AND name = ? AND time < ?`, w.name, s.Person, w.now-int64(addressesKept))
	}
	return err
}

// Identity is who an issuer says somebody is.
type Identity struct {
	Issuer  string
	Subject string // what the issuer calls the person, for ever
	Name    string // what the account should be called, if it is new
	Role    string
}

// Identify returns the account of an identity, with the role that it has now, and makes one
// if there is none. A name that somebody has already gets a number: an identity never takes
// over an account. If the role is another one, all sessions of the person end.
//
// An account that was disabled stays so: Denied. So does an installation that nobody has
// set up: its first administrator signs in here, and needs no issuer.
func (t *Tenant) Identify(ctx context.Context, i Identity) (u User, err error) {
	if i.Issuer == "" || i.Subject == "" || i.Name == "" || i.Role == "" {
		return u, fault.New(fault.Invalid, "an identity has an issuer, a subject, a name and a role")
	}
	err = t.writing(ctx, func(w *writer) error {
		name, err := w.identified(ctx, i)
		if err == nil && name == "" {
			name, err = w.adopt(ctx, i)
		}
		if err == nil {
			u, err = w.user(ctx, w, name)
		}
		switch {
		case err != nil:
			return err
		case u.Disabled:
			return fault.New(fault.Denied, "this account is disabled; an administrator can enable it")
		case u.Role == i.Role:
			return nil
		}
		if err := w.exec(ctx, `UPDATE users SET role = ?, version = version + 1 WHERE tenant = ? AND name = ?`, i.Role, w.name, name); err != nil {
			return err
		}
		if err := w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ?`, w.name, name); err != nil {
			return err
		}
		u.Role, u.Version = i.Role, u.Version+1
		return w.audit(ctx, i.Issuer, "person.role", "person/"+name, map[string]any{"role": i.Role})
	})
	if err != nil {
		return User{}, fmt.Errorf("signing in somebody of %s: %w", i.Issuer, err)
	}
	return u, nil
}

// identified returns the name of the account of an identity; empty if there is none.
func (w *writer) identified(ctx context.Context, i Identity) (name string, err error) {
	err = w.QueryRowContext(ctx, `SELECT coalesce(max(name), '') FROM identities WHERE tenant = ? AND issuer = ? AND subject = ?`, w.name, i.Issuer, i.Subject).Scan(&name)
	return name, err
}

// adopt makes the account of an identity.
func (w *writer) adopt(ctx context.Context, i Identity) (string, error) {
	var people int
	if err := w.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE tenant = ?`, w.name).Scan(&people); err != nil {
		return "", err
	}
	if people == 0 {
		return "", fault.New(fault.Denied, "this installation has not been set up yet; the first administrator opens the link that the program printed")
	}
	name := i.Name
	for n := 2; ; n++ {
		var taken bool
		if err := w.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE tenant = ? AND name = ?)`, w.name, name).Scan(&taken); err != nil {
			return "", err
		}
		if !taken {
			break
		}
		name = fmt.Sprintf("%s-%d", i.Name, n)
	}
	if err := w.create(ctx, User{Name: name, Role: i.Role}); err != nil {
		return "", err
	}
	if err := w.exec(ctx, `INSERT INTO identities VALUES (?, ?, ?, ?, ?)`, w.name, i.Issuer, i.Subject, name, w.now); err != nil {
		return "", err
	}
	return name, w.audit(ctx, i.Issuer, "person.create", "person/"+name, map[string]any{"role": i.Role, "issuer": i.Issuer, "subject": i.Subject})
}

// TurnAway ends the sessions of an identity that may come in no longer, and revokes its
// tokens, if it ever came. It is written into the audit either way.
func (t *Tenant) TurnAway(ctx context.Context, i Identity) error {
	target := "identity"
	err := t.writing(ctx, func(w *writer) error {
		name, err := w.identified(ctx, i)
		if err == nil && name != "" {
			target = "person/" + name
			err = w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ?`, w.name, name)
			if err == nil {
				err = w.exec(ctx, `UPDATE tokens SET revoked = 1 WHERE tenant = ? AND name = ?`, w.name, name)
			}
		}
		if err == nil {
			err = w.audit(ctx, i.Issuer, "person.turn-away", target, map[string]any{"issuer": i.Issuer, "subject": i.Subject, "name": i.Name})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("turning somebody of %s away: %w", i.Issuer, err)
	}
	return nil
}
