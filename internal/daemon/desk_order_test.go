package daemon

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/api/desk"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/resolve"
)

// TestEntitiesAreSorted: whatever the order, no two entities are equal in it, and where a
// list goes on is exactly behind the entity where it ended.
func TestEntitiesAreSorted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := desk.Order{By: rapid.SampledFrom([]string{"", "seen", "name", "kind", "learned"}).Draw(r, "by"), Up: rapid.Bool().Draw(r, "up")}
		compare, err := comparing(o)
		if err != nil {
			r.Fatal(err)
		}
		var all []found
		for k := range rapid.IntRange(1, 30).Draw(r, "entities") {
			all = append(all, found{entity.Key(k + 1), known{
				Seen: resolve.Seen{
					Kind: entity.Kind(rapid.IntRange(0, 3).Draw(r, "kind")), Own: rapid.Bool().Draw(r, "own"),
					To: rapid.Int64Range(0, 4).Draw(r, "to"),
				},
				name: rapid.SampledFrom([]string{"", "a", "B", "b", "é", "ws-1"}).Draw(r, "name"), acted: rapid.Bool().Draw(r, "acted"), learned: rapid.Float64Range(0, 1).Draw(r, "learned"),
			}})
		}
		slices.SortFunc(all, compare)
		for i, e := range all {
			last, err := readPlace(place(e))
			if err != nil {
				r.Fatal(err)
			}
			at, there := slices.BinarySearchFunc(all, last, compare)
			if !there || at != i {
				r.Fatalf("sorted by %v, the cursor of entity %d leads to %d, %v", o, i, at, there)
			}
		}
	})
	if _, err := comparing(desk.Order{By: "password"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if _, err := order(desk.Order{By: "password"}); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}
