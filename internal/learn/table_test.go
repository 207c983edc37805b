package learn

import (
	"bytes"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/rows"
)

// TestTableForgets holds a table against a map.
func TestTableForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table Table
		want := map[uint64]uint32{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := rapid.Uint64Range(1, 60).Draw(t, "key") << rapid.SampledFrom([]int{0, 6, 32, 40}).Draw(t, "shift") // many collide
			switch rapid.IntRange(0, 20).Draw(t, "what") {
			default:
				table.Reserve(1)
				table.At(key).Count++
				want[key]++
			case 8, 9, 10, 11, 12:
				table.Remove(key)
				delete(want, key)
			case 13:
				odd := func(k uint64, n uint32) bool { return (k^uint64(n))&1 == 1 }
				table.Keep(func(c *Cell) bool { return odd(c.Key, c.Count) })
				maps.DeleteFunc(want, func(k uint64, n uint32) bool { return !odd(k, n) })
			}
			if table.Len() != len(want) {
				t.Fatalf("%d keys, want %d", table.Len(), len(want))
			}
			for k, n := range want {
				if c := table.Find(k); c.Count != n {
					t.Fatalf("key %x has %d, want %d", k, c.Count, n)
				}
			}
			if c := table.Find(key); c.Count != want[key] {
				t.Fatalf("key %x has %d, want %d", key, c.Count, want[key])
			}
		}
		var again Table
		r := rows.Reader{Src: table.Append(nil)}
		if again.Read(&r); r.Err != nil || again.Len() != table.Len() || !bytes.Equal(again.Append(nil), table.Append(nil)) {
			t.Fatalf("loaded it is another one: %v", r.Err)
		}
	})
}
