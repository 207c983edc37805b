package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// start measures how long `vedette version` takes, and how large the program is.
func start(ctx context.Context, b *bench) (r result, err error) {
	const runs = 20
	info, err := os.Stat(b.Binary)
	if err != nil {
		return r, err
	}
	var took []float64
	var version string
	for range runs {
		began := time.Now()
		out, err := exec.CommandContext(ctx, b.Binary, "version").Output()
		if err != nil {
			return r, fmt.Errorf("vedette version: %w", err)
		}
		took = append(took, time.Since(began).Seconds()*1000)
		version = string(out[:max(0, len(out)-1)])
	}
	slices.Sort(took)
	r.add("program", "size", float64(info.Size())/1e6, "MB", "as releases are built").most(70)
	r.add("program", "time of vedette version", middle(took), "ms",
		fmt.Sprintf("median of %d, from %s to %s; it says %q", runs, number(took[0]), number(took[runs-1]), version))
	return r, nil
}

// middle returns the median of sorted figures.
func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
