// Package pipeline applies telemetry to the learned state and says what it finds.
//
// A [Machine] meets nothing but its input: applying the same entries again gives the same
// state and the same findings, to the byte, on any number of cores.
package pipeline

import (
	"sync"
	"sync/atomic"
	"time"

	"vedette/internal/baseline"
	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/input"
	"vedette/internal/learn"
	"vedette/internal/text"
)

// Partitions is how many there are of each stage, whatever the machine. Changing it
// changes every answer.
const Partitions = 256

// Window is how often all that happened is scored, in event time.
const Window = 5 * time.Minute

// Machine applies log entries in order. Its methods are called from one goroutine.
//
// A batch goes through two stages. In stage O, partitions by value work out how new each
// value is; in stage S, partitions by entity count and score. Workers only carry
// partitions out: in which order and on which core cannot matter, because a partition
// reads its own state, its own events in log order, and what does not change meanwhile.
type Machine struct {
	plan    *baseline.Plan
	workers int
	wanted  [event.Types]bool
	shared  *baseline.Shared
	at      input.Position
	now     baseline.Now

	objects  []baseline.Objects
	subjects []baseline.Subjects
	sources  learn.Table // source -> number + 1
	names    []string    // of sources, by number

	// Scratch of the batch at hand.
	asks    routes // stage O
	events  routes // stage S
	novelty []detect.Novelty
	numbers []uint32 // of the batch's origins
	found   Found
}

// Found is what an entry brought up, in an order that does not depend on the workers.
type Found struct {
	Findings []finding.Finding
	Risks    []finding.Risk
}

// New returns a machine that knows nothing, whose partitions workers carry out. Budget is
// how many false incidents per 1,000 entities and day may be surfaced.
func New(detectors []detect.Kind, budget float64, workers int) *Machine {
	p := baseline.NewPlan(detectors, budget)
	m := &Machine{
		plan: p, workers: max(1, workers), shared: baseline.NewShared(p),
		objects: make([]baseline.Objects, Partitions), subjects: make([]baseline.Subjects, Partitions),
	}
	for i := range m.subjects {
		m.subjects[i].Use(p)
	}
	for _, k := range detectors {
		for _, t := range k.Wants {
			m.wanted[t] = true
		}
	}
	return m
}

// SetBudget has another budget hold from now on. It is no part of the saved state, and has
// to be the same before Load as it was at Save.
func (m *Machine) SetBudget(budget float64) {
	m.plan.Budget = budget
	m.shared = m.shared.Under(m.plan)
}

// Apply applies the next entry and returns what was found, which is valid until the next
// call. A batch belongs between two ticks: its events are not before the last one, and
// less than a Window after it, as far as their sources kept to time.
func (m *Machine) Apply(e input.Entry) *Found {
	m.at = e.At
	m.found.Findings, m.found.Risks = m.found.Findings[:0], m.found.Risks[:0]
	switch {
	case e.Batch != nil:
		m.batch(e.Batch)
	case e.Tick/int64(Window) > m.now.Time/int64(Window):
		m.barrier(e.Tick)
	}
	return &m.found
}

func (m *Machine) batch(b *event.Batch) {
	m.number(b)
	m.route(b)
	m.each(func(p int) {
		for _, r := range m.asks.of(p) {
			h := &b.Events[r.event]
			who := &h.Subject
			if detect.Side(r.side) == detect.Serves {
				who = &h.Object
			}
			m.noveltyOf(r)[r.value] = m.objects[p].Touch(r.key, who, m.now.Hour, m.plan.Values[r.value].Asks)
		}
	})
	now := m.now
	if n := len(b.Events); n > 0 { // what is found in a batch can be said at its end, within the window
		now.Time = max(now.Time, min(b.Events[n-1].Time, (now.Time/int64(Window)+1)*int64(Window)-1))
	}
	m.each(func(p int) {
		s := &m.subjects[p]
		s.Begin(m.shared, now)
		for _, r := range m.events.of(p) {
			v := event.View{Batch: b, I: int(r.event)}
			s.Observe(v, detect.Side(r.side), m.noveltyOf(r), m.numbers[v.Record().Origin])
		}
		m.events.found[p] = s.End()
	})
	m.collect()
}

// number gives each origin of the batch the number of its source.
func (m *Machine) number(b *event.Batch) {
	m.numbers = m.numbers[:0]
	for _, o := range b.Origins {
		key := text.Hash(text.Hash(0, b.Text.Bytes(o.Tenant)), b.Text.Bytes(o.Source))
		m.sources.Reserve(1)
		c := m.sources.At(key)
		if c.Count == 0 {
			m.names = append(m.names, string(b.Text.Bytes(o.Source)))
			c.Count = uint32(len(m.names))
		}
		m.numbers = append(m.numbers, c.Count-1)
	}
}

// Source returns the name of the source that a [finding.Ref] speaks of.
func (m *Machine) Source(number uint32) string {
	if int(number) < len(m.names) {
		return m.names[number]
	}
	return ""
}

// barrier scores what happened since the last one. When the hour ends, it is learned, and
// what partitions share is replaced.
func (m *Machine) barrier(tick int64) {
	next := baseline.Now{Time: tick, Window: uint32(tick / int64(Window)), Hour: uint32(tick / int64(time.Hour))}
	if m.now.Time == 0 { // the beginning of time
		m.now = next
		return
	}
	// Scores are of the hour that was open; its end is now or was before.
	m.now.Time = min(tick, (int64(m.now.Hour)+1)*int64(time.Hour))
	m.each(func(p int) { m.events.found[p] = m.subjects[p].Barrier(m.shared, m.now, next.Hour > m.now.Hour) })
	m.collect()
	if next.Hour > m.now.Hour {
		newDay := next.Hour/24 > m.now.Hour/24
		m.each(func(p int) {
			m.subjects[p].CloseHour()
			if newDay {
				m.subjects[p].CloseDay()
			}
		})
		m.shared = m.shared.Merge(m.plan, m.subjects, next.Hour-m.now.Hour, newDay)
	}
	m.now = next
}

// collect puts findings in order of partition, the same for any number of workers.
func (m *Machine) collect() {
	for _, f := range m.events.found {
		m.found.Findings = append(m.found.Findings, f.Findings...)
		m.found.Risks = append(m.found.Risks, f.Risks...)
	}
}

// each runs work for every partition and returns when all are done.
func (m *Machine) each(work func(p int)) {
	if m.workers == 1 {
		for p := range Partitions {
			work(p)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range m.workers {
		wg.Go(func() {
			for p := int(next.Add(1)) - 1; p < Partitions; p = int(next.Add(1)) - 1 {
				work(p)
			}
		})
	}
	wg.Wait()
}

// Learning returns how much of the learning period of the estate has passed, 0 to 1.
func (m *Machine) Learning() float64 { return m.shared.Learning() }

// Members returns how many entities of ours are known.
func (m *Machine) Members() (n int) {
	for p := range m.subjects {
		n += m.subjects[p].Len()
	}
	return n
}

// Turned returns how many events were not learned from since the start, because there was no
// room for their entity.
func (m *Machine) Turned() (n int) {
	for p := range m.subjects {
		n += m.subjects[p].Turned()
	}
	return n
}

// Threshold returns the risk at which an entity led by a facet is worth a person's time.
func (m *Machine) Threshold(f finding.Facet) float64 { return m.shared.Threshold(f) }

// Learned returns how much of what is normal for an entity is learned, 0 to 1; false for
// one that the machine does not learn.
func (m *Machine) Learned(k entity.Key) (share float64, ok bool) {
	return m.subjects[partition(uint64(k))].Learned(k, m.shared)
}

// Known reports whether the entity is one that the machine learns.
func (m *Machine) Known(k entity.Key) bool { return m.subjects[partition(uint64(k))].Known(k) }
