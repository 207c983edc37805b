package eve

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

// logon begins an attempt to sign in, by the protocol of that name.
func (d *decoder) logon(protocol string) *event.Logon {
	e, l := d.emit.Logon(d.head.time)
	d.fill(e)
	l.Protocol = d.emit.Text([]byte(protocol))
	return l
}

// talk makes an event without a body of a step of a conversation that is no attempt to
// sign in.
func (d *decoder) talk(top string, o *fastjson.Object) bool {
	e, _ := d.emit.Other(d.head.time)
	d.fill(e)
	d.keepAll(top, o)
	d.common()
	return true
}

// ssh makes an attempt of the banners. Whether it succeeded is encrypted.
func (d *decoder) ssh() bool {
	o := d.take("ssh")
	if o == nil {
		return false
	}
	d.over()
	l := d.logon("ssh")
	client, server := sub(o, "client"), sub(o, "server")
	l.Client = d.emit.Text(str(get(client, "software_version")))
	l.Server = d.emit.Text(str(get(server, "software_version")))
	hassh := get(client, "hassh")
	if l.Fingerprint = d.emit.Text(str(hassh)); l.Fingerprint == 0 {
		l.Fingerprint = d.emit.Text(hassh.GetStringBytes("hash"))
	}
	d.add("ssh.client.proto_version", str(get(client, "proto_version")))
	d.add("ssh.server.proto_version", str(get(server, "proto_version")))
	d.add("ssh.server.hassh", get(server, "hassh").GetStringBytes("hash"))
	o.Visit(func(key []byte, v *fastjson.Value) {
		if string(key) != "client" && string(key) != "server" {
			d.keep("ssh", key, v)
		}
	})
	d.common()
	return true
}

// krb5 makes an attempt of an answer of the key distribution centre. A request that
// asks for nothing yet, because it must be repeated with proof, fails with
// KDC_ERR_PREAUTH_REQUIRED: that is how Kerberos begins, not a failure.
func (d *decoder) krb5() bool {
	o := d.take("krb5")
	if o == nil {
		return false
	}
	d.orient(88, 464, 750)
	d.over()
	kind, code := str(o.Get("msg_type")), str(o.Get("error_code"))
	if bytes.HasSuffix(kind, []byte("_REQ")) {
		return d.talk("krb5", o) // the answer is the attempt
	}
	l := d.logon("kerberos")
	l.User = d.emit.Text(d.user(known(o.Get("cname")), known(o.Get("realm"))))
	l.Service = d.emit.Text(known(o.Get("sname")))
	switch {
	case len(code) > 0:
		l.Reason = d.emit.Text(code)
		if l.Result = event.Failure; string(code) == "KDC_ERR_PREAUTH_REQUIRED" || string(code) == "KRB_ERR_RESPONSE_TOO_BIG" {
			l.Result = event.UnknownResult
		}
	case bytes.HasSuffix(kind, []byte("_REP")):
		l.Result = event.Success
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "cname", "realm", "sname", "error_code":
		default:
			d.keep("krb5", key, v)
		}
	})
	d.common()
	return true
}

// known returns a name, but nothing for the words that EVE writes where there is none.
func known(v *fastjson.Value) []byte {
	s := str(v)
	switch string(s) {
	case "<empty>", "<none>", "<missing>":
		return nil
	}
	return s
}

// user returns name@realm. It lasts until the next call that uses d.text.
func (d *decoder) user(name, realm []byte) []byte {
	if len(realm) == 0 || len(name) == 0 || bytes.IndexByte(name, '@') >= 0 {
		return name
	}
	d.text = append(append(append(d.text[:0], name...), '@'), realm...)
	return d.text
}

// ntlm makes an attempt of a session that SMB set up with NTLM or Kerberos, if the
// record says how it ended. SMB answers "more processing required" to all steps but the
// last.
func (d *decoder) ntlm(o *fastjson.Object) bool {
	status := str(o.Get("status"))
	ntlmssp, kerberos := sub(o, "ntlmssp"), sub(o, "kerberos")
	if string(status) == "STATUS_MORE_PROCESSING_REQUIRED" || len(status) == 0 && ntlmssp == nil {
		return false
	}
	protocol := "smb"
	if ntlmssp != nil {
		protocol = "ntlm"
	} else if kerberos != nil {
		protocol = "kerberos"
	}
	l := d.logon(protocol)
	name, domain := str(get(ntlmssp, "user")), str(get(ntlmssp, "domain"))
	if len(name) > 0 && len(domain) > 0 {
		d.text = append(append(append(d.text[:0], domain...), '\\'), name...)
		name = d.text
	}
	l.User = d.emit.Text(name)
	l.Client = d.emit.Text(str(get(sub(o, "request"), "native_os")))
	l.Server = d.emit.Text(str(get(sub(o, "response"), "native_os")))
	l.Service = d.emit.Text([]byte("smb"))
	switch string(status) {
	case "":
	case "STATUS_SUCCESS":
		l.Result = event.Success
	default:
		l.Result, l.Reason = event.Failure, d.emit.Text(status)
	}
	return true
}

// rdp makes an attempt of the first message of a connection. The cookie is the name that
// the client would sign in with, cut to nine letters by some.
func (d *decoder) rdp() bool {
	o := d.take("rdp")
	if o == nil {
		return false
	}
	d.orient(3389)
	d.over()
	if string(str(o.Get("event_type"))) != "initial_request" {
		return d.talk("rdp", o)
	}
	l := d.logon("rdp")
	l.User = d.emit.Text(str(o.Get("cookie")))
	o.Visit(func(key []byte, v *fastjson.Value) {
		if string(key) != "cookie" {
			d.keep("rdp", key, v)
		}
	})
	d.common()
	return true
}

// rfb makes an attempt of a session of VNC.
func (d *decoder) rfb() bool {
	o := d.take("rfb")
	if o == nil {
		return false
	}
	d.orient(5900, 5901, 5902, 5903)
	d.over()
	l := d.logon("vnc")
	switch result := str(get(sub(o, "authentication"), "security_result")); string(result) {
	case "":
	case "OK":
		l.Result = event.Success
	default:
		l.Result, l.Reason = event.Failure, d.emit.Text(result)
	}
	d.keepAll("rfb", o)
	d.common()
	return true
}

// mqtt makes an attempt of a connection with its answer. Topics are blinded like the
// messages: in a hospital they name patients.
func (d *decoder) mqtt() bool {
	o := d.take("mqtt")
	if o == nil {
		return false
	}
	d.orient(1883, 8883)
	d.over()
	connect, answer := sub(o, "connect"), sub(o, "connack")
	if connect == nil && answer == nil {
		return d.talk("mqtt", o)
	}
	l := d.logon("mqtt")
	l.User = d.emit.Text(str(get(connect, "username")))
	l.Client = d.emit.Text(str(get(connect, "client_id")))
	if code := get(answer, "return_code"); code != nil {
		if l.Result = event.Success; num(code) != 0 {
			d.text = strconv.AppendUint(append(d.text[:0], "return code "...), num(code), 10)
			l.Result, l.Reason = event.Failure, d.emit.Text(d.text)
		}
	}
	d.keepAll("mqtt", o)
	d.common()
	return true
}

// pgsql makes an attempt of the exchange in which PostgreSQL accepts or refuses a user.
// Codes of class 28 are refusals.
func (d *decoder) pgsql() bool {
	o := d.take("pgsql")
	if o == nil {
		return false
	}
	d.orient(5432)
	d.over()
	request, response := sub(o, "request"), sub(o, "response")
	code, message := str(get(response, "code")), str(get(response, "message"))
	refused := bytes.HasPrefix(code, []byte("28"))
	user := get(request, "startup_parameters").GetStringBytes("user")
	accepted := string(message) == "authentication_ok"
	if !refused && !accepted {
		return d.talk("pgsql", o) // among them the first step, which names the user
	}
	l := d.logon("postgresql")
	l.User = d.emit.Text(user)
	if l.Result = event.Success; refused {
		l.Result, l.Reason = event.Failure, d.emit.Text(code)
	}
	d.keepAll("pgsql", o)
	d.common()
	return true
}

// ldap makes an attempt of a bind with its answer.
func (d *decoder) ldap() bool {
	o := d.take("ldap")
	if o == nil {
		return false
	}
	d.orient(389, 3268, 636, 3269)
	d.over()
	bind := sub(sub(o, "request"), "bind_request")
	if bind == nil {
		return d.talk("ldap", o)
	}
	l := d.logon("ldap")
	l.User = d.emit.Text(str(bind.Get("name")))
	for _, v := range get(o, "responses").GetArray() {
		code := v.GetStringBytes("bind_response", "result_code")
		switch string(code) {
		case "", "sasl_bind_in_progress":
			continue
		case "success":
			l.Result = event.Success
		default:
			l.Result, l.Reason = event.Failure, d.emit.Text(code)
		}
		break
	}
	d.keepAll("ldap", o)
	d.common()
	return true
}

// ftp makes an attempt of the answer to a name or password, and a file activity of a
// command on a file. Arguments are never kept: they are names, of people or files, or
// passwords, but for the name to sign in with.
func (d *decoder) ftp() bool {
	o := d.take("ftp")
	if o == nil {
		return false
	}
	d.over()
	command, data := str(o.Get("command")), str(o.Get("command_data"))
	action, toServer := ftpAction(command)
	if action != "" {
		f := d.fileEvent("ftp", action)
		f.ToServer = toServer
		d.fileName(f, data)
		d.keepAll("ftp", o)
		d.common()
		return true
	}
	var code []byte
	for _, v := range o.Get("completion_code").GetArray() {
		code = str(v) // the last decides
	}
	result := event.UnknownResult
	switch string(code) {
	case "230", "232":
		result = event.Success
	case "430", "530", "532":
		result = event.Failure
	}
	named := string(command) == "USER"
	if result == event.UnknownResult || !named && string(command) != "PASS" {
		e, _ := d.emit.Other(d.head.time)
		d.fill(e)
		if named {
			d.add("ftp.user", data)
		}
	} else {
		l := d.logon("ftp")
		l.Result = result
		if result == event.Failure {
			l.Reason = d.emit.Text(code)
		}
		if named {
			l.User = d.emit.Text(data)
		}
	}
	d.keepAll("ftp", o)
	d.common()
	return true
}

// pop3 makes an attempt of the answer to a password.
func (d *decoder) pop3() bool {
	o := d.take("pop3")
	if o == nil {
		return false
	}
	d.over()
	request, response := sub(o, "request"), sub(o, "response")
	command := str(get(request, "command"))
	switch string(command) {
	case "PASS", "APOP", "AUTH":
	default:
		return d.talk("pop3", o)
	}
	l := d.logon("pop3")
	if string(command) == "APOP" {
		l.User = d.emit.Text(first(get(request, "args")))
	}
	if v := get(response, "success"); v != nil {
		if l.Result = event.Failure; yes(v) {
			l.Result = event.Success
		}
	}
	d.keepAll("pop3", o)
	d.common()
	return true
}
