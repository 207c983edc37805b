package vedette

// How the rules about plug-ins are checked: each is listed once, and named after the
// file it is in.

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// checkPlugins checks that each plug-in is listed once, and is named after the file
// it is in, so that a name in a log leads to its source; and that a decoder or
// detector shows the world nothing but plug-ins.
func checkPlugins(h *house) (b breaches) {
	listed := h.listed()
	for _, p := range h.packages {
		kind := kindOf(p.path)
		if kind == "" || path.Base(p.path) == "all" || kit(p.path) {
			continue
		}
		for _, f := range p.files {
			for _, v := range packageVars(f.File) {
				id := v.Names[0].Name
				if len(v.Values) != 1 || !isKind(v.Values[0], kind) {
					if holds(p.path, []string{"decode/", "detect/"}) && v.Names[0].IsExported() {
						b.add("%s: %s is a variable that others can change; memory belongs to the baseline", h.at(v), id)
					}
					continue
				}
				want, home := strings.TrimPrefix(p.path, kind+"/"), path.Base(p.path)
				if id != "Kind" {
					home = snake(id)
					want += "/" + home
				}
				if id != "Kind" && path.Base(f.path) != home+".go" {
					b.add("%s: %s belongs in %s.go", f.path, id, home)
				}
				if got := pluginName(v.Values[0]); got != want {
					b.add("%s: %s is named %q, want %q", h.at(v), id, got, want)
				}
				if n := listed[p.path+"."+id]; n != 1 {
					b.add("%s: %s is listed %d times in internal/%s/all, want once", f.path, id, n, kind)
				}
			}
		}
	}
	return b
}

// listed counts how often the lists of plug-ins name each of them.
func (h *house) listed() map[string]int {
	listed := map[string]int{}
	for _, p := range h.packages {
		if kindOf(p.path) == "" || path.Base(p.path) != "all" {
			continue
		}
		for _, f := range p.files {
			names := importNames(f.File)
			ast.Inspect(f.File, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && names[x.Name] != "" {
						listed[strings.TrimPrefix(names[x.Name], module+"/internal/")+"."+s.Sel.Name]++
					}
				}
				return true
			})
		}
	}
	return listed
}

func packageVars(f *ast.File) (vars []*ast.ValueSpec) {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				vars = append(vars, s.(*ast.ValueSpec))
			}
		}
	}
	return vars
}

// isKind reports whether the expression is a literal of the kind's own type Kind, or of
// another sort that the kind has: a decoder is of lines, of conversations or of frames.
func isKind(e ast.Expr, kind string) bool {
	c, ok := e.(*ast.CompositeLit)
	if !ok {
		return false
	}
	s, ok := c.Type.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == kind && (s.Sel.Name == "Kind" || kind == "decode" && (s.Sel.Name == "Protocol" || s.Sel.Name == "Frame"))
}

// pluginName returns the first Name that the literal sets.
func pluginName(e ast.Expr) (name string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok && name == "" {
			k, isIdent := kv.Key.(*ast.Ident)
			if l, ok := kv.Value.(*ast.BasicLit); ok && isIdent && k.Name == "Name" {
				name, _ = strconv.Unquote(l.Value)
			}
		}
		return name == ""
	})
	return name
}

var (
	hump    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	acronym = regexp.MustCompile(`([A-Z])([A-Z][a-z])`)
)

// snake turns NewPeer into new_peer and DNSTunnel into dns_tunnel.
func snake(id string) string {
	id = acronym.ReplaceAllString(id, "${1}_${2}")
	return strings.ToLower(hump.ReplaceAllString(id, "${1}_${2}"))
}
