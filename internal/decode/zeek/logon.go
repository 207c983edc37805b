package zeek

import (
	"bytes"

	"vedette/internal/entity"
	"vedette/internal/event"
)

// logon lends an attempt to sign in, over TCP: its addresses are real.
func (r *record) logon(at int64, protocol string) (*event.Logon, error) {
	h, l := r.emit.Logon(at)
	if err := r.head(h); err != nil {
		return nil, err
	}
	r.emit.Trust(event.Handshake)
	l.Protocol = r.emit.Text([]byte(protocol))
	return l, nil
}

// result takes a column that says whether it worked.
func (r *record) result(c column) event.Result {
	switch r.flag(c) {
	case entity.Yes:
		return event.Success
	case entity.No:
		return event.Failure
	}
	return event.UnknownResult
}

func ssh(r *record, at int64) error {
	l, err := r.logon(at, "ssh")
	if err != nil {
		return err
	}
	l.Client, l.Server = r.put(cClient), r.put(cServer)
	l.Fingerprint = r.put(cHassh)
	l.Attempts = uint32(min(r.count(cAuthAttempts), 1<<32-1))
	if l.Result = r.result(cAuthSuccess); r.has(cStatus) { // until Zeek 2.4
		switch string(r.text(cStatus)) {
		case "success":
			l.Result = event.Success
		case "failure":
			l.Result = event.Failure
		}
	}
	return nil
}

// kerberos goes over UDP as well, so nothing is said of the client's address.
func kerberos(r *record, at int64) error {
	h, l := r.emit.Logon(at)
	if err := r.head(h); err != nil {
		return err
	}
	l.Protocol = r.emit.Text([]byte("kerberos"))
	l.User = r.emit.Text(r.principal(r.text(cClient)))
	l.Service = r.put(cService)
	l.Result = r.result(cSuccess)
	l.Reason = r.put(cErrorMsg)
	return nil
}

// principal returns Zeek's name/REALM as name@REALM. A name may have slashes of its own.
func (r *record) principal(v []byte) []byte {
	i := bytes.LastIndexByte(v, '/')
	switch {
	case i == 0:
		return nil // a realm and no name
	case i < 0 || i+1 == len(v):
		return bytes.TrimSuffix(v, []byte("/"))
	}
	return r.join(v[:i], '@', v[i+1:])
}

func ntlm(r *record, at int64) error {
	l, err := r.logon(at, "ntlm")
	if err != nil {
		return err
	}
	user, domain := r.text(cUsername), r.text(cDomainname)
	if len(user) > 0 && len(domain) > 0 {
		user = r.join(domain, '\\', user)
	}
	l.User = r.emit.Text(user)
	if l.Service = r.put(cServerDNSName); l.Service == 0 {
		l.Service = r.put(cServerNBName)
	}
	l.Result = r.result(cSuccess)
	l.Reason = r.put(cStatus)
	return nil
}

// rdp says who wants to sign in, as far as the cookie tells. Its result is one of the
// negotiation, not of signing in.
func rdp(r *record, at int64) error {
	l, err := r.logon(at, "rdp")
	if err != nil {
		return err
	}
	l.User = r.emit.Text(bytes.TrimSpace(r.text(cCookie)))
	l.Client = r.put(cClientBuild)
	return nil
}

// radius is between a switch or access point and its server; the machine that wants in
// is in the extras.
func radius(r *record, at int64) error {
	h, l := r.emit.Logon(at)
	if err := r.head(h); err != nil {
		return err
	}
	l.Protocol = r.emit.Text([]byte("radius"))
	l.User = r.put(cUsername)
	switch result := r.text(cResult); string(result) {
	case "success":
		l.Result = event.Success
	case "failed":
		l.Result = event.Failure
		l.Reason = r.put(cReplyMsg)
	}
	return nil
}

// rfb is what VNC speaks.
func rfb(r *record, at int64) error {
	l, err := r.logon(at, "vnc")
	if err != nil {
		return err
	}
	l.Service = r.put(cDesktopName)
	l.Result = r.result(cAuth)
	return nil
}

// mqttConnect is signing in to a broker; Zeek does not write down as whom.
func mqttConnect(r *record, at int64) error {
	l, err := r.logon(at, "mqtt")
	if err != nil {
		return err
	}
	switch status := r.text(cConnectStatus); string(status) {
	case "":
	case "Connection Accepted":
		l.Result = event.Success
	default:
		l.Result, l.Reason = event.Failure, r.emit.Text(status)
	}
	return nil
}

// mysql signs in with the command login, whose argument is the user. What is asked of
// the database afterwards is content.
func mysql(r *record, at int64) error {
	if string(r.peek(cCmd)) != "login" {
		return statement(r, at, r.peek(cCmd))
	}
	r.drop(cCmd, cRows)
	l, err := r.logon(at, "mysql")
	if err != nil {
		return err
	}
	l.User = r.put(cArg)
	l.Result = r.result(cSuccess)
	l.Reason = r.put(cResponse)
	return nil
}

// postgresql signs in with a startup message, to which the server says how it ended. What
// is asked of the database afterwards is content.
func postgresql(r *record, at int64) error {
	if string(r.peek(cFrontend)) != "startup" {
		return statement(r, at, r.peek(cFrontend))
	}
	l, err := r.logon(at, "postgresql")
	if err != nil {
		return err
	}
	l.User, l.Service = r.put(cUser), r.put(cDatabase)
	l.Client = r.put(cApplicationName)
	l.Result = r.result(cSuccess)
	return nil
}

// redis has signing in as a command among others, with the password as its value.
func redis(r *record, at int64) error {
	command := r.peek(cCmdName)
	if !bytes.EqualFold(command, []byte("auth")) {
		return statement(r, at, command)
	}
	r.drop(cCmdKey, cCmdValue, cReplyValue, cCmdName)
	l, err := r.logon(at, "redis")
	if err != nil {
		return err
	}
	l.Result = r.result(cSuccess)
	return nil
}

// ldap signs in by a bind. Older parsers write one record for several operations.
func ldap(r *record, at int64) error {
	opcode, result, object := cOpcode, cResult, cObject
	if r.has(cOpcodes) {
		opcode, result, object = cOpcodes, cResults, cObjects
	}
	if !bytes.HasPrefix(r.peek(opcode), []byte("bind")) {
		return statement(r, at, r.peek(opcode))
	}
	r.drop(cArgument, cArguments)
	l, err := r.logon(at, "ldap")
	if err != nil {
		return err
	}
	l.User = r.emit.Text(r.first(object))
	switch v := r.first(result); string(v) {
	case "", "SASL bind in progress":
	case "success":
		l.Result = event.Success
	default:
		l.Result, l.Reason = event.Failure, r.emit.Text(v)
	}
	return nil
}

// rocLogin is signing in to a flow computer.
func rocLogin(r *record, at int64) error {
	r.drop(cPassword, cSessionKey, cWrappedKey)
	h, l := r.emit.Logon(at)
	if err := r.head(h); err != nil {
		return err
	}
	l.Protocol = r.emit.Text([]byte("roc_plus"))
	l.User = r.put(cOperatorID)
	return nil
}

// ftp signs in with USER and PASS, and moves files with the rest. Passwords are never
// kept; what Zeek knows of them may be a mail address.
func ftp(r *record, at int64) error {
	r.drop(cPassword)
	command := r.peek(cCommand)
	switch string(command) {
	case "USER", "PASS", "ACCT":
		r.drop(cArg, cCommand)
		l, err := r.logon(at, "ftp")
		if err != nil {
			return err
		}
		l.User = r.put(cUser)
		switch code := r.count(cReplyCode); {
		case code == 230 || code == 232:
			l.Result = event.Success
		case code >= 400 && code < 600:
			l.Result, l.Reason = event.Failure, r.put(cReplyMsg)
		}
		return nil
	}
	if action := ftpAction(command); action != "" {
		return ftpFile(r, at, action)
	}
	return statement(r, at, command)
}
