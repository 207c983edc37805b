package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/audit"
	"vedette/internal/auth"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// Offline is what can be done, by whoever may write into the data folder, without the
// daemon or beside it: let people in again, keep secrets, and verify the audit. What it
// changes stands in the audit.
type Offline struct {
	config config.Config
	store  *state.Store
	tenant *state.Tenant
	by     string
}

// OpenOffline opens the state of an installation; by is who asks, for the audit. To read
// only, it may be open elsewhere and even be of an older program. It has to be closed.
func OpenOffline(ctx context.Context, c config.Config, by string, reading bool) (*Offline, error) {
	dir := filepath.Join(c.Data, "state")
	if _, err := os.Stat(filepath.Join(dir, state.File)); errors.Is(err, fs.ErrNotExist) { // or a key would be made
		return nil, fault.New(fault.NotFound, "there is nothing in "+c.Data+" yet; start vedette run once, with the same configuration")
	}
	key, err := state.ReadKey(dir, rand.Reader)
	if err != nil {
		return nil, err
	}
	open := state.Open
	if reading {
		open = state.OpenReading
	}
	s, err := open(ctx, dir, state.Options{Key: key, Now: time.Now, Keep: string(auth.Administrator)})
	if err != nil {
		return nil, err
	}
	return &Offline{c, s, s.Tenant(tenant), "cli/" + by}, nil
}

// Close closes what was opened.
func (o *Offline) Close() error { return o.store.Close() }

// VerifyAudit follows the audit from its beginning to its end, which it returns. With a head
// that was noted earlier, it checks that the audit leads through it. The error says where it
// was tampered with: an [audit.Break].
func (o *Offline) VerifyAudit(ctx context.Context, noted audit.Head) (audit.Head, error) {
	return o.tenant.VerifyAuditSince(ctx, noted)
}

// Person is an account as the command line shows it.
type Person struct {
	Name, Role string
	State      string // "disabled", "no password yet", "at <issuer>", or empty
	SignedIn   time.Time
}

// People returns all accounts, by name.
func (o *Offline) People(ctx context.Context) (all []Person, err error) {
	users, err := o.tenant.Users(ctx)
	for _, u := range users {
		p := Person{Name: u.Name, Role: u.Role, SignedIn: u.SignedIn}
		switch {
		case u.Disabled:
			p.State = "disabled"
		case u.Issuer != "":
			p.State = "at " + u.Issuer
		case u.Password == "":
			p.State = "no password yet"
		}
		all = append(all, p)
	}
	return all, err
}

// Invite returns a link by which somebody sets a first or a new password, once, within a
// day. A new person gets the role, and one who has another is given it; without a role it
// stays as it is. Without a name it is for the first administrator, who chooses one.
func (o *Offline) Invite(ctx context.Context, typed, role string) (link string, err error) {
	name, r := "", auth.Administrator
	if typed != "" {
		if name, r, err = o.invited(ctx, typed, role); err != nil {
			return "", err
		}
	} else if role != "" && role != string(auth.Administrator) {
		return "", fault.New(fault.Invalid, "the first person becomes the administrator; to invite somebody else, give a name")
	} else if users, err := o.tenant.Users(ctx); err != nil || len(users) > 0 {
		return "", errors.Join(err, fault.New(fault.Invalid, "there are people already: say whom to invite, such as vedette user invite ada --role administrator (vedette user list names them)"))
	}
	shown, c, err := auth.NewCode(rand.Reader, name, r, time.Now())
	if err != nil {
		return "", err
	}
	if err := o.tenant.AddCode(ctx, o.request(), code(c)); err != nil {
		return "", err
	}
	return setupLink(o.config.Console, shown), nil
}

// invited returns the name of who is invited, and the role; it gives it to who has another.
func (o *Offline) invited(ctx context.Context, typed, role string) (name string, r auth.Role, err error) {
	if name, err = auth.Name(typed); err != nil {
		return "", "", err
	}
	if role != "" {
		if r, err = auth.ParseRole(role); err != nil {
			return "", "", err
		}
	}
	u, err := o.tenant.User(ctx, name)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		if r == "" {
			return "", "", fault.New(fault.Invalid, fmt.Sprintf("there is nobody called %s yet; say in which role with --role, one of %s", name, strings.Join(roleNames(), ", ")))
		}
		return name, r, nil
	case err != nil:
		return "", "", err
	case u.Disabled:
		return "", "", fault.New(fault.Conflict, fmt.Sprintf("%s is disabled; first: vedette user enable %s", name, name))
	case r != "" && u.Role != string(r):
		err = o.tenant.SetRole(ctx, o.request(), name, string(r))
	}
	return name, auth.Role(u.Role), err
}

func roleNames() (all []string) {
	for _, r := range auth.Roles() {
		all = append(all, string(r))
	}
	return all
}

// SetDisabled keeps a person out, or lets them in again.
func (o *Offline) SetDisabled(ctx context.Context, typed string, disabled bool) error {
	name, err := auth.Name(typed)
	if err != nil {
		return err
	}
	return o.tenant.SetDisabled(ctx, o.request(), name, disabled)
}

func (o *Offline) request() state.Request { return state.Request{Actor: o.by} }

// secretNames are the secrets that parts of the program ask for.
func secretNames() []string { return []string{ClientSecret} }

// SetSecret keeps a secret, encrypted. The daemon uses it from then on.
func (o *Offline) SetSecret(ctx context.Context, name string, secret []byte) error {
	if !slices.Contains(secretNames(), name) {
		return fault.New(fault.Invalid, fmt.Sprintf("nothing asks for a secret %q; there is %s", name, strings.Join(secretNames(), ", ")))
	}
	return o.tenant.PutSecret(ctx, o.request(), name, state.NewSecret(secret))
}

// DropSecret forgets a secret.
func (o *Offline) DropSecret(ctx context.Context, name string) error {
	return o.tenant.DropSecret(ctx, o.request(), name)
}

// SecretNames returns the names of the secrets that are kept, with who stored each when.
func (o *Offline) SecretNames(ctx context.Context) ([]state.SecretName, error) {
	return o.tenant.SecretNames(ctx)
}
