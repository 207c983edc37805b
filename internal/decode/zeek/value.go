package zeek

// Numbers, times and addresses as Zeek writes them. Nothing here goes through a float
// but numbers with an exponent: a timestamp must come out to the nanosecond.

import (
	"bytes"
	"math"
	"net/netip"
	"strconv"
)

const (
	second   = 1_000_000_000
	year2200 = 7_258_118_400 * second
)

// nanos reads a number of seconds. It reports false for what is no number, or one that
// does not fit.
func nanos(b []byte) (int64, bool) {
	s, minus := b, false
	if len(s) > 0 && s[0] == '-' {
		s, minus = s[1:], true
	}
	var n int64
	i := 0
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if n = n*10 + int64(s[i]-'0'); n > 9_000_000_000 {
			return 0, false
		}
	}
	if i == 0 {
		return 0, false
	}
	n *= second
	if i < len(s) && s[i] == '.' {
		scale := int64(second)
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			scale /= 10
			n += int64(s[i]-'0') * scale
		}
	}
	if i < len(s) {
		if s[i]|0x20 != 'e' || len(s) > 32 {
			return 0, false
		}
		f, err := strconv.ParseFloat(string(s), 64)
		if err != nil || f >= 9e9 {
			return 0, false
		}
		n = int64(math.Round(f * second))
	}
	if minus {
		n = -n
	}
	return n, true
}

// moment reads a point in time: seconds, or milliseconds if it is a whole number far
// beyond any year of seconds (LogAscii::json_timestamps = JSON::TS_MILLIS), or ISO 8601.
func moment(b []byte) (int64, bool) {
	if len(b) > 10 && b[4] == '-' {
		return iso8601(b)
	}
	if len(b) >= 12 && bytes.IndexByte(b, '.') < 0 {
		if ms, ok := count(b); ok && ms <= year2200/1_000_000 {
			return int64(ms) * 1_000_000, ms > 0
		}
	}
	t, ok := nanos(b)
	return t, ok && t > 0 && t < year2200
}

// iso8601 reads 2018-03-24T17:15:20.600725Z, or with an offset for Z.
func iso8601(b []byte) (int64, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	y, ok1 := digits(b[0:4])
	m, ok2 := digits(b[5:7])
	d, ok3 := digits(b[8:10])
	h, ok4 := digits(b[11:13])
	min, ok5 := digits(b[14:16])
	s, ok6 := digits(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || m < 1 || m > 12 || d < 1 || d > 31 || h > 23 || min > 59 || s > 60 {
		return 0, false
	}
	t := ((days(y, m, d)*24+h)*60+min)*60 + s
	b = b[19:]
	var fraction int64
	if len(b) > 0 && b[0] == '.' {
		i, scale := 1, int64(second)
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			scale /= 10
			fraction += int64(b[i]-'0') * scale
		}
		b = b[i:]
	}
	offset, ok := zone(b)
	t = t - offset
	if !ok || t <= 0 || t >= year2200/second {
		return 0, false
	}
	return t*second + fraction, true
}

// zone reads the end of an ISO 8601 time: nothing, Z, +02:00 or +0200, in seconds.
func zone(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) == 1 && b[0]|0x20 == 'z' {
		return 0, true
	}
	if len(b) == 6 && b[3] == ':' || len(b) == 5 {
		h, ok1 := digits(b[1:3])
		m, ok2 := digits(b[len(b)-2:])
		if ok1 && ok2 && h < 24 && m < 60 && (b[0] == '+' || b[0] == '-') {
			if b[0] == '-' {
				h, m = -h, -m
			}
			return h*3600 + m*60, true
		}
	}
	return 0, false
}

func digits(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// days returns the days from 1970 to a day of the Gregorian calendar.
func days(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719468
}

// count reads a whole number; a fraction of zeros, as JSON writers add, is allowed.
func count(b []byte) (n uint64, ok bool) {
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		d := uint64(b[i] - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	if i == 0 {
		return 0, false
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i] == '0'; i++ {
		}
	}
	return n, i == len(b)
}

// address returns an IP address in the form of RFC 5952, in its own memory if it has
// that form and else in buf's; nil if it is none. An IPv4 address mapped to IPv6 is the
// IPv4 address: both name one machine.
func address(buf, b []byte) []byte {
	if _, ok := ipv4(b); ok {
		return b
	}
	a, ok := ipv6(b)
	if !ok {
		return nil
	}
	return netip.AddrFrom16(a).Unmap().AppendTo(buf)
}

// ipv4 reads four numbers with dots, without leading zeros: 010 is eight to some.
func ipv4(b []byte) (a [4]byte, ok bool) {
	if len(b) < 7 || len(b) > 15 {
		return a, false
	}
	part, value, seen := 0, 0, 0
	for _, c := range b {
		switch {
		case c-'0' <= 9 && !(seen > 0 && value == 0):
			if value, seen = value*10+int(c-'0'), seen+1; value > 255 {
				return a, false
			}
		case c == '.' && seen > 0 && part < 3:
			a[part] = byte(value)
			part, value, seen = part+1, 0, 0
		default:
			return a, false
		}
	}
	a[part] = byte(value)
	return a, part == 3 && seen > 0
}

// ipv6 reads an IPv6 address without zone. It is here because netip only reads strings,
// and making one would allocate for every address.
func ipv6(b []byte) (a [16]byte, ok bool) {
	if len(b) < 2 || len(b) > 45 {
		return a, false
	}
	gap, n, i := -1, 0, 0
	if b[0] == ':' {
		if b[1] != ':' {
			return a, false
		}
		gap, i = 0, 2
	}
	for i < len(b) {
		start, v := i, 0
		for ; i < len(b) && hex(b[i]) < 16; i++ {
			v = v<<4 | int(hex(b[i]))
		}
		if i < len(b) && b[i] == '.' {
			four, ok := ipv4(b[start:])
			if !ok || n > 12 {
				return a, false
			}
			n += copy(a[n:], four[:])
			break
		}
		if i == start || i-start > 4 || n > 14 {
			return a, false
		}
		a[n], a[n+1], n = byte(v>>8), byte(v), n+2
		if i == len(b) {
			break
		}
		if b[i] != ':' || i+1 == len(b) {
			return a, false
		}
		if i++; b[i] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap = n
			i++
		}
	}
	if gap < 0 {
		return a, n == 16
	}
	if n == 16 {
		return a, false
	}
	copy(a[16-(n-gap):], a[gap:n])
	clear(a[gap : 16-(n-gap)])
	return a, true
}

// hex returns the value of a hexadecimal digit, or 16.
func hex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// mac returns a MAC address in lower case with colons, in buf's memory; nil if it is none.
func mac(buf, b []byte) []byte {
	if len(b) != 17 {
		return nil
	}
	for i, c := range b {
		switch {
		case i%3 != 2 && hex(c) < 16:
			if 'A' <= c && c <= 'F' {
				c += 'a' - 'A'
			}
			buf = append(buf, c)
		case i%3 == 2 && (c == ':' || c == '-'):
			buf = append(buf, ':')
		default:
			return nil
		}
	}
	return buf
}
