package main

import (
	"context"
	"fmt"
)

// scale measures whether time grows with what there is to do, and no faster: one core, more
// events of the same machines, then more machines with the same number of events.
func scale(ctx context.Context, b *bench) (r result, err error) {
	// A quarter more time an event is what larger tables cost that no longer fit the caches;
	// what grows faster than linear would be many times that.
	const linear = 1.25
	n := b.Lines
	var byEvents, byEntities []workload
	for _, fifths := range []int64{1, 2, 5, 10, 20} {
		byEvents = append(byEvents, workload{Lines: n * fifths / 5, Entities: b.Entities})
	}
	days := workload{Lines: n, Entities: b.Entities, Days: b.Days}.days()
	for _, e := range []int{1000, 10_000, 50_000} {
		byEntities = append(byEntities, workload{Lines: n, Entities: e, Days: days})
	}
	t := table{Title: "Runs on one core", Head: []string{"workload", "seconds", "CPU seconds", "events/s", "peak MiB"}}
	for _, group := range []struct {
		name      string
		workloads []workload
	}{{"events", byEvents}, {"machines", byEntities}} {
		var first, last outcome
		var cost []float64 // CPU seconds an event
		for i, w := range group.workloads {
			o, err := b.generatedAndTimed(ctx, w)
			if err != nil {
				return r, err
			}
			if last = o; i == 0 {
				first = o
			}
			cost = append(cost, o.CPU/float64(w.Lines))
			t.add(w.String(), w, o)
			r.add(w.String(), "one core, end to end", float64(w.Lines)/o.Seconds, "events/s", fmt.Sprintf("peak memory %s MiB", number(float64(o.Peak>>20))))
		}
		a, z := group.workloads[0], group.workloads[len(group.workloads)-1]
		size := func(w workload) string {
			if group.name == "events" {
				return number(float64(w.Lines))
			}
			return number(float64(w.Entities))
		}
		name := fmt.Sprintf("from %s to %s %s", size(a), size(z), group.name)
		r.add(name, "time an event, last to first", last.Seconds/float64(z.Lines)/(first.Seconds/float64(a.Lines)), "times", "1 is linear").most(linear)
		r.add(name, "CPU time an event, last to first", cost[len(cost)-1]/cost[0], "times", "less the noise of the machine")
		r.add(name, "memory, last to first", float64(last.Peak)/float64(max(1, first.Peak)), "times", "")
	}
	r.Tables = append(r.Tables, t)
	return r, nil
}

func (b *bench) generatedAndTimed(ctx context.Context, w workload) (outcome, error) {
	w, err := b.generate(ctx, w)
	if err != nil {
		return outcome{}, err
	}
	defer w.remove()
	return b.timed(ctx, w, job{oneCore: true})
}
