package dhcp

import (
	"fmt"
	"strings"
	"testing"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

// message returns a message of a client (1) or server (2) with its addresses and options.
func message(op byte, own, yours string, options ...string) string {
	m := make([]byte, fixed)
	m[0], m[1], m[2] = op, 1, 6
	copy(m[12:], own)
	copy(m[16:], yours)
	copy(m[28:], "\x02\x00\x00\x00\x00\x01")
	return string(m) + "\x63\x82\x53\x63" + strings.Join(options, "") + "\xff"
}

func option(kind byte, value string) string {
	return string([]byte{kind, byte(len(value))}) + value
}

func talk(said ...dt.Said) dt.Talk {
	return dt.Talk{Over: packet.UDP, Port: 67, To: packet.AddrOf([]byte{255, 255, 255, 255}), Said: said}
}

func talks() map[string]dt.Talk {
	asks := message(1, "", "", option(53, "\x03"), option(12, "WS-113"), option(50, "\x0a\x00\x00\x07"), option(60, "MSFT 5.0"), option(55, "\x01\x0f\x03\x06\xf9"))
	gives := message(2, "", "\x0a\x00\x00\x07", option(53, "\x05"), option(54, "\x0a\x00\x00\x01"), option(51, "\x00\x00\x0e\x10"), option(15, "Clinic.example"))
	return map[string]dt.Talk{
		"lease":    talk(dt.Client(asks), dt.Server(gives)),
		"informed": talk(dt.Client(message(1, "\x0a\x00\x00\x09", "", option(53, "\x08"), option(81, "\x00\x00\x00ws-9.clinic.example"))), dt.Server(message(2, "\x0a\x00\x00\x09", "", option(53, "\x05"), option(54, "\x0a\x00\x00\x01")))),
		"offer":    talk(dt.Client(message(1, "", "", option(53, "\x01"))), dt.Server(message(2, "", "\x0a\x00\x00\x08", option(53, "\x02")))),
		"padded":   talk(dt.Client(message(1, "", "", "\x00\x00\x00", option(53, "\x07"), "\x00") + "\x00\x00\x00")),
	}
}

func TestTalks(t *testing.T) {
	want := map[string]string{
		"lease":    "REQUEST 10.0.0.7 02:00:00:00:00:01 ws-113  0\nACK 10.0.0.7 02:00:00:00:00:01  clinic.example 3600 10.0.0.1",
		"informed": "INFORM 10.0.0.9 02:00:00:00:00:01 ws-9.clinic.example  0\nINFORMED 10.0.0.9 02:00:00:00:00:01   0 10.0.0.1",
		"offer":    "DISCOVER  02:00:00:00:00:01   0",
		"padded":   "RELEASE  02:00:00:00:00:01   0",
	}
	for name, talk := range talks() {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			var all []string
			for i := range h.Batch.Events {
				v := event.View{Batch: h.Batch, I: i}
				l := v.Lease()
				all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s %d %s", v.Bytes(l.Message), v.Bytes(l.Address), v.Bytes(l.MAC), v.Bytes(l.Hostname), v.Bytes(l.Domain), l.Seconds, v.Bytes(v.Head().Object.Name))))
			}
			if got := strings.Join(all, "\n"); got != want[name] {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
		})
	}
}

// TestWhatItIs: what tells which program asks is kept beside the lease.
func TestWhatItIs(t *testing.T) {
	h := dt.Hear(t, Kind, talks()["lease"])
	got := map[string]string{}
	v := event.View{Batch: h.Batch, I: 0}
	for _, x := range v.Extras() {
		got[v.String(x.Name)] = v.String(x.Value)
	}
	if got["vendor_class"] != "MSFT 5.0" || got["parameters"] != "1,15,3,6,249" || len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestRejected(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want decode.Reason
	}{
		"short":   {"\x01\x01\x06\x00", short},
		"bootp":   {strings.Repeat("\x01", 300), strange},
		"damaged": {message(1, "", "", "\x35\x30\x01"), damaged},
	} {
		if h := dt.Hear(t, Kind, talk(dt.Client(c.data))); len(h.Rejected) != 1 || h.Rejected[0] != c.want {
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
