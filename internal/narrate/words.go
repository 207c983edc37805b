package narrate

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vedette/internal/finding"
	"vedette/internal/incident"
)

// Visible returns s with everything that does not print made to: control characters,
// changes of direction, zero widths, line ends and what is not UTF-8 are written as Go
// would, "\u202e". The rest is as it was; a backslash too.
func Visible(s string) string {
	plain := true
	for _, r := range s {
		if plain = unicode.IsPrint(r) && r != utf8.RuneError; !plain {
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0])+0x100, 16)[1:])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		s = s[n:]
	}
	return b.String()
}

// Cut returns s with at most n characters: what is too much is taken from the middle,
// for the end of a name says as much as its beginning.
func Cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	tail := n / 3
	return string(r[:n-tail-1]) + "…" + string(r[len(r)-tail:])
}

// ID writes an id as reports do: 16 hexadecimal digits.
func ID(id uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[id>>(60-4*i)&15]
	}
	return string(b[:])
}

// Quantity writes an amount with its unit as people do: "2.1 GB", "3 h 20 min", "1,234".
func Quantity(x float64, unit string) string {
	switch unit {
	case "":
		return Number(x)
	case "bytes":
		return bytesOf(x)
	case "seconds":
		return Duration(x)
	}
	return Number(x) + " " + unit
}

// Number writes a number: whole from a hundred on, with a comma every three digits,
// below with at most one decimal.
func Number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "an unknown number"
	case math.Abs(x) >= 1e15:
		return strconv.FormatFloat(x, 'e', 2, 64)
	case math.Abs(x) >= 100 || x == math.Trunc(x):
		return commas(int64(math.Round(x)))
	case math.Abs(x) < 0.1:
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func bytesOf(x float64) string {
	units := [...]string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for i < len(units)-1 && math.Abs(x) >= 999.5 {
		x /= 1000
		i++
	}
	if i == 0 || math.Abs(x) >= 99.95 {
		return Number(math.Round(x)) + " " + units[i]
	}
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0") + " " + units[i]
}

// Duration writes seconds as people do, in at most two units: "3 h 20 min", "1.5 s".
func Duration(seconds float64) string {
	switch {
	case math.IsNaN(seconds) || seconds < 0 || seconds > 1e12:
		return Number(seconds) + " s"
	case seconds < 1:
		return Number(seconds*1000) + " ms"
	case seconds < 59.95:
		return Number(seconds) + " s"
	}
	steps := [...]struct {
		of   int64
		name string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	for i := range len(steps) - 1 {
		unit := steps[i+1].of // the smaller of the two that are said
		n := int64(math.Round(seconds/float64(unit))) * unit
		if n < steps[i].of {
			continue
		}
		s := commas(n/steps[i].of) + " " + steps[i].name
		if rest := n % steps[i].of / unit; rest > 0 {
			s += " " + strconv.FormatInt(rest, 10) + " " + steps[i+1].name
		}
		return s
	}
	return Number(seconds) + " s"
}

// Rounded writes a large number for "1 in ...": two digits count, the rest is rounded
// down, so that it never says more than there is.
func Rounded(x float64) string {
	switch {
	case x < 100:
		return commas(int64(max(1, x)))
	case x >= 1e15:
		return "a thousand trillion"
	}
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	n := math.Floor(x/scale) * scale
	for _, u := range [...]struct {
		of   float64
		name string
	}{{1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}} {
		if n >= u.of {
			return strconv.FormatFloat(n/u.of, 'g', 2, 64) + u.name
		}
	}
	return commas(int64(math.Round(n)))
}

// Percent writes a share; only what is whole is called 100 %.
func Percent(x float64) string {
	p := x * 100
	switch {
	case math.IsNaN(p):
		return "an unknown share"
	case p > 0 && p < 0.1:
		return "under 0.1 %"
	case p > 99.9 && p < 100:
		return "over 99.9 %"
	case p < 1 || p > 99:
		return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// Nats writes evidence with its unit.
func Nats(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	if s == "-0.0" {
		s = "0.0"
	}
	return s + " nats"
}

// Confidence puts a probability into words, with the number.
func Confidence(p float64) string {
	word := "unlikely"
	switch {
	case p >= 0.95:
		word = "almost certain"
	case p >= 0.7:
		word = "likely"
	case p >= 0.3:
		word = "possible"
	}
	return word + " (" + Percent(p) + ")"
}

// Span says when something was: "between 11:00 and 12:00 UTC on 24 March 2026".
func Span(from, to int64) string { return span(from, to, true, true) }

// Moment writes a time as reports do: "24 March 2026, 11:00 UTC".
func Moment(at int64) string {
	if at == 0 {
		return "unknown"
	}
	t := time.Unix(0, at).UTC()
	return t.Format("2 January 2006, ") + t.Format(clock(at)) + " UTC"
}

func clock(at ...int64) string {
	for _, t := range at {
		if t%int64(time.Minute) != 0 {
			return "15:04:05"
		}
	}
	return "15:04"
}

// span leaves out the date or the year where the reader has it already.
func span(from, to int64, date, year bool) string {
	if from == 0 && to == 0 {
		return "at a time that is not known"
	}
	if (to+1)%int64(time.Minute) == 0 {
		to++ // 11:59:59.999999999 is noon
	}
	to = max(from, to)
	day := "2 January"
	if year {
		day = "2 January 2006"
	}
	a, b, c := time.Unix(0, from).UTC(), time.Unix(0, to).UTC(), clock(from, to)
	last := time.Unix(0, max(from, to-1)).UTC()
	same := a.YearDay() == last.YearDay() && a.Year() == last.Year()
	end := b.Format(c)
	if same && b.YearDay() != a.YearDay() {
		end = "24:00"
	}
	other := "2 January"
	if a.Year() != b.Year() {
		other, day = "2 January 2006", "2 January 2006"
	}
	on := ""
	if date {
		on = " on " + a.Format(day)
	}
	switch {
	case to-from < int64(time.Second):
		return "at " + a.Format(c) + " UTC" + on
	case same:
		return "between " + a.Format(c) + " and " + end + " UTC" + on
	}
	return "between " + a.Format(c) + " on " + a.Format(other) + " and " + b.Format(c) + " UTC on " + b.Format(day)
}

// window returns the length of a finding's window twice: "in an hour", "hours".
func window(f finding.Finding) (in, windows string) {
	n := math.Round(float64(f.To-f.From) / 1e9)
	if n > 0 && n < 3600 && f.From%3600e9 == 0 {
		n = 3600 // an hour that is not over, held against whole ones
	}
	switch n {
	case 0:
		return "", "windows"
	case 60:
		return "in a minute", "minutes"
	case 300:
		return "in five minutes", "spells of five minutes"
	case 3600:
		return "in an hour", "hours"
	case 86400:
		return "in a day", "days"
	case 7 * 86400:
		return "in a week", "weeks"
	default: // not the length of a model's window, but of what was seen
		return "", "windows"
	}
}

func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// Judged puts a verdict into words that follow "judged" or stand alone: "benign, explained".
func Judged(v incident.Verdict) string {
	switch v {
	case incident.Malicious, incident.Suspicious:
		return string(v)
	case incident.Benign:
		return "benign, explained"
	case incident.NeedsPerson:
		return "one for a person to judge"
	}
	return "not judged"
}
