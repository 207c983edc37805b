package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
)

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	Seq    uint64          `json:"seq"`
	Time   time.Time       `json:"time"`
	Actor  string          `json:"actor"`
	Action string          `json:"action"`
	Target string          `json:"target"`
	Detail json.RawMessage `json:"detail,omitempty" doc:"An object; its names depend on the action"`
	Hash   string          `json:"hash"`
	Chain  string          `json:"chain" enum:"holds,broken,not verified"`
}

// AuditChain is what is known of the chain of the audit.
type AuditChain struct {
	Entries  uint64    `json:"entries"`
	Verified uint64    `json:"verified" doc:"Up to which entry it holds"`
	Head     string    `json:"head" doc:"Noted elsewhere, it proves later that nothing up to there was changed"`
	At       time.Time `json:"at" doc:"When it was followed from its beginning"`
	Broken   string    `json:"broken,omitempty" doc:"What is wrong with the entry behind"`
}

type auditIn struct {
	Actor  string    `query:"actor" maxLength:"64"`
	Action string    `query:"action" maxLength:"64" doc:"Or what it begins with, such as incident."`
	From   time.Time `query:"from"`
	Until  time.Time `query:"until"`
	Cursor string    `query:"cursor" maxLength:"20"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type chainIn struct {
	Whole bool `query:"whole" doc:"From its beginning, even if that was done before"`
}

// audit are the operations on the record of who did what.
func (s *server) audit() {
	operation(s, http.MethodGet, "/api/audit", "List who did what", needs(auth.ReadAudit), s.listAudit)
	operation(s, http.MethodGet, "/api/audit/chain", "Verify the chain of the audit", needs(auth.ReadAudit), func(ctx context.Context, in *chainIn) (*body[AuditChain], error) {
		c, err := s.Audit.Chain(ctx, who(ctx).Tenant(), in.Whole)
		if err != nil {
			return nil, err
		}
		return &body[AuditChain]{AuditChain{c.Entries, c.Verified, c.Head, c.At.UTC(), c.Broken}}, nil
	})
}

func (s *server) listAudit(ctx context.Context, in *auditIn) (*body[Page[AuditEntry]], error) {
	tenant := who(ctx).Tenant()
	chain, err := s.Audit.Chain(ctx, tenant, false)
	if err != nil {
		return nil, err
	}
	all, next, err := s.Audit.Entries(ctx, tenant, desk.AuditFilter{Actor: in.Actor, Action: in.Action, From: in.From, Until: in.Until}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &body[Page[AuditEntry]]{Page[AuditEntry]{Items: []AuditEntry{}, Next: next}}
	for _, e := range all {
		if e.Detail != "" && !json.Valid([]byte(e.Detail)) {
			e.Detail = strconv.Quote("not JSON: it was changed") // and so the chain says
		}
		out.Body.Items = append(out.Body.Items, AuditEntry{e.Seq, time.Unix(0, e.Time).UTC(), e.Actor, e.Action, e.Target, json.RawMessage(e.Detail), hex.EncodeToString(e.Hash[:]), string(chain.Link(e))})
	}
	return out, nil
}
