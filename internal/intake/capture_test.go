package intake

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	decoders "vedette/internal/decode/all"
	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet/packettest"
	"vedette/internal/source"
)

// readCapture reads a capture, and returns its account and what its events say.
func readCapture(t *testing.T, data []byte) (Source, []string, *event.Batch) {
	t.Helper()
	in := Intake{Tenant: "t", Site: "s", Key: []byte("key"), Decoders: decoders.Kinds(), Protocols: decoders.Protocols(), Frames: decoders.Frames()}
	var batch event.Batch
	sink := sinkOf{&batch}
	all, err := in.ReadAll(t.Context(), []source.Group{group(source.Item{Name: "x.pcap", Reader: bytes.NewReader(data)})}, []Sink{sink})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for i := range batch.Events {
		v := event.View{Batch: &batch, I: i}
		said = append(said, fmt.Sprintf("#%d.%d %s", v.Record().Position, v.Head().Index, v.String(v.Head().Dataset)))
	}
	return all[0], said, &batch
}

type sinkOf struct{ b *event.Batch }

func (s sinkOf) Batch() (*event.Batch, error) { return s.b, nil }

func question(name string) string {
	var b bytes.Buffer
	b.WriteString("\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	for _, label := range strings.Split(name, ".") {
		b.WriteByte(byte(len(label)))
		b.WriteString(label)
	}
	b.WriteString("\x00\x00\x01\x00\x01")
	return b.String()
}

func reply(name string) string {
	q := []byte(question(name))
	q[2] |= 0x80
	q[7] = 1
	return string(q) + "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07"
}

func framedTCP(m string) string { return string([]byte{byte(len(m) >> 8), byte(len(m))}) + m }

func TestCapture(t *testing.T) {
	for name, c := range map[string]struct {
		make func(c *packettest.Capture)
		want []string
	}{
		"question_and_answer": {
			func(c *packettest.Capture) {
				c.UDP("10.0.0.1:4000", "10.0.0.53:53", question("a.example"))
				c.UDP("10.0.0.53:53", "10.0.0.1:4000", reply("a.example"))
			},
			[]string{"#2.0 packet/dns", "#2.16384 packet/flow"},
		},
		"unanswered_is_told_at_the_end": {
			func(c *packettest.Capture) {
				c.UDP("10.0.0.1:4000", "10.0.0.53:53", question("a.example"))
				c.Wait(2 * time.Minute)
				c.UDP("10.0.0.2:4000", "10.0.0.99:99", "something else")
			},
			[]string{"#1.16384 packet/flow", "#1.16385 packet/dns", "#2.16384 packet/flow"},
		},
		"over_tcp_in_pieces": {
			func(c *packettest.Capture) {
				q := framedTCP(question("a.example"))
				k := c.Dial("10.0.0.1:4000", "10.0.0.53:53")
				k.Client(q[:20]).Client(q[20:]).Server(framedTCP(reply("a.example"))).Close()
			},
			[]string{"#8.0 packet/dns", "#12.16384 packet/flow"},
		},
		"lost_in_the_middle": {
			func(c *packettest.Capture) {
				k := c.Dial("10.0.0.1:4000", "10.0.0.53:53")
				k.Client(framedTCP(question("a.example"))).Lose(1, 10).Server(framedTCP(reply("a.example"))).Close()
			},
			[]string{"#10.16384 packet/flow", "#10.16385 packet/dns"},
		},
		"ipv6": {
			func(c *packettest.Capture) {
				c.UDP("[2001:db8::1]:4000", "[2001:db8::53]:53", question("a.example"))
				c.UDP("[2001:db8::53]:53", "[2001:db8::1]:4000", reply("a.example"))
			},
			[]string{"#2.0 packet/dns", "#2.16384 packet/flow"},
		},
		"long_connection_is_told_each_hour": {
			func(c *packettest.Capture) {
				k := c.Dial("10.0.0.1:4000", "10.0.0.9:99")
				for range 13 {
					c.Wait(10 * time.Minute)
					k.Client("still here")
				}
				k.Close()
			},
			[]string{"#14.49152 packet/flow", "#26.49152 packet/flow", "#32.16384 packet/flow"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := packettest.New(t)
			c.make(k)
			s, said, b := readCapture(t, k.Bytes())
			if strings.Join(said, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("events\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(c.want, "\n"))
			}
			if s.Status != Read || s.Format != "pcap" || s.Records != s.Decoded || s.Records == 0 || int(s.Events) != len(said) {
				t.Errorf("account %+v", s)
			}
			ids := map[event.ID]bool{}
			for i := range b.Events {
				id := event.View{Batch: b, I: i}.ID()
				if ids[id] {
					t.Errorf("event %d has the id of another", i)
				}
				ids[id] = true
			}
		})
	}
}

// TestCaptureTellsFlows checks what a flow says.
func TestCaptureTellsFlows(t *testing.T) {
	k := packettest.New(t)
	k.Dial("10.0.0.1:4000", "192.0.2.9:99").Client("hello").Server("and hello to you").Close()
	_, _, b := readCapture(t, k.Bytes())
	got := decodetest.Describe(event.View{Batch: b, I: 0})
	for _, want := range []string{"10.0.0.1", "192.0.2.9", "tcp", "SF", "ShADadFf", "1:", "established"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	f := b.Flows[0]
	if f.BytesOut != 5 || f.BytesIn != 16 || f.PacketsOut != 6 || f.PacketsIn != 4 || f.Duration != 9e6 || b.Records[0].Trust != event.Handshake {
		t.Errorf("got %+v, trust %d", f, b.Records[0].Trust)
	}
}

// TestCaptureThatEnds reads a capture up to each of its bytes: what is there is told.
func TestCaptureThatEnds(t *testing.T) {
	k := packettest.New(t)
	k.UDP("10.0.0.1:4000", "10.0.0.53:53", question("a.example"))
	k.UDP("10.0.0.53:53", "10.0.0.1:4000", reply("a.example"))
	whole := k.Bytes()
	for n := 25; n < len(whole); n++ {
		s, said, _ := readCapture(t, whole[:n])
		frames := 0
		if n >= 24+16+42+27 {
			frames = 1
		}
		cut := n != 24+16+42+27
		if int(s.Records) != frames || (s.Status == Read) == cut || frames == 1 && len(said) != 2 {
			t.Errorf("%d of %d bytes: %+v, %v", n, len(whole), s, said)
		}
	}
}
