// Package all lists the detectors. A detector that is not here does not run.
package all

import (
	"vedette/internal/detect"
	"vedette/internal/detect/network"
)

// Kinds returns all detectors, in the order in which they see an event.
func Kinds() []detect.Kind {
	return []detect.Kind{
		network.NewPeer,
		network.NewDestination,
		network.Volume,
		network.Hours,
		network.Scan,
		network.BruteForce,
		network.Beacon,
		network.LongSession,
		network.Alert,
	}
}
