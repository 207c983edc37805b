package event

import (
	"errors"
	"slices"

	"vedette/internal/rows"
	"vedette/internal/text"
)

// Type says which slice of a batch holds the body of an event.
type Type uint8

// The types of event.
const (
	FlowType Type = iota + 1
	DNSType
	HTTPType
	TLSType
	LogonType
	FileType
	MailType
	LeaseType
	ControlType
	AlertType
	SoftwareType
	OtherType
	Types // one more than the last
)

// String returns the type's name.
func (t Type) String() string {
	names := [...]string{
		"", "flow", "dns", "http", "tls", "logon", "file", "mail", "lease", "control",
		"alert", "software", "other",
	}
	if t < Types {
		return names[t]
	}
	return ""
}

// Batch is a run of events in order. The zero Batch is empty and ready.
type Batch struct {
	Text    text.Arena
	Origins []Origin
	Records []Record
	Events  []Envelope // the order
	Extras  []Extra
	Texts   []text.Ref // of Texts lists

	Flows     []Flow
	DNS       []DNS
	HTTP      []HTTP
	TLS       []TLS
	Logons    []Logon
	Files     []File
	Mails     []Mail
	Leases    []Lease
	Controls  []Control
	Alerts    []Alert
	Softwares []Software
	Others    []Other
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Text.Reset()
	b.cut(mark{})
}

// mark is how long each slice was at some moment.
type mark struct {
	origins, records, events, extras, texts int
	bodies                                  [Types]int
}

func (b *Batch) mark() mark {
	return mark{
		len(b.Origins), len(b.Records), len(b.Events), len(b.Extras), len(b.Texts),
		[Types]int{
			FlowType: len(b.Flows), DNSType: len(b.DNS), HTTPType: len(b.HTTP), TLSType: len(b.TLS),
			LogonType: len(b.Logons), FileType: len(b.Files), MailType: len(b.Mails), LeaseType: len(b.Leases),
			ControlType: len(b.Controls), AlertType: len(b.Alerts), SoftwareType: len(b.Softwares), OtherType: len(b.Others),
		},
	}
}

// cut shortens every slice to what it was at m; the strings stay.
func (b *Batch) cut(m mark) {
	b.Origins, b.Records, b.Events = b.Origins[:m.origins], b.Records[:m.records], b.Events[:m.events]
	b.Extras, b.Texts = b.Extras[:m.extras], b.Texts[:m.texts]
	n := &m.bodies
	b.Flows, b.DNS, b.HTTP, b.TLS = b.Flows[:n[FlowType]], b.DNS[:n[DNSType]], b.HTTP[:n[HTTPType]], b.TLS[:n[TLSType]]
	b.Logons, b.Files, b.Mails, b.Leases = b.Logons[:n[LogonType]], b.Files[:n[FileType]], b.Mails[:n[MailType]], b.Leases[:n[LeaseType]]
	b.Controls, b.Alerts = b.Controls[:n[ControlType]], b.Alerts[:n[AlertType]]
	b.Softwares, b.Others = b.Softwares[:n[SoftwareType]], b.Others[:n[OtherType]]
}

// Expect makes room for about as much as other holds. Filling a new batch with the like
// of it is twice as fast then, for nothing has to be moved.
func (b *Batch) Expect(other *Batch) {
	b.Text.Expect(&other.Text)
	b.Origins, b.Records, b.Events = room(b.Origins, other.Origins), room(b.Records, other.Records), room(b.Events, other.Events)
	b.Extras, b.Texts = room(b.Extras, other.Extras), room(b.Texts, other.Texts)
	b.Flows, b.DNS, b.HTTP, b.TLS = room(b.Flows, other.Flows), room(b.DNS, other.DNS), room(b.HTTP, other.HTTP), room(b.TLS, other.TLS)
	b.Logons, b.Files = room(b.Logons, other.Logons), room(b.Files, other.Files)
	b.Mails, b.Leases = room(b.Mails, other.Mails), room(b.Leases, other.Leases)
	b.Controls, b.Alerts = room(b.Controls, other.Controls), room(b.Alerts, other.Alerts)
	b.Softwares, b.Others = room(b.Softwares, other.Softwares), room(b.Others, other.Others)
}

func room[T any](rows, other []T) []T { return slices.Grow(rows, len(other)+len(other)/16) }

// Append appends the batch's bytes to dst.
func (b *Batch) Append(dst []byte) []byte {
	dst = rows.Append(dst, b.Text.Raw())
	dst = rows.Append(rows.Append(rows.Append(dst, b.Origins), b.Records), b.Events)
	dst = rows.Append(rows.Append(dst, b.Extras), b.Texts)
	dst = rows.Append(rows.Append(rows.Append(rows.Append(dst, b.Flows), b.DNS), b.HTTP), b.TLS)
	dst = rows.Append(rows.Append(rows.Append(rows.Append(dst, b.Logons), b.Files), b.Mails), b.Leases)
	return rows.Append(rows.Append(rows.Append(rows.Append(dst, b.Controls), b.Alerts), b.Softwares), b.Others)
}

// Read replaces the batch by what Append wrote. It trusts the references in it: the
// log and the spill files are our own, and checked by their frames.
func (b *Batch) Read(src []byte) error {
	var raw []byte
	r := rows.Reader{Src: src}
	rows.Read(&r, &raw)
	rows.Read(&r, &b.Origins)
	rows.Read(&r, &b.Records)
	rows.Read(&r, &b.Events)
	rows.Read(&r, &b.Extras)
	rows.Read(&r, &b.Texts)
	rows.Read(&r, &b.Flows)
	rows.Read(&r, &b.DNS)
	rows.Read(&r, &b.HTTP)
	rows.Read(&r, &b.TLS)
	rows.Read(&r, &b.Logons)
	rows.Read(&r, &b.Files)
	rows.Read(&r, &b.Mails)
	rows.Read(&r, &b.Leases)
	rows.Read(&r, &b.Controls)
	rows.Read(&r, &b.Alerts)
	rows.Read(&r, &b.Softwares)
	rows.Read(&r, &b.Others)
	b.Text.SetRaw(raw)
	if r.Err == nil && len(r.Src) > 0 {
		r.Err = errors.New("event: bytes after the end of a batch")
	}
	return r.Err
}

// Size returns how many bytes of memory the batch's contents take.
func (b *Batch) Size() int { return b.Text.Size() + b.mark().size() }

// Memory returns how many bytes of memory the batch holds, in use or not: what it goes
// on holding when it is reset.
func (b *Batch) Memory() int {
	room := mark{
		cap(b.Origins), cap(b.Records), cap(b.Events), cap(b.Extras), cap(b.Texts),
		[Types]int{
			FlowType: cap(b.Flows), DNSType: cap(b.DNS), HTTPType: cap(b.HTTP), TLSType: cap(b.TLS),
			LogonType: cap(b.Logons), FileType: cap(b.Files), MailType: cap(b.Mails), LeaseType: cap(b.Leases),
			ControlType: cap(b.Controls), AlertType: cap(b.Alerts), SoftwareType: cap(b.Softwares), OtherType: cap(b.Others),
		},
	}
	return b.Text.Memory() + room.size()
}

// size returns how many bytes as many rows take.
func (m mark) size() int {
	each := [Types]int{
		FlowType: 96, DNSType: 40, HTTPType: 104, TLSType: 112, LogonType: 64, FileType: 96,
		MailType: 80, LeaseType: 48, ControlType: 40, AlertType: 48, SoftwareType: 32, OtherType: 8,
	}
	n := 24*(m.origins+m.records) + 88*m.events + 16*m.extras + 8*m.texts
	for t, rows := range m.bodies {
		n += each[t] * rows
	}
	return n
}
