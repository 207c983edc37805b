// Package input defines what stands in the log, the only input there is.
//
// Everything that can change an answer is an [Entry]: telemetry and the passing of time,
// and later what people decide. Whoever applies the same entries in the same order is in
// the same state, to the byte. Nothing else reads a clock or asks the world.
package input

import "vedette/internal/event"

// Position is the place of an entry in the log. The first is 1.
type Position uint64

// Entry is one entry. Exactly one of Batch and Tick is set.
type Entry struct {
	At    Position
	Batch *event.Batch // telemetry, decoded and resolved
	Tick  int64        // no event before this time is waited for any longer; Unix nanoseconds
}
