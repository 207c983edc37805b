package daemon

import (
	"fmt"
	"io"
	"runtime/metrics"
	"strings"

	"vedette/internal/store/state"
)

// gauge is a number that monitoring reads.
type gauge struct {
	name, kind, help string
	rows             []row
}

// row is a value with its labels: names and values by turns.
type row struct {
	value  float64
	labels []string
}

func one(n float64, labels ...string) []row { return []row{{n, labels}} }

// measure returns all that is measured. What takes the whole list to count is not among it.
func (f *Faces) measure(counts state.Counts) []gauge {
	d := f.daemon
	far := f.progress()
	stats := d.segments.Stats()
	entries, bytes := d.journal.Size()
	f.tally.lock.Lock()
	found := f.tally.total
	f.tally.lock.Unlock()
	all := []gauge{
		{"vedette_build_info", "gauge", "The version that runs.", one(1, "version", f.desk.Version)},
		{"vedette_log_position", "gauge", "Last entry of the log that was learned.", one(float64(d.position()))},
		{"vedette_log_lag_entries", "gauge", "Entries of the log that are not learned yet.", one(float64(f.lag()))},
		{"vedette_log_entries", "gauge", "Entries that the log holds.", one(float64(entries))},
		{"vedette_log_bytes", "gauge", "Room that the log takes.", one(float64(bytes))},
		{"vedette_learned_events_total", "counter", "Events that were learned.", one(float64(d.learned()))},
		{"vedette_learned_time_seconds", "gauge", "Time that telemetry has reached.", one(float64(d.learner.told()) / 1e9)},
		{"vedette_learning_ratio", "gauge", "How much of the learning period has passed.", one(far.share)},
		{"vedette_entities", "gauge", "Entities of ours.", []row{{float64(far.known), []string{"which", "known"}}, {float64(far.active), []string{"which", "active"}}}},
		{"vedette_findings_total", "counter", "Findings since the program was started.", one(float64(found))},
		{"vedette_incidents", "gauge", "Incidents.", []row{
			{float64(counts.Open), []string{"pile", "surfaced"}}, {float64(counts.Hidden), []string{"pile", "hidden"}}, {float64(counts.Closed), []string{"pile", "closed"}},
		}},
		{"vedette_events_segments", "gauge", "Files of the event store.", one(float64(stats.Segments))},
		{"vedette_events_stored", "gauge", "Events in the event store.", one(float64(stats.Rows) + float64(stats.Open))},
		{"vedette_events_bytes", "gauge", "Room that the event store takes.", one(float64(stats.Bytes))},
		{"vedette_events_problems", "gauge", "Files of the event store that are damaged.", one(float64(len(d.segments.Problems())))},
	}
	all = append(all, d.measureTroubles())
	return append(append(all, f.measureSources()...), measureRuntime()...)
}

// measureTroubles measures what is wrong, of which people are told in words elsewhere.
func (d *Daemon) measureTroubles() gauge {
	g := gauge{"vedette_trouble", "gauge", "Parts of the program that cannot do what they should.", nil}
	for _, t := range d.troubles.now() {
		g.rows = append(g.rows, row{1, []string{"part", t.name}})
	}
	return g
}

// measureSources measures what came in and what became of it.
func (f *Faces) measureSources() []gauge {
	records := gauge{"vedette_source_records_total", "counter", "Records by source and what became of them: received is the sum of the others.", nil}
	rejected := gauge{"vedette_source_rejected_total", "counter", "Records that were rejected, by source and reason.", nil}
	untimely := gauge{"vedette_source_untimely_total", "counter", "Events that came late, or ahead of the clock of this machine, by source. They are among the others.", nil}
	last := gauge{"vedette_source_last_seconds", "gauge", "When the last record of a source came.", nil}
	all := f.sources()
	for _, s := range all {
		for _, o := range []struct {
			what string
			n    int64
		}{{"received", s.Received}, {"decoded", s.Decoded}, {"rejected", s.Rejected}, {"lost", s.Lost}} {
			records.rows = append(records.rows, row{float64(o.n), []string{"source", s.Name, "outcome", o.what}})
		}
		for _, r := range s.Reasons {
			rejected.rows = append(rejected.rows, row{float64(r.Count), []string{"source", s.Name, "reason", r.Why}})
		}
		for _, o := range []struct {
			how string
			n   int64
		}{{"late", s.Late}, {"ahead", s.Ahead}} {
			if o.n > 0 {
				untimely.rows = append(untimely.rows, row{float64(o.n), []string{"source", s.Name, "how", o.how}})
			}
		}
		if !s.Last.IsZero() {
			last.rows = append(last.rows, row{float64(s.Last.UnixNano()) / 1e9, []string{"source", s.Name}})
		}
	}
	return []gauge{records, rejected, untimely, last, {"vedette_sources_ailing", "gauge", "Sources that are not as they should be.", one(float64(ailing(all)))}}
}

// measureRuntime measures the program itself, by the names that others use, too.
func measureRuntime() []gauge {
	all := []gauge{
		{"go_goroutines", "gauge", "Goroutines.", nil},
		{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of the heap that are in use.", nil},
		{"go_memstats_sys_bytes", "gauge", "Bytes that the program has from the system.", nil},
	}
	read := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(read)
	for i, s := range read {
		if s.Value.Kind() == metrics.KindUint64 {
			all[i].rows = one(float64(s.Value.Uint64()))
		}
	}
	return all
}

// quoted writes the value of a label as Prometheus reads it.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// writeMetrics writes what was measured in the text format of Prometheus.
func writeMetrics(w io.Writer, all []gauge) error {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", g.name, g.help, g.name, g.kind)
		for _, r := range g.rows {
			b.WriteString(g.name)
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
