package zeek

import (
	"testing"

	"vedette/internal/event"
)

// speed decodes lines again and again, as the pipeline does: records of one batch, and
// the batch used again.
func speed(b *testing.B, head string, lines ...string) {
	var batch event.Batch
	emit := event.NewEmit([]byte("a key"))
	dec := Kind.New()
	emit.Source(&batch, "tenant", "site", "conn.log")
	for _, l := range splitLines(head) {
		emit.Begin(1, event.Claimed, nil)
		_ = dec([]byte(l), emit)
	}
	data := make([][]byte, len(lines))
	size := 0
	for i, l := range lines {
		data[i] = []byte(l)
		size += len(l)
	}
	once := func() {
		batch.Reset()
		emit.Source(&batch, "tenant", "site", "conn.log")
		for i := range 1000 {
			line := data[i%len(data)]
			emit.Begin(uint64(i+1), event.Claimed, line)
			if err := dec(line, emit); err != nil {
				b.Fatal(err)
			}
		}
	}
	once()
	allocs := testing.AllocsPerRun(5, once) / 1000
	b.ResetTimer()
	for b.Loop() {
		once()
	}
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / 1000
	b.ReportMetric(ns, "ns/record")
	b.ReportMetric(float64(size)/float64(len(lines))/ns*1000, "MB/s")
	b.ReportMetric(allocs, "allocs/record")
}

func BenchmarkConnJSON(b *testing.B) { speed(b, "", connJSON...) }

func BenchmarkConnTSV(b *testing.B) { speed(b, connHeader, connTSV...) }

func BenchmarkDNSJSON(b *testing.B) { speed(b, "", dnsJSON...) }

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newDecoder()
	}
}
