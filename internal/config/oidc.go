package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// RedirectPath is where browsers come back to from an issuer.
const RedirectPath = "/login/elsewhere/back"

// OIDC says where people can sign in instead of with a password here. The zero OIDC is
// nowhere.
type OIDC struct {
	Issuer   string
	Client   string            // our id there
	Redirect string            // where browsers come back to, as it must be registered there
	Groups   string            // the claim that holds the groups
	Roles    map[string]string // by group there
}

// oidcFile is the part of the file.
type oidcFile struct {
	Issuer   string            `yaml:"issuer"`
	Client   string            `yaml:"client"`
	Redirect string            `yaml:"redirect"`
	Groups   string            `yaml:"groups_claim"`
	Roles    map[string]string `yaml:"roles"`
}

// roles are those that groups can have: the words of package auth, which only people's own
// doors may import. A test of the daemon compares the two.
var roles = [...]string{"viewer", "auditor", "analyst", "clinical", "responder", "administrator"}

// oidc checks where people sign in. It comes behind listen, since browsers must find back.
func (c *Config) oidc(f *oidcFile) error {
	if f == nil {
		return nil
	}
	o := OIDC{f.Issuer, f.Client, f.Redirect, cmp.Or(f.Groups, "groups"), f.Roles}
	if !web(o.Issuer) {
		return invalid("console.oidc.issuer: %q is no address that begins with https:// (http:// on this machine alone)", o.Issuer)
	}
	if o.Client == "" {
		return invalid("console.oidc.client: give the id that the issuer knows Vedette by")
	}
	if len(o.Roles) == 0 {
		return invalid("console.oidc.roles: nobody could sign in; give at least one group a role, such as soc: analyst")
	}
	for group, role := range o.Roles { // any order: one that is wrong is named
		if group == "" || !slices.Contains(roles[:], role) {
			return invalid("console.oidc.roles: %q: %q is no role; there are %s", group, role, strings.Join(roles[:], ", "))
		}
	}
	if o.Redirect == "" {
		o.Redirect = c.Console.Address(RedirectPath)
	}
	u, err := url.Parse(o.Redirect)
	if err != nil || !web(o.Redirect) || u.Path != RedirectPath || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return invalid("console.oidc.redirect: browsers must come back to https://NAME%s; %q is something else", RedirectPath, o.Redirect)
	}
	if name := u.Hostname(); !near(name) && !slices.ContainsFunc(c.Console.Hosts, func(h string) bool { return strings.EqualFold(h, name) }) {
		return invalid("console.oidc.redirect: %s is not among console.hosts, so browsers could not come back; add it there", name)
	}
	c.Console.OIDC = o
	return nil
}

// web reports whether an address begins with https, or leads to this machine alone.
func web(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && near(u.Hostname()))
}

// near reports whether a host is this machine itself.
func near(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Address returns the address of a page of the console, as browsers reach it: by the first
// of the hosts if there is one.
func (c Console) Address(path string) string {
	host, port, err := net.SplitHostPort(c.Listen)
	if ip, errIP := netip.ParseAddr(host); err != nil || host == "" || errIP == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	if len(c.Hosts) > 0 && c.Cert != "" {
		host = c.Hosts[0]
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: path}
	if c.Cert != "" {
		u.Scheme = "https"
		u.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return u.String()
}
