package desk

import (
	"strings"
	"testing"
	"time"
)

// TestCalled: whatever somebody is called elsewhere, there is a name for them here.
func TestCalled(t *testing.T) {
	for likes, want := range map[string]string{
		"carol": "carol", "Carol C.": "carol.c", "carol@clinic.example": "carol", "o'hara_2": "ohara_2", "..": "person-", "": "person-", "x": "person-",
		"李雷": "person-", "<script>": "script", strings.Repeat("a", 49): "person-", "a\r\nb": "ab",
	} {
		v := Vouched{Issuer: "https://idp.example", Subject: "1", Name: likes}
		got := v.called()
		if want == "person-" && strings.HasPrefix(got, want) && len(got) == len(want)+8 {
			continue
		}
		if got != want {
			t.Errorf("%q becomes %q, want %q", likes, got, want)
		}
	}
	a, b := Vouched{Issuer: "https://a", Subject: "1"}, Vouched{Issuer: "https://a", Subject: "2"}
	if a.called() == b.called() {
		t.Error("two people have one name")
	}
}

// TestSpend: what is remembered of trips that came back is bounded.
func TestSpend(t *testing.T) {
	var e Elsewhere
	now := time.Unix(1_700_000_000, 0)
	name := func(i int) trip {
		return trip{Ask: Ask{State: strings.Repeat("x", i%7) + time.Duration(i).String()}, Ends: now.Add(time.Duration(i) * time.Millisecond).Add(tripLasts).Unix()}
	}
	for i := range mostSpent + 500 {
		if !e.spend(name(i), now) {
			t.Fatalf("number %d is said to have come before", i)
		}
		if i > mostSpent-50 && e.spend(name(i), now) {
			t.Fatalf("number %d came twice", i)
		}
	}
	if len(e.spent) > mostSpent {
		t.Errorf("%d are remembered", len(e.spent))
	}
	later := now.Add(time.Hour)
	e.forget(later)
	if len(e.spent) != 0 {
		t.Errorf("%d are remembered for ever", len(e.spent))
	}
}
