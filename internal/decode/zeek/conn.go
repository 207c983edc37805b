package zeek

import (
	"vedette/internal/decode"
	"vedette/internal/event"
)

func conn(r *record, at int64) error { return flow(r, at, 0) }

// openConn is a connection that goes on while it is written down.
func openConn(r *record, at int64) error { return flow(r, at, 1) }

// flow makes a flow that is known when it ends, or of an open one, when last seen.
func flow(r *record, at int64, open uint8) error {
	duration := r.interval(cDuration)
	if at > year2200-duration {
		return decode.NoTime
	}
	h, f := r.emit.Flow(at + duration)
	if err := r.head(h); err != nil {
		return err
	}
	h.Subject.Local, h.Object.Local = r.flag(cLocalOrig), r.flag(cLocalResp)
	state := r.text(cConnState)
	protocol := r.lower(cProto)
	r.emit.SetProtocol(f, protocol)
	f.Service = r.put(cService)
	f.State = r.emit.Text(state)
	f.History = r.put(cHistory)
	f.Community = r.put(cCommunityID)
	f.BytesOut, f.BytesIn = r.count(cOrigBytes), r.count(cRespBytes)
	if r.has(cOrigBytes) && r.has(cRespBytes) {
		// How many bytes it was with all headers is worth keeping only where Zeek does not
		// look into the payload.
		r.drop(cOrigIPBytes, cRespIPBytes)
	}
	f.PacketsOut, f.PacketsIn = r.count(cOrigPkts), r.count(cRespPkts)
	f.Missed = r.count(cMissedBytes)
	f.Duration, f.Open = duration, open
	f.Outcome = outcome(state, f.BytesIn+f.PacketsIn > 0)
	switch string(protocol) {
	case "tcp":
		if completed(state) {
			r.emit.Trust(event.Handshake)
		}
	case "icmp":
		if f.Outcome == event.UnknownOutcome && asks(h.Subject.Port) {
			f.Outcome = event.Unanswered
		}
		// Zeek puts type and code where the ports are.
		h.Subject.Port, h.Object.Port = 0, 0
		r.untake(cOrigP, cRespP)
	}
	return nil
}

// outcome says from Zeek's state of a connection whether the server took part. Answered
// says that it sent something; it decides where Zeek saw no beginning, or only ours.
func outcome(state []byte, answered bool) event.Outcome {
	switch string(state) {
	case "SF", "S1", "S2", "S3", "RSTO", "RSTR", "SHR":
		return event.Established // SHR: the answer was seen and not the question
	case "S0", "SH", "RSTOS0":
		if answered { // a sensor that missed packets may have missed the answer's beginning
			return event.Established
		}
		return event.Unanswered
	case "REJ", "RSTRH":
		return event.Refused
	}
	if answered {
		return event.Established
	}
	return event.UnknownOutcome
}

// completed reports whether Zeek saw the TCP handshake to its end.
func completed(state []byte) bool {
	switch string(state) {
	case "SF", "S1", "S2", "S3", "RSTO", "RSTR":
		return true
	}
	return false
}

// asks reports whether ICMP messages of a type expect an answer: echo, timestamp,
// information, mask, and echo of ICMPv6. Others are one-way, and silence means nothing.
func asks(kind uint16) bool {
	return kind == 8 || kind == 13 || kind == 15 || kind == 17 || kind == 128
}
