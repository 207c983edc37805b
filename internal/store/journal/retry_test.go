package journal

import (
	"errors"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// TestJournal_retry appends again what may be there.
func TestJournal_retry(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	fill(t, j, 3, 1000)
	for _, c := range []struct {
		name                string
		number, after, want uint64
	}{
		{"is_there", 3, 2, 3},
		{"is_there_and_others_behind_it", 2, 1, 2},
		{"is_not_there", 4, 3, 4},
		{"another_is_there", 5, 3, 5},
	} {
		at, err := j.Retry(t.Context(), sample(c.number, 1000), input.Position(c.after))
		if err != nil || at != input.Position(c.want) {
			t.Errorf("%s: %d, %v, want %d", c.name, at, err, c.want)
		}
	}
	if gaps := check(t, j, 1, 5, 1000); len(gaps) > 0 || j.Last() != 5 {
		t.Errorf("the last is %d, gaps %v", j.Last(), gaps)
	}
}

// TestJournal_retryWhenTheWriterBroke has the journal not know what became of an entry:
// it starts its server anew, and finds it.
func TestJournal_retryWhenTheWriterBroke(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	fill(t, j, 3, 1000)
	j.broken = errors.New("a disk that failed to sync")
	if at, err := j.Retry(t.Context(), sample(3, 1000), 2); err != nil || at != 3 {
		t.Errorf("what is there: %d, %v", at, err)
	}
	j.broken = errors.New("a disk that failed to sync")
	if at, err := j.Retry(t.Context(), sample(4, 1000), 3); err != nil || at != 4 {
		t.Errorf("what is not: %d, %v", at, err)
	}
	if gaps := check(t, j, 1, 4, 1000); len(gaps) > 0 || j.Last() != 4 {
		t.Errorf("the last is %d, gaps %v", j.Last(), gaps)
	}
}

// TestJournal_retryAtTheLimit: what the limit leaves no room for gets it when older
// entries are forgotten.
func TestJournal_retryAtTheLimit(t *testing.T) {
	j := open(t, t.TempDir(), Options{MaxBytes: 3500})
	fill(t, j, 3, 1000)
	if _, err := j.Append(t.Context(), sample(4, 1000)); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("beyond the limit: %v", err)
	}
	if _, err := j.Retry(t.Context(), sample(4, 1000), 3); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("beyond the limit: %v", err)
	}
	if err := j.Forget(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if at, err := j.Retry(t.Context(), sample(4, 1000), 3); err != nil || at != 4 {
		t.Errorf("%d, %v", at, err)
	}
}
