package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// pages measures how soon pages and lists come from a store that has become large: every
// page of the console, and every operation of the API that reads.
func pages(ctx context.Context, b *bench) (r result, err error) {
	dir, made, err := b.pagesStore(ctx, b.keep)
	if err != nil {
		return r, err
	}
	set := fmt.Sprintf("%s findings, %s incidents, %s entities", number(pagesFindings), number(pagesIncidents), number(pagesEntities))
	d, err := b.start(ctx, dir, pagesKeep)
	if err != nil {
		return r, err
	}
	defer func() { _ = d.stop() }()
	r.add(set, "start to first answer", time.Since(d.began).Seconds(), "s", "of /health; the state has "+mib(float64(sizeOf(dir+"/state")))+" MiB, what was learned "+mib(float64(sizeOf(dir+"/learned")))+" MiB").most(2)
	if made > 0 {
		r.add(set, "making the store", made.Seconds(), "s", "kept for the next run")
	}
	if err := d.enter(ctx); err != nil {
		return r, err
	}
	v := &viewer{daemon: d, seen: map[string]bool{}}
	if err := v.gather(ctx); err != nil {
		return r, err
	}
	b.say("%d incidents, %d entities; %d routes", len(v.incidents), len(v.entities), len(v.routes()))
	t := table{Title: "Routes: time to the first byte in ms", Head: []string{"route", "requests", "50 %", "95 %", "slowest", "CPU ms of the daemon", "KiB, packed, at most"}}
	worst, over := 0.0, []string{}
	for _, route := range v.routes() {
		m, err := v.ask(ctx, route)
		if err != nil {
			return r, fmt.Errorf("%s: %w", route.name, err)
		}
		b.say("%-40s 95 %% within %.1f ms, slowest %.1f; %.1f ms of CPU each", route.name, m.at(0.95), m.at(1), m.cpu)
		t.Rows = append(t.Rows, []string{route.name, number(float64(len(m.ms))), number(m.at(0.5)), number(m.at(0.95)), number(m.at(1)), number(m.cpu), number(float64(m.bytes) / 1024)})
		worst = max(worst, m.at(0.95))
		if m.at(0.95) > 100 {
			over = append(over, route.name)
		}
	}
	r.add(set, "time to the first byte, p95 of the slowest route", worst, "ms", fmt.Sprintf("of %d routes, %d requests each, with filters, searches and places deep in lists; over 100 ms: %s", len(t.Rows), requests, strings.Join(append(over, "none")[:max(1, len(over))], ", "))).most(100)
	size, parts, err := v.firstPage(ctx)
	if err != nil {
		return r, err
	}
	r.add(set, "first page with all that it loads", float64(size)/1000, "kB", "as served, packed; "+parts).most(400)
	r.add(set, "operations of the API that read and are not among the routes", float64(len(v.missing)), "operations", strings.Join(v.missing, ", ")).most(0)
	r.add(set, "resident memory at the end", float64(d.process().RSS)/(1<<20), "MiB", "")
	r.Tables = append(r.Tables, t)
	return r, nil
}

const requests = 200 // of a route

// viewer asks for pages.
type viewer struct {
	*daemon
	incidents, entities []string            // ids
	names               []string            // of some entities
	cursors             map[string][]string // pile, or "entities" -> places deep in the list
	records             []string            // paths of records
	links               []string            // pages that others lead to, by their pattern
	reads               []string            // operations of the API
	missing             []string            // of these, the ones that are not measured
	seen                map[string]bool
}

// route is something to ask for: the i-th time, at path(i).
type route struct {
	name string
	path func(i int) string
	api  bool // by the token, where it may
}

// gather finds out what there is.
func (v *viewer) gather(ctx context.Context) error {
	v.cursors = map[string][]string{}
	lists := []struct{ key, path string }{
		{"surfaced", "/api/incidents?pile=surfaced"}, {"hidden", "/api/incidents?pile=hidden"}, {"closed", "/api/incidents?pile=closed"}, {"entities", "/api/entities?q="},
	}
	for _, l := range lists {
		for cursor := ""; ; {
			var page struct {
				Items []struct {
					ID   string `json:"id"`
					Key  string `json:"key"`
					Name string `json:"name"`
				} `json:"items"`
				Next string `json:"next"`
			}
			if err := v.call(ctx, http.MethodGet, l.path+"&limit=200&cursor="+url.QueryEscape(cursor), nil, nil, &page); err != nil {
				return err
			}
			for _, i := range page.Items {
				if l.key == "entities" {
					v.entities, v.names = append(v.entities, i.Key), append(v.names, i.Name)
				} else {
					v.incidents = append(v.incidents, i.ID)
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
			v.cursors[l.key] = append(v.cursors[l.key], cursor)
		}
	}
	if len(v.incidents) == 0 || len(v.entities) == 0 {
		return fmt.Errorf("there are %d incidents and %d entities", len(v.incidents), len(v.entities))
	}
	if err := v.gatherRecords(ctx); err != nil {
		return err
	}
	return v.gatherRoutes(ctx)
}

// gatherRecords takes the records that some incidents stand on.
func (v *viewer) gatherRecords(ctx context.Context) error {
	for i := range 20 {
		var in struct {
			Evidence []struct {
				Evidence []struct {
					Source   int   `json:"source"`
					Position int64 `json:"position"`
					Index    int   `json:"index"`
				} `json:"evidence"`
			} `json:"evidence"`
		}
		if err := v.call(ctx, http.MethodGet, "/api/incidents/"+pick(v.incidents, i*977), nil, nil, &in); err != nil {
			return err
		}
		for _, f := range in.Evidence[:min(len(in.Evidence), 10)] {
			for _, e := range f.Evidence {
				v.records = append(v.records, fmt.Sprintf("%d/%d/%d", e.Source, e.Position, e.Index))
			}
		}
	}
	return nil
}

var (
	anyLink = regexp.MustCompile(`(?:href|hx-get)="(/[^"]*)"`)
	anyID   = regexp.MustCompile(`/[0-9a-f]{16}(/|$)`)
	param   = regexp.MustCompile(`\{[^}]*\}`)
)

// gatherRoutes follows the links between pages, and asks the API what it can read.
func (v *viewer) gatherRoutes(ctx context.Context) error {
	queue := []string{"/", "/settings", "/help", "/incidents/" + v.incidents[0], "/entities/" + v.entities[0]}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		pattern := anyID.ReplaceAllString(path, "/{id}$1")
		if v.seen[pattern] {
			continue
		}
		v.seen[pattern] = true
		text, err := v.page(ctx, path)
		if err != nil {
			return err
		}
		v.links = append(v.links, pattern)
		for _, m := range anyLink.FindAllStringSubmatch(text, -1) {
			link, _, _ := strings.Cut(strings.ReplaceAll(m[1], "&amp;", "&"), "?")
			link, _, _ = strings.Cut(link, "#")
			if !strings.HasPrefix(link, "/assets/") && !strings.HasPrefix(link, "/api/") {
				queue = append(queue, link)
			}
		}
	}
	var open struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	err := v.call(ctx, http.MethodGet, "/api/openapi.json", nil, nil, &open)
	for path, methods := range open.Paths {
		if methods["get"] != nil {
			v.reads = append(v.reads, path)
		}
	}
	slices.Sort(v.reads)
	return err
}

func pick(all []string, i int) string { return all[i%len(all)] }

// routes returns all that is asked for.
func (v *viewer) routes() (all []route) {
	words := []string{"network", "felt its way", "zzz nowhere", "10.1.1", "T1046"}
	piles := []string{"surfaced", "hidden", "closed"}
	place := func(list, parameter string, i int) string {
		if c := v.cursors[list]; len(c) > 0 {
			return "&" + parameter + "=" + url.QueryEscape(pick(c, i*7))
		}
		return ""
	}
	text := func(i int) string {
		return url.QueryEscape(pick(append(words, pick(v.names, i*31), pick(v.names, i*37)), i))
	}
	lists := func(path, parameter string, i int) string { // begin, filter, go deep, in turn
		pile := pick(piles, i/3)
		switch i % 3 {
		case 0:
			return path + "?pile=" + pile
		case 1:
			return path + "?pile=" + pile + "&q=" + text(i)
		}
		return path + "?pile=" + pile + place(pile, parameter, i)
	}
	entities := func(path, parameter string, i int) string {
		switch i % 3 {
		case 0:
			return path
		case 1:
			return path + "?q=" + text(i)
		}
		return path + "?q=" + place("entities", parameter, i)
	}
	special := map[string]func(i int) string{
		"/incidents":      func(i int) string { return lists("/incidents", "after", i) },
		"/incidents/{id}": func(i int) string { return "/incidents/" + pick(v.incidents, i*101) },
		"/entities":       func(i int) string { return entities("/entities", "after", i) },
		"/entities/{id}":  func(i int) string { return "/entities/" + pick(v.entities, i*251) },
		"/search":         func(i int) string { return "/search?q=" + text(i) },
		"/api/incidents":  func(i int) string { return lists("/api/incidents", "cursor", i) },
		"/api/incidents/{id}": func(i int) string {
			return "/api/incidents/" + pick(v.incidents, i*103)
		},
		"/api/entities":      func(i int) string { return entities("/api/entities", "cursor", i) },
		"/api/entities/{id}": func(i int) string { return "/api/entities/" + pick(v.entities, i*257) },
		"/api/records/{source}/{position}/{index}": func(i int) string {
			return "/api/records/" + pick(v.records, i*3)
		},
		"/api/people/{name}/sessions": func(int) string { return "/api/people/" + evalName + "/sessions" },
		"/api/export/incidents":       func(i int) string { return "/api/export/incidents?pile=" + pick(piles, i) },
	}
	add := func(name string, api bool) {
		switch path := special[name]; {
		case path != nil:
			all = append(all, route{name, path, api})
		case param.MatchString(name):
			v.missing = append(v.missing, name)
		default:
			all = append(all, route{name, func(int) string { return name }, api})
		}
	}
	v.missing = nil
	for _, l := range slices.Sorted(slices.Values(append(v.links, "/search", "/metrics", "/health"))) {
		add(l, false)
	}
	for _, p := range v.reads {
		add(p, true)
	}
	return slices.CompactFunc(all, func(a, b route) bool { return a.name == b.name })
}

// timings are how long answers took, and the length of the longest.
type timings struct {
	ms    []float64 // sorted
	cpu   float64   // ms of the daemon for each, the mean
	bytes int64
}

func (t timings) at(p float64) float64 {
	return t.ms[max(0, min(len(t.ms)-1, int(p*float64(len(t.ms)))))]
}

// ask asks for a route many times, one after the other.
func (v *viewer) ask(ctx context.Context, r route) (t timings, err error) {
	before := v.process().CPU
	for i := range requests {
		took, size, err := v.once(ctx, r.path(i))
		if err != nil {
			return t, err
		}
		t.ms = append(t.ms, took.Seconds()*1000)
		t.bytes = max(t.bytes, size)
	}
	t.cpu = 1000 * (v.process().CPU - before) / requests
	slices.Sort(t.ms)
	return t, nil
}

// once asks once, as a browser does, and says how long it took to the first byte, and how
// many bytes came.
func (v *viewer) once(ctx context.Context, path string) (took time.Duration, size int64, err error) {
	var began, first time.Time
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Now() }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, v.base+path, nil)
	if err != nil {
		return 0, 0, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	began = time.Now()
	a, err := v.visitor.Do(r)
	if err != nil {
		return 0, 0, err
	}
	whole := io.Reader(a.Body)
	if strings.Contains(path, "/export/") { // it goes on for minutes
		whole = io.LimitReader(whole, 1)
	}
	size, err = io.Copy(io.Discard, whole)
	_ = a.Body.Close()
	if err == nil && a.StatusCode >= 400 {
		err = fmt.Errorf("%s: %s", path, a.Status)
	}
	return first.Sub(began), size, err
}

var loaded = regexp.MustCompile(`(?:href|src)="(/assets/[^"]*)"`)

// firstPage returns how many bytes Home takes with what it loads.
func (v *viewer) firstPage(ctx context.Context) (total int64, parts string, err error) {
	text, err := v.page(ctx, "/")
	if err != nil {
		return 0, "", err
	}
	paths := []string{"/"}
	for _, m := range loaded.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(paths, m[1]) {
			paths = append(paths, m[1])
		}
	}
	var all []string
	for _, p := range paths {
		_, n, err := v.once(ctx, p)
		if err != nil {
			return 0, "", err
		}
		total += n
		name, _, _ := strings.Cut(p, "?")
		all = append(all, fmt.Sprintf("%s %s kB", name, number(float64(n/100)/10)))
	}
	return total, strings.Join(all, ", "), nil
}
