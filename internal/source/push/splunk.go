package push

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/valyala/fastjson"
)

const maxEvents = 100_000 // of a request that is no plain lines

// splunk adds what senders for Splunk's HTTP Event Collector need. Acknowledgement by
// channel is not offered: a request is answered when it is safe, which is what it is for.
// Of an envelope the event and its sourcetype or source are taken; time, host, index and
// fields are not.
func (s *server) splunk() {
	for _, path := range []string{"/services/collector", "/services/collector/event", "/services/collector/event/1.0"} {
		s.HandleFunc("POST "+path, s.handler(splunkWords, s.hec))
	}
	for _, path := range []string{"/services/collector/raw", "/services/collector/raw/1.0"} {
		s.HandleFunc("POST "+path, s.handler(splunkWords, s.hecRaw))
	}
	for _, path := range []string{"/services/collector/health", "/services/collector/health/1.0"} {
		s.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { splunkReply(w, "HEC is healthy", 17) })
	}
	s.HandleFunc("/services/collector/ack", s.handler(splunkWords, func(http.ResponseWriter, *http.Request, *worker) *problem {
		return &problem{Status: http.StatusBadRequest, Detail: "an answer of 200 is the acknowledgement", Text: "ACK is disabled", Code: 14}
	}))
}

// splunkWords adds what Splunk would say.
func splunkWords(p *problem) {
	if p.Text != "" {
		return
	}
	texts := map[int]string{2: "Token is required", 3: "Invalid authorization", 4: "Invalid token", 9: "Server is busy"}
	if p.Code == 0 {
		switch p.Status {
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			p.Code = 9
		default:
			p.Code = 6
		}
	}
	if p.Text = texts[p.Code]; p.Text == "" {
		p.Text = "Invalid data format"
	}
}

func splunkReply(w http.ResponseWriter, text string, code int) {
	reply(w, http.StatusOK, struct {
		Text string `json:"text"`
		Code int    `json:"code"`
	}{text, code})
}

// hec takes events in their envelopes.
func (s *server) hec(w http.ResponseWriter, r *http.Request, to *worker) *problem {
	b, p := s.read(w, r)
	if p != nil {
		return p
	}
	found, p := envelopes(b.data)
	if p != nil {
		b.free()
		return p
	}
	return s.splunkSubmit(w, r, to, b, found.each)
}

// hecRaw takes lines.
func (s *server) hecRaw(w http.ResponseWriter, r *http.Request, to *worker) *problem {
	b, p := s.read(w, r)
	if p != nil {
		return p
	}
	name := "raw"
	q := r.URL.Query()
	for _, k := range []string{"source", "sourcetype"} {
		if v := q.Get(k); v != "" {
			name = v
		}
	}
	if len(bytes.TrimSpace(b.data)) == 0 {
		b.free()
		return &problem{Status: http.StatusBadRequest, Detail: "the body is empty", Text: "No data", Code: 5}
	}
	return s.splunkSubmit(w, r, to, b, func(visit visitor) error { return eachLine(b.data, name, visit) })
}

func (s *server) splunkSubmit(w http.ResponseWriter, r *http.Request, to *worker, b *body, each func(visitor) error) *problem {
	if _, p := s.submit(r, to, b, each); p != nil {
		return p
	}
	splunkReply(w, "Success", 0)
	return nil
}

// named are records of several sources.
type named struct {
	names []string
	ends  []int // in data
	data  []byte
}

func (n *named) add(name string) {
	n.names, n.ends = append(n.names, name), append(n.ends, len(n.data))
}

func (n *named) each(visit visitor) error {
	begin := 0
	for i, name := range n.names {
		if err := visit(name, n.data[begin:n.ends[i]]); err != nil {
			return err
		}
		begin = n.ends[i]
	}
	return nil
}

// envelopes reads JSON objects that follow each other, each with an event.
func envelopes(data []byte) (*named, *problem) {
	found := &named{data: make([]byte, 0, len(data))}
	var parser fastjson.Parser
	bad := func(text string, code int, detail string) (*named, *problem) {
		n := len(found.names)
		return nil, &problem{Status: http.StatusBadRequest, Text: text, Code: code, Event: &n, Detail: detail + "; nothing of the request was taken"}
	}
	for {
		var text []byte
		if text, data = cutObject(data); len(text) == 0 {
			break
		}
		if len(text) > maxLine {
			return bad("Invalid data format", 6, "an event is longer than 1 MiB")
		}
		v, err := parser.ParseBytes(text)
		if err != nil {
			return bad("Invalid data format", 6, "the body is no JSON")
		}
		if v.Type() != fastjson.TypeObject {
			return bad("Invalid data format", 6, "an event comes in an object")
		}
		if len(found.names) == maxEvents {
			return bad("Invalid data format", 6, fmt.Sprintf("more than %d events", maxEvents))
		}
		name := "event"
		for _, k := range []string{"source", "sourcetype"} {
			if b := v.GetStringBytes(k); len(b) > 0 {
				name = string(b[:min(len(b), maxName)])
			}
		}
		switch e := v.Get("event"); {
		case e == nil:
			return bad("Event field is required", 12, "an envelope has no event")
		case e.Type() == fastjson.TypeNull, e.Type() == fastjson.TypeString && len(e.GetStringBytes()) == 0:
			return bad("Event field cannot be blank", 13, "an event is blank")
		case e.Type() == fastjson.TypeString:
			found.data = appendLine(found.data, e.GetStringBytes())
		default:
			found.data = e.MarshalTo(found.data)
		}
		found.add(name)
	}
	if len(found.names) == 0 {
		return nil, &problem{Status: http.StatusBadRequest, Detail: "the body holds no event", Text: "No data", Code: 5}
	}
	return found, nil
}

// cutObject returns the first JSON object or other text between white space, and what is
// behind it. A parser holds many times what it parses, so it is given one at a time.
func cutObject(data []byte) (object, rest []byte) {
	data = bytes.TrimLeft(data, " \t\r\n")
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth <= 0 {
				return data[:i+1], data[i+1:]
			}
		}
	}
	return data, nil
}

// appendLine appends a text as one line: JSON on several lines is put on one, and other
// ends of lines inside become spaces.
func appendLine(dst, s []byte) []byte {
	s = bytes.TrimRight(s, "\r\n")
	if bytes.IndexByte(s, '\n') < 0 {
		return append(dst, s...)
	}
	if t := bytes.TrimSpace(s); len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		b := bytes.NewBuffer(dst)
		if json.Compact(b, t) == nil {
			return b.Bytes()
		}
		dst = dst[:len(dst):len(dst)] // what was written beyond it does not count
	}
	for _, c := range s {
		if c == '\r' || c == '\n' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
