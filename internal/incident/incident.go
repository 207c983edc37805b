// Package incident defines a case: findings that belong together, and what is to be made
// of them.
package incident

import (
	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
)

// Verdict is what an investigation concludes.
type Verdict string

// The verdicts.
const (
	Malicious   Verdict = "malicious"
	Suspicious  Verdict = "suspicious"
	Benign      Verdict = "benign-explained"
	NeedsPerson Verdict = "needs-a-person"
	Unjudged    Verdict = "unjudged" // nobody, and no machine, has looked at it yet
)

// Incident is one case.
type Incident struct {
	ID              uint64
	Opened, Updated int64 // Unix nanoseconds
	Entities        []entity.Key
	Findings        []finding.Finding // in order of time
	Links           []Link
	Facets          [finding.Facets]float64 // the strongest nats of each facet
	Risk            float64                 // their sum
	Threshold       float64                 // what the budget asked for at the time of the highest risk
	Score           int                     // 0-100; 50 is the threshold
	Surfaced        bool
	Hidden          string // why it is not surfaced
	Verdict         Verdict
	Confidence      float64 // 0-1: Score/100, less what lack of history takes from it
	Learning        float64 // 0-1: how much of the learning period had passed when it was opened
	Techniques      []attack.ID
	Phases          []attack.Tactic
}

// Link says why a finding belongs to an incident.
type Link struct {
	Finding  uint64 // its ID
	Strength float64
	Why      string     // "the same machine", "both involve"
	Shared   entity.Key // whom they share
	Holders  uint32     // how many of ours know it
}
