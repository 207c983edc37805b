package event

// TouchHead reads of event i what a processor has to fetch first, and returns something
// that means nothing. Whoever visits events that lie far apart touches a few dozen heads
// and then their bodies before he uses them: memory answers many questions in the time of
// one.
func (b *Batch) TouchHead(i int) uint64 {
	h := &b.Events[i]
	return uint64(h.Time) + uint64(h.Link) + uint64(h.Index)
}

// TouchBody reads likewise of the event's record, its body and its extras. The head was
// touched before.
func (b *Batch) TouchBody(i int) (n uint64) {
	h := &b.Events[i]
	n = b.Records[h.Record].Position
	if h.Extras > 0 {
		n += uint64(b.Extras[h.Extra].Name)
	}
	switch row := h.Row; h.Type {
	case FlowType:
		f := &b.Flows[row]
		n += uint64(f.Protocol) + f.PacketsIn + uint64(f.Open)
	case DNSType:
		n += uint64(b.DNS[row].Query) + uint64(b.DNS[row].Answer)
	case HTTPType:
		h := &b.HTTP[row]
		n += uint64(h.Method) + h.Path.Length + uint64(h.Proxied)
	case TLSType:
		t := &b.TLS[row]
		n += uint64(t.ServerName) + uint64(t.CertIssuer) + uint64(t.Resumed)
	case LogonType:
		n += uint64(b.Logons[row].Protocol) + uint64(b.Logons[row].Result)
	case FileType:
		f := &b.Files[row]
		n += uint64(f.Protocol) + f.Name.Length + uint64(f.ToServer)
	case MailType:
		n += uint64(b.Mails[row].From) + uint64(b.Mails[row].TLS)
	case LeaseType:
		n += uint64(b.Leases[row].Address) + b.Leases[row].Seconds
	case ControlType:
		n += uint64(b.Controls[row].Protocol)
	case AlertType:
		n += uint64(b.Alerts[row].Product)
	case SoftwareType:
		n += uint64(b.Softwares[row].Kind)
	case OtherType:
		n += uint64(b.Others[row].Message)
	}
	return n
}
