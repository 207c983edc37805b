// Package desk says what the faces show and do: the shapes of what they are given, the
// interfaces by which they ask for it, and the door through which people and programs come
// in. The console and the API stand on it, so that neither can do what the other cannot,
// and one set of adapters serves both.
//
// Errors that these interfaces return should carry a kind of package fault; the message of
// an error of any kind but Internal is shown to people as it is.
package desk

import (
	"context"
	"time"

	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// Desk is all that the faces are given.
type Desk struct {
	Door      *Door
	Incidents Incidents
	Cases     Cases
	Entities  Entities
	Sources   Sources
	Records   Records
	People    People
	Overview  Overview
	Settings  Settings
	Changes   Changes
	Audit     Audit
	Site      string // what the organisation calls the place
	Version   string // of the program
	Now       func() time.Time
}

// By says who asks for a change, and how.
type By struct {
	auth.Principal
	Key     string // the same for the same request made again; empty: each is another
	Version uint64 // of what the person saw; 0: whatever it is now
}

// Pile is which incidents a list holds.
type Pile string

// The piles.
const (
	Surfaced Pile = "surfaced" // open, and shown to people
	Hidden   Pile = "hidden"   // open, and below the budget
	Closed   Pile = "closed"
)

// Filter says which incidents are asked for.
type Filter struct {
	Pile     Pile
	Text     string     // in titles and names; empty for all
	Assignee string     // empty for all
	Entity   entity.Key // 0 for all
	Order    Order
}

// Order is how a list is sorted. The zero Order is the list's own: the most urgent
// incidents, or the entities that were seen last, first.
type Order struct {
	By string // incidents: "changed", "sure", "findings", "assignee"; entities: "name", "kind", "learned", "seen"
	Up bool   // the least first
}

// Row is an incident in a list.
type Row struct {
	ID              uint64
	Version         uint64
	Title           string // who did what to whom, in half a sentence
	Who             []string
	Surfaced        bool
	Hidden          string // why it is not surfaced
	Closed          bool
	Score           int     // 0-100
	Confidence      float64 // 0-1
	Concluded       incident.Verdict
	Verdict         incident.Verdict // of a person; empty if nobody has judged
	Assignee        string
	Opened, Updated time.Time
	Findings        int
}

// Counts is how many incidents each pile holds.
type Counts struct{ Surfaced, Hidden, Closed, Mine int }

// Case is an incident in full.
type Case struct {
	Row
	Body    incident.Incident // what the machine says
	By      string            // whose verdict it is
	At      time.Time         // of the verdict
	Reason  string            // of the verdict
	Names   narrate.Names
	Notes   []Note  // in order of time
	History []Event // in order of time
	Merged  uint64  // into which other incident; 0 for none
	Similar []Row   // past incidents like it; may be empty
}

// Note is what a person wrote.
type Note struct {
	Author string
	Time   time.Time
	Text   string
}

// Event is one thing that happened to an incident: who did what.
type Event struct {
	Time  time.Time
	Actor string // a person's name, or empty for the machine
	What  string // after the actor: "judged it malicious"
}

// Incidents reads incidents. A cursor is opaque, holds what it needs, and leads on from
// where a list ended, neither skipping nor repeating what was there when it began.
type Incidents interface {
	List(ctx context.Context, tenant string, f Filter, cursor string, n int) (rows []Row, next string, err error)
	Get(ctx context.Context, tenant string, id uint64) (Case, error)
	Counts(ctx context.Context, tenant, person string) (Counts, error)
}

// Cases changes incidents. A version in By that is not today's is a Conflict.
type Cases interface {
	Judge(ctx context.Context, by By, id uint64, v incident.Verdict, reason string) error
	Note(ctx context.Context, by By, id uint64, text string) error
	Assign(ctx context.Context, by By, id uint64, person string) error // to nobody: ""
	Close(ctx context.Context, by By, id uint64) error
	Reopen(ctx context.Context, by By, id uint64) error
}

// Entity is who or what something is, and how we know.
type Entity struct {
	Key         entity.Key
	Kind        entity.Kind
	Name        string
	Own         bool        // of the organisation
	Group       string      // its peers; empty if it is compared with the whole estate
	Compared    int         // how many are in the group, itself included
	Peers       []EntityRow // of the group, those whose habits are nearest, the nearest first
	Looked      int         // among how many these were looked for
	First, Last time.Time
	Learned     float64 // 0-1
	Progress    Progress
	Identifiers []Identifier
	Signals     []Signal
	Firsts      []First           // what is new of the last 7 days, the newest first; only some
	Findings    []finding.Finding // the newest first
	Incidents   []Row
	Names       narrate.Names
}

// EntityRow is an entity in a list.
type EntityRow struct {
	Key       entity.Key
	Kind      entity.Kind
	Name      string
	Address   string
	Own       bool
	Learned   float64 // 0-1
	Last      time.Time
	Incidents int // open ones that are surfaced
}

// Identifier is a name that an entity had for a time.
type Identifier struct {
	Type     entity.IDType
	Value    string
	From, To time.Time // To is zero while it lasts
	How      string    // how we know: "DHCP lease", "Kerberos"
	Now      bool
}

// Progress is how far learning has come, in hours of telemetry.
type Progress struct {
	Entity int // that the entity has been known
	Estate int // that all that is ours has
	Full   int // of either, from which on nothing is damped; 0 if the entity is not learned
}

// Reading says how a signal is to be read.
type Reading string

// The readings.
const (
	Sum     Reading = "sum"     // how much there was in an hour
	Largest Reading = "largest" // the largest there was in an hour
	News    Reading = "new"     // how many values were new to it
	Run     Reading = "run"     // nats of a run of first contacts that failed
	Rhythm  Reading = "rhythm"  // nats of the most regular contact
	Busy    Reading = "busy"    // 1 in an hour with anything
)

// Signal is one measured quantity of an entity: what is normal and what was seen, hour by
// hour, the oldest first. The last hour may not be over.
type Signal struct {
	Name, Unit string
	Detector   string
	Facet      finding.Facet
	Reading    Reading
	Window     time.Duration
	Points     []Point
	Known      bool // enough was learned for a band
	Ever       bool // anything was ever seen of it
}

// Point is one window of a signal. The band is what the model expects now of that hour of
// the day; of an hour that led to a finding, what it expected then.
type Point struct {
	Time      time.Time
	Observed  float64 // to the precision that is kept, about 7 %; exact for small counts
	Low, High float64 // between which 95 % of hours with anything lie; Low is 0 where hours without are usual
	Often     float64 // share of hours with anything, 0 to 1
	Own       float64 // hours of its own behind the band, beside six that are borrowed of its peers
	Finding   bool    // it led to a finding
	Missing   bool    // nothing was seen of the entity
	Open      bool    // the hour is not over
}

// First is something that an entity turned to for the first time.
type First struct {
	Signal string // "new places outside"
	Peer   EntityRow
	Label  string    // what it was about, such as "tcp/445"; may be empty
	Time   time.Time // beginning of the hour
}

// Entities reads entities. Find returns those that something is called, or all, those
// last seen first; or in another order. A list cannot be sorted by what it does not know: that
// is Invalid.
type Entities interface {
	Entity(ctx context.Context, tenant string, key entity.Key) (Entity, error)
	Find(ctx context.Context, tenant, text string, o Order, cursor string, n int) (rows []EntityRow, next string, err error)
}

// Source is where records come from, and what became of them. What is received is decoded,
// rejected with a reason, or lost.
type Source struct {
	Name, Kind, Format                string
	Received, Decoded, Rejected, Lost int64
	Late, Ahead                       int64    // events, among the decoded, that came late or ahead of this machine's clock
	Reasons                           []Reason // why records were rejected, the most frequent first
	First, Last                       time.Time
	State                             SourceState
	Says                              string  // what is wrong and what to do about it; empty if nothing is
	Hours                             []int64 // received in each of the last 24 hours, the oldest first; may be nil
}

// Reason is why records were rejected, and how many.
type Reason struct {
	Why   string
	Count int64
}

// SourceState is how a source does.
type SourceState string

// The states of a source.
const (
	Fine   SourceState = "fine"
	Gap    SourceState = "gap"    // something is missing that should be there
	Silent SourceState = "silent" // it used to speak
	Failed SourceState = "failed" // it cannot be read
	Idle   SourceState = "idle"   // it has nothing more to say: a file at its end
)

// Sources reads the accounts of sources.
type Sources interface {
	Sources(ctx context.Context, tenant string) ([]Source, error)
}

// Record is a record behind a finding.
type Record struct {
	Where  string // as `vedette show` takes it
	Fields []Field
}

// Field is one kept field of a record.
type Field struct{ Name, Value string }

// Records reads the records behind findings. One that is kept no longer is NotFound.
type Records interface {
	Record(ctx context.Context, tenant string, r finding.Ref) (Record, error)
}

// Promise is whether the budget is kept.
type Promise struct {
	Budget   float64 // false incidents per 1,000 entities and day
	Entities int     // active in the last 7 days
	Learning float64 // 0-1
	Days     []Day   // the oldest first
}

// Day is what came of one day.
type Day struct {
	Date     time.Time
	Surfaced int
	False    int // judged benign by people
	Open     int // not judged yet
}

// Done is what the machine did since midnight, UTC.
type Done struct {
	Records, Events, Findings int64
	Incidents, Surfaced       int
}

// Part is a part of the machine and how it does.
type Part struct {
	Name string
	Fine bool
	Says string // what is wrong and what to do; or in a word how it is
}

// Overview reads what Home shows.
type Overview interface {
	Promise(ctx context.Context, tenant string) (Promise, error)
	Done(ctx context.Context, tenant string) (Done, error)
	Health(ctx context.Context, tenant string) ([]Part, error)
}

// Budget is the setting of that name.
type Budget struct {
	PerThousand float64 // false incidents per 1,000 entities and day
	Version     uint64
	Author      string
	Time        time.Time
}

// Settings reads and changes settings.
type Settings interface {
	Budget(ctx context.Context, tenant string) (Budget, error)
	SetBudget(ctx context.Context, by By, perThousand float64) error
}

// Change says that something is no longer as it was shown.
type Change struct {
	What string // "incident", "source", "health", "settings"
	ID   uint64 // of an incident
}

// Changes tells of changes until the context ends, when the channel is closed. Who is slow
// may miss some, never the last.
type Changes interface {
	Watch(ctx context.Context, tenant string) <-chan Change
}
