package decodetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
)

// Said is something that one side of a conversation says: over UDP a datagram, over TCP
// so many bytes of its stream.
type Said struct {
	From packet.Side
	Data []byte
}

// Client and Server say something.
func Client(data string) Said { return Said{packet.Client, []byte(data)} }

// Server is what the server says.
func Server(data string) Said { return Said{packet.Server, []byte(data)} }

// Talk is a conversation for tests.
type Talk struct {
	Over uint8  // packet.TCP, packet.UDP
	Port uint16 // of the server
	To   packet.Addr
	Said []Said
}

// flow returns the flow that a conversation is of.
func (t Talk) flow() *packet.Flow {
	to := t.To
	if to == (packet.Addr{}) {
		to = packet.AddrOf([]byte{192, 0, 2, 9})
	}
	return &packet.Flow{
		Client: packet.Endpoint{Addr: packet.AddrOf([]byte{10, 0, 0, 1}), Port: 40000, MAC: packet.MAC{2, 0, 0, 0, 0, 1}},
		Server: packet.Endpoint{Addr: to, Port: t.Port}, Protocol: t.Over, First: 1e18, Last: 1e18, Number: 1,
	}
}

// Heard is what became of a conversation.
type Heard struct {
	Batch    *event.Batch
	Rejected []decode.Reason
	Used     [2]int // bytes of each side
	Again    bool   // another protocol follows, and what comes then was not decoded
}

// Hear has a conversation decoded: each thing that is said is a record of its own.
func Hear(t testing.TB, p decode.Protocol, talk Talk) Heard {
	t.Helper()
	h := Heard{Batch: new(event.Batch)}
	emit := event.NewEmit([]byte("a key for tests"))
	emit.Source(h.Batch, "tenant", "site", "test")
	s := p.New()
	d := &decode.Talk{Flow: talk.flow(), Link: 7}
	var rest [2][]byte
	for n, said := range talk.Said {
		if h.Again {
			break
		}
		d.Time = d.Flow.First + int64(n)*1e6
		data := slices.Concat(rest[said.From], said.Data)
		emit.Begin(uint64(n+1), event.Claimed, said.Data)
		used, err := s.Data(d, said.From, data, emit)
		if used < 0 || used > len(data) {
			t.Fatalf("used %d of %d bytes", used, len(data))
		}
		if emit.Emitted() == 0 {
			emit.Abort()
		}
		left := bytes.Clone(data[used:])
		for i := range data { // whoever kept it is found out
			data[i] = '!'
		}
		h.Used[said.From] += used
		h.Again = d.Again
		if rest[said.From] = left; talk.Over == packet.UDP {
			rest[said.From] = nil
		}
		if err != nil {
			reason, ok := errors.AsType[decode.Reason](err)
			if !ok {
				t.Fatalf("rejected with %v, which is no decode.Reason", err)
			}
			if h.Rejected = append(h.Rejected, reason); talk.Over != packet.UDP {
				break
			}
		}
	}
	d.Flow.Last = d.Time
	emit.Begin(uint64(len(talk.Said)+1), event.Claimed, nil)
	s.End(d, emit)
	if emit.Emitted() == 0 {
		emit.Abort()
	}
	return h
}

// RunProtocol checks a decoder on a conversation that it must understand whole: that it is
// recognised, that the same is always made of it, that it does not matter how a stream
// was cut into segments, and that the decoder survives every way of losing its end.
func RunProtocol(t *testing.T, p decode.Protocol, talk Talk) Heard {
	t.Helper()
	recognised := false
	for _, s := range talk.Said {
		recognised = recognised || p.Sniff(talk.flow(), s.From, s.Data) == decode.Yes
	}
	if !recognised {
		t.Error("does not recognise its own sample")
	}
	h := Hear(t, p, talk)
	if len(h.Rejected) > 0 || len(h.Batch.Events) == 0 {
		t.Fatalf("%d events, rejected %v", len(h.Batch.Events), h.Rejected)
	}
	checkMade(t, p.Makes, h.Batch)
	if again := Hear(t, p, talk); !bytes.Equal(h.Batch.Append(nil), again.Batch.Append(nil)) {
		t.Error("decoding again made something else")
	}
	if talk.Over == packet.TCP && !h.Again {
		cutStreams(t, p, talk, h)
	}
	for n, s := range talk.Said {
		step := max(1, len(s.Data)/200)
		for cut := 0; cut < len(s.Data); cut += step {
			short := talk
			short.Said = slices.Clone(talk.Said[:n+1])
			short.Said[n].Data = s.Data[:cut]
			checkMade(t, p.Makes, Hear(t, p, short).Batch)
		}
	}
	return h
}

// cutStreams cuts what is said in two, at each place, and all of it into single bytes.
func cutStreams(t *testing.T, p decode.Protocol, talk Talk, want Heard) {
	t.Helper()
	same := func(how string, said []Said) {
		other := talk
		other.Said = said
		got := Hear(t, p, other)
		if len(got.Batch.Events) != len(want.Batch.Events) || len(got.Rejected) > 0 {
			t.Errorf("%s: %d events, rejected %v; in one piece %d", how, len(got.Batch.Events), got.Rejected, len(want.Batch.Events))
			return
		}
		for i := range got.Batch.Events {
			a, b := event.View{Batch: got.Batch, I: i}, event.View{Batch: want.Batch, I: i}
			if x, y := Describe(a), Describe(b); x != y {
				t.Errorf("%s: event %d is\n%s\nin one piece it is\n%s", how, i, x, y)
			}
		}
	}
	var bytewise []Said
	for n, s := range talk.Said {
		step := max(1, len(s.Data)/50)
		for cut := 1; cut < len(s.Data); cut += step {
			same("cut", slices.Concat(talk.Said[:n], []Said{{s.From, s.Data[:cut]}, {s.From, s.Data[cut:]}}, talk.Said[n+1:]))
		}
		for i := range s.Data {
			bytewise = append(bytewise, Said{s.From, s.Data[i : i+1]})
		}
	}
	same("byte by byte", bytewise)
}

// Describe returns the fields of an event, without its time and place, one on a line.
func Describe(v event.View) string {
	var b bytes.Buffer
	for name, value := range v.Fields {
		switch name {
		case "time", "position", "index", "content_hash", "tenant", "site", "source", "class_uid", "id":
		default:
			b.WriteString(name + " = " + value + "\n")
		}
	}
	return b.String()
}

// FuzzProtocol lets the fuzzer look for a conversation that the decoder cannot survive.
// Seeds are taken as what client and server say in turns, parted by "\x00|\x00".
func FuzzProtocol(f *testing.F, p decode.Protocol, seeds ...Talk) {
	part := []byte("\x00|\x00")
	for _, s := range seeds {
		var all [][]byte
		from := packet.Client
		for _, said := range s.Said {
			if said.From != from {
				all = append(all, nil)
			}
			all = append(all, said.Data)
			from = said.From.Other()
		}
		f.Add(s.Over, s.Port, bytes.Join(all, part))
	}
	f.Fuzz(func(t *testing.T, over uint8, port uint16, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		talk := Talk{Over: packet.TCP, Port: port}
		if over == packet.UDP {
			talk.Over = packet.UDP
		}
		if !slices.Contains(p.Over, talk.Over) {
			talk.Over = p.Over[0]
		}
		for i, d := range bytes.Split(data, part) {
			if len(d) > 0 && i < 64 {
				talk.Said = append(talk.Said, Said{packet.Side(i % 2), d})
				p.Sniff(talk.flow(), packet.Side(i%2), d)
			}
		}
		checkMade(t, p.Makes, Hear(t, p, talk).Batch)
	})
}
