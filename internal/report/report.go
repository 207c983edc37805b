// Package report writes what was found: for people on a terminal ([Text]) or in a browser
// ([HTML]), and for programs ([JSON]).
//
// The same report makes the same bytes, whatever the clock says. What comes from telemetry
// is made visible before it is written, so that a name can neither move a terminal's
// cursor nor turn a line round, and escaped where it becomes markup.
package report

import (
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

// Report is what there is to say.
type Report struct {
	Sources   []Source
	Findings  []finding.Finding   // ranked
	Incidents []incident.Incident // ranked: the first is the most worth a person's time
	Entities  int                 // of the organisation
	Records   int64               // what came in
	Events    int64               // what was made of it
	Rejected  int64               // records that were not understood
	Late      int64               // events from before the time up to which was learned already; not learned again
	Unread    int                 // sources that could not be read, or not whole
	Seconds   float64             // how long it took: the only figure that a clock has a part in
	Learning  float64             // 0-1: how much of the learning period has passed
	Budget    float64             // surfaced false incidents per 1,000 entities and day
	Names     Names
	// Record returns the kept fields of the record behind a reference, nil if it cannot
	// be had. It may itself be nil.
	Record func(finding.Ref) []Field
}

// Source is one thing that records came from, and what became of them.
type Source struct {
	Path, Format              string
	Records, Events, Rejected int64
	Reasons                   map[string]int64 // why records were rejected
	Datasets                  map[string]int64 // events by what they are; of captures only, which hold many
	First, Last               int64            // times of its events, Unix nanoseconds; 0 without any
	Status                    string           // in one word: "read", "not telemetry", "unreadable"
	Problem                   string           // what is wrong with it; empty if nothing is
}

// Field is one kept field of an event.
type Field struct{ Name, Value string }

// Names knows what entities are called and where records stand. It returns the same
// answer each time.
type Names interface {
	// Name returns what people call the entity; empty if nobody knows.
	Name(entity.Key) string
	Kind(entity.Key) entity.Kind
	// Addresses returns the addresses it was seen with, the most telling first.
	Addresses(entity.Key) []string
	// Where returns where the record stands, as `vedette show` takes it: "path#line".
	Where(finding.Ref) string
}
