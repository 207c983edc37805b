package vedette

// How the rules that need types are checked: timeless code does not depend on the
// order of a map, and keeps nothing in package variables.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// checkTimeless checks the timeless packages of a house that lies in folder root, and
// names those that do not build and so cannot be checked. What packages export is
// read from what the compiler left in its cache.
func checkTimeless(h *house, root string) (b breaches, broken []string, err error) {
	var inside []*pkg
	var patterns []string
	for _, p := range h.packages {
		if inner(p.path) && len(p.files) > 0 {
			inside = append(inside, p)
			patterns = append(patterns, "./internal/"+p.path)
		}
	}
	if len(inside) == 0 {
		return nil, nil, nil
	}
	list, err := goList(root, patterns)
	if err != nil {
		return nil, nil, err
	}
	im := importer.ForCompiler(h.fset, "gc", func(path string) (io.ReadCloser, error) {
		if list[path].Export == "" {
			return nil, fmt.Errorf("%s does not build", path)
		}
		return os.Open(list[path].Export)
	})
	for _, p := range inside {
		full := module + "/internal/" + p.path
		if list[full].Incomplete {
			broken = append(broken, p.path)
			continue
		}
		var files []*ast.File
		for _, f := range p.files {
			if slices.Contains(list[full].GoFiles, path.Base(f.path)) { // or it is for another system
				files = append(files, f.File)
			}
		}
		info := &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
			Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		}
		conf := types.Config{Importer: im, Sizes: types.SizesFor("gc", "amd64")}
		if _, err := conf.Check(full, h.fset, files, info); err != nil {
			return nil, nil, fmt.Errorf("internal/%s: %w", p.path, err)
		}
		t := &typed{h, info, &b}
		for _, f := range files {
			t.maps(f)
			t.variables(f)
		}
	}
	return b, broken, nil
}

// listedPackage is what `go list` says of a package.
type listedPackage struct {
	ImportPath, Export string
	GoFiles            []string
	Incomplete         bool // it, or what it imports, does not build
}

func goList(root string, patterns []string) (map[string]listedPackage, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-export", "-deps", "-json=ImportPath,Export,GoFiles,Incomplete", "--"}, patterns...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, &stderr)
	}
	list := map[string]listedPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list[p.ImportPath] = p
	}
}

// typed is a package that has been type-checked.
type typed struct {
	*house
	info *types.Info
	b    *breaches
}

// maps finds loops over maps that do not say why the order cannot matter: by a
// comment with the word order, on the line of the loop or just above it. The
// iterators of package maps are maps too, unless they are sorted at once.
func (t *typed) maps(f *ast.File) {
	why := t.orderLines(f)
	sorted := map[ast.Expr]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if typ := t.info.TypeOf(n.X); typ != nil && hasMap(typ) {
				t.wantOrder(n, why)
			}
		case *ast.CallExpr:
			if fn := t.function(n.Fun); strings.HasPrefix(fn, "slices.Sorted") && len(n.Args) > 0 {
				sorted[ast.Unparen(n.Args[0])] = true
			} else if (fn == "maps.Keys" || fn == "maps.Values" || fn == "maps.All") && !sorted[n] {
				t.wantOrder(n, why)
			}
		}
		return true
	})
}

func (t *typed) wantOrder(n ast.Node, why map[int]bool) {
	if line := t.fset.Position(n.Pos()).Line; !why[line] && !why[line-1] {
		t.b.add("%s: the order of a map is chance; sort it, or say in a comment why the order cannot matter", t.at(n))
	}
}

// orderLines returns the lines on which a comment about order ends.
func (t *typed) orderLines(f *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, c := range f.Comments {
		if strings.Contains(strings.ToLower(c.Text()), "order") {
			lines[t.fset.Position(c.End()).Line] = true
		}
	}
	return lines
}

// function returns the qualified name of the function that the expression is.
func (t *typed) function(e ast.Expr) string {
	switch x := ast.Unparen(e).(type) {
	case *ast.IndexExpr: // with its type arguments
		return t.function(x.X)
	case *ast.IndexListExpr:
		return t.function(x.X)
	case *ast.SelectorExpr:
		if f, ok := t.info.Uses[x.Sel].(*types.Func); ok && f.Pkg() != nil && f.Signature().Recv() == nil {
			return f.Pkg().Path() + "." + f.Name()
		}
	}
	return ""
}

// hasMap reports whether the type is a map, or a type parameter that can be one.
func hasMap(typ types.Type) bool {
	if p, ok := typ.(*types.TypeParam); ok {
		typ = p.Constraint()
	}
	switch u := typ.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		for e := range u.EmbeddedTypes() {
			if hasMap(e) {
				return true
			}
		}
	case *types.Union:
		for term := range u.Terms() {
			if hasMap(term.Type()) {
				return true
			}
		}
	}
	return false
}

// variables finds package variables that change: those that are assigned to, added
// to or emptied in a function, and those whose type is there to be changed.
func (t *typed) variables(f *ast.File) {
	for _, v := range packageVars(f) {
		for _, name := range v.Names {
			if o := t.info.Defs[name]; o != nil && name.Name != "_" && changeable(o.Type()) {
				t.b.add("%s: package variable %s is made to be changed; timeless code has no memory of its own", t.at(v), name.Name)
			}
		}
	}
	changed := func(n ast.Node, e ast.Expr) {
		if v := t.packageVar(e); v != nil {
			t.b.add("%s: changes package variable %s; timeless code has no memory of its own", t.at(n), v.Name())
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if n.Tok != token.DEFINE {
					changed(n, e)
				}
			}
		case *ast.IncDecStmt:
			changed(n, n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				changed(n, n.Key)
				changed(n, n.Value)
			}
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && len(n.Args) > 0 {
				if _, ok := t.info.Uses[id].(*types.Builtin); ok && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) {
					changed(n, n.Args[0])
				}
			}
			if s, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && t.byAddress(s) {
				changed(n, s.X)
			}
		}
		return true
	})
}

// byAddress reports whether the method call takes the address of what it is called
// on, and so may change it.
func (t *typed) byAddress(s *ast.SelectorExpr) bool {
	sel := t.info.Selections[s]
	if sel == nil || sel.Kind() != types.MethodVal || sel.Indirect() {
		return false
	}
	recv := sel.Obj().(*types.Func).Signature().Recv().Type()
	_, byPointer := recv.(*types.Pointer)
	_, isPointer := sel.Recv().Underlying().(*types.Pointer)
	return byPointer && !isPointer
}

// packageVar returns the package variable that the expression is or is a part of.
func (t *typed) packageVar(e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if v, ok := t.info.Uses[x.Sel].(*types.Var); ok && !v.IsField() {
				return v // of another package
			}
			e = x.X
		case *ast.Ident:
			if v, ok := t.info.Uses[x].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return v
			}
			return nil
		default:
			return nil
		}
	}
}

// changeable reports whether variables of the type exist to be changed: locks,
// pools, counters, channels, and pointers to such.
func changeable(typ types.Type) bool {
	if p, ok := typ.Underlying().(*types.Pointer); ok {
		typ = p.Elem()
	}
	if _, ok := typ.Underlying().(*types.Chan); ok {
		return true
	}
	n, ok := types.Unalias(typ).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return false
	}
	from := n.Obj().Pkg().Path()
	return from == "sync" || from == "sync/atomic"
}
