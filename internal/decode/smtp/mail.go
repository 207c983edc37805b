package smtp

import (
	"bytes"
	"strconv"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// mail is a message on its way.
type mail struct {
	begun   bool
	from    []byte
	to      [][]byte
	reply   int // the code of the answer; 0 if there was none
	tls     uint8
	content content
}

// mailbox returns the address of `Name <address>`, or of a bare one, in lower case. A name
// without one is not kept.
func mailbox(v []byte) []byte {
	if i := bytes.LastIndexByte(v, '<'); i >= 0 {
		v = v[i+1:]
		if j := bytes.IndexByte(v, '>'); j >= 0 {
			v = v[:j]
		}
	}
	v = bytes.TrimSpace(v)
	if len(v) > mostAddress || bytes.IndexByte(v, '@') < 0 || bytes.IndexByte(v, ' ') >= 0 {
		return nil
	}
	return bytes.ToLower(v)
}

// tell makes the events of a message.
func (s *stream) tell(t *decode.Talk, m *mail, emit *event.Emit) {
	s.told++
	h, e := emit.Mail(t.Time)
	t.Fill(h, emit, "packet/smtp")
	e.Helo = emit.Text(decode.Printable(s.helo))
	e.From = emit.Text(decode.Printable(m.from))
	e.To = emit.List()
	for _, to := range m.to {
		emit.Listed(&e.To, decode.Printable(to))
	}
	if m.reply > 0 {
		e.Reply = emit.Text(strconv.AppendInt(nil, int64(m.reply), 10))
	}
	e.TLS = m.tls
	c := &m.content
	e.HeaderFrom = emit.Text(decode.Printable(mailbox(c.from)))
	e.MessageID = emit.Text(decode.Printable(bytes.Trim(c.id, "<> ")))
	e.Agent = emit.Text(decode.Printable(c.agent))
	e.Subject = emit.Blind(c.subject)
	emit.Extra([]byte("trans_depth"), strconv.AppendUint(nil, s.told, 10))
	emit.Extra([]byte("date"), decode.Printable(c.date))
	emit.Extra([]byte("reply_to"), decode.Printable(mailbox(c.replyTo)))
	emit.Extra([]byte("x_originating_ip"), decode.Printable(bytes.Trim(c.origin, "[] ")))
	if len(c.files) > 0 {
		emit.Extra([]byte("email.attachment"), decode.Blinded(emit, c.names()))
		emit.Extra([]byte("email.attachment.extensions"), c.extensions())
	}
	for i := range c.files {
		tellFile(t, &c.files[i], emit)
	}
}

// tellFile makes the event of an attachment.
func tellFile(t *decode.Talk, p *part, emit *event.Emit) {
	h, f := emit.File(t.Time)
	t.Fill(h, emit, "packet/files")
	f.Protocol, f.Action, f.ToServer = emit.Text([]byte("smtp")), emit.Text([]byte("transfer")), 1
	decode.FileName(f, emit, p.name)
	f.Type, f.Size = emit.Text(decode.Printable(p.kind)), p.size()
}
