package analyze

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/fault"
	"vedette/internal/packet/packettest"
)

// TestShowFrame leads from a reference into a capture to the frame, and to what it and the
// flow that ended with it say.
func TestShowFrame(t *testing.T) {
	k := packettest.New(t)
	k.Dial("10.0.0.1:4000", "192.0.2.9:80").
		Client("GET /chart HTTP/1.1\r\nHost: pacs.example\r\n\r\n").
		Server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").Close()
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, k.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ref  string
		says []string
	}{
		"request":  {path + "#6", []string{"pacs.example", "packet/http", "200"}},
		"flow":     {path + "#10", []string{"packet/flow", "SF", "http"}},
		"no_event": {path + "#1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Show(t.Context(), c.ref)
			if err != nil || !s.Frame || len(s.Raw) < 54 {
				t.Fatalf("%+v, %v", s, err)
			}
			var said strings.Builder
			for _, e := range s.Events {
				for _, f := range e {
					said.WriteString(f.Value + "\n")
				}
			}
			for _, w := range c.says {
				if !strings.Contains(said.String(), w) {
					t.Errorf("it does not say %q:\n%s", w, said.String())
				}
			}
			if len(c.says) == 0 && len(s.Events) > 0 {
				t.Errorf("%d events were made of it", len(s.Events))
			}
		})
	}
	if _, err := Show(t.Context(), path+"#99"); fault.KindOf(err) != fault.NotFound || !strings.Contains(err.Error(), "10 frames") {
		t.Error(err)
	}
}
