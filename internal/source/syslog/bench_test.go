package syslog

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

const record = `<13>Feb  5 17:32:18 host suricata[123]: {"timestamp":"2026-02-05T17:32:18.000000+0000","flow_id":1,"event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","dns":{"rrname":"example.org"}}`

// BenchmarkSyslog sends over loopback: lines over TCP as fast as they are taken, and
// packets, of which some are dropped.
func BenchmarkSyslog(b *testing.B) {
	for _, network := range []string{"tcp", "udp"} {
		b.Run(network, func(b *testing.B) {
			f, err := newFeed([]byte(network + ": ['127.0.0.1:0']"))
			must(b, err)
			at := make(chan net.Addr, 1)
			f.(*feed).ready = func(_ string, a net.Addr) { at <- a }
			var out sourcetest.Discard
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- f.Run(ctx, func(string) []byte { return nil }, func() source.Out { return &out }) }()
			c, err := net.Dial(network, (<-at).String())
			must(b, err)
			text := []byte(record)
			if network == "tcp" {
				text = []byte(strings.Repeat(record+"\n", 100))
			}
			for b.Loop() {
				_, err := c.Write(text)
				must(b, err)
			}
			time.Sleep(10 * time.Millisecond)
			b.ReportMetric(float64(out.Records.Load())/b.Elapsed().Seconds(), "records/s")
			c.Close()
			cancel()
			<-done
		})
	}
}

func BenchmarkParse(b *testing.B) {
	line := []byte(record)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if p := parse(line); p.data[0] != '{' {
			b.Fatal(p)
		}
	}
}
