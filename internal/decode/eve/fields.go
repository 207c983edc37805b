package eve

import (
	"net/netip"
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
)

// str returns the text of a string, and nil of anything else.
func str(v *fastjson.Value) []byte { return v.GetStringBytes() }

// scalar appends the text of a string, number or boolean.
func scalar(buf []byte, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeString:
		return append(buf, v.GetStringBytes()...)
	case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
		return v.MarshalTo(buf)
	}
	return buf
}

// num returns a number that is not negative, or one that was written as a string; else 0.
func num(v *fastjson.Value) uint64 {
	if v == nil {
		return 0
	}
	if v.Type() != fastjson.TypeString {
		return v.GetUint64()
	}
	n := uint64(0)
	for _, c := range v.GetStringBytes() {
		if c < '0' || c > '9' || n > 1<<60 {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

func port(v *fastjson.Value) uint16 {
	if n := num(v); n < 1<<16 {
		return uint16(n)
	}
	return 0
}

func yes(v *fastjson.Value) bool { return v.GetBool() }

// get returns a field of an object that may be missing.
func get(o *fastjson.Object, name string) *fastjson.Value {
	if o == nil {
		return nil
	}
	return o.Get(name)
}

// sub returns an object within an object, nil if there is none.
func sub(o *fastjson.Object, name string) *fastjson.Object { return get(o, name).GetObject() }

// first returns the first string of an array, or the string itself.
func first(v *fastjson.Value) []byte {
	if a := v.GetArray(); len(a) > 0 {
		return a[0].GetStringBytes()
	}
	return v.GetStringBytes()
}

// lower returns s in lower case. It lasts until the next call.
func (d *decoder) lower(s []byte) []byte {
	l := decode.Lower(d.low[:0], s)
	if len(l) > 0 && &l[0] != &s[0] {
		d.low = l
	}
	return l
}

// canonical returns an address in the form of RFC 5952, in s's own memory if it has that
// form already and else in buf's; nil if it is none.
func canonical(buf, s []byte) []byte {
	if dotted(s) {
		return s
	}
	var a netip.Addr
	if b, ok := groups(s); ok {
		a = netip.AddrFrom16(b)
	} else {
		if len(s) > 64 {
			return nil
		}
		var err error
		if a, err = netip.ParseAddr(string(s)); err != nil {
			return nil
		}
	}
	return a.WithZone("").Unmap().AppendTo(buf)
}

// dotted reports whether s is an IPv4 address in canonical form.
func dotted(s []byte) bool {
	parts, n, digits := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if digits == 0 {
				return false
			}
			parts, n, digits = parts+1, 0, 0
			continue
		}
		c := s[i]
		if c < '0' || c > '9' || digits > 0 && n == 0 {
			return false
		}
		if n, digits = n*10+int(c-'0'), digits+1; n > 255 {
			return false
		}
	}
	return parts == 4
}

// groups reads an IPv6 address that is written out in full, as Suricata does: eight
// groups of hexadecimal digits.
func groups(s []byte) (b [16]byte, ok bool) {
	group, n, digits := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == ':' {
			if digits == 0 || group == 8 {
				return b, false
			}
			b[2*group], b[2*group+1] = byte(n>>8), byte(n)
			group, n, digits = group+1, 0, 0
			continue
		}
		h, isHex := hex(s[i])
		if digits++; !isHex || digits > 4 {
			return b, false
		}
		n = n<<4 | h
	}
	return b, group == 8
}

func hex(c byte) (int, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10, true
	}
	return 0, false
}

// mac appends an EUI-48 in lower case with colons; nothing if it is none.
func mac(buf, s []byte) []byte {
	start, digits := len(buf), 0
	for _, c := range s {
		if c == ':' || c == '-' || c == '.' {
			continue
		}
		if _, isHex := hex(c); !isHex {
			return buf[:start]
		}
		if digits > 0 && digits%2 == 0 {
			buf = append(buf, ':')
		}
		if digits++; 'A' <= c && c <= 'F' {
			c += 'a' - 'A'
		}
		buf = append(buf, c)
	}
	if digits != 12 {
		return buf[:start]
	}
	return buf
}

// parseTime returns Unix nanoseconds of a time like 2019-06-24T14:11:37.123456+0000; 0
// if it is none or lies before 1970 or after 2200. The zone may have a colon or be Z; without one
// it is UTC, as in the dates of certificates. time.Parse would take most of the time
// that a record has.
func parseTime(s []byte) int64 {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return 0
	}
	year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 { // 60: a leap second
		return 0
	}
	nanos, rest, ok := fraction(s[19:])
	offset, valid := zone(rest)
	if !ok || !valid {
		return 0
	}
	t := (int64(days(year, month, day))*86400+int64(hour*3600+minute*60+second-offset))*1e9 + nanos
	return max(t, 0)
}

// digits returns the number that all of s spells, or -1.
func digits(s []byte) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// fraction reads a fraction of a second, if there is one. Beyond nanoseconds it is cut.
func fraction(s []byte) (nanos int64, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	i, unit := 1, int64(1e8)
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		nanos, unit = nanos+int64(s[i]-'0')*unit, unit/10
	}
	return nanos, s[i:], i > 1
}

// zone returns the seconds that a zone is ahead of UTC.
func zone(s []byte) (seconds int, ok bool) {
	if len(s) == 0 || len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute := -1, 0
	switch {
	case len(s) == 3:
		hour = digits(s[1:3])
	case len(s) == 5:
		hour, minute = digits(s[1:3]), digits(s[3:5])
	case len(s) == 6 && s[3] == ':':
		hour, minute = digits(s[1:3]), digits(s[4:6])
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, false
	}
	seconds = hour*3600 + minute*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	}
	return 31
}

// days returns the days since 1970 of a date. The year begins in March, so that the leap
// day is its last and the lengths of the months before do not depend on it.
func days(year, month, day int) int {
	if month -= 3; month < 0 {
		month, year = month+12, year-1
	}
	return 365*year + year/4 - year/100 + year/400 + (153*month+2)/5 + day - 1 - 719468
}

// span appends "first" or "first-last".
func span(buf []byte, first, last uint64) []byte {
	buf = strconv.AppendUint(buf, first, 10)
	if last > first {
		buf = strconv.AppendUint(append(buf, '-'), last, 10)
	}
	return buf
}
