package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"vedette/internal/config"
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
	log := logger(c.Log, s.err)
	d, err := daemon.Open(ctx, c, log)
	if err != nil {
		return err
	}
	faces, err := d.Faces(ctx, version)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	log.Info("watching", "data", c.Data, "sources", len(c.Feeds), "console", c.Console.Listen)
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-again:
				if _, err := faces.Reload(ctx); err != nil {
					log.Error("the configuration was not read again", "why", err)
				}
			}
		}
	}()
	return errors.Join(faces.Run(ctx), d.Close())
}

// logger returns a log as the configuration wants it.
func logger(c config.Log, to io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}
