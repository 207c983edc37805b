package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"vedette/internal/fault"
)

// User is a person with an account. Accounts are never removed, since history names
// them; they are disabled.
type User struct {
	Name     string
	Role     string // a word of package auth
	Password string // argon2id as a PHC string; empty: cannot sign in with a password
	Strong   bool   // has a secret for one-time codes
	Step     int64  // of the one-time code that was used last
	Disabled bool
	Version  uint64
	Created  time.Time
	SignedIn time.Time // the last time
	Issuer   string    // who signs the person in; empty: we do
}

const userColumns = `u.name, u.role, u.password, length(u.totp) > 0, u.totp_step, u.disabled, u.version, u.created, u.signed_in,
	coalesce((SELECT issuer FROM identities i WHERE i.tenant = u.tenant AND i.name = u.name), '')`

// into returns where to scan userColumns to, and what to call then.
func (u *User) into() (dest []any, done func()) {
	var version, created, signed int64
	return []any{&u.Name, &u.Role, &u.Password, &u.Strong, &u.Step, &u.Disabled, &version, &created, &signed, &u.Issuer}, func() {
		u.Version, u.Created, u.SignedIn = uint64(version), when(created), when(signed)
	}
}

// user reads a person.
func (t *Tenant) user(ctx context.Context, tx asker, name string) (u User, err error) {
	dest, done := u.into()
	err = one(tx.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users u WHERE tenant = ? AND name = ?`, t.name, name), fmt.Sprintf("person %q", name), dest...)
	done()
	return u, err
}

// User returns a person.
func (t *Tenant) User(ctx context.Context, name string) (u User, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		u, err = t.user(ctx, tx, name)
		return err
	})
	return u, err
}

// Users returns all people, by name.
func (t *Tenant) Users(ctx context.Context) (all []User, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT `+userColumns+` FROM users u WHERE tenant = ? ORDER BY name`, t.name)
		return each(rows, err, func(r *sql.Rows) error {
			var u User
			dest, done := u.into()
			err := r.Scan(dest...)
			done()
			all = append(all, u)
			return err
		})
	})
	return all, err
}

// CreateUser adds a person. Of u, the name, the role, the password and Disabled count.
func (t *Tenant) CreateUser(ctx context.Context, r Request, u User) error {
	c := change{Request: r, action: "person.create", target: "person/" + u.Name, detail: map[string]any{"role": u.Role}, same: u}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) { return 0, w.create(ctx, u) })
	return err
}

func (w *writer) create(ctx context.Context, u User) error {
	if u.Name == "" || u.Role == "" {
		return fault.New(fault.Invalid, "a person needs a name and a role")
	}
	err := w.exec(ctx, `INSERT INTO users VALUES (?, ?, ?, ?, x'', 0, ?, 1, ?, 0)`, w.name, u.Name, u.Role, u.Password, bit(u.Disabled), w.now)
	if violates(err) {
		return fault.New(fault.Conflict, fmt.Sprintf("there is a person %q already", u.Name))
	}
	return err
}

// onUser changes a person.
func (t *Tenant) onUser(ctx context.Context, r Request, action, name string, detail, same any, do func(w *writer, u User) error) error {
	c := change{Request: r, action: "person." + action, target: "person/" + name, detail: detail, same: same}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		u, err := w.user(ctx, w, name)
		if err == nil {
			err = r.checkVersion(u.Version, "the account")
		}
		if err == nil {
			err = do(w, u)
		}
		if err == nil {
			err = w.exec(ctx, `UPDATE users SET version = version + 1 WHERE tenant = ? AND name = ?`, w.name, name)
		}
		if keep := w.s.options.Keep; err == nil && keep != "" && u.Role == keep && !u.Disabled {
			err = w.someoneLeft(ctx, keep)
		}
		return 0, err
	})
	return err
}

// someoneLeft returns an error if nobody of a role can sign in any more. Who signs in
// elsewhere does not count: the issuer may be out of reach.
func (w *writer) someoneLeft(ctx context.Context, role string) error {
	var left int
	err := w.QueryRowContext(ctx, `SELECT count(*) FROM users u WHERE tenant = ? AND disabled = 0 AND role = ?
		AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.tenant = u.tenant AND i.name = u.name)`, w.name, role).Scan(&left)
	if err == nil && left == 0 {
		err = fault.New(fault.Conflict, fmt.Sprintf("then there would be no %s left", role))
	}
	return err
}

// elsewhere refuses what makes no sense for somebody whom an issuer signs in.
func (u User) elsewhere(what string) error {
	if u.Issuer == "" {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Sprintf("%s signs in through %s, and %s", u.Name, u.Issuer, what))
}

// SetPassword writes what is stored of a new password. All sessions of the person end but
// one, which may be zero; if that one has ended meanwhile, the change is Denied.
func (t *Tenant) SetPassword(ctx context.Context, r Request, name, password string, but Hash) error {
	return t.onUser(ctx, r, "password", name, nil, []any{password, but}, func(w *writer, u User) error {
		if err := u.elsewhere("has no password here"); err != nil {
			return err
		}
		if err := w.exec(ctx, `UPDATE users SET password = ? WHERE tenant = ? AND name = ?`, password, w.name, name); err != nil {
			return err
		}
		return w.endOthers(ctx, name, but)
	})
}

// endOthers ends all sessions of a person but one, which must be there unless it is zero.
func (w *writer) endOthers(ctx context.Context, name string, but Hash) error {
	if but != (Hash{}) {
		var there bool
		err := w.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sessions WHERE tenant = ? AND name = ? AND hash = ? AND ends > ?)`, w.name, name, but[:], w.now).Scan(&there)
		if err == nil && !there {
			err = fault.New(fault.Denied, "please sign in")
		}
		if err != nil {
			return err
		}
	}
	return w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ? AND hash <> ?`, w.name, name, but[:])
}

// Rehash replaces what is stored of a password by the same password at another cost: a
// change of no consequence, so it is neither audited nor ends sessions. It does nothing if
// the password has changed meanwhile.
func (t *Tenant) Rehash(ctx context.Context, name, was, now string) error {
	err := t.writing(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE users SET password = ? WHERE tenant = ? AND name = ? AND password = ?`, now, w.name, name, was)
	})
	if err != nil {
		return fmt.Errorf("storing a password at another cost: %w", err)
	}
	return nil
}

// SetRole gives a person another role. All sessions of the person end.
func (t *Tenant) SetRole(ctx context.Context, r Request, name, role string) error {
	return t.onUser(ctx, r, "role", name, map[string]any{"role": role}, nil, func(w *writer, u User) error {
		if role == "" {
			return fault.New(fault.Invalid, "a person needs a role")
		}
		if err := u.elsewhere("the role comes from the groups there"); err != nil {
			return err
		}
		if err := w.exec(ctx, `UPDATE users SET role = ? WHERE tenant = ? AND name = ?`, role, w.name, name); err != nil {
			return err
		}
		return w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ?`, w.name, name)
	})
}

// SetDisabled keeps a person out, or lets them in again. Sessions end, and tokens are
// revoked, and stay so.
func (t *Tenant) SetDisabled(ctx context.Context, r Request, name string, disabled bool) error {
	action := "enable"
	if disabled {
		action = "disable"
	}
	return t.onUser(ctx, r, action, name, nil, nil, func(w *writer, _ User) error {
		err := w.exec(ctx, `UPDATE users SET disabled = ? WHERE tenant = ? AND name = ?`, bit(disabled), w.name, name)
		if err == nil && disabled {
			err = w.exec(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ?`, w.name, name)
		}
		if err == nil && disabled {
			err = w.exec(ctx, `UPDATE tokens SET revoked = 1 WHERE tenant = ? AND name = ?`, w.name, name)
		}
		return err
	})
}

// SetTOTP stores a person's secret for one-time codes, sealed; an empty one removes it.
// Step is that of the code by which the person showed that it works. Sessions end as they
// do with SetPassword.
func (t *Tenant) SetTOTP(ctx context.Context, r Request, name string, secret Secret, step int64, but Hash) error {
	plain := secret.Reveal()
	return t.onUser(ctx, r, "second-factor", name, map[string]any{"set": len(plain) > 0}, []any{plain, but}, func(w *writer, u User) error {
		if err := u.elsewhere("shows codes there, if at all"); err != nil {
			return err
		}
		sealed := []byte{}
		if len(plain) > 0 {
			sealed = w.s.keys.seal(w.name, "one-time secret", name, plain)
		}
		if err := w.exec(ctx, `UPDATE users SET totp = ?, totp_step = ? WHERE tenant = ? AND name = ?`, sealed, step, w.name, name); err != nil {
			return err
		}
		return w.endOthers(ctx, name, but)
	})
}

// TOTP returns a person's secret for one-time codes; an empty one if there is none.
func (t *Tenant) TOTP(ctx context.Context, name string) (s Secret, err error) {
	var sealed []byte
	err = t.reading(ctx, func(tx *sql.Tx) error {
		return one(tx.QueryRowContext(ctx, `SELECT totp FROM users WHERE tenant = ? AND name = ?`, t.name, name), fmt.Sprintf("person %q", name), &sealed)
	})
	if err != nil || len(sealed) == 0 {
		return Secret{}, err
	}
	return t.s.keys.open(t.name, "one-time secret", name, sealed)
}

// Known reports whether a person has signed in from an address within the last month.
func (t *Tenant) Known(ctx context.Context, name, address string) (known bool, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM user_addresses WHERE tenant = ? AND name = ? AND address = ? AND time >= ?)`,
			t.name, name, t.s.keys.mac(t.s.keys.subjects, t.name, []byte("known"), []byte(address)), t.s.options.Now().UnixNano()-int64(addressesKept)).Scan(&known)
	})
	return known, err
}
