package config

import (
	"strings"
	"testing"

	"vedette/internal/plug"
	"vedette/internal/source"
)

func TestOIDC(t *testing.T) {
	const right = "issuer: https://idp.example\nclient: v\nroles: {soc: analyst}\n"
	for name, test := range map[string]struct{ console, oidc, redirect, wrong string }{
		"loopback":       {"", right, "http://127.0.0.1:8432/login/elsewhere/back", ""},
		"tls":            {"listen: 0.0.0.0:8432\ncert: c\nkey: k\nhosts: [v.example, other.example]\n", right, "https://v.example:8432/login/elsewhere/back", ""},
		"tls_443":        {"listen: ':443'\ncert: c\nkey: k\nhosts: [v.example]\n", right, "https://v.example/login/elsewhere/back", ""},
		"behind_a_proxy": {"hosts: [v.example]\n", right + "redirect: https://v.example/login/elsewhere/back\n", "https://v.example/login/elsewhere/back", ""},
		"local_issuer":   {"", "issuer: http://127.0.0.1:5556\nclient: v\nroles: {a b c: administrator}\n", "http://127.0.0.1:8432/login/elsewhere/back", ""},

		"no_issuer":       {"", "client: v\nroles: {soc: analyst}\n", "", "console.oidc.issuer"},
		"plain_issuer":    {"", "issuer: http://idp.example\nclient: v\nroles: {soc: analyst}\n", "", "begins with https://"},
		"script":          {"", "issuer: 'javascript://x'\nclient: v\nroles: {soc: analyst}\n", "", "console.oidc.issuer"},
		"no_client":       {"", "issuer: https://idp.example\nroles: {soc: analyst}\n", "", "console.oidc.client"},
		"no_roles":        {"", "issuer: https://idp.example\nclient: v\n", "", "nobody could sign in"},
		"no_such_role":    {"", "issuer: https://idp.example\nclient: v\nroles: {soc: boss}\n", "", `"boss" is no role; there are viewer`},
		"unknown_key":     {"", right + "secret: x\n", "", `no key "`},
		"elsewhere":       {"", right + "redirect: https://evil.example/login/elsewhere/back\n", "", "not among console.hosts"},
		"another_path":    {"hosts: [v.example]\n", right + "redirect: https://v.example/\n", "", "browsers must come back"},
		"with_a_question": {"hosts: [v.example]\n", right + "redirect: https://v.example/login/elsewhere/back?a=b\n", "", "browsers must come back"},
		"unencrypted":     {"hosts: [v.example]\n", right + "redirect: http://v.example/login/elsewhere/back\n", "", "browsers must come back"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "console:\n"
			for l := range strings.Lines(test.console) {
				text += "  " + l
			}
			text += "  oidc:\n"
			for l := range strings.Lines(test.oidc) {
				text += "    " + l
			}
			c, err := parse([]byte(text), plug.Set[source.Kind]{})
			switch {
			case test.wrong == "" && err != nil:
				t.Fatal(err)
			case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
				t.Fatalf("it says %v", err)
			case c.Console.OIDC.Redirect != test.redirect:
				t.Errorf("browsers come back to %q", c.Console.OIDC.Redirect)
			case test.wrong == "" && c.Console.OIDC.Groups != "groups":
				t.Errorf("groups are in %q", c.Console.OIDC.Groups)
			}
		})
	}
}
