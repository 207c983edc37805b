// Package decode turns records into events. Each format is a package below this one;
// the list of them is in package all.
//
// A decoder survives any input, keeps nothing it is given, and redacts before it emits:
// what is protected never reaches a batch. It knows no clock and no disk, so the same
// records always make the same events.
package decode

import (
	"vedette/internal/event"
	"vedette/internal/plug"
)

// Kind describes a decoder of records that are lines.
type Kind struct {
	plug.Info
	Makes []event.Type // the bodies it can produce
	// Sniff reports whether a source that begins with head is of this format. Head is
	// whole unless it is as long as HeadSize; then its last line may be cut. Names and
	// extensions are not looked at: they lie.
	Sniff func(head []byte) bool
	// New returns a decoder for one source, read from its beginning.
	New func() Record
}

// HeadSize is the most that Sniff is shown.
const HeadSize = 64 << 10

// MaxRecord is the longest record a decoder is given, in bytes. A longer one is
// rejected before.
const MaxRecord = 1 << 20

// About implements [plug.Plugin].
func (k Kind) About() plug.Info { return k.Info }

// Record decodes one line, without its end. It returns nil when the record was
// understood, even if it makes no event; [NotRecord] for a header, comment or blank
// line; a [Reason] when the record is rejected, and then all it emitted is taken back.
// It keeps no part of data.
type Record func(data []byte, emit *event.Emit) error

// Reason is why a record is rejected. It is a constant, so that reasons can be counted
// and none carries the record's own words to where people read.
type Reason string

// Error implements error.
func (r Reason) Error() string { return string(r) }

// NotRecord says that a line is part of the format and no telemetry.
const NotRecord = Reason("not a record")

// Reasons that several decoders share.
const (
	NotJSON    = Reason("not valid JSON")
	NotObject  = Reason("not a JSON object")
	NoTime     = Reason("no time, or one that makes no sense")
	NoHeader   = Reason("data before the header that names its columns")
	WrongShape = Reason("number of columns differs from the header")
	TooLong    = Reason("record longer than 1 MiB")
)
