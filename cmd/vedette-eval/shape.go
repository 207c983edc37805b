package main

import "math"

// What generated connections look like.
//
// The figures were measured on the conn logs of the developers' data: of connections that
// were established, in rita-proxy (7,590), in the sets test9 and test10 of Slips (631), in
// CTU's days 008 and 011 (8,178), and, for SSH and ICMP alone, in rita-missing-host-3day
// (48,741). Shares are the mean of the three that come from offices; medians and spreads are
// read off their 10th, 50th and 90th percentiles. Failures are those of the same logs.

// quantity is a logarithmic normal distribution.
type quantity struct{ median, sigma float64 }

// template is one kind of connection.
type template struct {
	proto, service  string // service "" is unset
	port            int    // 0: one of many
	share           float64
	inside          float64 // how many of them stay in the house
	states          []ending
	duration        quantity // seconds
	out, in         quantity // bytes
	packet          float64  // mean bytes of a packet
	least           int      // packets each way of the shortest
	neverLong, icmp bool
}

// ending is how a connection ends, and what the sensor saw of it.
type ending struct {
	state, history string
	share          float64
}

func templates() []template {
	tcp := []ending{{"SF", "ShADadFf", 0.55}, {"SF", "ShADadfF", 0.14}, {"RSTO", "ShADadR", 0.09}, {"S1", "ShADad", 0.06}, {"SF", "ShADdafF", 0.06}, {"RSTO", "ShADadFR", 0.05}, {"RSTR", "ShADadFr", 0.03}, {"S3", "ShADadf", 0.02}}
	return []template{
		{proto: "tcp", service: "ssl", port: 443, share: 0.37, inside: 0.03, states: tcp, duration: quantity{12, 2.0}, out: quantity{1400, 0.8}, in: quantity{6000, 2.0}, packet: 450, least: 7},
		{proto: "udp", service: "dns", port: 53, share: 0.30, inside: 0.97, states: []ending{{"SF", "Dd", 1}}, duration: quantity{0.012, 1.7}, out: quantity{45, 0.35}, in: quantity{115, 0.6}, packet: 1e9, least: 1, neverLong: true},
		{proto: "tcp", service: "http", port: 80, share: 0.12, inside: 0.20, states: tcp, duration: quantity{5, 2.2}, out: quantity{480, 0.9}, in: quantity{1300, 2.0}, packet: 400, least: 5},
		{proto: "tcp", port: 0, share: 0.10, inside: 0.60, states: []ending{{"SF", "ShADadFf", 0.5}, {"SF", "ShAFaf", 0.2}, {"OTH", "DdA", 0.15}, {"RSTO", "ShAR", 0.15}}, duration: quantity{0.4, 3.0}, out: quantity{900, 1.5}, in: quantity{700, 2.0}, packet: 350, least: 4},
		{proto: "icmp", share: 0.07, inside: 0.50, states: []ending{{"OTH", "", 1}}, duration: quantity{0.03, 2.5}, out: quantity{37, 1.0}, in: quantity{35, 1.0}, packet: 60, least: 1, neverLong: true, icmp: true},
		{proto: "udp", port: 443, share: 0.03, states: []ending{{"SF", "Dd", 1}}, duration: quantity{1.5, 2.5}, out: quantity{4500, 1.0}, in: quantity{6100, 1.8}, packet: 400, least: 5},
		{proto: "udp", service: "ntp", port: 123, share: 0.005, inside: 0.5, states: []ending{{"SF", "Dd", 1}}, duration: quantity{0.015, 0.3}, out: quantity{48, 0}, in: quantity{48, 0}, packet: 1e9, least: 1, neverLong: true},
		{proto: "tcp", service: "ssh", port: 22, share: 0.005, inside: 0.9, states: []ending{{"SF", "ShADadFf", 0.8}, {"RSTO", "ShAdDaFR", 0.2}}, duration: quantity{4, 0.9}, out: quantity{1250, 0.3}, in: quantity{1700, 0.3}, packet: 120, least: 12},
	}
}

// failures are the endings of connections that came to nothing.
func failures() []ending {
	return []ending{{"S0", "S", 0.60}, {"REJ", "Sr", 0.30}, {"RSTOS0", "SR", 0.05}, {"SH", "SH", 0.05}}
}

// Other shares of all connections.
const (
	failureShare = 0.05
	longShare    = 0.0005 // of those that can be long: hours instead of seconds
	ipv6Every    = 40     // one destination of so many has an IPv6 address
)

// quantiles is a distribution made ready to draw from: equally likely values.
type quantiles [1024]float64

func (q quantity) ready() *quantiles {
	var t quantiles
	for i := range t {
		p := (float64(i) + 0.5) / float64(len(t))
		t[i] = q.median * math.Exp(q.sigma*math.Sqrt2*math.Erfinv(2*p-1))
	}
	return &t
}

// hourly is how busy each hour of a working day is in UTC, of an office in that zone;
// weekend is how much of it is left on Saturday and Sunday.
var hourly = [24]float64{2, 1.5, 1.5, 1.5, 2, 2.5, 4, 7, 10, 11, 11, 10, 8, 10, 11, 10, 9, 7, 5, 4, 3.5, 3, 3, 2.5}

const weekend = 0.35

// rhythm tells when events happen, so that they are many by day and few by night.
type rhythm struct {
	upTo []float64 // share of all events up to the end of each bin of five minutes
	bin  int
}

const (
	binSeconds = 300
	firstDay   = 1767571200 // Monday 2026-01-05 00:00 UTC
)

func newRhythm(days float64) *rhythm {
	n := max(1, int(math.Ceil(days*86400/binSeconds)))
	r := &rhythm{upTo: make([]float64, n)}
	sum := 0.0
	for i := range r.upTo {
		hour := float64(i) * binSeconds / 3600
		h := int(hour)
		into := hour - float64(h)
		w := hourly[h%24]*(1-into) + hourly[(h+1)%24]*into
		if day := h / 24 % 7; day >= 5 {
			w *= weekend
		}
		sum += w
		r.upTo[i] = sum
	}
	for i := range r.upTo {
		r.upTo[i] /= sum
	}
	return r
}

// at returns when a share of all events has happened, in seconds of Unix time. The shares
// asked for only grow.
func (r *rhythm) at(share float64) float64 {
	for r.bin < len(r.upTo)-1 && r.upTo[r.bin] < share {
		r.bin++
	}
	from := 0.0
	if r.bin > 0 {
		from = r.upTo[r.bin-1]
	}
	into := (share - from) / (r.upTo[r.bin] - from)
	return firstDay + binSeconds*(float64(r.bin)+min(1, max(0, into)))
}
