// Package attack names techniques of MITRE ATT&CK (attack.mitre.org), enterprise and
// industrial, by id. Only those that a detector reports are here.
package attack

// ID is the id of a technique, such as "T1046", or of a tactic, such as "TA0007".
type ID string

// Technique is what we say about a technique.
type Technique struct {
	ID     ID
	Name   string
	Tactic Tactic // the one a detector of ours sees it under
}

// Tactic is the reason for a technique. Tactics are ordered as an intrusion tends to go.
type Tactic uint8

// The tactics that our techniques belong to.
const (
	NoTactic Tactic = iota
	InitialAccess
	CredentialAccess
	Discovery
	LateralMovement
	Collection
	CommandAndControl
	Exfiltration
	Impact
)

// String returns the tactic's name.
func (t Tactic) String() string {
	names := [...]string{
		"", "initial access", "credential access", "discovery", "lateral movement",
		"collection", "command and control", "exfiltration", "impact",
	}
	if int(t) < len(names) {
		return names[t]
	}
	return ""
}

// Lookup returns what is known of a technique; the zero Technique if it is not here.
func Lookup(id ID) Technique {
	switch id {
	case "T1046":
		return Technique{id, "Network Service Discovery", Discovery}
	case "T1018":
		return Technique{id, "Remote System Discovery", Discovery}
	case "T1021":
		return Technique{id, "Remote Services", LateralMovement}
	case "T1071":
		return Technique{id, "Application Layer Protocol", CommandAndControl}
	case "T1573":
		return Technique{id, "Encrypted Channel", CommandAndControl}
	case "T1048":
		return Technique{id, "Exfiltration Over Alternative Protocol", Exfiltration}
	case "T1041":
		return Technique{id, "Exfiltration Over C2 Channel", Exfiltration}
	case "T1110":
		return Technique{id, "Brute Force", CredentialAccess}
	case "T1133":
		return Technique{id, "External Remote Services", InitialAccess}
	case "T1219":
		return Technique{id, "Remote Access Tools", CommandAndControl}
	case "T1029":
		return Technique{id, "Scheduled Transfer", Exfiltration}
	}
	return Technique{}
}
