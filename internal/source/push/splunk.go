package push

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

const maxEvents = 100_000 // of a request that is no plain lines

// splunk adds what senders for Splunk's HTTP Event Collector need. Of an envelope the
// event is taken, its host and sourcetype, or source, as the name of where it comes from,
// and its time where the event has none itself; index and fields are not.
//
// A request is answered when it is safe. So whoever asks later, by channel and number, what
// became of it is told that it is; no number is given before.
func (s *server) splunk() {
	for _, path := range []string{"/services/collector", "/services/collector/event", "/services/collector/event/1.0"} {
		s.HandleFunc("POST "+path, s.handler(splunkWords, s.hec))
	}
	for _, path := range []string{"/services/collector/raw", "/services/collector/raw/1.0"} {
		s.HandleFunc("POST "+path, s.handler(splunkWords, s.hecRaw))
	}
	for _, path := range []string{"/services/collector/health", "/services/collector/health/1.0"} {
		s.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { splunkReply(w, "HEC is healthy", 17, nil) })
	}
	s.HandleFunc("POST /services/collector/ack", s.handler(splunkWords, s.acknowledged))
}

// splunkWords adds what Splunk would say.
func splunkWords(p *problem) {
	switch { // as its clients know them
	case p.Code == 4:
		p.Status = http.StatusForbidden
	case p.Status == http.StatusTooManyRequests:
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)
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

func splunkReply(w http.ResponseWriter, text string, code int, ack *uint64) {
	reply(w, http.StatusOK, struct {
		Text string  `json:"text"`
		Code int     `json:"code"`
		Ack  *uint64 `json:"ackId,omitempty"`
	}{text, code, ack})
}

// channel returns what a sender that wants acknowledgements calls its connection.
func channel(r *http.Request) string {
	return cmp.Or(r.Header.Get("X-Splunk-Request-Channel"), r.URL.Query().Get("channel"))
}

// acknowledged answers what became of requests.
func (s *server) acknowledged(w http.ResponseWriter, r *http.Request, _ *worker) *problem {
	if channel(r) == "" {
		return &problem{Status: http.StatusBadRequest, Detail: "name the channel, as in the requests that are asked about", Text: "Data channel is missing", Code: 10}
	}
	b, p := s.read(w, r)
	if p != nil {
		return p
	}
	defer b.free()
	var asked struct {
		Acks []uint64 `json:"acks"`
	}
	if err := json.Unmarshal(b.data, &asked); err != nil || len(asked.Acks) > maxEvents {
		return &problem{Status: http.StatusBadRequest, Detail: `the body is no list of numbers such as {"acks":[1,2]}`}
	}
	acks := make(map[string]bool, len(asked.Acks))
	for _, n := range asked.Acks {
		acks[strconv.FormatUint(n, 10)] = true
	}
	reply(w, http.StatusOK, struct {
		Acks map[string]bool `json:"acks"`
	}{acks})
	return nil
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
	q := r.URL.Query()
	of := said{host: q.Get("host"), name: cmp.Or(q.Get("sourcetype"), q.Get("source"), "raw"), time: epoch(q.Get("time"))}
	if len(bytes.TrimSpace(b.data)) == 0 {
		b.free()
		return &problem{Status: http.StatusBadRequest, Detail: "the body is empty", Text: "No data", Code: 5}
	}
	return s.splunkSubmit(w, r, to, b, func(visit visitor) error { return eachLine(b.data, of, visit) })
}

func (s *server) splunkSubmit(w http.ResponseWriter, r *http.Request, to *worker, b *body, each func(visitor) error) *problem {
	if _, p := s.submit(r, to, b, each); p != nil {
		return p
	}
	var ack *uint64
	if channel(r) != "" {
		n := s.acks.Add(1) - 1
		ack = &n
	}
	splunkReply(w, "Success", 0, ack)
	return nil
}

// epoch reads a time as Splunk has it, seconds since 1970 with a fraction; 0 is none.
func epoch(s string) int64 {
	const year2200 = 7258118400
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x > 0 && x < year2200) {
		return 0
	}
	whole := math.Floor(x)
	return int64(whole)*int64(time.Second) + int64((x-whole)*float64(time.Second))
}

// named are records of several sources.
type named struct {
	said []said
	ends []int // in data
	data []byte
}

func (n *named) add(of said) {
	n.said, n.ends = append(n.said, of), append(n.ends, len(n.data))
}

func (n *named) each(visit visitor) error {
	begin := 0
	for i, of := range n.said {
		if err := visit(of, n.data[begin:n.ends[i]]); err != nil {
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
		n := len(found.said)
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
		if len(found.said) == maxEvents {
			return bad("Invalid data format", 6, fmt.Sprintf("more than %d events", maxEvents))
		}
		word := func(key string) string {
			b := v.GetStringBytes(key)
			return string(b[:min(len(b), maxName)])
		}
		of := said{host: word("host"), name: cmp.Or(word("sourcetype"), word("source"), "event")}
		if t := v.Get("time"); t != nil {
			of.time = epoch(strings.Trim(t.String(), `"`))
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
		found.add(of)
	}
	if len(found.said) == 0 {
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
