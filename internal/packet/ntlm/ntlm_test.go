package ntlm

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16le returns text as Windows writes it.
func utf16le(s string) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	return string(b)
}

// message puts fields into a message whose head has that size, each at its place.
func message(head string, size int, fields map[int]string) []byte {
	b := make([]byte, size)
	copy(b, head)
	for _, at := range []int{12, 20, 28, 36, 40, 44} {
		v, ok := fields[at]
		if !ok {
			continue
		}
		binary.LittleEndian.PutUint16(b[at:], uint16(len(v)))
		binary.LittleEndian.PutUint16(b[at+2:], uint16(len(v)))
		binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
		b = append(b, v...)
	}
	return b
}

func pair(id byte, v string) string {
	return string([]byte{id, 0, byte(len(v)), byte(len(v) >> 8)}) + v
}

func challenge() []byte {
	list := pair(2, utf16le("EXAMPLE")) + pair(1, utf16le("FILES")) + pair(4, utf16le("example.org")) + pair(3, utf16le("files.example.org")) +
		pair(5, utf16le("forest.example.org")) + pair(7, "12345678") + pair(0, "")
	b := message("NTLMSSP\x00\x02\x00\x00\x00", 56, map[int]string{12: utf16le("EXAMPLE"), 40: list})
	binary.LittleEndian.PutUint32(b[20:], flagUnicode|flagVersion)
	copy(b[48:], []byte{10, 0, 0x63, 0x45, 0, 0, 0, 15})
	return b
}

func authenticate(proof int, unicode bool) []byte {
	text, flags := func(s string) string { return s }, uint32(0)
	if unicode {
		text, flags = utf16le, flagUnicode|flagVersion
	}
	b := message("NTLMSSP\x00\x03\x00\x00\x00", 88, map[int]string{
		12: strings.Repeat("l", min(proof, 24)), 20: strings.Repeat("n", proof), 28: text("EXAMPLE"), 36: text("doe"), 44: text("WARD7"),
	})
	binary.LittleEndian.PutUint32(b[60:], flags)
	copy(b[64:], []byte{6, 1, 0xb1, 0x1d, 0, 0, 0, 15})
	return b
}

func TestExchange(t *testing.T) {
	for name, c := range map[string]struct {
		proof   int
		unicode bool
		want    Proof
		client  Version
	}{
		"version_2": {72, true, Version2, Version{6, 1, 7601}},
		"version_1": {24, true, Version1, Version{6, 1, 7601}},
		"anonymous": {0, true, NoProof, Version{6, 1, 7601}},
		"old":       {24, false, Version1, Version{}},
	} {
		t.Run(name, func(t *testing.T) {
			var x Exchange
			if k := x.Read([]byte("NTLMSSP\x00\x01\x00\x00\x00\x07\x82\x08\xa2")); k != Negotiate || !x.Begun || x.Done {
				t.Fatalf("the first message is %v", k)
			}
			if k := x.Read(challenge()); k != Challenge {
				t.Fatalf("the second message is %v", k)
			}
			if k := x.Read(authenticate(c.proof, c.unicode)); k != Authenticate || !x.Done {
				t.Fatalf("the third message is %v", k)
			}
			for what, got := range map[string][2]string{
				"server": {string(x.ServerName), "FILES"}, "domain of it": {string(x.ServerDomain), "EXAMPLE"},
				"server in DNS": {string(x.ServerDNS), "files.example.org"}, "domain in DNS": {string(x.DomainDNS), "example.org"},
				"forest": {string(x.Forest), "forest.example.org"}, "user": {string(x.User), "doe"}, "domain": {string(x.Domain), "EXAMPLE"},
				"machine": {string(x.Workstation), "WARD7"},
			} {
				if got[0] != got[1] {
					t.Errorf("%s %q, want %q", what, got[0], got[1])
				}
			}
			if x.Server != (Version{10, 0, 17763}) || x.Client != c.client || x.Proof != c.want {
				t.Errorf("server %v, client %v, proof %v", x.Server, x.Client, x.Proof)
			}
		})
	}
}

// TestEndless reads a challenge of Windows XP whose list of values has no end.
func TestEndless(t *testing.T) {
	data, _ := hex.DecodeString("4e544c4d53535000020000000c000c003000000005828920b06a306d9fc9db090000000000000000240024003c00000043004e0041004d004900530002000c0043004e0041004d004900530001000c00530041005400550052004e00")
	var x Exchange
	if k := x.Read(data); k != Challenge || string(x.ServerName) != "SATURN" || string(x.ServerDomain) != "CNAMIS" || x.Server != (Version{}) {
		t.Errorf("%v: %q %q %v", k, x.ServerName, x.ServerDomain, x.Server)
	}
}

func TestMalformed(t *testing.T) {
	whole := authenticate(72, true)
	for n := range whole {
		var x Exchange
		if k := x.Read(whole[:n]); k != None && n < 52 {
			t.Errorf("%d bytes are taken for %v", n, k)
		}
	}
	far := authenticate(72, true)
	binary.LittleEndian.PutUint32(far[40:], 1<<32-1) // where the user stands
	var x Exchange
	if x.Read(far); x.User != nil {
		t.Errorf("a user from nowhere: %q", x.User)
	}
	for name, data := range map[string]string{"other": "NTLMSSX\x00\x01\x00\x00\x00\x00\x00\x00\x00", "type": "NTLMSSP\x00\x09\x00\x00\x00\x00\x00\x00\x00"} {
		if k := x.Read([]byte(data)); k != None {
			t.Errorf("%s is taken for %v", name, k)
		}
	}
}

func TestUTF16(t *testing.T) {
	for name, c := range map[string][2]string{
		"nothing": {"", ""}, "odd": {"a\x00b", "a"}, "umlaut": {utf16le("Müller"), "Müller"}, "pair": {utf16le("😀"), "😀"},
		"half_a_pair": {"\x3d\xd8", ""}, "wrong_pair": {"\x3d\xd8a\x00", "\ufffda"}, "long": {utf16le(strings.Repeat("x", 999)), strings.Repeat("x", 256)},
	} {
		if got := string(UTF16([]byte(c[0]))); got != c[1] {
			t.Errorf("%s: %q, want %q", name, got, c[1])
		}
	}
}

func Fuzz(f *testing.F) {
	f.Add(challenge())
	f.Add(authenticate(72, true))
	f.Add(authenticate(24, false))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var x Exchange
		x.Read(data)
	})
}
