package main

import (
	"fmt"
	"strings"

	"vedette/internal/config"
	"vedette/internal/daemon"
)

// checkVerb checks a configuration.
type checkVerb struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file; without it, the defaults are checked."`
}

// Run says what would run.
func (v *checkVerb) Run(s streams) error {
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	var feeds []string
	for _, f := range c.Feeds {
		feeds = append(feeds, f.Name)
	}
	if len(feeds) == 0 {
		feeds = []string{"none; name some under sources, or use vedette analyze on files"}
	}
	_, err = fmt.Fprintf(s.out, "data      %s\nsite      %s\nbudget    %g false incidents per 1,000 machines and day\nconsole   %s\nkeep      %d days\nsources   %s\n",
		c.Data, c.Site, c.Budget, c.Console.Listen, c.Keep.Days, strings.Join(feeds, ", "))
	if o := c.Console.OIDC; err == nil && o.Issuer != "" {
		_, err = fmt.Fprintf(s.out, "sign-in   also at %s, which must send browsers back to %s\n", o.Issuer, o.Redirect)
	}
	return err
}

// configVerb is what there is to say about configuration files.
type configVerb struct {
	Example exampleVerb `cmd:"" help:"Print a configuration file with every key and its default."`
}

// exampleVerb prints an example.
type exampleVerb struct{}

// Run prints the example.
func (exampleVerb) Run(s streams) error {
	_, err := fmt.Fprint(s.out, config.Example)
	return err
}
