package auth

import (
	"crypto/sha256"
	"time"

	"vedette/internal/fault"
)

// Digest identifies exactly what is approved: every field, not a summary.
type Digest [sha256.Size]byte

// approvalLasts is how long an approval is good.
const approvalLasts = time.Hour

// Approval is a person's word for one thing. Only [Principal.Approve] makes one; the
// zero Approval covers nothing.
type Approval struct {
	tenant, person string
	digest         Digest
	clinical       bool
	from, until    time.Time
}

// Approve gives a person's word for what has the digest, for an hour. What touches
// medical devices or controllers is clinical, and asks for another permission. Programs
// cannot approve, whatever their token says: it takes a session.
func (p Principal) Approve(what Digest, clinical bool, now time.Time) (Approval, error) {
	need := ApproveActions
	if clinical {
		need = ApproveClinical
	}
	if err := p.Require(need); err != nil {
		return Approval{}, err
	}
	if p.session == (Hash{}) || what == (Digest{}) {
		return Approval{}, fault.New(fault.Denied, "only a person who has signed in can approve, and only something in particular")
	}
	return Approval{p.tenant, p.name, what, clinical, now, now.Add(approvalLasts)}, nil
}

// Person returns who approved, or "".
func (a Approval) Person() string { return a.person }

// Tenant returns for which tenant.
func (a Approval) Tenant() string { return a.tenant }

// Until returns when the approval ends.
func (a Approval) Until() time.Time { return a.until }

// Covers reports whether a is an approval, by the tenant's person, of what has this
// digest, still good at the time. One for what is not clinical does not cover what is.
func (a Approval) Covers(tenant string, what Digest, clinical bool, now time.Time) bool {
	return a.person != "" && a.tenant == tenant && a.digest == what && a.clinical == clinical &&
		!now.Before(a.from) && now.Before(a.until)
}
