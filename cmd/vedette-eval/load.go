package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// load measures the daemon under a load that goes on: whether memory, goroutines and
// descriptors stay as they are, how soon a finding can be read after its records were
// handed over, and whether every line is accounted for at the end.
func load(ctx context.Context, b *bench) (r result, err error) {
	const (
		rate     = 20_000
		machines = 800
	)
	lasts := time.Duration(b.Minutes * float64(time.Minute))
	s := newStream(rate, machines)
	s.Scans = max(time.Second, lasts/400)
	w, err := b.watch(ctx, s, lasts)
	if err != nil {
		return r, err
	}
	set := fmt.Sprintf("%s events/s for %s min, %d machines, by push, tail and syslog", number(rate), number(b.Minutes), machines)
	w.accounts(&r, set)
	w.steadiness(&r, set)
	w.latency(&r, set)
	r.add(set, "entries of the log that wait, most", w.most(func(x sample) float64 { return x.lag }), "entries", "an entry holds up to some thousand events")
	r.add(set, "CPU of the daemon", w.cpu()/w.seconds(), "cores", fmt.Sprintf("beside it, %s cores to make and send the load", number(w.own/w.seconds())))
	r.Tables = append(r.Tables, w.table())
	return r, nil
}

// watched is what was seen of a daemon while a stream ran.
type watched struct {
	stream  *stream
	samples []sample
	rss     []point // more often than the rest
	before  metrics
	last    metrics // when all was learned
	began   time.Time
	ended   time.Time     // of the stream
	behind  time.Duration // from then until all was learned
	own     float64       // CPU seconds of this program meanwhile
	dir     string
	onDisk  map[string]int64 // bytes below each folder of the data, with all sealed
	says    []string
}

// sample is what is seen each ten seconds.
type sample struct {
	at                          time.Duration
	rss, heap, goroutines, fds  float64
	lag, learned, entities, cpu float64
	sent                        int64
}

// point is a value at a time, in seconds.
type point struct{ at, value float64 }

const sampleEvery = 10 * time.Second

// watch starts a daemon, runs a stream into it, and looks at both. With an environment it
// is a program that writes a profile, and is told to in the middle.
func (b *bench) watch(ctx context.Context, s *stream, lasts time.Duration, env ...string) (w *watched, err error) {
	sources, err := s.sources(b)
	if err != nil {
		return nil, err
	}
	w = &watched{stream: s, dir: filepath.Join(b.Temp, fmt.Sprintf("data-%d", time.Now().UnixNano()))}
	d, err := b.start(ctx, w.dir, sources, env...)
	if err != nil {
		return nil, err
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = d.stop() // the error that is told is the one that led here
		}
	}()
	if err := d.enter(ctx); err != nil {
		return nil, err
	}
	if w.before, err = d.metrics(ctx); err != nil {
		return nil, err
	}
	looking, look := context.WithCancel(ctx)
	defer look()
	go s.look(looking, d)
	done := make(chan error, 1)
	w.began = time.Now()
	own := cpuOf("/proc/self/stat")
	go func() { done <- s.run(ctx, lasts) }()
	if len(env) > 0 && lasts > profileSeconds*time.Second {
		time.AfterFunc((lasts-profileSeconds*time.Second)/2, func() { _ = d.profile() })
	}
	if err := w.follow(ctx, b, d, done, lasts); err != nil {
		return nil, err
	}
	w.ended = time.Now()
	w.own = cpuOf("/proc/self/stat") - own
	if err := w.drain(ctx, b, d); err != nil {
		return nil, err
	}
	w.behind = time.Since(w.ended)
	w.sample(ctx, d)
	time.Sleep(2 * time.Second) // for what was found last to be read
	w.says = d.complaints()
	stopped = true
	if err := d.stop(); err != nil {
		return nil, err
	}
	w.onDisk = map[string]int64{}
	for _, part := range []string{"events", "journal", "learned", "state"} {
		w.onDisk[part] = sizeOf(filepath.Join(w.dir, part))
	}
	return w, nil
}

// follow samples until the stream has ended.
func (w *watched) follow(ctx context.Context, b *bench, d *daemon, done <-chan error, lasts time.Duration) error {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	next := sampleEvery
	for {
		select {
		case err := <-done:
			return err
		case <-d.ended:
			return fmt.Errorf("the program ended: %w: %s", d.err, strings.Join(d.complaints(), "; "))
		case <-t.C:
		}
		at := time.Since(w.began)
		w.rss = append(w.rss, point{at.Seconds(), float64(d.process().RSS)})
		if at < next {
			continue
		}
		next += sampleEvery
		x := w.sample(ctx, d)
		if len(w.samples)%3 == 1 {
			b.say("%3.0f s of %.0f: %s sent, %s learned, lag %s, RSS %s MiB, heap %s MiB, %s goroutines, %s descriptors, %d of %d scans seen", at.Seconds(), lasts.Seconds(),
				number(float64(x.sent)), number(x.learned), number(x.lag), number(float64(int(x.rss)>>20)), number(float64(int(x.heap)>>20)), number(x.goroutines), number(x.fds), w.stream.seen(), len(w.stream.scans))
		}
	}
}

func (w *watched) sample(ctx context.Context, d *daemon) sample {
	p := d.process()
	m, err := d.metrics(ctx)
	if err != nil {
		return sample{} // it is asked again
	}
	w.last = m
	x := sample{
		at: time.Since(w.began), rss: float64(p.RSS), fds: float64(p.FDs), cpu: p.CPU, sent: w.stream.sent(),
		heap: m["go_memstats_heap_alloc_bytes"], goroutines: m["go_goroutines"], lag: m["vedette_log_lag_entries"], learned: m["vedette_learned_events_total"],
		entities: m.sum("vedette_entities", `which="known"`),
	}
	w.samples = append(w.samples, x)
	return x
}

// drain waits until all that was sent is learned, or nothing goes on any more.
func (w *watched) drain(ctx context.Context, b *bench, d *daemon) error {
	learned, since := -1.0, time.Now()
	for {
		m, err := d.metrics(ctx)
		if err != nil {
			return err
		}
		w.last = m
		n := m["vedette_learned_events_total"]
		if n > learned {
			learned, since = n, time.Now()
		}
		if int64(n) >= w.stream.sent() || time.Since(since) > 30*time.Second {
			b.say("%s of %s events learned, %.1f s after the last was sent", number(n), number(float64(w.stream.sent())), time.Since(w.ended).Seconds())
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *watched) seconds() float64 { return w.ended.Sub(w.began).Seconds() }

// cpu is the CPU seconds of the daemon while the stream ran.
func (w *watched) cpu() float64 {
	if len(w.samples) == 0 {
		return 0
	}
	return w.samples[len(w.samples)-1].cpu
}

func (w *watched) most(value func(sample) float64) (most float64) {
	for _, x := range w.samples {
		most = max(most, value(x))
	}
	return most
}

// accounts says whether every line is where it should be.
func (w *watched) accounts(r *result, set string) {
	sent := float64(w.stream.sent())
	r.add(set, "sent", sent, "events", fmt.Sprintf("%s events/s; %s", number(sent/w.seconds()), w.stream.told())).least(0.99 * w.stream.Rate * w.seconds())
	for _, o := range []string{"received", "decoded"} {
		r.add(set, o, w.last.sum("vedette_source_records_total", fmt.Sprintf(`outcome="%s"`, o)), "events", "by the accounts of sources").least(sent)
	}
	r.add(set, "rejected and lost", w.last.sum("vedette_source_records_total", `outcome="rejected"`)+w.last.sum("vedette_source_records_total", `outcome="lost"`), "events", strings.Join(w.says, "; ")).most(0)
	r.add(set, "in the event store", w.last.sum("vedette_events_rows", ""), "events", "each once").least(sent)
	for _, f := range r.Figures[len(r.Figures)-4:] {
		if f.Measure != "rejected and lost" && f.Value > sent {
			r.add(set, f.Measure+", more than was sent", f.Value-sent, "events", "twice").most(0)
		}
	}
}

func (s *stream) told() string {
	var all []string
	for _, w := range s.ways {
		all = append(all, fmt.Sprintf("%s %s", w.name, number(float64(w.sent.Load()))))
		if n := w.again.Load(); n > 0 {
			all = append(all, fmt.Sprintf("%d requests sent again", n))
		}
	}
	return strings.Join(all, ", ")
}

// steadiness says whether what the daemon takes grows. The first quarter, and at most five
// minutes, is warming up.
func (w *watched) steadiness(r *result, set string) {
	warm := min(w.seconds()/4, 300)
	var rss, heap []point
	for _, p := range w.rss {
		if p.at >= warm {
			rss = append(rss, p)
		}
	}
	var late []sample
	for _, x := range w.samples {
		if x.at.Seconds() >= warm && x.at.Seconds() <= w.seconds() {
			late = append(late, x)
			heap = append(heap, point{x.at.Seconds(), x.heap})
		}
	}
	if len(late) < 2 {
		return
	}
	first, last := late[0], late[len(late)-1]
	growth := 0.0 // per second, that entities which came meanwhile explain
	if first.entities > 0 {
		growth = (last.entities/first.entities - 1) / (last.at - first.at).Seconds()
	}
	mean, slope := line(rss)
	detail := fmt.Sprintf("a line through one value a second from %s s on; %s MiB in the middle, from %s to %s; entities of ours grew by %s %% in 10 min", number(warm), mib(mean),
		mib(smallest(rss)), mib(largest(rss)), number(100*600*growth))
	if w.seconds() < 600 {
		detail += "; too short a run for a slope to mean much"
	}
	r.add(set, "resident memory, growth beyond that of entities", 100*(600*slope/mean-600*growth), "% in 10 min", detail).most(2)
	r.add(set, "resident memory, most", largest(rss)/(1<<20), "MiB", "")
	mean, slope = line(heap)
	r.add(set, "heap, growth", 100*600*slope/mean, "% in 10 min", fmt.Sprintf("a line through one value each ten seconds; %s MiB in the middle; collected or not", mib(mean)))
	half := len(late) / 2
	for _, q := range []struct {
		name  string
		value func(sample) float64
	}{{"goroutines", func(x sample) float64 { return x.goroutines }}, {"descriptors", func(x sample) float64 { return x.fds }}} {
		a, z := median(late[:half], q.value), median(late[half:], q.value)
		r.add(set, q.name+", growth", z-a, q.name, fmt.Sprintf("from %s in the first half to %s in the second, medians; %s at most", number(a), number(z), number(w.most(q.value)))).most(3)
	}
}

func mib(bytes float64) string { return number(float64(int64(bytes) >> 20)) }

func smallest(all []point) float64 {
	return slices.MinFunc(all, func(a, b point) int { return cmp.Compare(a.value, b.value) }).value
}

func largest(all []point) float64 {
	return slices.MaxFunc(all, func(a, b point) int { return cmp.Compare(a.value, b.value) }).value
}

// line returns the mean, and the slope of the line that fits best.
func line(all []point) (mean, slope float64) {
	var t, v, tt, tv float64
	n := float64(len(all))
	for _, p := range all {
		t, v = t+p.at/n, v+p.value/n
	}
	for _, p := range all {
		tt, tv = tt+(p.at-t)*(p.at-t), tv+(p.at-t)*(p.value-v)
	}
	if tt == 0 {
		return v, 0
	}
	return v, tv / tt
}

func median(all []sample, value func(sample) float64) float64 {
	var values []float64
	for _, x := range all {
		values = append(values, value(x))
	}
	slices.Sort(values)
	return middle(values)
}

// seen returns how many scans could be read of.
func (s *stream) seen() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.scans {
		if !x.seen.IsZero() {
			n++
		}
	}
	return n
}

// latency says how long it took from handing over the records of a scan to reading of it.
func (w *watched) latency(r *result, set string) {
	by := map[string][]float64{}
	missed := 0
	for _, x := range w.stream.scans {
		if x.seen.IsZero() {
			missed++
			continue
		}
		ms := float64(x.seen.Sub(x.handed).Milliseconds())
		by["all"], by[x.way] = append(by["all"], ms), append(by[x.way], ms)
	}
	r.add(set, "injected scans that could not be read of", float64(missed), "scans", fmt.Sprintf("of %d, one each %s; each a machine that tries %d others at once", len(w.stream.scans), w.stream.Scans.Round(time.Millisecond), scanned)).most(0)
	for _, way := range []string{"all", "push", "tail", "syslog"} {
		ms := by[way]
		if len(ms) == 0 {
			continue
		}
		slices.Sort(ms)
		at := func(p float64) float64 { return ms[int(math.Ceil(p*float64(len(ms))))-1] } // the nearest rank
		f := r.add(set, "record to finding, p99, "+way, at(0.99), "ms",
			fmt.Sprintf("%d scans: 50 %% within %s ms, 90 %% within %s, the slowest %s; from handing over the first record until the API tells of it, asked each %d ms", len(ms), number(at(0.5)), number(at(0.9)), number(ms[len(ms)-1]), lookEvery.Milliseconds()))
		f.most(1000)
	}
}

// table shows the samples.
func (w *watched) table() table {
	t := table{Title: "Samples", Head: []string{"seconds", "sent", "learned", "lag in entries", "RSS MiB", "heap MiB", "goroutines", "descriptors", "entities of ours"}}
	step := max(1, len(w.samples)/40)
	for i := 0; i < len(w.samples); i += step {
		x := w.samples[i]
		t.Rows = append(t.Rows, []string{number(x.at.Round(time.Second).Seconds()), number(float64(x.sent)), number(x.learned), number(x.lag), mib(x.rss), mib(x.heap), number(x.goroutines), number(x.fds), number(x.entities)})
	}
	return t
}
