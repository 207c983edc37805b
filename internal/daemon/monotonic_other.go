//go:build !linux

package daemon

import "time"

// monotonic is asked for by no service manager here.
func monotonic() time.Duration { return 0 }
