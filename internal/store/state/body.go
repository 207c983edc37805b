package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	"vedette/internal/finding"
	"vedette/internal/incident"
)

// body is what the machine says about an incident, as JSON: the incident without its
// findings and links, and these one by one, so that two versions can be compared piece
// by piece without knowing what is in them.
type body struct {
	Head     json.RawMessage   `json:"incident"`
	Findings []json.RawMessage `json:"findings"`
	Links    []json.RawMessage `json:"links"`
	Names    []Name            `json:"names"`
}

func newBody(r *Report) (b body, err error) {
	head := r.Incident
	head.Findings, head.Links = nil, nil
	if b.Head, err = json.Marshal(head); err == nil {
		b.Findings, err = pieces(r.Incident.Findings)
	}
	if err == nil {
		b.Links, err = pieces(r.Incident.Links)
	}
	if err != nil {
		return body{}, fmt.Errorf("encoding: %w", err)
	}
	b.Names = r.Names
	return b, nil
}

func pieces[T any](all []T) ([]json.RawMessage, error) {
	var raw []json.RawMessage
	for i := range all {
		b, err := json.Marshal(&all[i])
		if err != nil {
			return nil, err
		}
		raw = append(raw, b)
	}
	return raw, nil
}

// head decodes the incident without its findings and links.
func (b *body) head() (*incident.Incident, error) {
	in := new(incident.Incident)
	if err := json.Unmarshal(b.Head, in); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	return in, nil
}

// incident decodes the whole.
func (b *body) incident() (incident.Incident, error) {
	in, err := b.head()
	if err != nil {
		return incident.Incident{}, err
	}
	for _, raw := range b.Findings {
		var f finding.Finding
		if err := json.Unmarshal(raw, &f); err != nil {
			return incident.Incident{}, fmt.Errorf("decoding a finding: %w", err)
		}
		in.Findings = append(in.Findings, f)
	}
	for _, raw := range b.Links {
		var l incident.Link
		if err := json.Unmarshal(raw, &l); err != nil {
			return incident.Incident{}, fmt.Errorf("decoding a link: %w", err)
		}
		in.Links = append(in.Links, l)
	}
	return *in, nil
}

// splice is a change of a list: its first Keep and last Tail pieces stay, with New
// between them. What a list was, and its splices, give what it is.
type splice struct {
	Keep int               `json:"keep"`
	Tail int               `json:"tail,omitempty"`
	New  []json.RawMessage `json:"new,omitempty"`
	Was  int               `json:"was,omitempty"` // how many there were
}

// spliceOf returns what leads from one list to another; nil if they are equal.
func spliceOf(old, now []json.RawMessage) *splice {
	s := splice{Was: len(old)}
	for s.Keep < min(len(old), len(now)) && bytes.Equal(old[s.Keep], now[s.Keep]) {
		s.Keep++
	}
	if s.Keep == len(old) && s.Keep == len(now) {
		return nil
	}
	for s.Tail < min(len(old), len(now))-s.Keep && bytes.Equal(old[len(old)-1-s.Tail], now[len(now)-1-s.Tail]) {
		s.Tail++
	}
	s.New = now[s.Keep : len(now)-s.Tail]
	return &s
}

// grows reports whether the list became longer.
func (s *splice) grows() bool { return s.Keep+len(s.New)+s.Tail > s.Was }

// apply returns what the list became.
func (s *splice) apply(old []json.RawMessage) ([]json.RawMessage, error) {
	if s == nil {
		return old, nil
	}
	if s.Keep < 0 || s.Tail < 0 || s.Keep+s.Tail > len(old) {
		return nil, fmt.Errorf("a step of the history keeps %d and %d of %d", s.Keep, s.Tail, len(old))
	}
	now := append([]json.RawMessage(nil), old[:s.Keep]...)
	return append(append(now, s.New...), old[len(old)-s.Tail:]...), nil
}

// difference returns what leads from one body to another; nil if they are equal.
func difference(old, now *body, title string) *detail {
	d := &detail{Title: title, Names: &now.Names}
	if old == nil {
		old = &body{}
	}
	d.Findings, d.Links = spliceOf(old.Findings, now.Findings), spliceOf(old.Links, now.Links)
	sameHead, sameNames := bytes.Equal(old.Head, now.Head), equalNames(old.Names, now.Names)
	if sameHead && sameNames && d.Findings == nil && d.Links == nil {
		return nil
	}
	if !sameHead {
		d.Head = now.Head
	}
	if sameNames {
		d.Names = nil
	}
	return d
}

func equalNames(a, b []Name) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// apply changes a body by a step of its history.
func (d *detail) apply(b *body) (err error) {
	if d.Head != nil {
		b.Head = d.Head
	}
	if d.Names != nil {
		b.Names = *d.Names
	}
	if b.Findings, err = d.Findings.apply(b.Findings); err == nil {
		b.Links, err = d.Links.apply(b.Links)
	}
	return err
}
