package file

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns name with everything that could do harm on a terminal or in a report
// written %xx: control characters, marks that turn the direction, broken UTF-8.
func printable(name string) string {
	bad := func(r rune, n int) bool { return r == utf8.RuneError && n < 2 || !unicode.IsPrint(r) }
	clean := true
	for i, r := range name {
		_, n := utf8.DecodeRuneInString(name[i:])
		clean = clean && !bad(r, n)
	}
	if clean {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if bad(r, n) {
			for _, c := range []byte(name[:n]) {
				fmt.Fprintf(&b, "%%%02x", c)
			}
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

const maxName = 1024 // bytes of a member's name that are kept

// names gives the members of one archive names that are their own.
type names struct {
	archive string
	seen    map[string]int
}

// of returns the name of a member, as an item. If the member is inside a folder of version
// control, it returns the folder's name, and again whether it was not seen before.
func (n *names) of(member string) (name string, skip, again bool) {
	if len(member) > maxName {
		member = member[:maxName]
	}
	member = strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(member, `\`, "/")), "/")
	for i, end := 0, 0; end < len(member); i = end + 1 {
		if end = strings.IndexByte(member[i:], '/') + i; end < i {
			end = len(member)
		}
		if skip = versions(member[i:end]) && end < len(member); skip {
			member = member[:end]
			break
		}
	}
	name = n.archive + "!" + printable(member)
	if n.seen == nil {
		n.seen = map[string]int{}
	}
	n.seen[name]++
	times := n.seen[name]
	if times > 1 && !skip {
		twin := fmt.Sprintf("%s(%d)", name, times)
		for n.seen[twin] > 0 {
			times++
			twin = fmt.Sprintf("%s(%d)", name, times)
		}
		n.seen[twin]++
		n.seen[name] = times
		name = twin
	}
	return name, skip, times > 1
}
