package quic

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

// TestKeys has the vectors of RFC 9001, appendix A.1.
func TestKeys(t *testing.T) {
	to, err := hex.DecodeString("8394c8f03e515708")
	if err != nil {
		t.Fatal(err)
	}
	d, _ := dialectOf(1)
	k, err := keysOf(d, to)
	if err != nil {
		t.Fatal(err)
	}
	for side, want := range []string{"fa044b2f42a3fd3b46fb255c", "0ac1493ca1905853b0bba03e"} {
		if got := hex.EncodeToString(k[side].iv); got != want {
			t.Errorf("side %d: iv %s, want %s", side, got, want)
		}
	}
	// What protects headers is tested by its mask (appendix A.2: the first sample).
	sample, _ := hex.DecodeString("d1b1c98dd7689fb8ec11d242b123dc9b")
	var mask [16]byte
	k[0].mask.Encrypt(mask[:], sample)
	if got := hex.EncodeToString(mask[:5]); got != "437b9aec36" {
		t.Errorf("mask %s", got)
	}
}

// seal makes an Initial packet of frames, as a sender does: the reverse of open.
func seal(t testing.TB, version uint32, side packet.Side, number byte, key, to, from, token string, frames string) string {
	t.Helper()
	d, _ := dialectOf(version)
	k, err := keysOf(d, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if n := 40 - len(frames); n > 0 {
		frames += strings.Repeat("\x00", n)
	}
	head := []byte{0xc0 | d.initial<<4}
	head = binary.BigEndian.AppendUint32(head, version)
	head = append(append(head, byte(len(to))), to...)
	head = append(append(head, byte(len(from))), from...)
	head = append(append(head, byte(len(token))), token...)
	head = binary.BigEndian.AppendUint16(head, 0x4000|uint16(1+len(frames)+16))
	at := len(head)
	head = append(head, number)
	nonce := slices.Clone(k[side].iv)
	nonce[11] ^= number
	all := append(slices.Clone(head), k[side].aead.Seal(nil, nonce, []byte(frames), head)...)
	var mask [16]byte
	k[side].mask.Encrypt(mask[:], all[at+4:at+20])
	all[0] ^= mask[0] & 0x0f
	all[at] ^= mask[1]
	return string(all)
}

// crypto makes a CRYPTO frame.
func crypto(at int, data string) string {
	b := []byte{6}
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(at))
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(len(data)))
	return string(b) + data
}

// hellos has Go's own client and server begin a connection.
func hellos(t testing.TB) (client, server string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{
		ServerName: "PACS.example", InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{"h3"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
	c, s := tls.QUICClient(&tls.QUICConfig{TLSConfig: config}), tls.QUICServer(&tls.QUICConfig{TLSConfig: config})
	for _, q := range []*tls.QUICConn{c, s} {
		q.SetTransportParameters([]byte{})
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	next := func(q *tls.QUICConn) []byte {
		for {
			switch e := q.NextEvent(); {
			case e.Kind == tls.QUICNoEvent:
				t.Fatal("there is no hello")
			case e.Kind == tls.QUICWriteData && e.Level == tls.QUICEncryptionLevelInitial:
				return bytes.Clone(e.Data)
			}
		}
	}
	first := next(c)
	if err := s.HandleData(tls.QUICEncryptionLevelInitial, first); err != nil {
		t.Fatal(err)
	}
	return string(first), string(next(s))
}

const id = "\x83\x94\xc8\xf0\x3e\x51\x57\x08"

func talks(t testing.TB) map[string]dt.Talk {
	c, s := hellos(t)
	half := len(c) / 2
	udp := func(said ...dt.Said) dt.Talk { return dt.Talk{Over: packet.UDP, Port: 443, Said: said} }
	const v2, draft = 0x6b3343cf, 0xff00001d
	return map[string]dt.Talk{
		"version_1": udp(dt.Client(seal(t, 1, 0, 0, id, id, "mine", "", crypto(0, c))), dt.Server(seal(t, 1, 1, 0, id, "mine", "yours", "", "\x02\x00\x00\x00\x00"+crypto(0, s)))),
		"version_2": udp(dt.Client(seal(t, v2, 0, 0, id, id, "mine", "", crypto(0, c))), dt.Server(seal(t, v2, 1, 0, id, "mine", "yours", "", crypto(0, s)))),
		"draft":     udp(dt.Client(seal(t, draft, 0, 0, id, id, "mine", "", crypto(0, c))), dt.Server(seal(t, draft, 1, 0, id, "mine", "yours", "", crypto(0, s)))),
		"in_pieces": udp(dt.Client(seal(t, 1, 0, 0, id, id, "mine", "", crypto(half, c[half:])+"\x01"+crypto(0, c[:10]))),
			dt.Client(seal(t, 1, 0, 1, id, id, "mine", "", crypto(10, c[10:half]))), dt.Server(seal(t, 1, 1, 0, id, "mine", "yours", "", crypto(0, s)))),
		"two_in_a_datagram": udp(dt.Client(seal(t, 1, 0, 0, id, id, "mine", "", crypto(0, c[:half]))+seal(t, 1, 0, 1, id, id, "mine", "", crypto(half, c[half:]))+"\x00\x00"),
			dt.Server(seal(t, 1, 1, 0, id, "mine", "yours", "", crypto(0, s)))),
		"after_a_retry": udp(dt.Client(seal(t, 1, 0, 0, id, id, "mine", "", crypto(0, c))), dt.Server("\xf0\x00\x00\x00\x01\x04mine\x08retry-id token and tag........"),
			dt.Client(seal(t, 1, 0, 1, "retry-id", "retry-id", "mine", "token", crypto(0, c))), dt.Server(seal(t, 1, 1, 0, "retry-id", "mine", "yours", "", crypto(0, s)))),
	}
}

func TestTalks(t *testing.T) {
	for name, talk := range talks(t) {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			if len(h.Batch.TLS) != 1 {
				t.Fatalf("%d events", len(h.Batch.TLS))
			}
			said := dt.Describe(event.View{Batch: h.Batch, I: 0})
			for _, want := range []string{"packet/quic", "pacs.example", "h3", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "q13d"} {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if h.Batch.TLS[0].Established != 1 {
				t.Error("that the server answered is not said")
			}
		})
	}
}

// TestClientAlone tells of a connection that nobody answered, or of which only one side is seen.
func TestClientAlone(t *testing.T) {
	c, _ := hellos(t)
	h := dt.Hear(t, Kind, dt.Talk{Over: packet.UDP, Port: 443, Said: []dt.Said{dt.Client(seal(t, 1, 0, 0, id, id, "", "", crypto(0, c)))}})
	if len(h.Batch.TLS) != 1 || h.Batch.TLS[0].Established != 0 || h.Batch.TLS[0].Version != 0 {
		t.Errorf("%+v", h.Batch.TLS)
	}
}

func TestNotQUIC(t *testing.T) {
	for name, data := range map[string]string{
		"dns": "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01", "empty": "", "zeros": strings.Repeat("\x00", 1200),
		"short_header": "\x40" + strings.Repeat("x", 50), "other_version": "\xc0\x12\x34\x56\x78\x08" + id + strings.Repeat("\x00", 1200),
		"ends_early": "\xc0\x00\x00\x00\x01\x08" + id,
	} {
		if sniff(nil, packet.Client, []byte(data)) != decode.No {
			t.Errorf("%s is taken for QUIC", name)
		}
	}
}

func TestDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		frames string
		want   decode.Reason
	}{
		"crypto_too_long": {"\x06\x00\x7f\xff" + "x", short},
		"ack_not_whole":   {"\x02\xc0", damaged},
		"no_hello":        {crypto(0, "\x01\x00\x00\x05hello"), noHello},
	} {
		frames := c.frames
		if name == "ack_not_whole" {
			frames = strings.Repeat("\x01", 38) + c.frames // at the very end
		}
		h := dt.Hear(t, Kind, dt.Talk{Over: packet.UDP, Port: 443, Said: []dt.Said{dt.Client(seal(t, 1, 0, 0, id, id, "", "", frames))}})
		if len(h.Rejected) != 1 || h.Rejected[0] != c.want {
			t.Errorf("%s: rejected %v, want %v", name, h.Rejected, c.want)
		}
	}
}

func Fuzz(f *testing.F) {
	var seeds []dt.Talk
	for _, t := range talks(f) {
		seeds = append(seeds, t)
	}
	dt.FuzzProtocol(f, Kind, seeds...)
}
