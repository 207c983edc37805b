package browsertest

import (
	"context"
	"slices"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"
)

// mostTabs is how often Tab is pressed before something counts as out of reach.
const mostTabs = 150

// mostParts is how many parts a field can have that Tab stops at, as one for a date does.
const mostParts = 6

// seen is an expression that is true if what has the focus can be seen to have it: it has
// an outline, and is neither covered nor outside of the window.
const seen = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return true; // between the page and the browser
	const s = getComputedStyle(e), r = e.getBoundingClientRect();
	const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
	if (!ring || r.width === 0 || r.height === 0) return false;
	const y = Math.min(Math.max(r.top + r.height / 2, 0), innerHeight - 1), x = Math.min(Math.max(r.left + r.width / 2, 0), innerWidth - 1);
	const top = document.elementFromPoint(x, y);
	return r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth && (top === null || e.contains(top) || top.contains(e));
})()`

// Press presses keys one after the other: letters, or one of package kb.
func (b *Browser) Press(keys string) {
	b.Helper()
	b.press(keys, 0)
}

// Ctrl presses a key with the control key held down.
func (b *Browser) Ctrl(key string) {
	b.Helper()
	b.press(key, int64(kb.ModifierCtrl))
}

func (b *Browser) press(keys string, held int64) {
	b.Helper()
	b.do(func(ctx context.Context) error {
		for _, r := range keys {
			for _, e := range kb.Encode(r) {
				if e.Modifiers |= held; e.Type == kb.KeyDown {
					e.Type = input.DispatchKeyEventTypeRawKeyDown // a page that takes the key then gets no letter of it
				}
				if err := call(ctx, input.DispatchKeyEvent, *e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Focus returns what has the focus, in short.
func (b *Browser) Focus() string {
	b.Helper()
	return Ask[string](b, `(() => {
		const e = document.activeElement;
		if (!e || e === document.body) return "nothing";
		return e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.name ? "[name=" + e.name + "]" : "") + " " + (e.textContent || e.getAttribute("aria-label") || "").trim().slice(0, 40);
	})()`)
}

// TabTo presses Tab until what a selector names has the focus. Whatever is passed on the
// way has to show that it has the focus.
func (b *Browser) TabTo(selector string) {
	b.Helper()
	for range mostTabs {
		b.Press(kb.Tab)
		b.Visible()
		if b.Says(`document.activeElement.matches(` + quote(selector) + `)`) {
			return
		}
	}
	b.Fatalf("Tab does not lead to %s at %s; the focus is on %s", selector, b.Address(), b.Focus())
}

// Visible fails the test if what has the focus does not show it.
func (b *Browser) Visible() {
	b.Helper()
	if !b.Says(seen) {
		b.Errorf("at %s the focus is on %s and cannot be seen", b.Address(), b.Focus())
	}
}

// Round presses Tab until the focus comes back to where it began, and returns all that had
// it, in order. If it does not come back, it is trapped.
func (b *Browser) Round() (stops []string) {
	b.Helper()
	for range mostTabs * 4 {
		b.Press(kb.Tab)
		b.Visible()
		f := b.Focus()
		if len(stops) > 0 && (f == "nothing" || b.Says(`document.activeElement.matches(".skip")`)) {
			return stops
		}
		if n := len(stops); n > mostParts && !slices.ContainsFunc(stops[n-mostParts:], func(s string) bool { return s != f }) {
			b.Errorf("at %s the focus is trapped at %s", b.Address(), f)
			return stops
		}
		stops = append(stops, f)
	}
	b.Errorf("at %s the focus does not come round", b.Address())
	return stops
}
