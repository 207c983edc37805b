package event

import (
	"strconv"
	"time"

	"vedette/internal/entity"
	"vedette/internal/text"
)

// Fields calls yield with the name and value of every field that is kept of the event,
// in an order that depends on its type alone, until yield returns false. It is an
// iterator: range over v.Fields. Names are in the manner of OCSF; empty fields are left
// out, and of what must not be kept there is the length and a hash. Values are as the
// sensor wrote them: whoever shows them makes control characters visible.
func (v View) Fields(yield func(name, value string) bool) {
	h, r, o := v.Head(), v.Record(), v.Origin()
	f := fields{v: v, yield: yield}
	f.add("time", stamp(h.Time))
	f.add("type", h.Type.String())
	f.add("class_uid", strconv.FormatUint(uint64(h.Type.Class()), 10))
	f.text("dataset", h.Dataset)
	f.text("tenant", o.Tenant)
	f.text("site", o.Site)
	f.text("source", o.Source)
	f.add("position", strconv.FormatUint(r.Position, 10))
	f.count("index", uint64(h.Index))
	f.add("content_hash", hash(r.Content))
	f.add("trust", word(uint8(r.Trust), "claimed", "handshake", "authenticated"))
	if h.Link != 0 {
		f.add("link", hash(h.Link))
	}
	f.entity("src", &h.Subject)
	f.entity("dst", &h.Object)
	f.body(h.Type)
	for _, x := range v.Extras() {
		f.add(v.String(x.Name), v.String(x.Value))
	}
}

// fields yields what is not empty, until it is told to stop.
type fields struct {
	v     View
	yield func(name, value string) bool
	done  bool
}

func (f *fields) add(name, value string) {
	if !f.done && value != "" {
		f.done = !f.yield(name, value)
	}
}

func (f *fields) text(name string, r text.Ref) {
	if !f.done && r.Len() > 0 {
		f.add(name, f.v.String(r))
	}
}

func (f *fields) count(name string, n uint64) {
	if n != 0 {
		f.add(name, strconv.FormatUint(n, 10))
	}
}

func (f *fields) flag(name string, n uint8) {
	if n != 0 {
		f.add(name, "true")
	}
}

func (f *fields) time(name string, at int64) {
	if at != 0 {
		f.add(name, stamp(at))
	}
}

func (f *fields) blind(name string, b Blind) {
	if b != (Blind{}) {
		f.add(name, "blinded, "+strconv.FormatUint(b.Length, 10)+" bytes, "+hash(b.Hash))
	}
}

func (f *fields) list(name string, t Texts) {
	for _, r := range f.v.List(t) {
		f.text(name, r)
	}
}

func (f *fields) entity(name string, r *entity.Ref) {
	f.text(name, r.Name)
	f.count(name+"_port", uint64(r.Port))
	if r.Type != entity.IP {
		f.add(name+"_type", r.Type.String())
	}
	switch r.Local {
	case entity.No:
		f.add(name+"_local", "false")
	case entity.Yes:
		f.add(name+"_local", "true")
	}
}

func (f *fields) body(t Type) {
	switch t {
	case FlowType:
		f.flow(f.v.Flow())
	case DNSType:
		f.dns(f.v.DNS())
	case HTTPType:
		f.http(f.v.HTTP())
	case TLSType:
		f.tls(f.v.TLS())
	case LogonType:
		f.logon(f.v.Logon())
	case FileType:
		f.file(f.v.File())
	case MailType:
		f.mail(f.v.Mail())
	case LeaseType:
		f.lease(f.v.Lease())
	case ControlType:
		f.control(f.v.Control())
	case AlertType:
		f.alert(f.v.Alert())
	case SoftwareType:
		s := f.v.Software()
		f.text("software_type", s.Kind)
		f.text("name", s.Name)
		f.text("version", s.Version)
		f.text("vendor_name", s.Vendor)
	case OtherType:
		f.text("message", f.v.Other().Message)
	}
}

func (f *fields) flow(b *Flow) {
	f.text("protocol_name", b.Protocol)
	f.text("service", b.Service)
	f.text("state", b.State)
	f.text("history", b.History)
	f.add("outcome", word(uint8(b.Outcome), "", "established", "unanswered", "refused"))
	f.count("bytes_out", b.BytesOut)
	f.count("bytes_in", b.BytesIn)
	f.count("packets_out", b.PacketsOut)
	f.count("packets_in", b.PacketsIn)
	f.count("bytes_missed", b.Missed)
	if b.Duration != 0 {
		f.add("duration", strconv.FormatFloat(float64(b.Duration)/1e9, 'f', -1, 64)+" s")
	}
	f.flag("open", b.Open)
	f.text("community_uid", b.Community)
}

func (f *fields) dns(b *DNS) {
	f.text("query_hostname", b.Query)
	f.text("query_type", b.Kind)
	f.flag("answered", b.Answer)
	f.text("rcode", b.Code)
	f.list("answer", b.Answers)
	f.count("ttl", uint64(b.TTL))
}

func (f *fields) http(b *HTTP) {
	f.text("http_method", b.Method)
	f.text("hostname", b.Host)
	f.blind("path", b.Path)
	f.text("path_extension", b.Extension)
	f.blind("query_string", b.Query)
	f.count("status_code", uint64(b.Status))
	f.text("user_agent", b.Agent)
	f.text("referrer_hostname", b.Referrer)
	f.text("content_type", b.Type)
	f.count("bytes_out", b.BytesOut)
	f.count("bytes_in", b.BytesIn)
	f.flag("proxied", b.Proxied)
}

func (f *fields) tls(b *TLS) {
	f.text("sni", b.ServerName)
	f.text("version", b.Version)
	f.text("cipher", b.Cipher)
	f.text("alpn", b.ALPN)
	f.flag("established", b.Established)
	f.flag("resumed", b.Resumed)
	f.text("ja3_hash", b.JA3)
	f.text("ja3s_hash", b.JA3S)
	f.text("ja4_fingerprint", b.JA4)
	f.text("certificate_subject", b.CertSubject)
	f.text("certificate_issuer", b.CertIssuer)
	f.text("certificate_hash", b.CertHash)
	f.text("certificate_status", b.Validation)
	f.time("certificate_created_time", b.NotBefore)
	f.time("certificate_expiration_time", b.NotAfter)
}

func (f *fields) logon(b *Logon) {
	f.text("auth_protocol", b.Protocol)
	f.text("user", b.User)
	f.text("service", b.Service)
	f.add("status", word(uint8(b.Result), "", "success", "failure"))
	f.text("status_detail", b.Reason)
	f.count("attempts", uint64(b.Attempts))
	f.text("client_software", b.Client)
	f.text("server_software", b.Server)
	f.text("client_fingerprint", b.Fingerprint)
}

func (f *fields) file(b *File) {
	f.text("protocol_name", b.Protocol)
	f.text("activity", b.Action)
	f.text("share", b.Share)
	f.blind("file_name", b.Name)
	f.text("file_extension", b.Extension)
	f.text("mime_type", b.Type)
	f.count("size", b.Size)
	f.flag("to_server", b.ToServer)
	f.text("md5", b.MD5)
	f.text("sha1", b.SHA1)
	f.text("sha256", b.SHA256)
}

func (f *fields) mail(b *Mail) {
	f.text("smtp_from", b.From)
	f.text("from", b.HeaderFrom)
	f.list("smtp_to", b.To)
	f.blind("subject", b.Subject)
	f.text("message_uid", b.MessageID)
	f.text("smtp_hello", b.Helo)
	f.text("x_mailer", b.Agent)
	f.text("reply_code", b.Reply)
	f.flag("tls", b.TLS)
}

func (f *fields) lease(b *Lease) {
	f.text("message_type", b.Message)
	f.text("ip", b.Address)
	f.text("mac", b.MAC)
	f.text("hostname", b.Hostname)
	f.text("domain", b.Domain)
	f.count("lease_duration", b.Seconds)
}

func (f *fields) control(b *Control) {
	f.text("protocol_name", b.Protocol)
	f.text("function", b.Function)
	f.text("target", b.Target)
	f.flag("request", b.Request)
	f.flag("write", b.Write)
	f.text("exception", b.Exception)
}

func (f *fields) alert(b *Alert) {
	f.text("product", b.Product)
	f.text("signature", b.Signature)
	f.text("signature_uid", b.ID)
	f.text("category", b.Category)
	f.text("action", b.Action)
	f.add("severity", word(uint8(b.Severity), "", "informational", "low", "medium", "high", "critical"))
}

func stamp(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339Nano) }

func hash(h uint64) string {
	s := strconv.FormatUint(h, 16)
	return "#" + "0000000000000000"[len(s):] + s
}

// word returns the i-th word; one that is not known, such as of a newer version, by its
// number.
func word(i uint8, words ...string) string {
	if int(i) < len(words) {
		return words[i]
	}
	return strconv.Itoa(int(i))
}
