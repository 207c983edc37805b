package main

import (
	"context"
	"errors"
	"log/slog"

	"vedette/internal/daemon"
)

// runVerb runs the daemon.
type runVerb struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file; without it, everything has its default."`
}

// Run runs until it is interrupted.
func (v *runVerb) Run(ctx context.Context, s streams) error {
	c, err := daemon.Configure(v.Config)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.err, nil))
	d, err := daemon.Open(ctx, c, log)
	if err != nil {
		return err
	}
	faces, err := d.Faces(ctx, version)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	log.Info("watching", "data", c.Data, "sources", len(c.Feeds), "console", c.Console.Listen)
	return errors.Join(faces.Run(ctx), d.Close())
}
