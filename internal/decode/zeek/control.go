package zeek

import (
	"bytes"

	"vedette/internal/event"
)

// Records of control protocols differ in the names of their columns and in little else,
// so a log of one is a row of controlLogs.

// controlLog says which columns of a log mean what.
type controlLog struct {
	path, protocol string
	function       []column // the first that is set
	detail         column   // of the function: a sub-function
	constant       string   // the function, where no column has it
	target         []column // joined with spaces
	from, to       column   // a range at the end of the target
	exception      column
	writes         bool // whatever its name, every request changes the device
}

// make makes the message of one record.
func (c controlLog) make(r *record, at int64) error {
	_, err := c.message(r, at)
	return err
}

// message lends the message of one record.
func (c controlLog) message(r *record, at int64) (*event.Control, error) {
	h, m := r.emit.Control(at)
	if err := r.head(h); err != nil {
		return nil, err
	}
	r.drop(cPassword, cSessionKey, cWrappedKey)
	function := []byte(c.constant)
	for _, f := range c.function {
		if v := r.text(f); len(v) > 0 {
			function = v
			break
		}
	}
	answer := r.answer() || answers(function)
	if m.Request = 1; answer {
		m.Request = 0
	}
	if v := r.text(c.detail); len(v) > 0 {
		function = r.join(r.join(function, ':', nil), ' ', v)
	}
	m.Protocol = r.emit.Text([]byte(c.protocol))
	m.Function = r.emit.Text(function)
	if !answer && (c.writes || changes(c.protocol, function)) {
		m.Write = 1
	}
	target := r.words(c.target...)
	if v := r.span(r.text(c.from), r.text(c.to)); len(v) > 0 {
		target = bytes.TrimSpace(r.join(target, ' ', v))
	}
	m.Target = r.emit.Text(target)
	if v := r.text(c.exception); !fine(v) {
		m.Exception = r.emit.Text(v)
	}
	return m, nil
}

// span returns "from-to", or the one that there is.
func (r *record) span(from, to []byte) []byte {
	if len(to) == 0 || string(from) == string(to) {
		return from
	}
	return r.join(from, '-', to)
}

// answer reports whether the record is an answer, and takes the columns that say so.
// A record that does not say stands for a request and its answer together.
func (r *record) answer() bool {
	answer := false
	if r.has(cIsOrig) {
		// Who sent the message is said once more, as source and destination.
		answer = r.one(cIsOrig) == 0
		r.drop(cSourceH, cSourceP, cDestinationH, cDestinationP)
	}
	for _, c := range [...]column{cRequestResponse, cPduType, cReqResp, cPacketType, cDirection, cIcfDataType, cHeaderMessageType} {
		v := r.lower(c)
		switch {
		case len(v) == 0:
		case answers(v) || bytes.HasSuffix(v, []byte("_ack")) || bytes.HasPrefix(v, []byte("error")) ||
			bytes.HasPrefix(v, []byte("reject")) || bytes.HasPrefix(v, []byte("abort")):
			answer = true
		case bytes.HasPrefix(v, []byte("req")) || bytes.HasPrefix(v, []byte("command")) || bytes.HasSuffix(v, []byte("request")):
			answer = false
		default:
			r.untake(c)
		}
	}
	return answer
}

// answers reports whether a function is an answer by its name. Where either side may
// ask, as in BACnet, who opened the conversation does not say it.
func answers(function []byte) bool {
	for _, p := range [...]string{"resp", "RESP", "Resp", "RSP_"} {
		if bytes.HasPrefix(function, []byte(p)) {
			return true
		}
	}
	return bytes.HasSuffix(function, []byte("-ack")) || bytes.HasSuffix(function, []byte("Response")) || bytes.HasSuffix(function, []byte("response"))
}

// fine reports whether a status says that all is well.
func fine(status []byte) bool {
	switch string(status) {
	case "", "0", "0x00", "0x0000", "0x00000000", "Success", "success", "No error", "Normal", "OK", "Good",
		"Normal completion (0x0000)":
		return true
	}
	return false
}

// changes reports whether a function changes a device. It goes by the words of its name:
// the parsers write the same function as WRITE_SINGLE_COIL, Write Variable or write-property.
func changes(protocol string, function []byte) bool {
	if protocol == "opcua" { // most that it creates and deletes are sessions of its own
		for _, p := range [...]string{"Write", "Call", "AddNodes", "DeleteNodes", "AddReferences", "DeleteReferences", "HistoryUpdate"} {
			if bytes.HasPrefix(function, []byte(p)) {
				return true
			}
		}
		return false
	}
	found := false
	for len(function) > 0 {
		var word []byte
		if word, function = nextWord(function); len(word) > 16 {
			continue
		}
		var buf [16]byte
		switch w := string(lowerInto(buf[:0], word)); {
		case w == "upload":
			return false // "Start Upload" reads
		case protocol == "s7comm-plus" && (w == "create" || w == "delete"):
			// of objects that stand for the session
		case verb(w):
			found = true
		}
	}
	return found
}

// verb reports whether a word says that something is changed.
func verb(w string) bool {
	switch w {
	case "write", "wr", "fwrite", "pwrite", "operate", "restart", "reset", "stop", "start", "run", "hold", "download", "load",
		"delete", "create", "set", "force", "forced", "modify", "clear", "initialize", "reinitialize", "save", "restore",
		"activate", "enable", "disable", "assign", "insert", "remove", "replace", "program", "control", "synchronization",
		"add", "apply", "fill", "trim", "safety":
		return true
	}
	return false
}

// nextWord cuts the first run of letters off; in CamelCase each word begins with a capital.
func nextWord(s []byte) (word, rest []byte) {
	letter := func(i int) bool { return s[i]|0x20-'a' < 26 }
	capital := func(i int) bool { return s[i]-'A' < 26 }
	i := 0
	for i < len(s) && !letter(i) {
		i++
	}
	j := i
	for j < len(s) && letter(j) && !(j > i && capital(j) && !capital(j-1)) {
		j++
	}
	return s[i:j], s[j:]
}

func lowerInto(buf, s []byte) []byte {
	for _, c := range s {
		buf = append(buf, c|0x20)
	}
	return buf
}
