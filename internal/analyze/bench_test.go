package analyze

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkAnalyze analyzes the shipped sample and generated conn lines of Zeek's
// JSON.
func BenchmarkAnalyze(b *testing.B) {
	conn := filepath.Join(b.TempDir(), "conn.log")
	if err := os.WriteFile(conn, connLines(200_000), 0o600); err != nil {
		b.Fatal(err)
	}
	events := 0.0
	for b.Loop() {
		r, err := Run(context.Background(), Options{Paths: []string{conn, "../../testdata/demo"}, Budget: 1, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		events += float64(r.Events)
	}
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
}

// connLines makes n lines of a day of 1,000 machines, each of which mostly turns to the same
// few places.
func connLines(n int) []byte {
	var out []byte
	x := uint64(1)
	next := func(n uint64) uint64 { // splitmix64
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return (z ^ z>>31) % n
	}
	for i := range n {
		at := 1772409600 + float64(i)*86400/float64(n)
		machine, place := next(1000), uint64(math.Pow(float64(next(1000))/1000, 3)*400)
		state := "SF"
		if next(20) == 0 {
			state = "S0"
		}
		out = fmt.Appendf(out, `{"ts":%.6f,"uid":"C%016x","id.orig_h":"10.1.%d.%d","id.orig_p":%d,"id.resp_h":"203.0.%d.%d","id.resp_p":443,`+
			`"proto":"tcp","service":"ssl","duration":%d.25,"orig_bytes":%d,"resp_bytes":%d,"conn_state":%q,"local_orig":true,"local_resp":false,`+
			`"missed_bytes":0,"history":"ShADadFf","orig_pkts":12,"orig_ip_bytes":2400,"resp_pkts":14,"resp_ip_bytes":9000,"tunnel_parents":[]}`+"\n",
			at, next(1<<62), machine/250, machine%250, 1024+next(60000), (machine+place)%40, place%250, next(20), next(9000), next(90000), state)
	}
	return out
}
