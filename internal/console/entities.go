package console

import (
	"net/http"
	"net/url"
	"strings"

	"vedette/internal/api/desk"
)

type entitiesView struct {
	Text  string
	Rows  []desk.EntityRow
	Next  string
	First bool
	Order desk.Order
	Heads map[string]head
	Start string // address of the first page
}

func showEntities(v *visit) error {
	q := v.URL.Query()
	s := entitiesView{Text: cut(strings.TrimSpace(q.Get("q")), 200), First: q.Get("after") == "", Order: ordered(q)}
	rows, next, err := v.c.Entities.Find(v.Context(), v.who.Tenant(), s.Text, s.Order, q.Get("after"), rowsPerPage)
	if err != nil {
		return err
	}
	s.Rows = rows
	a := url.Values{}
	if s.Text != "" {
		a.Set("q", s.Text)
	}
	write(s.Order, a)
	s.Start = strings.TrimSuffix("/entities?"+a.Encode(), "?")
	if next != "" {
		a.Set("after", next)
		s.Next = "/entities?" + a.Encode()
	}
	shown := s.Order
	if shown.By == "" {
		shown.By = "seen"
	}
	s.Heads = heads("/entities", q, shown, sortable{"name", "Name", "", true}, sortable{"kind", "Kind", "", true},
		sortable{"learned", "Learned", "n", false}, sortable{"seen", "Last seen", "", false})
	return v.show(http.StatusOK, "entities", "Entities", s)
}

type searchView struct {
	Text      string
	Entities  []desk.EntityRow
	Incidents []rowView
	More      string // address of all entities that are called so
}

// found is how many of each kind a search shows.
const found = 10

// showSearch looks for an address, a name or an id among entities and incidents.
func showSearch(v *visit) error {
	s := searchView{Text: cut(strings.TrimSpace(v.URL.Query().Get("q")), 200)}
	if id, err := readID(s.Text); err == nil {
		if _, err := v.c.Incidents.Get(v.Context(), v.who.Tenant(), id); err == nil {
			return v.to("/incidents/"+s.Text, "")
		}
	}
	if s.Text == "" {
		return v.show(http.StatusOK, "search", "Search", s)
	}
	entities, next, err := v.c.Entities.Find(v.Context(), v.who.Tenant(), s.Text, desk.Order{}, "", found)
	if err != nil {
		return err
	}
	if s.Entities = entities; next != "" {
		s.More = "/entities?" + url.Values{"q": {s.Text}}.Encode()
	}
	rows, _, err := v.c.Incidents.List(v.Context(), v.who.Tenant(), desk.Filter{Text: s.Text}, "", found)
	if err != nil {
		return err
	}
	for _, r := range rows {
		s.Incidents = append(s.Incidents, rowOf(r))
	}
	return v.show(http.StatusOK, "search", "Search", s)
}
