package text

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

func TestArenaKeepsEachStringOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Arena
		refs := map[string]Ref{}
		for _, s := range rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringMatching(`[ab]{0,3}`))).Draw(t, "strings") {
			r := a.Put([]byte(s))
			if old, ok := refs[s]; ok && old != r {
				t.Fatalf("%q is at %x and %x", s, old, r)
			}
			refs[s] = r
		}
		size := 0
		for s, r := range refs {
			if string(a.Bytes(r)) != s || r.Len() != len(s) || !a.Valid(r) {
				t.Fatalf("%q became %q", s, a.Bytes(r))
			}
			size += len(s)
		}
		if a.Size() != size || a.Memory() < size {
			t.Fatalf("%d bytes of strings, want %d", a.Size(), size)
		}
		// What was written out and is known again goes on alike.
		var b Arena
		b.SetRaw(a.Raw())
		for s, r := range refs {
			if string(b.Bytes(r)) != s {
				t.Fatalf("%q became %q", s, b.Bytes(r))
			}
			b.Know(r)
			b.Know(r)
			if again := b.Put([]byte(s)); again != r {
				t.Fatalf("%q, which is known at %x, was put at %x", s, r, again)
			}
		}
		if x, y := a.Put([]byte("something else")), b.Put([]byte("something else")); x != y {
			t.Fatalf("put at %x and %x", x, y)
		}
		a.Reset()
		if a.Size() != 0 || a.Put([]byte("x")).Len() != 1 {
			t.Fatal("not empty after Reset")
		}
	})
}

func TestEmptyStringIsZero(t *testing.T) {
	var a Arena
	if r := a.Put(nil); r != 0 || len(a.Bytes(0)) != 0 || a.Size() != 0 || !a.Valid(0) {
		t.Errorf("the empty string is %x", r)
	}
}

// TestBytesCannotGrowIntoOthers: appending to a string copies it.
func TestBytesCannotGrowIntoOthers(t *testing.T) {
	var a Arena
	x, y := a.Put([]byte("one")), a.Put([]byte("two"))
	if _ = append(a.Bytes(x), "!!!"...); string(a.Bytes(y)) != "two" {
		t.Errorf("the next string is %q", a.Bytes(y))
	}
}

func TestValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Arena
		a.Put([]byte("some strings"))
		r := Ref(rapid.Uint64().Draw(t, "ref"))
		if a.Valid(r) {
			a.Bytes(r) // does not panic
		}
		a.Know(r)
	})
	var a Arena
	a.Put([]byte("abc"))
	for r, want := range map[Ref]bool{3: true, 4: false, 1<<32 | 2: true, 1<<32 | 3: false, 3 << 32: true, 4 << 32: false, ^Ref(0): false} {
		if a.Valid(r) != want {
			t.Errorf("%x: valid is %v", r, !want)
		}
	}
}

// TestHashIsForEver: keys are stored, so a hash may never change.
func TestHashIsForEver(t *testing.T) {
	for s, want := range map[string]uint64{
		"": 0xab4b1bd8db63be88, "a": 0x5e7ac9b618eb8bff, "ab": 0xcb5c46959d5177aa, "abcde": 0x4008af7cb2471553, "12345678": 0xaf9d6d4475d3fb38, "www.example.com": 0x7f56e2e9bc6f5f79,
	} {
		if got := Hash(1, []byte(s)); got != want {
			t.Errorf("%q: %#x, want %#x", s, got, want)
		}
	}
}

// TestHashSpreads: names that differ in one place have other upper and lower bits, and no
// two of a million are equal.
func TestHashSpreads(t *testing.T) {
	seen := map[uint64]string{}
	var upper, lower [256]int
	const n = 200_000
	flipped := 0
	for i := range n {
		s := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		h := Hash(7, []byte(s))
		if other, ok := seen[h]; ok {
			t.Fatalf("%s and %s are both %x", s, other, h)
		}
		seen[h] = s
		upper[h>>56]++
		lower[h&255]++
		flipped += bits.OnesCount64(h ^ Hash(8, []byte(s)))
	}
	for i := range upper {
		if lo, hi := n/256*3/4, n/256*5/4; upper[i] < lo || upper[i] > hi || lower[i] < lo || lower[i] > hi {
			t.Errorf("byte %d: %d times above, %d below, want about %d", i, upper[i], lower[i], n/256)
		}
	}
	if mean := float64(flipped) / n; mean < 30 || mean > 34 {
		t.Errorf("another seed changes %.1f bits of 64", mean)
	}
}

func BenchmarkHash(b *testing.B) {
	s := bytes.Repeat([]byte("x"), 24)
	for b.Loop() {
		Hash(0, s)
	}
}
