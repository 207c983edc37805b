// Package http decodes HTTP/1 (RFC 9110, 9112): each request with its answer makes one
// event, when the answer has ended, or when nobody waits for it any longer.
//
// Of bodies nothing is kept but how long they were, and of paths and queries what package
// decode may keep of them.
package http

import (
	"bytes"
	"strconv"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "http", Summary: "Requests and answers of HTTP/1, also to proxies"},
	Makes: []event.Type{event.HTTPType},
	Over:  []uint8{packet.TCP},
	Ports: []uint16{80, 81, 591, 631, 3128, 5985, 8000, 8008, 8080, 8081, 8888},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

// Reasons for rejecting a conversation.
const (
	noHead   = decode.Reason("HTTP message without a first line that makes sense")
	longHead = decode.Reason("HTTP head longer than 64 KiB")
	noChunk  = decode.Reason("HTTP chunk of a length that cannot be")
)

const (
	mostHead   = 64 << 10
	mostLine   = 16 << 10
	mostQueue  = 128 // requests that wait for answers
	mostServer = 96  // bytes of a server's name for itself
)

// sniff recognises a request by its first line, and an answer by its version.
func sniff(_ *packet.Flow, from packet.Side, head []byte) decode.Guess {
	const version = "HTTP/1."
	if n := min(len(head), len(version)); string(head[:n]) == version[:n] {
		if n < len(version) {
			return decode.Maybe
		}
		return decode.Yes
	}
	if from == packet.Server {
		return decode.No
	}
	return request(head)
}

// request recognises the first line of a request (RFC 9112, section 3).
func request(head []byte) decode.Guess {
	method := 0
	for method < len(head) && (head[method] >= 'A' && head[method] <= 'Z' || head[method] == '_' || head[method] == '-') {
		method++
	}
	switch {
	case method == 0 && len(head) > 0 || method > 24:
		return decode.No
	case method == len(head):
		return decode.Maybe
	case head[method] != ' ':
		return decode.No
	}
	end := bytes.IndexByte(head, '\n')
	if end < 0 {
		if len(head) > mostLine/8 && known(head[:method]) {
			return decode.Yes
		}
		return decode.Maybe
	}
	line := bytes.TrimRight(head[:end], "\r ")
	if i := bytes.LastIndexByte(line, ' '); i > method && bytes.HasPrefix(line[i+1:], []byte("HTTP/")) {
		return decode.Yes
	}
	return decode.No
}

// known reports whether a method is one of IANA's registry that is met.
func known(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "REPORT", "SEARCH", "MKCOL", "MOVE", "COPY", "LOCK", "UNLOCK":
		return true
	}
	return false
}

// stream is one conversation.
type stream struct {
	sides [2]side
	queue []asked
}

// side is where one side is in its messages.
type side struct {
	phase phase
	left  uint64 // bytes of the body, or of the chunk
	body  uint64 // bytes of the body so far
}

type phase uint8

const (
	heads    phase = iota // a message begins
	fixed                 // a body of a known length
	chunks                // the line that says how long a chunk is
	chunk                 // a chunk
	chunkEnd              // the end of its line
	trailers              // after the last chunk
	toTheEnd              // a body that ends when the connection does
)

// asked is a request, and its answer as far as it came.
type asked struct {
	at       int64
	method   []byte
	host     []byte
	target   []byte
	agent    []byte
	referrer []byte
	kind     []byte // media type of the answer
	server   []byte // the program that answers, as it says
	out, in  uint64
	status   uint32
	whole    bool // the request was seen to its end, so that out holds
	answered bool
}

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (used int, err error) {
	for used < len(data) && !t.Again {
		n, err := s.step(t, from, data[used:], emit)
		if err != nil {
			return used, err
		}
		if n == 0 {
			break
		}
		used += n
	}
	return used, nil
}

// step takes the next part of a message, and returns how long it was; 0 if it is not whole.
func (s *stream) step(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (int, error) {
	w := &s.sides[from]
	switch w.phase {
	case fixed, chunk:
		n := int(min(w.left, uint64(len(data))))
		w.left -= uint64(n)
		w.body += uint64(n)
		if w.left == 0 {
			if w.phase == chunk {
				w.phase = chunkEnd
			} else {
				s.ended(t, from, emit)
			}
		}
		return n, nil
	case toTheEnd:
		w.body += uint64(len(data))
		return len(data), nil
	case heads:
		return s.head(t, from, data, emit)
	}
	line, n := cutLine(data)
	if n == 0 {
		if len(data) > mostLine {
			return 0, noChunk
		}
		return 0, nil
	}
	switch w.phase {
	case chunks:
		size, _, _ := bytes.Cut(line, []byte(";"))
		left, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 62)
		if err != nil {
			return 0, noChunk
		}
		if w.left, w.phase = left, chunk; left == 0 {
			w.phase = trailers
		}
	case chunkEnd:
		w.phase = chunks
	case trailers:
		if len(line) == 0 {
			s.ended(t, from, emit)
		}
	}
	return n, nil
}

// cutLine returns the first line, without its end, and how long it is with it.
func cutLine(data []byte) (line []byte, n int) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return nil, 0
	}
	return bytes.TrimSuffix(data[:i], []byte("\r")), i + 1
}

// head takes the head of a message.
func (s *stream) head(t *decode.Talk, from packet.Side, data []byte, emit *event.Emit) (int, error) {
	if data[0] == '\r' || data[0] == '\n' { // empty lines before a message are passed over (RFC 9112, section 2.2)
		return 1, nil
	}
	end, n := headEnd(data)
	if n == 0 {
		if len(data) > mostHead {
			return 0, longHead
		}
		return 0, nil
	}
	line, skip := cutLine(data[:end])
	if skip == 0 {
		line, skip = data[:end], end
	}
	f := fieldsOf(data[skip:end])
	if from == packet.Client {
		return n, s.request(t, line, &f, emit)
	}
	return n, s.answer(t, line, &f, emit)
}

// headEnd returns where a head ends, and where what follows begins; 0 if its end is not
// there yet.
func headEnd(data []byte) (end, next int) {
	for at := 0; ; {
		line, n := cutLine(data[at:])
		if n == 0 {
			return 0, 0
		}
		if len(line) == 0 {
			return at, at + n
		}
		at += n
	}
}

// fields are the header fields of a message that are of use.
type fields struct {
	host, agent, referrer, kind, server, length, coding, upgrade []byte
}

// fieldsOf reads header fields (RFC 9110, section 5). Of one that comes twice the first
// counts; a length that is said twice and otherwise is the first, as most servers have it.
func fieldsOf(data []byte) (f fields) {
	for len(data) > 0 {
		line, n := cutLine(data)
		if n == 0 {
			line, n = data, len(data)
		}
		data = data[n:]
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		if to := f.of(bytes.TrimSpace(name)); to != nil && *to == nil {
			*to = bytes.TrimSpace(value)
		}
	}
	return f
}

// of returns where the value of a field goes.
func (f *fields) of(name []byte) *[]byte {
	switch {
	case bytes.EqualFold(name, []byte("host")):
		return &f.host
	case bytes.EqualFold(name, []byte("user-agent")):
		return &f.agent
	case bytes.EqualFold(name, []byte("referer")):
		return &f.referrer
	case bytes.EqualFold(name, []byte("content-type")):
		return &f.kind
	case bytes.EqualFold(name, []byte("server")):
		return &f.server
	case bytes.EqualFold(name, []byte("content-length")):
		return &f.length
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		return &f.coding
	case bytes.EqualFold(name, []byte("upgrade")):
		return &f.upgrade
	}
	return nil
}

// body says how the body of a message is to be read (RFC 9112, section 6.3), for what has
// one. Without a length, an answer goes on to the end of the connection.
func (w *side) begin(f *fields, toEnd bool) {
	w.body, w.left = 0, 0
	length, err := strconv.ParseUint(string(f.length), 10, 62)
	switch {
	case len(f.coding) > 0 && bytes.HasSuffix(bytes.ToLower(f.coding), []byte("chunked")):
		w.phase = chunks
	case f.length != nil && err == nil:
		w.left, w.phase = length, fixed
	case toEnd:
		w.phase = toTheEnd
	default:
		w.phase = fixed
	}
}

// request takes a request.
func (s *stream) request(t *decode.Talk, line []byte, f *fields, emit *event.Emit) error {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(method) > 64 {
		return noHead
	}
	target := rest
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 && bytes.HasPrefix(rest[i+1:], []byte("HTTP/")) {
		target = rest[:i]
	}
	if len(s.queue) >= mostQueue {
		s.tell(t, &s.queue[0], emit)
		s.queue = append(s.queue[:0], s.queue[1:]...)
	}
	s.queue = append(s.queue, asked{
		at: t.Time, method: bytes.Clone(method), target: bytes.Clone(bytes.TrimSpace(target)),
		host: bytes.Clone(f.host), agent: bytes.Clone(f.agent), referrer: bytes.Clone(f.referrer),
	})
	w := &s.sides[packet.Client]
	if w.begin(f, false); w.phase == fixed && w.left == 0 {
		s.ended(t, packet.Client, emit)
	}
	return nil
}

// answer takes the head of an answer.
func (s *stream) answer(t *decode.Talk, line []byte, f *fields, emit *event.Emit) error {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	status, err := strconv.ParseUint(string(code), 10, 16)
	if !bytes.HasPrefix(version, []byte("HTTP/")) || err != nil {
		return noHead
	}
	if status >= 100 && status < 200 && status != 101 { // the answer proper follows
		return nil
	}
	if len(s.queue) == 0 { // its request was not seen
		s.queue = append(s.queue, asked{at: t.Time})
	}
	a := &s.queue[0]
	a.status, a.answered = uint32(status), true
	kind, _, _ := bytes.Cut(f.kind, []byte(";"))
	a.kind = bytes.Clone(bytes.TrimSpace(kind))
	a.server = bytes.Clone(f.server[:min(len(f.server), mostServer)])
	connect := string(a.method) == "CONNECT" && status/100 == 2
	if connect || status == 101 {
		s.ended(t, packet.Server, emit)
		t.Again = true // what follows is another protocol
		return nil
	}
	w := &s.sides[packet.Server]
	if string(a.method) == "HEAD" || status == 204 || status == 304 {
		s.ended(t, packet.Server, emit)
		return nil
	}
	if w.begin(f, true); w.phase == fixed && w.left == 0 {
		s.ended(t, packet.Server, emit)
	}
	return nil
}

// ended takes note that a message has ended.
func (s *stream) ended(t *decode.Talk, from packet.Side, emit *event.Emit) {
	w := &s.sides[from]
	body := w.body
	*w = side{}
	if from == packet.Client {
		if n := len(s.queue); n > 0 {
			s.queue[n-1].out, s.queue[n-1].whole = body, true
		}
		return
	}
	if len(s.queue) == 0 {
		return
	}
	a := &s.queue[0]
	if a.in = body; !a.whole && len(s.queue) == 1 {
		a.out = s.sides[packet.Client].body
	}
	s.tell(t, a, emit)
	s.queue = append(s.queue[:0], s.queue[1:]...)
}

// Lost implements [decode.Stream]: inside a body that goes on after it, nothing is lost but
// bytes that are not kept.
func (s *stream) Lost(_ *decode.Talk, from packet.Side, n uint32) bool {
	w := &s.sides[from]
	switch w.phase {
	case toTheEnd:
	case fixed, chunk:
		if uint64(n) >= w.left {
			return false
		}
		w.left -= uint64(n)
	default:
		return false
	}
	w.body += uint64(n)
	return true
}

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) {
	for i := range s.queue {
		a := &s.queue[i]
		if a.answered {
			a.in = s.sides[packet.Server].body
		}
		if i == len(s.queue)-1 && !a.whole {
			a.out = s.sides[packet.Client].body
		}
		s.tell(t, a, emit)
	}
	s.queue = s.queue[:0]
}

// tell makes the event of a request.
func (s *stream) tell(t *decode.Talk, a *asked, emit *event.Emit) {
	h, e := emit.HTTP(t.Time)
	t.Fill(h, emit, "packet/http")
	host := decode.WithoutPort(a.host)
	switch {
	case string(a.method) == "CONNECT": // the target is whom the proxy is to connect to
		e.Proxied = 1
		if len(host) == 0 {
			host = decode.WithoutPort(a.target)
		}
	case len(a.target) > 0:
		if a.target[0] != '/' && bytes.Contains(a.target[:min(len(a.target), 12)], []byte("://")) {
			e.Proxied = 1
			if len(host) == 0 {
				host = decode.Host(a.target)
			}
		}
		decode.Target(e, emit, a.target)
	}
	e.Method, e.Host = emit.Text(decode.Printable(a.method)), emit.Text(decode.HostName(host))
	e.Agent = emit.Text(decode.Printable(a.agent))
	e.Referrer = emit.Text(decode.HostName(decode.Host(a.referrer)))
	e.Type = emit.Text(bytes.ToLower(decode.Printable(a.kind)))
	e.BytesOut, e.BytesIn, e.Status = a.out, a.in, a.status
	emit.Extra([]byte("server"), decode.Printable(a.server))
}
