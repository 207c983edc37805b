// Package doctor finds out what is wrong, or will be soon, and says what to do about it.
//
// It is one list of small checks. The verb looks at everything, with or without a daemon that
// runs; the console shows what the daemon can tell of itself, by the same checks.
package doctor

import (
	"time"

	"vedette/internal/config"
)

// State is how bad something is.
type State string

// The states.
const (
	OK    State = "ok"
	Watch State = "watch" // look at it when there is time
	Act   State = "act"   // something is lost, or will be, until somebody does something
)

// Line is what a check found.
type Line struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // the next step; empty if there is none
}

// Facts is what only the daemon knows.
type Facts struct {
	Version   string        `json:"version"`
	PID       int           `json:"pid"`
	Started   time.Time     `json:"started"`
	Jumped    time.Duration `json:"jumped"` // the greatest jump of the clock that it saw; nanoseconds
	JumpedAt  time.Time     `json:"jumped_at"`
	Lag       uint64        `json:"lag"` // entries of the log that are not learned yet
	LogBytes  int64         `json:"log_bytes"`
	LogLost   string        `json:"log_lost"` // what was found missing when it was opened
	Snapshot  time.Time     `json:"snapshot"` // when what was learned was saved last
	Failing   string        `json:"failing"`  // why that, or keeping incidents, fails now; empty if it does not
	Segments  int           `json:"segments"`
	Stored    int64         `json:"stored"` // bytes of the event store
	From      time.Time     `json:"from"`   // of its first event, and of its last
	To        time.Time     `json:"to"`
	Damaged   []string      `json:"damaged"` // files of it that were put aside, and why
	Sources   []Source      `json:"sources"`
	Feeds     int           `json:"feeds"` // sources that are configured
	Learning  float64       `json:"learning"`
	Entities  int           `json:"entities"` // of ours, active in the last 7 days
	Budget    float64       `json:"budget"`   // false incidents per 1,000 entities and day
	Days      int           `json:"days"`     // whole days that Surfaced and False are of
	Surfaced  int           `json:"surfaced"`
	False     int           `json:"false"` // of those, judged benign
	Open      int           `json:"open"`  // of those, not judged yet
	Strangers bool          `json:"strangers"`
}

// Source is a source as the daemon knows it.
type Source struct {
	Name  string        `json:"name"`
	Ill   bool          `json:"ill"`   // it is not as it should be
	Says  string        `json:"says"`  // why, and what to do
	Ahead time.Duration `json:"ahead"` // by how much its latest event was ahead of the clock when it came; negative: behind
	Lost  int64         `json:"lost"`
	Rate  float64       `json:"rate"` // of what it sent, the share that was rejected
	Why   string        `json:"why"`  // the most frequent reason
}

// Subject is what is examined.
type Subject struct {
	Config config.Config
	File   string // of the configuration; empty if there is none
	Facts  *Facts // nil if no daemon answers
	Silent error  // why it does not
	Now    time.Time
}

// check is one check. It returns nothing if there is nothing to check.
type check struct {
	name   string
	within bool // the daemon can make it of itself, and the console shows it
	do     func(Subject) []Line
}

func checks() []check {
	return []check{
		{"Program", false, program},
		{"Configuration", false, configuration},
		{"Data folder", false, folder},
		{"Certificate", true, certificate},
		{"Disk", true, disk},
		{"Clock", false, clock},
		{"Time of events", true, eventTimes},
		{"Kernel", false, kernel},
		{"Sources", true, sources},
		{"Log", true, log},
		{"Events", true, events},
		{"Learning", true, learning},
		{"Budget", false, budget},
		{"People", false, people},
	}
}

// Examine makes every check.
func Examine(s Subject) []Line { return examine(s, false) }

// Within makes the checks that the daemon can make of itself.
func Within(s Subject) []Line { return examine(s, true) }

func examine(s Subject, within bool) (all []Line) {
	for _, c := range checks() {
		if within && !c.within {
			continue
		}
		for _, l := range c.do(s) {
			l.Check = c.name
			all = append(all, l)
		}
	}
	return all
}

// Worst returns the worst state of all lines.
func Worst(all []Line) State {
	worst := OK
	for _, l := range all {
		if l.State == Act || l.State == Watch && worst == OK {
			worst = l.State
		}
	}
	return worst
}
