package api

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed docs.html
var docsSource string

type docsRow struct{ Method, Path, Summary, Rule, Anchor string }

// docs serves a page that lists the operations. It is made from them, so it is right.
func (s *server) docs(mux *http.ServeMux) error {
	t, err := template.New("docs").Parse(docsSource)
	if err != nil {
		return fmt.Errorf("reading the page about the API: %w", err)
	}
	var rows []docsRow
	for _, a := range s.access {
		rows = append(rows, docsRow{a.method, a.path, a.summary, a.rule.String(), name(a.method, a.path)})
	}
	var b strings.Builder
	if err := t.Execute(&b, rows); err != nil {
		return fmt.Errorf("writing the page about the API: %w", err)
	}
	page := b.String()
	mux.HandleFunc("GET /api/docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page)) // an error is the reader's having gone
	})
	return nil
}
