package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// planted is what a set with planted activity holds, found out from its labels and logs.
type planted struct {
	pair    flow
	flows   int             // of the pair, in the conn logs
	longest time.Duration   // of a connection of the pair that is still open
	lines   map[string]bool // "path#line" of every labelled record of the pair
}

// beaconRank looks where a planted beacon and a planted long session come among all
// findings. It runs on every set with a table of labels that goes for all its logs, and
// logs of connections that are still open.
func beaconRank(ctx context.Context, b *bench) (r result, err error) {
	all, err := sets(b.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return result{Skipped: "there is no data folder"}, nil
	}
	if err != nil {
		return r, err
	}
	for _, s := range all {
		l, err := s.labels()
		if err != nil {
			return r, err
		}
		if len(l.tables[""]) == 0 || !l.opened {
			continue
		}
		p, err := s.planted(l)
		if err != nil {
			return r, err
		}
		if p.flows == 0 {
			continue
		}
		b.say("%s: %s to %s, %d flows, longest open %s", s.Name, p.pair.Orig, p.pair.Resp, p.flows, p.longest)
		o, err := b.analyze(ctx, job{}, s.Paths...)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.Name, err)
		}
		r.ranks(s.Name, p, o)
	}
	if len(r.Figures) == 0 {
		return result{Skipped: "no set in the data folder has labels of planted activity beside logs of open connections"}, nil
	}
	return r, nil
}

// traces is what the logs say of a pair.
type traces struct {
	flows   int
	longest float64 // seconds of an open connection
	lines   []string
}

// planted finds the pair that most labelled flows are of. Authors label what has ended;
// connections of the pair that are still open are taken to be of the same activity.
func (s set) planted(l *labels) (p planted, err error) {
	bad, open := map[flow]*traces{}, map[flow]*traces{}
	of := func(all map[flow]*traces, pair flow) *traces {
		if all[pair] == nil {
			all[pair] = &traces{}
		}
		return all[pair]
	}
	err = s.leaves(func(lf leaf) error {
		head, _ := lf.Reader.Peek(headSize)
		kind := classify(head)
		if kind != zeekColumns && kind != zeekJSON {
			return nil
		}
		z := zeekLog{kind: kind}
		return z.read(lf.Reader, func(r *row) error {
			pair := flow{Orig: r.get("id.orig_h"), Resp: r.get("id.resp_h")}
			where := fmt.Sprintf("%s#%d", lf.Name, r.Line)
			if r.Log == "open_conn" {
				t := of(open, pair)
				t.lines = append(t.lines, where)
				if seconds, err := strconv.ParseFloat(r.get("duration"), 64); err == nil {
					t.longest = max(t.longest, seconds)
				}
			} else if x, ok := l.of("", r); ok && x.bad() {
				t := of(bad, pair)
				t.lines = append(t.lines, where)
				if r.Log == "conn" {
					t.flows++
				}
			}
			return nil
		})
	})
	for pair, t := range bad { // in any order: the most, then the least name
		if t.flows > p.flows || t.flows == p.flows && pair.Orig+pair.Resp < p.pair.Orig+p.pair.Resp {
			p.pair, p.flows = pair, t.flows
		}
	}
	p.lines = map[string]bool{}
	for _, t := range []*traces{of(bad, p.pair), of(open, p.pair)} {
		p.longest = max(p.longest, time.Duration(t.longest)*time.Second)
		for _, where := range t.lines {
			p.lines[where] = true
		}
	}
	return p, err
}

// about reports whether a finding is about the pair: it names both, or it stands on their
// records, whatever the product calls them.
func (p planted) about(f findingLine) bool {
	names := append([]string{f.Entity}, f.Peers...)
	if slices.ContainsFunc(names, func(n string) bool { return mentions(n, p.pair.Orig) }) &&
		slices.ContainsFunc(names, func(n string) bool { return mentions(n, p.pair.Resp) }) {
		return true
	}
	on := 0
	for _, e := range f.Evidence {
		if p.lines[e] {
			on++
		}
	}
	return on > 0 && 2*on >= len(f.Evidence)
}

// mentions reports whether a text names an address: the address stands in it by itself.
func mentions(text, address string) bool {
	part := func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || c == ':' || c == '.' }
	for from := 0; address != ""; {
		i := strings.Index(text[from:], address)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(address)
		// A full stop after it may end a sentence, and a colon begin a list.
		after := end < len(text) && part(text[end]) && (text[end] != '.' && text[end] != ':' || end+1 < len(text) && part(text[end+1]))
		if (i == 0 || !part(text[i-1])) && !after {
			return true
		}
		from = i + 1
	}
	return false
}

// ranks adds the place of the first finding of each facet, and what comes first.
func (r *result) ranks(name string, p planted, o outcome) {
	const among = 5
	about := fmt.Sprintf("%s and %s", p.pair.Orig, p.pair.Resp)
	rank := func(facet string) (int, string) {
		for i, f := range o.Findings {
			if f.Facet == facet && p.about(f) {
				return i + 1, f.Why
			}
		}
		return len(o.Findings) + 1, fmt.Sprintf("not among %d findings", len(o.Findings))
	}
	if p.flows >= 20 {
		n, why := rank("beacon")
		r.add(name, "place of the planted beacon", float64(n), "place", fmt.Sprintf("%s, %d flows; %s", about, p.flows, why)).most(among)
	}
	if p.longest >= 24*time.Hour {
		n, why := rank("long session")
		r.add(name, "place of the planted long session", float64(n), "place", fmt.Sprintf("%s, open for %s when last seen; %s", about, p.longest, why)).most(among)
	}
	surfaced, best := 0, 0
	for i, in := range o.Incidents {
		of := slices.ContainsFunc(o.Findings, func(f findingLine) bool { return slices.Contains(in.Findings, f.ID) && p.about(f) })
		if of && best == 0 {
			best = i + 1
		}
		if of && in.Surfaced {
			surfaced++
		}
	}
	r.add(name, "place of the first incident about them", float64(best), "place", fmt.Sprintf("of %d incidents; 0 is none; %d about them surfaced", len(o.Incidents), surfaced))
	t := table{Title: "The first findings of " + name, Head: []string{"place", "nats", "facet", "entity", "why", "planted"}}
	for i, f := range o.Findings[:min(10, len(o.Findings))] {
		mark := ""
		if p.about(f) {
			mark = "yes"
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), number(f.Nats), f.Facet, f.Entity, f.Why, mark})
	}
	r.Tables = append(r.Tables, t)
}
