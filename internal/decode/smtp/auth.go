package smtp

import (
	"bytes"
	"strconv"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// attempt is an attempt to sign in (RFC 4954).
type attempt struct {
	user decode.SASL
}

// begin takes the arguments of AUTH: a mechanism, and perhaps a first response.
func begin(rest []byte) (a attempt) {
	mechanism, first := decode.Word(rest)
	a.user.Begin(mechanism)
	if len(first) > 0 && string(first) != "=" {
		a.response(first)
	}
	return a
}

func (a *attempt) response(line []byte) { a.user.Response(bytes.TrimSpace(line)) }

// tell makes the event of an attempt that was answered. Only a code that says that the
// credentials are wrong is a failure: others say that it is not the time or the place.
func (a *attempt) tell(t *decode.Talk, code int, emit *event.Emit) {
	h, l := emit.Logon(t.Time)
	t.Fill(h, emit, "packet/smtp_auth")
	l.Protocol = emit.Text([]byte("smtp"))
	l.User = emit.Text(decode.Printable(a.user.User()))
	switch {
	case code == 235:
		l.Result = event.Success
	case code == 535 || code == 534 || code == 432:
		l.Result = event.Failure
	}
	if code != 235 {
		l.Reason = emit.Text(strconv.AppendInt(nil, int64(code), 10))
	}
	emit.Extra([]byte("mechanism"), a.user.Mechanism())
}
