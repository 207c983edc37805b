package console

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"vedette/internal/api/desk"
)

// Lists are sorted by links in the heads of their columns, so that an order has an
// address, and works without script.

// head is the head of a column that a list can be sorted by.
type head struct {
	Name, Class string
	Address     string // of the list sorted by it, or the other way round if it already is
	Sorted      string // aria-sort: "ascending", "descending" or "none"
}

// sortable is such a column before an address is known.
type sortable struct {
	by, name, class string
	up              bool // the least first, at the first press: names; else the most
}

// ordered reads how a list is to be sorted. What cannot be sorted by is refused by who
// lists.
func ordered(q url.Values) desk.Order {
	return desk.Order{By: cut(q.Get("sort"), 40), Up: q.Get("up") != ""}
}

// write puts an order into an address.
func write(o desk.Order, q url.Values) {
	if o.By != "" {
		q.Set("sort", o.By)
	}
	if o.Up {
		q.Set("up", "1")
	}
}

// heads returns the heads of the columns of the list at path. q is what else is asked of
// it; a list that is sorted anew begins at its first page.
func heads(path string, q url.Values, o desk.Order, columns ...sortable) map[string]head {
	all := map[string]head{}
	for _, c := range columns {
		h := head{Name: c.name, Class: c.class, Sorted: "none"}
		next := desk.Order{By: c.by, Up: c.up}
		if o.By == c.by {
			next.Up = !o.Up
			h.Sorted = map[bool]string{true: "ascending", false: "descending"}[o.Up]
		}
		a := url.Values{}
		for k, v := range q {
			a[k] = slices.Clone(v)
		}
		for _, k := range []string{"after", "from", "done", "sort", "up"} {
			a.Del(k)
		}
		write(next, a)
		h.Address = strings.TrimSuffix(path+"?"+a.Encode(), "?")
		all[c.by] = h
	}
	return all
}

// sources sorts sources; those that are not as they should be come first if nothing else
// is asked for.
func (s *sourcesView) sort(o desk.Order) {
	by := func(a, b sourceRow) int { return cmp.Compare(a.Received, b.Received) }
	switch o.By {
	case "name":
		by = func(a, b sourceRow) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }
	case "decoded":
		by = func(a, b sourceRow) int { return cmp.Compare(a.Decoded, b.Decoded) }
	case "rejected":
		by = func(a, b sourceRow) int { return cmp.Compare(a.Rejected, b.Rejected) }
	case "lost":
		by = func(a, b sourceRow) int { return cmp.Compare(a.Lost, b.Lost) }
	case "last":
		by = func(a, b sourceRow) int { return a.Last.Compare(b.Last) }
	}
	slices.SortStableFunc(s.Rows, func(a, b sourceRow) int {
		if o.By == "" && a.Wrong != b.Wrong {
			return map[bool]int{true: -1, false: 1}[a.Wrong]
		}
		c := by(a, b)
		if !o.Up {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Name, b.Name))
	})
}
