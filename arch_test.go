package vedette

// This file is the law of the house: which packages there are, in which order they
// stand, who may import whom, and how large anything may grow. ARCHITECTURE.md says
// the same in words; when they differ, this file is right. How the rules are checked
// is in arch_rules_test.go and arch_types_test.go; that they are, in
// arch_mutate_test.go.

import (
	"os"
	"testing"
)

const module = "vedette"

// floors lists every package, from the ground up. A package may import packages of
// lower floors, and earlier packages of its own floor. So the list is also the order
// in which to read the code. A package below another shares its place; the children
// of a kind, which are plug-ins, have a place of their own, with a trailing slash.
var floors = []struct {
	name     string
	packages []string
}{
	{"words", []string{ // what we talk about
		"fault", "meter", "plug", "attack", "text", "rows", "entity", "event", "query",
		"input", "effect", "finding", "incident", "level", "audit", "knock",
	}},
	{"craft", []string{"learn", "packet", "auth", "govern", "narrate", "look"}}, // skill without a world
	{"adapters", []string{"connect", "store"}},                                  // disk and outside systems
	{"kinds", []string{ // plug-ins: what they are, then they
		"source", "decode", "enrich", "detect", "inquire", "respond", "gate",
		"source/", "decode/", "enrich/", "detect/", "inquire/", "respond/", "gate/",
	}},
	{"engines", []string{ // state and goroutines
		"resolve", "baseline", "intake", "sorter", "pipeline", "segment", "exposure", "triage",
		"risk", "insight", "investigate", "hunt", "assess", "playbook", "enact", "exercise",
	}},
	{"faces", []string{"report", "api", "mcp", "console"}}, // how people and programs meet it
	{"roof", []string{"config", "analyze", "daemon"}},      // what fits it together
}

// kinds are the packages whose children are plug-ins. Package all below each is
// their list; a package below it whose name ends in "test" is the conformance test.
var kinds = []string{"source", "decode", "enrich", "detect", "inquire", "respond", "gate"}

// reserved are the packages that only some may import: what they offer is a power,
// and this is the list of who holds it.
var reserved = map[string][]string{
	"respond": {"enact", "daemon"},                                               // to act on the world
	"gate":    {"enact", "daemon"},                                               // to answer while the world waits
	"govern":  {"enact", "daemon"},                                               // to cut grants, and to be shown them
	"auth":    {"govern", "api", "mcp", "console", "daemon"},                     // to approve
	"store":   {"analyze", "daemon"},                                             // to keep and to forget; others say what they need as an interface
	"connect": {"source/", "enrich/", "inquire/", "respond/", "gate/", "daemon"}, // to speak with outside systems
}

// storeMaker is the one command that may keep: evaluations make stores so large that
// telemetry would take days to. It is not shipped.
const storeMaker = "cmd/vedette-eval"

// walls are packages that must not reach others, by however many steps.
var walls = map[string][]string{
	"exercise/sim": {"learn", "baseline", "detect"}, // or we would be marking our own homework
	"console":      {"respond", "enact", "govern", "store"},
	"mcp":          {"respond", "enact", "govern", "store"}, // a language model holds no power at all
}

// faceMay are what faces import besides words and each other: what signs people in,
// what says things in sentences, and how things look.
var faceMay = []string{"auth", "narrate", "look"}

// timeless are the packages, beside words and craft, whose answers must be the same
// on replay: no I/O, no goroutine, no clock, no chance, nothing kept in a package
// variable, nothing that depends on the order of a map.
var timeless = []string{"decode/", "detect/", "baseline", "resolve", "segment", "exposure", "triage"}

// sealed are the packages of the standard library that timeless code may not import:
// they lead out, or give another answer each time. A trailing slash stands for
// everything below.
var sealed = []string{
	"os", "os/", "io/ioutil", "log", "log/", "net", "net/http", "net/http/", "net/rpc", "net/rpc/", "net/smtp",
	"database/sql", "database/sql/", "syscall", "plugin", "math/rand", "math/rand/v2", "crypto/rand", "hash/maphash",
}

// mayUnsafe are the packages that may import unsafe, and why.
var mayUnsafe = map[string]string{
	"rows": "views slices of structs without pointers as bytes; its tests prove that there is no padding and that the bytes equal encoding/binary's",
}

// banned are package names that say nothing.
var banned = []string{
	"util", "utils", "common", "helper", "helpers", "misc", "base", "shared", "types", "models", "constants",
	"manager", "core", "lib", "tools", "service", "services",
}

// Budgets. Raising one is a decision, so it is made here. Generated files are
// outside those of lines.
const (
	maxPackageLines  = 5000
	maxFileLines     = 600
	maxFuncLines     = 80
	maxInterfaceSize = 5
	maxDepth         = 9  // longest import chain
	maxDependencies  = 60 // direct, in go.mod
)

// largePackages are the packages that may have more lines, and how many.
var largePackages = map[string]int{
	"daemon": 6000, // it fits all parts together; what it shows people (desk_*.go) is to move out before it grows again
}

// rules are the checks that need no types. Each returns its breaches.
var rules = []struct {
	name  string
	check func(*house) breaches
}{
	{"places", checkPlaces},
	{"imports", checkImports},
	{"walls", checkWalls},
	{"depth", checkDepth},
	{"dependencies", checkDependencies},
	{"packages", checkPackages},
	{"sizes", checkSizes},
	{"code", checkCode},
	{"docs", checkDocs},
	{"plugins", checkPlugins},
}

func TestHouse(t *testing.T) {
	h, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, b := range r.check(h) {
				t.Error(b)
			}
		})
	}
}

// TestHouse_timeless checks what can only be seen with types: that timeless code
// does not depend on the order of a map and keeps nothing in package variables.
func TestHouse_timeless(t *testing.T) {
	h, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	found, broken, err := checkTimeless(h, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range broken { // the compiler says what is wrong with it
		t.Logf("internal/%s does not build and was not checked", p)
	}
	for _, b := range found {
		t.Error(b)
	}
}

// TestHouse_law checks that the tables above name only each other.
func TestHouse_law(t *testing.T) {
	known := func(where, p string) {
		if f, _ := place(p); f < 0 { // of "detect/" it is the place of the children
			t.Errorf("%s names %s, which is on no floor", where, p)
		}
	}
	for p, holders := range reserved {
		known("reserved", p)
		for _, h := range holders {
			known("reserved", h)
		}
	}
	for p, forbidden := range walls {
		known("walls", p)
		for _, f := range forbidden {
			known("walls", f)
		}
	}
	for _, list := range [][]string{faceMay, timeless, kinds} {
		for _, p := range list {
			known("a list", p)
		}
	}
	seen := map[string]bool{}
	for _, f := range floors {
		for _, p := range f.packages {
			if seen[p] {
				t.Errorf("%s is on two floors", p)
			}
			seen[p] = true
		}
	}
}
