// Package finding defines what a detector claims: that an entity did something that is
// unusual, by how much, and which records show it.
package finding

import (
	"vedette/internal/attack"
	"vedette/internal/entity"
)

// Facet is a kind of evidence. Within a facet the strongest counts; facets add up.
type Facet uint8

// The facets.
const (
	Volume         Facet = iota // how much is moved
	Destination                 // places outside that are new or rare
	Lateral                     // machines and services inside that are new
	Authentication              // signing in
	Beacon                      // regular contact
	Scan                        // feeling the way
	Hours                       // when something happens
	Session                     // how long a conversation lasts
	Third                       // what other tools claim
	Facets                      // how many there are
)

// String returns the facet's name.
func (f Facet) String() string {
	names := [...]string{
		"volume", "new destination", "lateral", "authentication", "beacon", "scan",
		"hours", "long session", "third-party alert",
	}
	if f < Facets {
		return names[f]
	}
	return ""
}

// Sort says how evidence ages: what must be known before it can be believed.
type Sort uint8

// The sorts of evidence.
const (
	ForIt    Sort = iota // unusual for the entity: damped while the entity is young
	Here                 // unusual among its peers: damped while the estate is young
	Decisive             // needs no history
)

// Ref leads to a record: the source's number in the machine that wrote it, the record's
// position there, and the event's place in the record.
type Ref struct {
	Position uint64
	Source   uint32
	Index    uint32
}

// Finding is one claim.
type Finding struct {
	ID         uint64 // the same on every replay
	Detector   string // leads to its file
	Facet      Facet
	Sort       Sort
	Techniques []attack.ID
	Entity     entity.Key
	Peers      []Peer   // who else takes part, the most telling first; at most 8
	Labels     []string // what it was about, such as "tcp/445"; at most 8
	Time       int64    // when it could first be said, Unix nanoseconds
	From, To   int64    // the window it speaks of

	// How the score came about, so that it can be worked out by hand.
	Signal   string  // what was measured
	Says     string  // the sentence of the signal, with {n}, {peers}, {labels}
	Unit     string  // of Observed and Expected; empty for a count
	Observed float64 // in the window
	Expected float64 // the middle of what was normal for it; negative if nothing is known
	Usual    float64 // 97.5 % of what was normal lies below
	Native   float64 // nats of the model
	Raw      float64 // nats after calibration against the peers
	Damping  float64 // 0-1: how much of it is believed, for lack of history
	Habit    float64 // nats taken off, because it has been said before
	Nats     float64 // what counts: Raw x Damping - Habit - U1, see package baseline
	History  float64 // entity-windows the calibration rests on; rarity is not said beyond it

	Evidence []Ref
}

// Peer is another party of a finding.
type Peer struct {
	Key     entity.Key
	Holders uint32 // how many of our entities know it
}

// Risk is what stands against an entity at some moment.
type Risk struct {
	Entity    entity.Key
	Time      int64
	Total     float64 // sum of Facets, nats
	Facets    [Facets]float64
	Top       Facet
	Threshold float64 // nats at which it is worth a person's time, at the budget
	Day       int64   // Unix day
}
