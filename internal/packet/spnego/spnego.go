// Package spnego finds in the tokens that SMB, LDAP, HTTP and DCE/RPC carry with which
// mechanism a client signs in, and that mechanism's own message: SPNEGO (RFC 4178, and its
// extension in MS-SPNG), the framing of GSS-API (RFC 2743, section 3.1), Kerberos inside it
// (RFC 4121) and NTLM without any frame.
package spnego

import (
	"bytes"

	"vedette/internal/packet/ber"
)

// Mechanism is a way to sign in.
type Mechanism uint8

// The mechanisms.
const (
	Unknown Mechanism = iota
	NTLM
	Kerberos
	NegoEx // which negotiates once more (MS-NEGOEX)
)

// State is what a negotiation has come to, as one side says (RFC 4178, section 4.2.2).
type State uint8

// The states. NotSaid stands for a token without one.
const (
	NotSaid State = iota
	Accepted
	Incomplete
	Rejected
	RequestMIC
)

// Messages of Kerberos, by the application tag that they begin with (RFC 4120, section 5).
const (
	APRequest = 14
	APReply   = 15
	Error     = 30
)

// Token is what one side says.
type Token struct {
	Mechanism Mechanism // of Message, or else the one that is offered first or agreed on
	State     State
	// Message is the mechanism's own, without any frame; nil if there is none. It is part of
	// what was read.
	Message []byte
}

// Read reads a token. It is not ok if it is none of those that are known here.
func Read(data []byte) (t Token, ok bool) {
	if t.message(data) {
		return t, true
	}
	r := ber.Of(data)
	switch tag, body := r.Next(); tag {
	case ber.Application(0):
		in := ber.Of(body)
		if oid := in.Take(ber.OID); string(oid) != "\x2b\x06\x01\x05\x05\x02" { // 1.3.6.1.5.5.2, SPNEGO
			return t, false
		}
		init := in.Inside(ber.Context(0))
		return t, t.init(&init)
	case ber.Context(0):
		in := ber.Of(body)
		return t, t.init(&in)
	case ber.Context(1):
		in := ber.Of(body)
		return t, t.response(&in)
	}
	return t, false
}

// init reads what is inside a NegTokenInit or NegTokenInit2.
func (t *Token) init(r *ber.Reader) bool {
	in := r.Inside(ber.Sequence)
	if list, ok := in.Maybe(ber.Context(0)); ok {
		types := ber.Of(list)
		first := types.Inside(ber.Sequence)
		t.Mechanism = mechanism(first.Take(ber.OID))
	}
	in.Maybe(ber.Context(1)) // flags
	t.octets(&in)
	return r.OK()
}

// response reads what is inside a NegTokenResp.
func (t *Token) response(r *ber.Reader) bool {
	in := r.Inside(ber.Sequence)
	if body, ok := in.Maybe(ber.Context(0)); ok {
		state := ber.Of(body)
		if v := state.Take(ber.Enumerated); len(v) == 1 && v[0] < 4 {
			t.State = Accepted + State(v[0])
		}
	}
	if body, ok := in.Maybe(ber.Context(1)); ok {
		agreed := ber.Of(body)
		t.Mechanism = mechanism(agreed.Take(ber.OID))
	}
	t.octets(&in)
	return r.OK()
}

// octets takes the mechanism's token, which has the same place in both messages.
func (t *Token) octets(r *ber.Reader) {
	if body, ok := r.Maybe(ber.Context(2)); ok {
		in := ber.Of(body)
		t.message(in.Take(ber.Octets))
	}
}

// message takes a mechanism's own token. What it is itself counts more than what was
// agreed on: clients send the token of the mechanism they hope for before they know.
func (t *Token) message(data []byte) bool {
	switch {
	case bytes.HasPrefix(data, []byte("NTLMSSP\x00")):
		t.Mechanism, t.Message = NTLM, data
		return true
	case bytes.HasPrefix(data, []byte("NEGOEXTS")):
		t.Mechanism, t.Message = NegoEx, data
		return true
	}
	r := ber.Of(data)
	if body, ok := r.Maybe(ber.Application(0)); ok {
		in := ber.Of(body)
		oid := in.Take(ber.OID)
		skip := 2 + len(oid) + 2 // after it two bytes say which message it is, as it does itself
		if mechanism(oid) != Kerberos || len(body) < skip {
			return false
		}
		data = body[skip:]
		r = ber.Of(data)
	}
	switch tag, _ := r.Next(); tag {
	case ber.Application(APRequest), ber.Application(APReply), ber.Application(Error):
		t.Mechanism, t.Message = Kerberos, data
		return true
	}
	return false
}

// mechanism returns which one an object identifier stands for. Microsoft's for Kerberos has
// a bit too little and is as frequent as the right one.
func mechanism(oid []byte) Mechanism {
	switch string(oid) {
	case "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a": // 1.3.6.1.4.1.311.2.2.10
		return NTLM
	case "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02", // 1.2.840.113554.1.2.2, 1.2.840.48018.1.2.2
		"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03": // user to user
		return Kerberos
	case "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e": // 1.3.6.1.4.1.311.2.2.30
		return NegoEx
	}
	return Unknown
}

// Service returns for which service of which realm the ticket is that a client shows in an
// AP-REQ (RFC 4120, section 5.5.1), such as cifs/files.example in EXAMPLE. Who shows it is
// encrypted.
func Service(message []byte) (service, realm []byte) {
	r := ber.Of(message)
	r = r.Inside(ber.Application(APRequest))
	r = r.Inside(ber.Sequence)
	for n := range uint8(3) { // version, type, options
		r.Take(ber.Context(n))
	}
	r = r.Inside(ber.Context(3))
	r = r.Inside(ber.Application(1))
	r = r.Inside(ber.Sequence)
	r.Take(ber.Context(0))
	in := r.Inside(ber.Context(1))
	realm = in.Take(ber.Text)
	r = r.Inside(ber.Context(2))
	r = r.Inside(ber.Sequence)
	r.Take(ber.Context(0)) // sort of name
	r = r.Inside(ber.Context(1))
	for r = r.Inside(ber.Sequence); r.More() && len(service) < 512; {
		if len(service) > 0 {
			service = append(service, '/')
		}
		service = append(service, r.Take(ber.Text)...)
	}
	return service, realm
}
