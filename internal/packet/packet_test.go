package packet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// heard keeps what a table tells.
type heard struct {
	said    [2][]byte
	missing [2]uint64
	closed  []Flow
	still   int
}

func (h *heard) Said(_ *Flow, from Side, data []byte, missing uint32) {
	for range min(missing, 1<<16) {
		h.said[from] = append(h.said[from], '?')
	}
	h.said[from] = append(h.said[from], data...)
	h.missing[from] += uint64(missing)
}
func (h *heard) Still(*Flow)    { h.still++ }
func (h *heard) Closed(f *Flow) { h.closed = append(h.closed, *f) }

func addr(n byte) Addr { return AddrOf([]byte{10, 0, 0, n}) }

// tcp returns a segment between 10.0.0.1:40000 and 10.0.0.2:80.
func tcp(s Side, flags uint8, seq, ack uint32, data string) *Packet {
	p := &Packet{Protocol: TCP, From: addr(1), To: addr(2), FromPort: 40000, ToPort: 80, Flags: flags, Seq: seq, Ack: ack, Payload: []byte(data), Length: uint32(40 + len(data))}
	if s == Server {
		p.From, p.To, p.FromPort, p.ToPort = p.To, p.From, p.ToPort, p.FromPort
	}
	return p
}

// play has a table take packets a millisecond apart.
func play(l Limits, all ...*Packet) (*heard, *Table) {
	h := &heard{}
	t := NewTable(l, 1, h)
	for i, p := range all {
		p.Number = uint64(i + 1)
		if p.Time == 0 {
			p.Time = int64(i+1) * 1e6
		}
		t.Packet(p)
	}
	return h, t
}

const isnC, isnS = uint32(0xfffffff0), uint32(1000) // the client's numbers wrap at once

func handshake() []*Packet {
	return []*Packet{
		tcp(Client, SYN, isnC, 0, ""), tcp(Server, SYN|ACK, isnS, isnC+1, ""), tcp(Client, ACK, isnC+1, isnS+1, ""),
	}
}

func TestConnections(t *testing.T) {
	c, s := isnC+1, isnS+1
	for name, x := range map[string]struct {
		packets        []*Packet
		client, server string
		state          string
		history        string
	}{
		"in_order": {
			append(handshake(), tcp(Client, ACK|PSH, c, s, "hello"), tcp(Server, ACK|PSH, s, c+5, "world"),
				tcp(Client, FIN|ACK, c+5, s+5, ""), tcp(Server, FIN|ACK, s+5, c+6, ""), tcp(Client, ACK, c+6, s+6, "")),
			"hello", "world", "SF", "ShADdFf",
		},
		"out_of_order_and_again": {
			append(handshake(), tcp(Client, ACK, c+5, s, "56789"), tcp(Client, ACK, c, s, "01"), tcp(Client, ACK, c, s, "01234"), tcp(Client, ACK, c+3, s, "345")),
			"0123456789", "", "S1", "ShADT",
		},
		"overlap_first_holds": {
			append(handshake(), tcp(Client, ACK, c+4, s, "4567"), tcp(Client, ACK, c+2, s, "23XXXX89"), tcp(Client, ACK, c, s, "01")),
			"0123456789", "", "S1", "ShAD",
		},
		"lost_but_acknowledged": {
			append(append(handshake(), tcp(Client, ACK, c, s, "01"), tcp(Client, ACK, c+5, s, "567")), acks(40, c+8, s)...),
			"01???567", "", "S1", "ShADaG",
		},
		"data_with_syn":    {[]*Packet{tcp(Client, SYN, isnC, 0, "early"), tcp(Server, SYN|ACK, isnS, c+5, "")}, "early", "", "S1", "SDh"},
		"nobody_answers":   {[]*Packet{tcp(Client, SYN, isnC, 0, ""), tcp(Client, SYN, isnC, 0, "")}, "", "", "S0", "S"},
		"refused":          {[]*Packet{tcp(Client, SYN, isnC, 0, ""), tcp(Server, RST|ACK, 0, c, "")}, "", "", "REJ", "Sr"},
		"reset_by_client":  {append(handshake(), tcp(Client, RST, c, 0, "")), "", "", "RSTO", "ShAR"},
		"reset_by_server":  {append(handshake(), tcp(Client, ACK, c, s, "x"), tcp(Server, RST|ACK, s, c+1, "")), "x", "", "RSTR", "ShADr"},
		"begun_before":     {[]*Packet{tcp(Server, ACK, 7000, 9000, "ab"), tcp(Client, ACK, 9000, 7002, "cd")}, "cd", "ab", "OTH", "dD"},
		"syn_ack_first":    {[]*Packet{tcp(Server, SYN|ACK, isnS, c, ""), tcp(Client, ACK, c, s, "x")}, "x", "", "OTH", "hD"},
		"waits_at_the_end": {append(handshake(), tcp(Client, ACK, c+2, s, "23")), "??23", "", "S1", "ShAD"},
		"far_away":         {append(handshake(), tcp(Client, ACK, c, s, "a"), tcp(Client, ACK, c+1<<28, s, "evil"), tcp(Client, ACK, c+1, s, "b")), "ab", "", "S1", "ShAD"},
		"keepalive":        {append(handshake(), tcp(Client, ACK, c, s, "a"), tcp(Client, ACK, c, s, "a"), tcp(Client, ACK, c+1, s, "b")), "ab", "", "S1", "ShADT"},
	} {
		t.Run(name, func(t *testing.T) {
			h, table := play(DefaultLimits(), x.packets...)
			table.Close()
			if got := string(h.said[Client]); got != x.client {
				t.Errorf("the client said %q, want %q", got, x.client)
			}
			if got := string(h.said[Server]); got != x.server {
				t.Errorf("the server said %q, want %q", got, x.server)
			}
			if len(h.closed) != 1 {
				t.Fatalf("%d flows, want 1", len(h.closed))
			}
			f := &h.closed[0]
			if f.Client.Port != 40000 || f.State() != x.state || !bytes.HasPrefix(f.History(), []byte(x.history)) {
				t.Errorf("client port %d, state %s, history %s; want %s, %s", f.Client.Port, f.State(), f.History(), x.state, x.history)
			}
			if table.Len() != 0 || table.pages.used != 0 {
				t.Errorf("%d flows, %d pages are left", table.Len(), table.pages.used)
			}
		})
	}
}

func acks(n int, ack, seq uint32) (all []*Packet) {
	for range n {
		all = append(all, tcp(Server, ACK, seq, ack, ""))
	}
	return all
}

// TestRefusedAgain counts each attempt at a port that refuses.
func TestRefusedAgain(t *testing.T) {
	var all []*Packet
	for range 3 {
		all = append(all, tcp(Client, SYN, isnC, 0, ""), tcp(Server, RST|ACK, 0, isnC+1, ""))
	}
	h, table := play(DefaultLimits(), all...)
	table.Close()
	if len(h.closed) != 3 || h.closed[0].State() != "REJ" || h.closed[2].State() != "REJ" {
		t.Errorf("%d flows", len(h.closed))
	}
}

func TestProved(t *testing.T) {
	blind := []*Packet{tcp(Client, SYN, isnC, 0, ""), tcp(Server, SYN|ACK, isnS, isnC+1, "")}
	h, table := play(DefaultLimits(), blind...)
	table.Close()
	if h.closed[0].Proved() {
		t.Error("who never acknowledged anything is taken for real")
	}
	h, table = play(DefaultLimits(), handshake()...)
	table.Close()
	if !h.closed[0].Proved() {
		t.Error("a completed handshake proves nothing")
	}
}

// TestAnyOrder cuts what is said into segments, has them come in nearly any order, some
// more than once: what is told is what was said.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.SliceOfN(rapid.Byte(), 1, 20000).Draw(t, "said")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		first := rapid.Uint32().Draw(t, "first")
		var all []*Packet
		for at := 0; at < len(said); {
			n := min(1+r.IntN(1500), len(said)-at)
			back := min(at, r.IntN(3)*r.IntN(200)) // overlaps what was sent before
			all = append(all, tcp(Client, ACK, first+1+uint32(at-back), isnS+1, string(said[at-back:at+n])))
			if r.IntN(5) == 0 {
				all = append(all, tcp(Client, ACK, first+1+uint32(at), isnS+1, string(said[at:at+n])))
			}
			at += n
		}
		for i := range all { // near ones change places
			j := min(len(all)-1, i+r.IntN(8))
			all[i], all[j] = all[j], all[i]
		}
		begin := []*Packet{tcp(Client, SYN, first, 0, ""), tcp(Server, SYN|ACK, isnS, first+1, ""), tcp(Client, ACK, first+1, isnS+1, "")}
		h, table := play(DefaultLimits(), append(begin, all...)...)
		table.Close()
		if !bytes.Equal(h.said[Client], said) {
			t.Fatalf("%d bytes were said, %d told (or others)", len(said), len(h.said[Client]))
		}
	})
}

// TestLosses loses segments: what is told plus what is told to be missing is what was said.
func TestLosses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		said := make([]byte, 60000)
		for i := range said {
			said[i] = 'a' + byte(i%23)
		}
		all := handshake()
		for at := 0; at < len(said); at += 600 {
			if r.IntN(6) > 0 || at == 0 || at+600 >= len(said) {
				all = append(all, tcp(Client, ACK, isnC+1+uint32(at), isnS+1, string(said[at:at+600])))
			}
			all = append(all, tcp(Server, ACK, isnS+1, isnC+1+uint32(at+600), ""))
		}
		h, table := play(DefaultLimits(), all...)
		table.Close()
		if got := h.said[Client]; len(got) != len(said) {
			t.Fatalf("%d bytes were said, %d told or told to be missing", len(said), len(got))
		}
		for i, b := range h.said[Client] {
			if b != '?' && b != said[i] {
				t.Fatalf("byte %d is %q, want %q", i, b, said[i])
			}
		}
		if f := h.closed[0]; f.Missed[Client] != h.missing[Client] {
			t.Fatalf("%d bytes missed, %d told to be", f.Missed[Client], h.missing[Client])
		}
	})
}

// TestBounds tries to make a table hold too much.
func TestBounds(t *testing.T) {
	small := Limits{Flows: 1000, Queued: 1 << 20, Ahead: 64 << 10}
	h := &heard{}
	table := NewTable(small, 1, h)
	for i := range 100_000 { // half-open, and each sends what has to wait
		p := tcp(Client, SYN, 1, 0, "")
		p.Time, p.FromPort, p.From = int64(i)*1000, uint16(i), addr(byte(i>>16))
		table.Packet(p)
		p.Flags, p.Seq, p.Payload = ACK, 5000, bytes.Repeat([]byte{'x'}, 1400)
		table.Packet(p)
	}
	if table.Len() > 1000 || table.pages.used*pageSize > small.Queued || len(table.blocks) > 2 {
		t.Errorf("%d flows, %d pages, %d blocks", table.Len(), table.pages.used, len(table.blocks))
	}
	if table.Gone().Flows != 100_000-1000 {
		t.Errorf("%d flows gave way", table.Gone().Flows)
	}
	table.Close()
	if len(h.closed) != 100_000 {
		t.Errorf("%d flows were told of, want 100000", len(h.closed))
	}
}

// TestOneByteSegmentsBackwards is the dearest stream that one can send.
func TestOneByteSegmentsBackwards(t *testing.T) {
	all := handshake()
	for i := 4000; i > 0; i-- {
		all = append(all, tcp(Client, ACK, isnC+1+uint32(i), isnS+1, "x"))
	}
	h, table := play(DefaultLimits(), all...)
	if table.pages.used > manyPages {
		t.Errorf("%d pages wait", table.pages.used)
	}
	table.Close()
	if n := len(h.said[Client]); n == 0 || n > 4001 {
		t.Errorf("%d bytes told", n)
	}
}

func TestTimeouts(t *testing.T) {
	h := &heard{}
	table := NewTable(DefaultLimits(), 1, h)
	udp := &Packet{Protocol: UDP, From: addr(1), To: addr(2), FromPort: 5000, ToPort: 53, Time: 1e9, Payload: []byte("q")}
	table.Packet(udp)
	table.Time(30e9)
	if len(h.closed) != 0 {
		t.Error("an exchange ended after half a minute")
	}
	table.Time(62e9)
	if len(h.closed) != 1 || h.closed[0].State() != "S0" {
		t.Errorf("after a minute of silence %d ended", len(h.closed))
	}
	for i, p := range handshake() {
		p.Time = 100e9 + int64(i)
		table.Packet(p)
	}
	for m := int64(1); m < 130; m++ {
		p := tcp(Client, ACK, isnC+1, isnS+1, "")
		p.Time = 100e9 + m*60e9
		table.Packet(p)
	}
	if h.still != 2 || len(h.closed) != 1 {
		t.Errorf("in two hours it was told of %d times, want 2; %d ended", h.still, len(h.closed)-1)
	}
}

// Vectors of the specification's own baseline (community-id-spec, baseline/).
func TestCommunity(t *testing.T) {
	v4 := func(a, b, c, d byte) Addr { return AddrOf([]byte{a, b, c, d}) }
	for _, x := range []struct {
		name   string
		p      Packet
		answer bool
		want   string
	}{
		{"tcp", Packet{Protocol: TCP, From: v4(128, 232, 110, 120), To: v4(66, 35, 250, 204), FromPort: 34855, ToPort: 80, Flags: SYN}, false, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"tcp_back", Packet{Protocol: TCP, From: v4(66, 35, 250, 204), To: v4(128, 232, 110, 120), FromPort: 80, ToPort: 34855, Flags: SYN | ACK}, false, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"udp", Packet{Protocol: UDP, From: v4(192, 168, 1, 52), To: v4(8, 8, 8, 8), FromPort: 54585, ToPort: 53}, false, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{"icmp", Packet{Protocol: ICMP, From: v4(192, 168, 0, 89), To: v4(192, 168, 0, 1), FromPort: 8, ToPort: 0}, false, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{"icmp_back", Packet{Protocol: ICMP, From: v4(192, 168, 0, 1), To: v4(192, 168, 0, 89), FromPort: 0, ToPort: 0}, false, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	} {
		t.Run(x.name, func(t *testing.T) {
			h, table := play(DefaultLimits(), &x.p)
			table.Close()
			if got := string(h.closed[0].AppendCommunity(nil)); got != x.want {
				t.Errorf("got %s, want %s", got, x.want)
			}
		})
	}
}

func TestFragments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.SliceOfN(rapid.Byte(), 9, 4000).Draw(t, "whole")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		type piece struct{ from, to int }
		var pieces []piece
		for at := 0; at < len(whole); {
			n := min(8*(1+r.IntN(60)), len(whole)-at)
			pieces = append(pieces, piece{at, at + n})
			if r.IntN(4) == 0 && at > 8 {
				pieces = append(pieces, piece{at - 8, at + n})
			}
			at += n
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		var fs fragments
		var got []byte
		for _, c := range pieces {
			if w := fs.add(&Packet{From: addr(1), To: addr(2), Time: 1}, 7, c.from, c.to < len(whole), whole[c.from:c.to]); w != nil && got == nil {
				got = bytes.Clone(w)
			}
		}
		if !bytes.Equal(got, whole) {
			t.Fatalf("of %d bytes in %d pieces came %d", len(whole), len(pieces), len(got))
		}
	})
}

func TestFragmentsAreBounded(t *testing.T) {
	var fs fragments
	for i := range 100_000 {
		fs.add(&Packet{From: addr(byte(i)), To: addr(2), Time: int64(i)}, uint32(i), 8*(i%8000), true, make([]byte, 8))
	}
	if len(fs.packets) > mostFragmented || fs.bytes > mostFragments+mostPacket || len(fs.order) > 4*mostFragmented+1 {
		t.Errorf("%d packets, %d bytes, %d in order", len(fs.packets), fs.bytes, len(fs.order))
	}
}

func ExampleTable() {
	h, table := play(DefaultLimits(), append(handshake(), tcp(Client, ACK, isnC+1, isnS+1, "GET /"))...)
	table.Close()
	fmt.Printf("%s %s %s\n", h.closed[0].State(), h.closed[0].History(), h.said[Client])
	// Output: S1 ShAD GET /
}
