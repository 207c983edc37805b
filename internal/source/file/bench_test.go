package file

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"vedette/internal/source"
)

func BenchmarkWalk(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "%d.%06d\tC%016x\t10.0.0.%d\t%d\t192.0.2.%d\t443\ttcp\tssl\tSF\n", 1700000000+i/100, i%1000000, r.Uint64(), r.IntN(200), r.IntN(65535), r.IntN(200))
	}
	log := []byte(text.String())
	var small []member
	for i := range 20_000 {
		small = append(small, member{fmt.Sprintf("%05d", i), log[i*100 : i*100+700]})
	}
	for _, test := range []struct {
		name string
		data []byte
		size int
	}{
		{"plain", log, len(log)},
		{"gzip", gz(log), len(log)},
		{"zstd", zst(log), len(log)},
		{"zip", zipOf(member{"x", log}), len(log)},
		{"tar_gz", gz(tarOf(member{"x", log})), len(log)},
		{"20000_in_tar", tarOf(small...), 20_000 * 700},
		{"20000_in_zip", zipOf(small...), 20_000 * 700},
	} {
		b.Run(test.name, func(b *testing.B) {
			dir := write(b, member{"x", test.data})
			b.SetBytes(int64(test.size))
			b.ReportAllocs()
			buf := make([]byte, 256<<10)
			for b.Loop() {
				size := 0
				if err := Walk(b.Context(), []string{dir}, DefaultLimits(), func(i source.Item) error {
					for {
						n, err := i.Reader.Read(buf)
						if size += n; err == io.EOF {
							return nil
						} else if err != nil {
							return err
						}
					}
				}); err != nil || size != test.size {
					b.Fatal(size, err)
				}
			}
		})
	}
}
