package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"vedette/internal/daemon"
	"vedette/internal/fault"
)

// secretVerb keeps secrets that the program shows to others. They are encrypted, and never
// stand in the configuration.
type secretVerb struct {
	Set  secretSetVerb  `cmd:"" help:"Keep a secret, read from standard input. A daemon that runs uses it from then on."`
	List secretListVerb `cmd:"" help:"List the names of the secrets that are kept."`
	Drop secretDropVerb `cmd:"" help:"Forget a secret."`
}

type secretSetVerb struct {
	offline
	Name string `arg:"" help:"Which: oidc, of the client at the issuer that people sign in at."`
}

const mostSecret = 64 << 10 // bytes

// Run reads the secret and keeps it.
func (v *secretSetVerb) Run(ctx context.Context, s streams) error {
	return v.with(ctx, false, func(d *daemon.Offline) error {
		b, err := readSecret(s)
		if err != nil {
			return err
		}
		return d.SetSecret(ctx, v.Name, b)
	})
}

// readSecret reads a secret without showing it. A line's end behind it is not part of it.
func readSecret(s streams) (b []byte, err error) {
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprint(s.err, "Secret: ")
		b, err = term.ReadPassword(in)
		fmt.Fprintln(s.err)
	} else {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, mostSecret+1))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the secret: %w", err)
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if len(b) == 0 || len(b) > mostSecret {
		return nil, fault.New(fault.Invalid, "the secret has 1 to 65536 bytes; give it on standard input: vedette secret set NAME < FILE")
	}
	return b, nil
}

type secretListVerb struct{ offline }

// Run lists names.
func (v *secretListVerb) Run(ctx context.Context, s streams) error {
	return v.with(ctx, true, func(d *daemon.Offline) error {
		all, err := d.SecretNames(ctx)
		for _, n := range all {
			if err == nil {
				_, err = fmt.Fprintf(s.out, "%s   stored by %s, %s\n", n.Name, n.Author, n.Time.UTC().Format("2006-01-02 15:04Z"))
			}
		}
		return err
	})
}

type secretDropVerb struct {
	offline
	Name string `arg:"" help:"Which."`
}

// Run forgets it.
func (v *secretDropVerb) Run(ctx context.Context) error {
	return v.with(ctx, false, func(d *daemon.Offline) error { return d.DropSecret(ctx, v.Name) })
}
