package event

import "vedette/internal/text"

// Mail is a message on its way, as the network shows it. OCSF 4009, Email Activity.
type Mail struct {
	From       text.Ref // envelope sender, lower case
	HeaderFrom text.Ref // address of the From header
	To         Texts    // envelope recipients
	MessageID  text.Ref
	Helo       text.Ref
	Agent      text.Ref // the mail program
	Reply      text.Ref // the server's last answer: its code only
	Subject    Blind
	TLS        uint8 // 1 if the session was encrypted
	Spare      [7]uint8
}

// Mail lends a message.
func (e *Emit) Mail(at int64) (*Envelope, *Mail) { return lend(e, MailType, at, &e.batch.Mails) }

// Mail returns the body of a message.
func (v View) Mail() *Mail { return &v.Batch.Mails[v.Head().Row] }

func (m *Mail) texts(move func(*text.Ref)) {
	move(&m.From)
	move(&m.HeaderFrom)
	move(&m.MessageID)
	move(&m.Helo)
	move(&m.Agent)
	move(&m.Reply)
}
