package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"vedette/internal/input"
)

// sizes are those of 1,000 and of 100 events.
var sizes = []int{250 << 10, 24 << 10}

func BenchmarkAppend(b *testing.B) {
	for _, size := range sizes {
		for _, writers := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%dKiB/%d", size>>10, writers), func(b *testing.B) {
				j := open(b, b.TempDir(), Options{})
				data := sample(1, size)
				b.SetBytes(int64(size))
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ResetTimer()
				var all sync.WaitGroup
				for range writers {
					all.Go(func() {
						for left.Add(-1) >= 0 {
							if _, err := j.Append(b.Context(), data); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			dir := b.TempDir()
			j := open(b, dir, Options{})
			n := 200 << 20 / size
			data := sample(1, size)
			for range n {
				if _, err := j.Append(b.Context(), data); err != nil {
					b.Fatal(err)
				}
			}
			shut(b, j)
			j = open(b, dir, Options{})
			b.SetBytes(int64(n * size))
			for b.Loop() {
				if err := j.Read(b.Context(), 0, false, func(input.Position, []byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
