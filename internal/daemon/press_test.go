package daemon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/store/segments"
)

// press is the load of a test: a file that grows and is rotated, requests with keys, and
// syslog over TCP and UDP, all at once and all the time, whatever becomes of the daemon.
// Each record is told from all others by its number of bytes.
type press struct {
	*testing.T
	dir  string
	file *writer
	http string // address
	tcp  string
	udp  string

	stop  chan struct{}
	once  sync.Once
	all   sync.WaitGroup
	lock  sync.Mutex
	push  uint64 // records that were acknowledged
	sent  [2][]time.Time
	flood atomic.Bool // have UDP come as fast as it can
	turn  sync.Mutex  // held by who writes to the file
}

// Where the numbers of each way begin.
const (
	tailed0 = 0
	pushed0 = 10_000_000
	tcp0    = 20_000_000
	udp0    = 30_000_000
	ways    = 10_000_000
)

const pressToken = "a token of the test"

// newPress writes a configuration in dir whose data folder is data, and returns a load for
// it that does not press yet.
func newPress(t *testing.T, dir, data string) *press {
	t.Helper()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &press{T: t, dir: dir, file: &writer{t: t, path: filepath.Join(in, "conn.log")}, http: free(t, "tcp"), tcp: free(t, "tcp"), udp: free(t, "udp"), stop: make(chan struct{})}
	sum := sha256.Sum256([]byte(pressToken))
	text := fmt.Sprintf(`data: %s
console:
  listen: 127.0.0.1:0
keep:
  days: 36500
sources:
  - tail:
      poll: 5ms
      paths: ["%s*"]
  - push:
      listen: %s
      tokens:
        - {name: test, sha256: %s}
  - syslog:
      tcp: [%s]
      udp: [%s]
`, data, p.file.path, p.http, hex.EncodeToString(sum[:]), p.tcp, p.udp)
	if err := os.WriteFile(filepath.Join(dir, "vedette.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// data returns the data folder that a child of the test has.
func (p *press) data() string { return filepath.Join(p.dir, "data") }

// free returns an address of this machine that nobody listens at.
func free(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// conn appends a line of a connection whose client sent n bytes.
func conn(b []byte, n uint64) []byte {
	return fmt.Appendf(b, `{"ts":%d.5,"uid":"C%d","id.orig_h":"10.0.0.%d","id.orig_p":5000,"id.resp_h":"192.0.2.%d","id.resp_p":443,"proto":"tcp","duration":1.5,"orig_bytes":%d,"resp_bytes":9,"conn_state":"SF"}`,
		1772409600+n%ways/10, n, n%200, n%97, n)
}

// begin begins to press.
func (p *press) begin() {
	p.Cleanup(p.end)
	p.all.Go(p.tails)
	p.all.Go(p.pushes)
	p.all.Go(func() { p.logs("tcp", p.tcp, 0) })
	p.all.Go(func() { p.logs("udp", p.udp, 1) })
}

// end ends it.
func (p *press) end() {
	p.once.Do(func() { close(p.stop) })
	p.all.Wait()
}

// ended waits for a while, and returns whether it is over.
func (p *press) ended(d time.Duration) bool {
	select {
	case <-p.stop:
		return true
	case <-time.After(d):
		return false
	}
}

func (p *press) tails() {
	for n := 1; !p.ended(5 * time.Millisecond); n++ {
		p.turn.Lock()
		if p.file.write(10); n%150 == 0 {
			p.file.rotate()
		}
		p.turn.Unlock()
	}
}

// pushes sends requests, each until it is told that it is safe.
func (p *press) pushes() {
	var line []byte
	for n := uint64(0); !p.ended(5 * time.Millisecond); n += 10 {
		line = line[:0]
		for i := range uint64(10) {
			line = append(conn(line, pushed0+n+i), '\n')
		}
		for !p.pushed(fmt.Sprint("key ", n), line) {
			if p.ended(10 * time.Millisecond) {
				return
			}
		}
		p.lock.Lock()
		p.push = n + 10
		p.lock.Unlock()
	}
}

// pushed reports whether a request was acknowledged.
func (p *press) pushed(key string, body []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+p.http+"/v1/push/conn", bytes.NewReader(body))
	if err != nil {
		p.Error(err)
		return false
	}
	r.Header.Set("Authorization", "Bearer "+pressToken)
	r.Header.Set("Idempotency-Key", key)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, a.Body)
	a.Body.Close()
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable && a.StatusCode != http.StatusTooManyRequests {
		p.Errorf("push answers %d", a.StatusCode)
	}
	if a.StatusCode != http.StatusOK && a.Header.Get("Retry-After") == "" {
		p.Errorf("push answers %d without saying when to try again", a.StatusCode)
	}
	return a.StatusCode == http.StatusOK
}

// logs sends messages of syslog, and counts those that the kernel took.
func (p *press) logs(network, address string, way int) {
	var c net.Conn
	var message, framed []byte
	base := []uint64{tcp0, udp0}[way]
	for n := uint64(0); ; {
		pause := 2 * time.Millisecond
		if network == "udp" && p.flood.Load() {
			pause = 0
		}
		if p.ended(pause) {
			break
		}
		if c == nil {
			var err error
			if c, err = net.DialTimeout(network, address, time.Second); err != nil {
				c = nil
				continue
			}
		}
		message = conn(append(message[:0], "<134>1 2026-03-02T00:00:00Z host zeek - - - "...), base+n)
		framed = message
		if network == "tcp" {
			framed = fmt.Appendf(nil, "%d %s", len(message), message)
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := c.Write(framed); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) || network == "tcp" { // what is half written cannot be gone on with
				c.Close()
				c = nil
			}
			if network == "tcp" {
				n++ // it may have got through: its number is not given again
				p.took(way)
			}
			continue
		}
		n++
		p.took(way)
	}
	if c != nil {
		c.Close()
	}
}

func (p *press) took(way int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.sent[way] = append(p.sent[way], time.Now())
}

// stored returns how often each record is in the event store of a data folder.
func stored(t *testing.T, data string) map[uint64]int {
	t.Helper()
	s, err := segments.Open(filepath.Join(data, "events"), segments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seen := map[uint64]int{}
	err = s.Events(t.Context(), segments.Query{}, func(_ segments.Ref, v event.View) error {
		seen[v.Flow().BytesOut]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// check checks that every record of the file, and every one that was acknowledged, is there
// once, and of syslog none twice. Of messages over TCP only those may be missing that were
// sent when there was nobody to take them, or shortly before.
func (p *press) check(data string, deaths []time.Time) {
	p.Helper()
	seen := stored(p.T, data)
	twice, most := 0, [4]uint64{}
	for n, times := range seen {
		if times > 1 {
			twice++
		}
		most[n/ways] = max(most[n/ways], n%ways+1)
	}
	if twice > 0 {
		p.Errorf("%d records are stored more than once", twice)
	}
	missing := func(from, n uint64) (lost []uint64) {
		for i := range n {
			if seen[from+i] == 0 {
				lost = append(lost, i)
			}
		}
		return lost
	}
	if lost := missing(tailed0, uint64(p.file.lines)); len(lost) > 0 || most[0] > uint64(p.file.lines) {
		p.Errorf("%d of %d lines of the file are missing, such as %d", len(lost), p.file.lines, lost[:min(1, len(lost))])
	}
	if lost := missing(pushed0, p.push); len(lost) > 0 {
		p.Errorf("%d of %d acknowledged records are missing, such as %d", len(lost), p.push, lost[:min(1, len(lost))])
	}
	unexplained := 0
	tcp := missing(tcp0, uint64(len(p.sent[0])))
	for _, i := range tcp {
		explained := false
		for _, died := range deaths {
			if d := p.sent[0][i].Sub(died); d > -2*time.Second && d < 4*time.Second {
				explained = true
			}
		}
		if !explained {
			unexplained++
		}
	}
	if unexplained > 0 {
		p.Errorf("%d messages over TCP are missing that were sent while all was well", unexplained)
	}
	p.Logf("%d lines, %d pushed; of syslog over TCP %d sent and %d missing around %d deaths, over UDP %d sent and %d missing",
		p.file.lines, p.push, len(p.sent[0]), len(tcp), len(deaths), len(p.sent[1]), len(missing(udp0, uint64(len(p.sent[1])))))
	if len(p.sent[0]) == 0 || len(p.sent[1]) == 0 || p.push == 0 || p.file.lines == 0 {
		p.Error("a way in was not pressed")
	}
}
