package daemon

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"vedette/internal/api/desk"
	"vedette/internal/console/browsertest"
	"vedette/internal/entity"
	"vedette/internal/incident"
)

// browse puts a real browser before a site.
func (s *site) browse() *browsertest.Browser {
	s.Helper()
	b := browsertest.New(s.T, s.server.URL)
	b.Look(1440, 900, false, true)
	return b
}

// fill keeps n incidents more, as the learner would: the one of the demo, that it happened
// to others of ours.
func (s *site) fill(n int) {
	s.Helper()
	all := s.daemon.learner.triage.Incidents()
	if len(all) == 0 || !all[0].Surfaced {
		s.Fatal("the demo has no incident that is shown")
	}
	var others []entity.Key
	for _, e := range s.daemon.learner.find("ws-", desk.Order{}, func(a, b found) int { return cmp.Compare(a.key, b.key) }, nil, 1000) {
		if e.Own && e.key != all[0].Entities[0] {
			others = append(others, e.key)
		}
	}
	slices.Sort(others)
	if len(others) < n {
		s.Fatalf("there are %d others", len(others))
	}
	var more []incident.Incident
	for i, k := range others[:n] {
		more = append(more, another(all[0], uint64(i+1), k))
	}
	if err := s.daemon.keeper.keep(s.Context(), more, nil); err != nil {
		s.Fatal(err)
	}
}

// another returns an incident that happened to somebody else.
func another(in incident.Incident, n uint64, who entity.Key) incident.Incident {
	was := in.Entities[0]
	in.ID += n
	in.Entities = slices.Clone(in.Entities)
	in.Entities[0] = who
	in.Findings = slices.Clone(in.Findings)
	for i := range in.Findings {
		in.Findings[i].ID += n
		if in.Findings[i].Entity == was {
			in.Findings[i].Entity = who
		}
	}
	in.Links = nil
	in.Updated -= int64(n) * 60e9
	in.Risk -= float64(n)
	in.Score -= int(n)
	return in
}

// typist is somebody at the keyboard; there is no mouse.
type typist struct {
	*site
	*browsertest.Browser
}

// TestBrowser_story is the first evening of somebody with a keyboard: they set a password,
// work through ten incidents, look up a machine and leave.
func TestBrowser_story(t *testing.T) {
	s := start(t, t.TempDir())
	b := s.browse()
	p := typist{s, b}
	s.feed(demo(t))
	s.fill(9)
	p.comeIn()
	p.lookAt()
	for n := range 10 {
		p.decide(n)
	}
	p.several()
	p.leave()
}

// type_ types into the field that Tab leads to.
func (p typist) type_(selector, text string) {
	p.site.Helper()
	p.TabTo(selector)
	p.Press(text)
}

// setPassword opens the link that is printed and sets a password.
func (p typist) setPassword() {
	p.site.Helper()
	code, err := p.faces.invite(p.site.Context(), rand.Reader)
	if err != nil {
		p.Fatal(err)
	}
	link, err := url.Parse(p.faces.link(p.server.Listener.Addr(), code))
	if err != nil {
		p.Fatal(err)
	}
	p.Go(link.RequestURI())
	p.type_("[name=name]", "ada")
	p.type_("[name=password]", password)
	p.type_("[name=again]", password)
	p.Press(kb.Enter)
	p.Until(`document.querySelector(".done")?.textContent.includes("first administrator")`)
}

// comeIn sets a password, goes out and comes in again.
func (p typist) comeIn() {
	p.site.Helper()
	p.setPassword()
	p.TabTo("form[action='/logout'] button")
	p.Press(kb.Enter)
	p.Until(`location.pathname === "/login" && document.querySelector(".done")`)

	p.Until(`document.activeElement.name === "name"`) // the focus is where one types first
	p.Press("ada")
	p.type_("[name=password]", "not this")
	p.Press(kb.Enter)
	p.Until(`document.querySelector(".wrong[role=alert]")`)
	p.Until(`document.activeElement.name === "password"`)
	p.Press(password)
	p.Press(kb.Enter)
	p.Until(`location.pathname === "/" && document.querySelector("h1").textContent.includes("Ten incidents")`)
}

// lookAt opens the list of keys and closes it, and an incident from Home.
func (p typist) lookAt() {
	p.site.Helper()
	p.Press("j")
	p.Visible()
	focus := p.Focus()
	p.Press("?")
	p.Until(`document.querySelector("dialog[open]")?.contains(document.activeElement)`)
	p.Press(kb.Tab + kb.Tab + kb.Tab + kb.Tab)
	if !p.Says(`document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)`) {
		p.site.Error("the focus leaves the list of keys for what is behind it")
	}
	p.Press(kb.Escape)
	p.Until(`!document.querySelector("dialog")`)
	if got := p.Focus(); got != focus {
		p.site.Errorf("after the list of keys the focus is on %s, and was on %s", got, focus)
	}
	p.Press("gi")
	p.Until(`location.pathname === "/incidents" && document.querySelectorAll("tbody tr").length === 10`)
}

// decide opens an incident of the list and the record behind a sentence of it, judges it,
// writes to it and takes it on.
func (p typist) decide(n int) {
	p.site.Helper()
	for range n + 1 {
		p.Press("j")
	}
	p.Visible()
	id := browsertest.Ask[string](p.Browser, `document.querySelector("tr.here").dataset.id`)
	p.Press(kb.Enter)
	p.Until(`location.pathname === "/incidents/` + id + `" && document.querySelector(".told")`)

	p.Press("jj")
	p.Visible()
	p.Press(kb.Enter)
	p.Until(`document.querySelector("#beside h2")?.textContent === "Behind sentence 2" && document.querySelector("#beside table.fields td")`)
	if !p.Says(`document.activeElement.matches(".told li:nth-child(2) a")`) {
		p.site.Errorf("with the record open the focus is on %s", p.Focus())
	}
	if n == 0 {
		p.close()
	}

	verdict := []incident.Verdict{incident.Malicious, incident.Suspicious, incident.Benign}[n%3]
	p.Press("v")
	p.Visible()
	p.Press(strings.Repeat(kb.ArrowDown, n%3) + " ")
	p.type_("[name=reason]", fmt.Sprintf("what was found, %d", n))
	p.Press(kb.Tab + kb.Enter)
	p.Until(`document.querySelector(".done")?.textContent.includes("verdict is kept")`)
	p.Press("n")
	p.Visible()
	p.Press(fmt.Sprintf("called the ward, %d", n))
	p.Ctrl(kb.Enter)
	p.Until(`document.querySelector(".done")?.textContent.includes("note is kept")`)
	p.Press("a")
	p.Until(`document.querySelector(".done")?.textContent.includes("assignment is kept")`)
	state := browsertest.Ask[string](p.Browser, `document.querySelector(".state").textContent`)
	if !strings.Contains(state, "with you") || !strings.Contains(state, "judged") || !strings.Contains(state, fmt.Sprintf("what was found, %d", n)) {
		p.site.Errorf("after %s it says %s", verdict, state)
	}
	c, err := p.faces.desk.Incidents.Get(p.site.Context(), tenant, number(p.T, id))
	if err != nil {
		p.Fatal(err)
	}
	if c.Verdict != verdict || c.Assignee != "ada" || len(c.Notes) != 1 || c.Notes[0].Text != fmt.Sprintf("called the ward, %d", n) {
		p.site.Errorf("kept is %q of %q, and notes %v", c.Verdict, c.Assignee, c.Notes)
	}
	p.Press("u")
	p.Until(`location.pathname === "/incidents" && document.querySelectorAll("tbody tr").length === 10`)
}

// close closes the records, opens them again by going back, and closes them once more.
func (p typist) close() {
	p.site.Helper()
	p.TabTo("#beside .close a")
	p.Press(kb.Enter)
	p.Until(`!document.querySelector("#beside h2")`)
	if !p.Says(`document.activeElement.matches(".told li:nth-child(2) a")`) {
		p.site.Errorf("with the record closed again the focus is on %s", p.Focus())
	}
}

// several marks two incidents and closes both.
func (p typist) several() {
	p.site.Helper()
	p.Press("jxjx")
	if n := browsertest.Ask[int](p.Browser, `document.querySelectorAll("tbody input:checked").length`); n != 2 {
		p.Fatalf("%d are marked", n)
	}
	p.TabTo("button[value=close]")
	p.Press(kb.Enter)
	p.Until(`document.querySelectorAll("tbody tr").length === 8 && document.querySelector(".done")`)
}

// leave searches for a machine, opens it, and signs out.
func (p typist) leave() {
	p.site.Helper()
	p.Press("/")
	p.Until(`document.activeElement.id === "q"`)
	p.Press("ws-113" + kb.Enter)
	p.Until(`location.pathname === "/search" && document.querySelector("main ul")`)
	p.TabTo("main a[href^='/entities/']")
	p.Press(kb.Enter)
	p.Until(`location.pathname.startsWith("/entities/") && document.querySelector("h1").textContent === "ws-113"`)
	p.TabTo("form[action='/logout'] button")
	p.Press(kb.Enter)
	p.Until(`location.pathname === "/login"`)
	p.Go("/incidents")
	if at := p.Address(); !strings.HasPrefix(at, "/login") {
		p.site.Errorf("after signing out /incidents leads to %s", at)
	}
}

// number reads an id.
func number(t *testing.T, id string) (n uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(id, "%x", &n); err != nil {
		t.Fatal(err)
	}
	return n
}
