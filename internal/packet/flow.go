package packet

// Side is who speaks.
type Side uint8

// The sides of a flow.
const (
	Client Side = iota
	Server
)

// Other returns who listens.
func (s Side) Other() Side { return 1 - s }

// Endpoint is one end of a flow.
type Endpoint struct {
	Addr Addr
	Port uint16
	MAC  MAC // of the first packet from it, zero if the link has none
}

// Flow is one conversation between two endpoints. Its fields are as of the packet at hand.
type Flow struct {
	Client, Server Endpoint
	Protocol       uint8
	Depth          uint8 // of tunnels that it came through
	VLAN           uint16
	First, Last    int64  // times of packets, Unix nanoseconds
	Number         uint64 // of the last packet's frame
	Packets        [2]uint64
	Bytes          [2]uint64 // of IP packets, by their headers
	Payload        [2]uint64 // of transport, as it came: what was sent twice counts twice
	Missed         [2]uint64 // bytes of the stream that were never seen
	Any            any       // of whoever listens

	marks   [2]mark
	flipped bool // the sides were told by their ports, or turned round
	history [20]byte
	letters uint8
	told    int64 // when Still was called last

	halves [2]half
	hash   uint64
	chain  uint32 // the next in the same bucket
	older  uint32 // neighbours in the list of its class
	newer  uint32
	self   uint32
	topic  uint16 // of ICMP
	class  class
}

// mark is what a side of a flow has shown.
type mark uint16

const (
	sentSYN mark = 1 << iota
	sentSYNACK
	sentACK
	sentData
	sentFIN
	sentRST
	sentAgain
	hadGap
	sentNothing // a window of zero
	proved      // it acknowledged what only who got it can know
)

// note notes that a side showed something, in Zeek's letters (the field history of
// conn.log): small for the server.
func (f *Flow) note(s Side, m mark, letter byte) {
	if f.marks[s]&m != 0 {
		return
	}
	f.marks[s] |= m
	if s == Server {
		letter += 'a' - 'A'
	}
	if int(f.letters) < len(f.history) {
		f.history[f.letters] = letter
		f.letters++
	}
}

// History returns what happened, in the letters of Zeek's conn.log, each the first time
// that it did. It is valid until the next packet.
func (f *Flow) History() []byte { return f.history[:f.letters] }

// Answered reports whether both sides spoke.
func (f *Flow) Answered() bool { return f.Packets[Client] > 0 && f.Packets[Server] > 0 }

// Established reports whether a handshake was completed, or both sides spoke where there
// is none.
func (f *Flow) Established() bool {
	if f.Protocol != TCP {
		return f.Answered()
	}
	c, s := f.marks[Client], f.marks[Server]
	return c&sentSYN != 0 && s&sentSYNACK != 0 || c&sentSYN == 0 && f.Answered() && (c|s)&sentData != 0
}

// Proved reports whether the client's address is real: it got what was sent there.
func (f *Flow) Proved() bool { return f.marks[Client]&proved != 0 }

// Refused reports whether the server said no to being connected to.
func (f *Flow) Refused() bool {
	return f.Protocol == TCP && f.marks[Server]&sentRST != 0 && f.marks[Server]&sentSYNACK == 0 && f.marks[Client]&sentSYN != 0
}

// Asks reports whether its client does something that is answered as a rule.
func (f *Flow) Asks() bool {
	switch f.Protocol {
	case TCP, UDP:
		return true
	case ICMP, ICMPv6:
		return f.topic>>15 == 0
	}
	return false
}

// Ended reports whether a connection was closed by both sides, or reset.
func (f *Flow) Ended() bool {
	c, s := f.marks[Client], f.marks[Server]
	return (c|s)&sentRST != 0 || c&s&sentFIN != 0
}

// State returns how it went, in the words of Zeek's conn_state, so that detectors need
// know no more than one set of words.
func (f *Flow) State() string {
	if f.Protocol != TCP {
		switch {
		case f.Packets[Server] == 0:
			return "S0"
		case f.Packets[Client] == 0:
			return "SHR"
		}
		return "SF"
	}
	c, s := f.marks[Client], f.marks[Server]
	switch syn, answer := c&sentSYN != 0, s&sentSYNACK != 0; {
	case syn && answer:
		return established(c, s)
	case syn && s&sentRST != 0:
		return "REJ"
	case syn && c&sentRST != 0:
		return "RSTOS0"
	case syn && c&sentFIN != 0:
		return "SH"
	case syn && s == 0:
		return "S0"
	case answer && s&sentRST != 0:
		return "RSTRH"
	case answer && s&sentFIN != 0:
		return "SHR"
	}
	return "OTH"
}

// established returns how a connection went that was made.
func established(c, s mark) string {
	switch {
	case c&sentRST != 0:
		return "RSTO"
	case s&sentRST != 0:
		return "RSTR"
	case c&s&sentFIN != 0:
		return "SF"
	case c&sentFIN != 0:
		return "S2"
	case s&sentFIN != 0:
		return "S3"
	}
	return "S1"
}
