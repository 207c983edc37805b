// Package network finds trouble in how machines talk.
package network

import (
	"bytes"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// The values that these detectors share.

// peer is the other party: a machine of ours, or a place outside.
func peer() detect.Value {
	return detect.Value{Name: "peer", Asks: detect.Always, Of: func(e event.View, s detect.Side) uint64 {
		if s == detect.Acts {
			return uint64(e.Head().Object.Key)
		}
		return uint64(e.Head().Subject.Key)
	}}
}

// service is a port and transport that an entity turns to or offers.
func service() detect.Value {
	return detect.Value{Name: "service", Of: func(e event.View, s detect.Side) uint64 {
		if e.Flow().Outcome != event.Established {
			return 0 // knocking is no use
		}
		return text.Mix(text.Mix(uint64(e.Head().Object.Port), uint64(s)+1), uint64(e.Flow().Number))
	}}
}

// endpoint is one port of one machine.
func endpoint() detect.Value {
	return detect.Value{Name: "endpoint", Asks: detect.OnlyFirst, Of: func(e event.View, s detect.Side) uint64 {
		if s == detect.Serves {
			return 0
		}
		return text.Mix(uint64(e.Head().Object.Key), uint64(e.Head().Object.Port)<<8|uint64(e.Flow().Number))
	}}
}

// IANA's numbers of the protocols that matter here.
const tcp, udp, icmp, icmp6 = 6, 17, 1, 58

// label names the service of a flow as people do: "tcp/445".
func label(e event.View) detect.Label {
	return detect.Label{Name: e.Bytes(e.Flow().Protocol), Port: e.Head().Object.Port}
}

// named is the label that only says name.
func named(name []byte) detect.Label { return detect.Label{Name: name} }

// ours reports whether the entity belongs to the organisation.
func ours(r *entity.Ref) bool { return r.Own == 1 }

// housekeeping reports whether a flow is of the sort by which networks keep themselves
// going, which is regular and says nothing: name look-ups, clocks, leases, discovery.
func housekeeping(e event.View) bool {
	return upkeep(e.Head().Object.Port) || e.Flow().Number == icmp || e.Flow().Number == icmp6 || many(e.Bytes(e.Head().Object.Name))
}

// upkeep reports whether a port is of such a protocol.
func upkeep(port uint16) bool {
	switch port {
	case 53, 67, 68, 123, 137, 138, 546, 547, 1900, 3702, 5353, 5355:
		return true
	}
	return false
}

// reply reports whether a datagram that nobody answered looks like an answer itself, to a
// question that went to many or was not seen: it comes from the port of a service.
func reply(e event.View) bool {
	from, to := e.Head().Subject.Port, e.Head().Object.Port
	return e.Flow().Number == udp && to >= 1024 && (from > 0 && from < 1024 || upkeep(from))
}

// many reports whether an address is a multicast or broadcast address: RFC 5771, RFC
// 4291 section 2.7, and the limited broadcast of RFC 919. The broadcast address of a
// subnet cannot be known.
func many(ip []byte) bool {
	if bytes.IndexByte(ip, ':') >= 0 {
		return bytes.HasPrefix(ip, []byte("ff"))
	}
	i := bytes.IndexByte(ip, '.')
	if i != 3 || ip[0] != '2' {
		return false
	}
	return ip[1] == '2' && ip[2] >= '4' || ip[1] == '3' || bytes.Equal(ip, []byte("255.255.255.255"))
}
