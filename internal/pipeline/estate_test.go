package pipeline_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/input"
	"vedette/internal/pipeline"
	"vedette/internal/resolve"
	"vedette/internal/text"
)

// estate makes up the telemetry of an organisation: the same numbers make the same
// events. Each device has servers inside and places outside that it uses, working hours,
// an agent that reports to a place that all know, and now and then something new.
type estate struct {
	devices int
	seed    uint64
	attacks int     // day from which there are attacks; 0 is never
	rate    float64 // conversations in a working hour; 0 is 12

	records [sources]uint64 // how many each source has written
	queue   []deed          // of days to come
}

// chance is splitmix64 (Steele et al. 2014).
type chance uint64

func (c *chance) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *chance) n(n int) int   { return int(c.next() % uint64(n)) }
func (c *chance) f() float64    { return float64(c.next()>>11) / (1 << 53) }
func (c *chance) wait() float64 { return -math.Log(1 - c.f()) } // exponential, mean 1
func (c *chance) bell() float64 { return c.f() + c.f() + c.f() + c.f() - 2 }
func (c *chance) amount(m, s float64) uint64 {
	return uint64(math.Exp(m + s*1.7*c.bell()))
}

// zipf returns a number below n, small ones more often.
func (c *chance) zipf(n int) int { return min(n-1, int(math.Exp(c.f()*math.Log(float64(n+1))))-1) }

const (
	conn = iota
	dns
	tls
	auth
	ids
	dhcp
	sources
)

// deed is an event to be.
type deed struct {
	at       int64
	source   int
	from, to string
	name     string // domain, user, signature
	port     uint16
	udp      bool
	outcome  event.Outcome
	result   event.Result
	out, in  uint64
	length   int64
	link     uint64
}

const (
	day    = int64(24 * time.Hour)
	hour   = int64(time.Hour)
	minute = int64(time.Minute)
	second = int64(time.Second)
	start  = int64(1767225600e9) // 2026-01-01
)

func device(i int) string { return fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255) }
func server(i int) string { return fmt.Sprintf("10.0.200.%d", 1+i) }
func place(i int) (ip, name string) {
	return fmt.Sprintf("93.%d.%d.7", 10+i>>8, i&255), "www.place" + strconv.Itoa(i) + ".com"
}

// day adds the deeds of one day, not in order.
func (e *estate) day(d int) {
	midnight := start + int64(d)*day
	for i := range e.devices {
		e.deviceDay(i, d, midnight)
	}
	c := chance(e.seed ^ uint64(d)<<40 ^ 0xbacc)
	for i := range e.devices { // a server fetches backups at night
		if i%3 == 0 {
			at := midnight + 2*hour + int64(i)*20*second%(3*hour) + int64(c.n(60))*second
			e.flow(at, server(3), device(i), 10000, false, event.Established, 40_000, c.amount(16, 0.4), 90*second)
		}
	}
	if e.attacks > 0 && d >= e.attacks {
		e.attack(d, midnight)
	}
}

func (e *estate) deviceDay(i, d int, midnight int64) {
	own := chance(e.seed ^ uint64(i)*0x1234567)         // what does not change
	c := chance(e.seed ^ uint64(i)<<20 ^ uint64(d)<<44) // what the day brings
	begin := midnight + 7*hour + int64(own.n(120))*minute + int64(c.n(40))*minute
	end := begin + 9*hour + int64(c.n(60))*minute
	own.next()
	var places [14]int
	for j := range places {
		places[j] = own.zipf(400)
	}
	me := device(i)
	e.queue = append(e.queue, deed{at: begin - 5*second, source: dhcp, from: me, name: fmt.Sprintf("02:00:00:%02x:%02x:%02x", i>>16, i>>8&255, i&255)})
	rate := cmp.Or(e.rate, 12)
	for at := begin; ; {
		at += int64(c.wait() / rate * float64(hour))
		if at > end {
			break
		}
		switch x := c.n(100); {
		case x < 25: // inside
			to, ports := c.n(3), [...]uint16{445, 389, 80}
			e.flow(at, me, server(to), ports[to], false, event.Established, c.amount(8, 1), c.amount(10, 1.2), int64(c.n(60))*second)
		case x < 30:
			e.flow(at, me, server(9), 53, true, event.Established, 60, 200, second/100)
		case x < 33:
			e.flow(at, me, server(8), 123, true, event.Established, 48, 48, second/100)
		case x < 34: // something does not answer
			e.flow(at, me, server(c.n(3)), 631, false, event.Refused, 0, 0, 0)
		case x < 35: // something new
			e.visit(&c, at, me, c.zipf(3000))
		default:
			e.visit(&c, at, me, places[c.zipf(len(places))])
		}
	}
	for at := begin; at < end; at += 10 * minute { // an agent that all have
		e.visit(&c, at+int64(c.n(20))*second, me, 0)
	}
	for range 2 + c.n(3) {
		e.queue = append(e.queue, deed{at: begin + int64(c.f()*8)*hour + int64(c.n(3600))*second, source: auth, from: me, to: server(1), name: "user" + strconv.Itoa(i), result: event.Success})
	}
	if c.n(4) == 0 { // a typing mistake
		e.queue = append(e.queue, deed{at: begin + minute, source: auth, from: me, to: server(1), name: "user" + strconv.Itoa(i), result: event.Failure})
	}
	if c.n(8) == 0 { // and a rule that fires on everybody
		ip, _ := place(places[0])
		e.queue = append(e.queue, deed{at: begin + hour, source: ids, from: me, to: ip, name: "policy: " + strconv.Itoa(c.n(3))})
	}
}

func (e *estate) flow(at int64, from, to string, port uint16, udp bool, o event.Outcome, out, in uint64, length int64) {
	e.queue = append(e.queue, deed{at: at + length, source: conn, from: from, to: to, port: port, udp: udp, outcome: o, out: out, in: in, length: length})
}

// visit is a look-up, a handshake and a flow.
func (e *estate) visit(c *chance, at int64, from string, p int) {
	ip, name := place(p)
	link := c.next()
	if c.n(4) == 0 {
		e.queue = append(e.queue, deed{at: at, source: dns, from: from, to: ip, name: name})
	}
	e.queue = append(e.queue, deed{at: at + second/10, source: tls, from: from, to: ip, name: name, port: 443, link: link})
	length := int64(1+c.n(90)) * second
	e.queue = append(e.queue, deed{at: at + length, source: conn, from: from, to: ip, port: 443, outcome: event.Established, out: c.amount(8, 1), in: c.amount(11, 1.5), length: length, link: link})
}

// attack plants a scan, guessing, spreading, a beacon and a theft, by other devices each
// day.
func (e *estate) attack(d int, midnight int64) {
	c := chance(e.seed ^ uint64(d) ^ 0xa77ac)
	who := func(k int) string { return device((d*5 + k) % e.devices) }
	for i := range 120 {
		e.flow(midnight+11*hour+int64(i)*second, who(0), fmt.Sprintf("10.0.7.%d", 1+i), 445, false, event.Refused, 0, 0, 0)
	}
	for i := range 200 {
		e.queue = append(e.queue, deed{at: midnight + 12*hour + int64(i)*2*second, source: auth, from: who(1), to: server(1), name: "user" + strconv.Itoa(i%40), result: event.Failure})
	}
	for i := range 15 {
		e.flow(midnight+13*hour+int64(i)*30*second, who(2), device((d*5+20+i)%e.devices), 3389, false, event.Established, 9000, 20000, 10*second)
	}
	for i := range 300 {
		at := midnight + 9*hour + int64(i)*minute + int64(c.n(15))*second
		e.flow(at, who(3), "185.7.7.7", 8443, false, event.Established, 300, 500, second)
	}
	for i := range 20 {
		e.flow(midnight+15*hour+int64(i)*minute, who(4), "185.9.9.9", 443, false, event.Established, 100<<20, 10000, 50*second)
	}
	e.queue = append(e.queue, deed{at: midnight + 14*hour, source: ids, from: who(0), to: "185.7.7.7", name: "trojan: checks in", link: 1})
}

// window is the events of five minutes, in order.
type window struct {
	from  int64
	batch *event.Batch
}

// each calls yield for the windows of so many days, those without events too. The batch
// is new each time, and not resolved.
func (e *estate) each(days int, yield func(window)) {
	const w = int64(pipeline.Window)
	var today []deed
	for d := range days {
		e.day(d)
		end := start + int64(d+1)*day
		slices.SortStableFunc(e.queue, func(a, b deed) int { return cmp.Compare(a.at, b.at) })
		n, _ := slices.BinarySearchFunc(e.queue, end, func(x deed, t int64) int { return cmp.Compare(x.at, t) })
		today = append(today[:0], e.queue[:n]...)
		e.queue = append(e.queue[:0], e.queue[n:]...)
		for from := end - day; from < end; from += w {
			n, _ := slices.BinarySearchFunc(today, from+w, func(x deed, t int64) int { return cmp.Compare(x.at, t) })
			yield(window{from, e.batch(today[:n])})
			today = today[n:]
		}
	}
}

// batch makes events of deeds.
func (e *estate) batch(deeds []deed) *event.Batch {
	b := new(event.Batch)
	m := event.NewEmit([]byte("key"))
	for _, name := range [sources]string{"conn.log", "dns.log", "ssl.log", "auth.log", "alerts.log", "dhcp.log"} {
		m.Source(b, "tenant", "site", name)
	}
	for i := range deeds {
		e.records[deeds[i].source]++
		m.Begin(e.records[deeds[i].source], event.Handshake, nil)
		b.Records[len(b.Records)-1].Origin = uint32(deeds[i].source)
		write(m, &deeds[i])
	}
	return b
}

func write(m *event.Emit, x *deed) {
	var h *event.Envelope
	word := func(s string) text.Ref { return m.Text([]byte(s)) }
	switch x.source {
	case conn:
		var f *event.Flow
		h, f = m.Flow(x.at)
		m.SetProtocol(f, []byte("tcp"))
		f.Outcome, f.BytesOut, f.BytesIn, f.Duration = x.outcome, x.out, x.in, x.length
		if x.udp {
			m.SetProtocol(f, []byte("udp"))
		}
	case dns:
		list := m.List()
		m.Listed(&list, []byte(x.to))
		var d *event.DNS
		h, d = m.DNS(x.at)
		d.Query, d.Kind, d.Answers, d.Answer = word(x.name), word("A"), list, 1
		x.to, x.port = server(9), 53
	case tls:
		var t *event.TLS
		h, t = m.TLS(x.at)
		t.ServerName, t.Established = word(x.name), 1
	case auth:
		var l *event.Logon
		h, l = m.Logon(x.at)
		l.Protocol, l.User, l.Result = word("kerberos"), word(x.name), x.result
	case ids:
		var a *event.Alert
		h, a = m.Alert(x.at)
		a.Product, a.Signature, a.ID, a.Severity = word("suricata"), word(x.name), word(x.name), event.Medium
		if x.link != 0 {
			a.Severity = event.High
		}
	case dhcp:
		var l *event.Lease
		h, l = m.Lease(x.at)
		l.Address, l.MAC, l.Message, l.Hostname, l.Seconds = word(x.from), word(x.name), word("ACK"), word("host-"+x.from), 12*3600
		h.Subject = m.Entity(entity.Device, entity.MAC, []byte(x.name))
		return
	}
	h.Link = x.link
	h.Subject = m.Entity(entity.Device, entity.IP, []byte(x.from))
	h.Object = m.Entity(entity.Device, entity.IP, []byte(x.to))
	h.Object.Port = x.port
}

// log makes the entries of so many days, resolved.
func (e *estate) log(days int) []input.Entry {
	var all []input.Entry
	r := resolve.New(nil)
	e.each(days, func(w window) {
		r.Resolve(w.batch)
		all = append(all, input.Entry{Tick: w.from})
		if len(w.batch.Events) > 0 {
			all = append(all, input.Entry{Batch: w.batch})
		}
	})
	all = append(all, input.Entry{Tick: start + int64(days)*day})
	for i := range all {
		all[i].At = input.Position(i + 1)
	}
	return all
}

// found is everything that a run of entries brought up.
type found struct {
	Findings []finding.Finding
	Risks    []finding.Risk
}

func (f *found) take(x *pipeline.Found) {
	f.Findings = append(f.Findings, x.Findings...)
	f.Risks = append(f.Risks, x.Risks...)
}

func apply(m *pipeline.Machine, log []input.Entry) (f found) {
	for _, e := range log {
		f.take(m.Apply(e))
	}
	return f
}
