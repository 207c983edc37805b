package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/intake"
)

// memory keeps the program within its share of the machine's memory. What is learned is
// bounded by numbers of its own (docs/design/learning.md); this is for what comes and goes.
// When what is live comes near the limit, things give way in this order, each with all
// before it:
//
//  1. eased: buffers go. What is in memory of events is sealed, idle files are closed, and
//     memory that is free goes back to the system.
//  2. refusing: records are not looked up for pages and programs, who are told so.
//  3. slowed: what comes in waits before each batch, so that sources wait too.
//
// What never gives is what was taken in: batches are on disk before they are acknowledged,
// and each is learned and stored once.
type memory struct {
	limit int64
	log   *slog.Logger
	seal  func() error // has the event store let go of what it holds in memory
	live  func() int64 // bytes that are in use

	stage atomic.Int32
	wait  func(ctx context.Context, d time.Duration)
	asked chan struct{} // one for each look-up under way

	freed uint64 // bytes allocated when memory was last given back
	seen  uint64 // and a moment ago
}

// The stages, and the share of the limit from which each holds. Going back needs a little
// less, so that nothing flickers.
const (
	calm = int32(iota)
	eased
	refusing
	slowed
	slack100  = 5 // percent of the limit
	lookUps   = 4 // at the same time
	sealEvery = 30 * time.Second
	quietly   = 4 << 20  // bytes that are allocated in a moment when little happens
	worth     = 24 << 20 // bytes that are worth giving back
	slowest   = time.Second / 4
	lookEvery = 5 * time.Second
)

// stages returns the shares of the limit, in percent, from which the stages hold.
func stages() [4]int64 { return [4]int64{0, 60, 75, 85} }

// newMemory sets the limit of the program's memory, in bytes.
func newMemory(limit int64, log *slog.Logger, seal func() error) *memory {
	debug.SetMemoryLimit(limit)
	return &memory{limit: limit, log: log, seal: seal, live: liveHeap, wait: pause, asked: make(chan struct{}, lookUps)}
}

// liveHeap returns how much the last collection found in use.
func liveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tend looks at memory until ctx ends.
func (m *memory) tend(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	sealed := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if m.look() >= eased && now.Sub(sealed) >= sealEvery {
				sealed = now
				if err := m.seal(); err != nil {
					m.log.Error("memory is short and events could not be sealed; trying again", "why", err)
				}
				debug.FreeOSMemory()
			}
			m.giveBack()
		}
	}
}

// look works out the stage.
func (m *memory) look() int32 {
	share, old := m.live()*100/m.limit, m.stage.Load()
	stage := calm
	for s, from := range stages() {
		if int32(s) <= old && s > 0 {
			from -= slack100
		}
		if share >= from {
			stage = int32(s)
		}
	}
	if stage != old {
		m.stage.Store(stage)
		said := [...]string{
			"memory is no longer short", "memory is short: buffers are emptied",
			"memory is short: records are not looked up for now", "memory is short: what comes in is slowed down; nothing is lost",
		}
		level := slog.LevelWarn
		if stage == calm {
			level = slog.LevelInfo
		}
		m.log.Log(context.Background(), level, said[stage], "percent", share, "limit", m.limit)
	}
	return stage
}

// giveBack returns memory to the system when little happens: after a password was checked
// or much was read, the collector would keep it for minutes.
func (m *memory) giveBack() {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	allocated, held := s[0].Value.Uint64(), int64(s[1].Value.Uint64()-s[2].Value.Uint64())
	quiet := allocated-m.seen < quietly
	m.seen = allocated
	if quiet && allocated-m.freed > worth && held > m.live()*5/4+worth {
		debug.FreeOSMemory()
		m.freed = allocated
	}
}

// lookUp asks to look up records; whoever may calls done afterwards. The error is
// [fault.Unavailable] and for people.
func (m *memory) lookUp(ctx context.Context) (done func(), err error) {
	if m.stage.Load() >= refusing {
		return nil, fault.New(fault.Unavailable, "memory is short, so records are not looked up for now; nothing is lost, try again in a few minutes")
	}
	select {
	case m.asked <- struct{}{}:
		return func() { <-m.asked }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("waiting for other look-ups: %w", ctx.Err()))
	}
}

// paced is a log that takes entries more slowly while memory is short.
type paced struct {
	intake.Log
	memory *memory
}

// Append implements [intake.Log].
func (p paced) Append(ctx context.Context, data []byte) (input.Position, error) {
	if p.memory.stage.Load() >= slowed {
		p.memory.wait(ctx, slowest)
	}
	return p.Log.Append(ctx, data)
}
