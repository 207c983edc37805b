package eve

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

// eventTime returns the time of the only event of a line.
func eventTime(t *testing.T, line string) int64 {
	t.Helper()
	r := decodetest.Decode(t, Kind, []byte(line))
	if len(r.Batch.Events) != 1 {
		t.Fatalf("%d events, rejected %v", len(r.Batch.Events), r.Rejected)
	}
	return r.Batch.Events[0].Time
}

// check makes sure that all references lead somewhere: copying follows them.
func check(t *testing.T, b *event.Batch) {
	t.Helper()
	var to event.Batch
	var c event.Copier
	c.To(&to)
	for i := range b.Events {
		c.Copy(b, i)
		if b.Events[i].Time <= 0 || b.Events[i].Dataset == 0 {
			t.Fatalf("event %d has no time or no dataset", i)
		}
	}
}

// TestWrongTypes puts values of every sort in place of every value of every record.
func TestWrongTypes(t *testing.T) {
	wrong := []string{
		`null`, `true`, `7`, `-7`, `1e999`, `1.5`, `18446744073709551616`, `""`, `"x"`, `{}`, `{"hash":{}}`, `[]`, `[[],{},null,"",1,[[[]]]]`,
		`["a",{"rrname":1,"ttl":"x","name":[],"value":{}}]`, `"` + strings.Repeat("é", 600) + `"`, "\"\xff\xfe\"",
	}
	var lines int
	for line := range bytes.Lines(samples(t)) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		for i := range paths(v) {
			for _, w := range wrong {
				all.Write(replaced(v, i, w))
				all.WriteByte('\n')
				lines++
			}
		}
		r := decodetest.Decode(t, Kind, all.Bytes())
		check(t, r.Batch)
	}
	t.Logf("%d records", lines)
}

// paths returns as many entries as v has values inside.
func paths(v any) []struct{} {
	n := 0
	walk(v, func(any) any { n++; return nil })
	return make([]struct{}, n)
}

// replaced returns v as JSON with its value number i replaced.
func replaced(v any, i int, by string) []byte {
	const here = "here it goes"
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var clone any
	if json.Unmarshal(b, &clone) != nil {
		return nil
	}
	n := -1
	walk(clone, func(any) any {
		if n++; n == i {
			return here
		}
		return nil
	})
	b, _ = json.Marshal(clone)
	return bytes.Replace(b, []byte(`"`+here+`"`), []byte(by), 1)
}

// walk calls f for every value inside v, in the order of its names, and puts what f
// returns in its place unless that is nil.
func walk(v any, f func(any) any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sorted(v) {
			if x := f(v[k]); x != nil {
				v[k] = x
			} else {
				walk(v[k], f)
			}
		}
	case []any:
		for i := range v {
			if x := f(v[i]); x != nil {
				v[i] = x
			} else {
				walk(v[i], f)
			}
		}
	}
}

func TestHostile(t *testing.T) {
	type lines map[string]string
	n := 300_000
	for name, line := range (lines{
		"deep_array":        tcp80 + `"x","a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`,
		"deep_object":       tcp80 + `"x","a":` + strings.Repeat(`{"a":`, n/5) + `1` + strings.Repeat("}", n/5) + `}`,
		"deep_unclosed":     strings.Repeat("[", 1<<20),
		"deep_small":        tcp80 + `"x","a":` + strings.Repeat("[", 250) + strings.Repeat("]", 250) + `}`,
		"deep_small_object": tcp80 + `"x","x":` + strings.Repeat(`{"a":`, 250) + `1` + strings.Repeat("}", 250) + `}`,
		"long_array":        tcp80 + `"x","a":[` + strings.Repeat("1,", n) + `1]}`,
		"long_answers":      udp + `"dns","dns":{"type":"answer","answers":[` + strings.Repeat(`{"rdata":"a"},`, 50_000) + `{}]}}`,
		"long_queries":      udp + `"dns","dns":{"type":"request","queries":[` + strings.Repeat(`{"rrname":"a"},`, 50_000) + `{}]}}`,
		"long_strings":      tcp80 + `"` + strings.Repeat("x", n) + `","proto":"` + strings.Repeat("y", n) + `"}`,
		"long_headers":      tcp80 + `"http","http":{"request_headers":[` + strings.Repeat(`{"name":"a","value":"b"},`, 30_000) + `{}]}}`,
		"long_recipients":   tcp80 + `"smtp","smtp":{"rcpt_to":[` + strings.Repeat(`"<a@b.example>",`, 50_000) + `""]}}`,
		"long_keys":         tcp80 + `"x","x":{"` + strings.Repeat("k", n) + `":1}}`,
		"many_keys":         tcp80 + `"x","x":{` + strings.Repeat(`"k":1,`, n/2) + `"k":1}}`,
		"many_objects":      tcp80 + `"dns"` + strings.Repeat(`,"dns":{"type":"query","rrname":"a"}`, 20_000) + `}`,
		"dnp3_objects":      tcp80 + `"dnp3","dnp3":{"application":{"objects":[` + strings.Repeat(`{"group":1},`, 50_000) + `{}]}}}`,
		"numbers":           tcp80 + `"x","a":NaN,"b":inf,"c":-,"d":1e,"e":--1}`,
		"escapes":           tcp80 + `"http","http":{"hostname":"\ud800\u0000\u12","url":"\"\\","\u0068ttp":1}}`,
		"nul":               tcp80 + "\"x\",\"a\":\"\x00\x01\"}",
		"broken_deep":       tcp80 + `"x","a":` + strings.Repeat(`[`, 60) + strings.Repeat("n", n) + `}`,
	}) {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := decodetest.Decode(t, Kind, []byte(line))
			check(t, r.Batch)
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("takes %v", d)
			}
		})
	}
}

func TestDuplicateKeys(t *testing.T) {
	got := decoded(t, tcp80+`"dns","event_type":"http","http":{"status":1,"status":404},"http":{"status":2,"hostname":"second"},"src_ip":"10.9.9.9"}`)
	const want = "handshake http 10.9.9.9/40000 > 10.0.0.2/80 {Status:404} [proto=TCP http.status=2 http.hostname=second]"
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestInvalidUTF8IsCarried(t *testing.T) {
	got := decoded(t, tcp80+"\"http\",\"http\":{\"hostname\":\"a\xff\"}}")
	if !strings.Contains(got, "Host:a\xff") {
		t.Errorf("got %q", got)
	}
}

// TestForgetsTheRecordBefore decodes records after others of all types: nothing of the
// one before may show.
func TestForgetsTheRecordBefore(t *testing.T) {
	all := bytes.Split(bytes.TrimSpace(samples(t)), []byte("\n"))
	for i, before := range all {
		line := all[(i*7+3)%len(all)]
		alone := decodetest.Decode(t, Kind, line)
		r := decodetest.Decode(t, Kind, bytes.Join([][]byte{before, line}, []byte("\n")))
		n := len(r.Batch.Events) - len(alone.Batch.Events)
		for j := range alone.Batch.Events {
			a, b := describe(event.View{Batch: alone.Batch, I: j}), describe(event.View{Batch: r.Batch, I: n + j})
			if a != b {
				t.Fatalf("after %.200s\nbecomes %s\nand alone %s", before, b, a)
			}
		}
	}
}
