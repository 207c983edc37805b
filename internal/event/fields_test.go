package event

import (
	"strings"
	"testing"

	"vedette/internal/entity"
)

// all makes one event of each type with every field filled in.
func all(b *Batch) {
	e := NewEmit([]byte("key"))
	e.Source(b, "t", "main", "conn.log")
	e.Begin(7, Handshake, []byte("record"))
	s := func(x string) []byte { return []byte(x) }
	head := func(h *Envelope) {
		h.Subject, h.Object = e.Entity(entity.Device, entity.IP, s("10.0.0.14")), e.Entity(entity.Device, entity.Hostname, s("srv-a"))
		h.Subject.Port, h.Object.Port, h.Dataset, h.Link = 49712, 443, e.Text(s("test")), 9
		h.Subject.Local, h.Object.Local = entity.Yes, entity.No
	}
	const at = 1774350245_123456000
	h, f := e.Flow(at)
	head(h)
	f.Protocol, f.Service, f.State, f.History, f.Community = e.Text(s("tcp")), e.Text(s("ssl")), e.Text(s("SF")), e.Text(s("ShADadFf")), e.Text(s("1:x="))
	f.BytesOut, f.BytesIn, f.PacketsOut, f.PacketsIn, f.Missed, f.Duration, f.Outcome, f.Open = 1, 2, 3, 4, 5, 1500e6, Refused, 1
	e.Extra(s("tunnel"), s("CX"))
	h, d := e.DNS(at)
	head(h)
	list := e.List()
	e.Listed(&list, s("192.0.2.1"))
	e.Listed(&list, s("192.0.2.2"))
	d.Query, d.Kind, d.Code, d.Answers, d.TTL, d.Answer = e.Text(s("example.org")), e.Text(s("A")), e.Text(s("NOERROR")), list, 60, 1
	h, w := e.HTTP(at)
	head(h)
	w.Method, w.Host, w.Agent, w.Path, w.Query, w.Status = e.Text(s("GET")), e.Text(s("example.org")), e.Text(s("curl")), e.Blind(s("/patient/DOE")), e.Blind(s("id=4711")), 200
	h, l := e.Logon(at)
	head(h)
	l.Protocol, l.User, l.Result, l.Attempts = e.Text(s("ssh")), e.Text(s("root")), Failure, 3
	h, t := e.TLS(at)
	head(h)
	t.ServerName, t.NotAfter, t.Established = e.Text(s("example.org")), at, 1
	h, x := e.File(at)
	head(h)
	x.Action, x.Name, x.Size = e.Text(s("rename")), e.Blind(s("DOE_JANE.dcm")), 9
	h, m := e.Mail(at)
	head(h)
	list = e.List()
	e.Listed(&list, s("a@example.org"))
	m.From, m.To, m.Subject = e.Text(s("b@example.org")), list, e.Blind(s("x"))
	h, c := e.Control(at)
	head(h)
	c.Protocol, c.Function, c.Write = e.Text(s("modbus")), e.Text(s("WRITE_SINGLE_COIL")), 1
	h, a := e.Alert(at)
	head(h)
	a.Signature, a.Severity = e.Text(s("ET SCAN")), 200 // of a newer version
	h, le := e.Lease(at)
	head(h)
	le.Address, le.Message, le.Seconds = e.Text(s("10.0.0.14")), e.Text(s("ACK")), 3600
	h, so := e.Software(at)
	head(h)
	so.Name, so.Version = e.Text(s("OpenSSH")), e.Text(s("9.9"))
	h, o := e.Other(at)
	head(h)
	o.Message = e.Text(s("hello"))
}

func TestFields(t *testing.T) {
	var b Batch
	all(&b)
	if len(b.Events) != int(Types)-1 {
		t.Fatalf("%d events of %d types", len(b.Events), Types-1)
	}
	has := map[Type]string{
		FlowType: "outcome=refused", DNSType: "answer=192.0.2.2", HTTPType: "path=blinded, 12 bytes, #", TLSType: "certificate_expiration_time=2026-",
		LogonType: "status=failure", FileType: "file_name=blinded, 12 bytes, #", MailType: "smtp_to=a@example.org", LeaseType: "lease_duration=3600",
		ControlType: "write=true", AlertType: "severity=200", SoftwareType: "version=9.9", OtherType: "message=hello",
	}
	first := "time type class_uid dataset tenant site source position"
	for i := range b.Events {
		v := View{&b, i}
		var names, lines []string
		for name, value := range v.Fields {
			if value == "" || name == "" || strings.ToLower(name) != name {
				t.Errorf("%s: field %q is %q", v.Head().Type, name, value)
			}
			names, lines = append(names, name), append(lines, name+"="+value)
		}
		if !strings.HasPrefix(strings.Join(names, " "), first) {
			t.Errorf("%s: begins with %v", v.Head().Type, names)
		}
		got := strings.Join(lines, "\n") + "\n"
		for _, want := range []string{
			"time=2026-03-24T11:04:05.123456Z\n", "type=" + v.Head().Type.String() + "\n", "position=7\n", "src=10.0.0.14\nsrc_port=49712\nsrc_local=true\n",
			"dst=srv-a\ndst_port=443\ndst_type=hostname\ndst_local=false\n", "trust=handshake\n", "\n" + has[v.Head().Type],
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", v.Head().Type, want, got)
			}
		}
		if strings.Contains(got, "DOE") || strings.Contains(got, "4711") {
			t.Errorf("%s: what is blinded is shown:\n%s", v.Head().Type, got)
		}
		for range v.Fields {
			break // it stops when told to, or the range panics
		}
	}
	var names []string
	for name := range (View{&b, 0}).Fields {
		names = append(names, name)
	}
	if want := first + " content_hash trust link src src_port src_local dst dst_port dst_type dst_local protocol_name service state history outcome " +
		"bytes_out bytes_in packets_out packets_in bytes_missed duration open community_uid tunnel"; strings.Join(names, " ") != want {
		t.Errorf("a flow has the fields\n%v, want\n%v", strings.Join(names, " "), want)
	}
}
