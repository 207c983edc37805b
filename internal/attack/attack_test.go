package attack_test

import (
	"regexp"
	"testing"

	"vedette/internal/attack"
	"vedette/internal/detect/all"
)

// TestEveryReportedTechniqueIsKnown: a detector names no technique that cannot be
// explained, and one that is explained is named right.
func TestEveryReportedTechniqueIsKnown(t *testing.T) {
	id := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	for _, k := range all.Kinds() {
		for _, x := range k.Techniques {
			got := attack.Lookup(x)
			if got.ID != x || got.Name == "" || got.Tactic == attack.NoTactic || got.Tactic.String() == "" || !id.MatchString(string(x)) {
				t.Errorf("%s reports %s: %+v", k.Name, x, got)
			}
		}
	}
	if attack.Lookup("T0000") != (attack.Technique{}) {
		t.Error("what is not here is explained")
	}
}

func TestTacticsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for x := attack.InitialAccess; x <= attack.Impact; x++ {
		if s := x.String(); s == "" || seen[s] {
			t.Errorf("tactic %d is called %q", x, s)
		} else {
			seen[s] = true
		}
	}
	if attack.NoTactic.String() != "" || attack.Tactic(200).String() != "" {
		t.Error("what is no tactic has a name")
	}
}
