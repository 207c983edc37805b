// Package zeek decodes the logs of Zeek, and of what speaks like Zeek: Corelight, and
// the ICSNPP parsers of CISA.
//
// A log comes as columns under a header or as JSON, one object a line. Both are read
// into the same record, by the names of its fields, and from there on one piece of code
// per log knows what they mean. A log is told by its path; a JSON record without one by
// the fields it has. What a log's code has no place for is kept as Extras, and a log
// that nobody knows is kept as Extras whole.
package zeek

import (
	"bytes"
	"cmp"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/plug"
)

// Kind is the decoder of Zeek logs.
var Kind = decode.Kind{
	Info: plug.Info{Name: "zeek", Summary: "Logs of Zeek, Corelight and the ICSNPP parsers, as columns or JSON lines"},
	Makes: []event.Type{
		event.FlowType, event.DNSType, event.HTTPType, event.TLSType, event.LogonType, event.FileType,
		event.MailType, event.LeaseType, event.ControlType, event.AlertType, event.SoftwareType, event.OtherType,
	},
	Sniff: sniff,
	New:   func() decode.Record { return newDecoder().decode },
}

// Reasons of this decoder's own.
const (
	badAddress = decode.Reason("an address or port that is none")
	noLog      = decode.Reason("a JSON record of no Zeek log")
)

// maxLogs is how many logs are remembered by their path.
const maxLogs = 512

// decoder is what is remembered of a source: the header, and where keys were found.
type decoder struct {
	dictionary *dictionary
	logs       map[string]*log
	signs      []sign
	header     header
	json       jsonReader
	record     record
}

func newDecoder() *decoder {
	d := &decoder{dictionary: newDictionary(), logs: map[string]*log{}, signs: signs(), header: newHeader()}
	for _, l := range logs() {
		l.dataset = []byte("zeek/" + l.path)
		d.logs[l.path] = &l
	}
	for i := range d.signs {
		s := &d.signs[i]
		s.log = d.logOf([]byte(s.path))
	}
	d.record.names = d.dictionary
	d.json = jsonReader{d: d.dictionary, r: &d.record, next: make([][2]column, columns)}
	return d
}

// decode decodes a line.
func (d *decoder) decode(line []byte, emit *event.Emit) error {
	r := &d.record
	r.reset(emit, line)
	if trimmed := bytes.TrimSpace(line); len(trimmed) == 0 {
		return decode.NotRecord
	} else if trimmed[0] == '#' {
		d.header.line(d, bytes.TrimLeft(line, " \t"))
		return decode.NotRecord
	} else if trimmed[0] == '{' {
		if err := d.readJSON(trimmed); err != nil {
			return err
		}
	} else if err := d.header.read(line, r); err != nil {
		return err
	} else {
		r.log = d.header.log
	}
	if r.log.silent {
		return nil
	}
	at := r.moment(cTS)
	if r.drop(cPath0); at == 0 {
		if at = cmp.Or(r.moment(cWriteTS), emit.Told()); at <= 0 || at > year2200 {
			return decode.NoTime
		}
	}
	r.drop(cWriteTS)
	if err := r.log.make(r, at); err != nil {
		return err
	}
	if emit.Emitted() > 0 {
		r.keep()
	}
	return nil
}

// readJSON reads a JSON line and finds out which log it is of.
func (d *decoder) readJSON(line []byte) error {
	r := &d.record
	r.data = line
	if err := d.json.read(line); err != nil {
		return err
	}
	if p := r.text(cPath0); len(p) > 0 {
		r.log = d.logOf(p)
	} else if r.log = d.guess(r.has); r.log != nil && r.log.proof != nil && !r.log.proof(r) {
		return noLog
	} else if r.log == nil && r.has(cTS) && r.has(cUID) {
		r.log = d.logs[other]
	} else if r.log == nil {
		return noLog
	}
	return nil
}

// logOf returns the log of a path. A path may be a file's, and have a suffix that a
// filter gave it: "/logs/conn-internal" is a conn log.
func (d *decoder) logOf(path []byte) *log {
	if l := d.logs[string(path)]; l != nil {
		return l
	}
	name := path
	if i := bytes.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	l := log{path: other, make: plainOther}
	if clean(name) {
		l.path = string(name)
		if base := d.logs[trimSuffix(l.path)]; base != nil {
			l.make, l.silent = base.make, base.silent
		}
	}
	l.dataset = []byte("zeek/" + l.path)
	if len(d.logs) >= maxLogs {
		return &l // nobody has that many logs: it is not worth remembering
	}
	d.logs[string(path)] = &l
	return &l
}

// clean reports whether a name is fit to be a dataset's.
func clean(name []byte) bool {
	for _, c := range name {
		if c|0x20-'a' >= 26 && c-'0' >= 10 && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 64
}

// trimSuffix returns the name of a log without what a filter or a rotation put behind it.
func trimSuffix(name string) string {
	for i, c := range name {
		if c == '-' || c == '.' {
			name = name[:i]
			break
		}
	}
	if n := len(name) - len("_red"); n > 0 && name[n:] == "_red" {
		return name[:n] // Corelight's reduced logs
	}
	return name
}

// sniff reports whether a source is of this format: it begins with Zeek's header, or
// with JSON that has a log's path or the fields of a log.
func sniff(head []byte) bool {
	whole := len(head) < decode.HeadSize
	var d *decoder
	for n := 0; n < 50 && len(head) > 0; n++ {
		line, rest, found := bytes.Cut(head, []byte("\n"))
		head = rest
		if !found && !whole {
			return false
		}
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case bytes.HasPrefix(line, []byte("#separator ")) || bytes.HasPrefix(line, []byte("#fields\t")):
			return true
		case line[0] == '#':
		case line[0] == '{':
			if d == nil {
				d = newDecoder()
			}
			d.record.reset(nil, nil)
			if d.readJSON(line) == nil {
				r := &d.record
				return r.log.silent || r.log.path != other && r.moment(cTS) != 0
			}
			if n > 10 {
				return false
			}
		default:
			return false
		}
	}
	return false
}
