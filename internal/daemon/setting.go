package daemon

import (
	"context"
	"slices"

	"vedette/internal/input"
)

// declare puts what people set into the log, unless it holds there already, so that it
// holds from the next entry on. It is called at the start and whenever something was set.
func (d *Daemon) declare(ctx context.Context) error {
	d.declaring.Lock()
	defer d.declaring.Unlock()
	b, err := budgetOf(ctx, d.state.Tenant(tenant), d.current().Budget)
	if err != nil {
		return err
	}
	s := input.Setting{Budget: b.PerThousand, Own: slices.Clone(d.current().Own)}
	if s.Equal(d.declared) {
		return nil
	}
	d.live.Set(s)
	d.declared = s
	return nil
}
