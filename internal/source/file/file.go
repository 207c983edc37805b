// Package file reads telemetry from files and folders, and from what is packed in them.
//
// [Find] lists the files below some paths, which is quick. Each of them is a
// [source.Group], whose items are the file itself, or, if it is an archive, its members.
// Whether something is an archive (tar, zip) or compressed (gzip, zstd) is seen from its
// first bytes, never from its name, and archives may stand in archives.
//
// A file is called by its path as the user gave it, slash-separated; a member of an
// archive "archive!member", and so on inwards. Compression does not show: conn.log.gz
// holds one item of that name. What is not printable in a name is written %xx.
//
// Nothing is ever written to a place that an archive names. Memory, temporary files,
// nesting and the amount unpacked are bounded by [Limits], whatever a file claims.
package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"vedette/internal/fault"
	"vedette/internal/source"
)

// Limits bound what reading one file may cost. They are far from what honest logs need.
type Limits struct {
	Depth   int    // archives within archives
	Members int    // of one file, those of archives inside it and folders included
	Ratio   int64  // bytes unpacked for each byte of the file, beyond Free
	Free    int64  // bytes that may be unpacked whatever the ratio
	Unpack  int64  // bytes that may be unpacked in all
	Spool   int64  // bytes of the largest zip inside another archive
	Temp    string // folder for such a zip while it is read; empty is the system's
}

// DefaultLimits returns the limits to use when nobody says otherwise. Logs are packed
// about 1:10, rarely 1:200; bombs of deflate 1:1000, those of zstd much more.
func DefaultLimits() Limits {
	return Limits{Depth: 4, Members: 1_000_000, Ratio: 300, Free: 256 << 20, Unpack: 16 << 40, Spool: 4 << 30}
}

// Tree is the files that were found. Its methods may be called from any goroutine.
type Tree struct {
	files  []found
	size   int64
	done   atomic.Int64
	unpack sync.Pool // of *unpacker, so that a folder of small files does not allocate for each
}

// found is a file, or the reason why there is none.
type found struct {
	name string // as it is reported
	path string // as the system knows it
	size int64
	err  error
	skip string
}

// Find lists the files at and below paths, in the order of their names as bytes.
// Symbolic links are followed; a file or folder that can be reached in several ways is
// found once. What is no regular file, cannot be read or is not there is found too, and
// its item has an Err; so has a path below which there is nothing. Find fails only when
// ctx ends.
func Find(ctx context.Context, paths []string) (*Tree, error) {
	f := finder{ctx: ctx, seen: map[string]bool{}}
	for _, p := range paths {
		p = filepath.Clean(p)
		before := f.met
		real, err := filepath.EvalSymlinks(p)
		var folder bool
		if err != nil {
			f.add(found{path: p, err: unreachable(p, err)})
		} else if folder, err = f.visit(p, real); err != nil {
			return nil, err
		}
		if folder && f.met == before {
			f.add(found{path: p, err: fault.New(fault.NotFound, "there is nothing in this folder")})
		}
	}
	slices.SortStableFunc(f.tree, func(a, b found) int { return cmp.Compare(a.name, b.name) })
	t := &Tree{files: f.tree}
	for _, x := range t.files {
		t.size += x.size
	}
	return t, nil
}

// finder collects files.
type finder struct {
	ctx  context.Context // of the one call of Find that it serves
	tree []found
	seen map[string]bool // by real path
	met  int             // what is no folder, seen before or not
}

func (f *finder) add(x found) {
	f.met++
	x.name = printable(filepath.ToSlash(x.path))
	f.tree = append(f.tree, x)
}

// visit finds what is at path p, whose path without links is real, and says whether it is
// a folder that was not seen before.
func (f *finder) visit(p, real string) (folder bool, err error) {
	if err := f.ctx.Err(); err != nil {
		return false, err
	}
	if f.seen[real] {
		f.met++
		return false, nil
	}
	f.seen[real] = true
	info, err := os.Lstat(real)
	switch {
	case err != nil:
		f.add(found{path: p, err: unreadable(err)})
	case info.IsDir():
		return true, f.enter(p, real)
	case info.Mode().IsRegular():
		f.add(found{path: p, size: info.Size()})
	default:
		f.add(found{path: p, err: irregular(info.Mode())})
	}
	return false, nil
}

func (f *finder) enter(p, real string) error {
	if versions(filepath.Base(p)) {
		f.add(found{path: p, skip: versionFolder})
		return nil
	}
	entries, err := os.ReadDir(real) // sorted by name; what could be read, even if there is an error
	if err != nil {
		f.add(found{path: p, err: unreadable(err)})
	}
	for _, e := range entries {
		p, real := filepath.Join(p, e.Name()), filepath.Join(real, e.Name())
		if e.Type()&fs.ModeSymlink != 0 {
			if real, err = filepath.EvalSymlinks(real); err != nil {
				f.add(found{path: p, err: unreachable(p, err)})
				continue
			}
		}
		if _, err := f.visit(p, real); err != nil {
			return err
		}
	}
	return nil
}

const versionFolder = "a folder of version control"

// versions reports whether a folder of that name holds the innards of version control.
func versions(name string) bool {
	return name == ".git" || name == ".hg" || name == ".svn" || name == ".bzr"
}

// unreadable words an error of the system for people. The path is named by the item.
func unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "there is no such file or folder")
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Unreadable, "no permission to read it")
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return fault.Wrap(fault.Unreadable, fmt.Errorf("the system says: %w", err))
}

// unreachable words why the path p leads to nothing.
func unreachable(p string, err error) error {
	info, lerr := os.Lstat(p)
	switch {
	case lerr != nil || info.Mode()&fs.ModeSymlink == 0 || errors.Is(err, fs.ErrPermission):
		return unreadable(err)
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "a symbolic link to something that is not there")
	}
	return fault.New(fault.Unreadable, "a symbolic link that leads in a circle")
}

func irregular(m fs.FileMode) error {
	what := "neither a file nor a folder"
	switch {
	case m&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case m&fs.ModeSocket != 0:
		what = "a socket"
	case m&fs.ModeDevice != 0:
		what = "a device"
	}
	return fault.New(fault.Unreadable, what+", which is not opened")
}

// Size returns how many bytes there are to read: the sizes of all files as they are on
// disk.
func (t *Tree) Size() int64 { return t.size }

// Done returns how many of them were read or passed over so far. It only grows, and
// reaches Size when every group was read.
func (t *Tree) Done() int64 { return t.done.Load() }

// Groups returns the files, in the order of their names.
func (t *Tree) Groups(l Limits) []source.Group {
	groups := make([]source.Group, len(t.files))
	for i, f := range t.files {
		groups[i] = source.Group{Name: f.name, Size: f.size, Each: func(ctx context.Context, visit func(source.Item) error) error {
			return t.each(ctx, f, l, visit)
		}}
	}
	return groups
}

// Walk visits every item below paths, one after the other.
func Walk(ctx context.Context, paths []string, l Limits, visit func(source.Item) error) error {
	t, err := Find(ctx, paths)
	if err != nil {
		return err
	}
	for _, g := range t.Groups(l) {
		if err := g.Each(ctx, visit); err != nil {
			return err
		}
	}
	return nil
}

// each visits the items of one file.
func (t *Tree) each(ctx context.Context, f found, l Limits, visit func(source.Item) error) error {
	if f.err != nil || f.skip != "" {
		return visit(source.Item{Name: f.name, Err: f.err, Skip: f.skip})
	}
	in, err := open(ctx, f, &t.done)
	if err != nil {
		t.done.Add(f.size)
		return visit(source.Item{Name: f.name, Err: unreadable(err)})
	}
	defer in.close()
	u, _ := t.unpack.Get().(*unpacker)
	if u == nil {
		u = new(unpacker)
	}
	defer t.unpack.Put(u)
	return u.run(in, f.name, l, visit)
}
