package daemon

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"vedette/internal/api/desk"
)

// troubles is what is wrong at present and passes by itself when its cause does, and what
// was found wrong at the start. Each is logged when it begins and when it ends, not every
// time it is met.
type troubles struct {
	log  *slog.Logger
	lock sync.Mutex
	all  []trouble
}

// trouble is one of them.
type trouble struct {
	name string // of the part of the program that it concerns
	says string // what is wrong, what is safe and what to do
}

// The parts that may be in trouble.
const (
	logPart     = "Log"
	eventsPart  = "Events"
	casesPart   = "Incidents"
	learnedPart = "Learned state"
)

// begin notes that something is wrong with a part.
func (t *troubles) begin(part, says string, why error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if why != nil {
		says = why.Error() + ". " + says
	}
	i := slices.IndexFunc(t.all, func(o trouble) bool { return o.name == part })
	if i < 0 {
		t.all = append(t.all, trouble{part, says})
		slices.SortFunc(t.all, func(a, b trouble) int { return cmp.Compare(a.name, b.name) })
		t.log.Error("something is wrong", "part", part, "what", says)
		return
	}
	t.all[i].says = says
}

// found notes what was found wrong with a part and stays so; further ones are added.
func (t *troubles) found(part, says string) {
	t.log.Error("something was found wrong", "part", part, "what", says)
	t.lock.Lock()
	defer t.lock.Unlock()
	name := part + " at the last start"
	if i := slices.IndexFunc(t.all, func(o trouble) bool { return o.name == name }); i >= 0 {
		if len(t.all[i].says) < 1000 {
			t.all[i].says += " " + says
		}
		return
	}
	t.all = append(t.all, trouble{name, says})
}

// end notes that a part does again what it should.
func (t *troubles) end(part string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	n := len(t.all)
	t.all = slices.DeleteFunc(t.all, func(o trouble) bool { return o.name == part })
	if len(t.all) < n {
		t.log.Info("it works again", "part", part)
	}
}

// now returns what is wrong.
func (t *troubles) now() []trouble {
	t.lock.Lock()
	defer t.lock.Unlock()
	return slices.Clone(t.all)
}

// saving returns why what was learned, or incidents, cannot be saved now; empty if they can.
func (t *troubles) saving() string {
	for _, o := range t.now() {
		if o.name == learnedPart || o.name == casesPart {
			return o.says
		}
	}
	return ""
}

// tell has the parts say what is wrong, and adds those that are not among them.
func (t *troubles) tell(parts []desk.Part) []desk.Part {
	for _, o := range t.now() {
		wrong := desk.Part{Name: o.name, Says: o.says}
		if i := slices.IndexFunc(parts, func(p desk.Part) bool { return p.Name == o.name }); i >= 0 {
			parts[i] = wrong
		} else {
			parts = append(parts, wrong)
		}
	}
	return parts
}

// What people are told.
const (
	logSays = "The log cannot be written. What was acknowledged is safe; files wait where they are, senders over HTTP and TCP are told to wait, " +
		"and what comes over UDP meanwhile is lost and counted. Make room on the disk of the data folder, or see why it cannot be written; then all goes on by itself"
	eventsSays  = "Events cannot be written. They are safe in the log, and learning waits for them. Make room on the disk of the data folder, or see why it cannot be written; then all goes on by itself"
	casesSays   = "Incidents cannot be kept. They are safe in memory and follow from the log. Make room on the disk of the data folder, or see why it cannot be written; then all goes on by itself"
	learnedSays = "What was learned cannot be saved. It is safe in the log, which grows meanwhile. Make room on the disk of the data folder, or see why it cannot be written; then all goes on by itself"
)
