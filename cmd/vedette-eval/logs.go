package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What a log is, how many records it has and what stands in them, found out without the
// product.

// sort is what a log is, seen from how it begins.
type sort string

// The sorts of logs.
const (
	zeekColumns sort = "zeek columns"
	zeekJSON    sort = "zeek JSON"
	eveJSON     sort = "EVE"
	noLog       sort = ""
)

const headSize = 64 << 10

// classify says what begins with the head.
func classify(head []byte) sort {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for n := 0; n < 20 && len(head) > 0; n++ {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case bytes.HasPrefix(line, []byte("#separator ")), bytes.HasPrefix(line, []byte("#fields\t")):
			return zeekColumns
		case line[0] == '#':
		case line[0] == '{':
			var o map[string]json.RawMessage
			if json.Unmarshal(line, &o) == nil {
				return classifyObject(o)
			}
		default:
			return noLog
		}
	}
	return noLog
}

func classifyObject(o map[string]json.RawMessage) sort {
	has := func(k string) bool { _, ok := o[k]; return ok }
	switch {
	case has("event_type") && has("timestamp"):
		return eveJSON
	case has("_path"):
		return zeekJSON
	case has("ts") && (has("uid") || has("id.orig_h") || has("fuid") || has("_write_ts") || has("uids") || has("orig_mac")):
		return zeekJSON
	}
	return noLog
}

// count returns what a leaf is and how many records it has: of columns, the lines that are
// not blank and whose first character, but for white space, is no #; of JSON, the lines that
// are not blank. A line may be of any length.
func count(r *bufio.Reader) (sort, int64, error) {
	head, _ := r.Peek(headSize)
	kind := classify(head)
	n, err := countLines(r, kind == zeekColumns)
	return kind, n, err
}

func countLines(r *bufio.Reader, comments bool) (n int64, err error) {
	undecided := true // of the line at hand nothing but white space was seen
	for {
		part, err := r.ReadSlice('\n')
		if text := bytes.TrimSpace(part); undecided && len(text) > 0 {
			undecided = false
			if !comments || text[0] != '#' {
				n++
			}
		}
		if err == nil {
			undecided = true // the next line begins
		} else if err == io.EOF {
			return n, nil
		} else if err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// row is a record of a Zeek log.
type row struct {
	Line  int64  // from 1
	Log   string // the log's name, such as "conn"; empty if it says none
	names []string
	value []string
	keys  map[string]string
}

// get returns a field, empty if it is not set.
func (r *row) get(name string) string {
	if r.keys != nil {
		return r.keys[name]
	}
	for i, n := range r.names {
		if n == name && i < len(r.value) {
			if v := r.value[i]; v != "-" && v != "(empty)" {
				return v
			}
			return ""
		}
	}
	return ""
}

// flow is who spoke with whom.
type flow struct{ Orig, Resp, Port, Proto string }

func (r *row) flow() flow {
	return flow{r.get("id.orig_h"), r.get("id.resp_h"), r.get("id.resp_p"), r.get("proto")}
}

// zeekLog reads a Zeek log, whose sort is known.
type zeekLog struct {
	kind sort
	row  row
	sep  string
	// onLine, if set, is given every line as it stands, with its end, and the row of it,
	// nil if it is none.
	onLine func(line []byte, r *row) error
}

// read reads all of a log. Visit may be nil.
func (z *zeekLog) read(r *bufio.Reader, visit func(*row) error) error {
	z.sep = "\t"
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			z.row.Line++
			is := z.parse(strings.TrimRight(string(line), "\r\n"))
			if is && visit != nil {
				if err := visit(&z.row); err != nil {
					return err
				}
			}
			if z.onLine != nil {
				of := &z.row
				if !is {
					of = nil
				}
				if err := z.onLine(line, of); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// parse takes a line and reports whether it is a record.
func (z *zeekLog) parse(line string) bool {
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "":
		return false
	case z.kind == zeekJSON:
		var o map[string]any
		d := json.NewDecoder(strings.NewReader(trimmed))
		d.UseNumber()
		if d.Decode(&o) != nil {
			return false
		}
		z.row.keys = map[string]string{}
		for k, v := range o {
			z.row.keys[k] = fmt.Sprint(v)
		}
		z.row.Log = z.row.keys["_path"]
		if z.row.Log == "" && z.row.keys["conn_state"] != "" {
			z.row.Log = "conn"
		}
		return true
	case trimmed[0] == '#':
		z.header(trimmed)
		return false
	}
	z.row.value = z.split(line, len(z.row.names))
	return true
}

func (z *zeekLog) header(line string) {
	if v, ok := strings.CutPrefix(line, "#separator "); ok {
		if u, err := strconv.Unquote(`"` + v + `"`); err == nil {
			z.sep = u
		}
		return
	}
	name, value, _ := strings.Cut(line, z.sep)
	switch name {
	case "#path":
		z.row.Log = value
	case "#fields":
		z.row.names = z.split(value, 0)
	}
}

// split splits a line into columns. Some authors of labels have put theirs into the last
// column, with spaces between them: if the header has such, so have the lines.
func (z *zeekLog) split(line string, want int) []string {
	all := strings.Split(line, z.sep)
	if want > 0 && len(all) >= want {
		return all
	}
	last := strings.Fields(all[len(all)-1])
	return append(all[:len(all)-1], last...)
}
