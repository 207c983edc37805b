package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// mail makes an event of a message. A session of SMTP without one is an event without a
// body.
func (d *decoder) mail() bool {
	session, message := d.take("smtp"), d.take("email")
	if session == nil && message == nil {
		return false
	}
	d.over()
	from, to := get(session, "mail_from"), get(session, "rcpt_to")
	if from == nil && to == nil && message == nil {
		return d.talk("smtp", session)
	}
	e, m := d.emit.Mail(d.head.time)
	d.fill(e)
	m.Helo = d.emit.Text(str(get(session, "helo")))
	m.From = d.emit.Text(d.lower(mailbox(str(from))))
	recipients := to.GetArray()
	if len(recipients) == 0 {
		recipients = get(message, "to").GetArray()
	}
	m.To = d.emit.List()
	for _, v := range recipients {
		if s := mailbox(str(v)); len(s) > 0 {
			d.emit.Listed(&m.To, d.lower(s))
		}
	}
	session.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "helo", "mail_from", "rcpt_to":
		default:
			d.keep("smtp", key, v)
		}
	})
	message.Visit(func(key []byte, v *fastjson.Value) { d.message(m, key, v) })
	d.common()
	return true
}

// message fills in a field of the message itself. Of attachments only how many and of
// which closed-list extensions is kept, of links the hosts.
func (d *decoder) message(m *event.Mail, key []byte, v *fastjson.Value) {
	switch string(key) {
	case "from":
		m.HeaderFrom = d.emit.Text(d.lower(mailbox(first(v))))
	case "message_id":
		m.MessageID = d.emit.Text(bytes.Trim(str(v), "<> "))
	case "x_mailer", "user_agent":
		m.Agent = d.emit.Text(str(v))
	case "subject":
		m.Subject = d.emit.Blind(str(v))
	case "to", "cc":
		d.addresses(key, v)
	case "attachment":
		d.keep("email", key, v)
		d.joined("email.attachment.extensions", v, decode.Extension)
	case "url":
		d.keep("email", key, v)
		d.joined("email.url.hosts", v, decode.Host)
	default:
		d.keep("email", key, v)
	}
}

func (d *decoder) addresses(key []byte, v *fastjson.Value) {
	if string(key) == "cc" {
		d.joined("email.cc", v, mailbox)
	} else {
		d.joined("email.to", v, mailbox)
	}
}

// joined keeps a part of each string of an array, as many as there is room for.
func (d *decoder) joined(name string, v *fastjson.Value, part func([]byte) []byte) {
	d.text = d.text[:0]
	for _, x := range v.GetArray() {
		p := part(str(x))
		if len(p) == 0 || len(d.text)+len(p) >= maxValue {
			continue
		}
		if len(d.text) > 0 {
			d.text = append(d.text, ',')
		}
		d.text = append(d.text, d.lower(p)...)
	}
	d.add(name, d.text)
}

// mailbox returns the address of `Name <address>`, or all of s if it has no brackets but
// an @. A name without an address is not kept.
func mailbox(s []byte) []byte {
	if i := bytes.LastIndexByte(s, '<'); i >= 0 {
		s = s[i+1:]
		if j := bytes.IndexByte(s, '>'); j >= 0 {
			s = s[:j]
		}
		return bytes.TrimSpace(s)
	}
	if s = bytes.TrimSpace(s); bytes.IndexByte(s, '@') < 0 || bytes.IndexByte(s, ' ') >= 0 {
		return nil
	}
	return s
}
