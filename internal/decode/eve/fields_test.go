package eve

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func TestTimeIsExact(t *testing.T) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.000000-0700", "2006-01-02T15:04:05.000000-07:00", "2006-01-02T15:04:05Z07:00",
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.000-0700",
	} {
		r := rand.New(rand.NewPCG(1, 2))
		for range 20000 {
			zone := time.FixedZone("", (r.IntN(27*60)-13*60)*60)
			at := time.Unix(86400+r.Int64N(4_000_000_000), r.Int64N(1e9)).In(zone)
			s := at.Format(layout)
			want, err := time.Parse(layout, s)
			if got := parseTime([]byte(s)); err != nil || got != want.UnixNano() {
				t.Fatalf("%s: got %d, want %d", s, got, want.UnixNano())
			}
		}
	}
	for s, want := range map[string]int64{
		"2019-06-24T14:11:37.123456+0000":       1561385497123456000,
		"2019-06-24T16:11:37.123456+0200":       1561385497123456000,
		"2019-06-24T14:11:37Z":                  1561385497000000000,
		"2019-06-24T14:11:37":                   1561385497000000000,
		"2019-06-24T14:11:37.1234567899999Z":    1561385497123456789,
		"2020-02-29T00:00:00-00":                1582934400000000000,
		"2000-02-29T23:59:60Z":                  951868800000000000, // a leap second is the next one
		"2019-02-29T00:00:00Z":                  0,
		"2100-02-29T00:00:00Z":                  0,
		"1970-01-01T00:00:00Z":                  0,
		"1969-12-31T23:59:59Z":                  0,
		"2201-01-01T00:00:00Z":                  0,
		"9999-99-99T99:99:99Z":                  0,
		"2019-06-24T14:11:37.Z":                 0,
		"2019-06-24T14:11:37+2":                 0,
		"2019-06-24T14:11:37+9900":              0,
		"2019-06-24T14:11:37Zulu":               0,
		"2019-06-24":                            0,
		"":                                      0,
		"1561385497.123456":                     0,
		"2019/06/24 14:11:37.123456 and so on.": 0,
	} {
		if got := parseTime([]byte(s)); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}

func TestFlowTimeIsItsEnd(t *testing.T) {
	line := tcp80 + `"flow","flow":{"start":"2019-06-24T14:00:00Z","end":"2019-06-24T14:00:01.000000001Z"}}`
	if at := eventTime(t, line); at != time.Date(2019, 6, 24, 14, 0, 1, 1, time.UTC).UnixNano() {
		t.Error(at)
	}
	line = tcp80 + `"flow","flow":{"end":"never"}}`
	if at := eventTime(t, line); at != time.Date(2019, 6, 24, 14, 11, 37, 5e8, time.UTC).UnixNano() {
		t.Error(at)
	}
}

func TestCanonicalAddress(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "0.0.0.0": "0.0.0.0", "255.255.255.255": "255.255.255.255",
		"fe80:0000:0000:0000:0000:0000:0000:0001": "fe80::1", "FE80::1": "fe80::1", "::": "::", "::1": "::1",
		"2001:0db8:0000:0000:0001:0000:0000:0001": "2001:db8::1:0:0:1", "::ffff:192.0.2.1": "192.0.2.1", "fe80::1%eth0": "fe80::1",
		"": "", "1.2.3": "", "1.2.3.4.5": "", "256.1.1.1": "", "01.2.3.4": "", "1.2.3.4 ": "", "1..2.3": "", "a": "", "1:2:3": "",
		"1:2:3:4:5:6:7:8:9": "", "12345::": "", "g::": "", "1.2.3.4/24": "", "::1::": "",
	} {
		if got := canonical(nil, []byte(s)); string(got) != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 10000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Uint32() >> 8 & -(r.Uint32() & 1)) // half of them zero
		}
		a := netip.AddrFrom16(b)
		for _, s := range []string{a.String(), a.StringExpanded()} {
			if got := canonical(nil, []byte(s)); string(got) != a.Unmap().String() {
				t.Fatalf("%s: got %s", s, got)
			}
		}
	}
}

func TestMAC(t *testing.T) {
	for s, want := range map[string]string{
		"00:1A:6b:6c:0c:cc": "00:1a:6b:6c:0c:cc", "00-1a-6b-6c-0c-cc": "00:1a:6b:6c:0c:cc", "001a.6b6c.0ccc": "00:1a:6b:6c:0c:cc",
		"": "", "00:1a": "", "00:1a:6b:6c:0c:cc:dd": "", "zz:1a:6b:6c:0c:cc": "",
	} {
		if got := string(mac([]byte("x"), []byte(s))); got != "x"+want {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for s, want := range map[string]string{
		`80`: "80", `"80"`: "80", `65535`: "65535", `65536`: "0", `-1`: "0", `1.5`: "0", `1e3`: "0", `"x"`: "0", `null`: "0", `[1]`: "0",
		`true`: "0", `99999999999999999999999`: "0", `"99999999999999999999999"`: "0",
	} {
		got := decoded(t, begin+s+`,"proto":"TCP","event_type":"x"}`)
		suffix := "10.0.0.2/" + want
		if want == "0" {
			suffix = "10.0.0.2"
		}
		if got != "claimed other 10.0.0.1/40000 > "+suffix+" {} [proto=TCP]" {
			t.Errorf("%s: %s", s, got)
		}
	}
}
