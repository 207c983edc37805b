package vedette

// Each rule of the house is broken here once, in a small house made for the purpose,
// to see that it is caught; and what must stay legal is tried, to see that it is not.

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is a house before it is parsed: file contents by path.
type tree map[string]string

// model returns a small house in which everything is as it should be. It builds.
func model() tree {
	h := tree{
		"go.mod":             "module vedette\n\ngo 1.26\n",
		"cmd/vedette/run.go": "package main\n\nimport _ \"vedette/internal/daemon\"\n\nfunc main() {}\n",
	}
	for path, imports := range map[string]string{
		"fault": "", "attack": "", "event": "time", "finding": "event", "incident": "finding",
		"learn": "", "auth": "", "govern": "auth incident", "narrate": "incident",
		"connect": "os", "store": "event os",
		"source": "event", "decode": "event", "detect": "event finding learn", "respond": "incident", "gate": "event",
		"baseline": "learn detect", "pipeline": "baseline decode source", "triage": "finding incident", "risk": "fault",
		"enact": "govern respond", "exercise/sim": "event",
		"api": "auth incident", "console": "narrate api", "mcp": "narrate",
		"analyze": "pipeline store decode/all detect/all", "daemon": "pipeline enact store api console respond/all gate/all",
	} {
		h.add(path, strings.Fields(imports)...)
	}
	for kind, plugins := range map[string][]string{
		"source": {"file.Kind"}, "decode": {"zeek.Kind", "hl7.Kind"}, "detect": {"network.Scan", "network.DNSTunnel"},
		"respond": {"network.BlockList"}, "gate": {"click.Kind"},
	} {
		h.write(kind, kind+".go", "\n// Kind is one.\ntype Kind struct{ Name string }\n")
		h.add(kind+"/all", kind)
		list := "\n// All is every one.\nvar All = []" + kind + ".Kind{\n"
		for _, p := range plugins {
			pkg, id, _ := strings.Cut(p, ".")
			name, home := pkg, pkg
			if id != "Kind" {
				home = snake(id)
				name += "/" + home
			}
			if h["internal/"+kind+"/"+pkg+"/"+pkg+".go"] == "" {
				h.add(kind+"/"+pkg, kind)
				h.use(kind+"/all", "all.go", module+"/internal/"+kind+"/"+pkg)
			}
			if home != pkg {
				h["internal/"+kind+"/"+pkg+"/"+home+".go"] = "package " + pkg + "\n\nimport (\n\t\"vedette/internal/" + kind + "\"\n)\n"
			}
			h.write(kind+"/"+pkg, home+".go", "\n// "+id+" is a plug-in.\nvar "+id+" = "+kind+".Kind{Name: \""+name+"\"}\n")
			list += "\t" + p + ",\n"
		}
		h.write(kind+"/all", "all.go", list+"}\n")
	}
	for p := range h { // imports that a package's own code does not use are blank
		h[p] = blank(h[p])
	}
	return h
}

// add makes a package that imports others.
func (h tree) add(path string, imports ...string) {
	base := filepath.Base(path)
	h["internal/"+path+"/"+base+".go"] = "// Package " + base + " is here for the test.\npackage " + base + "\n\nimport (\n)\n"
	for _, i := range imports {
		if i != "os" && i != "time" {
			i = module + "/internal/" + i
		}
		h.use(path, base+".go", i)
	}
}

// use adds an import to a file.
func (h tree) use(path, file, what string) {
	at := "internal/" + path + "/" + file
	h.replace(at, "import (\n", "import (\n\t\""+what+"\"\n")
}

// imp adds an import that nothing uses to a package.
func (h tree) imp(path, what string) {
	file := "internal/" + path + "/" + filepath.Base(path) + ".go"
	h.replace(file, "import (\n", "import (\n\t_ \""+what+"\"\n")
}

// our adds an import of one of our packages.
func (h tree) our(path, what string) { h.imp(path, module+"/internal/"+what) }

// write adds code to a file of a package.
func (h tree) write(path, file, code string) { h["internal/"+path+"/"+file] += code }

func (h tree) replace(file, old, new string) {
	if !strings.Contains(h[file], old) {
		panic(fmt.Sprintf("%s has no %q", file, old))
	}
	h[file] = strings.Replace(h[file], old, new, 1)
}

// blank makes imports blank whose package is not named below.
func blank(code string) string {
	for line := range strings.Lines(code) {
		what, ok := strings.CutPrefix(line, "\t\"")
		base := filepath.Base(strings.TrimSuffix(what, "\"\n"))
		if ok && !strings.Contains(code, base+".") {
			code = strings.Replace(code, line, "\t_ \""+what, 1)
		}
	}
	return code
}

// breached returns what the rules without types find in the tree.
func breached(t *testing.T, h tree) (all []string) {
	t.Helper()
	files := fstest.MapFS{}
	for p, code := range h {
		files[p] = &fstest.MapFile{Data: []byte(code)}
	}
	parsed, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		all = append(all, r.check(parsed)...)
	}
	return all
}

// breaking are changes that must be caught, and what must then be said.
var breaking = []struct {
	name   string
	change func(h tree)
	want   string
}{
	{"words_import_craft", func(h tree) { h.our("event", "learn") }, "words may not import craft"},
	{"words_import_store", func(h tree) { h.our("event", "store") }, "store is reserved for analyze, daemon"},
	{"words_out_of_order", func(h tree) { h.our("fault", "attack") }, "attack comes after fault on the same floor"},
	{"craft_imports_kinds", func(h tree) { h.our("learn", "detect") }, "craft may not import kinds"},
	{"craft_out_of_order", func(h tree) { h.our("auth", "narrate") }, "narrate comes after auth"},
	{"store_imports_engine", func(h tree) { h.our("store", "triage") }, "adapters may not import engines"},
	{"engine_imports_roof", func(h tree) { h.our("triage", "analyze") }, "engines may not import roof"},
	{"engine_out_of_order", func(h tree) { h.our("baseline", "triage") }, "triage comes after baseline"},
	{"roof_out_of_order", func(h tree) { h.our("analyze", "daemon") }, "daemon comes after analyze"},
	{"detector_imports_sibling", func(h tree) { h.add("detect/mail"); h.our("detect/network", "detect/mail") }, "nobody imports a plug-in but its list"},
	{"detector_imports_other_kind", func(h tree) { h.our("detect/network", "decode") }, "a plug-in imports only its own kind"},
	{"detector_imports_engine", func(h tree) { h.our("detect/network", "baseline") }, "kinds may not import engines"},
	{"detector_imports_store", func(h tree) { h.our("detect/network", "store") }, "store is reserved for"},
	{"detector_imports_client", func(h tree) { h.add("connect/okta"); h.our("detect/network", "connect/okta") }, "connect is reserved for source/"},
	{"engine_imports_plugin", func(h tree) { h.our("pipeline", "decode/hl7") }, "nobody imports a plug-in but its list"},
	{"engine_imports_list", func(h tree) { h.our("pipeline", "detect/all") }, "only the roof knows all plug-ins"},
	{"face_imports_list", func(h tree) { h.our("console", "detect/all") }, "only the roof knows all plug-ins"},
	{"list_imports_other_kind", func(h tree) { h.our("detect/all", "decode/hl7") }, "nobody imports a plug-in but its list"},
	{"code_imports_kit", func(h tree) { h.add("decode/decodetest", "decode"); h.our("pipeline", "decode/decodetest") }, "a test kit is for tests"},
	{"face_imports_engine", func(h tree) { h.our("console", "triage") }, "faces import only words"},
	{"face_imports_craft", func(h tree) { h.our("console", "learn") }, "faces import only words, auth, narrate, look"},
	{"face_reaches_for_respond", func(h tree) { h.our("console", "respond") }, "respond is reserved for enact, daemon"},
	{"face_reaches_for_enact", func(h tree) { h.our("console", "enact") }, "faces import only words"},
	{"face_reaches_for_govern", func(h tree) { h.our("api", "govern") }, "govern is reserved for enact, daemon"},
	{"engine_approves", func(h tree) { h.our("triage", "auth") }, "auth is reserved for govern"},
	{"engine_answers_gate", func(h tree) { h.our("pipeline", "gate") }, "gate is reserved for enact, daemon"},
	{"gate_acts", func(h tree) { h.our("gate/click", "respond") }, "respond is reserved for enact, daemon"},
	{"analyze_acts", func(h tree) { h.our("analyze", "respond/all") }, "respond is reserved for enact, daemon"},
	{"engine_imports_store", func(h tree) { h.our("pipeline", "store") }, "store is reserved for"},
	{"engine_imports_part_of_store", func(h tree) { h.add("store/segment"); h.our("pipeline", "store/segment") }, "store is reserved for"},
	{"command_imports_store", func(h tree) { h.command("store") }, "store: it is reserved for"},
	{"command_imports_plugins", func(h tree) { h.command("decode/all") }, "only the roof knows plug-ins"},
	{"sim_imports_detect", func(h tree) { h.our("exercise/sim", "detect") }, "exercise/sim must not reach detect"},
	{"sim_by_detour", func(h tree) { h.our("exercise/sim", "risk"); h.our("risk", "learn") }, "exercise/sim must not reach learn: exercise/sim > risk > learn"},
	{"console_by_detour", func(h tree) { h.our("narrate", "govern") }, "console must not reach govern: console > narrate > govern"},
	{"mcp_by_detour", func(h tree) { h.our("narrate", "govern") }, "mcp must not reach govern: mcp > narrate > govern"},
	{"part_of_console_by_detour", func(h tree) { h.add("console/pages", "narrate"); h.our("narrate", "govern") }, "console/pages > narrate > govern"},
	{"on_no_floor", func(h tree) { h.add("stray") }, "internal/stray is on no floor"},
	{"import_of_no_floor", func(h tree) { h.our("event", "stray") }, "imports stray: one of them is on no floor"},
	{"tests_on_no_floor", func(h tree) { h["internal/stray/a_test.go"] = "package stray\n" }, "internal/stray is on no floor"},
	{"chain_too_long", deep, "stands on a chain of 10 imports, more than 9"},
	{"too_many_dependencies", func(h tree) { h.require(61) }, "go.mod has 61 direct dependencies"},
	{"dependency_without_reason", func(h tree) {
		h.require(3)
		h.replace("docs/dependencies.md", "m1.example/x", "m9.example/x")
	}, "go.mod requires m1.example/x, and no row"},
	{"reason_without_dependency", func(h tree) {
		h.require(3)
		h.replace("go.mod", "m1.example/x", "m9.example/x")
	}, "says what m1.example/x is for, and nothing requires it"},

	{"craft_opens_files", func(h tree) { h.imp("learn", "os") }, "imports os: it leads out or to chance"},
	{"words_reach_network", func(h tree) { h.imp("event", "net/http/httputil") }, "it leads out or to chance"},
	{"detector_calls_out", func(h tree) { h.imp("detect/network", "net/http") }, "it leads out or to chance"},
	{"chance_in_baseline", func(h tree) { h.imp("baseline", "math/rand/v2") }, "it leads out or to chance"},
	{"words_log", func(h tree) { h.imp("event", "log/slog") }, "it leads out or to chance"},
	{"unsafe", func(h tree) { h.imp("pipeline", "unsafe") }, "only packages in mayUnsafe may"},
	{"cgo", func(h tree) { h.imp("store", "C") }, "built without cgo"},
	{"dot_import", func(h tree) { h.replace("internal/store/store.go", "_ \"os\"", ". \"os\"") }, "whose names they are"},
	{"clock_in_triage", func(h tree) { h.clock("triage", "time", "time.Now") }, "time.Now reads the wall clock"},
	{"clock_in_detector", func(h tree) { h.clock("detect/network", "time", "time.Since") }, "time.Since reads the wall clock"},
	{"clock_under_other_name", func(h tree) { h.clock("baseline", "t", "t.NewTimer") }, "time.NewTimer reads the wall clock"},
	{"goroutine_in_craft", func(h tree) { h.write("learn", "learn.go", "\nfunc f() { go f() }\n") }, "timeless code starts a goroutine"},
	{"print_in_detector", func(h tree) {
		h.use("detect/network", "network.go", "fmt")
		h.write("detect/network", "network.go", "\nfunc f() { fmt.Println() }\n")
	}, "speaks to the terminal"},
	{"init", func(h tree) { h.write("store", "store.go", "\nfunc init() {}\n") }, "init runs behind"},

	{"banned_name", func(h tree) { h.add("store/util") }, "says nothing about what is inside"},
	{"wrong_package_name", func(h tree) { h.replace("internal/risk/risk.go", "\npackage risk", "\npackage danger") }, "is package danger, in a folder called risk"},
	{"package_comment_gone", func(h tree) { h.replace("internal/risk/risk.go", "// Package risk is here for the test.\n", "") }, "internal/risk has 0 package comments"},
	{"two_package_comments", func(h tree) { h["internal/risk/b.go"] = "// Package risk is two.\npackage risk\n" }, "internal/risk has 2 package comments"},
	{"package_comment_begins_wrong", func(h tree) { h.replace("internal/risk/risk.go", "// Package risk is", "// This is") }, "must begin \"Package risk\""},
	{"function_without_comment", func(h tree) { h.write("risk", "risk.go", "\nfunc Of() {}\n") }, "Of has no comment"},
	{"method_without_comment", func(h tree) {
		h.write("risk", "risk.go", "\n// T is.\ntype T[E any] struct{}\n\nfunc (t *T[E]) Of() {}\n")
	}, "Of has no comment"},
	{"type_without_comment", func(h tree) { h.write("risk", "risk.go", "\n// These are.\ntype (\n\tA int\n)\n") }, "A has no comment"},
	{"constant_without_comment", func(h tree) { h.write("risk", "risk.go", "\nconst A = 1\n") }, "A has no comment"},
	{"directive_is_no_comment", func(h tree) { h.write("risk", "risk.go", "\n//go:noinline\nfunc Of() {}\n") }, "Of has no comment"},

	{"interface_too_large", func(h tree) {
		h.write("store", "store.go", "\ntype big interface { a(); b(); c(); d(); e(); f() }\n")
	}, "an interface with 6 methods"},
	{"function_too_long", func(h tree) {
		h.write("store", "store.go", "\nfunc f() {\n"+strings.Repeat("\t_ = 1\n", 79)+"}\n")
	}, "f has 81 lines, more than 80"},
	{"literal_too_long", func(h tree) {
		h.write("store", "store.go", "\nvar f = func() {\n"+strings.Repeat("\t_ = 1\n", 79)+"}\n")
	}, "a function without a name has 81 lines"},
	{"file_too_long", func(h tree) { h.write("store", "store.go", strings.Repeat("\n", 600)) }, "lines, more than 600"},
	{"package_too_long", func(h tree) {
		for i := range 9 {
			h[fmt.Sprintf("internal/store/f%d.go", i)] = "package store\n" + strings.Repeat("\n", 590)
		}
	}, "lines, more than 5000"},

	{"detector_not_listed", func(h tree) { h.replace("internal/detect/all/all.go", "\tnetwork.Scan,\n", "") }, "Scan is listed 0 times in internal/detect/all"},
	{"detector_listed_twice", func(h tree) {
		h.replace("internal/detect/all/all.go", "\tnetwork.Scan,\n", "\tnetwork.Scan,\n\tnetwork.Scan,\n")
	}, "Scan is listed 2 times"},
	{"gate_not_listed", func(h tree) { h.replace("internal/gate/all/all.go", "\tclick.Kind,\n", "") }, "Kind is listed 0 times in internal/gate/all"},
	{"list_missing", func(h tree) { delete(h, "internal/decode/all/all.go") }, "Kind is listed 0 times in internal/decode/all"},
	{"detector_in_wrong_file", func(h tree) {
		h["internal/detect/network/writer.go"] = h["internal/detect/network/scan.go"]
		delete(h, "internal/detect/network/scan.go")
	}, "Scan belongs in scan.go"},
	{"detector_misnamed", func(h tree) { h.replace("internal/detect/network/scan.go", "network/scan", "network/scans") }, "is named \"network/scans\", want \"network/scan\""},
	{"detector_shows_memory", func(h tree) {
		h.write("detect/network", "scan.go", "\n// Seen is.\nvar Seen = map[string]bool{}\n")
	}, "Seen is a variable that others can change"},
}

// legal are changes that no rule may object to.
var legal = []struct {
	name   string
	change func(h tree)
}{
	{"nothing", func(tree) {}},
	{"store_in_parts", func(h tree) { h.add("store/segment", "event"); h.our("store", "store/segment") }},
	{"plugin_in_parts", func(h tree) { h.add("decode/hl7/pdu"); h.our("decode/hl7", "decode/hl7/pdu") }},
	{"action_uses_client", func(h tree) { h.add("connect/okta"); h.our("respond/network", "connect/okta") }},
	{"source_uses_network", func(h tree) { h.imp("source/file", "net/http") }},
	{"engine_uses_clock", func(h tree) { h.clock("pipeline", "time", "time.Now") }},
	{"triage_uses_durations", func(h tree) { h.clock("triage", "time", "time.Second") }},
	{"face_tells_story", func(h tree) { h.our("mcp", "incident") }},
	{"face_uses_face", func(h tree) { h.our("console", "mcp") }},
	{"sim_uses_words", func(h tree) { h.our("exercise/sim", "finding") }},
	{"analyze_keeps", func(h tree) { h.our("analyze", "store") }},
	{"analyze_lists_sources", func(h tree) { h.our("analyze", "source/all") }},
	{"daemon_gates", func(h tree) { h.our("daemon", "gate/all") }},
	{"command_reports", func(h tree) { h.add("report"); h.command("report") }},
	{"rows_uses_unsafe", func(h tree) { h.add("rows"); h.imp("rows", "unsafe") }},
	{"kit_reads_files", func(h tree) {
		h.add("decode/decodetest", "decode", "os")
		h.write("decode/decodetest", "decodetest.go", "\n// Now is.\nvar Now = os.Args\n")
	}},
	{"test_imports_anything", func(h tree) {
		h["internal/event/a_test.go"] = "package event\n\nimport _ \"vedette/internal/daemon\"\n\nfunc Undocumented() {}\n"
	}},
	{"decoder_has_table", func(h tree) { h.write("decode/hl7", "hl7.go", "\nvar segments = [...]string{\"MSH\"}\n") }},
	{"method_of_hidden_type", func(h tree) { h.write("risk", "risk.go", "\ntype t int\n\nfunc (t) Error() string { return \"\" }\n") }},
	{"constants_share_comment", func(h tree) { h.write("risk", "risk.go", "\n// The sorts.\nconst (\n\tA = iota\n\tB\n)\n") }},
	{"generated_may_be_long", func(h tree) {
		h["internal/event/wire.go"] = "// Code generated by wire. DO NOT EDIT.\n\npackage event\n\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", 700) + "}\n"
	}},
	{"sixty_dependencies", func(h tree) { h.require(60); h["go.mod"] += "\nrequire e.example/x v1.0.0 // indirect\n" }},
	{"tool_with_reason", func(h tree) {
		h["tools/go.mod"] = "require t.example/x v1.0.0 // indirect\n"
		h["docs/dependencies.md"] = "| module |\n|---|\n| `t.example/x` | test |\n| `make lint` | no module |\n"
	}},
	{"testdata_is_no_package", func(h tree) { h["internal/decode/testdata/util/x.go"] = "package p\n\nfunc init() {}\n" }},
}

func (h tree) command(what string) {
	h.replace("cmd/vedette/run.go", "import _", "import _ \"vedette/internal/"+what+"\"\nimport _")
}

func (h tree) clock(path, name, use string) {
	file := "internal/" + path + "/" + filepath.Base(path) + ".go"
	h.replace(file, "import (\n", "import (\n\t"+name+" \"time\"\n")
	h[file] += "\nvar _ = " + use + "\n"
}

// deep makes the longest chain that the floors allow.
func deep(h tree) {
	chain := []string{"fault", "meter", "plug", "attack", "text", "rows", "entity", "event", "query", "input", "effect"}
	for i, p := range chain {
		h.add(p)
		if i > 0 {
			h.our(p, chain[i-1])
		}
	}
}

// require adds direct dependencies, with their reasons.
func (h tree) require(n int) {
	h["go.mod"] += "\nrequire (\n"
	for i := range n {
		h["go.mod"] += fmt.Sprintf("\tm%d.example/x v1.0.0\n", i)
		h["docs/dependencies.md"] += fmt.Sprintf("\n| `m%d.example/x` | test |", i)
	}
	h["go.mod"] += ")\n"
}

func TestRules_catch(t *testing.T) {
	for _, c := range breaking {
		t.Run(c.name, func(t *testing.T) {
			h := model()
			c.change(h)
			if all := breached(t, h); !slices.ContainsFunc(all, func(b string) bool { return strings.Contains(b, c.want) }) {
				t.Errorf("want %q, have %d breaches:\n%s", c.want, len(all), strings.Join(all, "\n"))
			}
		})
	}
}

func TestRules_allow(t *testing.T) {
	for _, c := range legal {
		t.Run(c.name, func(t *testing.T) {
			h := model()
			c.change(h)
			for _, b := range breached(t, h) {
				t.Error(b)
			}
		})
	}
}

// TestRules_unfinished checks that a house that is not there yet breaks no rule.
func TestRules_unfinished(t *testing.T) {
	for _, h := range []tree{{}, {"go.mod": "module vedette\n"}, {"internal/README.md": ""}} {
		for _, b := range breached(t, h) {
			t.Error(b)
		}
	}
	if found, broken, err := checkTimeless(&house{}, t.TempDir()); err != nil || len(found)+len(broken) > 0 {
		t.Error(found, broken, err)
	}
}

// timed are pieces of timeless code, and what must be said of them; nothing where
// they are legal. Each stands in a file of its own, all in one package.
var timed = []struct{ name, code, want string }{
	{"map", "func F(m map[int]int) (n int) { for k := range m { n += k }; return }", "the order of a map is chance"},
	{"map_of_own_type", "type M map[int]int; func F(m M) { for range m { } }", "the order of a map is chance"},
	{"map_in_type_parameter", "func F[M ~map[int]int](m M) { for range m { } }", "the order of a map is chance"},
	{"map_of_library", "import \"net/url\"; func F(v url.Values) { for range v { } }", "the order of a map is chance"},
	{"keys", "import \"maps\"; func F(m map[int]int) { for range maps.Keys(m) { } }", "the order of a map is chance"},
	{"keys_collected", "import (\"maps\"; \"slices\"); func F(m map[int]int) []int { return slices.Collect(maps.Keys(m)) }", "the order of a map is chance"},
	{"map_other_comment", "func F(m map[int]int) {\n\tfor range m { // all of them\n\t}\n}", "the order of a map is chance"},
	{"map_with_reason", "func F(m map[int]int) (n int) {\n\tfor k := range m { // a sum has no order\n\t\tn += k\n\t}\n\treturn n\n}", ""},
	{"map_with_reason_above", "func F(m map[int]int) (n int) {\n\t// Order cannot matter,\n\t// in any order a sum is the same.\n\tfor k := range m {\n\t\tn += k\n\t}\n\treturn n\n}", ""},
	{"keys_sorted", "import (\"maps\"; \"slices\"); func F(m map[int]int) []int { return slices.Sorted(maps.Keys(m)) }", ""},
	{"slice", "func F(s []int) { for range s { }; for range 3 { } }", ""},

	{"assigned", "var n int; func F() { n = 1 }", "changes package variable n"},
	{"counted", "var n int; func F() { n++ }", "changes package variable n"},
	{"field_set", "var v struct{ a [3]int }; func F() { v.a[1] = 1 }", "changes package variable v"},
	{"remembered", "var seen = map[int]bool{}; func F() { seen[1] = true }", "changes package variable seen"},
	{"forgotten", "var seen = map[int]bool{1: true}; func F() { delete(seen, 1) }", "changes package variable seen"},
	{"method_changes", "import \"bytes\"; var buf bytes.Buffer; func F() { buf.Reset() }", "changes package variable buf"},
	{"of_another_package", "import \"net/http\"; func F() { http.DefaultClient = nil }", "changes package variable DefaultClient"},
	{"pool", "import \"sync\"; var pool = &sync.Pool{}", "package variable pool is made to be changed"},
	{"counter", "import \"sync/atomic\"; var n atomic.Int64", "package variable n is made to be changed"},
	{"channel", "var c = make(chan int)", "package variable c is made to be changed"},
	{"table", "var t = map[string]int{\"a\": 1}; func F() int { return t[\"a\"] }", ""},
	{"pattern", "import \"regexp\"; var re = regexp.MustCompile(`a`); func F() bool { return re.MatchString(\"a\") }", ""},
	{"error", "import \"errors\"; var errShort = errors.New(\"short\"); func F() error { return errShort }", ""},
	{"shadowed", "var n int; func F() int { n := n; n++; return n }", ""},
	{"local", "func F() (m map[int]int) { m = map[int]int{}; m[1] = 2; return }", ""},
}

func TestRules_timeless(t *testing.T) {
	h := model()
	for _, c := range timed {
		h["internal/detect/t_"+c.name+"/"+c.name+".go"] = "package t_" + c.name + "\n\n" + c.code + "\n"
	}
	h["internal/detect/t_map/t_plan9.go"] = "package t_map\n\nfunc F() {}\n" // another F, for another system
	h["internal/detect/broken/broken.go"] = "package broken\n\nvar n = unknown\n"
	h["internal/pipeline/order.go"] = "package pipeline\n\nvar n int\n\nfunc f(m map[int]int) {\n\tfor k := range m {\n\t\tn = k\n\t}\n}\n"
	dir := t.TempDir()
	for _, p := range slices.Sorted(maps.Keys(h)) {
		file := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(h[p]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	found, broken, err := checkTimeless(parsed, dir)
	if err != nil || !slices.Equal(broken, []string{"detect/broken"}) {
		t.Fatal(broken, err)
	}
	for _, c := range timed {
		t.Run(c.name, func(t *testing.T) {
			var here []string
			for _, b := range found {
				if strings.Contains(b, "/"+c.name+".go:") {
					here = append(here, b)
				}
			}
			switch {
			case c.want == "" && len(here) > 0:
				t.Errorf("must stay legal: %s", here)
			case c.want != "" && (len(here) != 1 || !strings.Contains(here[0], c.want)):
				t.Errorf("want %q, have %q", c.want, here)
			}
		})
	}
	for _, b := range found {
		if !strings.Contains(b, "internal/detect/") {
			t.Errorf("must stay legal outside timeless code: %s", b)
		}
	}
}
