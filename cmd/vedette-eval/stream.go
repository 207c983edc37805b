package main

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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// stream is telemetry as it happens now, sent in three ways at once: pushed, written to
// files that rotate, and over syslog.
type stream struct {
	Rate     float64       // lines a second
	Scans    time.Duration // from one injected scan to the next; 0 is none
	pushURL  string
	secret   string
	syslog   string
	dir      string // of the files
	entities int
	g        *generator
	uid      [18]byte
	name     []byte

	ways  []*way
	scans []*scan
	mu    sync.Mutex // of scans
}

// way is one way of sending.
type way struct {
	name  string
	share float64
	due   float64 // lines that it should have had, less those that it had
	queue chan parcel
	sent  atomic.Int64
	again atomic.Int64 // requests that had to be sent again
	fill  parcel
}

// parcel is lines that go together.
type parcel struct {
	data  []byte
	lines int64
	scans []*scan
}

// scan is an injected attack: a machine that nobody knew feels its way.
type scan struct {
	address string
	way     string
	handed  time.Time // just before it was sent; zero if it was not yet
	seen    time.Time // when an incident about it could be read; zero if not yet
}

const (
	scanned    = 40 // machines that a scan tries
	every      = 20 * time.Millisecond
	rotateFile = time.Minute

	wholeParcel = 256 << 10 // bytes
)

// newStream makes ready a stream about so many machines. Each of them goes to its thirty
// places, and now and then to a new one: as often as machines of offices do in real time,
// and not by the number of lines, which is a thousand times that of an office.
func newStream(rate float64, entities int) *stream {
	g := newGenerator(workload{Lines: 1 << 40, Entities: entities, Days: 1, Seed: 7})
	g.planted, g.loyal = nil, true
	s := &stream{Rate: rate, entities: entities, g: g, secret: "a token for measurements"}
	for _, w := range []struct {
		name  string
		share float64
	}{{"push", 0.5}, {"tail", 0.3}, {"syslog", 0.2}} {
		s.ways = append(s.ways, &way{name: w.name, share: w.share, queue: make(chan parcel, 64)})
	}
	return s
}

// sources returns the part of the configuration that receives the stream.
func (s *stream) sources(b *bench) (string, error) {
	push, err := freeAddress()
	if err != nil {
		return "", err
	}
	if s.syslog, err = freeAddress(); err != nil {
		return "", err
	}
	if s.dir, err = os.MkdirTemp(b.Temp, "logs-"); err != nil {
		return "", err
	}
	s.pushURL = "http://" + push + "/v1/push/zeek"
	sum := sha256.Sum256([]byte(s.secret))
	return fmt.Sprintf("sources:\n- push: {listen: %q, tokens: [{name: eval, sha256: %s}]}\n- syslog: {tcp: [%q]}\n- tail: {paths: [%q]}\n",
		push, hex.EncodeToString(sum[:]), s.syslog, s.dir), nil
}

// sent returns how many lines were handed over.
func (s *stream) sent() (n int64) {
	for _, w := range s.ways {
		n += w.sent.Load()
	}
	return n
}

// run sends for so long, and returns when all was handed over.
func (s *stream) run(ctx context.Context, lasts time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var senders sync.WaitGroup
	for i, send := range []func(context.Context, *way) error{s.push, s.tail, s.syslogTCP} {
		senders.Go(func() {
			if err := send(ctx, s.ways[i]); err != nil {
				cancel(fmt.Errorf("sending by %s: %w", s.ways[i].name, err))
			}
		})
	}
	s.make(ctx, lasts)
	for _, w := range s.ways {
		close(w.queue)
	}
	senders.Wait()
	return context.Cause(ctx)
}

// make makes lines as time passes and gives them to the senders. Where one holds it up, it
// makes up for it later.
func (s *stream) make(ctx context.Context, lasts time.Duration) {
	began := time.Now()
	var made int64
	var scan time.Duration
	t := time.NewTicker(every)
	defer t.Stop()
	for ctx.Err() == nil {
		gone := min(time.Since(began), lasts)
		for until := int64(gone.Seconds() * s.Rate); made < until && ctx.Err() == nil; {
			w, n := s.lines()
			if made += n; len(w.fill.data) >= wholeParcel {
				w.post(ctx)
			}
		}
		if s.Scans > 0 && gone >= scan+s.Scans && gone < lasts {
			scan += time.Duration(float64(s.Scans) * (0.5 + s.g.unit())) // in step with nothing
			s.scan(s.ways[len(s.scans)%len(s.ways)])
		}
		for _, w := range s.ways {
			if w.fill.lines > 0 {
				w.post(ctx)
			}
		}
		if gone >= lasts {
			return
		}
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// post gives what was made for a way to its sender.
func (w *way) post(ctx context.Context) {
	select {
	case w.queue <- w.fill:
	case <-ctx.Done():
	}
	w.fill = parcel{data: make([]byte, 0, min(wholeParcel, len(w.fill.data)*5/4))}
}

// lines makes a connection and what else Zeek writes of it, and returns which way they go
// and how many lines that is.
func (s *stream) lines() (w *way, n int64) {
	now := float64(time.Now().UnixMicro()) / 1e6
	g := s.g
	g.draw(now)
	c := &g.conn
	w = s.ways[0]
	for _, o := range s.ways { // the one that had least of its share
		if o.due > w.due {
			w = o
		}
	}
	before := len(w.fill.data)
	w.fill.data = g.append(w.fill.data, c)
	if i := bytes.Index(w.fill.data[before:], []byte(`"uid":"`)); i >= 0 {
		copy(s.uid[:], w.fill.data[before+i+7:])
	}
	n = 1
	if more := s.beside(w.fill.data, c, now); more != nil {
		w.fill.data, n = more, 2
	}
	w.fill.lines += n
	for _, o := range s.ways {
		o.due += o.share * float64(n)
	}
	w.due -= float64(n)
	return w, n
}

// beside appends what Zeek writes of a connection in the log of its protocol; nil if it
// writes nothing.
func (s *stream) beside(b []byte, c *connection, now float64) []byte {
	s.name = c.resp.host(s.name[:0])
	head := func(path string) {
		b = append(append(append(b, `{"_path":"`...), path...), `","ts":`...)
		b = strconv.AppendFloat(b, now, 'f', 6, 64)
		b = append(append(append(b, `,"uid":"`...), s.uid[:]...), `","id.orig_h":"`...)
		b = append(c.orig.append(b), `","id.orig_p":`...)
		b = strconv.AppendInt(b, int64(c.origPort), 10)
		b = append(c.resp.append(append(b, `,"id.resp_h":"`...)), `","id.resp_p":`...)
		b = strconv.AppendInt(b, int64(c.port), 10)
	}
	switch c.service {
	case "dns":
		head("dns")
		to := address{uint32(s.g.zipf[s.g.random()>>48]) % uint32(s.entities), false}
		b = append(append(b, `,"proto":"udp","trans_id":4711,"rtt":0.0123,"query":"`...), to.host(s.name[:0])...)
		b = append(b, `","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,"answers":["`...)
		b = append(to.append(b), `"],"TTLs":[300.0],"rejected":false}`...)
	case "ssl":
		head("ssl")
		b = append(append(b, `,"version":"TLSv13","cipher":"TLS_AES_128_GCM_SHA256","curve":"x25519","server_name":"`...), s.name...)
		b = append(b, `","resumed":false,"established":true,"ssl_history":"CsiI"}`...)
	case "http":
		head("http")
		b = append(append(b, `,"trans_depth":1,"method":"GET","host":"`...), s.name...)
		b = append(b, `","uri":"/index.html","version":"1.1","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","request_body_len":0,"response_body_len":1270,"status_code":200,"status_msg":"OK"}`...)
	default:
		return nil
	}
	return append(b, '\n')
}

// host appends the name of a machine.
func (a address) host(b []byte) []byte {
	if a.inside {
		return append(strconv.AppendUint(append(b, "srv-"...), uint64(a.n), 10), ".corp.example"...)
	}
	b = append(strconv.AppendUint(append(b, "www.site-"...), uint64(a.n), 36), ".example"...)
	return b
}

// scan puts an attack into what goes next by a way.
func (s *stream) scan(w *way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.scans)
	x := &scan{way: w.name, address: fmt.Sprintf("10.77.%d.%d", n/250, n%250+1)}
	now := float64(time.Now().UnixMicro()) / 1e6
	for i := range scanned {
		dark := n*scanned + i
		w.fill.data = fmt.Appendf(w.fill.data, `{"ts":%.6f,"uid":"Cscan%013d","id.orig_h":"%s","id.orig_p":%d,"id.resp_h":"10.99.%d.%d","id.resp_p":445,"proto":"tcp","conn_state":"S0",`+
			`"local_orig":true,"local_resp":true,"missed_bytes":0,"history":"S","orig_pkts":2,"orig_ip_bytes":80,"resp_pkts":0,"resp_ip_bytes":0}`+"\n",
			now, dark, x.address, 40000+i, dark/250%250, dark%250+1)
	}
	w.fill.lines += scanned
	w.fill.scans = append(w.fill.scans, x)
	s.scans = append(s.scans, x)
}

// gather returns what waits for a way, as one; more of it while it is below so many bytes.
func (w *way) gather(most int) (c parcel, ok bool) {
	c, ok = <-w.queue
	for ok && len(c.data) < most {
		select {
		case more, open := <-w.queue:
			if !open {
				return c, true
			}
			c.data = append(c.data, more.data...)
			c.lines += more.lines
			c.scans = append(c.scans, more.scans...)
		default:
			return c, true
		}
	}
	return c, ok
}

// hand notes that a parcel is being handed over.
func (s *stream) hand(c parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range c.scans {
		if x.handed.IsZero() {
			x.handed = time.Now()
		}
	}
}

// push sends requests, each with a key, until they are answered.
func (s *stream) push(ctx context.Context, w *way) error {
	client := &http.Client{Timeout: 2 * time.Minute}
	for n := 0; ; n++ {
		c, ok := w.gather(2 << 20)
		if !ok {
			return nil
		}
		for {
			s.hand(c)
			done, err := s.request(ctx, client, c.data, strconv.Itoa(n))
			if ctx.Err() != nil || err != nil {
				return err
			}
			if done {
				break
			}
			w.again.Add(1)
			time.Sleep(100 * time.Millisecond)
		}
		w.sent.Add(c.lines)
	}
}

func (s *stream) request(ctx context.Context, client *http.Client, data []byte, key string) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.pushURL, bytes.NewReader(data))
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+s.secret)
	r.Header.Set("Idempotency-Key", key)
	a, err := client.Do(r)
	if err != nil {
		return false, nil // it is sent again, which the key makes harmless
	}
	text, _ := io.ReadAll(a.Body)
	_ = a.Body.Close()
	switch a.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return false, nil
	}
	return false, fmt.Errorf("%s: %s", a.Status, bytes.TrimSpace(text))
}

// tail writes to a file, and rotates it every minute as Zeek does.
func (s *stream) tail(_ context.Context, w *way) (err error) {
	var f *os.File
	path := filepath.Join(s.dir, "zeek.log")
	var began time.Time
	for n := 0; ; {
		c, ok := w.gather(1 << 20)
		if !ok {
			break
		}
		if f == nil || time.Since(began) > rotateFile {
			if f != nil {
				n++
				if err := errors.Join(f.Close(), os.Rename(path, filepath.Join(s.dir, fmt.Sprintf("zeek.%03d.log", n)))); err != nil {
					return err
				}
			}
			if f, err = os.Create(path); err != nil {
				return err
			}
			began = time.Now()
		}
		s.hand(c)
		if _, err := f.Write(c.data); err != nil {
			return errors.Join(err, f.Close())
		}
		w.sent.Add(c.lines)
	}
	if f == nil {
		return nil
	}
	return f.Close()
}

// syslogTCP sends messages of RFC 5424, with their lengths before them as RFC 6587 has it.
func (s *stream) syslogTCP(ctx context.Context, w *way) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.syslog)
	if err != nil {
		return err
	}
	var b []byte
	for {
		c, ok := w.gather(256 << 10)
		if !ok {
			break
		}
		head := "<134>1 " + time.Now().UTC().Format(time.RFC3339Nano) + " sensor zeek - - - "
		b = b[:0]
		for line := range bytes.Lines(c.data) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			b = append(strconv.AppendInt(b, int64(len(head)+len(line)), 10), ' ')
			b = append(append(b, head...), line...)
		}
		s.hand(c)
		if _, err := conn.Write(b); err != nil {
			return errors.Join(err, conn.Close())
		}
		w.sent.Add(c.lines)
	}
	return conn.Close()
}

// look asks for incidents about scans that were not seen yet, until ctx ends.
func (s *stream) look(ctx context.Context, d *daemon) {
	piles := []string{"surfaced", "hidden"}
	for n := 0; ctx.Err() == nil; n++ {
		s.mu.Lock()
		var open []*scan
		for _, x := range s.scans {
			if !x.handed.IsZero() && x.seen.IsZero() {
				open = append(open, x)
			}
		}
		s.mu.Unlock()
		for _, x := range open[max(0, len(open)-8):] {
			for _, pile := range piles {
				if at, ok := d.about(ctx, pile, x.address); ok {
					s.mu.Lock()
					x.seen = at
					s.mu.Unlock()
					break
				}
			}
		}
		time.Sleep(lookEvery)
	}
}

// lookEvery is how exactly the time is known at which something could be read.
const lookEvery = 20 * time.Millisecond

// about returns when an incident about a machine was read in a pile, if there is one.
func (d *daemon) about(ctx context.Context, pile, machine string) (time.Time, bool) {
	var list struct {
		Items []struct {
			Title string   `json:"title"`
			Who   []string `json:"who"`
		} `json:"items"`
	}
	if err := d.call(ctx, http.MethodGet, "/api/incidents?limit=20&pile="+pile+"&q="+machine, nil, nil, &list); err != nil {
		return time.Time{}, false // it is asked again
	}
	for _, i := range list.Items {
		for _, who := range i.Who {
			if who == machine || strings.HasPrefix(i.Title, machine+" ") {
				return time.Now(), true
			}
		}
	}
	return time.Time{}, false
}
