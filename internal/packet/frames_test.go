package packet

import (
	"bytes"
	"encoding/hex"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// seen keeps what frames held.
type seen struct {
	packets []Packet
	others  []Other
}

func (s *seen) Packet(p *Packet) { s.packets = append(s.packets, *p) }
func (s *seen) Other(o *Other)   { s.others = append(s.others, *o) }

// wrap makes a frame of layers.
func wrap(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b.Bytes())
}

func eth(kind layers.EthernetType) gopacket.SerializableLayer {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
}

func ip4(n byte, p layers.IPProtocol) gopacket.SerializableLayer {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: net.IP{10, 0, n, 1}, DstIP: net.IP{10, 0, n, 2}}
}

func ip6(p layers.IPProtocol) gopacket.SerializableLayer {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
}

func udp(port layers.UDPPort) gopacket.SerializableLayer {
	return &layers.UDP{SrcPort: 40000, DstPort: port}
}

func raw(h string) gopacket.SerializableLayer {
	b, err := hex.DecodeString(h)
	if err != nil {
		panic(err)
	}
	return gopacket.Payload(b)
}

func TestFrames(t *testing.T) {
	said := gopacket.Payload("said")
	inner := []gopacket.SerializableLayer{ip4(9, layers.IPProtocolUDP), udp(99), said}
	with := func(outer ...gopacket.SerializableLayer) []byte { return wrap(t, append(outer, inner...)...) }
	for name, c := range map[string]struct {
		link    Link
		frame   []byte
		packets int   // how many it holds, the last of which says "said" to port 99
		depth   uint8 // of the last
		vlan    uint16
	}{
		"ethernet":      {1, with(eth(0x0800)), 1, 0, 0},
		"ipv6":          {1, wrap(t, eth(0x86dd), ip6(17), udp(99), said), 1, 0, 0},
		"vlan":          {1, with(eth(0x8100), &layers.Dot1Q{VLANIdentifier: 7, Type: 0x0800}), 1, 0, 7},
		"qinq":          {1, with(eth(0x88a8), &layers.Dot1Q{VLANIdentifier: 3, Type: 0x8100}, &layers.Dot1Q{VLANIdentifier: 8, Type: 0x0800}), 1, 0, 8},
		"mpls":          {1, with(eth(0x8847), raw("0001004000020140")), 1, 0, 0},
		"mpls_ethernet": {1, with(eth(0x8847), raw("0001014000000000"), eth(0x0800)), 1, 0, 0},
		"pppoe":         {1, with(eth(0x8864), raw("110000010022"), raw("0021")), 1, 0, 0},
		"gre":           {1, with(eth(0x0800), ip4(1, 47), raw("00000800")), 2, 1, 0},
		"gre_ethernet":  {1, with(eth(0x0800), ip4(1, 47), raw("00006558"), eth(0x0800)), 2, 1, 0},
		"erspan":        {1, with(eth(0x0800), ip4(1, 47), raw("100088be0000000110000001"+"00000000"), eth(0x0800)), 2, 1, 0},
		"vxlan":         {1, with(eth(0x0800), ip4(1, 17), udp(4789), raw("0800000000007b00"), eth(0x0800)), 2, 1, 0},
		"geneve":        {1, with(eth(0x0800), ip4(1, 17), udp(6081), raw("0000655800007b00"), eth(0x0800)), 2, 1, 0},
		"ipip":          {1, with(eth(0x0800), ip4(1, 4)), 2, 1, 0},
		"six_in_four":   {1, wrap(t, eth(0x0800), ip4(1, 41), ip6(17), udp(99), said), 2, 1, 0},
		"three_deep":    {1, with(eth(0x0800), ip4(1, 4), ip4(2, 4), ip4(3, 4)), 4, 3, 0},
		"raw_4":         {101, with(), 1, 0, 0},
		"raw_6":         {101, wrap(t, ip6(17), udp(99), said), 1, 0, 0},
		"ipv4":          {228, with(), 1, 0, 0},
		"loopback":      {0, with(raw("02000000")), 1, 0, 0},
		"sll":           {113, with(raw("0000000100060200000000010000"), raw("0800")), 1, 0, 0},
		"sll2":          {276, with(raw("0800000000000002000100060200000000010000")), 1, 0, 0},
		"wifi":          {105, with(raw("08010000"+"020000000002"+"020000000001"+"020000000003"+"0000"), raw("aaaa030000000800")), 1, 0, 0},
		"wifi_qos":      {105, with(raw("88010000"+"020000000002"+"020000000001"+"020000000003"+"00000000"), raw("aaaa030000000800")), 1, 0, 0},
		"ppp":           {9, with(raw("ff030021")), 1, 0, 0},
		"options6":      {1, wrap(t, eth(0x86dd), ip6(0), raw("3c00010400000000"), raw("1100010400000000"), udp(99), said), 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := NewFrames(c.link)
			if err != nil {
				t.Fatal(err)
			}
			var s seen
			f.Frame(5, 7, c.frame, len(c.frame), &s)
			if got := f.Counts(); got != (Counts{Frames: 1}) {
				t.Errorf("counts %+v", got)
			}
			if len(s.packets) != c.packets || len(s.others) > 0 {
				t.Fatalf("%d packets and %d others, want %d packets", len(s.packets), len(s.others), c.packets)
			}
			p := s.packets[len(s.packets)-1]
			if string(p.Payload) != "said" || p.ToPort != 99 || p.FromPort != 40000 || p.Depth != c.depth || p.VLAN != c.vlan || p.Number != 5 || p.Time != 7 || p.Missing != 0 {
				t.Errorf("got %+v", p)
			}
			for n := range c.frame { // however little is there, it is survived and accounted for
				short := seen{}
				before := f.Counts()
				f.Frame(6, 8, c.frame[:n], len(c.frame), &short)
				after := f.Counts()
				if after.Frames != before.Frames+1 || len(short.packets)+len(short.others)+int(after.Broken+after.Strange-before.Broken-before.Strange) == 0 {
					t.Errorf("cut to %d bytes: nothing tells what became of it", n)
				}
			}
		})
	}
}

func TestFrameOfFragments(t *testing.T) {
	f, err := NewFrames(1)
	if err != nil {
		t.Fatal(err)
	}
	whole := wrap(t, udp(99), gopacket.Payload(bytes.Repeat([]byte("0123456789abcdef"), 100)))
	var s seen
	for at := 0; at < len(whole); at += 800 {
		end := min(at+800, len(whole))
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: 17, Id: 3, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}, FragOffset: uint16(at / 8)}
		if end < len(whole) {
			ip.Flags = layers.IPv4MoreFragments
		}
		frame := wrap(t, eth(0x0800), ip, gopacket.Payload(whole[at:end]))
		f.Frame(1, 1, frame, len(frame), &s)
	}
	if len(s.packets) != 1 || len(s.packets[0].Payload) != 1600 || s.packets[0].ToPort != 99 {
		t.Errorf("%d packets", len(s.packets))
	}
	if c := f.Counts(); c.Fragments != 3 || c.Torn != 0 || c.Broken != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestARPIsOther(t *testing.T) {
	f, err := NewFrames(1)
	if err != nil {
		t.Fatal(err)
	}
	frame := wrap(t, eth(0x0806), raw("0001080006040001"+"0200000000010a000001"+"0000000000000a000002"))
	var s seen
	f.Frame(1, 1, frame, len(frame), &s)
	if len(s.others) != 1 || s.others[0].Type != 0x0806 || len(s.others[0].Payload) < 28 || s.others[0].FromMAC != (MAC{2, 0, 0, 0, 0, 1}) {
		t.Errorf("got %+v", s.others)
	}
}

func TestUnknownLink(t *testing.T) {
	if _, err := NewFrames(195); err == nil {
		t.Error("frames of a link type that nobody knows here are read")
	}
}

// FuzzFrames lets the fuzzer look for frames that cannot be survived, alone and in a table.
func FuzzFrames(f *testing.F) {
	f.Add(uint32(1), wrap(f, eth(0x0800), ip4(1, 17), udp(4789), raw("0800000000007b00"), eth(0x0800), ip4(2, 6), &layers.TCP{SYN: true}))
	f.Add(uint32(105), wrap(f, raw("88010000020000000002020000000001020000000003"+"00000000aaaa030000000800"), ip6(44), raw("1100000100000007")))
	f.Add(uint32(1), wrap(f, eth(0x8864), raw("110000010022"), raw("0281"), raw("0001004000020140"), ip4(1, 47), raw("100088be00000001"), raw("1000000100000000")))
	f.Fuzz(func(t *testing.T, link uint32, data []byte) {
		frames, err := NewFrames(Link(link % 300))
		if err != nil || len(data) > 1<<16 {
			return
		}
		h := &heard{}
		s := &both{Table: NewTable(Limits{Flows: 16, Queued: 1 << 16, Ahead: 1 << 14}, 1, h)}
		n := uint64(0)
		for rest := data; len(rest) > 0; n++ { // frames of 1 to 256 bytes
			size := min(1+int(rest[0]), len(rest))
			frames.Frame(n+1, int64(n), rest[:size], size, s)
			rest = rest[size:]
		}
		frames.Frame(n+1, int64(n), data, len(data), s)
		s.Close()
		if c := frames.Counts(); c.Frames != n+1 || s.Len() != 0 || s.pages.used != 0 {
			t.Errorf("counts %+v, %d flows and %d pages left", c, s.Len(), s.pages.used)
		}
	})
}

// both is a sink that has a table.
type both struct{ *Table }

func (b *both) Packet(p *Packet) { b.Table.Packet(p) }
func (b *both) Other(*Other)     {}
