package decode

import "bytes"

// MostLine is the longest line of a protocol of lines that is looked at, in bytes.
const MostLine = 8 << 10

// Lines cuts what a side of a conversation says into lines. Of a line longer than
// [MostLine] the beginning counts and the rest is passed over, so a peer that never ends a
// line costs no memory. The zero Lines is ready.
type Lines struct{ over bool } // the rest of a line that was cut

// Next returns the first line of data without its end, and how many bytes are used up, also
// when there is no line yet.
func (l *Lines) Next(data []byte) (line []byte, used int, ok bool) {
	end := bytes.IndexByte(data, '\n')
	if l.over {
		if end < 0 {
			return nil, len(data), false
		}
		l.over = false
		line, used, ok = l.Next(data[end+1:])
		return line, end + 1 + used, ok
	}
	switch {
	case end >= 0 && end <= MostLine:
		return bytes.TrimSuffix(data[:end], []byte("\r")), end + 1, true
	case end >= 0:
		return data[:MostLine], end + 1, true
	case len(data) > MostLine:
		l.over = true
		return data[:MostLine], len(data), true
	}
	return nil, 0, false
}

// Word returns the first word of a line, and what follows the spaces after it.
func Word(line []byte) (word, rest []byte) {
	line = bytes.TrimLeft(line, " ")
	i := bytes.IndexByte(line, ' ')
	if i < 0 {
		return line, nil
	}
	return line[:i], bytes.TrimSpace(line[i:])
}

// ReplyCode returns the code of a line of a reply as SMTP and FTP have it (RFC 5321, section
// 4.2; RFC 959, section 4.2), and whether another line of the same reply follows; 0 if it is
// none.
func ReplyCode(line []byte) (code int, more bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		code = code*10 + int(c-'0')
	}
	if code < 100 || code > 699 {
		return 0, false
	}
	return code, len(line) > 3 && line[3] == '-'
}
