// Package network finds trouble in how machines talk.
package network

import (
	"bytes"
	"strconv"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// The values that these detectors share.

// peer is the other party: a machine of ours, or a place outside.
func peer() detect.Value {
	return detect.Value{Name: "peer", Of: func(e event.View, s detect.Side) uint64 {
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
		return text.Mix(text.Mix(uint64(e.Head().Object.Port), uint64(s)+1), uint64(transport(e)))
	}}
}

// endpoint is one port of one machine.
func endpoint() detect.Value {
	return detect.Value{Name: "endpoint", Of: func(e event.View, s detect.Side) uint64 {
		if s == detect.Serves {
			return 0
		}
		return text.Mix(uint64(e.Head().Object.Key), uint64(e.Head().Object.Port)<<8|uint64(transport(e)))
	}}
}

// transport returns 6 for TCP, 17 for UDP, 1 for ICMP, else 0: IANA's protocol numbers.
func transport(e event.View) uint8 {
	switch p := e.Bytes(e.Flow().Protocol); {
	case bytes.Equal(p, []byte("tcp")):
		return 6
	case bytes.Equal(p, []byte("udp")):
		return 17
	case bytes.HasPrefix(p, []byte("icmp")):
		return 1
	}
	return 0
}

// label writes a service as people do: "tcp/445". It is valid until the next call with
// the same buffer.
func label(buf *[32]byte, e event.View) []byte {
	return strconv.AppendUint(append(append(buf[:0], cut(e.Bytes(e.Flow().Protocol), 8)...), '/'), uint64(e.Head().Object.Port), 10)
}

func cut(b []byte, n int) []byte { return b[:min(n, len(b))] }

// ours reports whether the entity belongs to the organisation.
func ours(r *entity.Ref) bool { return r.Own == 1 }

// housekeeping reports whether a flow is of the sort by which networks keep themselves
// going, which is regular and says nothing: name look-ups, clocks, leases, discovery.
func housekeeping(e event.View) bool {
	return upkeep(e.Head().Object.Port) || transport(e) == 1 || many(e.Bytes(e.Head().Object.Name))
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
	return transport(e) == 17 && to >= 1024 && (from > 0 && from < 1024 || upkeep(from))
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
