package desk

import (
	"context"
	"time"

	"vedette/internal/audit"
)

// AuditFilter chooses entries of the audit. What is empty does not count.
type AuditFilter struct {
	Actor       string
	Action      string // or what it begins with, such as "incident."
	From, Until time.Time
}

// Chain is what is known of the chain of the audit.
type Chain struct {
	Entries  uint64
	Verified uint64    // up to which entry it holds; all if nothing is broken
	Head     string    // what proves later that nothing up to there was changed; see [audit.Head]
	At       time.Time // when it was followed from its beginning
	Broken   string    // what is wrong with the entry behind; empty if nothing is
}

// Link is how an entry stands in the chain.
type Link string

// The ways an entry stands in the chain.
const (
	Holds   Link = "holds"
	Breaks  Link = "broken"
	Unknown Link = "not verified" // it stands behind one that is broken
)

// Link returns how an entry stands in the chain.
func (c Chain) Link(e audit.Entry) Link {
	switch {
	case e.Hash != e.Sum() || c.Broken != "" && e.Seq == c.Verified+1:
		return Breaks
	case e.Seq > c.Verified:
		return Unknown
	}
	return Holds
}

// Audit reads who did what.
type Audit interface {
	// Entries returns entries, the latest first. A cursor leads on from where a list ended.
	Entries(ctx context.Context, tenant string, f AuditFilter, cursor string, n int) (all []audit.Entry, next string, err error)
	// Chain follows the chain: from where it was followed to the last time, or whole from its
	// beginning.
	Chain(ctx context.Context, tenant string, whole bool) (Chain, error)
}
