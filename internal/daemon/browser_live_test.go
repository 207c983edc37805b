package daemon

import (
	"math"
	"net/url"
	"strconv"
	"testing"

	"vedette/internal/console/browsertest"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// admitted gives a browser the session of an administrator.
func (s *site) admitted(b *browsertest.Browser) {
	s.Helper()
	s.setUp()
	at, err := url.Parse(s.server.URL)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range s.client.Jar.Cookies(at) {
		if c.Name == "vedette" {
			b.Cookie(c.Name, c.Value)
			return
		}
	}
	s.Fatal("there is no session")
}

// TestBrowser_live has an incident arrive while somebody reads the list: its row comes by
// itself, and what is being read stays where it is, with its focus and its mark.
func TestBrowser_live(t *testing.T) {
	s := start(t, t.TempDir())
	b := s.browse()
	s.feed(demo(t))
	s.fill(18)
	s.admitted(b)
	b.Look(1440, 500, false, true)
	first := s.daemon.learner.triage.Incidents()[0]
	arrive := func(n uint64, worse float64) string {
		in := another(first, 1000+n, first.Entities[0])
		in.Risk, in.Score = first.Risk+worse, first.Score
		if err := s.daemon.keeper.keep(t.Context(), []incident.Incident{in}, nil); err != nil {
			t.Fatal(err)
		}
		return narrate.ID(in.ID)
	}
	for i, x := range []struct {
		keys   string
		worse  float64
		anchor string // by itself Chromium holds what is read; other browsers do not
	}{{"jjjjjjjjjjjjx", 100, "none"}, {"jjx", 200, "none"}, {"jjjjjjjjjjjjx", 300, "auto"}, {"jjjjjjx", -4.5, "none"}} { // far down, near the top, and a row that comes below
		b.Go("/incidents")
		browsertest.Ask[string](b, `document.documentElement.style.overflowAnchor = "`+x.anchor+`"`)
		b.Press(x.keys)
		const where = `(() => { const r = document.querySelector("tr.here").getBoundingClientRect(); return r.top; })()`
		was, focus := browsertest.Ask[float64](b, where), b.Focus()
		id := arrive(uint64(i), x.worse)
		b.Until(`document.querySelector('tr[data-id="` + id + `"]')`)
		if now := browsertest.Ask[float64](b, where); math.Abs(now-was) > 1 && browsertest.Ask[float64](b, `scrollY`) > 0 {
			t.Errorf("case %d: the row that is read moved from %v to %v", i, was, now)
		}
		if i == 0 && !b.Says(`scrollY > 200`) {
			t.Error("nothing was scrolled, so nothing could move")
		}
		if now := b.Focus(); now != focus {
			t.Errorf("case %d: the focus was on %s, and is on %s", i, focus, now)
		}
		if !b.Says(`document.querySelector("tr.here input").checked`) {
			t.Errorf("case %d: the mark is gone", i)
		}
		if !b.Says(`document.getAnimations().length === 0`) {
			t.Errorf("case %d: something moves, though little motion is asked for", i)
		}
		if got := browsertest.Ask[string](b, `document.querySelector(".tabs .quiet").textContent`); got != strconv.Itoa(20+i) {
			t.Errorf("case %d: the list says that it holds %s", i, got)
		}
	}

	// On the incident itself a change is told, and nothing is replaced.
	b.Go("/incidents/" + narrate.ID(first.ID))
	b.Press("n")
	b.Press("half a sen")
	changed := first
	changed.Risk++
	if err := s.daemon.keeper.keep(t.Context(), []incident.Incident{changed}, nil); err != nil {
		t.Fatal(err)
	}
	b.Until(`document.querySelector(".changed")`)
	if got := browsertest.Ask[string](b, `document.activeElement.value`); got != "half a sen" {
		t.Errorf("what was being written has become %q", got)
	}
}
