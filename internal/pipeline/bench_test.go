package pipeline_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/pipeline"
	"vedette/internal/resolve"
)

// BenchmarkApply measures the second half of the way: batches of 4,096 events, resolved
// already, and a tick every five minutes of event time.
func BenchmarkApply(b *testing.B) {
	for _, devices := range []int{3000, 50000} {
		var workers []int
		for _, w := range []int{1, runtime.GOMAXPROCS(0)} {
			if !slices.Contains(workers, w) {
				workers = append(workers, w)
			}
		}
		batches, span := benchBatches(devices)
		for _, w := range workers {
			b.Run(fmt.Sprintf("devices=%d/workers=%d", devices, w), func(b *testing.B) { benchApply(b, batches, span, w) })
		}
	}
}

const inBatch = 4096

// benchBatches returns batches of what so many devices do around noon of a day, and how
// long it takes them.
func benchBatches(devices int) (all []*event.Batch, span int64) {
	const batches = 128
	from := start + 11*hour
	e := &estate{devices: devices, seed: 7, rate: 20}
	for i := range devices {
		n := len(e.queue)
		e.deviceDay(i, 0, start)
		kept := slices.DeleteFunc(e.queue[n:], func(x deed) bool { return x.at < from || x.at > from+3*hour })
		e.queue = e.queue[:n+len(kept)]
	}
	slices.SortFunc(e.queue, func(a, b deed) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.from, b.from)) })
	r := resolve.New(nil)
	for len(e.queue) >= inBatch && len(all) < batches {
		span = e.queue[inBatch-1].at - from
		bt := e.batch(e.queue[:inBatch])
		r.Resolve(bt)
		all = append(all, bt)
		e.queue = e.queue[inBatch:]
	}
	return all, span
}

func benchApply(b *testing.B, batches []*event.Batch, span int64, workers int) {
	m := machine(workers)
	at, last := input.Position(0), int64(0)
	shifted := make([]int64, len(batches))
	step := func(i int) {
		bt, shift := batches[i%len(batches)], int64(i/len(batches))*span
		for j := range bt.Events { // the same again, later
			bt.Events[j].Time += shift - shifted[i%len(batches)]
		}
		shifted[i%len(batches)] = shift
		if tick := bt.Events[0].Time / int64(pipeline.Window) * int64(pipeline.Window); tick > last {
			last = tick
			at++
			m.Apply(input.Entry{At: at, Tick: tick})
		}
		at++
		m.Apply(input.Entry{At: at, Batch: bt})
	}
	defer func() {
		for i, bt := range batches {
			for j := range bt.Events {
				bt.Events[j].Time -= shifted[i]
			}
		}
	}()
	i := 0
	for ; i < len(batches); i++ { // everybody is known before it counts
		step(i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		step(i)
		i++
	}
	runtime.ReadMemStats(&after)
	events := float64(b.N) * inBatch
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/events, "ns/event")
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/events, "allocs/event")
	b.ReportMetric(float64(m.Members()), "members")
}
