package plug

import (
	"slices"
	"testing"
)

type plugin string

func (p plugin) About() Info { return Info{Name: string(p)} }

func TestSet(t *testing.T) {
	s, err := NewSet(plugin("b"), plugin("a/c"))
	if err != nil || !slices.Equal(s.All(), []plugin{"b", "a/c"}) {
		t.Errorf("%v, %v", s.All(), err)
	}
	s.All()[0] = "x"
	if s.All()[0] != "b" {
		t.Error("a set was changed from outside")
	}
	for name, all := range map[string][]plugin{"twice": {"a", "b", "a"}, "empty": {""}, "upper_case": {"A"}} {
		if _, err := NewSet(all...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewSet[plugin](); err != nil {
		t.Errorf("an empty set: %v", err)
	}
}
