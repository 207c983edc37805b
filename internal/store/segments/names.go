package segments

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// Ref names a row of a segment: "SEGMENT#ROW", rows counted from 0 as Parquet engines do. It
// is good as long as there is that segment, which is until it is merged with others. What
// names a record for ever, and is what evidence holds, is its [Place]. The zero Ref is no row,
// as of an event that is not sealed yet.
type Ref struct {
	Segment string
	Row     uint32
}

// String returns the reference as people type it; "" of the zero Ref.
func (r Ref) String() string {
	if r.Segment == "" {
		return ""
	}
	return r.Segment + "#" + strconv.FormatUint(uint64(r.Row), 10)
}

// ParseRef returns the reference that String wrote.
func ParseRef(s string) (Ref, error) {
	name, row, ok := strings.Cut(s, "#")
	n, err := strconv.ParseUint(row, 10, 32)
	if !ok || err != nil || name == "" {
		return Ref{}, fault.New(fault.Invalid, fmt.Sprintf("%q is no reference to a row of a segment, such as 1041-2063-0#17", s))
	}
	return Ref{name, uint32(n)}, nil
}

// folder returns a name as one element of a path, the same on every system. Different names
// have different folders, also where the case of letters makes no difference.
func folder(name string) string {
	if name == "" {
		return "%"
	}
	var out strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' && i > 0 && i < len(name)-1 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02x", c)
		}
	}
	return out.String()
}

// dayFolder returns the folder of a day of a site.
func (s *Store) dayFolder(tenant, site, day string) string {
	return filepath.Join(s.dir, folder(tenant), folder(site), filepath.Join(strings.Split(day, "-")...))
}
