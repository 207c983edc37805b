package packet

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
)

// CommunityLength is the length of a Community ID in letters.
const CommunityLength = 30

// AppendCommunity appends the Community ID of a flow to dst: version 1, seed 0
// (github.com/corelight/community-id-spec). Other tools give the same flow the same.
func (f *Flow) AppendCommunity(dst []byte) []byte {
	a, b := f.Client, f.Server
	oneWay := false
	if f.Protocol == ICMP || f.Protocol == ICMPv6 {
		a.Port, b.Port, oneWay = echo(f.Protocol, a.Port, b.Port)
	}
	if c := bytes.Compare(a.Addr[:], b.Addr[:]); !oneWay && (c > 0 || c == 0 && a.Port > b.Port) {
		a, b = b, a
	}
	text := make([]byte, 0, 40)
	text = append(text, 0, 0) // seed
	text = append(append(text, short(&a.Addr)...), short(&b.Addr)...)
	text = append(text, f.Protocol, 0)
	switch f.Protocol {
	case TCP, UDP, SCTP, ICMP, ICMPv6:
		text = binary.BigEndian.AppendUint16(text, a.Port)
		text = binary.BigEndian.AppendUint16(text, b.Port)
	}
	sum := sha1.Sum(text)
	return base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])
}

// short returns an address in as many bytes as its version has.
func short(a *Addr) []byte {
	if a.Is4() {
		return a[12:]
	}
	return a[:]
}

// echo returns what stands for ports where there are none: the type that a message has,
// and that of its answer; or the type and code of one that is not answered.
func echo(protocol uint8, kind, code uint16) (a, b uint16, oneWay bool) {
	pairs := [...][2]uint16{{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}}
	if protocol == ICMPv6 {
		pairs = [...][2]uint16{{128, 129}, {130, 131}, {133, 134}, {135, 136}, {144, 145}}
	}
	for _, p := range pairs {
		switch kind {
		case p[0]:
			return p[0], p[1], false
		case p[1]:
			return p[1], p[0], false
		}
	}
	return kind, code, true
}
