// Package dns decodes questions and answers of the Domain Name System (RFC 1035), over
// UDP and TCP, and those of its kin: multicast DNS (RFC 6762), LLMNR (RFC 4795), and the
// names of NetBIOS (RFC 1002, section 4.2).
//
// A question and its answer make one event, when the answer is seen, or when nobody waits
// for it any longer. Multicast answers come without a question and make one each.
package dns

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "dns", Summary: "Questions and answers of the Domain Name System, multicast DNS, LLMNR and NetBIOS names"},
	Makes: []event.Type{event.DNSType},
	Over:  []uint8{packet.UDP, packet.TCP},
	Ports: []uint16{53, 137, 5353, 5355},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

// Reasons for rejecting a message.
const (
	short    = decode.Reason("DNS message ends early")
	damaged  = decode.Reason("DNS message is malformed")
	nonsense = decode.Reason("DNS message of an unknown kind")
)

const (
	header     = 12
	mostAsked  = 64  // questions that wait at once in one conversation
	mostRecord = 512 // of an answer that are looked at
	mostModel  = 64  // bytes that are kept of what make a machine is
)

// sniff recognises a message by its header (RFC 1035, section 4.1.1) and a first question
// or answer that makes sense. Over TCP its length stands before it (section 4.2.2).
func sniff(f *packet.Flow, _ packet.Side, head []byte) decode.Guess {
	if f.Protocol == packet.TCP {
		if len(head) < 2+header {
			return decode.Maybe
		}
		n := int(binary.BigEndian.Uint16(head))
		if head = head[2:]; n < header {
			return decode.No
		}
		if len(head) < n && plausible(head) && !sound(head) {
			return decode.Maybe
		}
	}
	if sound(head) {
		return decode.Yes
	}
	return decode.No
}

// plausible reports whether a header of a message can be one.
func plausible(m []byte) bool {
	flags := binary.BigEndian.Uint16(m[2:])
	op, questions := flags>>11&15, binary.BigEndian.Uint16(m[4:])
	return op <= 8 && op != 3 && flags&0x40 == 0 && questions <= 16 && flags&15 <= 23
}

// sound reports whether a message begins as one does.
func sound(m []byte) bool {
	if len(m) < header || !plausible(m) {
		return false
	}
	var p dnsmessage.Parser
	h, err := p.Start(m)
	if err != nil {
		return false
	}
	q, err := p.Question()
	if err == dnsmessage.ErrSectionDone {
		return h.Response && binary.BigEndian.Uint16(m[6:]) > 0 && p.SkipAllQuestions() == nil && answered(&p)
	}
	return err == nil && known(q.Class)
}

func answered(p *dnsmessage.Parser) bool {
	h, err := p.AnswerHeader()
	return err == nil && known(h.Class)
}

// known reports whether a class is one that is used; multicast DNS takes its first bit for
// itself (RFC 6762, sections 5.4 and 10.2).
func known(c dnsmessage.Class) bool {
	switch c &^ (1 << 15) {
	case 1, 3, 4, 254, 255:
		return true
	}
	return false
}

// stream is one conversation.
type stream struct {
	asked []asked
}

// asked is a question that waits for its answer.
type asked struct {
	at     int64
	id     uint16
	kind   dnsmessage.Type
	length uint8
	name   [255]byte
}

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (used int, err error) {
	if t.Flow.Protocol == packet.UDP {
		return len(data), s.message(t, from, data, emit)
	}
	for len(data)-used >= 2 {
		n := int(binary.BigEndian.Uint16(data[used:]))
		if len(data)-used < 2+n {
			break
		}
		if err := s.message(t, from, data[used+2:][:n], emit); err != nil {
			return used, err
		}
		used += 2 + n
	}
	return used, nil
}

// Lost implements [decode.Stream]: where the next message begins, nobody knows.
func (s *stream) Lost(*decode.Talk, packet.Side, uint32) bool { return false }

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) {
	for i := range s.asked {
		s.unanswered(t, &s.asked[i], emit)
	}
	s.asked = s.asked[:0]
}

// message decodes one message.
func (s *stream) message(t *decode.Talk, from packet.Side, m []byte, emit *event.Emit) error {
	if len(m) < header {
		return short
	}
	if !plausible(m) {
		return nonsense
	}
	var p dnsmessage.Parser
	h, err := p.Start(m)
	if err != nil {
		return damaged
	}
	q, err := p.Question()
	if h.OpCode != 0 && !netbios(q.Type) { // updates and notifications tell of zones, not of who looks for whom
		return nil
	}
	switch {
	case err == dnsmessage.ErrSectionDone:
		q = dnsmessage.Question{}
	case err != nil:
		return damaged
	}
	if !h.Response {
		if err == nil {
			s.ask(t, h, &q, &p, emit)
		}
		return nil
	}
	if p.SkipAllQuestions() != nil {
		return damaged
	}
	s.answer(t, h, &q, &p, emit)
	return nil
}

// ask takes note of a question.
func (s *stream) ask(t *decode.Talk, h dnsmessage.Header, q *dnsmessage.Question, p *dnsmessage.Parser, emit *event.Emit) {
	id := h.ID
	if multicast(t) { // whoever can answer does, to all, and not in this conversation
		s.emit(t, spelt(&q.Name, q.Type), q.Type, emit)
		if h.OpCode == registration || h.OpCode == refresh || h.OpCode == refreshToo {
			emit.Extra([]byte("registers"), registered(p))
		}
		return
	}
	for i := range s.asked {
		if a := &s.asked[i]; a.id == id && a.kind == q.Type && string(a.name[:a.length]) == string(spelt(&q.Name, q.Type)) {
			return // it is asked again
		}
	}
	if len(s.asked) >= mostAsked {
		s.unanswered(t, &s.asked[0], emit)
		s.asked = append(s.asked[:0], s.asked[1:]...)
	}
	a := asked{at: t.Time, id: id, kind: q.Type}
	a.length = uint8(copy(a.name[:], spelt(&q.Name, q.Type)))
	s.asked = append(s.asked, a)
}

func (s *stream) unanswered(t *decode.Talk, a *asked, emit *event.Emit) {
	s.emit(t, a.name[:a.length], a.kind, emit)
}

// multicast reports whether a conversation is one of all with all: it is addressed to
// 224.0.0.0/4 or ff00::/8, or is NetBIOS's broadcast, whose answers come as conversations
// of their own.
func multicast(t *decode.Talk) bool {
	a := &t.Flow.Server.Addr
	return t.Flow.Server.Port == 137 && a[15] == 255 || a.Is4() && a[12]&0xf0 == 0xe0 || a[0] == 0xff
}

func dataset(t *decode.Talk) string {
	switch t.Flow.Server.Port {
	case 5353:
		return "packet/mdns"
	case 5355:
		return "packet/llmnr"
	case 137:
		return "packet/nbns"
	}
	return "packet/dns"
}

// emit makes the event of a question.
func (s *stream) emit(t *decode.Talk, name []byte, kind dnsmessage.Type, emit *event.Emit) *event.DNS {
	h, d := emit.DNS(t.Time)
	t.Fill(h, emit, dataset(t))
	d.Query = emit.Text(trim(name))
	d.Kind = emit.Text(typeName(kind))
	return d
}

// answer makes the event of an answer, with its question.
func (s *stream) answer(t *decode.Talk, h dnsmessage.Header, q *dnsmessage.Question, p *dnsmessage.Parser, emit *event.Emit) {
	name := spelt(&q.Name, q.Type)
	for i := range s.asked {
		a := &s.asked[i]
		if a.id == h.ID && (len(name) == 0 || a.kind == q.Type && string(a.name[:a.length]) == string(name)) {
			if len(name) == 0 {
				q.Type = a.kind
				name = append(name, a.name[:a.length]...)
			}
			s.asked = append(s.asked[:i], s.asked[i+1:]...)
			break
		}
	}
	found := records{multicast: t.Flow.Server.Port == 5353}
	found.read(p)
	found.more(p)
	if len(name) == 0 && found.n > 0 {
		name, q.Type = found.owner, found.kind
	}
	d := s.emit(t, name, q.Type, emit)
	d.Answer, d.TTL = 1, found.ttl
	d.Code = emit.Text(codeName(h.RCode))
	list := emit.List()
	for _, text := range found.texts {
		emit.Listed(&list, text)
	}
	d.Answers = list
}

// records is what the answers of a message say.
type records struct {
	multicast bool
	n         int
	ttl       uint32
	owner     []byte // of the first
	kind      dnsmessage.Type
	texts     [][]byte
}

// read reads the answers as far as they make sense.
func (r *records) read(p *dnsmessage.Parser) {
	for r.n < mostRecord {
		h, err := p.AnswerHeader()
		if err != nil {
			return
		}
		if r.n == 0 {
			r.owner, r.kind = spelt(&h.Name, h.Type), h.Type
		}
		if r.n == 0 || h.TTL < r.ttl {
			r.ttl = h.TTL
		}
		r.n++
		text, err := r.value(h.Type, p)
		if err != nil {
			return
		}
		if text != nil {
			r.texts = append(r.texts, text)
		}
	}
}

// more reads what comes along with multicast answers: where a service is, and what it is.
func (r *records) more(p *dnsmessage.Parser) {
	if !r.multicast || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return
	}
	for ; r.n < mostRecord; r.n++ {
		h, err := p.AdditionalHeader()
		if err != nil {
			return
		}
		if h.Type != dnsmessage.TypeSRV && h.Type != dnsmessage.TypeTXT {
			if p.SkipAdditional() != nil {
				return
			}
			continue
		}
		text, err := r.value(h.Type, p)
		if err != nil {
			return
		}
		r.texts = append(r.texts, text)
	}
}

// value returns what a record says, as text; nil for what is not kept.
func (r *records) value(t dnsmessage.Type, p *dnsmessage.Parser) ([]byte, error) {
	switch t {
	case dnsmessage.TypeA:
		r, err := p.AResource()
		return netip.AddrFrom4(r.A).AppendTo(nil), err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		return netip.AddrFrom16(r.AAAA).AppendTo(nil), err
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		return name(r.CNAME), err
	case dnsmessage.TypeNS:
		r, err := p.NSResource()
		return name(r.NS), err
	case dnsmessage.TypePTR:
		r, err := p.PTRResource()
		return name(r.PTR), err
	case dnsmessage.TypeMX:
		r, err := p.MXResource()
		return name(r.MX), err
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		return name(r.Target), err
	case typeNB:
		r, err := p.UnknownResource()
		if len(r.Data) >= 6 { // flags, then an address
			return netip.AddrFrom4([4]byte(r.Data[2:6])).AppendTo(nil), err
		}
		return nil, err
	case dnsmessage.TypeTXT:
		t, err := p.TXTResource()
		return r.described(t.TXT), err
	}
	return nil, p.SkipAnswer()
}

// described returns of a text how long it is, for what it says may be anything; and of one in
// which a machine describes a service of its own what make the machine is (RFC 6763, section
// 6; the keys are those of Apple's device-info and AirPlay, of IPP printers and of Google's cast).
func (r *records) described(all []string) []byte {
	n, model := 0, ""
	for _, s := range all {
		n += len(s)
		key, value, _ := strings.Cut(s, "=")
		switch strings.ToLower(key) {
		case "model", "md", "ty", "am", "usb_mdl":
			if r.multicast && model == "" && value != "" {
				model = " model=" + string(decode.Printable([]byte(value[:min(len(value), mostModel)])))
			}
		}
	}
	return append(strconv.AppendInt([]byte("TXT "), int64(n), 10), model...)
}

// Types of records that NetBIOS has (RFC 1002, section 4.2.1.3).
const (
	typeNB     dnsmessage.Type = 0x20
	typeNBSTAT dnsmessage.Type = 0x21
)

func netbios(t dnsmessage.Type) bool { return t == typeNB || t == typeNBSTAT }

// Operations by which a machine says that a name of NetBIOS is its (RFC 1002, section
// 4.2.1.1; 9 is what some write for 8).
const (
	registration = 5
	refresh      = 8
	refreshToo   = 9
)

// registered says whether a name that is registered is one machine's or a group's, which is the
// first bit of its flags (section 4.2.2).
func registered(p *dnsmessage.Parser) []byte {
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return nil
	}
	if h, err := p.AdditionalHeader(); err != nil || h.Type != typeNB {
		return nil
	}
	r, err := p.UnknownResource()
	switch {
	case err != nil || len(r.Data) < 6:
		return nil
	case r.Data[0]&0x80 != 0:
		return []byte("group")
	}
	return []byte("unique")
}

// spelt returns a name as it is shown. Those of NetBIOS have 15 letters, filled up with
// blanks, and a last one that says what for, each spelt as two (RFC 1001, section 14.1).
func spelt(n *dnsmessage.Name, t dnsmessage.Type) []byte {
	raw := n.Data[:n.Length]
	if !netbios(t) || len(raw) < 33 || raw[32] != '.' {
		return lowered(raw)
	}
	var plain [15]byte
	for i := range plain {
		high, low := raw[2*i]-'A', raw[2*i+1]-'A'
		if high > 15 || low > 15 {
			return lowered(raw)
		}
		plain[i] = high<<4 | low
	}
	end := len(plain)
	for end > 0 && (plain[end-1] == ' ' || plain[end-1] == 0) {
		end--
	}
	return lowered(plain[:end])
}

func name(n dnsmessage.Name) []byte { return trim(lowered(n.Data[:n.Length])) }

// trim returns a name without its final dot.
func trim(name []byte) []byte {
	if n := len(name); n > 1 && name[n-1] == '.' {
		return name[:n-1]
	}
	return name
}

// lowered returns a name in lower case, and what does not print as \DDD (RFC 4343, section
// 2.1), so that it can be shown.
func lowered(name []byte) []byte {
	out := make([]byte, 0, len(name))
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c <= ' ' || c > '~':
			out = append(out, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			out = append(out, c)
		}
	}
	return out[:min(len(out), 255)]
}

// typeName returns the mnemonic of a type of record (IANA's registry, as other tools
// write it).
func typeName(t dnsmessage.Type) []byte {
	switch t {
	case 0:
		return nil
	case 1:
		return []byte("A")
	case 2:
		return []byte("NS")
	case 5:
		return []byte("CNAME")
	case 6:
		return []byte("SOA")
	case 10:
		return []byte("NULL")
	case 12:
		return []byte("PTR")
	case 13:
		return []byte("HINFO")
	case 15:
		return []byte("MX")
	case 16:
		return []byte("TXT")
	case 28:
		return []byte("AAAA")
	case 32:
		return []byte("NB")
	case 33:
		return []byte("SRV")
	case 35:
		return []byte("NAPTR")
	case 43:
		return []byte("DS")
	case 46:
		return []byte("RRSIG")
	case 47:
		return []byte("NSEC")
	case 48:
		return []byte("DNSKEY")
	case 64:
		return []byte("SVCB")
	case 65:
		return []byte("HTTPS")
	case 99:
		return []byte("SPF")
	case 251:
		return []byte("IXFR")
	case 252:
		return []byte("AXFR")
	case 255:
		return []byte("*")
	}
	return strconv.AppendInt([]byte("TYPE"), int64(t), 10)
}

// codeName returns the mnemonic of a response code.
func codeName(c dnsmessage.RCode) []byte {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
	if int(c) < len(names) {
		return []byte(names[c])
	}
	return strconv.AppendInt([]byte("RCODE"), int64(c), 10)
}
