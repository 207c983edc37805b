package console

import (
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/api/desktest"
	"vedette/internal/console/browsertest"
)

// before puts a real browser before the console, with ada in front of it.
func before(t *testing.T, m *desktest.Memory, name string) *browsertest.Browser {
	t.Helper()
	h, err := New(m.Desk(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	b := browsertest.New(t, s.URL)
	if name != "" {
		b.Cookie("vedette", m.AddSession(name))
	}
	return b
}

// strangers are the pages for those who have not signed in.
var strangers = []string{"/login", "/setup?code=ABC"}

// routes are the pages that there are; reads has the same with what can be asked of them.
func routes() (all []string) {
	for _, p := range pages() {
		if p.method == "GET" && !p.quiet {
			all = append(all, address(p.pattern))
		}
	}
	return all
}

// TestBrowser_barriers has axe look at every page, wide and narrow and in both themes, and
// sees to what axe cannot see: nothing to scroll sideways, nothing too small to press,
// nothing cut off. What is asked of a page, such as another pile, is looked at in one of
// the windows by turns.
func TestBrowser_barriers(t *testing.T) {
	m := full(30)
	look := func(b *browsertest.Browser, width, height int64, at string) {
		b.Look(width, height, false, true)
		b.Go(at)
		wrong := append(b.Barriers(), b.Sideways()...)
		wrong = append(wrong, b.Lost()...)
		wrong = append(wrong, b.Small()...)
		b.Look(width, height, true, true)
		wrong = append(wrong, b.Barriers("color-contrast")...) // nothing else differs in the dark
		if len(wrong) > 0 {
			t.Errorf("%s at %d pixels:\n%s", at, width, strings.Join(wrong, "\n"))
		}
	}
	nobody, ada := before(t, m, ""), before(t, m, "ada")
	for i, w := range [][2]int64{{1440, 900}, {390, 844}} {
		for _, at := range strangers {
			look(nobody, w[0], w[1], at)
		}
		for n, at := range reads() {
			if n < len(routes()) || n%2 == i {
				look(ada, w[0], w[1], at)
			}
		}
	}
}

// TestBrowser_empty looks at the pages of an installation that has seen nothing yet.
func TestBrowser_empty(t *testing.T) {
	m := desktest.New()
	m.AddPerson("ada", "administrator")
	b := before(t, m, "ada")
	for i, at := range routes() {
		b.Look([]int64{1440, 390}[i%2], 844, i%4 > 1, true)
		b.Go(at)
		if wrong := append(b.Barriers(), b.Sideways()...); len(wrong) > 0 {
			t.Errorf("%s with nothing in it:\n%s", at, strings.Join(wrong, "\n"))
		}
	}
}

// TestBrowser_enlarged reads every page at 320 pixels, which is what is left of 1280 at
// 400 %, and at 720 by 450, which is 1440 by 900 at 200 % (WCAG 2.2, 1.4.10 and 1.4.4).
func TestBrowser_enlarged(t *testing.T) {
	m := full(30)
	b := before(t, m, "ada")
	for _, w := range [][2]int64{{320, 256}, {720, 450}} {
		b.Look(w[0], w[1], false, true)
		for _, at := range reads() {
			b.Go(at)
			if wide := b.Sideways(); len(wide) > 0 {
				t.Errorf("%s at %d pixels is wider than that: %q", at, w[0], wide)
			}
		}
	}
}

// TestBrowser_tab goes once round every page by Tab: the focus can be seen wherever it is,
// follows the order of the page, and is nowhere trapped (2.1.2, 2.4.3, 2.4.7, 2.4.11).
func TestBrowser_tab(t *testing.T) {
	m := full(6)
	b := before(t, m, "ada")
	for _, width := range []int64{1440, 390} {
		b.Look(width, 844, false, true)
		for _, at := range routes() {
			b.Go(at)
			stops := b.Round()
			if len(stops) < 8 || !strings.HasPrefix(stops[0], "a Skip") {
				t.Errorf("%s: the focus goes %q", at, stops)
			}
			if !b.Says(`[...document.querySelectorAll("[tabindex]")].every((e) => e.tabIndex <= 0)`) {
				t.Errorf("%s: the order of the focus is not that of the page", at)
			}
		}
	}
	b.Look(1440, 900, false, true)
	b.Go("/incidents")
	b.Press("\t\r")
	if !b.Says(`document.activeElement.id === "main"`) {
		t.Errorf("the first link does not lead past what every page has, but to %s", b.Focus())
	}
}

// TestBrowser_keys moves by j and k through the rows of every page that has rows, and
// turns the keys off.
func TestBrowser_keys(t *testing.T) {
	m := full(30)
	b := before(t, m, "ada")
	b.Look(1440, 900, false, true)
	for _, at := range routes() {
		b.Go(at)
		rows := browsertest.Ask[int](b, `document.querySelectorAll("main .list tbody tr, main [data-keys] > li").length`)
		if rows == 0 {
			continue
		}
		b.Press("jjkj")
		b.Visible()
		if !b.Says(`document.querySelectorAll(".here").length === 1 && document.querySelector(".here").contains(document.activeElement)`) {
			t.Errorf("%s: after j j k j the focus is on %s", at, b.Focus())
		}
	}
	b.Go("/incidents")
	b.Press("?")
	b.Until(`document.querySelector("dialog")`)
	if wrong := b.Barriers(); len(wrong) > 0 {
		t.Error(wrong)
	}
	b.TabTo("dialog input")
	b.Press(" \x1b")
	b.Until(`!document.querySelector("dialog")`)
	b.Press("j")
	if b.Says(`document.querySelector(".here")`) {
		t.Error("j moves though the keys are off")
	}
	b.Go("/incidents")
	b.Press("jgi")
	if b.Says(`document.querySelector(".here")`) {
		t.Error("the next page has forgotten that the keys are off")
	}
	b.Press("?")
	b.Until(`document.querySelector("dialog input:not(:checked)")`)
}

// TestBrowser_print looks at an incident on paper.
func TestBrowser_print(t *testing.T) {
	m := full(3)
	b := before(t, m, "ada")
	b.Look(800, 1100, true, true)
	b.Go("/incidents/000000000000beef?show=2")
	b.Print(true)
	if b.Says(`[...document.querySelectorAll("nav, header.top, form, button, .keys")].some((e) => e.offsetParent !== null)`) {
		t.Error("what can be pressed is printed")
	}
	for _, want := range []string{".story", ".facts", ".told", ".line", ".note", ".history"} {
		if !b.Says(`document.querySelector("` + want + `")?.getClientRects().length`) {
			t.Errorf("%s is not printed", want)
		}
	}
	if got := browsertest.Ask[string](b, `getComputedStyle(document.body).backgroundColor + " " + getComputedStyle(document.body).color`); got != "rgb(255, 255, 255) rgb(0, 0, 0)" {
		t.Errorf("the dark theme is printed as %s", got)
	}
}
