package push

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func FuzzEnvelopes(f *testing.F) {
	for _, s := range []string{
		`{"event":"a"}{"event":{"b":[1,2]},"sourcetype":"x"}`, `{"event":"two\nlines"}`, `{"event":"{\n}"}`, "{", `{"event":null}`, `"\`, "]]", `{"event":"\u0000"}`, `{"time":"1.5e9","host":"h/..","source":"","event":1}`, `{"time":[1],"host":{},"event":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, p := envelopes(b)
		if (found == nil) == (p == nil) {
			t.Fatal("neither or both")
		}
		if p != nil {
			return
		}
		check(t, found)
	})
}

func FuzzActions(f *testing.F) {
	for _, s := range []string{
		"{\"create\":{}}\n{\"message\":\"{\\\"a\\\":1}\"}\n", "{\"index\":{\"_index\":\"x\",\"_id\":\"1\"}}\n{}\n", "{\"delete\":{}}\n{\"update\":{}}\n{}\n", "{\"create\":{}}", "{\"create\":1}\n", "{\"create\":{}}\n{\"@timestamp\":\"2026-03-02T00:00:00Z\",\"host\":{\"name\":\"h\"}}\n", "\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, items, p := actions(b, "x")
		if (found == nil) == (p == nil) {
			t.Fatal("neither or both")
		}
		if p != nil {
			return
		}
		good := 0
		for _, i := range items {
			for _, one := range i {
				if one.Error == nil {
					good++
				}
			}
		}
		if good != len(found.said) {
			t.Errorf("%d items are good, %d records", good, len(found.said))
		}
		if _, err := json.Marshal(items); err != nil {
			t.Error(err)
		}
		check(t, found)
	})
}

func check(t *testing.T, found *named) {
	n := 0
	if err := found.each(func(of said, data []byte) error {
		n++
		if bytes.IndexByte(data, '\n') >= 0 {
			t.Errorf("a record of two lines: %q", data)
		}
		if of.time < 0 || len(of.host) > maxName {
			t.Errorf("said %+v", of)
		}
		if c := clean(of.name); c == "" || len(c) > maxName || strings.ContainsAny(c, "/#\n") {
			t.Errorf("name %q", c)
		}
		return nil
	}); err != nil || n != len(found.said) {
		t.Error(n, err)
	}
}
