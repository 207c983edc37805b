package packet

import (
	"encoding/binary"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// ipv4 parses a packet of IPv4 (RFC 791).
func (f *Frames) ipv4(data []byte) ending {
	ip := &f.ip4
	if err := ip.DecodeFromBytes(data, f); err != nil {
		return broken
	}
	p := &f.p
	p.From, p.To, p.TTL, p.Protocol = AddrOf(ip.SrcIP), AddrOf(ip.DstIP), ip.TTL, uint8(ip.Protocol)
	p.Length = uint32(ip.Length)
	header := uint32(ip.IHL) * 4
	if p.Length < header { // offloading leaves it 0
		p.Length = uint32(len(data))
	}
	payload := ip.Payload
	p.Missing = missing(p.Length-header, payload)
	if ip.Flags&layers.IPv4MoreFragments != 0 || ip.FragOffset > 0 {
		id := uint32(ip.Id) | uint32(ip.Protocol)<<16
		return f.fragment(id, int(ip.FragOffset)*8, ip.Flags&layers.IPv4MoreFragments != 0, payload)
	}
	return f.transport(payload)
}

func missing(want uint32, have []byte) uint32 {
	if n := uint32(len(have)); want > n {
		return want - n
	}
	return 0
}

// ipv6 parses a packet of IPv6 with its extension headers (RFC 8200).
func (f *Frames) ipv6(data []byte) ending {
	ip := &f.ip6
	if err := ip.DecodeFromBytes(data, f); err != nil {
		return broken
	}
	p := &f.p
	p.From, p.To, p.TTL, p.Protocol = AddrOf(ip.SrcIP), AddrOf(ip.DstIP), ip.HopLimit, uint8(ip.NextHeader)
	body := data[min(40, len(data)):]
	want := uint32(ip.Length)
	if want == 0 { // offloading, or a jumbogram
		want = uint32(len(body))
	}
	p.Length = 40 + want
	p.Missing = missing(want, body)
	body = body[:min(want, uint32(len(body)))]
	for range mostLayers {
		switch p.Protocol {
		case 0, 43, 60, 135: // hop-by-hop, routing, destination, mobility
			if len(body) < 2 {
				return broken
			}
			n := 8 + 8*int(body[1])
			if n > len(body) {
				return broken
			}
			p.Protocol, body = body[0], body[n:]
		case 51: // authentication header (RFC 4302, section 2.2)
			if len(body) < 2 {
				return broken
			}
			n := 8 + 4*int(body[1])
			if n > len(body) {
				return broken
			}
			p.Protocol, body = body[0], body[n:]
		case 44:
			if len(body) < 8 {
				return broken
			}
			where := binary.BigEndian.Uint16(body[2:])
			p.Protocol = body[0]
			more := where&1 != 0
			if where&^7 == 0 && !more { // RFC 6946: one that is whole
				body = body[8:]
				continue
			}
			return f.fragment(binary.BigEndian.Uint32(body[4:]), int(where&^7), more, body[8:])
		default:
			return f.transport(body)
		}
	}
	return broken
}

// fragment keeps a fragment until its packet is whole, which is then parsed.
func (f *Frames) fragment(id uint32, offset int, more bool, data []byte) ending {
	f.held = true
	whole := f.whole.add(&f.p, id, offset, more, data)
	if whole == nil {
		return done
	}
	if f.depth++; f.depth > 4 {
		return broken
	}
	f.p.Length += uint32(len(whole) - len(data))
	f.p.Missing = 0
	return f.transport(whole)
}

// transport parses what a packet carries, hands it over, and goes on inside a tunnel.
func (f *Frames) transport(data []byte) ending {
	p := &f.p
	p.FromPort, p.ToPort, p.Flags, p.Options, p.Payload = 0, 0, 0, nil, data
	inner, inside := gopacket.LayerTypeZero, []byte(nil)
	switch p.Protocol {
	case TCP:
		if f.tcp.DecodeFromBytes(data, f) != nil {
			return f.plain()
		}
		f.segment()
	case UDP:
		if len(data) < 8 {
			return f.plain()
		}
		inner, inside = f.datagram(data)
	case ICMP, ICMPv6:
		if len(data) < 4 {
			return f.plain()
		}
		p.FromPort, p.ToPort = uint16(data[0]), uint16(data[1])
	case SCTP:
		if len(data) < 12 {
			return f.plain()
		}
		p.FromPort, p.ToPort, p.Payload = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:]), data[12:]
	case 4:
		inner = layers.LayerTypeIPv4
	case 41:
		inner = layers.LayerTypeIPv6
	case 47:
		inner = layers.LayerTypeGRE
	case 97:
		inner = layers.LayerTypeEtherIP
	case 137:
		inner = layers.LayerTypeMPLS
	}
	if inside == nil {
		inside = p.Payload
	}
	f.hand()
	if inner == gopacket.LayerTypeZero {
		return done
	}
	return f.tunnel(inner, inside)
}

// plain hands over a packet whose transport ends before its header does.
func (f *Frames) plain() ending {
	f.hand()
	return done
}

// hand hands over the packet at hand.
func (f *Frames) hand() {
	f.held = true
	f.sink.Packet(&f.p)
}

// segment takes what a segment of TCP says.
func (f *Frames) segment() {
	p, t := &f.p, &f.tcp
	p.FromPort, p.ToPort, p.Seq, p.Ack, p.Window = uint16(t.SrcPort), uint16(t.DstPort), t.Seq, t.Ack, t.Window
	p.Payload = t.Payload
	if n := int(t.DataOffset) * 4; n > 20 && n <= len(t.Contents) {
		p.Options = t.Contents[20:n]
	}
	for i, set := range [...]bool{t.FIN, t.SYN, t.RST, t.PSH, t.ACK, t.URG} {
		if set {
			p.Flags |= 1 << i
		}
	}
}

// datagram takes what a datagram of UDP says (RFC 768), and which tunnel it is of, by its
// port and by what it begins with, and what is inside.
func (f *Frames) datagram(data []byte) (inner gopacket.LayerType, inside []byte) {
	p := &f.p
	p.FromPort, p.ToPort = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	n := int(binary.BigEndian.Uint16(data[4:]))
	if n < 8 || n > len(data) { // 0 for a jumbogram; more than there is if it was cut
		n = len(data)
	}
	p.Payload = data[8:n]
	body := p.Payload
	switch p.ToPort {
	case 4789: // VXLAN (RFC 7348)
		if len(body) > 8+14 && body[0]&0x08 != 0 && body[7] == 0 {
			return layers.LayerTypeVXLAN, body
		}
	case 6081: // Geneve (RFC 8926)
		if len(body) > 8 && body[0]>>6 == 0 {
			return layers.LayerTypeGeneve, body
		}
	case 4754: // GRE (RFC 8086)
		if len(body) > 4 && body[0]&0x4f == 0 && body[1]&0x07 == 0 {
			return layers.LayerTypeGRE, body
		}
	case 2152:
		return gtp(body)
	}
	if p.ToPort == 3544 || p.FromPort == 3544 {
		return teredo(body)
	}
	return gopacket.LayerTypeZero, nil
}

// gtp returns what is inside a packet of GTP-U (3GPP TS 29.281, section 5).
func gtp(body []byte) (inner gopacket.LayerType, inside []byte) {
	if len(body) < 8 || body[0]>>4 != 3 || body[1] != 255 {
		return gopacket.LayerTypeZero, nil
	}
	rest := body[8:]
	if body[0]&0x07 != 0 { // a sequence, an N-PDU number or more headers: all three have their place
		if len(rest) < 4 {
			return gopacket.LayerTypeZero, nil
		}
		next := rest[3]
		rest = rest[4:]
		for body[0]&0x04 != 0 && next != 0 && len(rest) > 0 {
			n := 4 * int(rest[0])
			if n == 0 || n > len(rest) {
				return gopacket.LayerTypeZero, nil
			}
			next, rest = rest[n-1], rest[n:]
		}
	}
	return internet(rest)
}

// teredo returns what is inside a packet of Teredo, behind its indications (RFC 4380, section
// 5.1.1).
func teredo(body []byte) (inner gopacket.LayerType, inside []byte) {
	if len(body) > 13 && body[0] == 0 && body[1] == 1 { // authentication
		n := 13 + int(body[2]) + int(body[3])
		body = body[min(n, len(body)):]
	}
	if len(body) > 8 && body[0] == 0 && body[1] == 0 { // origin
		body = body[8:]
	}
	if len(body) < 40 || body[0]>>4 != 6 {
		return gopacket.LayerTypeZero, nil
	}
	return layers.LayerTypeIPv6, body
}

// internet returns which IP a packet is of, if it can be one.
func internet(data []byte) (gopacket.LayerType, []byte) {
	switch {
	case len(data) >= 20 && data[0]>>4 == 4:
		return layers.LayerTypeIPv4, data
	case len(data) >= 40 && data[0]>>4 == 6:
		return layers.LayerTypeIPv6, data
	}
	return gopacket.LayerTypeZero, nil
}

// tunnel goes on with what a packet carries for others.
func (f *Frames) tunnel(inner gopacket.LayerType, data []byte) ending {
	if f.p.Depth++; f.p.Depth > 4 {
		return done
	}
	f.p.FromMAC, f.p.ToMAC, f.p.VLAN = MAC{}, MAC{}, 0
	if f.walk(inner, data) == broken {
		f.counts.Broken++ // the packet outside was fine, so the frame held something
	}
	return done
}
