package daemon

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"vedette/internal/fault"
	"vedette/internal/input"
	"vedette/internal/intake"
)

// TestOrderOfDegradation: as memory fills, one thing after the other gives way, and comes
// back in the opposite order; what was taken in never does.
func TestOrderOfDegradation(t *testing.T) {
	live, waited, appended := int64(0), 0, 0
	m := newMemory(1<<40, slog.New(slog.DiscardHandler), func() error { return nil })
	m.limit, m.live = 1000, func() int64 { return live }
	m.wait = func(context.Context, time.Duration) { waited++ }
	log := paced{appender{nil, func() { appended++ }}, m}
	for i, c := range []struct {
		live                   int64
		eased, refused, slowed bool
	}{
		{100, false, false, false},
		{599, false, false, false},
		{600, true, false, false},
		{749, true, false, false},
		{750, true, true, false},
		{850, true, true, true},
		{2000, true, true, true},
		{810, true, true, true},
		{790, true, true, false},
		{710, true, true, false},
		{690, true, false, false},
		{560, true, false, false},
		{540, false, false, false},
		{900, true, true, true},
		{0, false, false, false},
	} {
		live, waited, appended = c.live, 0, 0
		stage := m.look()
		done, err := m.lookUp(t.Context())
		if err == nil {
			done()
		} else if fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
		if _, err := log.Append(t.Context(), nil); err != nil || appended != 1 {
			t.Errorf("step %d: an entry was not taken: %v", i, err)
		}
		if (stage >= eased) != c.eased || (err != nil) != c.refused || (waited > 0) != c.slowed {
			t.Errorf("step %d, %d of 1,000 bytes: stage %d, refused %v, slowed %v", i, c.live, stage, err, waited > 0)
		}
	}
}

// appender is a log that is only appended to.
type appender struct {
	intake.Log
	tell func()
}

func (a appender) Append(context.Context, []byte) (input.Position, error) { a.tell(); return 1, nil }

// TestLookUpsAreFew: only so many are under way, and who waits may leave.
func TestLookUpsAreFew(t *testing.T) {
	m := &memory{limit: 1, asked: make(chan struct{}, lookUps)}
	for range lookUps {
		if _, err := m.lookUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := m.lookUp(ctx); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("one too many: %v", err)
	}
}

func TestAvailableMemory(t *testing.T) {
	const meminfo = "MemTotal:       16000000 kB\nMemFree:         9000000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"machine":       {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n"}, 16000000 << 10},
		"nothing":       {nil, unknown},
		"garbage":       {map[string]string{"/proc/meminfo": "MemTotal: x kB", "/proc/self/cgroup": "0\n::\n"}, unknown},
		"group":         {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "5000\n"}, 5000},
		"group_above":   {map[string]string{"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "7000\n"}, 7000},
		"version_1":     {map[string]string{"/proc/self/cgroup": "4:memory:/x\n3:cpu:/y\n", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9000"}, 9000},
		"no_real_limit": {map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 16000000 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			got := available(func(path string) ([]byte, error) {
				if s, ok := c.files[path]; ok {
					return []byte(s), nil
				}
				return nil, errors.Join(fs.ErrNotExist)
			})
			if got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}
