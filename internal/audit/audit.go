// Package audit defines the record of who did what: entries that are chained, so that
// nothing can be changed, left out or put in between without it showing.
//
// The hash of an entry is SHA-256 over a canonical encoding of all its other fields, the
// hash of the entry before it included. Numbers are 8 bytes, big-endian; text stands
// behind its length; a hash is its 32 bytes:
//
//	"vedette audit 1" Seq Time Actor Action Target Detail Prev
//
// Where a chain begins depends on the tenant, so entries cannot be moved between tenants.
//
// A chain proves its inside, not its end: whoever can write the whole of it can cut it
// short or compute it anew. Against that, remember a [Head] somewhere else.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// Hash is a SHA-256 sum.
type Hash = [sha256.Size]byte

// Entry is one thing that somebody did.
type Entry struct {
	Seq    uint64 // its place in the chain of its tenant; the first is 1
	Time   int64  // when it was recorded, Unix nanoseconds
	Actor  string // the name of a person or token, or a part of the machine
	Action string // what was done, such as "incident.judge"
	Target string // what it was done to, such as "incident/4711"
	Detail string // JSON, or empty; never a secret
	Prev   Hash   // Hash of the entry before it
	Hash   Hash   // what Sum gives
}

// Sum returns the hash that the entry must have.
func (e *Entry) Sum() Hash {
	n := 0
	for _, s := range []string{version, e.Actor, e.Action, e.Target, e.Detail} {
		n += 8 + len(s)
	}
	b := appendText(make([]byte, 0, n+16+len(e.Prev)), version)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time))
	for _, s := range []string{e.Actor, e.Action, e.Target, e.Detail} {
		b = appendText(b, s)
	}
	return sha256.Sum256(append(b, e.Prev[:]...))
}

const version = "vedette audit 1"

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

// Head is the end of a chain: the number of entries and the hash of the last. Whoever
// remembers one can tell later whether the chain still leads through it.
type Head struct {
	Seq  uint64
	Hash Hash
}

// Start returns the head of the empty chain of a tenant.
func Start(tenant string) Head {
	return Head{Hash: sha256.Sum256(appendText(appendText(nil, version), tenant))}
}

// Next puts the entry at the end of the chain: it sets Seq, Prev and Hash, and returns
// the new head.
func (h Head) Next(e *Entry) Head {
	e.Seq, e.Prev = h.Seq+1, h.Hash
	e.Hash = e.Sum()
	return Head{e.Seq, e.Hash}
}

// String returns the head in a form that can be printed, kept and given to [ParseHead].
func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// ParseHead reads what String wrote.
func ParseHead(s string) (h Head, err error) {
	seq, sum, _ := strings.Cut(s, ":")
	raw, errHash := hex.DecodeString(sum)
	h.Seq, err = strconv.ParseUint(seq, 10, 64)
	if err != nil || errHash != nil || len(raw) != len(h.Hash) {
		return Head{}, fault.New(fault.Invalid, fmt.Sprintf("%q is not the head of an audit chain, such as 12:9f86d081...", s))
	}
	copy(h.Hash[:], raw)
	return h, nil
}

// Break says where a chain does not hold, and why.
type Break struct {
	Seq uint64 // of the first entry that is wrong or missing
	Why string
}

// Error implements error.
func (b *Break) Error() string { return fmt.Sprintf("audit: entry %d %s", b.Seq, b.Why) }

// Check returns the head after e if e is the next entry of the chain, else a [Break].
func (h Head) Check(e *Entry) (Head, error) {
	want := h.Seq + 1
	switch {
	case e.Seq > want:
		return h, &Break{want, fmt.Sprintf("is missing: number %d follows number %d", e.Seq, h.Seq)}
	case e.Seq < want:
		return h, &Break{e.Seq, fmt.Sprintf("is out of order: it stands behind number %d", h.Seq)}
	case e.Hash != e.Sum():
		return h, &Break{e.Seq, "was changed: its hash is not that of what it says"}
	case e.Prev != h.Hash:
		return h, &Break{e.Seq, "does not follow the entry before it, which was exchanged"}
	}
	return Head{e.Seq, e.Hash}, nil
}

// Verify follows a chain from a head to its end, and returns the head there. It stops at
// the first [Break], and at the first error of entries.
func Verify(from Head, entries iter.Seq2[Entry, error]) (Head, error) {
	for e, err := range entries {
		if err != nil {
			return from, fmt.Errorf("reading the audit chain behind entry %d: %w", from.Seq, err)
		}
		if from, err = from.Check(&e); err != nil {
			return from, err
		}
	}
	return from, nil
}
