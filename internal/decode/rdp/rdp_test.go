package rdp

import (
	"fmt"
	"strings"
	"testing"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

const capture = "testdata/xrdp.pcap"

// tpdu returns a TPKT with a TPDU of a kind and what follows its fixed part.
func tpdu(kind byte, rest string) string {
	n := header + fixed + len(rest)
	return string([]byte{3, 0, byte(n >> 8), byte(n), byte(n - header - 1), kind, 0, 0, 0, 0, 0}) + rest
}

// neg returns a negotiation structure.
func neg(kind, value byte) string { return string([]byte{kind, 0, 8, 0, value, 0, 0, 0}) }

func talks() map[string]dt.Talk {
	tcp := func(said ...dt.Said) dt.Talk { return dt.Talk{Over: packet.TCP, Port: 3389, Said: said} }
	cookie := "Cookie: mstshash=DOMAIN\\adm\r\n"
	return map[string]dt.Talk{
		"tls":        tcp(dt.Client(tpdu(connectRequest, cookie+neg(negRequest, 3))), dt.Server(tpdu(connectConfirm, neg(negResponse, 2)))),
		"no_cookie":  tcp(dt.Client(tpdu(connectRequest, neg(negRequest, 11))), dt.Server(tpdu(connectConfirm, neg(negResponse, 8)))),
		"refused":    tcp(dt.Client(tpdu(connectRequest, cookie+neg(negRequest, 0))), dt.Server(tpdu(connectConfirm, neg(negFailure, 5)))),
		"unanswered": tcp(dt.Client(tpdu(connectRequest, cookie))),
		"routed":     tcp(dt.Client(tpdu(connectRequest, "Cookie: msts=3640205228.15629.0000\r\n"+neg(negRequest, 1))), dt.Server(tpdu(connectConfirm, neg(negResponse, 1)))),
		"old":        tcp(dt.Client(tpdu(connectRequest, cookie)), dt.Server(tpdu(connectConfirm, ""))),
	}
}

func TestTalks(t *testing.T) {
	want := map[string]string{
		"tls":        `DOMAIN\adm result=encrypted security_protocol=HYBRID`,
		"no_cookie":  ` result=encrypted security_protocol=HYBRID_EX`,
		"refused":    `DOMAIN\adm result=HYBRID_REQUIRED_BY_SERVER`,
		"unanswered": `DOMAIN\adm`,
		"routed":     ` result=encrypted security_protocol=SSL`,
		"old":        `DOMAIN\adm security_protocol=RDP`,
	}
	for name, talk := range talks() {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			if got := say(h.Batch); got != want[name] {
				t.Errorf("got %s, want %s", got, want[name])
			}
		})
	}
}

// TestCapture checks what real peers say; that it is the same as what Zeek makes of it, the
// golden file beside the capture shows.
func TestCapture(t *testing.T) {
	for _, talk := range dt.Capture(t, capture) {
		dt.RunProtocol(t, Kind, talk)
	}
}

func say(b *event.Batch) string {
	var all []string
	for i := range b.Events {
		v := event.View{Batch: b, I: i}
		s := v.String(v.Logon().User)
		for _, x := range v.Extras() {
			s += fmt.Sprintf(" %s=%s", v.Bytes(x.Name), v.Bytes(x.Value))
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

// TestSniff checks that other protocols over TPKT are left to themselves.
func TestSniff(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		want decode.Guess
	}{
		"s7":             {"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02", decode.No},
		"h323":           {"\x03\x00\x00\x2c\x08\x02\x00\x01\x05\x04\x03\x88\x90\xa5", decode.No},
		"bare_and_mms":   {tpdu(connectRequest, "") + "\x03\x00\x00\xbb\x02\xf0\x80\x0d\xb2\x05", decode.No},
		"bare":           {tpdu(connectRequest, ""), decode.Maybe},
		"bare_and_t125":  {tpdu(connectRequest, "") + "\x03\x00\x01\x9c\x02\xf0\x80\x7f\x65\x82", decode.Yes},
		"beginning":      {"\x03\x00\x00", decode.Maybe},
		"length_of_none": {"\x03\x00\x00\x02\x00\xe0", decode.No},
	} {
		if got := Kind.Sniff(&packet.Flow{}, packet.Client, []byte(c.head)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func FuzzProtocol(f *testing.F) {
	seeds := dt.Capture(f, capture)
	for _, talk := range talks() {
		seeds = append(seeds, talk)
	}
	dt.FuzzProtocol(f, Kind, seeds...)
}
