package push

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

const record = `{"ts":1700000000.123456,"uid":"CwTLJM1KZJrqZJ7Ws3","id.orig_h":"10.0.0.1","id.orig_p":50000,"id.resp_h":"10.0.0.2","id.resp_p":443,"proto":"tcp","conn_state":"SF"}`

// BenchmarkPush sends a thousand records a request over loopback, one request at a time.
func BenchmarkPush(b *testing.B) {
	bulk := strings.Repeat("{\"create\":{}}\n"+record+"\n", 1000)
	for _, test := range []struct{ name, path, body string }{
		{"lines", "/v1/push", strings.Repeat(record+"\n", 1000)},
		{"hec", "/services/collector", strings.Repeat(`{"sourcetype":"zeek","event":`+record+"}\n", 1000)},
		{"bulk", "/logs/_bulk", bulk},
	} {
		b.Run(test.name, func(b *testing.B) {
			f, err := newFeed([]byte("listen: 127.0.0.1:0\ntokens:\n- {name: a, sha256: " + sum("one") + "}\n"))
			if err != nil {
				b.Fatal(err)
			}
			at := make(chan net.Addr, 1)
			f.(*feed).ready = func(a net.Addr) { at <- a }
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			var out sourcetest.Discard
			go func() { done <- f.Run(ctx, func(string) []byte { return nil }, func() source.Out { return &out }) }()
			url := "http://" + (<-at).String() + test.path
			for b.Loop() {
				r, _ := http.NewRequest("POST", url, strings.NewReader(test.body))
				r.Header.Set("Authorization", "Bearer one")
				r.Header.Set("Idempotency-Key", fmt.Sprint(out.Records.Load()))
				a, err := http.DefaultClient.Do(r)
				if err != nil || a.StatusCode != 200 {
					b.Fatal(a, err)
				}
				_, _ = io.Copy(io.Discard, a.Body)
				a.Body.Close()
			}
			b.ReportMetric(float64(out.Records.Load())/b.Elapsed().Seconds(), "records/s")
			cancel()
			<-done
		})
	}
}
