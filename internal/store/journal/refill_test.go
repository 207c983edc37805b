package journal

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/input"
)

func entries(from, n int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := range n {
			if !yield(fmt.Appendf(nil, "entry %d", from+i), nil) {
				return
			}
		}
	}
}

// A journal that is filled again has its entries where they were, and goes on behind them,
// also when it is opened again.
func TestRefill(t *testing.T) {
	for name, c := range map[string]struct{ first, n int }{
		"from_the_beginning": {1, 3}, "from_the_middle": {1000, 700}, "empty": {42, 0}, "new": {1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			last, err := Refill(t.Context(), dir, input.Position(c.first), entries(c.first, c.n))
			if err != nil || int(last) != c.first+c.n-1 {
				t.Fatalf("the last is %d: %v", last, err)
			}
			for range 2 {
				j, err := Open(t.Context(), dir, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if lost := j.Recovered(); lost != "" {
					t.Errorf("it says that something is lost: %s", lost)
				}
				at, err := j.Append(t.Context(), []byte("more"))
				if err != nil || at != last+1 {
					t.Errorf("the next is at %d: %v", at, err)
				}
				last = at
				var got []string
				err = j.Read(t.Context(), input.Position(c.first), false, func(at input.Position, data []byte) error {
					if int(at) != c.first+len(got) {
						t.Errorf("an entry is at %d", at)
					}
					got = append(got, string(data))
					return nil
				})
				if err != nil || len(got) != int(last)-c.first+1 {
					t.Errorf("%d entries: %v", len(got), err)
				}
				if c.n > 0 && !slices.Contains(got, fmt.Sprintf("entry %d", c.first+c.n-1)) {
					t.Errorf("they are %v", got)
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestRefillRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	if _, err := Refill(t.Context(), dir, 5, entries(5, 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := Refill(t.Context(), dir, 5, entries(5, 2)); fault.KindOf(err) != fault.Conflict {
		t.Errorf("over another: %v", err)
	}
	if _, err := Refill(t.Context(), filepath.Join(t.TempDir(), "x"), 0, entries(0, 1)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("from 0 on: %v", err)
	}
	broken := errors.New("broken")
	_, err := Refill(t.Context(), filepath.Join(t.TempDir(), "y"), 1, func(yield func([]byte, error) bool) {
		_ = yield([]byte("x"), nil) && yield(nil, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("what comes is broken: %v", err)
	}
}
