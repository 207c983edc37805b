package auth

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"vedette/internal/fault"
)

// Role is what somebody is here for.
type Role string

// The roles.
const (
	Viewer        Role = "viewer"        // looks
	Analyst       Role = "analyst"       // decides what an incident is
	Responder     Role = "responder"     // decides what is done about it
	Clinical      Role = "clinical"      // answers for medical devices and controllers
	Administrator Role = "administrator" // keeps the system
	Auditor       Role = "auditor"       // looks at everything, changes nothing
)

// Roles returns all roles, in the order of the table.
func Roles() []Role {
	return []Role{Viewer, Analyst, Responder, Clinical, Administrator, Auditor}
}

// ParseRole returns the role of that name.
func ParseRole(name string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == name {
			return r, nil
		}
	}
	return "", fault.New(fault.Invalid, fmt.Sprintf("there is no role %q", name))
}

// Permission is one thing that somebody may or may not do. The list is closed.
type Permission uint8

// The permissions.
const (
	ReadIncidents Permission = iota
	ReadEvents
	WriteNotes
	JudgeIncidents
	WriteExceptions
	Export
	ProposeActions
	ApproveActions
	ApproveClinical
	UndoActions
	ReadCaptures
	RunExercises
	GrantLevels
	ManageSources
	ManageSettings
	ManagePeople
	MakeBackups
	ReadAudit
	permissions // how many there are
)

// right is a row of the table: a permission, and which roles have it.
type right struct {
	permission Permission
	name       string // in tokens and the API
	says       string // after "may"
	token      bool   // a program may have it: never what needs a person's judgement
	roles      [6]bool
}

// table says who may do what. Reading it down a column is reading a role.
func table() [permissions]right {
	const (
		x = true
		o = false
	)
	return [permissions]right{
		// token, then: viewer, analyst, responder, clinical, administrator, auditor
		{ReadIncidents, "incidents.read", "see incidents and their evidence", x, [6]bool{x, x, x, x, x, x}},
		{ReadEvents, "events.read", "search the telemetry", x, [6]bool{o, x, x, x, x, x}},
		{WriteNotes, "notes.write", "write notes", x, [6]bool{o, x, x, x, x, o}},
		{JudgeIncidents, "incidents.judge", "judge, assign and close incidents", x, [6]bool{o, x, x, x, x, o}},
		{WriteExceptions, "exceptions.write", "make exceptions", x, [6]bool{o, x, x, o, x, o}},
		{Export, "export", "export", x, [6]bool{o, x, x, o, x, x}},
		{ProposeActions, "actions.propose", "propose actions", x, [6]bool{o, x, x, x, x, o}},
		{ApproveActions, "actions.approve", "approve actions", o, [6]bool{o, o, x, o, x, o}},
		{ApproveClinical, "clinical.approve", "approve actions on medical devices and controllers", o, [6]bool{o, o, o, x, o, o}},
		{UndoActions, "actions.undo", "take actions back", o, [6]bool{o, o, x, x, x, o}},
		{ReadCaptures, "captures.read", "open quarantined mail and captures", o, [6]bool{o, o, x, o, o, o}},
		{RunExercises, "exercises.run", "run exercises", x, [6]bool{o, o, x, o, x, o}},
		{GrantLevels, "levels.grant", "grant the machine a level of autonomy", o, [6]bool{o, o, o, o, x, o}},
		{ManageSources, "sources.manage", "manage sources", x, [6]bool{o, o, o, o, x, o}},
		{ManageSettings, "settings.manage", "change settings", o, [6]bool{o, o, o, o, x, o}},
		{ManagePeople, "people.manage", "manage people", o, [6]bool{o, o, o, o, x, o}},
		{MakeBackups, "backups.make", "make backups", x, [6]bool{o, o, o, o, x, o}},
		{ReadAudit, "audit.read", "read the audit", x, [6]bool{o, o, o, o, x, x}},
	}
}

// String returns the name of the permission, such as "incidents.read".
func (p Permission) String() string {
	if p < permissions {
		return table()[p].name
	}
	return "nothing"
}

// Says returns what somebody with the permission may do, such as "see incidents".
func (p Permission) Says() string {
	if p < permissions {
		return table()[p].says
	}
	return "do this"
}

// Permissions is a set of permissions.
type Permissions uint64

// SetOf returns the set of some permissions.
func SetOf(all ...Permission) (s Permissions) {
	for _, p := range all {
		if p < permissions {
			s |= 1 << p
		}
	}
	return s
}

// Has reports whether p is in the set.
func (s Permissions) Has(p Permission) bool { return p < permissions && s>>p&1 == 1 }

// Within reports whether all of s is in o too.
func (s Permissions) Within(o Permissions) bool { return s&^o == 0 }

// Names returns the names of the permissions, in the order of the table.
func (s Permissions) Names() []string {
	names := make([]string, 0, bits.OnesCount64(uint64(s)))
	for p := range permissions {
		if s.Has(p) {
			names = append(names, p.String())
		}
	}
	return names
}

// String returns the names, separated by commas.
func (s Permissions) String() string { return strings.Join(s.Names(), ",") }

// ParsePermissions returns the set of the permissions with these names.
func ParsePermissions(names ...string) (s Permissions, err error) {
	for _, n := range names {
		known := false
		for _, r := range table() {
			if r.name == n {
				s, known = s|SetOf(r.permission), true
			}
		}
		if !known {
			return 0, fault.New(fault.Invalid, fmt.Sprintf("there is no permission %q", n))
		}
	}
	return s, nil
}

// Permissions returns what people of the role may do. An unknown role may nothing.
func (r Role) Permissions() (s Permissions) {
	for i, role := range Roles() {
		if role != r {
			continue
		}
		for _, t := range table() {
			if t.roles[i] {
				s |= SetOf(t.permission)
			}
		}
	}
	return s
}

// ForTokens returns the permissions that a token can have at all.
func ForTokens() (s Permissions) {
	for _, t := range table() {
		if t.token {
			s |= SetOf(t.permission)
		}
	}
	return s
}

// rank says which of two roles reaches further, for those who have several: the later. An
// auditor sees more than a viewer and changes as little.
func rank() []Role {
	return []Role{Viewer, Auditor, Analyst, Clinical, Responder, Administrator}
}

// RoleOf returns the role of somebody who is in some groups: of those that the groups have,
// the one that reaches furthest. Groups are compared letter by letter. Without any there is
// no role.
func RoleOf(groups []string, roles map[string]Role) (Role, bool) {
	best := -1
	for _, g := range groups {
		if r, ok := roles[g]; ok {
			best = max(best, slices.Index(rank(), r))
		}
	}
	if best < 0 {
		return "", false
	}
	return rank()[best], true
}
