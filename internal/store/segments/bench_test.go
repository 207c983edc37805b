package segments

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/input"
)

// conns makes batches of flows like those of a conn.log: a few thousand clients, some far
// more active than others, servers within and places outside.
type conns struct {
	r        *rand.Rand
	zipf     *rand.Zipf
	outside  *rand.Zipf
	emit     *event.Emit
	position uint64
	at       int64
}

func newConns() *conns {
	r := rand.New(rand.NewPCG(1, 2))
	return &conns{r: r, zipf: rand.NewZipf(r, 1.1, 20, 4999), outside: rand.NewZipf(r, 1.2, 50, 99_999), emit: event.NewEmit([]byte("key")), at: start}
}

func (c *conns) fill(b *event.Batch, n int) {
	e := c.emit
	b.Reset()
	e.Source(b, "clinic", "main", "conn.log")
	text := func(s string) []byte { return []byte(s) }
	for range n {
		c.position++
		c.at += c.r.Int64N(2e6) // about a thousand a second
		e.Begin(c.position, event.Handshake, fmt.Appendf(nil, "%d", c.position))
		h, f := e.Flow(c.at)
		x := c.zipf.Uint64()
		h.Subject = e.Entity(entity.Device, entity.IP, fmt.Appendf(nil, "10.1.%d.%d", x/250, x%250))
		h.Subject.Port, h.Subject.Own, h.Subject.Group = uint16(1024+c.r.IntN(60000)), 1, uint16(x%12)
		h.Dataset, h.Link = e.Text(text("zeek/conn")), c.r.Uint64()
		f.Missed = 0
		switch c.r.IntN(10) {
		case 0, 1, 2, 3: // a name server
			h.Object = e.Entity(entity.Device, entity.IP, fmt.Appendf(nil, "10.0.0.%d", 10+c.r.IntN(2)))
			h.Object.Own, h.Object.Port = 1, 53
			e.SetProtocol(f, text("udp"))
			f.Service, f.State, f.History = e.Text(text("dns")), e.Text(text("SF")), e.Text(text("Dd"))
			f.BytesOut, f.BytesIn, f.PacketsOut, f.PacketsIn = uint64(30+c.r.IntN(40)), uint64(60+c.r.IntN(300)), 1, 1
			f.Duration = int64(c.r.ExpFloat64() * 2e7)
			f.Outcome = event.Established
		case 4, 5: // a server within
			h.Object = e.Entity(entity.Device, entity.IP, fmt.Appendf(nil, "10.0.1.%d", c.r.IntN(60)))
			h.Object.Own, h.Object.Port = 1, []uint16{445, 443, 104, 3389, 22}[c.r.IntN(5)]
			c.tcp(b, f)
		default: // outside
			y := c.outside.Uint64()
			h.Object = e.Entity(entity.External, entity.IP, fmt.Appendf(nil, "%d.%d.%d.%d", 20+y%200, y/7%256, y/1000%256, y*7%256))
			h.Object.Port = []uint16{443, 443, 443, 80}[c.r.IntN(4)]
			c.tcp(b, f)
		}
		f.Duration = f.Duration / 1000 * 1000 // as Zeek does
		h.Time = h.Time / 1000 * 1000
	}
}

func (c *conns) tcp(b *event.Batch, f *event.Flow) {
	e := c.emit
	e.SetProtocol(f, []byte("tcp"))
	f.Service = e.Text([]byte([]string{"ssl", "ssl", "http", ""}[c.r.IntN(4)]))
	f.State, f.Outcome = e.Text([]byte("SF")), event.Established
	f.History = e.Text([]byte([]string{"ShADadFf", "ShADadfF", "ShADadFRf", "ShAdDaFf"}[c.r.IntN(4)]))
	f.BytesOut, f.BytesIn = uint64(c.r.ExpFloat64()*2000), uint64(c.r.ExpFloat64()*20000)
	f.PacketsOut, f.PacketsIn = 4+f.BytesOut/900, 4+f.BytesIn/1200
	f.Duration = int64(c.r.ExpFloat64() * 5e9)
}

// store returns a store of n events, sealed.
func (c *conns) store(t testing.TB, n int) *Store {
	t.Helper()
	s := open(t, t.TempDir(), Options{})
	var b event.Batch
	for at := range input.Position(n / 1000) {
		c.fill(&b, 1000)
		if err := s.Add(&b, at+1); err != nil {
			t.Fatal(err)
		}
	}
	seal(t, s)
	return s
}

func BenchmarkWrite(b *testing.B) {
	c := newConns()
	batches := make([]event.Batch, 262)
	for i := range batches {
		c.fill(&batches[i], 1000)
	}
	for b.Loop() {
		s, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for i := range batches {
			if err := s.Add(&batches[i], input.Position(i+1)); err != nil {
				b.Fatal(err)
			}
		}
		seal(b, s)
		n := s.Stats()
		b.ReportMetric(float64(n.Bytes)/float64(n.Rows), "bytes/row")
		_ = s.Close()
	}
	b.ReportMetric(float64(b.N)*262_000/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkAdd(b *testing.B) {
	c := newConns()
	batches := make([]event.Batch, 100)
	for i := range batches {
		c.fill(&batches[i], 1000)
	}
	for b.Loop() {
		s := open(b, b.TempDir(), Options{})
		for i := range batches {
			if err := s.Add(&batches[i], input.Position(i+1)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkQuery asks a store of a million events.
func BenchmarkQuery(b *testing.B) {
	c := newConns()
	s := c.store(b, 1_000_000)
	client := func(x int) entity.Key {
		var at event.Batch
		c.emit.Source(&at, "clinic", "main", "x")
		return c.emit.Entity(entity.Device, entity.IP, fmt.Appendf(nil, "10.1.%d.%d", x/250, x%250)).Key
	}
	server := func(ip string) entity.Key {
		var at event.Batch
		c.emit.Source(&at, "clinic", "main", "x")
		return c.emit.Entity(entity.Device, entity.IP, []byte(ip)).Key
	}
	minutes := func(from, to int) (a, z time.Time) {
		return time.Unix(0, start+int64(from)*int64(time.Minute)), time.Unix(0, start+int64(to)*int64(time.Minute))
	}
	from, to := minutes(6, 7)
	for _, q := range []struct {
		name string
		q    Query
	}{
		{"client_minute", Query{Entity: client(100), From: from, To: to}},
		{"client_all", Query{Entity: client(100)}},
		{"rare_client_all", Query{Entity: client(4000)}},
		{"busy_client_newest_100", Query{Entity: client(0), Newest: true, Limit: 100}},
		{"server_minute", Query{Entity: server("10.0.1.7"), From: from, To: to}},
		{"name_server_newest_100", Query{Entity: server("10.0.0.10"), Newest: true, Limit: 100}},
		{"any_newest_100", Query{Newest: true, Limit: 100}},
		{"nobody", Query{Entity: 12345}},
	} {
		b.Run(q.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = 0
				if err := s.Events(context.Background(), q.q, func(Ref, event.View) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "events")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/query")
		})
	}
	b.Run("scan", func(b *testing.B) {
		n := 0
		for b.Loop() {
			if err := s.Scan(context.Background(), Query{}, func(Ref, event.View) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("all_in_order", func(b *testing.B) {
		n := 0
		for b.Loop() {
			if err := s.Events(context.Background(), Query{}, func(Ref, event.View) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}

// TestColumnSizes prints what each column takes: VEDETTE_SIZES=1 go test -run ColumnSizes -v.
func TestColumnSizes(t *testing.T) {
	if os.Getenv("VEDETTE_SIZES") == "" {
		t.Skip("VEDETTE_SIZES is not set")
	}
	s := newConns().store(t, 262_000)
	for _, g := range s.segments {
		f, err := openFile(g.path+eventsExt, &g.about)
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, path := range f.schema.Columns() {
			leaf, _ := f.schema.Lookup(path...)

			c := f.pq.Metadata().RowGroups[0].Columns[leaf.ColumnIndex].MetaData
			sum += c.TotalCompressedSize
			if size := float64(c.TotalCompressedSize) / float64(g.Rows); size > 0.03 {
				t.Logf("%-30s %6.2f %v", strings.Join(path, "."), size, c.Encoding)
			}
		}
		index, _ := os.Stat(g.path + indexExt)
		t.Logf("columns %.2f, file %.2f, index %.2f bytes/row; %s", float64(sum)/float64(g.Rows), float64(g.Size)/float64(g.Rows), float64(index.Size())/float64(g.Rows), filepath.Base(g.path))
		_ = f.close()
	}
}
