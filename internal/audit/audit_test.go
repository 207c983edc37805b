package audit

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/fault"
)

func chain(tenant string, n int) ([]Entry, Head) {
	all, h := make([]Entry, n), Start(tenant)
	for i := range all {
		all[i] = Entry{Time: int64(i) * 1e9, Actor: "ann", Action: "incident.judge", Target: fmt.Sprint("incident/", i), Detail: `{"a":1}`}
		h = h.Next(&all[i])
	}
	return all, h
}

func seq(all []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// broken returns where Verify says the chain breaks, or 0.
func broken(t *testing.T, all []Entry) uint64 {
	t.Helper()
	_, err := Verify(Start("acme"), seq(all))
	if err == nil {
		return 0
	}
	b, ok := errors.AsType[*Break](err)
	if !ok || b.Why == "" {
		t.Fatalf("got %v, not a break", err)
	}
	return b.Seq
}

func TestVerify(t *testing.T) {
	all, head := chain("acme", 9)
	for name, x := range map[string]struct {
		change func([]Entry) []Entry
		want   uint64
	}{
		"whole":         {func(a []Entry) []Entry { return a }, 0},
		"seq":           {func(a []Entry) []Entry { a[4].Seq = 50; return a }, 5},
		"time":          {func(a []Entry) []Entry { a[4].Time++; return a }, 5},
		"actor":         {func(a []Entry) []Entry { a[4].Actor = "bob"; return a }, 5},
		"action":        {func(a []Entry) []Entry { a[4].Action = "x"; return a }, 5},
		"target":        {func(a []Entry) []Entry { a[4].Target = "x"; return a }, 5},
		"detail":        {func(a []Entry) []Entry { a[4].Detail = ""; return a }, 5},
		"prev":          {func(a []Entry) []Entry { a[4].Prev[3] ^= 1; return a }, 5},
		"hash":          {func(a []Entry) []Entry { a[4].Hash[3] ^= 1; return a }, 5},
		"moved_text":    {func(a []Entry) []Entry { a[4].Actor, a[4].Action = "annincident", ".judge"; return a }, 5},
		"forged":        {func(a []Entry) []Entry { a[4].Actor = "bob"; a[4].Hash = a[4].Sum(); return a }, 6},
		"deleted":       {func(a []Entry) []Entry { return slices.Delete(a, 4, 5) }, 5},
		"first_deleted": {func(a []Entry) []Entry { return a[1:] }, 1},
		"put_in":        {func(a []Entry) []Entry { return slices.Insert(a, 4, a[4]) }, 5},
		"swapped":       {func(a []Entry) []Entry { a[3], a[4] = a[4], a[3]; return a }, 4},
		"other_tenant":  {func([]Entry) []Entry { o, _ := chain("other", 9); return o }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := broken(t, x.change(slices.Clone(all))); got != x.want {
				t.Errorf("breaks at %d, want %d", got, x.want)
			}
		})
	}
	short, err := Verify(Start("acme"), seq(all[:6]))
	if err != nil || short == head {
		t.Errorf("a chain that was cut short ends at %v, %v", short, err)
	}
	if end, err := Verify(short, seq(all[6:])); err != nil || end != head {
		t.Errorf("going on from a head gave %v, %v", end, err)
	}
}

func TestVerify_anyChangeShows(t *testing.T) {
	whole, _ := chain("acme", 20)
	rapid.Check(t, func(r *rapid.T) {
		all := slices.Clone(whole)
		i := rapid.IntRange(0, len(all)-1).Draw(r, "entry")
		switch e := &all[i]; rapid.IntRange(0, 9).Draw(r, "what") {
		case 0:
			e.Seq += rapid.Uint64Min(1).Draw(r, "by")
		case 1:
			e.Time += rapid.Int64Min(1).Draw(r, "by")
		case 2:
			e.Actor += rapid.StringN(1, 9, -1).Draw(r, "more")
		case 3:
			e.Action = e.Action[1:]
		case 4:
			e.Target, e.Detail = e.Target+e.Detail, ""
		case 5:
			e.Prev[rapid.IntRange(0, 31).Draw(r, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		case 6:
			e.Hash[rapid.IntRange(0, 31).Draw(r, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		case 7:
			if i == len(all)-1 {
				r.Skip("the end can only be told by the head")
			}
			all = slices.Delete(all, i, i+1)
		case 8:
			j := rapid.IntRange(0, len(all)-1).Filter(func(j int) bool { return j != i }).Draw(r, "other")
			all[i], all[j] = all[j], all[i]
		case 9: // with a right hash of its own
			e.Detail = "forged"
			e.Hash = e.Sum()
		}
		head, err := Verify(Start("acme"), seq(all))
		if err == nil && head == (Head{whole[19].Seq, whole[19].Hash}) {
			r.Fatal("the change does not show")
		}
	})
}

func TestVerify_unreadable(t *testing.T) {
	_, err := Verify(Start("acme"), func(yield func(Entry, error) bool) { yield(Entry{}, io.ErrUnexpectedEOF) })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestHead(t *testing.T) {
	_, h := chain("acme", 3)
	if got, err := ParseHead(h.String()); err != nil || got != h {
		t.Errorf("%v became %v, %v", h, got, err)
	}
	for _, s := range []string{"", "3", "3:", "x:" + h.String()[2:], h.String() + "00"} {
		if _, err := ParseHead(s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestSum holds the encoding still: chains outlive programs.
func TestSum(t *testing.T) {
	e := Entry{Seq: 1, Time: 2, Actor: "a", Action: "b", Target: "c", Detail: "d"}
	Start("acme").Next(&e)
	const want = "8d4472d6"
	if got := fmt.Sprintf("%x", e.Hash[:4]); got != want {
		t.Errorf("the hash begins with %s, not %s", got, want)
	}
}
