package tail

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// seen is a file at a path.
type seen struct {
	path string
	info os.FileInfo
}

// find returns the files at the paths to follow, in the order of their names. A file that
// has several names is there once. What cannot be read now may be later.
func (s *settings) find() []seen {
	var all []seen
	for _, pattern := range s.Paths {
		paths := []string{pattern}
		if strings.ContainsAny(pattern, `*?[`) {
			paths, _ = filepath.Glob(pattern) // the pattern was checked
		}
		for _, p := range paths {
			p = filepath.Clean(p)
			if info, err := os.Stat(p); err == nil && info.IsDir() {
				all = s.enter(all, p)
			} else if err == nil && info.Mode().IsRegular() {
				all = append(all, seen{p, info})
			}
		}
	}
	slices.SortFunc(all, func(a, b seen) int { return strings.Compare(a.path, b.path) })
	names, ids := map[string]bool{}, map[[2]uint64]bool{}
	return slices.DeleteFunc(all, func(x seen) bool {
		d, i := idOf(x.info)
		if names[x.path] || i != 0 && ids[[2]uint64{d, i}] {
			return true
		}
		names[x.path], ids[[2]uint64{d, i}] = true, true
		return false
	})
}

// enter adds the files in a folder. Hidden ones are somebody's who is not done with them.
func (s *settings) enter(all []seen, folder string) []seen {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p := filepath.Join(folder, e.Name())
		if e.IsDir() {
			if s.Recursive {
				all = s.enter(all, p)
			}
			continue
		}
		info, err := e.Info()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err = os.Stat(p)
		}
		if err == nil && info.Mode().IsRegular() {
			all = append(all, seen{p, info})
		}
	}
	return all
}
