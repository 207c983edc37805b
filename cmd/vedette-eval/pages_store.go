package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/store/state"
)

// The store that pages are measured on. Its machines are learned by the program from
// records; its incidents are written with the program's own packages, since making so many
// by attacks would take days.
const (
	pagesEntities  = 50_000
	pagesLines     = 1_000_000
	pagesIncidents = 20_000
	pagesFindings  = 1_000_000
	pagesLarge     = 200 // incidents of so many findings
	pagesTenant    = "local"
	pagesKeep      = "keep: {days: 36500}\n" // what is generated is of a day long ago
	pagesSpread    = 60 * 24 * time.Hour     // over which incidents were opened
)

// known is an entity as the API lists it.
type known struct {
	ID   string `json:"key"`
	Name string `json:"name"`
	key  entity.Key
}

// pagesStore returns a data folder with all that, made now or by an earlier run.
func (b *bench) pagesStore(ctx context.Context, root string) (dir string, took time.Duration, err error) {
	dir = filepath.Join(root, fmt.Sprintf("vedette-eval-pages-%d-%d-%d", pagesEntities, pagesIncidents, pagesFindings))
	whole := filepath.Join(dir, "whole")
	if _, err := os.Stat(whole); err == nil {
		b.say("using the store of an earlier run; remove it to have it made anew: %s", dir)
		return dir, 0, nil
	}
	began := time.Now()
	if err := os.RemoveAll(dir); err != nil {
		return "", 0, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", 0, err
	}
	all, source, err := b.learnMachines(ctx, dir)
	if err != nil {
		return "", 0, fmt.Errorf("making the store: %w", err)
	}
	if err := b.writeIncidents(ctx, filepath.Join(dir, "state"), all, source); err != nil {
		return "", 0, fmt.Errorf("making the store: %w", err)
	}
	took = time.Since(began)
	return dir, took, os.WriteFile(whole, nil, 0o600)
}

// learnMachines has the program learn many machines, and returns them, with the number of
// the source by which their records are known.
func (b *bench) learnMachines(ctx context.Context, dir string) (all []known, source uint32, err error) {
	w, err := b.generate(ctx, workload{Lines: pagesLines, Entities: pagesEntities, Days: 3})
	if err != nil {
		return nil, 0, err
	}
	defer w.remove()
	d, err := b.start(ctx, dir, pagesKeep+fmt.Sprintf("sources: [{tail: {paths: [%q]}}]\n", w.dir))
	if err != nil {
		return nil, 0, err
	}
	if err = d.enter(ctx); err == nil {
		err = d.learned(ctx, b, pagesLines)
	}
	if err == nil {
		all, err = d.entities(ctx, b)
	}
	if err == nil {
		source, err = d.sourceNumber(ctx)
	}
	return all, source, errors.Join(err, d.stop())
}

// learned waits until so many events were learned.
func (d *daemon) learned(ctx context.Context, b *bench, n float64) error {
	for i := 0; ; i++ {
		m, err := d.metrics(ctx)
		if err != nil || m["vedette_learned_events_total"] >= n {
			return err
		}
		if i%20 == 0 {
			b.say("%s of %s events learned", number(m["vedette_learned_events_total"]), number(n))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.ended:
			return fmt.Errorf("the program ended: %w", d.err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// entities lists all entities of ours.
func (d *daemon) entities(ctx context.Context, b *bench) (all []known, err error) {
	for cursor := ""; ; {
		var page struct {
			Items []known `json:"items"`
			Next  string  `json:"next"`
		}
		if err := d.call(ctx, http.MethodGet, "/api/entities?limit=200&cursor="+url.QueryEscape(cursor), nil, nil, &page); err != nil {
			return nil, err
		}
		for _, k := range page.Items {
			n, err := strconv.ParseUint(k.ID, 16, 64)
			if err != nil {
				return nil, err
			}
			k.key = entity.Key(n)
			all = append(all, k)
		}
		if cursor = page.Next; cursor == "" {
			b.say("%s entities are listed", number(float64(len(all))))
			return all, nil
		}
	}
}

// sourceNumber finds out by which number the source of the records goes.
func (d *daemon) sourceNumber(ctx context.Context) (uint32, error) {
	var err error
	for n := range uint32(8) {
		if err = d.call(ctx, http.MethodGet, fmt.Sprintf("/api/records/%d/1/0", n), nil, nil, nil); err == nil {
			return n, nil
		}
	}
	return 0, err
}

// writeIncidents writes incidents about the machines, and judges and closes some.
func (b *bench) writeIncidents(ctx context.Context, dir string, all []known, source uint32) error {
	if len(all) == 0 {
		return errors.New("no entities were learned")
	}
	key, err := state.ReadKey(dir, rand.Reader)
	if err != nil {
		return err
	}
	s, err := state.Open(ctx, dir, state.Options{Key: key, Now: time.Now, Keep: "administrator"})
	if err != nil {
		return err
	}
	t := s.Tenant(pagesTenant)
	g := newGenerator(workload{Lines: 1, Entities: 1, Days: 1, Seed: 11})
	for from := 0; from < pagesIncidents && err == nil; from += 100 {
		var batch []state.Report
		for i := from; i < from+100; i++ {
			batch = append(batch, report(g, i, all, source))
		}
		_, err = t.Upsert(ctx, "vedette", batch...)
		if from%4000 == 0 {
			b.say("%s of %s incidents are written", number(float64(from)), number(pagesIncidents))
		}
	}
	for i := 0; i < pagesIncidents && err == nil; i += 10 { // a tenth is decided
		id, by := incidentID(i), state.Request{Actor: evalName}
		switch i / 10 % 3 {
		case 0:
			_, err = t.Judge(ctx, by, id, incident.Benign, "a scanner of ours")
		case 1:
			_, err = t.Finish(ctx, by, id, "looked at")
		case 2:
			_, err = t.Assign(ctx, by, id, evalName)
		}
	}
	return errors.Join(err, s.Close())
}

func incidentID(i int) uint64 { return mix(uint64(i) + 1<<32) }

// report makes up an incident about a machine and some others, with many findings.
func report(g *generator, i int, all []known, source uint32) state.Report {
	now := time.Now()
	n := pagesFindings / pagesIncidents * 4 / 5
	if i%(pagesIncidents/pagesLarge) == 7 {
		n = pagesFindings / 5 / pagesLarge
	}
	opened := now.Add(-time.Duration(g.unit() * float64(pagesSpread))).UnixNano()
	in := incident.Incident{
		ID: incidentID(i), Opened: opened, Threshold: 11.2, Risk: 1 + 20*g.unit()*g.unit(), Verdict: incident.Unjudged, Confidence: g.unit(), Learning: 1,
		Techniques: []attack.ID{"T1046", "T1018"},
	}
	in.Score = min(100, int(50*in.Risk/in.Threshold))
	if in.Surfaced = in.Risk > in.Threshold; !in.Surfaced {
		in.Hidden = "below what the budget asks for"
	}
	var names []state.Name
	for range 1 + int(g.random()%4) {
		k := all[int(g.unit()*float64(len(all)))]
		in.Entities = append(in.Entities, k.key)
		names = append(names, state.Name{Key: k.key, Name: k.Name})
	}
	facets := []finding.Facet{finding.Scan, finding.Destination, finding.Beacon, finding.Volume}
	for j := range n {
		at := opened + int64(j)*int64(time.Minute)
		peer := all[int(g.unit()*float64(len(all)))]
		f := finding.Finding{
			ID: mix(in.ID + uint64(j)), Detector: "network/scan", Facet: facets[j%len(facets)], Sort: finding.Decisive, Techniques: in.Techniques, Entity: in.Entities[0],
			Peers: []finding.Peer{{Key: peer.key, Holders: 3}, {Key: in.Entities[len(in.Entities)-1], Holders: 40}}, Labels: []string{"tcp/445", "tcp/22"},
			Time: at, From: at - int64(5*time.Minute), To: at, Signal: "unanswered first contacts", Says: "tried machines that it had never contacted and that did not answer, such as {peers} ({labels})",
			Unit: "nats", Observed: 40 * g.unit(), Expected: 1, Usual: 4, Native: 20 + 100*g.unit(), Raw: 12, Damping: 1, Nats: 12 * g.unit(), History: 5000,
		}
		for range 4 {
			f.Evidence = append(f.Evidence, finding.Ref{Position: 1 + g.random()%pagesLines, Source: source})
		}
		in.Findings = append(in.Findings, f)
		in.Links = append(in.Links, incident.Link{Finding: f.ID, Strength: 3, Why: "the same machine", Shared: in.Entities[0], Holders: 2})
		in.Updated = at
		names = append(names, state.Name{Key: peer.key, Name: peer.Name})
	}
	title := fmt.Sprintf("%s felt its way through the network and made unusual contacts", names[0].Name)
	return state.Report{Incident: in, Title: title, Names: names}
}
