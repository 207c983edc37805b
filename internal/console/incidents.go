package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"vedette/internal/api/desk"
	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// rowsPerPage is how many rows a list shows at once.
const rowsPerPage = 50

type incidentsView struct {
	Tabs   []tab
	Pile   desk.Pile
	Mine   bool
	Text   string
	Rows   []rowView
	Next   string // address of the page after this
	First  bool   // this is the first page
	Start  string // address of the first page
	Judge  bool   // the reader may judge
	Here   string // this page, for forms
	Says   string // what the list holds, in a sentence
	Order  desk.Order
	Heads  map[string]head
	Urgent string // address of the list in its own order; empty if it is in it
}

type tab struct {
	Name, Address string
	Count         int
	Here          bool
}

type rowView struct {
	desk.Row
	ID   string
	Sure string
	Who  string
}

// rowOf returns how a list shows an incident.
func rowOf(r desk.Row) rowView {
	var who []string
	for _, w := range r.Who {
		if len(who) == 3 {
			who = append(who, strconv.Itoa(len(r.Who)-3)+" more")
			break
		}
		who = append(who, narrate.Cut(see(w), 40))
	}
	sure := sureness(r.Concluded, r.Confidence)
	if r.Verdict != "" {
		sure = "Judged " + narrate.Judged(r.Verdict)
	}
	return rowView{r, narrate.ID(r.ID), sure, strings.Join(who, ", ")}
}

func showIncidents(v *visit) error {
	q := v.URL.Query()
	f := desk.Filter{Pile: desk.Pile(q.Get("pile")), Text: cut(strings.TrimSpace(q.Get("q")), 200), Order: ordered(q)}
	switch f.Pile {
	case desk.Surfaced, desk.Hidden, desk.Closed:
	default:
		f.Pile = desk.Surfaced
	}
	s := incidentsView{Pile: f.Pile, Text: f.Text, Mine: q.Get("mine") != "", Judge: v.who.May(auth.JudgeIncidents), First: q.Get("after") == "", Order: f.Order}
	if s.Mine {
		f.Assignee = v.who.Name()
	}
	rows, next, err := v.c.Incidents.List(v.Context(), v.who.Tenant(), f, q.Get("after"), rowsPerPage)
	if err != nil {
		return err
	}
	counts, err := v.c.Incidents.Counts(v.Context(), v.who.Tenant(), v.who.Name())
	if err != nil {
		return err
	}
	for _, r := range rows {
		s.Rows = append(s.Rows, rowOf(r))
	}
	s.Start, s.Here = s.address(""), v.URL.RequestURI()
	if next != "" {
		s.Next = s.address(next)
	}
	s.heads(q)
	s.tabs(counts)
	return v.show(http.StatusOK, "incidents", "Incidents", s)
}

func (s *incidentsView) heads(q url.Values) {
	s.Heads = heads("/incidents", q, s.Order, sortable{"sure", "How sure", "", false}, sortable{"assignee", "With", "", true},
		sortable{"findings", "Findings", "n", false}, sortable{"changed", "Changed", "", false})
	if s.Order != (desk.Order{}) {
		u := *s
		u.Order = desk.Order{}
		s.Urgent = u.address("")
	}
}

func (s *incidentsView) tabs(n desk.Counts) {
	add := func(name string, count int, pile desk.Pile, mine bool) {
		t := incidentsView{Pile: pile, Mine: mine}
		s.Tabs = append(s.Tabs, tab{name, t.address(""), count, s.Pile == pile && s.Mine == mine})
	}
	add("Surfaced", n.Surfaced, desk.Surfaced, false)
	add("Mine", n.Mine, desk.Surfaced, true)
	add("Hidden", n.Hidden, desk.Hidden, false)
	add("Closed", n.Closed, desk.Closed, false)
	switch {
	case s.Mine:
		s.Says = "Open incidents that are assigned to you."
	case s.Pile == desk.Hidden:
		s.Says = "Below what the budget asks for, so nobody was called. Each says why."
	case s.Pile == desk.Closed:
		s.Says = "Decided and put away. They can be opened again."
	case s.Urgent != "":
		s.Says = "What needs a decision."
	default:
		s.Says = "What needs a decision, the most urgent first."
	}
}

// address returns where this list is, from some place in it on.
func (s *incidentsView) address(after string) string {
	q := url.Values{}
	if s.Pile != desk.Surfaced {
		q.Set("pile", string(s.Pile))
	}
	if s.Mine {
		q.Set("mine", "1")
	}
	if s.Text != "" {
		q.Set("q", s.Text)
	}
	write(s.Order, q)
	if after != "" {
		q.Set("after", after)
	}
	return strings.TrimSuffix("/incidents?"+q.Encode(), "?")
}

// doMarked does one thing to all incidents that are marked.
func doMarked(v *visit) error {
	ids := v.PostForm["id"]
	if len(ids) == 0 {
		return fault.New(fault.Invalid, "no incident is marked. Go back, mark some with x or the boxes, and try again")
	}
	if len(ids) > rowsPerPage {
		return fault.New(fault.Invalid, "that is more than a page holds")
	}
	by := v.by()
	by.Version = 0
	once := by.Key
	for _, text := range ids {
		id, err := readID(text)
		if err != nil {
			return err
		}
		if once != "" {
			by.Key = once + " " + text
		}
		switch v.PostFormValue("do") {
		case "mine":
			err = v.c.Cases.Assign(v.Context(), by, id, v.who.Name())
		case "close":
			err = v.c.Cases.Close(v.Context(), by, id)
		case "benign":
			err = v.c.Cases.Judge(v.Context(), by, id, incident.Benign, cut(strings.TrimSpace(v.PostFormValue("reason")), 2000))
		default:
			err = fault.New(fault.Invalid, "nothing of that name can be done to incidents")
		}
		if err != nil {
			return err
		}
	}
	return v.to(v.PostFormValue("back"), "marked")
}

// readID reads an id as addresses hold it.
func readID(s string) (uint64, error) {
	id, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 {
		return 0, errNoPage
	}
	return id, nil
}
