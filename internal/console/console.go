// Package console is how people meet Vedette in a browser: pages that are made here, work
// without script, and change nothing that the API could not change too.
//
// A page is a Go file and a template of the same name; pages.go lists them all, with who
// may see and do what. The console cannot act on the world: it has no way to.
package console

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"

	"vedette/internal/api/desk"
	"vedette/internal/api/guard"
	"vedette/internal/look"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var assets embed.FS

// Options say how the console is reached.
type Options struct {
	Hosts []string     // by which names, without ports; loopback always is
	TLS   bool         // browsers reach it over TLS
	Log   *slog.Logger // for errors that are ours; nil for none
	// Guest, if set, signs in whoever has a one-time code, without a password; the link
	// that holds it is enough. It is for demonstrations, of which nothing is kept.
	Guest func(ctx context.Context, code string, v desk.Visitor) (shown string, err error)
}

// console is what handlers share.
type console struct {
	*desk.Desk
	options Options
	pages   map[string]*template.Template
	style   string // addresses of the assets, which change with what is in them
	script  string
}

// New returns the console.
func New(d *desk.Desk, o Options) (http.Handler, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &console{Desk: d, options: o, pages: map[string]*template.Template{}}
	if err := c.parse(); err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	mux := http.NewServeMux()
	for _, p := range pages() {
		if p.guest && o.Guest == nil {
			continue
		}
		mux.HandleFunc(p.method+" "+p.pattern, c.serve(p))
	}
	style, err := c.asset(mux, "console.css", "text/css; charset=utf-8")
	if err != nil {
		return nil, err
	}
	script, err := c.asset(mux, "console.js", "text/javascript; charset=utf-8")
	if err != nil {
		return nil, err
	}
	if _, err := c.asset(mux, "icon.svg", "image/svg+xml"); err != nil {
		return nil, err
	}
	c.style, c.script = style, script
	mux.HandleFunc("/", c.serve(page{pattern: "/", open: true, handle: func(*visit) error { return errNoPage }}))
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(c.serve(page{open: true, handle: func(*visit) error { return errForm }}))
	return guard.Handler(same.Handler(mux), guard.Options{Hosts: o.Hosts, TLS: o.TLS}), nil
}

// parse reads the layout and, over a copy of it each, the pages.
func (c *console) parse() error {
	layout, err := template.New("layout").Funcs(c.functions()).ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err == nil {
		layout, err = layout.Parse(look.GraphTemplate)
	}
	if err != nil {
		return err
	}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return err
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(templates, file)
		}
		if err != nil {
			return err
		}
		c.pages[name] = t
	}
	return nil
}

// asset serves a file under an address that holds its hash, so that browsers may keep it.
func (c *console) asset(mux *http.ServeMux, name, kind string) (address string, err error) {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	if name == "console.css" {
		b = slices.Concat([]byte(look.Tokens), []byte(look.GraphStyle), b)
	}
	sum := sha256.Sum256(b)
	address = "/assets/" + name
	mux.HandleFunc("GET "+address, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(b) // an error is the reader's having gone
	})
	return address + "?" + hex.EncodeToString(sum[:6]), nil
}
