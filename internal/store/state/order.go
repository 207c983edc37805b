package state

import "strings"

// Order is how a list of incidents is sorted. The zero Order puts first what is most
// urgent.
type Order struct {
	By By
	Up bool // the least first
}

// By is what a list is sorted by. What is equal in it comes by the time of its last change.
type By string

// The values of By.
const (
	ByUrgency    By = ""           // surfaced, then how far the risk is above the threshold
	ByUpdated    By = "updated"    // when it changed last
	ByConfidence By = "confidence" // 0-1
	ByFindings   By = "findings"   // how many
	ByAssignee   By = "assignee"   // the name; nobody is before all others
)

// columns are what the database sorts by. All go the same way, so that one comparison
// says what lies beyond a row.
func (o Order) columns() string {
	switch o.By {
	case ByUrgency:
		return "r.surfaced, r.ratio, r.updated, r.id"
	case ByUpdated:
		return "r.updated, r.id"
	case ByConfidence:
		return "r.confidence, r.updated, r.id"
	case ByFindings:
		return "r.findings, r.updated, r.id"
	case ByAssignee:
		return "r.assignee, r.updated, r.id"
	}
	return ""
}

func (o Order) known() bool { return o.columns() != "" }

func (o Order) clause() string {
	way := " DESC"
	if o.Up {
		way = " ASC"
	}
	return " ORDER BY " + strings.ReplaceAll(o.columns(), ",", way+",") + way
}

// value returns what a row is sorted by.
func (o Order) value(r Row) (number float64, word string) {
	switch o.By {
	case ByUrgency, ByUpdated:
	case ByConfidence:
		number = r.Confidence
	case ByFindings:
		number = float64(r.Findings)
	case ByAssignee:
		word = r.Assignee
	}
	return number, word
}

// beyond returns the condition that holds for what comes after the cursor.
func (c cursor) beyond(o Order) (where string, args []any) {
	switch o.By {
	case ByUrgency:
		args = []any{c.surfaced, c.ratio}
	case ByUpdated:
	case ByConfidence, ByFindings:
		args = []any{c.number}
	case ByAssignee:
		args = []any{c.word}
	}
	args = append(args, c.updated, int64(c.id))
	sign := " < "
	if o.Up {
		sign = " > "
	}
	return " AND (" + o.columns() + ")" + sign + "(?" + strings.Repeat(", ?", len(args)-1) + ")", args
}
