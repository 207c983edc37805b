// Package syslog listens for syslog.
package syslog

import (
	"context"

	"vedette/internal/plug"
	"vedette/internal/source"
)

// Kind is a stub.
var Kind = source.Kind{
	Info: plug.Info{Name: "syslog", Summary: "being written"},
	New:  func(part []byte) (source.Feed, error) { return feed{}, decode(part, &struct{}{}) },
}

type feed struct{}

// Run implements [source.Feed].
func (feed) Run(ctx context.Context, place func(string) []byte, newOut func() source.Out) error {
	<-ctx.Done()
	return nil
}
