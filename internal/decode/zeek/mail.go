package zeek

import (
	"bytes"

	"vedette/internal/entity"
	"vedette/internal/event"
)

func smtp(r *record, at int64) error {
	h, m := r.emit.Mail(at)
	if err := r.head(h); err != nil {
		return err
	}
	r.emit.Trust(event.Handshake)
	m.From = r.emit.Text(mailbox(r.lower(cMailfrom)))
	m.HeaderFrom = r.emit.Text(mailbox(r.lower(cFrom)))
	m.MessageID, m.Helo, m.Agent = r.put(cMsgID), r.put(cHelo), r.put(cUserAgent)
	m.Subject = r.emit.Blind(r.text(cSubject))
	if reply := r.text(cLastReply); len(reply) >= 3 {
		if _, ok := digits(reply[:3]); ok {
			m.Reply = r.emit.Text(reply[:3])
		}
	}
	if r.flag(cTLS) == entity.Yes {
		m.TLS = 1
	}
	recipients := r.list(cRcptto)
	list := r.emit.List()
	for to := recipients.next(); to != nil; to = recipients.next() {
		r.emit.Listed(&list, mailbox(r.lowered(to)))
	}
	m.To = list
	if reply := mailbox(r.lower(cReplyTo)); len(reply) > 0 {
		r.emit.Extra([]byte("reply_to"), reply)
	}
	// The headers To and Cc hold people's names; whom it goes to, the envelope says.
	r.drop(cTo, cCc, cFUIDs)
	return nil
}

// mailbox returns the address of "Name <address>", or of a bare one.
func mailbox(v []byte) []byte {
	if i := bytes.LastIndexByte(v, '<'); i >= 0 {
		v = v[i+1:]
		if j := bytes.IndexByte(v, '>'); j >= 0 {
			v = v[:j]
		}
	}
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '@') < 0 || bytes.IndexByte(v, ' ') >= 0 {
		return nil // a name and no address
	}
	return v
}
