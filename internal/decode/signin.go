package decode

import (
	"bytes"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/packet/ntlm"
	"vedette/internal/packet/spnego"
)

// SignIn follows how a client signs in by SPNEGO, NTLM or Kerberos inside another protocol,
// and makes the event of it. The zero SignIn is ready; one follows one attempt after the
// other.
type SignIn struct {
	ntlm     ntlm.Exchange
	kerberos bool
	service  []byte // of the ticket
	realm    []byte
	state    spnego.State
}

// Token takes a token that a side sends, and reports whether it is one that is known here.
func (s *SignIn) Token(data []byte) bool {
	t, ok := spnego.Read(data)
	if !ok {
		return false
	}
	if t.State != spnego.NotSaid {
		s.state = t.State
	}
	switch t.Mechanism {
	case spnego.NTLM:
		if s.ntlm.Read(t.Message) == ntlm.Negotiate {
			s.kerberos, s.state = false, spnego.NotSaid
		}
	case spnego.Kerberos:
		if service, realm := spnego.Service(t.Message); len(service) > 0 {
			*s = SignIn{kerberos: true, service: service, realm: bytes.Clone(realm[:min(len(realm), mostName)])}
		}
	case spnego.Unknown, spnego.NegoEx:
	}
	return true
}

// Ready reports whether the client has said who it is, so that the server's answer decides.
func (s *SignIn) Ready() bool { return s.kerberos || s.ntlm.Done }

// Challenged returns what was said with NTLM so far, of which nothing may be kept but what
// [SignIn.Tell] keeps, and whether there was anything.
func (s *SignIn) Challenged() (*ntlm.Exchange, bool) { return &s.ntlm, s.ntlm.Begun }

// Result returns what the last token says of how the attempt ended.
func (s *SignIn) Result() event.Result {
	switch s.state {
	case spnego.Accepted:
		return event.Success
	case spnego.Rejected:
		return event.Failure
	case spnego.NotSaid, spnego.Incomplete, spnego.RequestMIC:
	}
	return event.UnknownResult
}

// Tell makes the event of an attempt, and forgets it. Reason is the protocol's own word for
// a failure. If nobody said who it is it makes nothing and returns nil.
func (s *SignIn) Tell(t *Talk, emit *event.Emit, result event.Result, reason []byte) *event.Logon {
	if !s.Ready() {
		return nil
	}
	h, l := emit.Logon(t.Time)
	if l.Result = result; result == event.Failure {
		l.Reason = emit.Text(Printable(reason))
	}
	if s.kerberos {
		t.Fill(h, emit, "packet/kerberos")
		l.Protocol, l.Service = emit.Text([]byte("kerberos")), emit.Text(Readable(s.service))
		emit.Extra([]byte("realm"), Readable(s.realm))
		*s = SignIn{}
		return l
	}
	t.Fill(h, emit, "packet/ntlm")
	x := &s.ntlm
	l.Protocol = emit.Text([]byte("ntlm"))
	user := x.User
	if len(user) > 0 && len(x.Domain) > 0 {
		user = append(append(append(make([]byte, 0, len(user)+len(x.Domain)+1), x.Domain...), '\\'), user...)
	}
	l.User = emit.Text(Readable(user))
	if l.Service = emit.Text(Readable(x.ServerDNS)); l.Service == 0 {
		l.Service = emit.Text(Readable(x.ServerName))
	} else {
		emit.Extra([]byte("server_nb_computer_name"), Readable(x.ServerName))
	}
	emit.Extra([]byte("hostname"), Readable(x.Workstation))
	emit.Extra([]byte("server_tree_name"), Readable(x.Forest))
	version(emit, "ntlmssp.version", x.Client)
	version(emit, "ntlmssp.server_version", x.Server)
	if x.Proof == ntlm.Version1 {
		emit.Extra([]byte("ntlmssp.response"), []byte("ntlmv1"))
	}
	*s = SignIn{}
	return l
}

// version keeps the version of Windows that a side says it is.
func version(emit *event.Emit, name string, v ntlm.Version) {
	if v == (ntlm.Version{}) {
		return
	}
	var room [32]byte
	b := strconv.AppendUint(room[:0], uint64(v.Major), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(v.Minor), 10)
	b = strconv.AppendUint(append(b, " build "...), uint64(v.Build), 10)
	emit.Extra([]byte(name), b)
}
