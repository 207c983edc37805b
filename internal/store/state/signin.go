package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"vedette/internal/fault"
)

// Hash is the SHA-256 of a session, token or code: all that is stored of it.
type Hash = [32]byte

// Session is somebody signed in.
type Session struct {
	Hash    Hash
	Person  string
	Created time.Time
	Seen    time.Time // of the last request, to the minute
	Ends    time.Time // whatever happens
	Strong  bool      // a one-time code was shown
	Address string    // for the person to recognise it by
	Agent   string    // likewise
}

const (
	maxAgent = 256 // bytes of what a browser says of itself
	seenStep = time.Minute
)

const sessionColumns = `s.hash, s.name, s.created, s.seen, s.ends, s.strong, s.address, s.agent`

func (s *Session) into() (dest []any, done func() error) {
	var h []byte
	var created, seen, ends int64
	return []any{&h, &s.Person, &created, &seen, &ends, &s.Strong, &s.Address, &s.Agent}, func() (err error) {
		s.Created, s.Seen, s.Ends = when(created), when(seen), when(ends)
		s.Hash, err = hash(h)
		return err
	}
}

// Session returns a session and its person. One that has ended, or was revoked, is of
// kind NotFound.
func (t *Tenant) Session(ctx context.Context, h Hash) (s Session, u User, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		dest, done := s.into()
		person, donePerson := u.into()
		err := one(tx.QueryRowContext(ctx, `SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.tenant = s.tenant AND u.name = s.name
			WHERE s.tenant = ? AND s.hash = ? AND s.ends > ?`, t.name, h[:], t.s.options.Now().UnixNano()), "such session", append(dest, person...)...)
		if err != nil {
			return err
		}
		donePerson()
		return done()
	})
	return s, u, err
}

// Touch notes that a session was used. It writes at most once a minute.
func (t *Tenant) Touch(ctx context.Context, s Session) error {
	if t.s.options.Now().Sub(s.Seen) < seenStep {
		return nil
	}
	return t.writing(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE sessions SET seen = max(seen, ?) WHERE tenant = ? AND hash = ?`, w.now, w.name, s.Hash[:])
	})
}

// Sessions returns the sessions of a person, or of all people if the name is empty, that
// have not ended; the one used last first.
func (t *Tenant) Sessions(ctx context.Context, person string) (all []Session, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT `+sessionColumns+` FROM sessions s WHERE tenant = ? AND (? = '' OR name = ?) AND ends > ? ORDER BY seen DESC, hash`,
			t.name, person, person, t.s.options.Now().UnixNano())
		return each(rows, err, func(r *sql.Rows) error {
			var s Session
			dest, done := s.into()
			if err := r.Scan(dest...); err != nil {
				return err
			}
			if err := done(); err != nil {
				return err
			}
			all = append(all, s)
			return nil
		})
	})
	return all, err
}

// EndSession ends a session: that of the actor, or another's.
func (t *Tenant) EndSession(ctx context.Context, r Request, h Hash) error {
	c := change{Request: r, action: "session.end", target: fmt.Sprintf("session/%x", h[:8])}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		n, err := w.touched(ctx, `DELETE FROM sessions WHERE tenant = ? AND hash = ?`, w.name, h[:])
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "there is no such session, or no longer")
		}
		return 0, err
	})
	return err
}

// EndSessions ends all sessions of a person but one, which may be zero.
func (t *Tenant) EndSessions(ctx context.Context, r Request, person string, but Hash) (n int, err error) {
	c := change{Request: r, action: "session.end-all", target: "person/" + person, same: but}
	ended, err := t.change(ctx, c, func(w *writer) (int64, error) {
		return w.touched(ctx, `DELETE FROM sessions WHERE tenant = ? AND name = ? AND hash <> ?`, w.name, person, but[:])
	})
	return int(ended), err
}

// Token is what a program signs in with.
type Token struct {
	Hash    Hash
	Owner   string
	Purpose string
	Scopes  []string // words of package auth
	Created time.Time
	Expires time.Time
	Used    time.Time // the last time, to the minute
	Revoked bool
}

// AddToken stores a token.
func (t *Tenant) AddToken(ctx context.Context, r Request, k Token) error {
	scopes, err := json.Marshal(k.Scopes)
	if err != nil {
		return fmt.Errorf("encoding the scopes of a token: %w", err)
	}
	c := change{
		Request: r, action: "token.create", target: fmt.Sprintf("token/%x", k.Hash[:8]),
		detail: map[string]any{"owner": k.Owner, "purpose": k.Purpose, "scopes": k.Scopes, "expires": k.Expires.UTC().Format(time.RFC3339)}, same: k.Hash,
	}
	_, err = t.change(ctx, c, func(w *writer) (int64, error) {
		if _, err := w.user(ctx, w, k.Owner); err != nil {
			return 0, err
		}
		return 0, w.exec(ctx, `INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)`, w.name, k.Hash[:], k.Owner, k.Purpose, string(scopes), at(k.Created), at(k.Expires))
	})
	return err
}

const tokenColumns = `k.hash, k.name, k.purpose, k.scopes, k.created, k.expires, k.used, k.revoked`

func (k *Token) into() (dest []any, done func() error) {
	var h, scopes []byte
	var created, expires, used int64
	return []any{&h, &k.Owner, &k.Purpose, &scopes, &created, &expires, &used, &k.Revoked}, func() (err error) {
		k.Created, k.Expires, k.Used = when(created), when(expires), when(used)
		if k.Hash, err = hash(h); err == nil {
			err = fault.Wrap(fault.Unreadable, json.Unmarshal(scopes, &k.Scopes))
		}
		return err
	}
}

// Token returns a token and its owner, revoked or expired or not.
func (t *Tenant) Token(ctx context.Context, h Hash) (k Token, u User, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		dest, done := k.into()
		person, donePerson := u.into()
		err := one(tx.QueryRowContext(ctx, `SELECT `+tokenColumns+`, `+userColumns+` FROM tokens k JOIN users u ON u.tenant = k.tenant AND u.name = k.name
			WHERE k.tenant = ? AND k.hash = ?`, t.name, h[:]), "such token", append(dest, person...)...)
		if err != nil {
			return err
		}
		donePerson()
		return done()
	})
	return k, u, err
}

// Tokens returns the tokens of a person, or of all people if the name is empty, the
// latest first.
func (t *Tenant) Tokens(ctx context.Context, owner string) (all []Token, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT `+tokenColumns+` FROM tokens k WHERE tenant = ? AND (? = '' OR name = ?) ORDER BY created DESC, hash`, t.name, owner, owner)
		return each(rows, err, func(r *sql.Rows) error {
			var k Token
			dest, done := k.into()
			if err := r.Scan(dest...); err != nil {
				return err
			}
			if err := done(); err != nil {
				return err
			}
			all = append(all, k)
			return nil
		})
	})
	return all, err
}

// RevokeToken makes a token useless, for good.
func (t *Tenant) RevokeToken(ctx context.Context, r Request, h Hash) error {
	c := change{Request: r, action: "token.revoke", target: fmt.Sprintf("token/%x", h[:8])}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		n, err := w.touched(ctx, `UPDATE tokens SET revoked = 1 WHERE tenant = ? AND hash = ?`, w.name, h[:])
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "there is no such token")
		}
		return 0, err
	})
	return err
}

// UsedToken notes that a token was used. It writes at most once a minute.
func (t *Tenant) UsedToken(ctx context.Context, k Token) error {
	if t.s.options.Now().Sub(k.Used) < seenStep {
		return nil
	}
	return t.writing(ctx, func(w *writer) error {
		return w.exec(ctx, `UPDATE tokens SET used = max(used, ?) WHERE tenant = ? AND hash = ?`, w.now, w.name, k.Hash[:])
	})
}

// Code is a one-time code, by which somebody gets an account or a new password.
type Code struct {
	Hash    Hash
	Person  string // empty: whoever becomes the first administrator
	Role    string // of a person who is new
	Expires time.Time
}

// AddCode stores a code in place of an earlier one for the same person, and makes the
// account, with the role of the code, if there is none. One without a name is refused once
// there are people.
func (t *Tenant) AddCode(ctx context.Context, r Request, k Code) error {
	c := change{Request: r, action: "code.create", target: "person/" + k.Person, detail: map[string]any{"role": k.Role}, same: k.Hash}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		if err := w.firstOnly(ctx, k.Person); err != nil {
			return 0, err
		}
		if err := w.invited(ctx, r.Actor, k); err != nil {
			return 0, err
		}
		return 0, w.exec(ctx, `INSERT INTO codes VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, person) DO UPDATE SET hash = excluded.hash, role = excluded.role, expires = excluded.expires`,
			w.name, k.Person, k.Hash[:], k.Role, at(k.Expires))
	})
	return err
}

// invited makes the account that a code is for, unless it is there.
func (w *writer) invited(ctx context.Context, actor string, k Code) error {
	if k.Person == "" {
		return nil
	}
	u, err := w.user(ctx, w, k.Person)
	switch {
	case err == nil:
		return u.elsewhere("has no password here")
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	if err := w.create(ctx, User{Name: k.Person, Role: k.Role}); err != nil {
		return err
	}
	return w.audit(ctx, actor, "person.create", "person/"+k.Person, map[string]any{"role": k.Role})
}

// firstOnly refuses a code without a name once there are people.
func (w *writer) firstOnly(ctx context.Context, person string) error {
	if person != "" {
		return nil
	}
	var people int
	err := w.QueryRowContext(ctx, `SELECT count(*) FROM users WHERE tenant = ?`, w.name).Scan(&people)
	if err == nil && people > 0 {
		err = fault.New(fault.Denied, "this installation has been set up already")
	}
	return err
}

// Code returns a code that can still be used.
func (t *Tenant) Code(ctx context.Context, h Hash) (k Code, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		k, err = t.code(ctx, tx, h)
		return err
	})
	return k, err
}

func (t *Tenant) code(ctx context.Context, tx asker, h Hash) (k Code, err error) {
	var expires int64
	err = one(tx.QueryRowContext(ctx, `SELECT person, role, expires FROM codes WHERE tenant = ? AND hash = ? AND expires > ?`,
		t.name, h[:], t.s.options.Now().UnixNano()), "such code, or it has expired", &k.Person, &k.Role, &expires)
	k.Hash, k.Expires = h, when(expires)
	return k, err
}

// Redeem uses a code up: it makes the account of the first administrator, or gives an
// account that there is the new password, takes off its one-time codes and ends its
// sessions, all or nothing. Of u, the name and the password count; the name must be that of
// the code, if it has one. Of two who use the same code one succeeds.
func (t *Tenant) Redeem(ctx context.Context, h Hash, u User) error {
	c := change{Request: Request{Actor: u.Name}, action: "code.redeem", target: "person/" + u.Name}
	_, err := t.change(ctx, c, func(w *writer) (int64, error) {
		k, err := w.code(ctx, w, h)
		if err != nil {
			return 0, err
		}
		if k.Person != "" && k.Person != u.Name {
			return 0, fault.New(fault.Denied, "this code is for somebody else")
		}
		if err := w.firstOnly(ctx, k.Person); err != nil {
			return 0, err
		}
		if err := w.exec(ctx, `DELETE FROM codes WHERE tenant = ? AND hash = ?`, w.name, h[:]); err != nil {
			return 0, err
		}
		if k.Person == "" {
			u.Role = k.Role
			return 0, w.create(ctx, u)
		}
		if err := w.exec(ctx, `UPDATE users SET password = ?, totp = x'', version = version + 1 WHERE tenant = ? AND name = ?`, u.Password, w.name, u.Name); err != nil {
			return 0, err
		}
		return 0, w.endOthers(ctx, u.Name, Hash{})
	})
	return err
}

// Attempts is what is known about failures to sign in.
type Attempts struct {
	Failed int
	Last   time.Time
}

const (
	attemptsKept = 24 * time.Hour
	maxAttempts  = 100_000 // rows; beyond it the oldest are forgotten
)

// Attempts returns the failures of a subject of a kind, such as an account or an address.
func (t *Tenant) Attempts(ctx context.Context, kind, subject string) (a Attempts, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		a, err = t.attempts(ctx, tx, kind, t.subject(kind, subject))
		return err
	})
	return a, err
}

func (t *Tenant) subject(kind, subject string) []byte {
	return t.s.keys.mac(t.s.keys.subjects, t.name, []byte(kind), []byte(subject))
}

func (t *Tenant) attempts(ctx context.Context, tx asker, kind string, subject []byte) (a Attempts, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT failed, last FROM attempts WHERE tenant = ? AND kind = ? AND subject = ?`, t.name, kind, subject)
	err = each(rows, err, func(r *sql.Rows) error {
		var last int64
		err := r.Scan(&a.Failed, &last)
		a.Last = when(last)
		return err
	})
	return a, err
}

// ChangeAttempts changes the failures of a subject in one step: next gets what they are,
// and returns what they become, or an error, which is returned as it is.
func (t *Tenant) ChangeAttempts(ctx context.Context, kind, subject string, next func(Attempts) (Attempts, error)) error {
	return t.writing(ctx, func(w *writer) error {
		key := w.subject(kind, subject)
		a, err := w.attempts(ctx, w, kind, key)
		if err != nil {
			return err
		}
		if a, err = next(a); err != nil {
			return err
		}
		if err := w.exec(ctx, `DELETE FROM attempts WHERE tenant = ? AND (last < ? OR kind = ? AND subject = ?)`, w.name, w.now-int64(attemptsKept), kind, key); err != nil {
			return err
		}
		if a.Failed == 0 {
			return nil
		}
		if err := w.exec(ctx, `INSERT INTO attempts VALUES (?, ?, ?, ?, ?)`, w.name, kind, key, a.Failed, at(a.Last)); err != nil {
			return err
		}
		return w.exec(ctx, `DELETE FROM attempts WHERE tenant = ? AND last < (SELECT last FROM attempts WHERE tenant = ? ORDER BY last DESC LIMIT 1 OFFSET ?)`,
			w.name, w.name, maxAttempts)
	})
}
