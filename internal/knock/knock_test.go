package knock

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	nat   = netip.MustParseAddr("203.0.113.7")
	start = time.Unix(1_700_000_000, 0)
)

func secret(n uint64) (s Secret) {
	binary.BigEndian.PutUint64(s[:], n+1)
	return s
}

// guess tries a wrong secret and reports whether it was looked at.
func guess(l *Log, from netip.Addr, n uint64, now time.Time) bool {
	if l.Try(from, secret(n), now) > 0 {
		return false
	}
	l.Wrong()
	return true
}

func TestLog_bound(t *testing.T) {
	var l Log
	looked := 0
	const seconds = 600
	for i := range uint64(seconds * 100) { // a hundred guesses a second
		if guess(&l, nat, i, start.Add(time.Duration(i)*10*time.Millisecond)) {
			looked++
		}
	}
	if looked < seconds || looked > seconds+free {
		t.Errorf("%d guesses were looked at in %d seconds", looked, seconds)
	}
	if wrong, refused := l.Counts(); wrong != uint64(looked) || wrong+refused != seconds*100 {
		t.Errorf("%d wrong, %d refused", wrong, refused)
	}
	// Afterwards it takes a moment until a stranger behind the same address is heard again.
	end := start.Add(seconds * time.Second)
	if wait := l.Try(nat, secret(1<<40), end); wait > refill {
		t.Errorf("a wait of %v", wait)
	}
	if l.Try(nat, secret(1<<40), end.Add(refill)) != 0 {
		t.Error("it was not heard after that")
	}
	if !guess(&l, netip.MustParseAddr("203.0.113.8"), 1, start.Add(time.Second)) {
		t.Error("somebody elsewhere has to wait")
	}
}

func TestLog_whoIsKnownIsNotKeptOut(t *testing.T) {
	var l Log
	mine := secret(1 << 50)
	if l.Try(nat, mine, start) != 0 {
		t.Fatal("the first is not heard")
	}
	l.Right(nat, mine, start)
	for i := range uint64(10_000) {
		now := start.Add(time.Duration(i) * time.Millisecond)
		guess(&l, nat, i, now)
		if l.Try(nat, mine, now) != 0 {
			t.Fatalf("kept out after %d guesses of others", i)
		}
		l.Right(nat, mine, now)
	}
	if l.Try(netip.MustParseAddr("203.0.113.9"), mine, start) != 0 {
		t.Error("a right one from a new place is not heard")
	}
	late := start.Add(kept + time.Minute)
	for i := range uint64(free) {
		guess(&l, nat, i, late)
	}
	if l.Try(nat, mine, late) == 0 {
		t.Error("it is known for ever")
	}
}

// Right secrets cost nothing, however many there are.
func TestLog_rightOnesAreFree(t *testing.T) {
	var l Log
	for i := range uint64(10_000) {
		if l.Try(nat, secret(i), start) != 0 {
			t.Fatalf("number %d has to wait", i)
		}
		l.Right(nat, secret(i), start)
	}
}

func TestLog_memory(t *testing.T) {
	var l Log
	for i := range uint32(10 * most) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], i)
		guess(&l, netip.AddrFrom4(b), 1, start)
	}
	if len(l.from) != most || l.recent.Len() != most {
		t.Errorf("%d addresses are remembered, in a list of %d", len(l.from), l.recent.Len())
	}
}

func TestWhence(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", "::ffff:203.0.113.7": "203.0.113.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Whence(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if Whence(netip.Addr{}).IsValid() {
		t.Error("no address has a place")
	}
}

// Whatever is tried, and however the clock goes, the wait is never long and guesses are
// never looked at faster than the bound.
func TestLog_anyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Log
		now, looked, passed := start, 0, time.Duration(0)
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			step := time.Duration(rapid.IntRange(-2000, 3000).Draw(t, "ms")) * time.Millisecond
			now = now.Add(step)
			passed += max(step, -step)
			if wait := l.Try(nat, secret(uint64(looked)), now); wait > 2*full {
				t.Fatalf("a wait of %v", wait)
			} else if wait <= 0 {
				l.Wrong()
				looked++
			}
		}
		if looked > free+int(passed/refill)+1 {
			t.Fatalf("%d looked at in %v", looked, passed)
		}
	})
}
