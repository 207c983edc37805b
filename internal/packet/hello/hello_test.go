package hello

import (
	"testing"
)

// TestJA4 is the example of the specification (FoxIO, JA4 technical details): a Chromium,
// with values that tell nothing put among the others.
func TestJA4(t *testing.T) {
	c := Client{
		Version:  0x0303,
		Versions: []uint16{0x5a5a, 0x0304, 0x0303},
		Ciphers: []uint16{
			0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
		},
		Extensions: []uint16{
			0xcaca, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x2a2a,
		},
		Signatures: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
		ALPN:       [][]byte{[]byte("h2"), []byte("http/1.1")},
	}
	if got := c.JA4('t'); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("got %s", got)
	}
	if got := c.JA4('q'); got[0] != 'q' {
		t.Errorf("over QUIC: %s", got)
	}
	bare := Client{Version: 0x0301, Ciphers: []uint16{0x0a0a}}
	if got := bare.JA4('t'); got != "t10i000000_000000000000_000000000000" {
		t.Errorf("with nothing: %s", got)
	}
}

// TestJA3 has the numbers of the examples in the description of JA3 (Salesforce, 2017); of a
// server there is none, so that is the formula alone.
func TestJA3(t *testing.T) {
	c := Client{
		Version: 769, Ciphers: []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
		Extensions: []uint16{0, 10, 11}, Groups: []uint16{23, 24, 25}, Points: []byte{0},
	}
	if got := c.JA3(); got != "ada70206e40642a3e4461f35503241d5" {
		t.Errorf("got %s", got)
	}
	c = Client{Version: 769, Ciphers: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}
	if got := c.JA3(); got != "de350869b8c85de67a350c8d186f11e6" {
		t.Errorf("without extensions: got %s", got)
	}
	s := Server{Version: 769, Cipher: 47, Extensions: []uint16{65281, 0, 11, 35, 5, 16}}
	if got := s.JA3S(); got != "836ce314215654b5b1f85f97c73e506f" {
		t.Errorf("of a server: got %s", got)
	}
}

func Fuzz(f *testing.F) {
	f.Add([]byte("\x03\x03" + "01234567890123456789012345678901" + "\x00\x00\x02\x13\x01\x01\x00\x00\x09\x00\x00\x00\x05\x00\x03\x00\x00\x01x"))
	f.Add([]byte("\x03\x03" + "01234567890123456789012345678901" + "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Client
		if c.Read(data) && (len(c.JA3()) != 32 || len(c.JA4('t')) != 36) {
			t.Errorf("fingerprints %q, %q", c.JA3(), c.JA4('t'))
		}
		var s Server
		if s.Read(data) && len(s.JA3S()) != 32 {
			t.Errorf("fingerprint %q", s.JA3S())
		}
	})
}
