package dns

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

// ask returns a question.
func ask(id uint16, name string, t dnsmessage.Type) string {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: t, Class: 1}},
	}
	return pack(m)
}

func pack(m dnsmessage.Message) string {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return string(b)
}

// tell returns the answer to a question.
func tell(id uint16, name string, t dnsmessage.Type, code dnsmessage.RCode, answers ...dnsmessage.ResourceBody) string {
	n := dnsmessage.MustNewName(name)
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, Response: true, RCode: code},
		Questions: []dnsmessage.Question{{Name: n, Type: t, Class: 1}},
	}
	for i, a := range answers {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Class: 1, TTL: uint32(300 - i)}, Body: a})
	}
	return pack(m)
}

// framed puts the length before messages, as over TCP.
func framed(all ...string) string {
	var b []byte
	for _, m := range all {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return string(b)
}

var (
	a    = &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}
	aaaa = &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}
	txt  = &dnsmessage.TXTResource{TXT: []string{"v=spf1 -all", "more"}}
)

func talks() map[string]dt.Talk {
	mdns := packet.AddrOf([]byte{224, 0, 0, 251})
	cname := &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("Real.Example.ORG.")}
	return map[string]dt.Talk{
		"answered": {Over: packet.UDP, Port: 53, Said: []dt.Said{
			dt.Client(ask(7, "WWW.example.org.", dnsmessage.TypeA)), dt.Server(tell(7, "www.EXAMPLE.org.", dnsmessage.TypeA, 0, cname, a)),
		}},
		"two_at_once": {Over: packet.UDP, Port: 53, Said: []dt.Said{
			dt.Client(ask(7, "x.example.", dnsmessage.TypeA)), dt.Client(ask(7, "x.example.", dnsmessage.TypeAAAA)),
			dt.Server(tell(7, "x.example.", dnsmessage.TypeAAAA, 0, aaaa)), dt.Server(tell(7, "x.example.", dnsmessage.TypeA, 0, a)),
		}},
		"no_such_name": {Over: packet.UDP, Port: 53, Said: []dt.Said{
			dt.Client(ask(9, "nowhere.example.", dnsmessage.TypeTXT)), dt.Server(tell(9, "nowhere.example.", dnsmessage.TypeTXT, 3)),
		}},
		"unanswered_and_again": {Over: packet.UDP, Port: 53, Said: []dt.Said{
			dt.Client(ask(1, "a.example.", dnsmessage.TypeA)), dt.Client(ask(1, "a.example.", dnsmessage.TypeA)), dt.Client(ask(2, "b.example.", dnsmessage.TypeMX)),
		}},
		"answer_alone": {Over: packet.UDP, Port: 53, Said: []dt.Said{dt.Server(tell(3, "t.example.", dnsmessage.TypeTXT, 0, txt))}},
		"elsewhere":    {Over: packet.UDP, Port: 5300, Said: []dt.Said{dt.Client(ask(3, "t.example.", dnsmessage.TypeA))}},
		"tcp": {Over: packet.TCP, Port: 53, Said: []dt.Said{
			dt.Client(framed(ask(1, "a.example.", dnsmessage.TypeA), ask(2, "b.example.", dnsmessage.TypeA))),
			dt.Server(framed(tell(2, "b.example.", dnsmessage.TypeA, 0, a), tell(1, "a.example.", dnsmessage.TypeA, 5))),
		}},
		"multicast": {Over: packet.UDP, Port: 5353, To: mdns, Said: []dt.Said{
			dt.Client(ask(0, "printer.local.", dnsmessage.TypeA)), dt.Client(tell(0, "printer.local.", dnsmessage.TypeA, 0, a)),
		}},
		"netbios": {Over: packet.UDP, Port: 137, To: packet.AddrOf([]byte{10, 0, 0, 255}), Said: []dt.Said{
			dt.Client("\x80\x94\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20FHFAEBEE" + strings.Repeat("CA", 11) + "AA\x00\x00\x20\x00\x01"),
		}},
		"odd_letters": {Over: packet.UDP, Port: 53, Said: []dt.Said{dt.Client(ask(3, "a b\x00\xff<script>.example.", dnsmessage.TypeA))}},
	}
}

func TestTalks(t *testing.T) {
	want := map[string][]string{
		"answered":             {"www.example.org A NOERROR [real.example.org 192.0.2.1] 299"},
		"two_at_once":          {"x.example AAAA NOERROR [2001:db8::1] 300", "x.example A NOERROR [192.0.2.1] 300"},
		"no_such_name":         {"nowhere.example TXT NXDOMAIN [] 0"},
		"unanswered_and_again": {"a.example A  [] 0", "b.example MX  [] 0"},
		"answer_alone":         {"t.example TXT NOERROR [TXT 15] 300"},
		"elsewhere":            {"t.example A  [] 0"},
		"tcp":                  {"b.example A NOERROR [192.0.2.1] 300", "a.example A REFUSED [] 0"},
		"multicast":            {"printer.local A  [] 0", "printer.local A NOERROR [192.0.2.1] 300"},
		"netbios":              {"wpad NB  [] 0"},
		"odd_letters":          {`a\032b\000\255<script>.example A  [] 0`},
	}
	for name, talk := range talks() {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			var got []string
			for i := range h.Batch.Events {
				v := event.View{Batch: h.Batch, I: i}
				d := v.DNS()
				var answers []string
				for _, r := range v.List(d.Answers) {
					answers = append(answers, v.String(r))
				}
				got = append(got, fmt.Sprintf("%s %s %s %v %d", v.String(d.Query), v.String(d.Kind), v.String(d.Code), answers, d.TTL))
				if answered := d.Code != 0; answered != (d.Answer == 1) {
					t.Errorf("%s: Answer is %d", got[i], d.Answer)
				}
			}
			if strings.Join(got, "\n") != strings.Join(want[name], "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want[name], "\n"))
			}
		})
	}
}

// TestNotDNS checks that what is not DNS is not taken for it.
func TestNotDNS(t *testing.T) {
	for name, data := range map[string]string{
		"http":     "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
		"tls":      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xab", 60),
		"quic":     "\xc3\x00\x00\x00\x01\x08" + strings.Repeat("\x11", 100),
		"ntp":      "\x23\x00\x00\x00" + strings.Repeat("\x00", 44),
		"zeros":    strings.Repeat("\x00", 100),
		"snmp":     "\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x04" + strings.Repeat("\x01", 20),
		"nothing":  "",
		"one_byte": "\x00",
	} {
		for _, over := range Kind.Over {
			f := &packet.Flow{Protocol: over}
			if Kind.Sniff(f, packet.Client, []byte(data)) == decode.Yes {
				t.Errorf("%s over %d is taken for DNS", name, over)
			}
		}
	}
}

func TestRejected(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want decode.Reason
	}{
		"short":    {"\x00\x07\x01\x00\x00\x01", short},
		"nonsense": {"\x00\x07\x78\x00\x00\x01" + strings.Repeat("\x00", 20), nonsense},
		"damaged":  {"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0", damaged},
	} {
		h := dt.Hear(t, Kind, dt.Talk{Over: packet.UDP, Port: 53, Said: []dt.Said{dt.Client(c.data)}})
		if len(h.Rejected) != 1 || h.Rejected[0] != c.want {
			t.Errorf("%s: rejected %v, want %v", name, h.Rejected, c.want)
		}
	}
}

func Fuzz(f *testing.F) {
	var seeds []dt.Talk
	for _, t := range talks() {
		seeds = append(seeds, t)
	}
	dt.FuzzProtocol(f, Kind, seeds...)
}

// TestWhatMachinesAre: of what machines say of themselves to all, what make they are is kept, and
// whether a name is theirs alone; and nothing else.
func TestWhatMachinesAre(t *testing.T) {
	mdns := packet.AddrOf([]byte{224, 0, 0, 251})
	name := dnsmessage.MustNewName("_ipp._tcp.local.")
	more := func(body dnsmessage.ResourceBody) dnsmessage.Resource {
		return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Class: 1, TTL: 120}, Body: body}
	}
	printer := pack(dnsmessage.Message{
		Header:  dnsmessage.Header{Response: true, Authoritative: true},
		Answers: []dnsmessage.Resource{more(&dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("Ward3._ipp._tcp.local.")})},
		Additionals: []dnsmessage.Resource{
			more(a), more(&dnsmessage.SRVResource{Target: dnsmessage.MustNewName("hp-1.local."), Port: 631}),
			more(&dnsmessage.TXTResource{TXT: []string{"txtvers=1", "note=Doe, Jane", "ty=HP LaserJet 400", "usb_MDL=other"}}),
		},
	})
	nb := func(flags string) string {
		q := []byte("\x20" + strings.Repeat("FH", 1) + strings.Repeat("CA", 15) + "\x00\x00\x20\x00\x01")
		return "\x00\x01\x29\x10\x00\x01\x00\x00\x00\x00\x00\x01" + string(q) + "\xc0\x0c\x00\x20\x00\x01\x00\x00\x00\x00\x00\x06" + flags + "\xc0\x00\x02\x01"
	}
	broadcast := packet.AddrOf([]byte{192, 0, 2, 255})
	for name, x := range map[string]struct {
		talk dt.Talk
		want string
	}{
		"printer":       {dt.Talk{Over: packet.UDP, Port: 5353, To: mdns, Said: []dt.Said{dt.Client(printer)}}, "_ipp._tcp.local [ward3._ipp._tcp.local hp-1.local TXT 54 model=HP LaserJet 400]"},
		"not_elsewhere": {dt.Talk{Over: packet.UDP, Port: 53, Said: []dt.Said{dt.Server(printer)}}, "_ipp._tcp.local [ward3._ipp._tcp.local]"},
		"its_name":      {dt.Talk{Over: packet.UDP, Port: 137, To: broadcast, Said: []dt.Said{dt.Client(nb("\x00\x00"))}}, "w [] registers unique"},
		"a_group":       {dt.Talk{Over: packet.UDP, Port: 137, To: broadcast, Said: []dt.Said{dt.Client(nb("\x80\x00"))}}, "w [] registers group"},
	} {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, x.talk)
			if len(h.Batch.Events) != 1 {
				t.Fatalf("%d events", len(h.Batch.Events))
			}
			v := event.View{Batch: h.Batch, I: 0}
			var answers []string
			for _, r := range v.List(v.DNS().Answers) {
				answers = append(answers, v.String(r))
			}
			got := fmt.Sprintf("%s [%s]", v.Bytes(v.DNS().Query), strings.Join(answers, " "))
			for _, e := range v.Extras() {
				got += " " + v.String(e.Name) + " " + v.String(e.Value)
			}
			if got != x.want {
				t.Errorf("got %s, want %s", got, x.want)
			}
		})
	}
}
