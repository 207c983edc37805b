package console

import (
	"io"
	"net/http"
)

// doEnter lets in whoever has the link to a demonstration. A link that is opened again by
// the one who used it leads to where they are already.
//
// What looks at links by itself asks for heads at most, and uses nothing up. The way on is
// a page that asks for Home by itself: a redirect of a link on another site would come
// there without the session, which browsers show to requests from here alone.
func doEnter(v *visit) error {
	if v.Method != http.MethodGet {
		return nil
	}
	if v.who.Name() == "" {
		shown, err := v.c.options.Guest(v.Context(), cut(v.URL.Query().Get("code"), 64), v.visitor())
		if err != nil {
			return err
		}
		v.enter(shown)
	}
	v.w.Header().Set("Refresh", "0; url=/")
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(v.w, `<!DOCTYPE html><title>Vedette</title><p><a href="/">You are signed in. Go on.</a></p>`) // an error is the reader's having gone
	return nil
}
