package packet

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"vedette/internal/fault"
)

// Link is how frames of a capture begin, by the number that pcap gives it
// (www.tcpdump.org/linktypes.html).
type Link uint32

// Sink takes what frames hold.
type Sink interface {
	// Packet takes an IP packet.
	Packet(p *Packet)
	// Other takes what a frame carries that is not IP, by its EtherType: ARP and what
	// stations say to each other below IP.
	Other(o *Other)
}

// Other is the payload of a frame that is not IP.
type Other struct {
	Time           int64 // Unix nanoseconds
	Number         uint64
	FromMAC, ToMAC MAC
	VLAN           uint16
	Type           uint16 // EtherType
	Payload        []byte
}

// Counts is what became of frames: Frames = those that held something + Strange + Broken.
type Counts struct {
	Frames    uint64
	Strange   uint64 // of a kind that is not read here, such as Wi-Fi management
	Broken    uint64 // a header ended early, or said what cannot be
	Cut       uint64 // the capture has less of them than was on the wire; they were read as far as they go
	Fragments uint64
	Torn      uint64 // fragments whose packet never became whole
	Overlaps  uint64 // fragments that said again, and otherwise, what another had said
}

const vnTag = 0x8926 // EtherType

const mostLayers = 16 // a frame may nest, and one that nests deeper means no good

// Frames parses the frames of one source.
type Frames struct {
	first  gopacket.LayerType
	counts Counts
	whole  fragments

	// The frame at hand.
	sink  Sink
	p     Packet
	held  bool   // that the frame held something
	depth int    // of whole packets made of fragments
	air   []byte // of a Wi-Fi frame

	eth     layers.Ethernet
	vlan    layers.Dot1Q
	sll     layers.LinuxSLL
	sll2    layers.LinuxSLL2
	loop    layers.Loopback
	radio   layers.RadioTap
	dot11   layers.Dot11
	llc     layers.LLC
	snap    layers.SNAP
	ip4     layers.IPv4
	ip6     layers.IPv6
	tcp     layers.TCP
	gre     layers.GRE
	vxlan   layers.VXLAN
	geneve  layers.Geneve
	erspan  layers.ERSPANII
	etherIP layers.EtherIP
}

// NewFrames returns a parser of frames of a link type. It refuses one that it does not know.
func NewFrames(link Link) (*Frames, error) {
	f := &Frames{}
	switch link {
	case 1:
		f.first = layers.LayerTypeEthernet
	case 0, 108:
		f.first = layers.LayerTypeLoopback
	case 12, 14, 101:
		f.first = gopacket.LayerTypeZero // raw IP: the version is in the packet
	case 228:
		f.first = layers.LayerTypeIPv4
	case 229:
		f.first = layers.LayerTypeIPv6
	case 105:
		f.first = layers.LayerTypeDot11
	case 127:
		f.first = layers.LayerTypeRadioTap
	case 113:
		f.first = layers.LayerTypeLinuxSLL
	case 276:
		f.first = layers.LayerTypeLinuxSLL2
	case 9, 50:
		f.first = layers.LayerTypePPP
	case 51:
		f.first = layers.LayerTypePPPoE
	default:
		return nil, fault.New(fault.Invalid, fmt.Sprintf("frames of link type %d are not read", link))
	}
	return f, nil
}

// Counts returns what became of the frames so far.
func (f *Frames) Counts() Counts {
	c := f.counts
	c.Fragments, c.Torn, c.Overlaps = f.whole.seen, f.whole.torn+f.whole.waiting(), f.whole.overlaps
	return c
}

// SetTruncated implements gopacket.DecodeFeedback: a layer says that its data ends early.
// What is missing is worked out from lengths instead.
func (f *Frames) SetTruncated() {}

// Frame parses a frame of a source: its number there, from 1, when it was, what the capture
// has of it and how long it was on the wire. What it holds goes to the sink.
func (f *Frames) Frame(number uint64, at int64, data []byte, length int, sink Sink) {
	f.counts.Frames++
	if length > len(data) {
		f.counts.Cut++
	}
	f.sink, f.held, f.depth = sink, false, 0
	f.p = Packet{Time: at, Number: number}
	first := f.first
	if first == gopacket.LayerTypeZero {
		first = version(data)
	}
	switch f.walk(first, data) {
	case unknown:
		if !f.held {
			f.counts.Strange++
		}
	case broken:
		if !f.held {
			f.counts.Broken++
		}
	}
	f.sink = nil
}

// version returns which IP a packet is of.
func version(data []byte) gopacket.LayerType {
	if len(data) > 0 && data[0]>>4 == 6 {
		return layers.LayerTypeIPv6
	}
	return layers.LayerTypeIPv4
}

// ending says how the walk through a frame's layers ended.
type ending uint8

const (
	done ending = iota
	unknown
	broken
)

// layer is what gopacket's layers have in common.
type layer interface {
	DecodeFromBytes(data []byte, df gopacket.DecodeFeedback) error
	NextLayerType() gopacket.LayerType
	LayerPayload() []byte
}

// walk goes from layer to layer, and hands over each packet on the way.
func (f *Frames) walk(next gopacket.LayerType, data []byte) ending {
	for range mostLayers {
		switch next {
		case layers.LayerTypeIPv4:
			return f.ipv4(data)
		case layers.LayerTypeIPv6:
			return f.ipv6(data)
		case layers.LayerTypeARP:
			return f.other(0x0806, data)
		case layers.LayerTypeMPLS:
			var ok bool
			if next, data, ok = labels(data); !ok {
				return broken
			}
			continue
		case layers.LayerTypePPPoE, layers.LayerTypePPP:
			var ok bool
			if next, data, ok = points(next, data); !ok {
				return broken
			}
			continue
		}
		l := f.layer(next)
		if l == nil {
			return unknown
		}
		if next == layers.LayerTypeDot11 { // gopacket takes the last four bytes for a checksum, which few captures have
			f.air = append(append(f.air[:0], data...), 0, 0, 0, 0)
			data = f.air
		}
		if err := l.DecodeFromBytes(data, f); err != nil {
			return broken
		}
		data = l.LayerPayload()
		kind, ended := f.link(next)
		if kind == vnTag && len(data) > 6 { // IEEE 802.1BR: a tag of four bytes, and what follows
			next, data = layers.EthernetType(binary.BigEndian.Uint16(data[4:])).LayerType(), data[6:]
			continue
		}
		if ended {
			return f.other(kind, data)
		}
		next = l.NextLayerType()
	}
	return unknown
}

// layer returns what parses a layer below IP, nil if nothing here does.
func (f *Frames) layer(t gopacket.LayerType) layer {
	switch t {
	case layers.LayerTypeEthernet:
		return &f.eth
	case layers.LayerTypeDot1Q:
		return &f.vlan
	case layers.LayerTypeLoopback:
		return &f.loop
	case layers.LayerTypeLinuxSLL:
		return &f.sll
	case layers.LayerTypeLinuxSLL2:
		return &f.sll2
	case layers.LayerTypeRadioTap:
		return &f.radio
	case layers.LayerTypeDot11:
		return &f.dot11
	case layers.LayerTypeLLC:
		return &f.llc
	case layers.LayerTypeSNAP:
		return &f.snap
	case layers.LayerTypeGRE:
		return &f.gre
	case layers.LayerTypeVXLAN:
		return &f.vxlan
	case layers.LayerTypeGeneve:
		return &f.geneve
	case layers.LayerTypeERSPANII:
		return &f.erspan
	case layers.LayerTypeEtherIP:
		return &f.etherIP
	}
	return wireless(t)
}

// wireless returns what parses the data frames of IEEE 802.11.
func wireless(t gopacket.LayerType) layer {
	switch t {
	case layers.LayerTypeDot11Data:
		return &layers.Dot11Data{}
	case layers.LayerTypeDot11DataQOSData:
		return &layers.Dot11DataQOSData{}
	case layers.LayerTypeDot11DataCFAck:
		return &layers.Dot11DataCFAck{}
	case layers.LayerTypeDot11DataCFPoll:
		return &layers.Dot11DataCFPoll{}
	}
	return nil
}

// link takes from the layer that was parsed last who speaks below IP. It reports an
// EtherType whose payload is for [Sink.Other].
func (f *Frames) link(t gopacket.LayerType) (kind uint16, ended bool) {
	var e layers.EthernetType
	switch t {
	case layers.LayerTypeEthernet:
		copy(f.p.FromMAC[:], f.eth.SrcMAC)
		copy(f.p.ToMAC[:], f.eth.DstMAC)
		e = f.eth.EthernetType
	case layers.LayerTypeDot1Q:
		f.p.VLAN = f.vlan.VLANIdentifier
		e = f.vlan.Type
	case layers.LayerTypeLinuxSLL:
		copy(f.p.FromMAC[:], f.sll.Addr)
		e = f.sll.EthernetType
	case layers.LayerTypeLinuxSLL2:
		copy(f.p.FromMAC[:], f.sll2.Addr)
		e = layers.EthernetType(f.sll2.ProtocolType)
	case layers.LayerTypeDot11:
		f.stations()
	case layers.LayerTypeSNAP:
		e = f.snap.Type
	}
	switch e {
	case layers.EthernetTypeLLC, layers.EthernetTypeIPv4, layers.EthernetTypeIPv6, layers.EthernetTypeARP, layers.EthernetTypeDot1Q,
		layers.EthernetTypeQinQ, layers.EthernetTypeMPLSUnicast, layers.EthernetTypeMPLSMulticast, layers.EthernetTypePPPoESession,
		layers.EthernetTypeERSPAN, layers.EthernetTypeTransparentEthernetBridging:
		return 0, false
	}
	return uint16(e), e > 0x05ff
}

// stations takes the ends of a Wi-Fi frame (IEEE 802.11-2020, table 9-30).
func (f *Frames) stations() {
	from, to := f.dot11.Address2, f.dot11.Address1
	switch {
	case f.dot11.Flags.ToDS() && f.dot11.Flags.FromDS():
		from, to = f.dot11.Address4, f.dot11.Address3
	case f.dot11.Flags.ToDS():
		to = f.dot11.Address3
	case f.dot11.Flags.FromDS():
		from = f.dot11.Address3
	}
	copy(f.p.FromMAC[:], from)
	copy(f.p.ToMAC[:], to)
}

// other hands over what is not IP.
func (f *Frames) other(kind uint16, data []byte) ending {
	f.held = true
	f.sink.Other(&Other{Time: f.p.Time, Number: f.p.Number, FromMAC: f.p.FromMAC, ToMAC: f.p.ToMAC, VLAN: f.p.VLAN, Type: kind, Payload: data})
	return done
}

// labels passes over a stack of MPLS labels (RFC 3032, section 2.1). What is below it, the
// stack does not say: IP by its version, or else Ethernet behind a control word or without
// (RFC 4385, section 3).
func labels(data []byte) (next gopacket.LayerType, rest []byte, ok bool) {
	for range mostLayers {
		if len(data) < 5 {
			return 0, nil, false
		}
		bottom := data[2]&1 != 0
		if data = data[4:]; !bottom {
			continue
		}
		switch data[0] >> 4 {
		case 4:
			return layers.LayerTypeIPv4, data, true
		case 6:
			return layers.LayerTypeIPv6, data, true
		case 0:
			if len(data) > 18 {
				return layers.LayerTypeEthernet, data[4:], true
			}
		}
		return layers.LayerTypeEthernet, data, true
	}
	return 0, nil, false
}

// points passes over the headers of PPPoE (RFC 2516, section 4) and PPP (RFC 1661, section
// 2; with the framing of RFC 1662, section 3.1, or without).
func points(t gopacket.LayerType, data []byte) (next gopacket.LayerType, rest []byte, ok bool) {
	if t == layers.LayerTypePPPoE {
		if len(data) < 6 {
			return 0, nil, false
		}
		n := int(binary.BigEndian.Uint16(data[4:]))
		data = data[6:]
		data = data[:min(n, len(data))]
	}
	if len(data) > 2 && data[0] == 0xff && data[1] == 0x03 {
		data = data[2:]
	}
	if len(data) < 2 {
		return 0, nil, false
	}
	kind, n := uint16(data[0]), 1
	if data[0]&1 == 0 { // it is not compressed to one byte
		kind, n = binary.BigEndian.Uint16(data), 2
	}
	data = data[n:]
	switch kind {
	case 0x0021:
		return layers.LayerTypeIPv4, data, true
	case 0x0057:
		return layers.LayerTypeIPv6, data, true
	case 0x0281:
		return layers.LayerTypeMPLS, data, true
	}
	return gopacket.LayerTypeZero, data, true
}
