package vedette

// How the rules of arch_test.go are checked, as far as the syntax tells.

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// house is the parsed tree: every package below internal and cmd, without tests.
type house struct {
	packages []*pkg // below internal, by path
	commands []*pkg // below cmd, by path
	gomod    string
	toolsmod string // tools/go.mod
	reasons  string // docs/dependencies.md
	fset     *token.FileSet
}

// pkg is the package of a folder.
type pkg struct {
	path  string // below internal or cmd, slash separated
	files []*file
	test  bool // the folder holds tests
}

// file is a source file and its path from the root.
type file struct {
	*ast.File
	path      string
	lines     int
	generated bool
}

// load parses the tree. A tree with nothing in it is a house too.
func load(root fs.FS) (h *house, err error) {
	h = &house{fset: token.NewFileSet()}
	for name, text := range map[string]*string{"go.mod": &h.gomod, "tools/go.mod": &h.toolsmod, "docs/dependencies.md": &h.reasons} {
		b, err := fs.ReadFile(root, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		*text = string(b)
	}
	if h.packages, err = h.below(root, "internal"); err == nil {
		h.commands, err = h.below(root, "cmd")
	}
	return h, err
}

func (h *house) below(root fs.FS, top string) (all []*pkg, err error) {
	if _, err := fs.Stat(root, top); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	byDir := map[string]*pkg{}
	err = fs.WalkDir(root, top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if hidden := name[0] == '.' || name[0] == '_' || name == "testdata"; d.IsDir() && hidden {
			return fs.SkipDir
		} else if d.IsDir() || hidden || path.Ext(name) != ".go" {
			return nil
		}
		dir := strings.TrimPrefix(path.Dir(p), top+"/")
		k := byDir[dir]
		if k == nil {
			k = &pkg{path: dir}
			byDir[dir], all = k, append(all, k)
		}
		if strings.HasSuffix(name, "_test.go") {
			k.test = true
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(h.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		k.files = append(k.files, &file{f, p, h.fset.File(f.Pos()).LineCount(), ast.IsGenerated(f)})
		return nil
	})
	slices.SortFunc(all, func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
	return all, err
}

// breaches collects what a check finds.
type breaches []string

func (b *breaches) add(format string, args ...any) { *b = append(*b, fmt.Sprintf(format, args...)) }

// first returns the first element of a path: a package below another shares its place.
func first(p string) string {
	r, _, _ := strings.Cut(p, "/")
	return r
}

// place returns the floor of the package and its place on it; floor -1 is unknown.
func place(p string) (floor, place int) {
	name := first(p)
	if name != p && slices.Contains(kinds, name) {
		name += "/"
	}
	for i, f := range floors {
		if j := slices.Index(f.packages, name); j >= 0 {
			return i, j
		}
	}
	return -1, 0
}

func floorOf(p string) string {
	if f, _ := place(p); f >= 0 {
		return floors[f].name
	}
	return ""
}

// kindOf returns the kind of a plug-in: "detect" of "detect/network".
func kindOf(p string) string {
	k, _, below := strings.Cut(p, "/")
	if below && slices.Contains(kinds, k) {
		return k
	}
	return ""
}

// kit reports whether the package is there to test others: "decode/decodetest".
func kit(p string) bool { return strings.HasSuffix(path.Base(p), "test") }

// inner reports whether the package is cut off from the world, so that replaying the
// same log gives the same answer.
func inner(p string) bool {
	f := floorOf(p)
	return (f == "words" || f == "craft" || holds(p, timeless)) && !kit(p)
}

// holds reports whether the list names the package, or what it is below of.
func holds(p string, list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		return p == s || strings.HasPrefix(p, strings.TrimSuffix(s, "/")+"/")
	})
}

// imported returns the path that an import names, and the part below internal if it
// is one of ours.
func imported(s *ast.ImportSpec) (std, ours string) {
	std, _ = strconv.Unquote(s.Path.Value)
	if to, ok := strings.CutPrefix(std, module+"/internal/"); ok {
		return std, to
	}
	return std, ""
}

// checkPlaces finds packages that have no place in the order.
func checkPlaces(h *house) (b breaches) {
	for _, p := range h.packages {
		if f, _ := place(p.path); f < 0 {
			b.add("internal/%s is on no floor; give it a place in arch_test.go", p.path)
		}
	}
	return b
}

// checkImports finds imports that go up, across, or to a power.
func checkImports(h *house) (b breaches) {
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, s := range f.Imports {
				std, to := imported(s)
				why := ""
				switch {
				case to != "":
					why = mayImport(p.path, to)
				case inner(p.path) && slices.ContainsFunc(sealed, func(s string) bool {
					return std == s || strings.HasSuffix(s, "/") && strings.HasPrefix(std, s)
				}):
					why = "it leads out or to chance"
				case std == "C":
					why = "the program is built without cgo"
				case std == "unsafe" && mayUnsafe[p.path] == "":
					why = "only packages in mayUnsafe may"
				case s.Name != nil && s.Name.Name == ".":
					why = "a reader cannot tell whose names they are"
				}
				if why != "" {
					b.add("%s imports %s: %s", f.path, cmp.Or(to, std), why)
				}
			}
		}
	}
	for _, p := range h.commands {
		for _, f := range p.files {
			for _, s := range f.Imports {
				if _, to := imported(s); to == "" {
					continue
				} else if reserved[first(to)] != nil && !(first(to) == "store" && path.Dir(f.path) == storeMaker) {
					b.add("%s imports %s: it is reserved for %s", f.path, to, strings.Join(reserved[first(to)], ", "))
				} else if kindOf(to) != "" {
					b.add("%s imports %s: only the roof knows plug-ins", f.path, to)
				}
			}
		}
	}
	return b
}

// mayImport returns why package from may not import package to, or nothing.
func mayImport(from, to string) string {
	ff, fp := place(from)
	tf, tp := place(to)
	if ff < 0 || tf < 0 {
		return "one of them is on no floor; give it a place in arch_test.go"
	}
	roof := floors[ff].name == "roof"
	kind, list := kindOf(from), path.Base(from) == "all"
	lord := reserved[first(to)] // who may import it, if not everyone
	switch {                    // the first rule that applies decides
	case kit(to):
		return "a test kit is for tests"
	case kindOf(to) != "" && path.Base(to) == "all" && !roof:
		return "only the roof knows all plug-ins"
	case kindOf(to) != "" && !roof && !(kind == first(to) && list):
		if strings.HasPrefix(from, to+"/") || strings.HasPrefix(to, from+"/") {
			return "" // a part of the same plug-in
		}
		return "nobody imports a plug-in but its list"
	case kind != "" && first(to) == kind:
		return "" // its own kind
	case first(from) == first(to):
		return "" // parts of one package
	case lord != nil && !holds(from, lord):
		return first(to) + " is reserved for " + strings.Join(lord, ", ")
	case kind != "" && floors[tf].name == "kinds":
		return "a plug-in imports only its own kind"
	case tf > ff:
		return floors[ff].name + " may not import " + floors[tf].name
	case floors[ff].name == "faces" && floors[tf].name != "faces" && floors[tf].name != "words" && !holds(to, faceMay):
		return "faces import only words, " + strings.Join(faceMay, ", ") + "; they say what else they need as an interface"
	case tf == ff && tp > fp:
		return to + " comes after " + from + " on the same floor"
	}
	return ""
}

// importsOf returns what each package imports of ours.
func (h *house) importsOf() map[string][]string {
	imports := map[string][]string{}
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, s := range f.Imports {
				if _, to := imported(s); to != "" {
					imports[p.path] = append(imports[p.path], to)
				}
			}
		}
	}
	return imports
}

// checkWalls finds ways from one side of a wall to the other.
func checkWalls(h *house) (b breaches) {
	imports := h.importsOf()
	for _, from := range slices.Sorted(maps.Keys(walls)) {
		forbidden := walls[from]
		var seen map[string]bool
		var walk func(p string, way []string)
		walk = func(p string, way []string) {
			if seen[p] {
				return
			}
			seen[p] = true
			if way = append(way, p); holds(p, forbidden) {
				b.add("internal/%s must not reach %s: %s", from, first(p), strings.Join(way, " > "))
			}
			for _, q := range imports[p] {
				walk(q, slices.Clone(way))
			}
		}
		for _, p := range h.packages {
			if holds(p.path, []string{from}) {
				seen = map[string]bool{}
				walk(p.path, nil)
			}
		}
	}
	return b
}

// checkDepth finds packages that stand on too long a chain of imports.
func checkDepth(h *house) (b breaches) {
	imports, known := h.importsOf(), map[string]int{}
	var depth func(p string) int
	depth = func(p string) int {
		d, ok := known[p]
		if !ok {
			known[p] = 0 // a cycle does not build; here it must only end
			for _, q := range imports[p] {
				d = max(d, depth(q)+1)
			}
			known[p] = d
		}
		return d
	}
	for _, p := range h.packages {
		if d := depth(p.path); d > maxDepth {
			b.add("internal/%s stands on a chain of %d imports, more than %d", p.path, d, maxDepth)
		}
	}
	return b
}

// checkDependencies counts the modules that go.mod requires directly, and compares
// them with the page that says what each is for.
func checkDependencies(h *house) (b breaches) {
	direct := 0
	for line := range strings.Lines(h.gomod) {
		f := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(f) < 2 || !strings.Contains(f[0], ".") || !strings.HasPrefix(f[1], "v") || strings.Contains(line, "// indirect") {
			continue
		}
		direct++
		if !strings.Contains(h.reasons, "\n| `"+f[0]+"` |") {
			b.add("go.mod requires %s, and no row of docs/dependencies.md says what for", f[0])
		}
	}
	for line := range strings.Lines(h.reasons) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` |"); ok && line[0] == '|' && strings.Contains(name, ".") && !strings.Contains(h.gomod+h.toolsmod, name+" v") {
			b.add("docs/dependencies.md says what %s is for, and nothing requires it", name)
		}
	}
	if direct > maxDependencies {
		b.add("go.mod has %d direct dependencies, more than %d", direct, maxDependencies)
	}
	return b
}

// checkPackages checks names and package comments.
func checkPackages(h *house) (b breaches) {
	for _, p := range h.packages {
		base, docs := path.Base(p.path), 0
		if slices.Contains(banned, base) {
			b.add("internal/%s: %q says nothing about what is inside", p.path, base)
		}
		for _, f := range p.files {
			if f.Name.Name != base {
				b.add("%s is package %s, in a folder called %s", f.path, f.Name.Name, base)
			}
			if f.Doc == nil {
				continue
			}
			docs++
			if !strings.HasPrefix(f.Doc.Text(), "Package "+base+" ") {
				b.add("%s: the package comment must begin %q", f.path, "Package "+base)
			}
		}
		if docs != 1 && len(p.files) > 0 {
			b.add("internal/%s has %d package comments, want 1", p.path, docs)
		}
	}
	return b
}

// checkSizes holds files, packages, functions and interfaces to their budgets.
func checkSizes(h *house) (b breaches) {
	for _, p := range h.packages {
		lines := 0
		for _, f := range p.files {
			if !f.generated {
				lines += f.lines
				b = append(b, h.fileSizes(f)...)
			}
		}
		if most := max(maxPackageLines, largePackages[p.path]); lines > most {
			b.add("internal/%s has %d lines, more than %d", p.path, lines, most)
		}
	}
	return b
}

func (h *house) fileSizes(f *file) (b breaches) {
	if f.lines > maxFileLines {
		b.add("%s has %d lines, more than %d", f.path, f.lines, maxFileLines)
	}
	length := func(n ast.Node) int {
		return h.fset.Position(n.End()).Line - h.fset.Position(n.Pos()).Line + 1
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if l := length(n); l > maxFuncLines {
				b.add("%s: %s has %d lines, more than %d", f.path, n.Name.Name, l, maxFuncLines)
			}
		case *ast.FuncLit:
			if l := length(n); l > maxFuncLines {
				b.add("%s: a function without a name has %d lines, more than %d", h.at(n), l, maxFuncLines)
			}
		case *ast.InterfaceType:
			if m := n.Methods.NumFields(); m > maxInterfaceSize {
				b.add("%s: an interface with %d methods, more than %d", h.at(n), m, maxInterfaceSize)
			}
		}
		return true
	})
	return b
}

func (h *house) at(n ast.Node) string {
	p := h.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// clock are the functions of package time that ask what time it is now, or wait.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}

// checkCode finds init, and in timeless code goroutines, clocks and output.
func checkCode(h *house) (b breaches) {
	for _, p := range h.packages {
		for _, f := range p.files {
			names := importNames(f.File)
			ast.Inspect(f.File, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Name.Name == "init" && n.Recv == nil {
						b.add("%s: init runs behind the reader's back", h.at(n))
					}
				case *ast.GoStmt:
					if inner(p.path) {
						b.add("%s: timeless code starts a goroutine", h.at(n))
					}
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if !ok || !inner(p.path) {
						break
					}
					switch from := names[x.Name]; {
					case from == "time" && slices.Contains(clock, n.Sel.Name):
						b.add("%s: time.%s reads the wall clock; take the time from the event", h.at(n), n.Sel.Name)
					case from == "fmt" && (strings.HasPrefix(n.Sel.Name, "Print") || strings.HasPrefix(n.Sel.Name, "Scan")):
						b.add("%s: timeless code speaks to the terminal", h.at(n))
					}
				}
				return true
			})
		}
	}
	return b
}

// importNames maps the names by which a file calls what it imports to paths.
func importNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, s := range f.Imports {
		p, _ := imported(s)
		name := path.Base(p)
		if s.Name != nil {
			name = s.Name.Name
		}
		names[name] = p
	}
	return names
}

// checkDocs finds exported names without a comment. A constant or variable may
// share the comment of its group.
func checkDocs(h *house) (b breaches) {
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" {
						b.add("%s: %s has no comment", h.at(d), d.Name.Name)
					}
				case *ast.GenDecl:
					for _, s := range d.Specs {
						for _, name := range undocumented(d, s) {
							b.add("%s: %s has no comment", h.at(s), name)
						}
					}
				}
			}
		}
	}
	return b
}

// exportedReceiver reports whether d is a function, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	for t := d.Recv.List[0].Type; ; {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.ParenExpr:
			t = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

func undocumented(d *ast.GenDecl, s ast.Spec) (names []string) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		alone := !d.Lparen.IsValid()
		if s.Name.IsExported() && s.Doc.Text() == "" && !(alone && d.Doc.Text() != "") {
			names = append(names, s.Name.Name)
		}
	case *ast.ValueSpec:
		if s.Doc.Text() != "" || s.Comment.Text() != "" || d.Doc.Text() != "" {
			return nil
		}
		for _, n := range s.Names {
			if n.IsExported() {
				names = append(names, n.Name)
			}
		}
	}
	return names
}
