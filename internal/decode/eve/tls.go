package eve

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

// tls makes an event of a handshake.
func (d *decoder) tls() bool {
	o := d.take("tls")
	if o == nil {
		return false
	}
	d.over()
	e, t := d.emit.TLS(d.head.time)
	d.fill(e)
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "sni":
			t.ServerName = d.emit.Text(d.lower(str(v)))
		case "version":
			t.Version = d.emit.Text(d.version(str(v)))
		case "subject":
			t.CertSubject = d.emit.Text(str(v))
		case "issuerdn":
			t.CertIssuer = d.emit.Text(str(v))
		case "fingerprint":
			t.CertHash = d.emit.Text(d.plainHex(str(v)))
		case "notbefore":
			t.NotBefore = parseTime(str(v))
		case "notafter":
			t.NotAfter = parseTime(str(v))
		case "session_resumed":
			if yes(v) {
				t.Resumed = 1
			}
		case "server_alpns":
			t.ALPN = d.emit.Text(first(v))
		case "server_handshake":
			d.cipher(t, v)
			d.keep("tls", key, v)
		default:
			if !d.prints(t, key, v) {
				d.keep("tls", key, v)
			}
		}
	})
	// EVE writes the record when the server has shown its certificate, or when the
	// handshake is complete, and does not say which. A version means that the server
	// answered.
	if t.Version != 0 {
		t.Established = 1
	}
	d.common()
	return true
}

// prints fills in a fingerprint of client or server, and reports whether that is what the
// field is. Versions differ in whether it is a string, or an object that also spells out
// what was hashed.
func (d *decoder) prints(t *event.TLS, key []byte, v *fastjson.Value) bool {
	hash := str(v)
	if len(hash) == 0 {
		hash = v.GetStringBytes("hash")
	}
	switch string(key) {
	case "ja3":
		t.JA3 = d.emit.Text(hash)
	case "ja3s":
		t.JA3S = d.emit.Text(hash)
	case "ja4":
		t.JA4 = d.emit.Text(hash)
	default:
		return false
	}
	return true
}

// version returns the name of a version of TLS as the event has it: "TLSv1.2" for EVE's
// "TLS 1.2". It lasts until the next call.
func (d *decoder) version(s []byte) []byte {
	switch string(s) {
	case "UNDETERMINED":
		return nil // no server answered
	case "TLSv1":
		return append(d.text[:0], "TLSv1.0"...)
	}
	if number, ok := bytes.CutPrefix(s, []byte("TLS ")); ok {
		d.text = append(append(d.text[:0], "TLSv"...), number...)
		return d.text
	}
	return s
}

// plainHex returns a fingerprint without colons.
func (d *decoder) plainHex(s []byte) []byte {
	d.text = d.text[:0]
	for _, c := range s {
		if c != ':' {
			d.text = append(d.text, c)
		}
	}
	return d.lower(d.text)
}

func (d *decoder) cipher(t *event.TLS, v *fastjson.Value) {
	if n := num(get(v.GetObject(), "cipher")); n > 0 {
		d.text = strconv.AppendUint(append(d.text[:0], "0x"...), n, 16)
		t.Cipher = d.emit.Text(d.text)
	}
}

// quic makes a handshake of the first packets of QUIC, whose sender's address nothing
// proves. Version is "QUIC", whichever of QUIC it is; that is an extra.
func (d *decoder) quic() bool {
	o := d.take("quic")
	if o == nil {
		return false
	}
	d.orient(443, 784, 853, 8443)
	e, t := d.emit.TLS(d.head.time)
	d.fill(e)
	t.Version = d.emit.Text([]byte("QUIC"))
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "sni":
			t.ServerName = d.emit.Text(d.lower(str(v)))
		case "ua":
			d.add("quic.ua", str(v))
		case "extensions": // what JA3 and JA4 are computed of
			d.offers(v.GetArray())
		default:
			if !d.prints(t, key, v) {
				d.keep("quic", key, v)
			}
		}
	})
	if t.JA3S != 0 {
		t.Established = 1 // the server's part of the handshake
	}
	d.common()
	return true
}

// offers keeps the protocols that the client offers to speak.
func (d *decoder) offers(extensions []*fastjson.Value) {
	for _, x := range extensions {
		if string(x.GetStringBytes("name")) == "alpn" {
			if v := x.Get("values"); v != nil {
				d.keep("quic", []byte("alpn"), v)
			}
			return
		}
	}
}
