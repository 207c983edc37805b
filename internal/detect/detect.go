// Package detect defines what a detector is. Detectors live below this package, one file
// each, grouped by the domain they watch; the list is in package all.
//
// A detector has no memory of its own. It says what is measured, by which model, and in
// Observe which part of an event counts; the baseline counts, learns, scores, saves and
// replays. So a detector is a table and a pure function, and there is nothing in it to
// lock, save or lose.
package detect

import (
	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
)

// Kind describes a detector.
type Kind struct {
	plug.Info
	Facet      finding.Facet
	Techniques []attack.ID
	Wants      []event.Type // the events it is shown
	Signals    []Signal     // what it measures; known to Memory by index
	Values     []Value      // whose novelty it asks for; known to Seen by index

	// Observe takes note of an event in the memory of one of our entities that took part.
	Observe func(s *Seen, m Memory)
}

// About implements [plug.Plugin].
func (k Kind) About() plug.Info { return k.Info }

// Side says which part an entity played in an event.
type Side uint8

// The sides.
const (
	Acts   Side = iota // it is the event's subject: the client
	Serves             // it is the event's object: the server
)

// Signal is one quantity of an entity that is learned and scored.
type Signal struct {
	Name   string // "bytes sent outside"
	Says   string // the sentence about it: "sent {n} to {peers}"; {n} observed, {peers}, {labels}
	Unit   string // "bytes", "seconds", or empty for a count
	Model  Model
	Sort   finding.Sort
	First  learn.Prior // of an Amount or Largest, before anything is known
	Floor  float64     // less than that is not worth saying
	Hourly uint32      // Beats: how many contacts of an hour count
	Heavy  float64     // mean excess of scores, in nats, before anything is known; 0 is 1, an honest score
}

// Model is how a signal is learned.
type Model uint8

// The models.
const (
	Amount  Model = iota // the sum in a window: learn.Hurdle by time of day
	Largest              // the largest in a window: likewise
	News                 // how many new values among those shown: learn.News and learn.Rarity
	Trials               // successes and failures of first contacts: learn.Trial
	Beats                // regularity of contacts with one peer: learn.Rhythm
	Clock                // whether there is anything at this hour of the day: learn.Clock
)

// Value is a property that events of many entities have in common: a peer, a service.
// Detectors that give the same name share it.
type Value struct {
	Name string
	Asks Asks                              // what is wanted of its novelty
	Of   func(e event.View, s Side) uint64 // a hash; 0 is "has none"
}

// Asks says how much is wanted of a novelty: each look into a large table costs.
type Asks uint8

// What can be asked.
const (
	WhenFirst Asks = iota // Group, Estate and Recent, if it is First
	OnlyFirst             // nothing but First
	Always                // Estate in any case; Group and Recent if it is First
)

// Seen is an event as one of its parties sees it. It is valid until Observe returns.
type Seen struct {
	event.View
	Side  Side
	All   []Novelty // of all values that are asked for, when the event came
	Index []int     // of the detector's Values in All
}

// Novelty returns how new the detector's value number i was.
func (s *Seen) Novelty(i int) Novelty { return s.All[s.Index[i]] }

// Self returns the party whose memory this is, and Peer the other.
func (s *Seen) Self() *entity.Ref {
	if s.Side == Acts {
		return &s.Head().Subject
	}
	return &s.Head().Object
}

// Peer returns the other party.
func (s *Seen) Peer() *entity.Ref {
	if s.Side == Acts {
		return &s.Head().Object
	}
	return &s.Head().Subject
}

// Novelty says how new a value was.
type Novelty struct {
	First  bool    // this entity never had it before
	Group  uint32  // how many of its peers had it; only if First
	Estate uint32  // how many of our entities had it; only if First, or if it is asked Always
	Recent float32 // how many of ours adopted it in the last day or so; only if First
}

// Label says in words what was counted. It is put together only where it may be shown.
type Label struct {
	Name []byte // "tcp", or all there is to say
	Port uint16 // if not 0, Name is followed by it: "tcp/445"
}

// Memory is what is remembered of an entity. What a Decisive signal is told is scored
// before the batch ends, the rest at the next barrier.
type Memory interface {
	// Add adds x to an Amount, offers it to a Largest, or marks the hour of a Clock.
	Add(signal int, x float64, label Label)
	// Foresee offers x to a Largest for scoring alone: it is not over yet, and will be
	// added when it is.
	Foresee(signal int, x float64, label Label)
	// Draw shows a value to a News: how new it was, and how much that weighs.
	Draw(signal int, n Novelty, label Label)
	// Try tells a Trials of a first contact and how sure its outcome is, 0 to 1.
	Try(signal int, success bool, weight float64, label Label)
	// Beat tells a Beats of a contact with the peer that key stands for: when it began,
	// Unix nanoseconds, and how much was said.
	Beat(signal int, key uint64, at int64, bytes float64, label Label)
}
