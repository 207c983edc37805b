package decodetest

import (
	"bytes"
	"os"
	"testing"

	"vedette/internal/packet"
	"vedette/internal/packet/pcap"
)

// Capture returns the conversations of a capture, in the order of their beginnings, with what
// was said in them.
func Capture(t testing.TB, path string) []Talk {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pcap.Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var l listener
	l.Table = packet.NewTable(packet.DefaultLimits(), 1, &l)
	var frames *packet.Frames
	for n := uint64(1); ; n++ {
		f, err := c.Next()
		if err != nil {
			break
		}
		if frames == nil {
			if frames, err = packet.NewFrames(f.Link); err != nil {
				t.Fatal(err)
			}
		}
		frames.Frame(n, f.Time, f.Data, f.Length, &l)
	}
	l.Close()
	talks := make([]Talk, 0, len(l.talks))
	for _, talk := range l.talks {
		talks = append(talks, *talk)
	}
	return talks
}

// listener writes down what is said.
type listener struct {
	*packet.Table
	talks []*Talk
}

// Packet implements [packet.Sink].
func (l *listener) Packet(p *packet.Packet) { l.Table.Packet(p) }

// Other implements [packet.Sink].
func (l *listener) Other(*packet.Other) {}

// Said implements [packet.Listener].
func (l *listener) Said(f *packet.Flow, from packet.Side, data []byte, _ uint32) {
	if len(data) == 0 {
		return
	}
	talk, ok := f.Any.(*Talk)
	if !ok {
		talk = &Talk{Over: f.Protocol, Port: f.Server.Port, To: f.Server.Addr}
		l.talks = append(l.talks, talk)
		f.Any = talk
	}
	talk.Said = append(talk.Said, Said{from, bytes.Clone(data)})
}

// Still implements [packet.Listener].
func (l *listener) Still(*packet.Flow) {}

// Closed implements [packet.Listener].
func (l *listener) Closed(*packet.Flow) {}
