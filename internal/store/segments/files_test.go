package segments

import (
	"os"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/input"
)

// TestFilesADay prints how many files a day makes that is sealed every five minutes, and
// what an event takes: VEDETTE_FILES=1 go test -run FilesADay -v ./internal/store/segments.
func TestFilesADay(t *testing.T) {
	if os.Getenv("VEDETTE_FILES") == "" {
		t.Skip("VEDETTE_FILES is not set")
	}
	const window = 5 * time.Minute
	for _, c := range []struct {
		name  string
		rate  int // events a second
		hours int
	}{{"1/s", 1, 24}, {"1,000/s", 1000, 3}} {
		s, source := open(t, t.TempDir(), Options{}), newConns()
		at, merging, most, n, files, size := input.Position(0), time.Duration(0), 0, 0, 0, int64(0)
		var b event.Batch
		for seal := range c.hours * 12 {
			for left := c.rate * int(window/time.Second); left > 0; left -= 1000 {
				source.fill(&b, min(left, 1000))
				for i := range b.Events {
					b.Events[i].Time = start + int64(seal)*int64(window) + int64(i)*int64(window)/int64(len(b.Events))
				}
				at++
				add(t, s, []entry{{at, &b}})
			}
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
			for _, g := range s.segments {
				if g.Last == s.Safe() {
					files, size = files+1, size+g.bytes
				}
			}
			begun := time.Now()
			n += mergeAll(t, s, time.Unix(0, start+int64(seal)*int64(window)))
			merging += time.Since(begun)
			most = max(most, s.Stats().Segments)
		}
		day := s.Stats()
		source.fill(&b, 1)
		b.Events[0].Time = start + 30*hour
		add(t, s, []entry{{at + 1, &b}})
		seal(t, s)
		mergeAll(t, s, later)
		over := s.Stats()
		t.Logf("%s for %d h: %d files were sealed last, %.1f bytes an event; at most %d files, %.1f bytes an event; when the day is over %d files, %.1f bytes an event; %d parts merged in %v",
			c.name, c.hours, files, float64(size)/float64(c.rate*c.hours*3600), most, float64(day.Bytes)/float64(day.Rows), over.Segments-1, float64(over.Bytes)/float64(over.Rows), n, merging.Round(time.Millisecond))
	}
}
