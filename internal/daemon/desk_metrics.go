package daemon

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"vedette/internal/daemon/host"
	"vedette/internal/store/state"
)

// family is numbers of one name that monitoring reads. docs/metrics.md lists them all.
type family struct {
	name, kind, help string
	rows             []row
}

// row is a value with its labels: names and values by turns.
type row struct {
	value  float64
	labels []string
	suffix string // of the name, as histograms have it
}

func one(n float64, labels ...string) []row { return []row{{value: n, labels: labels}} }

// seconds returns a moment as Prometheus counts time; 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

// measure returns all that is measured. What takes the whole list to count is not among it.
func (f *Faces) measure(counts state.Counts) []family {
	d := f.daemon
	f.tally.lock.Lock()
	found := f.tally.total
	f.tally.lock.Unlock()
	all := []family{
		{"vedette_build_info", "gauge", "The version that runs.", one(1, "version", f.desk.Version, "goversion", runtime.Version())},
	}
	all = append(all, f.measureLog()...)
	all = append(all, f.measureLearning()...)
	all = append(all, []family{
		{"vedette_findings_total", "counter", "Findings since the program was started.", one(float64(found))},
		{"vedette_incidents", "gauge", "Incidents, by the list they stand in.", []row{
			{value: float64(counts.Open), labels: []string{"pile", "surfaced"}}, {value: float64(counts.Hidden), labels: []string{"pile", "hidden"}}, {value: float64(counts.Closed), labels: []string{"pile", "closed"}},
		}},
	}...)
	all = append(all, f.measureEvents()...)
	all = append(append(all, f.measureMemory()...), d.measureTroubles())
	all = append(append(append(all, f.measureSources()...), f.measureKnocks()...), f.requests.measure()...)
	all = append(all, family{"vedette_healthy", "gauge", "1 if no part of the machine needs somebody, as /health says it.", one(map[bool]float64{true: 1}[len(d.troubles.now()) == 0 && ailing(f.sources()) == 0 && len(d.segments.Problems()) == 0 && d.journal.Recovered() == ""])})
	return append(all, measureProcess(d.condition.look().started)...)
}

// measureLog measures the log.
func (f *Faces) measureLog() []family {
	d := f.daemon
	entries, bytes := d.journal.Size()
	return []family{
		{"vedette_log_position", "gauge", "Last entry of the log.", one(float64(d.journal.Last()))},
		{"vedette_log_lag_entries", "gauge", "Entries of the log that are not learned yet.", one(float64(f.lag()))},
		{"vedette_log_entries", "gauge", "Entries that the log holds.", one(float64(entries))},
		{"vedette_log_bytes", "gauge", "Room that the log takes.", one(float64(bytes))},
	}
}

// measureLearning measures how far learning has come.
func (f *Faces) measureLearning() []family {
	d := f.daemon
	far := f.progress()
	return []family{
		{"vedette_learned_position", "gauge", "Last entry of the log that was learned.", one(float64(d.position()))},
		{"vedette_learned_events_total", "counter", "Events that were learned, over all runs.", one(float64(d.learned()))},
		{"vedette_learned_timestamp_seconds", "gauge", "Time that telemetry has reached.", one(float64(d.learner.told()) / 1e9)},
		{"vedette_learned_ratio", "gauge", "How much of the learning period has passed.", one(far.share)},
		{"vedette_snapshot_timestamp_seconds", "gauge", "When what was learned was saved last.", one(seconds(d.condition.look().saved))},
		{"vedette_entities", "gauge", "Entities of ours: known, and active in the last seven days.", []row{
			{value: float64(far.known), labels: []string{"which", "known"}}, {value: float64(far.active), labels: []string{"which", "active"}},
		}},
	}
}

// measureEvents measures the event store.
func (f *Faces) measureEvents() []family {
	stats := f.daemon.segments.Stats()
	return []family{
		{"vedette_events_segments", "gauge", "Files of the event store.", one(float64(stats.Segments))},
		{"vedette_events_rows", "gauge", "Events in the event store, sealed and not yet sealed.", []row{
			{value: float64(stats.Rows), labels: []string{"sealed", "yes"}}, {value: float64(stats.Open), labels: []string{"sealed", "no"}},
		}},
		{"vedette_events_bytes", "gauge", "Room that the event store takes.", one(float64(stats.Bytes))},
		{"vedette_events_problems", "gauge", "Files of the event store that are damaged.", one(float64(len(f.daemon.segments.Problems())))},
	}
}

// measureMemory measures what is done about memory.
func (f *Faces) measureMemory() []family {
	d := f.daemon
	return []family{
		{"vedette_memory_limit_bytes", "gauge", "Memory that the program keeps within.", one(float64(d.memory.limit))},
		{"vedette_memory_stage", "gauge", "What gives way because memory is short: 0 nothing, 1 buffers, 2 looking up records, 3 the pace of what comes in.", one(float64(d.memory.stage.Load()))},
		{"vedette_learned_turned_away_total", "counter", "Events that were not learned from since the start, because there were too many entities of ours.", one(float64(d.turned()))},
	}
}

// guarded is a feed that asks senders for a secret.
type guarded interface {
	// Knocks returns how many secrets were wrong, and how many were not looked at.
	Knocks() (wrong, refused uint64)
}

// measureKnocks measures who shows tokens that are none.
func (f *Faces) measureKnocks() []family {
	wrong := family{"vedette_wrong_tokens_total", "counter", "Tokens that were wrong, since the program was started.", nil}
	refused := family{"vedette_refused_tokens_total", "counter", "Tokens that were not looked at, since too many wrong ones had come from the same address.", nil}
	add := func(where string, g guarded) {
		w, r := g.Knocks()
		wrong.rows = append(wrong.rows, row{value: float64(w), labels: []string{"where", where}})
		refused.rows = append(refused.rows, row{value: float64(r), labels: []string{"where", where}})
	}
	add("api", f.desk.Door)
	for _, feed := range f.daemon.feeds.all() {
		inner := feed.Feed
		if w, ok := inner.(watchedFeed); ok {
			inner = w.Feed
		}
		if g, ok := inner.(guarded); ok {
			add(feed.Kind, g)
		}
	}
	return []family{wrong, refused}
}

// measureTroubles measures what is wrong, of which people are told in words elsewhere.
func (d *Daemon) measureTroubles() family {
	m := family{"vedette_trouble", "gauge", "Parts of the program that cannot do what they should.", nil}
	for _, t := range d.troubles.now() {
		m.rows = append(m.rows, one(1, "part", t.name)...)
	}
	return m
}

// measureSources measures what came in and what became of it.
func (f *Faces) measureSources() []family {
	records := family{"vedette_source_records_total", "counter", "Records by source and what became of them, over all runs: received is the sum of the others.", nil}
	rejected := family{"vedette_source_rejected_total", "counter", "Records that were rejected, by source and reason, over all runs.", nil}
	untimely := family{"vedette_source_untimely_total", "counter", "Events that came late, or ahead of the clock of this machine, by source. They are among the others.", nil}
	last := family{"vedette_source_last_timestamp_seconds", "gauge", "When the last record of a source came.", nil}
	all := f.sources()
	for _, s := range all {
		for _, o := range []struct {
			what string
			n    int64
		}{{"received", s.Received}, {"decoded", s.Decoded}, {"rejected", s.Rejected}, {"lost", s.Lost}} {
			records.rows = append(records.rows, one(float64(o.n), "source", s.Name, "outcome", o.what)...)
		}
		for _, r := range s.Reasons {
			rejected.rows = append(rejected.rows, one(float64(r.Count), "source", s.Name, "reason", r.Why)...)
		}
		for _, o := range []struct {
			how string
			n   int64
		}{{"late", s.Late}, {"ahead", s.Ahead}} {
			if o.n > 0 {
				untimely.rows = append(untimely.rows, one(float64(o.n), "source", s.Name, "how", o.how)...)
			}
		}
		if !s.Last.IsZero() {
			last.rows = append(last.rows, one(seconds(s.Last), "source", s.Name)...)
		}
	}
	return []family{records, rejected, untimely, last, {"vedette_sources_ailing", "gauge", "Sources that are not as they should be.", one(float64(ailing(all)))}}
}

// measureProcess measures the program itself, by the names that others use, too.
func measureProcess(started time.Time) []family {
	all := []family{{"process_start_time_seconds", "gauge", "When the program was started.", one(seconds(started))}}
	if n, ok := host.Resident(os.Getpid()); ok {
		all = append(all, family{"process_resident_memory_bytes", "gauge", "Memory that the program takes.", one(float64(n))})
	}
	if n, ok := host.Files(); ok {
		all = append(all, family{"process_max_fds", "gauge", "Files that the program may have open.", one(float64(n))})
	}
	if n, ok := host.Opened(); ok {
		all = append(all, family{"process_open_fds", "gauge", "Files that the program has open.", one(float64(n))})
	}
	for _, m := range []struct{ name, kind, help, of string }{
		{"go_goroutines", "gauge", "Goroutines.", "/sched/goroutines:goroutines"},
		{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of the heap that are in use.", "/memory/classes/heap/objects:bytes"},
		{"go_memstats_sys_bytes", "gauge", "Bytes that the program has from the system.", "/memory/classes/total:bytes"},
		{"go_gc_cycles_total", "counter", "Rounds of the collector.", "/gc/cycles/total:gc-cycles"},
		{"go_gc_limit_bytes", "gauge", "Bytes that the collector tries to stay below.", "/gc/gomemlimit:bytes"},
		{"process_cpu_seconds_total", "counter", "Time that the program has computed, as the Go runtime reckons.", "/cpu/classes/user:cpu-seconds"},
	} {
		read := []metrics.Sample{{Name: m.of}}
		switch metrics.Read(read); read[0].Value.Kind() {
		case metrics.KindUint64:
			all = append(all, family{m.name, m.kind, m.help, one(float64(read[0].Value.Uint64()))})
		case metrics.KindFloat64:
			all = append(all, family{m.name, m.kind, m.help, one(read[0].Value.Float64())})
		}
	}
	return all
}

// quoted writes the value of a label as Prometheus reads it.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// writeMetrics writes what was measured in the text format of Prometheus.
func writeMetrics(w io.Writer, all []family) error {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", g.name, g.help, g.name, g.kind)
		for _, r := range g.rows {
			b.WriteString(g.name + r.suffix)
			for i := 0; i+1 < len(r.labels); i += 2 {
				b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
				fmt.Fprintf(&b, `%s="%s"`, r.labels[i], quoted.Replace(strings.ToValidUTF8(r.labels[i+1], "\uFFFD")))
			}
			if len(r.labels) > 0 {
				b.WriteByte('}')
			}
			fmt.Fprintf(&b, " %g\n", r.value)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
