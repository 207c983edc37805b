package tail

import (
	"context"
	"strings"
	"testing"
	"time"

	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

// BenchmarkTail reads a file of 200,000 lines from its beginning.
func BenchmarkTail(b *testing.B) {
	const record = `{"ts":1700000000.123456,"uid":"CwTLJM1KZJrqZJ7Ws3","id.orig_h":"10.0.0.1","id.orig_p":50000,"id.resp_h":"10.0.0.2","id.resp_p":443,"proto":"tcp","conn_state":"SF"}` + "\n"
	const n = 200_000
	x := b.TempDir() + "/x.log"
	add(b, x, strings.Repeat(record, n))
	b.SetBytes(int64(n * len(record)))
	records := int64(0)
	for b.Loop() {
		f, err := newFeed([]byte("paths: [" + x + "]"))
		must(b, err)
		var out sourcetest.Discard
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx, func(string) []byte { return nil }, func() source.Out { return &out }) }()
		for out.Records.Load() < n {
			time.Sleep(time.Millisecond)
		}
		cancel()
		must(b, <-done)
		records += out.Records.Load()
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
