package browsertest

// Sideways returns what makes the page wider than the window, if anything does: a page is
// read from top to bottom, also on a phone and enlarged.
func (b *Browser) Sideways() []string {
	b.Helper()
	return Ask[[]string](b, `(() => {
		const root = document.scrollingElement;
		if (root.scrollWidth <= root.clientWidth + 1) return [];
		const wide = [];
		for (const e of document.querySelectorAll("body *")) {
			const r = e.getBoundingClientRect();
			if (r.width > 0 && r.right > root.clientWidth + 1 && !e.closest(".hide, .skip")) wide.push(e.tagName + "." + e.getAttribute("class") + " to " + Math.round(r.right));
		}
		return wide.length ? wide.slice(0, 8) : ["something to " + root.scrollWidth];
	})()`)
}

// Small returns what can be pressed and is smaller than 24 by 24 pixels with less room
// around it than that (WCAG 2.2, 2.5.8). Links within a sentence may be.
func (b *Browser) Small() []string {
	b.Helper()
	return Ask[[]string](b, `(() => {
		const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].filter((e) => {
			const r = e.getBoundingClientRect();
			return r.width > 0 && r.height > 0 && e.type !== "hidden" && !e.closest(".hide, .skip, [inert]");
		});
		const box = (e) => (e.matches("input[type=checkbox], input[type=radio]") && e.closest("label") || e).getBoundingClientRect();
		const inline = (e) => e.tagName === "A" && getComputedStyle(e).display === "inline" && [...e.parentNode.childNodes].some((n) => n !== e && n.textContent.trim());
		const circle = (r) => [r.left + r.width / 2, r.top + r.height / 2];
		const tiny = (r) => r.width < 23.5 || r.height < 23.5;
		const small = [];
		for (const e of all) {
			const r = box(e);
			if (!tiny(r) || inline(e)) continue;
			const [x, y] = circle(r);
			const near = all.some((o) => {
				if (o === e || o.contains(e) || e.contains(o)) return false;
				const q = box(o), dx = Math.max(q.left - x, 0, x - q.right), dy = Math.max(q.top - y, 0, y - q.bottom);
				const [u, v] = circle(q);
				return Math.hypot(dx, dy) < 11.5 || tiny(q) && !inline(o) && Math.hypot(u - x, v - y) < 23.5;
			});
			if (near) small.push(e.outerHTML.slice(0, 100) + " " + Math.round(r.width) + "x" + Math.round(r.height));
		}
		return small;
	})()`)
}

// Lost returns texts that are cut off: wider or higher than the box that hides the rest of
// them. What says so with an ellipsis is meant.
func (b *Browser) Lost() []string {
	b.Helper()
	return Ask[[]string](b, `(() => {
		const lost = [];
		for (const e of document.querySelectorAll("main *")) {
			const s = getComputedStyle(e);
			if (e.closest(".hide") || s.textOverflow === "ellipsis" || e.tagName === "INPUT" || e.ownerSVGElement || e.tagName === "svg") continue;
			if ((s.overflowX === "hidden" || s.overflowX === "clip") && e.scrollWidth > e.clientWidth + 1) lost.push(e.outerHTML.slice(0, 120));
		}
		return lost;
	})()`)
}
