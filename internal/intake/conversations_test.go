package intake

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

var update = flag.Bool("update", false, "write what captures make into their golden files")

// TestConversations reads the captures in decoders' testdata, which programs made that really spoke the
// protocol, and compares what their conversations make with the golden file beside each.
// README.md there says what was done.
func TestConversations(t *testing.T) {
	all, err := filepath.Glob("../decode/*/testdata/*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, _, b := readCapture(t, data)
			if len(s.Rejected) > 0 {
				t.Errorf("rejected: %v", s.Rejected)
			}
			got := conversations(b)
			golden := strings.TrimSuffix(path, ".pcap") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, []byte(got)) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// conversations says what events say, but flows only which service they are of.
func conversations(b *event.Batch) string {
	var out strings.Builder
	for i := range b.Events {
		v := event.View{Batch: b, I: i}
		for _, line := range strings.Split(decodetest.Describe(v), "\n") {
			name, value, _ := strings.Cut(line, " = ")
			switch name {
			case "", "link", "trust", "type", "src_local", "dst_local":
			case "src_port", "history", "community_uid", "bytes_in", "bytes_out", "packets_in", "packets_out", "duration", "open", "state", "outcome":
				if name == "state" && v.Head().Type != event.FlowType || name == "outcome" && v.Head().Type != event.FlowType {
					out.WriteString(name + "=" + value + " ")
				}
			default:
				out.WriteString(name + "=" + value + " ")
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}
