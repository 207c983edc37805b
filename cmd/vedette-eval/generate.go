package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// workload is what is generated: connections of an office as Zeek writes them, as JSON, in
// the order in which they end.
type workload struct {
	Lines    int64
	Entities int
	Days     float64 // 0: as many as make perDay lines a day and machine
	Files    int     // lines go to them in turn; 0 is one
	Seed     uint64
	dir      string
}

// perDay is how many connections a machine of an office makes.
const perDay = 833

// days returns how many days the lines span.
func (w workload) days() float64 {
	if w.Days > 0 {
		return w.Days
	}
	return max(1.0/24, float64(w.Lines)/float64(w.Entities)/perDay)
}

func (w workload) String() string {
	return fmt.Sprintf("%s conn lines, %s machines, %s days", number(float64(w.Lines)), number(float64(w.Entities)), number(w.days()))
}

// remove deletes what was generated.
func (w workload) remove() { _ = os.RemoveAll(w.dir) } // the temporary folder is removed at the end anyway

// size is about how many bytes it will be.
func (w workload) size() int64 { return w.Lines * 420 }

// generate writes a workload to a folder of its own.
func (b *bench) generate(ctx context.Context, w workload) (workload, error) {
	free, err := freeSpace(b.Temp)
	if err != nil {
		return w, fmt.Errorf("looking for space: %w", err)
	}
	if need := 2 * w.size(); free < need { // as much again for what the product may spill
		return w, fmt.Errorf("%d MB of space are wanted in the temporary folder, and %d are free; --temp names another", need/1e6, free/1e6)
	}
	b.say("generating %s", w)
	if w.dir, err = os.MkdirTemp(b.Temp, "conn-"); err != nil {
		return w, err
	}
	var files []*os.File
	var out []*bufio.Writer
	for i := range max(1, w.Files) {
		f, err := os.Create(filepath.Join(w.dir, fmt.Sprintf("conn-%d.log", i)))
		if err != nil {
			return w, err
		}
		files, out = append(files, f), append(out, bufio.NewWriterSize(f, 1<<20))
	}
	err = w.write(ctx, out)
	for i, f := range files {
		err = errors.Join(err, out[i].Flush(), f.Close())
	}
	if err != nil {
		w.remove()
		return w, fmt.Errorf("generating: %w", err)
	}
	return w, nil
}

// write writes the lines, to one writer after the other in turn.
func (w workload) write(ctx context.Context, out []*bufio.Writer) error {
	g := newGenerator(w)
	var line []byte
	for n := int64(0); n < w.Lines; n++ {
		line = g.next(line[:0])
		if _, err := out[n%int64(len(out))].Write(line); err != nil {
			return err
		}
		if n%65536 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// generator makes one line after the other. The same workload makes the same bytes.
type generator struct {
	w        workload
	state    uint64
	n        int64
	rhythm   *rhythm
	kinds    []kind
	byShare  [4096]uint8  // template by chance
	zipf     [65536]int32 // destination by chance: the k-th is k times rarer than the first
	fails    [256]uint8
	fail     []ending
	planted  []connection // in order of time
	conn     connection
	external int
	loyal    bool // machines hardly ever go to places where they have not been
}

// kind is a template made ready.
type kind struct {
	template
	duration, out, in *quantiles
	ends              [256]uint8
}

// connection is what a line says.
type connection struct {
	at, duration     float64 // of its beginning; -1 is unset
	orig, resp       address
	origPort, port   int
	proto, service   string
	out, in          int64 // -1 is unset
	outPkts, inPkts  int64
	end              ending
	local            bool // responder
	headers, minimum int64
}

// address is one of an IP address that is made up: of the inside, by number, or outside.
type address struct {
	n      uint32
	inside bool
}

func newGenerator(w workload) *generator {
	g := &generator{w: w, state: w.Seed ^ 0x5eed0fbe7c4a11ed, rhythm: newRhythm(w.days()), fail: failures(), external: 20000 + 5*w.Entities}
	var shares []float64
	for _, t := range templates() {
		k := kind{template: t, duration: t.duration.ready(), out: t.out.ready(), in: t.in.ready()}
		fill(k.ends[:], endShares(t.states))
		g.kinds, shares = append(g.kinds, k), append(shares, t.share)
	}
	fill(g.byShare[:], shares)
	fill(g.fails[:], endShares(g.fail))
	for i := range g.zipf {
		u := (float64(i) + 0.5) / float64(len(g.zipf))
		g.zipf[i] = int32(math.Exp(u*math.Log(float64(g.external)))) - 1
	}
	g.plant()
	return g
}

func endShares(all []ending) (shares []float64) {
	for _, e := range all {
		shares = append(shares, e.share)
	}
	return shares
}

// fill makes a table from which an index comes as often as its share says.
func fill(t []uint8, shares []float64) {
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	i, upTo := 0, shares[0]
	for j := range t {
		for i < len(shares)-1 && (float64(j)+0.5)/float64(len(t))*sum > upTo {
			i++
			upTo += shares[i]
		}
		t[j] = uint8(i)
	}
}

// random is splitmix64.
func (g *generator) random() uint64 {
	g.state += 0x9e3779b97f4a7c15
	return mix(g.state)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit returns a number from 0 up to 1.
func (g *generator) unit() float64 { return float64(g.random()>>11) / (1 << 53) }

// next appends the next line.
func (g *generator) next(dst []byte) []byte {
	share := (float64(g.n) + g.unit()) / float64(g.w.Lines)
	end := g.rhythm.at(share)
	g.n++
	if len(g.planted) > 0 && g.planted[0].at+g.planted[0].duration <= end {
		c := g.planted[0]
		g.planted = g.planted[1:]
		return g.append(dst, &c)
	}
	g.draw(end)
	return g.append(dst, &g.conn)
}

// draw makes up an ordinary connection that ends at some time.
func (g *generator) draw(end float64) {
	r := g.random()
	k := &g.kinds[g.byShare[r&4095]]
	c := &g.conn
	u := g.unit()
	who := uint32(float64(g.w.Entities) * u * u) // some are much busier than others
	*c = connection{
		orig: address{who, true}, proto: k.proto, service: k.service, port: k.port, headers: 40, minimum: int64(k.least),
		origPort: 1024 + int(r>>12&0xffff)%64000, end: k.states[k.ends[r>>28&255]],
	}
	if k.proto != "tcp" {
		c.headers = 28
	}
	if k.icmp {
		c.origPort = 8
	}
	g.aim(c, k, who, r>>36)
	jitter := 0.95 + 0.1*g.unit()
	r = g.random()
	c.duration = k.duration[r&1023] * jitter
	c.out, c.in = int64(k.out[r>>10&1023]*jitter), int64(k.in[r>>20&1023]*jitter)
	if !k.neverLong && float64(r>>40)/(1<<24) < longShare {
		c.duration = 3600 * (1 + 20*g.unit())
	}
	c.outPkts = c.minimum + int64(float64(c.out)/k.packet)
	c.inPkts = c.minimum + int64(float64(c.in)/k.packet)
	if !k.neverLong && g.unit() < failureShare/(1-0.375) { // some kinds never fail
		g.failed(c)
	}
	c.at = end - max(0, c.duration)
}

// aim says where a connection goes: mostly where the machine went before.
func (g *generator) aim(c *connection, k *kind, who uint32, r uint64) {
	if k.port == 0 && !k.icmp {
		c.port = []int{135, 445, 8883, 5228, 49155, 88, 389, 8080}[r&7]
	}
	r = g.random()
	if float64(r>>40)/(1<<24) < k.inside {
		c.resp, c.local = address{uint32(g.w.Entities) + uint32(r&3), true}, true // resolvers
		if k.service != "dns" && k.service != "ntp" {
			servers := uint64(max(4, g.w.Entities/50))
			c.resp.n += 4 + uint32(mix(uint64(who)<<8|r>>2&7)%servers) // one of its eight
		}
		return
	}
	if g.loyal && r>>50&8191 > 0 || !g.loyal && r&15 < 13 { // one of its thirty places, the first ones more often
		u := r >> 4 & 1023
		r = mix(uint64(who)<<16 | u*u*30>>20)
	}
	c.resp = address{uint32(g.zipf[r>>8&65535]), false}
}

// failed makes a connection come to nothing.
func (g *generator) failed(c *connection) {
	r := g.random()
	c.end = g.fail[g.fails[r&255]]
	c.service, c.out, c.in = "", 0, 0
	c.outPkts, c.inPkts = 1+int64(r>>8&1), 0
	c.duration = 0.0001 + 3*float64(r>>40)/(1<<24)
	if c.end.state == "REJ" {
		c.inPkts, c.duration = 1, 0.0001+0.05*float64(r>>40)/(1<<24)
	} else if c.outPkts == 1 {
		c.duration, c.out, c.in = -1, -1, -1 // a single packet has none
	}
}

// plant makes up the few things that are worth finding: a beacon, a sweep, an upload and a
// long session, so that what the product says of a workload is more than nothing.
func (g *generator) plant() {
	days := g.w.days()
	last := firstDay + days*86400
	syn := ending{state: "S0", history: "S"}
	full := ending{state: "SF", history: "ShADadFf"}
	for i, at := 0, float64(firstDay+1000); at < last && i < int(g.w.Lines/500); i++ {
		g.planted = append(g.planted, connection{
			at: at, duration: 0.4, orig: address{7, true}, resp: address{1 << 30, false}, origPort: 50000 + i%5000,
			port: 443, proto: "tcp", service: "ssl", out: 620, in: 4100, outPkts: 9, inPkts: 10, end: full, headers: 40,
		})
		at += 300 + 10*g.unit()
	}
	from := last - 0.2*(last-firstDay)
	for i := range min(400, int(g.w.Lines/500)) {
		g.planted = append(g.planted, connection{
			at: from + float64(i), duration: 0.0002, orig: address{3, true}, resp: address{uint32(i % g.w.Entities), true}, origPort: 40000 + i,
			port: 445, proto: "tcp", outPkts: 2, end: syn, local: true, headers: 40,
		})
	}
	g.planted = append(g.planted,
		connection{
			at: from, duration: 1800, orig: address{5, true}, resp: address{1<<30 + 1, false}, origPort: 51234, port: 443, proto: "tcp", service: "ssl",
			out: 6_000_000_000, in: 90_000_000, outPkts: 4_300_000, inPkts: 2_000_000, end: full, headers: 40,
		},
		connection{
			at: firstDay, duration: 0.85 * (last - firstDay), orig: address{9, true}, resp: address{1<<30 + 2, false}, origPort: 52345, port: 22, proto: "tcp", service: "ssh",
			out: 80_000, in: 120_000, outPkts: 1500, inPkts: 1500, end: full, headers: 40,
		})
	slices.SortStableFunc(g.planted, func(a, b connection) int { return cmp.Compare(a.at+a.duration, b.at+b.duration) })
}

// append appends a connection as Zeek writes it.
func (g *generator) append(b []byte, c *connection) []byte {
	text := func(key, v string) {
		b = append(append(append(append(append(b, '"'), key...), `":"`...), v...), `",`...)
	}
	num := func(key string, v int64) {
		b = strconv.AppendInt(append(append(append(b, '"'), key...), `":`...), v, 10)
		b = append(b, ',')
	}
	b = strconv.AppendFloat(append(b, `{"ts":`...), c.at, 'f', 6, 64)
	b = g.uid(append(b, `,"uid":"C`...))
	b = c.orig.append(append(b, `","id.orig_h":"`...))
	b = append(b, `",`...)
	num("id.orig_p", int64(c.origPort))
	b = c.resp.append(append(b, `"id.resp_h":"`...))
	b = append(b, `",`...)
	num("id.resp_p", int64(c.port))
	text("proto", c.proto)
	if c.service != "" {
		text("service", c.service)
	}
	if c.duration >= 0 {
		b = strconv.AppendFloat(append(b, `"duration":`...), c.duration, 'f', -1, 64)
		b = append(b, ',')
	}
	if c.out >= 0 {
		num("orig_bytes", c.out)
		num("resp_bytes", c.in)
	}
	text("conn_state", c.end.state)
	if c.local {
		b = append(b, `"local_orig":true,"local_resp":true,`...)
	} else {
		b = append(b, `"local_orig":true,"local_resp":false,`...)
	}
	num("missed_bytes", 0)
	if c.end.history != "" {
		text("history", c.end.history)
	}
	num("orig_pkts", c.outPkts)
	num("orig_ip_bytes", max(0, c.out)+c.outPkts*c.headers)
	num("resp_pkts", c.inPkts)
	num("resp_ip_bytes", max(0, c.in)+c.inPkts*c.headers)
	b[len(b)-1] = '}'
	return append(b, '\n')
}

// uid appends 17 characters, as long as most of Zeek's.
func (g *generator) uid(b []byte) []byte {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for _, r := range [2]uint64{g.random(), g.random()} {
		for range 8 {
			b = append(b, letters[r%62])
			r /= 62
		}
	}
	return append(b, letters[g.state%62])
}

func (a address) append(b []byte) []byte {
	if a.inside {
		return quad(b, 10<<24|1<<16+a.n+a.n/250*6+1) // ends in .1 to .250
	}
	h := mix(uint64(a.n) + 1<<40)
	if a.n%ipv6Every == ipv6Every-1 {
		b = append(b, "2a00:"...)
		for i := range 4 {
			b = append(strconv.AppendUint(b, h>>(16*i)&0xffff|1, 16), ':')
		}
		return append(b, ":1"...)
	}
	first := []uint32{13, 20, 23, 34, 40, 52, 80, 93, 104, 142, 151, 157, 173, 185, 199, 216}[h>>60]
	return quad(b, first<<24|0x400000|uint32(h)&0x3fffff)
}

func quad(b []byte, a uint32) []byte {
	for i := 3; i >= 0; i-- {
		b = strconv.AppendUint(b, uint64(a>>(8*i)&255), 10)
		if i > 0 {
			b = append(b, '.')
		}
	}
	return b
}

// lengths returns the lengths of some lines, sorted.
func (w workload) lengths(n int) []float64 {
	g := newGenerator(w)
	var all []float64
	var line []byte
	for range n {
		line = g.next(line[:0])
		all = append(all, float64(len(line)))
	}
	slices.Sort(all)
	return all
}
