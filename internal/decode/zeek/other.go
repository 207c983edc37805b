package zeek

import (
	"bytes"

	"vedette/internal/entity"
)

// plainOther is a log that has no type of event: all it has is kept as Extras.
func plainOther(r *record, at int64) error { return statement(r, at, nil) }

// statement is plainOther with a message.
func statement(r *record, at int64, message []byte) error {
	h, o := r.emit.Other(at)
	if err := r.head(h); err != nil {
		return err
	}
	o.Message = r.emit.Text(message)
	if h.Subject.Key == 0 && r.has(cHost) {
		var buf [48]byte
		if a := address(buf[:0], r.peek(cHost)); a != nil {
			r.drop(cHost)
			h.Subject = r.emit.Entity(entity.Device, entity.IP, a)
		}
	}
	return nil
}

// weird is traffic that breaks a protocol's rules. What it was about may be content.
func weird(r *record, at int64) error {
	r.dropFalse(cNotice)
	name := r.text(cName)
	return statement(r, at, name)
}

func dceRPC(r *record, at int64) error {
	return statement(r, at, r.pair(cEndpoint, "::", cOperation))
}

func sip(r *record, at int64) error {
	// Who calls whom is in from and to, and names people.
	r.drop(cDate, cSeq)
	return statement(r, at, r.pair(cMethod, " ", cStatusCode))
}

func tunnel(r *record, at int64) error {
	return statement(r, at, r.pair(cTunnelType, " ", cAction))
}

// analyzer is a protocol parser that gave up; the data it gave up on is content.
func analyzer(r *record, at int64) error {
	if r.has(cAnalyzerName) {
		return statement(r, at, r.peek(cAnalyzerName))
	}
	return statement(r, at, r.peek(cAnalyzer))
}

// syslog carries other programs' text, which may be anything.
func syslog(r *record, at int64) error {
	return statement(r, at, r.pair(cFacility, " ", cSeverity))
}

func irc(r *record, at int64) error {
	if string(r.peek(cCommand)) == "PASS" {
		r.drop(cValue)
	}
	return statement(r, at, r.peek(cCommand))
}

func socks(r *record, at int64) error {
	r.drop(cPassword)
	return statement(r, at, r.peek(cStatus))
}

func reporter(r *record, at int64) error { return statement(r, at, r.text(cMessage)) }

// pair returns the values of two columns with a separator, and leaves them to be kept.
func (r *record) pair(a column, separ string, b column) []byte {
	v, w := r.peek(a), r.peek(b)
	n := len(r.scratch)
	r.scratch = append(r.scratch, v...)
	if len(v) > 0 && len(w) > 0 {
		r.scratch = append(r.scratch, separ...)
	}
	r.scratch = append(r.scratch, w...)
	return r.scratch[n:len(r.scratch):len(r.scratch)]
}

// words takes columns and returns their values with spaces between them.
func (r *record) words(all ...column) []byte {
	var v []byte
	for _, c := range all {
		w := r.text(c)
		switch {
		case len(w) == 0:
		case len(v) == 0:
			v = w
		default:
			v = r.join(v, ' ', w)
		}
	}
	return bytes.TrimSpace(v)
}
