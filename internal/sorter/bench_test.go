package sorter

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"vedette/internal/entity"
	"vedette/internal/event"
)

// flows fills a batch with n flows as zeek's decoder makes them, from position on.
func flows(e *event.Emit, r *rand.Rand, b *event.Batch, position uint64, n int) {
	var id [18]byte
	name := func(prefix byte, n int) []byte {
		return []byte{prefix, '0' + byte(n/1000%10), '0' + byte(n/100%10), '.', '0' + byte(n/10%10), '0' + byte(n%10)}
	}
	for i := range n {
		p := position + uint64(i)
		for j := range id {
			id[j] = 'A' + byte(r.Uint32()%26)
		}
		e.Begin(p, event.Handshake, id[:])
		h, f := e.Flow(int64(p)*1e6 + r.Int64N(60e9))
		h.Subject = e.Entity(entity.Device, entity.IP, name('1', r.IntN(2000)))
		h.Object = e.Entity(entity.Device, entity.IP, name('2', r.IntN(9999)))
		h.Dataset = e.Text([]byte("zeek/conn"))
		f.Protocol, f.Service, f.State = e.Text([]byte("tcp")), e.Text([]byte("ssl")), e.Text([]byte("SF"))
		f.History = e.Text([]byte("ShADadFf"))
		e.Extra([]byte("uid"), id[:])
	}
}

func benchmark(b *testing.B, events int, budget int64) {
	r := rand.New(rand.NewPCG(1, 2))
	e := event.NewEmit([]byte("key"))
	var sealing, sorting time.Duration
	var spilled, peak uint64
	for b.Loop() {
		runtime.GC()
		s := New(Config{Dir: b.TempDir(), Budget: budget})
		w := s.Writers()[0]
		for done := 0; done < events; done += 500 {
			start := time.Now()
			to, err := w.Batch() // sorts and spills
			sealing += time.Since(start)
			if err != nil {
				b.Fatal(err)
			}
			if len(to.Origins) == 0 {
				e.Source(to, "tenant", "site", "conn.log")
			}
			flows(e, r, to, uint64(done+1), 500)
		}
		start := time.Now()
		n := 0
		if err := s.Sorted(b.Context(), func(out *event.Batch) error { n += len(out.Events); return nil }); err != nil || n != events {
			b.Fatal(n, err)
		}
		sorting += time.Since(start)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak, spilled = max(peak, m.HeapInuse), uint64(s.Stats().Spilled)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) / float64(events) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each(sealing+sorting), "ns/event")
	b.ReportMetric(each(sorting), "ns/event-at-the-end")
	b.ReportMetric(float64(peak>>20), "heap-MiB")
	b.ReportMetric(float64(spilled>>20), "spilled-MiB")
}

// What a sorter costs beside filling its batches.
func BenchmarkInMemory(b *testing.B) { benchmark(b, 1_000_000, 0) }
func BenchmarkSpilled(b *testing.B)  { benchmark(b, 1_000_000, 64<<20) }
func BenchmarkTwice(b *testing.B)    { benchmark(b, 1_000_000, 2<<20) } // runs are merged to runs

// What it costs when events are added by copying them.
func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	e := event.NewEmit([]byte("key"))
	var from event.Batch
	e.Source(&from, "tenant", "site", "conn.log")
	flows(e, r, &from, 1, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		s := New(Config{})
		if err := s.Writers()[0].Add(&from); err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := s.Sorted(b.Context(), func(out *event.Batch) error { n += len(out.Events); return nil }); err != nil || n != 200_000 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/event")
}
