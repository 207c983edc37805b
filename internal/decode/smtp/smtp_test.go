package smtp

import (
	"fmt"
	"strings"
	"testing"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

const capture = "testdata/mail.pcap"

func tcp(said ...dt.Said) dt.Talk { return dt.Talk{Over: packet.TCP, Port: 25, Said: said} }

// lines returns what a side says, with an end to each line.
func lines(all ...string) string { return strings.Join(all, "\r\n") + "\r\n" }

func greeted(said ...dt.Said) dt.Talk {
	return tcp(append([]dt.Said{
		dt.Server(lines("220-mx.example ESMTP", "220 no spam")), dt.Client(lines("EHLO ward7.example")),
		dt.Server(lines("250-mx.example", "250-PIPELINING", "250 CHUNKING")),
	}, said...)...)
}

func talks() map[string]dt.Talk {
	envelope := lines("mail from: <Nurse@Clinic.example> SIZE=99", "RCPT TO:<bob@mx.example>", "RCPT TO:<eve@mx.example> NOTIFY=NEVER")
	ok3 := lines("250 ok", "250 ok", "250 ok")
	text := lines("Subject: DOE JANE", " 4711", "From: \"Nurse\" <nurse@clinic.example>", "Message-ID: <1@x>", "", "hello", "..", ".")
	files := lines("Content-Type: multipart/mixed; boundary=\"=b\"", "", "preamble", "--=b", "Content-Type: text/plain", "", "hi", "--=b",
		"Content-Type: application/zip; name=\"x.zip\"", "Content-Transfer-Encoding: base64", "Content-Disposition: attachment;", " filename*0=DOE;", " filename*1=\"_JANE.zip\"", "", "QUJD", "QQ==",
		"--=b", "Content-Type: multipart/alternative; boundary=c", "", "--c", "Content-Disposition: inline; filename==?utf-8?B?eC5leGU=?=", "", "MZ..", "--c--",
		"--=b--", "Content-Disposition: attachment; filename=after.exe", ".")
	return map[string]dt.Talk{
		"message": greeted(dt.Client(envelope+lines("DATA")), dt.Server(ok3+lines("354 go")), dt.Client(text), dt.Server(lines("250 queued")), dt.Client(lines("QUIT")), dt.Server(lines("221 bye"))),
		"pipelined": greeted(dt.Client(envelope+lines("DATA")+text+lines("MAIL FROM:<>", "RCPT TO:<bob@mx.example>", "DATA")), dt.Server(ok3+lines("354 go", "250 queued", "250 ok", "250 ok", "354 go")),
			dt.Client(lines(".")), dt.Server(lines("552 too much"))),
		"refused":  greeted(dt.Client(envelope), dt.Server(ok3), dt.Client(lines("DATA")), dt.Server(lines("554 no")), dt.Client(lines("RSET", "QUIT")), dt.Server(lines("250 ok", "221 bye"))),
		"chunks":   greeted(dt.Client(envelope+lines("BDAT 10")+"Subject: a"+lines("BDAT 4")+"b\r\n\r"+lines("BDAT 5 LAST")+"\nhi\r\n"), dt.Server(ok3+lines("250 ok", "250 ok", "250 ok"))),
		"files":    greeted(dt.Client(envelope+lines("DATA")), dt.Server(ok3+lines("354 go")), dt.Client(files), dt.Server(lines("250 queued"))),
		"tls":      greeted(dt.Client(lines("STARTTLS")), dt.Server(lines("220 go ahead"))),
		"no_tls":   greeted(dt.Client(lines("STARTTLS")), dt.Server(lines("454 not now")), dt.Client(lines("QUIT")), dt.Server(lines("221 bye"))),
		"plain":    greeted(dt.Client(lines("AUTH PLAIN AGFsaWNlAHMzY3JldA==")), dt.Server(lines("235 hello"))),
		"login":    greeted(dt.Client(lines("auth login")), dt.Server(lines("334 VXNlcm5hbWU6")), dt.Client(lines("YWxpY2U=")), dt.Server(lines("334 UGFzc3dvcmQ6")), dt.Client(lines("czNjcmV0")), dt.Server(lines("535 5.7.8 no"))),
		"too_soon": greeted(dt.Client(lines("AUTH LOGIN YWxpY2U=")), dt.Server(lines("538 not in the clear"))),
		"scram":    greeted(dt.Client(lines("AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPXJPcHJOR2Z3RQ==")), dt.Server(lines("334 cj1yT3By")), dt.Client(lines("Yz1iaXdz")), dt.Server(lines("235 ok"))),
		"silent":   greeted(),
	}
}

func TestTalks(t *testing.T) {
	message := "mail nurse@clinic.example header nurse@clinic.example to bob@mx.example eve@mx.example id 1@x subject 13 reply 250 tls 0 depth 1"
	envelope := "mail nurse@clinic.example header  to bob@mx.example eve@mx.example id  subject 0 reply "
	nothing := "mail  header  to  id  subject 0 reply "
	want := map[string]string{
		"message":   message,
		"pipelined": message + "\nmail  header  to bob@mx.example id  subject 0 reply 552 tls 0 depth 2",
		"refused":   envelope + "554 tls 0 depth 1",
		"chunks":    "mail nurse@clinic.example header  to bob@mx.example eve@mx.example id  subject 2 reply 250 tls 0 depth 1",
		"files": envelope + "250 tls 0 depth 1 zip,exe\n" +
			"file name 5 zip application/zip 4\nfile name 5 exe  4",
		"tls":      nothing + "220 tls 1 depth 1",
		"no_tls":   nothing + "221 tls 0 depth 1",
		"plain":    "logon alice PLAIN 1 \n" + nothing + "235 tls 0 depth 1",
		"login":    "logon alice LOGIN 2 535\n" + nothing + "535 tls 0 depth 1",
		"too_soon": "logon alice LOGIN 0 538\n" + nothing + "538 tls 0 depth 1",
		"scram":    "logon alice SCRAM-SHA-256 1 \n" + nothing + "235 tls 0 depth 1",
		"silent":   nothing + "250 tls 0 depth 1",
	}
	for name, talk := range talks() {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			if got := say(h.Batch); got != want[name] {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
			for _, secret := range []string{"DOE", "JANE", "4711", "s3cret", "czNjcmV0", "after"} {
				if strings.Contains(string(h.Batch.Append(nil)), secret) {
					t.Errorf("%q is kept", secret)
				}
			}
		})
	}
}

func say(b *event.Batch) string {
	var all []string
	for i := range b.Events {
		v := event.View{Batch: b, I: i}
		extra := map[string]string{}
		for _, x := range v.Extras() {
			extra[v.String(x.Name)] = v.String(x.Value)
		}
		var s string
		switch v.Head().Type {
		case event.MailType:
			m := v.Mail()
			s = fmt.Sprintf("mail %s header %s to", v.Bytes(m.From), v.Bytes(m.HeaderFrom))
			for _, to := range v.List(m.To) {
				s += " " + v.String(to)
			}
			if m.To.N == 0 {
				s += " "
			}
			s += fmt.Sprintf(" id %s subject %d reply %s tls %d depth %s", v.Bytes(m.MessageID), m.Subject.Length, v.Bytes(m.Reply), m.TLS, extra["trans_depth"])
			if ext := extra["email.attachment.extensions"]; ext != "" {
				s += " " + ext
			}
		case event.FileType:
			f := v.File()
			s = fmt.Sprintf("file name %d %s %s %d", f.Name.Length, v.Bytes(f.Extension), v.Bytes(f.Type), f.Size)
		case event.LogonType:
			l := v.Logon()
			s = fmt.Sprintf("logon %s %s %d %s", v.Bytes(l.User), extra["mechanism"], l.Result, v.Bytes(l.Reason))
		}
		all = append(all, s)
	}
	return strings.Join(all, "\n")
}

func TestCapture(t *testing.T) {
	for _, talk := range dt.Capture(t, capture) {
		dt.RunProtocol(t, Kind, talk)
	}
}

// TestLost checks that a gap inside a message costs nothing but the message's own bytes, and
// that one elsewhere ends the decoding.
func TestLost(t *testing.T) {
	s := Kind.New()
	talk := &decode.Talk{Flow: &packet.Flow{}}
	var b event.Batch
	emit := event.NewEmit(nil)
	emit.Source(&b, "t", "s", "x")
	emit.Begin(1, event.Claimed, nil)
	hear := func(from packet.Side, said string) {
		if _, err := s.Data(talk, from, []byte(said), emit); err != nil {
			t.Fatal(err)
		}
	}
	hear(packet.Client, lines("HELO x", "MAIL FROM:<a@x>", "DATA"))
	hear(packet.Server, lines("250 ok", "250 ok", "354 go"))
	hear(packet.Client, lines("Subject: x", ""))
	if !s.Lost(talk, packet.Client, 5000) {
		t.Fatal("gives up inside a message")
	}
	hear(packet.Server, lines("250 queued")) // the end was in the gap
	hear(packet.Client, lines("MAIL FROM:<b@x>", "QUIT"))
	if s.Lost(talk, packet.Client, 10) || s.Lost(talk, packet.Server, 10) {
		t.Error("goes on after commands were lost")
	}
	s.End(talk, emit)
	if got := say(&b); strings.Count(got, "mail") != 2 || !strings.Contains(got, "mail a@x") || !strings.Contains(got, "mail b@x") {
		t.Errorf("got\n%s", got)
	}
}

// TestBounds checks that a peer cannot make a session hold much.
func TestBounds(t *testing.T) {
	var said strings.Builder
	for range 5000 {
		said.WriteString(lines("RCPT TO:<" + strings.Repeat("x", 300) + "@x>"))
	}
	said.WriteString(lines("DATA"))
	for range 5000 {
		said.WriteString("Subject: " + strings.Repeat("x", 1000) + "\r\n " + strings.Repeat("y", 5000) + "\r\n")
	}
	h := dt.Hear(t, Kind, tcp(dt.Client(lines("EHLO x")+said.String())))
	if n := len(h.Batch.Append(nil)); n > 256*400+16<<10 {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestSniff(t *testing.T) {
	for name, c := range map[string]struct {
		from packet.Side
		head string
		want decode.Guess
	}{
		"smtp_greeting":  {packet.Server, "220 mx.example ESMTP Postfix\r\n", decode.Yes},
		"plain_greeting": {packet.Server, "220 mx.example\r\n", decode.Maybe},
		"ftp_greeting":   {packet.Server, "220 (vsFTPd 3.0.3)\r\n", decode.Maybe}, // the client decides
		"half_greeting":  {packet.Server, "22", decode.Maybe},
		"ehlo":           {packet.Client, "ehlo x\r\n", decode.Yes},
		"half_ehlo":      {packet.Client, "EH", decode.Maybe},
		"user":           {packet.Client, "USER anonymous\r\n", decode.No},
		"http":           {packet.Client, "GET / HTTP/1.1\r\n", decode.No},
		"tls":            {packet.Client, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaa", decode.No},
		"ssh":            {packet.Server, "SSH-2.0-x\r\n", decode.No},
	} {
		if got := Kind.Sniff(&packet.Flow{}, c.from, []byte(c.head)); got != c.want {
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
