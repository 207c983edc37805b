package config

import (
	"strings"
	"testing"

	"vedette/internal/plug"
	"vedette/internal/source"
)

// kinds are two kinds of source that take one key.
func kinds(t *testing.T) plug.Set[source.Kind] {
	t.Helper()
	made := func(part []byte) (source.Feed, error) {
		var settings struct {
			Paths []string `yaml:"paths"`
		}
		return nil, source.Decode(part, &settings)
	}
	set, err := plug.NewSet(
		source.Kind{Info: plug.Info{Name: "tail"}, New: made}, source.Kind{Info: plug.Info{Name: "push"}, New: made})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestExampleIsTheDefault(t *testing.T) {
	set := kinds(t)
	plain, err := parse(nil, set)
	if err != nil {
		t.Fatal(err)
	}
	example, err := parse([]byte(Example), set)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Site != example.Site || plain.Budget != example.Budget || plain.Console.Listen != example.Console.Listen || plain.Keep != example.Keep || plain.Data != example.Data {
		t.Errorf("%+v\n%+v", plain, example)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ file, says string }{
		"unknown_key":         {"budgit: 2", `there is no key "budgit"; the nearest is "budget"`},
		"unknown_inner_key":   {"console:\n  lisen: x", `line 2: there is no key "lisen"; the nearest is "listen"`},
		"no_yaml":             {"a: [", "line 1"},
		"budget_of_nothing":   {"budget: 0", "budget: it must be more than 0"},
		"no_network":          {"own: [10.0.0.0/99]", `own: "10.0.0.0/99" is no network`},
		"reachable_and_plain": {"console:\n  listen: 0.0.0.0:8432", "can be reached by others, so the console needs cert and key"},
		"half_a_certificate":  {"console:\n  cert: a.pem", "cert and key go together"},
		"no_amount":           {"keep:\n  disk: much", `keep.disk: "much" is no amount`},
		"too_little_room":     {"keep:\n  disk: 3 MB", "from 100 MB on"},
		"too_short_a_log":     {"keep:\n  journal: 3 MB", `keep.journal: "3 MB" is no amount`},
		"no_days":             {"keep:\n  days: 0", "keep.days"},
		"a_folder_as_site":    {"site: ../x", "site: it must be"},
		"no_kind":             {"sources:\n  - tial:\n      paths: [x]", `there is no kind of source "tial"; there are tail, push`},
		"two_kinds_in_one":    {"sources:\n  - tail: {}\n    push: {}", "it must have one key"},
		"twice_push":          {"sources:\n  - push: {}\n  - push: {}", "there is a push already"},
		"unknown_source_key":  {"sources:\n  - tail:\n      pahts: [x]", `sources[0].tail: line 3: there is no key "pahts"; the nearest is "paths"`},
		"line_after_comments": {"# one\nsources:\n  # two\n  - push: {}\n\n  - tail:\n      # three\n      paths: [x]\n      # four\n      pol: 3s\n", `sources[1].tail: line 11: there is no key "pol"`},
		"number":              {"budget: many\n", `line 1: "many" is not what belongs here: it must be a number`},
		"list":                {"sources: 3\n", `line 1: "3" is not what belongs here: it must be a list`},
		"keys":                {"keep: all\n", `line 1: "all" is not what belongs here: it must be a group of keys`},
		"line_of_a_value":     {"sources:\n  - tail:\n      paths: /x\n", `sources[0].tail: line 3: "/x" is not what belongs here: it must be a list`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse([]byte(c.file), kinds(t)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want it to say %s", err, c.says)
			}
		})
	}
}
