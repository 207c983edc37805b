package auth

import "time"

// Attempts is what is stored about failures to sign in, of one account or from one
// address: all that a [Throttle] needs to know. The zero value is a clean slate.
type Attempts struct {
	Failed int
	Last   time.Time // of the last failure
}

// Throttle says how long to wait after failures. It delays; it never locks anybody out.
//
// An attempt counts as failed when it begins, before the password is looked at, and is
// taken back if it was right; else many at once would all be the first. Attempts that
// are refused because it is too early do not count, or a stranger could keep the owner
// out by knocking.
type Throttle struct {
	Free   int           // failures before the first delay
	First  time.Duration // the first delay; it doubles with each failure
	Most   time.Duration // the longest delay
	Forget time.Duration // after so long without a failure half of them are forgotten
}

// ForAccount returns the throttle for one account: five tries, then from a second to a
// minute. Over a day that leaves a stranger some 1,500 guesses.
func ForAccount() Throttle { return Throttle{5, time.Second, time.Minute, 15 * time.Minute} }

// ForAddress returns the throttle for one address, behind which there may be many people.
func ForAddress() Throttle { return Throttle{20, time.Second, 15 * time.Minute, 15 * time.Minute} }

// still returns how many failures still count.
func (t Throttle) still(a Attempts, now time.Time) int {
	quiet := now.Sub(a.Last)
	if quiet <= 0 || t.Forget <= 0 {
		return a.Failed
	}
	return a.Failed >> min(quiet/t.Forget, 62)
}

// Fail returns what is stored after one more failure.
func (t Throttle) Fail(a Attempts, now time.Time) Attempts {
	return Attempts{min(t.still(a, now), 1<<20) + 1, now}
}

// Undo returns what is stored once the attempt turned out to be right. An account starts
// afresh; an address loses only this one failure, or whoever has an account of their own
// could clear it between guesses at others.
func (t Throttle) Undo(a Attempts, account bool) Attempts {
	if account || a.Failed <= 1 {
		return Attempts{}
	}
	return Attempts{a.Failed - 1, a.Last}
}

// Wait returns how long it takes until the next attempt is looked at: 0 if it is now.
func (t Throttle) Wait(a Attempts, now time.Time) time.Duration {
	late := a.Failed - t.Free
	if late <= 0 {
		return 0
	}
	delay := t.Most
	if late <= 32 && t.First<<(late-1) > 0 {
		delay = min(t.Most, t.First<<(late-1))
	}
	if a.Last.After(now) { // the clock was set back
		return delay
	}
	return max(0, delay-now.Sub(a.Last))
}

// Wait returns how long somebody who wants to sign in to an account from an address must
// wait. From an address that the person has signed in from before (known), failures of
// others do not count: nobody can be kept out by a stranger who guesses.
func Wait(account, address Attempts, known bool, now time.Time) time.Duration {
	wait := ForAddress().Wait(address, now)
	if !known {
		wait = max(wait, ForAccount().Wait(account, now))
	}
	return wait
}
