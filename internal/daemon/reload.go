package daemon

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"

	"vedette/internal/config"
	"vedette/internal/daemon/control"
	"vedette/internal/fault"
)

// current returns the configuration as it is now: a reload may change it.
func (d *Daemon) current() config.Config {
	d.reloading.RLock()
	defer d.reloading.RUnlock()
	return d.config
}

// Reload implements [control.Daemon]: it reads the configuration again and has what changed
// hold from now on, as far as it can while everything runs. Nothing of a file that is wrong
// holds. A certificate is read again also when its path is the same.
func (f *Faces) Reload(ctx context.Context) (control.Reloaded, error) {
	f.daemon.changing.Lock()
	defer f.daemon.changing.Unlock()
	old := f.daemon.current()
	c, err := Configure(old.File)
	if err != nil {
		return control.Reloaded{}, fmt.Errorf("nothing was changed: %w", err)
	}
	tell(reloading())
	defer tell("READY=1")
	r := unchangeable(old, c)
	certified, err := f.certify(c.Console)
	if err != nil {
		return control.Reloaded{}, fmt.Errorf("nothing was changed: %w", err)
	}
	if certified {
		r.Applied = append(r.Applied, "console.cert")
	}
	return r, f.apply(ctx, old, c, &r)
}

// unchangeable returns the keys that differ and cannot be changed while the daemon runs.
func unchangeable(old, c config.Config) (r control.Reloaded) {
	for _, k := range []struct {
		key     string
		differs bool
	}{
		{"data", old.Data != c.Data},
		{"site", old.Site != c.Site},
		{"console.listen", old.Console.Listen != c.Console.Listen},
		{"console.hosts", !slices.Equal(old.Console.Hosts, c.Console.Hosts)},
		{"console.cert", (old.Console.Cert == "") != (c.Console.Cert == "")},
		{"log", old.Log != c.Log},
	} {
		if k.differs {
			r.Restart = append(r.Restart, k.key)
		}
	}
	return r
}

// apply has the rest hold.
func (f *Faces) apply(ctx context.Context, old, c config.Config, r *control.Reloaded) error {
	d := f.daemon
	d.reloading.Lock()
	d.config.Budget, d.config.Own, d.config.Keep, d.config.Feeds = c.Budget, c.Own, c.Keep, f.watched(c.Feeds)
	d.config.Console.Cert, d.config.Console.Key = c.Console.Cert, c.Console.Key
	if (old.Console.Cert == "") != (c.Console.Cert == "") { // that needs a restart
		d.config.Console.Cert, d.config.Console.Key = old.Console.Cert, old.Console.Key
	}
	d.reloading.Unlock()
	if old.Keep != c.Keep {
		d.segments.Limit(retention(c), c.Keep.Disk)
		r.Applied = append(r.Applied, "keep")
	}
	if old.Budget != c.Budget {
		r.Applied = append(r.Applied, "budget")
		if b, err := f.budget(ctx, tenant); err == nil && b.PerThousand != c.Budget {
			r.Applied[len(r.Applied)-1] = fmt.Sprintf("budget (what was set in the console, %g, goes before it)", b.PerThousand)
		}
	}
	if !slices.Equal(old.Own, c.Own) {
		r.Applied = append(r.Applied, "own")
	}
	if err := d.declare(ctx); err != nil {
		return err
	}
	d.reloading.RLock()
	life := d.life
	d.reloading.RUnlock()
	if life == nil { // it begins with them
		return nil
	}
	begun, ended, err := d.feeds.change(life, d.current().Feeds)
	if begun+ended > 0 {
		r.Applied = append(r.Applied, fmt.Sprintf("sources (%d begun, %d ended)", begun, ended))
	}
	d.log.InfoContext(ctx, "the configuration was read again", "applied", r.Applied, "at_the_next_start", r.Restart)
	return err
}

// certify reads the certificate of the console, if it has one, and reports whether it is
// another than before.
func (f *Faces) certify(c config.Console) (changed bool, err error) {
	was := f.pair.Load()
	if c.Cert == "" {
		return false, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return false, fault.Wrap(fault.Invalid, fmt.Errorf("console.cert: %w", err))
	}
	f.pair.Store(&pair)
	return was == nil || !slices.EqualFunc(was.Certificate, pair.Certificate, slices.Equal), nil
}
