// The console works without this file. It adds keys, records beside a sentence without
// loading the page, rows that come by themselves, and times that go on.
"use strict";
(() => {
  const $ = (s, from = document) => from.querySelector(s);
  const all = (s, from = document) => [...from.querySelectorAll(s)];
  const page = async (address, quiet) => { // quiet: nobody asked, so it does not keep the session alive
    const r = await fetch(address, { credentials: "same-origin", headers: quiet ? { "X-Vedette-Quiet": "1" } : {} });
    if (!r.ok || r.redirected) throw new Error("not what was asked for");
    return new DOMParser().parseFromString(await r.text(), "text/html");
  };

  // Times: said again each half minute; the reader's own time when pointed at.
  // What telemetry says is as long ago as the page says it is: in a replay, it is another day there.
  let ahead = 0;
  const set = (d) => { ahead = (Number(d.body.dataset.now) || Date.now()) - Date.now(); };
  set(document);
  const ago = (t, clock) => {
    const s = Math.round((Date.now() + (clock ? 0 : ahead) - t) / 1000), past = s >= 0, n = Math.abs(s);
    const say = (x, one, many) => (past ? "" : "in ") + x + " " + (x === 1 ? one : many) + (past ? " ago" : "");
    if (n < 60) return "just now";
    if (n < 3600) return say(Math.floor(n / 60), "min", "min");
    if (n < 86400) return say(Math.floor(n / 3600), "h", "h");
    if (n < 5184000) return say(Math.floor(n / 86400), "day", "days");
    return null;
  };
  const skew = () => {
    for (const t of all("time[datetime]")) {
      const at = new Date(t.dateTime), s = ago(at, "clock" in t.dataset);
      if (s) t.textContent = s;
      if (!t.dataset.utc) t.dataset.utc = t.title;
      t.title = at.toLocaleString(undefined, { dateStyle: "long", timeStyle: "long" }) + " (" + t.dataset.utc + ")";
    }
  };
  skew();
  setInterval(skew, 30000);

  // Keys. What can be pressed says by which key: data-key. They can be turned off, for those
  // whose software types letters of its own.
  let here = null, first = "";
  const store = { get: () => { try { return localStorage.getItem("keys"); } catch { return null; } }, set: (v) => { try { localStorage.setItem("keys", v); } catch { /* it lasts for this page */ } } };
  let keyed = store.get() !== "off";
  const rows = () => all("main .list tbody tr, main [data-keys] > li").filter((r) => r.offsetParent !== null);
  const go = (by) => {
    const list = rows();
    if (!list.length) return;
    if (here && !here.isConnected) here = null;
    let i = here ? list.indexOf(here) + by : by > 0 ? 0 : list.length - 1;
    i = Math.max(0, Math.min(list.length - 1, i));
    if (here) here.classList.remove("here");
    here = list[i];
    here.classList.add("here");
    const to = $(".what a, h2 a, a", here) || $("select, button", here) || here;
    if (to === here) here.tabIndex = -1;
    to.focus({ preventScroll: true });
    here.scrollIntoView({ block: "nearest" });
  };
  const press = (key) => {
    const to = $(`[data-key="${key}"]`);
    if (!to) return false;
    const boxes = to.form && to.name === "do" ? all("tbody input[type=checkbox]", to.form) : [];
    if (boxes.length && !boxes.some((b) => b.checked)) { // without a mark it is about the row
      const box = here && $("input[type=checkbox]", here);
      if (!box) return true;
      box.checked = true;
    }
    if (to.matches("button, a")) to.click();
    else to.focus();
    return true;
  };
  const help = async () => {
    if ($("dialog")) return;
    const d = await page("/help", true), back = document.activeElement;
    const box = document.createElement("dialog"), close = document.createElement("button"), label = document.createElement("label"), on = document.createElement("input");
    on.type = "checkbox";
    on.checked = keyed;
    on.addEventListener("change", () => { keyed = on.checked; store.set(keyed ? "on" : "off"); });
    label.className = "choice";
    label.append(on, " Single keys are on, in this browser");
    close.className = "second";
    close.textContent = "Close";
    close.addEventListener("click", () => box.close());
    const keys = document.importNode($("#keys", d), true);
    keys.removeAttribute("id");
    $("h2", keys).id = "keys-title";
    box.setAttribute("aria-labelledby", "keys-title");
    box.append(keys, label, close);
    box.addEventListener("close", () => { box.remove(); if (back && back.isConnected) back.focus({ preventScroll: true }); });
    document.body.append(box);
    box.showModal();
  };
  document.addEventListener("click", (e) => {
    const a = e.target.closest("a[data-help]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    help().catch(() => { location.href = a.href; });
  });
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "Enter" && e.target.matches("textarea")) { e.preventDefault(); return e.target.form.requestSubmit(); }
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || $("dialog")) return;
    const typing = e.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select");
    if (e.key === "Escape" && typing) return e.target.blur();
    if (typing) return;
    const did = () => e.preventDefault();
    if (e.key === "?") { did(); return help().catch(() => { location.href = "/help#keys"; }); } // also when they are off: here they are turned on
    if (!keyed) return;
    if (first === "g") {
      first = "";
      const to = { h: "/", i: "/incidents", e: "/entities", s: "/sources" }[e.key];
      if (to) { did(); location.href = to; }
      return;
    }
    switch (e.key) {
      case "j": did(); return go(1);
      case "k": did(); return go(-1);
      case "x": {
        const box = here && $("input[type=checkbox]", here);
        if (box) { did(); box.checked = !box.checked; }
        return;
      }
      case "Enter":
        if (here && (e.target === document.body || e.target === here || e.target.matches("input[type=checkbox]"))) { const a = $(".what a, h2 a, a", here); if (a) { did(); a.click(); } }
        return;
      case "/": if ($("#q")) { did(); $("#q").focus(); } return;
      case "g": first = "g"; setTimeout(() => { first = ""; }, 1200); return;
      default: if (/^[a-z]$/.test(e.key) && press(e.key)) did();
    }
  });

  // Records beside a sentence.
  let opener = null; // what opened the records: the focus goes back there when they are closed
  const beside = async (address, push) => {
    const d = await page(address);
    $("#beside").replaceChildren(...$("#beside", d).childNodes);
    for (const li of all(".told li")) {
      const same = li.id && d.getElementById(li.id);
      li.toggleAttribute("aria-current", Boolean(same && same.hasAttribute("aria-current")));
    }
    if (push) history.pushState(null, "", address);
    skew();
  };
  document.addEventListener("click", (e) => {
    const a = e.target.closest("a[data-beside]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    const within = $("#beside").contains(a);
    if (!within) opener = a;
    beside(a.href, true).then(() => {
      if (matchMedia("(max-width: 1100px)").matches) $(new URL(a.href).hash)?.scrollIntoView();
      const to = within ? opener || $(new URL(a.href).hash + " a") : a;
      (to && to.isConnected ? to : $("#beside")).focus({ preventScroll: !within });
    }).catch(() => { location.href = a.href; });
  });
  if ($("#beside")) addEventListener("popstate", () => beside(location.href, false).catch(() => location.reload()));

  // Rows that come by themselves. What is being read does not move. A row is another if it
  // says something else: times that went on and marks of ours do not count.
  const shown = (row) => { const r = row.cloneNode(true); r.removeAttribute("class"); for (const t of all("time", r)) t.replaceChildren(), t.removeAttribute("title"), t.removeAttribute("data-utc"); return r.innerHTML; };
  const fresh = async () => {
    const old = $("[data-rows]"), d = await page(location.href, true), now = $("[data-rows]", d);
    set(d);
    const counts = $(".tabs"), counted = $(".tabs", d), health = $(".health", d);
    if (counts && counted) counts.replaceWith(counted);
    if (health) $(".health").replaceWith(health);
    for (const part of all("[data-swap]")) { // what is no list is put in anew
      const come = $("[data-swap=" + part.dataset.swap + "]", d);
      if (!come || $("[data-rows]", part) && $("[data-rows]", come) || part.contains(document.activeElement) || part.innerHTML === come.innerHTML) continue;
      part.replaceChildren(...document.importNode(come, true).childNodes);
    }
    if (!old || !old.isConnected || !now) return skew();
    const body = (t) => $("tbody", t) || t;
    const known = new Map(all("[data-id]", body(old)).map((r) => [r.dataset.id, r]));
    let before = null;
    for (const r of all("[data-id]", body(now)).reverse()) {
      const was = known.get(r.dataset.id);
      if (was) {
        const box = $("input[type=checkbox]", was), copy = document.importNode(r, true);
        if (shown(was) !== shown(copy) && was !== here && !was.contains(document.activeElement)) {
          if (box && $("input[type=checkbox]", copy)) $("input[type=checkbox]", copy).checked = box.checked;
          was.replaceWith(copy);
          before = copy;
        } else before = was;
        continue;
      }
      const come = document.importNode(r, true);
      come.classList.add("new");
      const top = before ? before.getBoundingClientRect().top : 0;
      body(old).insertBefore(come, before);
      if (before && top < innerHeight / 2 && scrollY > 0) scrollBy(0, before.getBoundingClientRect().top - top);
      before = come;
    }
    skew();
  };
  if (document.body.hasAttribute("data-live") && window.EventSource) {
    const changes = new EventSource("/changes");
    let soon = 0;
    changes.addEventListener("change", (e) => {
      const one = $("article.incident");
      if (one) {
        if (e.data === "incident " + one.dataset.id && !$(".changed")) {
          const p = document.createElement("p");
          p.className = "done changed";
          p.setAttribute("role", "status");
          const a = document.createElement("a");
          a.href = location.href;
          a.textContent = "Load it again";
          p.append("This incident has changed since you opened it. ", a, ".");
          one.prepend(p);
        }
        return;
      }
      if (!soon) soon = setTimeout(() => { soon = 0; fresh().catch(() => {}); }, 1000);
    });
    changes.addEventListener("over", () => { changes.close(); location.reload(); });
  }
})();
