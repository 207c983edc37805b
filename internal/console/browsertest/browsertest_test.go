package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"vedette/internal/console/browsertest"
)

// pages are wrong, each in its way.
var pages = map[string]string{
	"/fine":    `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><a href="/">a link</a></main>`,
	"/inline":  `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><script>document.title = "ran"</script></main>`,
	"/handler": `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><img src="/none.png" onerror="alert(1)" alt=""></main>`,
	"/outside": `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><img src="http://127.0.0.2:9/x.png" alt=""></main>`,
	"/fails":   `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><script src="/fails.js"></script></main>`,
	"/missing": `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><script src="/none.js"></script></main>`,
	"/closed":  `<!DOCTYPE html><html><main><h1>x</h1><input name="a"><p><font color="#aaaaaa">faint</font></p></main>`,
	"/wide":    `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><table width="2000"><tr><td>x</table></main>`,
	"/small":   `<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><input type="checkbox"><input type="checkbox"></main>`,
}

func serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; img-src *")
		switch body, ok := pages[r.URL.Path]; {
		case ok:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, body)
		case r.URL.Path == "/fails.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `console.error("no"); nothing.here();`)
		case r.URL.Path == "/favicon.ico":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestWhatIsWrongIsSeen: what finds nothing proves nothing unless it can find something.
func TestWhatIsWrongIsSeen(t *testing.T) {
	b := browsertest.New(t, serve(t))
	for path, want := range map[string]string{
		"/inline": "inline script", "/handler": "inline event handler", "/outside": "another host", "/fails": "a script failed", "/missing": "answered by 404",
	} {
		b.Go(path)
		if all := b.Troubles(); !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(strings.ToLower(s), want) }) {
			t.Errorf("%s: %q, want %q among it", path, all, want)
		}
	}
	b.Go("/fine")
	if all := append(b.Troubles(), append(b.Barriers(), append(b.Sideways(), b.Small()...)...)...); len(all) > 0 {
		t.Errorf("a page that is fine: %q", all)
	}
	b.Go("/closed")
	for _, want := range []string{"html-has-lang", "label", "color-contrast", "document-title"} {
		if all := b.Barriers(); !slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("%s is not among %q", want, all)
		}
	}
	b.Go("/wide")
	if len(b.Sideways()) == 0 {
		t.Error("a page that is too wide is not seen to be")
	}
	b.Go("/small")
	if len(b.Small()) != 2 {
		t.Errorf("of two small boxes side by side %q are", b.Small())
	}
}
