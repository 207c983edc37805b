package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strconv"

	"vedette/internal/daemon"
)

// offline is what verbs share that look into the data folder themselves.
type offline struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file, which says where the data folder is."`
}

// with opens the data folder, lets do work on it, and closes it.
func (o *offline) with(ctx context.Context, reading bool, do func(*daemon.Offline) error) error {
	c, err := daemon.Configure(o.Config)
	if err != nil {
		return err
	}
	d, err := daemon.OpenOffline(ctx, c, caller(), reading)
	if err != nil {
		return err
	}
	return errors.Join(do(d), d.Close())
}

// caller returns who asks, as the system knows them.
func caller() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
