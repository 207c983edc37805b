package spnego

import (
	"bytes"
	"strings"
	"testing"
)

// der returns an element of that tag.
func der(tag byte, parts ...string) string {
	body := strings.Join(parts, "")
	if len(body) > 127 {
		return string([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}) + body
	}
	return string([]byte{tag, byte(len(body))}) + body
}

const (
	oidSPNEGO   = "\x06\x06\x2b\x06\x01\x05\x05\x02"
	oidNTLM     = "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"
	oidKerberos = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
	oidMS       = "\x06\x09\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"
	oidNegoEx   = "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e"
	negotiate   = "NTLMSSP\x00\x01\x00\x00\x00\x07\x82\x08\xa2"
)

// request is a client's AP-REQ for cifs/files.example.org.
func request() string {
	ticket := der(0x61, der(0x30, der(0xa0, "\x02\x01\x05"), der(0xa1, der(0x1b, "EXAMPLE.ORG")),
		der(0xa2, der(0x30, der(0xa0, "\x02\x01\x02"), der(0xa1, der(0x30, der(0x1b, "cifs"), der(0x1b, "files.example.org"))))),
		der(0xa3, der(0x30, der(0xa2, der(0x04, strings.Repeat("x", 200)))))))
	return der(0x6e, der(0x30, der(0xa0, "\x02\x01\x05"), der(0xa1, "\x02\x01\x0e"), der(0xa2, "\x03\x05\x00\x20\x00\x00\x00"), der(0xa3, ticket), der(0xa4, der(0x30))))
}

func framed(message string) string { return der(0x60, oidKerberos, "\x01\x00", message) }

func tokens() map[string]struct {
	data string
	want Token
} {
	init := func(token string, mechs ...string) string {
		parts := []string{der(0xa0, der(0x30, mechs...))}
		if token != "" {
			parts = append(parts, der(0xa2, der(0x04, token)))
		}
		return der(0xa0, der(0x30, parts...))
	}
	return map[string]struct {
		data string
		want Token
	}{
		"ntlm":              {negotiate, Token{NTLM, NotSaid, []byte(negotiate)}},
		"init_ntlm":         {der(0x60, oidSPNEGO, init(negotiate, oidNTLM)), Token{NTLM, NotSaid, []byte(negotiate)}},
		"init_bare":         {init(negotiate, oidNTLM), Token{NTLM, NotSaid, []byte(negotiate)}},
		"init_kerberos":     {der(0x60, oidSPNEGO, init(framed(request()), oidMS, oidKerberos, oidNTLM)), Token{Kerberos, NotSaid, []byte(request())}},
		"offers_of_server":  {der(0x60, oidSPNEGO, init("", oidNegoEx, oidMS, oidNTLM)), Token{NegoEx, NotSaid, nil}},
		"hopes_for_another": {der(0x60, oidSPNEGO, init(negotiate, oidMS, oidNTLM)), Token{NTLM, NotSaid, []byte(negotiate)}},
		"kerberos":          {framed(request()), Token{Kerberos, NotSaid, []byte(request())}},
		"challenge":         {der(0xa1, der(0x30, der(0xa0, "\x0a\x01\x01"), der(0xa1, oidNTLM), der(0xa2, der(0x04, "NTLMSSP\x00\x02\x00\x00\x00")))), Token{NTLM, Incomplete, []byte("NTLMSSP\x00\x02\x00\x00\x00")}},
		"accepted":          {der(0xa1, der(0x30, der(0xa0, "\x0a\x01\x00"), der(0xa3, der(0x04, "mic")))), Token{Unknown, Accepted, nil}},
		"rejected":          {der(0xa1, der(0x30, der(0xa0, "\x0a\x01\x02"))), Token{Unknown, Rejected, nil}},
		"negoex":            {"NEGOEXTS\x00\x00\x00\x00", Token{NegoEx, NotSaid, []byte("NEGOEXTS\x00\x00\x00\x00")}},
	}
}

func TestRead(t *testing.T) {
	for name, c := range tokens() {
		t.Run(name, func(t *testing.T) {
			got, ok := Read([]byte(c.data))
			if !ok || got.Mechanism != c.want.Mechanism || got.State != c.want.State || !bytes.Equal(got.Message, c.want.Message) {
				t.Errorf("%v, %v", got, ok)
			}
			for n := range c.data {
				Read([]byte(c.data[:n]))
			}
		})
	}
	for name, data := range map[string]string{
		"nothing": "", "other_frame": der(0x60, "\x06\x03\x2a\x03\x04", "x"), "not_whole": der(0xa1, der(0x30))[:3], "sequence": der(0x30, "\x02\x01\x05"),
	} {
		if got, ok := Read([]byte(data)); ok {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

func TestService(t *testing.T) {
	if service, realm := Service([]byte(request())); string(service) != "cifs/files.example.org" || string(realm) != "EXAMPLE.ORG" {
		t.Errorf("%q in %q", service, realm)
	}
	for n := range request() {
		Service([]byte(request()[:n]))
	}
}

func Fuzz(f *testing.F) {
	for _, c := range tokens() {
		f.Add([]byte(c.data))
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if t, ok := Read(data); ok && t.Mechanism == Kerberos {
			Service(t.Message)
		}
	})
}
