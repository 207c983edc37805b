package event

import "vedette/internal/text"

// Alert is a claim of another tool. OCSF 2004, Detection Finding.
type Alert struct {
	Product   text.Ref // "suricata", "zeek"
	Signature text.Ref // its name
	ID        text.Ref // its number or note type: "1:2010935", "Scan::Port_Scan"
	Category  text.Ref
	Action    text.Ref // "allowed", "blocked"
	Severity  Severity
	Spare     [7]uint8
}

// Severity is how serious another tool calls its alert.
type Severity uint8

// The severities.
const (
	UnknownSeverity Severity = iota
	Informational
	Low
	Medium
	High
	Critical
)

// Alert lends another tool's alert.
func (e *Emit) Alert(at int64) (*Envelope, *Alert) { return lend(e, AlertType, at, &e.batch.Alerts) }

// Alert returns the body of another tool's alert.
func (v View) Alert() *Alert { return &v.Batch.Alerts[v.Head().Row] }

func (a *Alert) texts(move func(*text.Ref)) {
	move(&a.Product)
	move(&a.Signature)
	move(&a.ID)
	move(&a.Category)
	move(&a.Action)
}
