// Package eve decodes Suricata's EVE log, versions 4 to 8: one JSON object a line.
//
// A record has an event_type and, mostly, an object of that name with what is particular
// to it. What a type of event has no field for is kept as extras with dotted names, such
// as "flow.reason". Names that may hold content, secrets or people are blinded: see
// policyOf.
//
// Suricata writes some records with the addresses of the connection, client first, and
// others with those of the packet at hand. Subject is the client wherever that can be
// told; see [decoder.orient].
package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/plug"
)

// Kind is the decoder of EVE.
var Kind = decode.Kind{
	Info: plug.Info{Name: "eve", Summary: "Suricata's EVE log, one JSON object a line"},
	Makes: []event.Type{
		event.FlowType, event.DNSType, event.HTTPType, event.TLSType, event.LogonType, event.FileType, event.MailType,
		event.LeaseType, event.ControlType, event.AlertType, event.SoftwareType, event.OtherType,
	},
	Sniff: sniff,
	New:   func() decode.Record { return new(decoder).record },
}

// Reasons for rejection of this format.
const (
	errType    = decode.Reason("no event_type")
	errAddress = decode.Reason("an address that is none")
	errDeep    = decode.Reason("JSON nested deeper than any EVE record")
)

const (
	small   = 8 << 10  // bytes; EVE records are, but for payloads and statistics
	large   = 64 << 10 // bytes; beyond it the parser's memory is not kept
	deepest = 64       // levels of nesting in a record that is not small
)

// decoder decodes the records of one source. What it remembers between records is memory
// to use again, and how names of fields are to be treated.
type decoder struct {
	parser   fastjson.Parser
	emit     *event.Emit
	head     head
	rest     []field           // the fields of the record that nobody has taken yet
	policies map[string]policy // of names seen before
	path     []byte            // the name of the field at hand
	text     []byte            // its value, if it had to be made
	low      []byte            // a value in lower case
	kept     int               // extras of the event at hand
	src      [48]byte          // the memory of head.src
	dest     [48]byte
}

// head is what records of all types have.
type head struct {
	time              int64
	kind              []byte // event_type
	src, dest         []byte // addresses in canonical form
	proto             []byte
	app               []byte // app_proto
	direction         []byte
	community         []byte
	link              uint64
	srcPort, destPort uint16
	wrong             decode.Reason
}

// field is a field of the record. The value is nil once it was taken.
type field struct {
	name  []byte
	value *fastjson.Value
}

func (d *decoder) record(data []byte, emit *event.Emit) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return decode.NotRecord
	}
	// The parser quotes the rest of the record in its errors once for each level: on a
	// long and deep one that is work out of all proportion.
	if len(data) > small && deeper(data, deepest) {
		return errDeep
	}
	err := d.parse(data, emit)
	if len(data) > large {
		d.parser, d.rest = fastjson.Parser{}, nil
	}
	return err
}

func (d *decoder) parse(data []byte, emit *event.Emit) error {
	v, err := d.parser.ParseBytes(data)
	if err != nil {
		return decode.NotJSON
	}
	o := v.GetObject()
	if o == nil {
		return decode.NotObject
	}
	d.emit, d.head, d.rest, d.kept = emit, head{}, d.rest[:0], 0
	o.Visit(d.field)
	if d.head.time == 0 {
		d.head.time = emit.Told()
	}
	switch h := &d.head; {
	case h.wrong != "":
		return h.wrong
	case len(h.kind) == 0:
		return errType
	case h.time <= 0:
		return decode.NoTime
	}
	if !d.decode() {
		d.other()
	}
	return nil
}

// field sorts the fields of the record into the head and the rest.
func (d *decoder) field(key []byte, v *fastjson.Value) {
	h := &d.head
	switch string(key) {
	case "timestamp":
		h.time = parseTime(str(v))
	case "event_type":
		h.kind = str(v)
	case "src_ip":
		h.src = d.address(d.src[:0], v)
	case "dest_ip":
		h.dest = d.address(d.dest[:0], v)
	case "src_port":
		h.srcPort = port(v)
	case "dest_port":
		h.destPort = port(v)
	case "proto":
		h.proto = str(v)
	case "app_proto":
		h.app = str(v)
	case "direction":
		h.direction = str(v)
	case "community_id":
		h.community = str(v)
	case "flow_id":
		d.text = scalar(d.text[:0], v)
		h.link = decode.LinkOf(d.text)
	case "ip_v": // the address says so
	default:
		d.rest = append(d.rest, field{key, v})
	}
}

// address returns the canonical form of an address. A record with a wrong one is
// rejected: whose it is could never be told.
func (d *decoder) address(buf []byte, v *fastjson.Value) []byte {
	s := str(v)
	if len(s) == 0 {
		return nil
	}
	a := canonical(buf, s)
	if a == nil {
		d.head.wrong = errAddress
	}
	return a
}

// decode makes the events of the record. It reports whether it knew how: it does not if
// the type is unknown, or the object that goes with it is missing.
func (d *decoder) decode() bool {
	switch string(d.head.kind) {
	case "flow":
		return d.flow()
	case "netflow":
		return d.netflow()
	case "alert":
		return d.alert()
	case "drop":
		return d.drop()
	case "anomaly":
		return d.anomaly()
	case "dns", "mdns", "llmnr", "doh2":
		return d.dns()
	case "http", "http2":
		return d.http()
	case "tls":
		return d.tls()
	case "quic":
		return d.quic()
	case "fileinfo":
		return d.fileinfo()
	case "ftp_data":
		return d.ftpData()
	case "tftp":
		return d.tftp()
	case "nfs":
		return d.nfs()
	case "smtp", "email":
		return d.mail()
	case "dhcp":
		return d.dhcp()
	case "arp":
		return d.arp()
	case "modbus":
		return d.modbus()
	case "dnp3":
		return d.dnp3()
	case "enip":
		return d.enip()
	case "stats":
		return d.stats()
	}
	return d.session()
}

// session makes the events of protocols in which people and programs sign in.
func (d *decoder) session() bool {
	switch string(d.head.kind) {
	case "ssh":
		return d.ssh()
	case "krb5":
		return d.krb5()
	case "smb":
		return d.smb()
	case "ftp":
		return d.ftp()
	case "rdp":
		return d.rdp()
	case "rfb":
		return d.rfb()
	case "mqtt":
		return d.mqtt()
	case "pgsql":
		return d.pgsql()
	case "ldap":
		return d.ldap()
	case "pop3":
		return d.pop3()
	case "dcerpc":
		return d.app(135)
	case "sip":
		return d.app(5060, 5061)
	case "snmp":
		return d.app(161, 162)
	case "telnet":
		return d.app(23)
	case "ike", "bittorrent_dht", "websocket", "ntp":
		return d.app()
	}
	return false
}

// app keeps a record of a protocol that has no event of its own. The ports are those of
// its servers.
func (d *decoder) app(ports ...uint16) bool {
	name := string(d.head.kind)
	o := d.take(name)
	if o == nil {
		return false
	}
	d.orient(ports...)
	d.over()
	return d.talk(name, o)
}

// take returns the object of that name, which is then no longer among the rest; nil if
// there is none.
func (d *decoder) take(name string) *fastjson.Object {
	for i := range d.rest {
		if f := &d.rest[i]; f.value != nil && string(f.name) == name {
			o := f.value.GetObject()
			if o != nil {
				f.value = nil
			}
			return o
		}
	}
	return nil
}

// peek is take, but leaves the object among the rest.
func (d *decoder) peek(name string) *fastjson.Object {
	for _, f := range d.rest {
		if f.value != nil && string(f.name) == name {
			return f.value.GetObject()
		}
	}
	return nil
}

// fill fills in the envelope from the head.
func (d *decoder) fill(e *event.Envelope) {
	h := &d.head
	e.Subject, e.Object = d.endpoint(h.src, h.srcPort), d.endpoint(h.dest, h.destPort)
	e.Link = h.link
	d.path = append(append(d.path[:0], "eve/"...), h.kind[:min(len(h.kind), 64)]...)
	e.Dataset = d.emit.Text(d.path)
	d.kept = 0
}

func (d *decoder) endpoint(ip []byte, port uint16) entity.Ref {
	r := d.emit.Entity(entity.Device, entity.IP, ip)
	if r.Key != 0 {
		r.Port = port
	}
	return r
}

// over raises the trust of a record that a conversation over TCP made: the sensor hands
// a protocol's parser nothing before the handshake is complete, unless it was told to
// join connections midway, which is not the default.
func (d *decoder) over() {
	if string(d.head.proto) == "TCP" {
		d.emit.Trust(event.Handshake)
	}
}

// orient turns the addresses so that Subject is the client, for records whose addresses
// are those of a packet. The server is the side with the port of the service; if that
// does not tell, the one with a privileged port.
func (d *decoder) orient(ports ...uint16) {
	h := &d.head
	src, dest := false, false
	for _, p := range ports {
		src, dest = src || h.srcPort == p, dest || h.destPort == p
	}
	if src == dest {
		src, dest = privileged(h.srcPort), privileged(h.destPort)
	}
	if src && !dest {
		d.turn()
	}
}

func (d *decoder) turn() {
	h := &d.head
	h.src, h.dest, h.srcPort, h.destPort = h.dest, h.src, h.destPort, h.srcPort
}

func privileged(port uint16) bool { return port != 0 && port < 1024 }

// deeper reports whether the text nests objects and arrays deeper than n.
func deeper(data []byte, n int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > n {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// sniff looks for a line that is a record of EVE among the first ones: the first may be
// the end of one that was cut by rotation.
func sniff(head []byte) bool {
	cut := len(head) >= decode.HeadSize
	for range 8 {
		line, after, whole := bytes.Cut(head, []byte("\n"))
		if !whole && cut {
			return looksLike(line)
		}
		if isRecord(line) {
			return true
		}
		if head = after; len(head) == 0 {
			return false
		}
	}
	return false
}

// isRecord reports whether the line is a record. Others write event_type and timestamp
// too, so there must be something else that is Suricata's.
func isRecord(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' || deeper(line, deepest) {
		return false
	}
	var p fastjson.Parser
	v, err := p.ParseBytes(line)
	if err != nil {
		return false
	}
	kind := v.GetStringBytes("event_type")
	if len(kind) == 0 || parseTime(v.GetStringBytes("timestamp")) <= 0 {
		return false
	}
	return v.Exists("flow_id") || v.Exists("src_ip") || v.Exists("pcap_cnt") || v.GetObject(string(kind)) != nil
}

// looksLike is isRecord for the beginning of a record.
func looksLike(line []byte) bool {
	return len(line) > 0 && line[0] == '{' && bytes.Contains(line, []byte(`"event_type":`)) && bytes.Contains(line, []byte(`"timestamp":`))
}
