package daemon

import (
	"context"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/connect/oidc"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// ClientSecret is the name of the secret by which the issuer of identities knows us.
const ClientSecret = "oidc"

// elsewhere returns where people sign in instead of here; nil for nowhere.
func (f *Faces) elsewhere() (*desk.Elsewhere, error) {
	c := f.daemon.config.Console.OIDC
	if c.Issuer == "" {
		return nil, nil
	}
	roles := map[string]auth.Role{}
	for group, name := range c.Roles { // any order: into another map
		role, err := auth.ParseRole(name)
		if err != nil {
			return nil, err
		}
		roles[group] = role
	}
	issuer := oidc.New(oidc.Options{
		Issuer: c.Issuer, Client: c.Client, Redirect: c.Redirect, Groups: c.Groups, Secret: f.clientSecret, Now: f.daemon.now, Log: f.daemon.log,
	})
	return &desk.Elsewhere{Issuer: deskIssuer{issuer}, People: deskIdentities{f}, Roles: roles}, nil
}

// clientSecret reads the secret each time, so that a new one holds at once.
func (f *Faces) clientSecret(ctx context.Context) (string, error) {
	s, err := f.tenant(tenant).Secret(ctx, ClientSecret)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return "", nil // a client without one: PKCE is all it shows
	}
	return string(s.Reveal()), err
}

// deskIssuer asks an issuer.
type deskIssuer struct{ *oidc.Client }

// Begin implements [desk.Issuer].
func (s deskIssuer) Begin(ctx context.Context, a desk.Ask) (string, error) {
	return s.Client.Begin(ctx, a.State, a.Nonce, a.Verifier)
}

// Finish implements [desk.Issuer].
func (s deskIssuer) Finish(ctx context.Context, code string, a desk.Ask) (desk.Vouched, error) {
	p, err := s.Client.Finish(ctx, code, a.Nonce, a.Verifier)
	return desk.Vouched(p), err
}

// deskIdentities keeps the accounts of people who sign in elsewhere.
type deskIdentities struct{ *Faces }

// Identify implements [desk.Identities].
func (s deskIdentities) Identify(ctx context.Context, tenant string, v desk.Vouched, name string, r auth.Role) (desk.Credential, error) {
	u, err := s.tenant(tenant).Identify(ctx, state.Identity{Issuer: v.Issuer, Subject: v.Subject, Name: name, Role: string(r)})
	if err != nil {
		return desk.Credential{}, err
	}
	return desk.Credential{Account: account(tenant, u), Version: u.Version, Step: u.Step}, nil
}

// TurnAway implements [desk.Identities].
func (s deskIdentities) TurnAway(ctx context.Context, tenant string, v desk.Vouched) error {
	return s.tenant(tenant).TurnAway(ctx, state.Identity{Issuer: v.Issuer, Subject: v.Subject, Name: v.Name})
}
