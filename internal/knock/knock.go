// Package knock keeps those who guess secrets from guessing fast: it counts wrong ones by
// where they came from, and says how long to wait.
//
// Behind one address there may be many. So a secret that was right from there within a day
// is looked at whatever others do: whoever guesses keeps out only those who have not been
// let in from there before, and those only while it goes on. What it costs is that the
// secrets in use behind an address can be guessed from behind it at any speed, which does
// not help against secrets of 100 bits or more.
package knock

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	free   = 30             // wrong ones in a row before there is a wait
	refill = time.Second    // after which one more is looked at
	kept   = 24 * time.Hour // how long a right secret is remembered
	rights = 8              // right secrets that are remembered of an address
	most   = 4096           // addresses; beyond it the one that knocked longest ago is forgotten
	full   = free * refill  // what it takes to be as good as new
)

// Secret is what stands for a secret: its hash, or a part of it.
type Secret [32]byte

// Log remembers who knocked. The zero Log is ready, and takes at most 3 MB. Its methods may
// be called from any goroutine.
type Log struct {
	mu      sync.Mutex
	from    map[netip.Prefix]*list.Element
	recent  list.List // of *place; the latest first
	wrong   uint64
	refused uint64
}

// place is an address.
type place struct {
	at    netip.Prefix
	owed  time.Time // up to when what was looked at has to be made good
	known [rights]right
}

type right struct {
	secret Secret
	last   time.Time
}

// Whence returns what those behind an address are counted under: the address itself, or the
// network of 64 bits that one machine of IPv6 has to itself.
func Whence(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// Try returns how long to wait before a secret from an address is looked at: 0 for now, and
// then [Log.Right] or [Log.Wrong] must follow. Who is told to wait is not counted again.
func (l *Log) Try(from netip.Addr, secret Secret, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.place(Whence(from))
	for i := range p.known {
		if k := &p.known[i]; k.secret == secret && now.Sub(k.last) < kept {
			return 0
		}
	}
	// Each look is owed for a second; beyond so many seconds it has to wait.
	if p.owed.Before(now) || p.owed.Sub(now) > 2*full { // the clock was set back
		p.owed = now
	}
	if wait = p.owed.Add(refill).Sub(now) - full; wait > 0 {
		l.refused++
		return wait
	}
	p.owed = p.owed.Add(refill)
	return 0
}

// Right notes that a secret was right.
func (l *Log) Right(from netip.Addr, secret Secret, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.place(Whence(from))
	oldest := 0
	for i, k := range p.known {
		if k.secret == secret {
			p.known[i].last = now
			return
		}
		if k.last.Before(p.known[oldest].last) {
			oldest = i
		}
	}
	p.known[oldest] = right{secret, now}
	p.owed = p.owed.Add(-refill) // it was no guess
}

// Wrong notes that a secret was wrong.
func (l *Log) Wrong() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong++
}

// Counts returns how many secrets were wrong, and how many were not looked at.
func (l *Log) Counts() (wrong, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong, l.refused
}

// place returns what is remembered of an address.
func (l *Log) place(at netip.Prefix) *place {
	if e := l.from[at]; e != nil {
		l.recent.MoveToFront(e)
		return e.Value.(*place)
	}
	if l.from == nil {
		l.from = map[netip.Prefix]*list.Element{}
	}
	if len(l.from) >= most {
		old := l.recent.Back()
		delete(l.from, old.Value.(*place).at)
		l.recent.Remove(old)
	}
	p := &place{at: at}
	l.from[at] = l.recent.PushFront(p)
	return p
}
