package ber

import (
	"encoding/asn1"
	"testing"
)

func TestHead(t *testing.T) {
	for name, c := range map[string]struct {
		data       string
		tag        Tag
		head, body int
		ok         bool
	}{
		"nothing":          {"", 0, 0, 0, true},
		"only_a_tag":       {"\x30", Sequence, 0, 0, true},
		"short":            {"\x04\x05", Octets, 2, 5, true},
		"long":             {"\x6e\x82\x01\x00", Application(14), 4, 256, true},
		"longer_than_need": {"\x30\x84\x00\x00\x00\x09", Sequence, 6, 9, true},
		"length_not_whole": {"\x30\x82\x01", Sequence, 0, 0, true},
		"indefinite":       {"\x30\x80", 0, 0, 0, false},
		"high_tag":         {"\x1f\x81\x01\x00", 0, 0, 0, false},
		"five_bytes":       {"\x30\x85\x00\x00\x00\x00\x01", 0, 0, 0, false},
		"two_gigabytes":    {"\x30\x84\x7f\xff\xff\xff", 0, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			tag, head, body, ok := Head([]byte(c.data))
			if tag != c.tag || head != c.head || body != c.body || ok != c.ok {
				t.Errorf("got %#x %d %d %v", tag, head, body, ok)
			}
		})
	}
}

func TestReader(t *testing.T) {
	r := Of([]byte("\x30\x0a\x02\x01\x07\x80\x02ab\x04\x01c"))
	in := r.Inside(Sequence)
	if n := in.Int(); n != 7 {
		t.Errorf("number %d", n)
	}
	if _, ok := in.Maybe(Field(1)); ok {
		t.Error("a field that is not there")
	}
	if v, ok := in.Maybe(Field(0)); !ok || string(v) != "ab" {
		t.Errorf("field %q %v", v, ok)
	}
	if tag, v := in.Next(); tag != Octets || string(v) != "c" || in.More() || !in.OK() || r.More() || !r.OK() {
		t.Errorf("last %#x %q", tag, v)
	}
	if in.Next(); in.OK() {
		t.Error("there is nothing after the last")
	}
	for _, bad := range []string{"\x30\x05\x02", "\x02\x01\x07", "\x30"} {
		r := Of([]byte(bad))
		in := r.Inside(Sequence)
		if in.OK() || r.OK() || in.More() {
			t.Errorf("%q is no sequence", bad)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, want := range []int64{0, 1, 127, 128, -1, -128, -129, 1 << 40, -1 << 63, 1<<63 - 1} {
		der, err := asn1.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		r := Of(der)
		if got := r.Int(); got != want || !r.OK() {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	for _, bad := range []string{"", "123456789"} {
		if _, ok := Number([]byte(bad)); ok {
			t.Errorf("%q is too long or short", bad)
		}
	}
}

func TestOID(t *testing.T) {
	for text, id := range map[string]asn1.ObjectIdentifier{
		"1.3.6.1.2.1.1.1.0": {1, 3, 6, 1, 2, 1, 1, 1, 0}, "2.999.3": {2, 999, 3}, "0.9.2342.19200300.100.1.1": {0, 9, 2342, 19200300, 100, 1, 1},
		"1.2.840.113554.1.2.2": {1, 2, 840, 113554, 1, 2, 2},
	} {
		der, err := asn1.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		r := Of(der)
		if got, ok := AppendOID(nil, r.Take(OID)); !ok || string(got) != text {
			t.Errorf("got %q %v, want %q", got, ok, text)
		}
	}
	for _, bad := range []string{"", "\x2b\x86", "\x2b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"} {
		if _, ok := AppendOID(nil, []byte(bad)); ok {
			t.Errorf("%q is none", bad)
		}
	}
}

// Fuzz reads anything, and agrees with the standard library about what that takes too.
func Fuzz(f *testing.F) {
	f.Add([]byte("\x30\x0a\x02\x01\x07\x80\x02ab\x04\x01c"))
	f.Add([]byte("\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for r := Of(data); r.More(); {
			tag, v := r.Next()
			switch tag {
			case Integer:
				Number(v)
			case OID:
				AppendOID(nil, v)
			}
		}
		var raw asn1.RawValue
		rest, err := asn1.Unmarshal(data, &raw)
		r := Of(data)
		tag, v := r.Next()
		if err != nil || raw.Tag >= 31 || len(raw.Bytes) > 1<<30 {
			return
		}
		if !r.OK() || string(v) != string(raw.Bytes) || int(tag&0x1f) != raw.Tag || int(tag>>6) != raw.Class || len(r.rest) != len(rest) {
			t.Errorf("%x: tag %#x, %x; want %d %d, %x", data, tag, v, raw.Class, raw.Tag, raw.Bytes)
		}
	})
}
