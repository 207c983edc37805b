package zeek

// testdata/logs.jsonl has one record of each log, and testdata/logs.golden what it
// becomes. The records are from the test suites of Zeek and ICSNPP (both BSD-3-Clause)
// where those have one, and else written from their documentation.

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

func samples(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/logs.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	got := events(t, string(samples(t)))
	if *update {
		if err := os.WriteFile("testdata/logs.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/logs.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the events differ from testdata/logs.golden; read the difference, then -update\n%s", firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: got %s, want %s", i+1, a[i], b[i])
		}
	}
	return "one is longer"
}

// TestSyntaxes checks that a record means the same in every syntax: as JSON, as JSON with
// the connection in an object of its own, with white space, and as columns.
func TestSyntaxes(t *testing.T) {
	for line := range bytes.Lines(samples(t)) {
		fields := ordered(t, line)
		want := plainBatch(t, line)
		for name, other := range map[string]string{
			"nested": nested(fields), "spaced": spacedJSON(fields), "columns": columnsOf(fields),
		} {
			if got := plainBatch(t, []byte(other)); !bytes.Equal(got, want) {
				t.Errorf("%s of %.60s: another batch\n%s\n%s", name, line, events(t, string(line)), events(t, other))
			}
		}
	}
}

// plainBatch returns the bytes of a batch, without what depends on the record's own.
func plainBatch(t *testing.T, lines []byte) []byte {
	r := decodetest.Decode(t, Kind, lines)
	if len(r.Rejected) > 0 {
		t.Fatalf("%.100s: rejected: %v", lines, r.Rejected)
	}
	var all event.Batch
	var c event.Copier
	c.To(&all)
	for i := range r.Batch.Events {
		c.Copy(r.Batch, i)
	}
	for i := range all.Records {
		all.Records[i] = event.Record{Trust: all.Records[i].Trust}
	}
	return all.Append(nil)
}

// member is a field of a JSON object, in its order.
type member struct {
	name  string
	value json.RawMessage
}

func ordered(t testing.TB, line []byte) (all []member) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		var m member
		k, err := d.Token()
		if err == nil {
			m.name = k.(string)
			err = d.Decode(&m.value)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func nested(fields []member) string {
	var s strings.Builder
	s.WriteByte('{')
	inside := false
	for i, f := range fields {
		name, is := strings.CutPrefix(f.name, "id.")
		if inside && !is {
			s.WriteByte('}')
		}
		if i > 0 && !(is && !inside && i == 0) {
			s.WriteByte(',')
		}
		if is && !inside {
			s.WriteString(`"id":{`)
		}
		inside = is
		k, _ := json.Marshal(name)
		fmt.Fprintf(&s, "%s:%s", k, f.value)
	}
	if inside {
		s.WriteByte('}')
	}
	return s.String() + "}"
}

func spacedJSON(fields []member) string {
	var s strings.Builder
	for i, f := range fields {
		if i > 0 {
			s.WriteString(" , ")
		}
		fmt.Fprintf(&s, "%q : %s", f.name, strings.ReplaceAll(string(f.value), `","`, `", "`))
	}
	return "{ " + s.String() + " }"
}

func columnsOf(fields []member) string {
	names, types, values := "#fields", "#types", ""
	path := ""
	for _, f := range fields {
		kind, value := column1(f.value)
		if f.name == "_path" {
			path = value
			continue
		}
		names, types = names+"\t"+f.name, types+"\t"+kind
		if values != "" {
			values += "\t"
		}
		values += value
	}
	return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n" +
		names + "\n" + types + "\n" + values + "\n#close\t2024-01-01-00-00-00\n"
}

// column1 returns a JSON value as Zeek would write it as a column, and its type.
func column1(raw json.RawMessage) (kind, value string) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&v)
	switch v := v.(type) {
	case nil:
		return "string", "-"
	case bool:
		return "bool", map[bool]string{true: "T", false: "F"}[v]
	case json.Number:
		if strings.Contains(v.String(), ".") && !strings.Contains(v.String(), "e") {
			return "double", v.String() + "000"
		}
		return "count", v.String()
	case string:
		if v == "" {
			return "string", "(empty)"
		}
		return "string", escapeTSV(v)
	}
	var all []string
	for _, e := range v.([]any) {
		switch e := e.(type) {
		case string:
			if e != "" {
				all = append(all, escapeTSV(e))
			}
		case json.Number:
			n := e.String()
			if strings.Contains(n, ".") {
				n = string(trimZeros([]byte(n)))
			}
			all = append(all, n)
		default:
			all = append(all, fmt.Sprint(e))
		}
	}
	if len(all) == 0 {
		return "vector[string]", "(empty)"
	}
	return "vector[string]", strings.Join(all, ",")
}

func escapeTSV(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c < ' ' || c >= 127 || c == ',' || c == '-' && len(s) == 1 || c == '#' && i == 0:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
