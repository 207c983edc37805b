package segments

import (
	"slices"

	"vedette/internal/event"
	"vedette/internal/text"
)

// bodies returns the columns of the fields of each type. Columns of the same name are one.
// A new field of a type is one line here; a test finds the one that is missing.
func bodies() []column {
	return slices.Concat(
		flows(), queries(), requests(), handshakes(), logons(), files(), mails(), leases(), controls(), alerts(), rest(),
	)
}

func body[B any, F number](name string, k kind, s space, rows func(*event.Batch) []B, field func(*B) *F) column {
	return column{name: name, kind: k, parts: one(of(s, rows, field))}
}

// zero says that zero is a value of the column, and does not stand for "not known".
func (c column) zero() column { c.always = true; return c }

// in gives the words that stand for the values of a column.
func (c column) in(words ...string) column { c.words = words; return c }

// blind returns the two columns of what is left of a value.
func blind[B any](name string, s space, rows func(*event.Batch) []B, field func(*B) *event.Blind) []column {
	return []column{
		body(name+"_hash", count, s, rows, func(b *B) *uint64 { return &field(b).Hash }),
		body(name+"_length", count, s, rows, func(b *B) *uint64 { return &field(b).Length }),
	}
}

func flows() []column {
	const s = space(event.FlowType)
	all := func(b *event.Batch) []event.Flow { return b.Flows }
	return []column{
		body("protocol", texts, s, all, func(f *event.Flow) *text.Ref { return &f.Protocol }),
		body("protocol_number", small, s, all, func(f *event.Flow) *uint8 { return &f.Number }),
		body("service", texts, s, all, func(f *event.Flow) *text.Ref { return &f.Service }),
		body("state", texts, s, all, func(f *event.Flow) *text.Ref { return &f.State }),
		body("history", texts, s, all, func(f *event.Flow) *text.Ref { return &f.History }),
		body("community_id", texts, s, all, func(f *event.Flow) *text.Ref { return &f.Community }),
		body("bytes_out", count, s, all, func(f *event.Flow) *uint64 { return &f.BytesOut }).zero(),
		body("bytes_in", count, s, all, func(f *event.Flow) *uint64 { return &f.BytesIn }).zero(),
		body("packets_out", count, s, all, func(f *event.Flow) *uint64 { return &f.PacketsOut }).zero(),
		body("packets_in", count, s, all, func(f *event.Flow) *uint64 { return &f.PacketsIn }).zero(),
		body("bytes_missed", count, s, all, func(f *event.Flow) *uint64 { return &f.Missed }).zero(),
		body("duration_ns", signed, s, all, func(f *event.Flow) *int64 { return &f.Duration }),
		body("outcome", word, s, all, func(f *event.Flow) *event.Outcome { return &f.Outcome }).in("", "established", "unanswered", "refused"),
		body("open", flag, s, all, func(f *event.Flow) *uint8 { return &f.Open }).zero(),
	}
}

func queries() []column {
	const s = space(event.DNSType)
	all := func(b *event.Batch) []event.DNS { return b.DNS }
	return []column{
		body("dns_query", texts, s, all, func(d *event.DNS) *text.Ref { return &d.Query }),
		body("dns_type", texts, s, all, func(d *event.DNS) *text.Ref { return &d.Kind }),
		body("dns_code", texts, s, all, func(d *event.DNS) *text.Ref { return &d.Code }),
		body("dns_ttl", small, s, all, func(d *event.DNS) *uint32 { return &d.TTL }),
		body("dns_answered", flag, s, all, func(d *event.DNS) *uint8 { return &d.Answer }).zero(),
	}
}

func requests() []column {
	const s = space(event.HTTPType)
	all := func(b *event.Batch) []event.HTTP { return b.HTTP }
	return slices.Concat([]column{
		body("http_method", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Method }),
		body("http_host", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Host }),
		body("http_status", small, s, all, func(h *event.HTTP) *uint32 { return &h.Status }),
		body("http_user_agent", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Agent }),
		body("http_referrer", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Referrer }),
		body("media_type", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Type }),
		body("file_extension", texts, s, all, func(h *event.HTTP) *text.Ref { return &h.Extension }),
		body("bytes_out", count, s, all, func(h *event.HTTP) *uint64 { return &h.BytesOut }).zero(),
		body("bytes_in", count, s, all, func(h *event.HTTP) *uint64 { return &h.BytesIn }).zero(),
		body("http_proxied", flag, s, all, func(h *event.HTTP) *uint8 { return &h.Proxied }).zero(),
	},
		blind("http_path", s, all, func(h *event.HTTP) *event.Blind { return &h.Path }),
		blind("http_query", s, all, func(h *event.HTTP) *event.Blind { return &h.Query }))
}

func handshakes() []column {
	const s = space(event.TLSType)
	all := func(b *event.Batch) []event.TLS { return b.TLS }
	return []column{
		body("tls_server_name", texts, s, all, func(t *event.TLS) *text.Ref { return &t.ServerName }),
		body("tls_version", texts, s, all, func(t *event.TLS) *text.Ref { return &t.Version }),
		body("tls_cipher", texts, s, all, func(t *event.TLS) *text.Ref { return &t.Cipher }),
		body("tls_alpn", texts, s, all, func(t *event.TLS) *text.Ref { return &t.ALPN }),
		body("ja3", texts, s, all, func(t *event.TLS) *text.Ref { return &t.JA3 }),
		body("ja3s", texts, s, all, func(t *event.TLS) *text.Ref { return &t.JA3S }),
		body("ja4", texts, s, all, func(t *event.TLS) *text.Ref { return &t.JA4 }),
		body("certificate_subject", texts, s, all, func(t *event.TLS) *text.Ref { return &t.CertSubject }),
		body("certificate_issuer", texts, s, all, func(t *event.TLS) *text.Ref { return &t.CertIssuer }),
		body("certificate_hash", texts, s, all, func(t *event.TLS) *text.Ref { return &t.CertHash }),
		body("certificate_validation", texts, s, all, func(t *event.TLS) *text.Ref { return &t.Validation }),
		body("certificate_not_before", instant, s, all, func(t *event.TLS) *int64 { return &t.NotBefore }),
		body("certificate_not_after", instant, s, all, func(t *event.TLS) *int64 { return &t.NotAfter }),
		body("tls_established", flag, s, all, func(t *event.TLS) *uint8 { return &t.Established }).zero(),
		body("tls_resumed", flag, s, all, func(t *event.TLS) *uint8 { return &t.Resumed }).zero(),
	}
}

func logons() []column {
	const s = space(event.LogonType)
	all := func(b *event.Batch) []event.Logon { return b.Logons }
	return []column{
		body("protocol", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Protocol }),
		body("service", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Service }),
		body("user", texts, s, all, func(l *event.Logon) *text.Ref { return &l.User }),
		body("result", word, s, all, func(l *event.Logon) *event.Result { return &l.Result }).in("", "success", "failure"),
		body("logon_client", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Client }),
		body("logon_server", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Server }),
		body("logon_fingerprint", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Fingerprint }),
		body("logon_reason", texts, s, all, func(l *event.Logon) *text.Ref { return &l.Reason }),
		body("logon_attempts", small, s, all, func(l *event.Logon) *uint32 { return &l.Attempts }),
	}
}

func files() []column {
	const s = space(event.FileType)
	all := func(b *event.Batch) []event.File { return b.Files }
	return append([]column{
		body("protocol", texts, s, all, func(f *event.File) *text.Ref { return &f.Protocol }),
		body("action", texts, s, all, func(f *event.File) *text.Ref { return &f.Action }),
		body("file_share", texts, s, all, func(f *event.File) *text.Ref { return &f.Share }),
		body("file_extension", texts, s, all, func(f *event.File) *text.Ref { return &f.Extension }),
		body("media_type", texts, s, all, func(f *event.File) *text.Ref { return &f.Type }),
		body("file_md5", texts, s, all, func(f *event.File) *text.Ref { return &f.MD5 }),
		body("file_sha1", texts, s, all, func(f *event.File) *text.Ref { return &f.SHA1 }),
		body("file_sha256", texts, s, all, func(f *event.File) *text.Ref { return &f.SHA256 }),
		body("file_size", count, s, all, func(f *event.File) *uint64 { return &f.Size }).zero(),
		body("file_to_server", flag, s, all, func(f *event.File) *uint8 { return &f.ToServer }).zero(),
	}, blind("file_name", s, all, func(f *event.File) *event.Blind { return &f.Name })...)
}

func mails() []column {
	const s = space(event.MailType)
	all := func(b *event.Batch) []event.Mail { return b.Mails }
	return append([]column{
		body("mail_from", texts, s, all, func(m *event.Mail) *text.Ref { return &m.From }),
		body("mail_header_from", texts, s, all, func(m *event.Mail) *text.Ref { return &m.HeaderFrom }),
		body("mail_message_id", texts, s, all, func(m *event.Mail) *text.Ref { return &m.MessageID }),
		body("mail_helo", texts, s, all, func(m *event.Mail) *text.Ref { return &m.Helo }),
		body("mail_agent", texts, s, all, func(m *event.Mail) *text.Ref { return &m.Agent }),
		body("mail_reply", texts, s, all, func(m *event.Mail) *text.Ref { return &m.Reply }),
		body("mail_tls", flag, s, all, func(m *event.Mail) *uint8 { return &m.TLS }).zero(),
	}, blind("mail_subject", s, all, func(m *event.Mail) *event.Blind { return &m.Subject })...)
}

func leases() []column {
	const s = space(event.LeaseType)
	all := func(b *event.Batch) []event.Lease { return b.Leases }
	return []column{
		body("lease_address", texts, s, all, func(l *event.Lease) *text.Ref { return &l.Address }),
		body("lease_mac", texts, s, all, func(l *event.Lease) *text.Ref { return &l.MAC }),
		body("lease_hostname", texts, s, all, func(l *event.Lease) *text.Ref { return &l.Hostname }),
		body("lease_domain", texts, s, all, func(l *event.Lease) *text.Ref { return &l.Domain }),
		body("lease_message", texts, s, all, func(l *event.Lease) *text.Ref { return &l.Message }),
		body("lease_seconds", count, s, all, func(l *event.Lease) *uint64 { return &l.Seconds }),
	}
}

func controls() []column {
	const s = space(event.ControlType)
	all := func(b *event.Batch) []event.Control { return b.Controls }
	return []column{
		body("protocol", texts, s, all, func(c *event.Control) *text.Ref { return &c.Protocol }),
		body("control_function", texts, s, all, func(c *event.Control) *text.Ref { return &c.Function }),
		body("control_target", texts, s, all, func(c *event.Control) *text.Ref { return &c.Target }),
		body("control_exception", texts, s, all, func(c *event.Control) *text.Ref { return &c.Exception }),
		body("control_request", flag, s, all, func(c *event.Control) *uint8 { return &c.Request }).zero(),
		body("control_write", flag, s, all, func(c *event.Control) *uint8 { return &c.Write }).zero(),
	}
}

func alerts() []column {
	const s = space(event.AlertType)
	all := func(b *event.Batch) []event.Alert { return b.Alerts }
	return []column{
		body("alert_product", texts, s, all, func(a *event.Alert) *text.Ref { return &a.Product }),
		body("alert_signature", texts, s, all, func(a *event.Alert) *text.Ref { return &a.Signature }),
		body("alert_id", texts, s, all, func(a *event.Alert) *text.Ref { return &a.ID }),
		body("alert_category", texts, s, all, func(a *event.Alert) *text.Ref { return &a.Category }),
		body("alert_severity", word, s, all, func(a *event.Alert) *event.Severity { return &a.Severity }).in("", "informational", "low", "medium", "high", "critical"),
		body("action", texts, s, all, func(a *event.Alert) *text.Ref { return &a.Action }),
	}
}

func rest() []column {
	const s, other = space(event.SoftwareType), space(event.OtherType)
	all := func(b *event.Batch) []event.Software { return b.Softwares }
	return []column{
		body("software_kind", texts, s, all, func(x *event.Software) *text.Ref { return &x.Kind }),
		body("software_name", texts, s, all, func(x *event.Software) *text.Ref { return &x.Name }),
		body("software_version", texts, s, all, func(x *event.Software) *text.Ref { return &x.Version }),
		body("software_vendor", texts, s, all, func(x *event.Software) *text.Ref { return &x.Vendor }),
		body("message", texts, other, func(b *event.Batch) []event.Other { return b.Others }, func(o *event.Other) *text.Ref { return &o.Message }),
	}
}
