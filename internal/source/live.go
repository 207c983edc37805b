package source

import (
	"context"

	"vedette/internal/event"
	"vedette/internal/plug"
)

// Record is one piece of telemetry as it arrives from a source that goes on.
type Record struct {
	Source   string // who saw it, as evidence names it; with Position the same record for ever
	Format   string // name of the decoder; empty if it is to be recognised from what comes first
	Position uint64 // where it stands in its source, from 1
	Trust    event.Trust
	Time     int64  // when it was, as its sender says beside it, Unix nanoseconds; counts if it does not say so itself; 0 if it is not known
	Data     []byte // one line, without its end
}

// Out takes records, of one goroutine. They go on their way at the next Mark or Flush, so
// a feed calls one of them often: at least every second while records come, and at least
// every MiB of them.
type Out interface {
	// Emit takes a record, whose Data it does not keep. An error means that nothing can be
	// kept any more. The record is not safe yet.
	Emit(ctx context.Context, r Record) error
	// Mark notes where a source goes on after all that was emitted so far; without a place,
	// that there is nothing to go on with any more. It is kept in
	// the same step as those records, or not at all. It waits while what comes after is
	// busy: that is how a source learns to slow down.
	Mark(source string, place []byte)
	// Flush returns nil when all that was emitted and marked is safe: only then may a
	// sender be told so.
	Flush(ctx context.Context) error
	// Lost counts records that a source knows it could not take, and why.
	Lost(source, reason string, n uint64)
}

// Feed is a source that goes on.
type Feed interface {
	// Run emits records until ctx ends, and then returns nil, or fails in a way that only a
	// person can mend. Place returns what was marked last for a source, nil if nothing was:
	// beginning there, nothing is lost and nothing is twice. New returns an Out for one
	// goroutine.
	Run(ctx context.Context, place func(source string) []byte, newOut func() Out) error
}

// Kind describes a plug-in that makes feeds.
type Kind struct {
	plug.Info
	// New returns a feed from its part of the configuration, which is YAML. An error says
	// what is wrong with it, for people.
	New func(config []byte) (Feed, error)
}

// About implements [plug.Plugin].
func (k Kind) About() plug.Info { return k.Info }
