//go:build ignore

// Command generate writes the sample that `vedette demo` shows: nine days of a small
// clinic's network as Zeek would log them, and one intrusion. Everything in it is made
// up: addresses are those of RFC 1918 and of the documentation networks of RFC 5737,
// domains those of RFC 2606. The same program always writes the same bytes.
//
//	go run testdata/demo/generate.go testdata/demo
package main

import (
	"compress/gzip"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Monday 2 March 2026, 00:00 UTC.
const start = 1772409600.0

const days = 9

// random is splitmix64 (Steele, Lea, Flood 2014).
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *random) float() float64  { return float64(r.next()>>11) / (1 << 53) }
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }
func (r *random) size(m, s float64) int {
	u, v := r.float(), r.float()
	return int(math.Exp(m + s*math.Sqrt(-2*math.Log(1-u))*math.Cos(2*math.Pi*v)))
}

// line is one line of one log.
type line struct {
	end  float64 // when Zeek would write it
	text string
}

// estate is what is being logged.
type estate struct {
	random
	logs map[string][]line // by log
	uids int
}

func (e *estate) uid() string {
	e.uids++
	return fmt.Sprintf("C%06x%04x", e.uids, e.next()>>48)
}

func (e *estate) put(log string, end float64, fields ...any) {
	e.logs[log] = append(e.logs[log], line{end, strings.TrimSuffix(fmt.Sprintln(join(fields)), "\n")})
}

func join(fields []any) string {
	var s []string
	for _, f := range fields {
		if t, ok := f.(float64); ok {
			s = append(s, fmt.Sprintf("%.6f", t))
		} else {
			s = append(s, fmt.Sprint(f))
		}
	}
	return strings.Join(s, "\t")
}

// conn logs a connection and returns its uid.
func (e *estate) conn(at float64, from, to string, port int, proto, service, state string, took float64, out, in int) string {
	uid := e.uid()
	history := map[string]string{"SF": "ShADadFf", "S0": "S", "REJ": "Sr", "RSTO": "ShADadR"}[state]
	local := func(ip string) string {
		if strings.HasPrefix(ip, "10.") {
			return "T"
		}
		return "F"
	}
	packets, bytes := 1+in/1200, in+80
	if state == "S0" {
		packets, bytes = 0, 0
	}
	e.put("conn", at+took, at, uid, from, 1024+e.below(64000), to, port, proto, service, took, out, in, state,
		local(from), local(to), 0, history, 2+out/1200, out+80, packets, bytes, "-")
	return uid
}

// web logs a look-up and a TLS connection to a site.
func (e *estate) web(at float64, from, host, ip string, took float64, out, in int) {
	e.dns(at-0.02, from, host, ip)
	uid := e.conn(at, from, ip, 443, "tcp", "ssl", "SF", took, out, in)
	e.put("ssl", at+0.05, at+0.05, uid, from, 40000, ip, 443, "TLSv13", "TLS_AES_256_GCM_SHA384", "x25519", host, "F", "-", "h2", "T")
}

func (e *estate) dns(at float64, from, host, ip string) {
	code, answer := "NOERROR", ip
	if ip == "" {
		code, answer = "NXDOMAIN", "-"
	}
	uid := e.conn(at, from, "10.20.0.2", 53, "udp", "dns", "SF", 0.004, 40, 60)
	e.put("dns", at, at, uid, from, 50000, "10.20.0.2", 53, "udp", e.below(65536), 0.004, host, 1, "C_INTERNET", 1, "A", 0, code, "F", "F", "T", "T", 0, answer, "300.000000", "F")
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: generate DIR")
	}
	e := &estate{random: 7, logs: map[string][]line{}}
	for d := range days {
		e.day(d)
	}
	e.intrusion(start + 8*86400)
	for name, lines := range e.logs {
		if err := write(os.Args[1], name, lines); err != nil {
			log.Fatal(err)
		}
	}
}

// person is how many of the machines are somebody's workstation.
const person = 28

func workstation(i int) string { return fmt.Sprintf("10.20.1.%d", 20+i) }

// day logs one day: workstations from seven to six on weekdays, servers and devices always.
func (e *estate) day(d int) {
	midnight := start + float64(d)*86400
	weekend := d%7 >= 5
	for i := range person {
		e.lease(midnight+float64(6*3600+i*41), i)
		if weekend && i%9 != 0 {
			continue
		}
		from, to := 7.0+e.float(), 17.0+2*e.float()
		for at := midnight + from*3600; at < midnight+to*3600; at += 200 + 1700*e.float() {
			e.work(at, i)
		}
	}
	for h := range 24 {
		at := midnight + float64(h)*3600
		e.conn(at+30*e.float(), "10.20.0.2", "192.0.2.123", 123, "udp", "ntp", "SF", 0.03, 48, 48)
		for i := range 6 { // infusion pumps report to their gateway
			e.conn(at+600*float64(i)+5*e.float(), fmt.Sprintf("10.20.5.%d", 10+i), "10.20.5.1", 3000, "tcp", "-", "SF", 1.2, 900+e.below(40), 200)
		}
		if h%4 == 0 {
			e.web(at+200*e.float(), "10.20.0.3", "updates.example.com", "198.51.100.10", 4, 3000, e.size(13, 1))
		}
	}
	for i := range 4 { // the file server is copied to the archive at one
		e.conn(midnight+3600+float64(i*200), "10.20.0.4", "10.20.0.9", 445, "tcp", "gssapi,smb", "SF", 180, e.size(20, 0.2), 2_000_000)
	}
	for i := range 2 { // scanners send studies to the picture archive in the day
		for range 14 {
			e.conn(midnight+8*3600+9*3600*e.float(), fmt.Sprintf("10.20.6.%d", 10+i), "10.20.0.7", 104, "tcp", "-", "SF", 20, e.size(18, 0.5), 40_000)
		}
	}
}

// work logs what somebody does in a few minutes.
func (e *estate) work(at float64, i int) {
	ws := workstation(i)
	site := int(math.Pow(e.float(), 2.2) * 60)
	e.web(at, ws, fmt.Sprintf("www%d.example.org", site), fmt.Sprintf("203.0.113.%d", 1+site), 2+30*e.float(), e.size(8, 1), e.size(11, 1.3))
	switch e.below(5) {
	case 0:
		e.conn(at+1, ws, "10.20.0.4", 445, "tcp", "gssapi,smb", "SF", 60*e.float(), e.size(10, 1.5), e.size(12, 1.5))
	case 1:
		e.web(at+2, ws, "mail.example.net", "198.51.100.25", 20, e.size(9, 1), e.size(10, 1))
	case 2:
		e.conn(at+3, ws, "10.20.0.5", 443, "tcp", "ssl", "SF", 30, e.size(9, 0.8), e.size(12, 0.8)) // records
	case 3:
		e.conn(at+4, ws, fmt.Sprintf("10.20.3.%d", 10+i%3), 9100, "tcp", "-", "SF", 5, e.size(12, 1), 300)
	}
	if e.below(60) == 0 {
		e.conn(at+5, ws, fmt.Sprintf("198.51.100.%d", 100+e.below(90)), 443, "tcp", "-", "S0", 0, 0, 0)
	}
}

func (e *estate) lease(at float64, i int) {
	mac := fmt.Sprintf("02:00:5e:00:53:%02x", i)
	e.put("dhcp", at, at, e.uid(), "0.0.0.0", "10.20.0.2", mac, fmt.Sprintf("ws-%d", 101+i), "-", "clinic.example", workstation(i), workstation(i), 86400.0, "-", "-", "DISCOVER,OFFER,REQUEST,ACK", 0.02)
}

// intrusion logs what the sample is for: on Tuesday evening an implant on ws-113 begins to
// ask for orders every five minutes or so; in the night it feels its way through the
// network, signs in to machines it never used, and carries off what it found.
func (e *estate) intrusion(midnight float64) {
	const host, ip, ws = "cdn.static-assets.example", "192.0.2.66", "10.20.1.32"
	for at := midnight - 6*3600; at < midnight+5*3600; at += 300 * (0.75 + 0.5*e.float()) {
		e.web(at, ws, host, ip, 0.6, 700+e.below(60), 400+e.below(30))
	}
	at := midnight + 2*3600 + 640
	for i := 1; i < 120; i++ {
		e.conn(at, ws, fmt.Sprintf("10.20.%d.%d", i%7, 2+i*2), 445, "tcp", "-", []string{"S0", "S0", "REJ"}[i%3], 0, 0, 0)
		at += 0.4 + e.float()
	}
	at = midnight + 2*3600 + 1800
	for _, to := range []string{"10.20.0.7", "10.20.0.9", "10.20.1.25", "10.20.1.40", "10.20.0.3"} {
		e.conn(at, ws, to, 3389, "tcp", "rdp", "SF", 240, 90_000+e.below(9000), 400_000)
		at += 400
	}
	for i := range 6 {
		e.web(midnight+3*3600+1200+float64(i*300), ws, host, ip, 280, 380_000_000+e.below(9_000_000), 900_000)
	}
}

var headers = map[string][2]string{
	"conn": {
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents",
		"time string addr port addr port enum string interval count count string bool bool count string count count count count set[string]",
	},
	"ssl": {
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p version cipher curve server_name resumed last_alert next_protocol established",
		"time string addr port addr port string string string string bool string string bool",
	},
	"dns": {
		"ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected",
		"time string addr port addr port enum count interval string count string count string count string bool bool bool bool count vector[string] vector[interval] bool",
	},
	"dhcp": {
		"ts uids client_addr server_addr mac host_name client_fqdn domain requested_addr assigned_addr lease_time client_message server_message msg_types duration",
		"time set[string] addr addr string string string string addr addr interval string string vector[string] interval",
	},
}

// write writes a log, one file a day.
func write(dir, name string, lines []line) error {
	slices.SortStableFunc(lines, func(a, b line) int {
		switch {
		case a.end < b.end:
			return -1
		case a.end > b.end:
			return 1
		}
		return 0
	})
	for d := range days {
		var b strings.Builder
		fmt.Fprintf(&b, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t%s\n", name)
		fmt.Fprintf(&b, "#fields\t%s\n#types\t%s\n", strings.ReplaceAll(headers[name][0], " ", "\t"), strings.ReplaceAll(headers[name][1], " ", "\t"))
		n := 0
		for _, l := range lines {
			if int((l.end-start)/86400) == d {
				b.WriteString(l.text + "\n")
				n++
			}
		}
		if n == 0 {
			continue
		}
		folder := filepath.Join(dir, fmt.Sprintf("2026-03-%02d", 2+d))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(folder, name+".log.gz"))
		if err != nil {
			return err
		}
		z, _ := gzip.NewWriterLevel(f, 9) // 9 is a level
		if _, err := z.Write([]byte(b.String())); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
