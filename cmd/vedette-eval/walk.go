package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A walk over files and archives that shares no code with the product, so that it can be
// held against it. Both call what they find by the same names, which are the contract's:
// path, or archive!member.

// leaf is a file, or a member of an archive, unpacked. Reader gives an error where the
// packing is broken.
type leaf struct {
	Name   string
	Reader *bufio.Reader
}

// maxMember bounds a zip inside another archive, which is held in memory.
const maxMember = 1 << 30

// walk visits every leaf at and below root, in the order of names.
func walk(root string, visit func(leaf) error) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		return unpack(filepath.ToSlash(p), f, 0, visit)
	})
}

// unpack visits what is in r: itself, or, if it is packed, what is in that.
func unpack(name string, r io.Reader, depth int, visit func(leaf) error) error {
	b := bufio.NewReaderSize(r, 128<<10)
	head, _ := b.Peek(512) // what is wrong with it, reading on will tell
	switch {
	case depth > 6:
		return fmt.Errorf("%s: too many archives in each other", name)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return visit(leaf{name, bufio.NewReader(broken{err})})
		}
		return unpack(name, z, depth+1, visit)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return visit(leaf{name, bufio.NewReader(broken{err})})
		}
		defer z.Close()
		return unpack(name, z, depth+1, visit)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unzip(name, b, depth, visit)
	case isTar(head):
		return untar(name, b, depth, visit)
	}
	return visit(leaf{name, b})
}

// broken is a reader that never works.
type broken struct{ err error }

// Read implements io.Reader.
func (b broken) Read([]byte) (int, error) { return 0, b.err }

// isTar reports whether a block is a header of tar: its checksum fits.
func isTar(b []byte) bool {
	if len(b) < 512 || b[0] == 0 {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[148:156]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	var sum int64 = 8 * ' '
	for i, c := range b {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return sum == want
}

func untar(name string, r io.Reader, depth int, visit func(leaf) error) error {
	t := tar.NewReader(r)
	names := namer{}
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return visit(leaf{name, bufio.NewReader(broken{err})})
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpack(names.of(name, h.Name), t, depth+1, visit); err != nil {
			return err
		}
	}
}

func unzip(name string, r io.Reader, depth int, visit func(leaf) error) error {
	all, err := io.ReadAll(io.LimitReader(r, maxMember+1))
	if err == nil && len(all) > maxMember {
		err = errors.New("the zip is too large to be held in memory")
	}
	var z *zip.Reader
	if err == nil {
		z, err = zip.NewReader(bytes.NewReader(all), int64(len(all)))
	}
	if err != nil {
		return visit(leaf{name, bufio.NewReader(broken{err})})
	}
	names := namer{}
	for _, f := range z.File {
		if !f.Mode().IsRegular() || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := unzipMember(names.of(name, f.Name), f, depth, visit); err != nil {
			return err
		}
	}
	return nil
}

func unzipMember(name string, f *zip.File, depth int, visit func(leaf) error) error {
	m, err := f.Open()
	if err != nil {
		return visit(leaf{name, bufio.NewReader(broken{err})})
	}
	defer m.Close()
	return unpack(name, m, depth+1, visit)
}

// namer names the members of an archive. The same name again is told by a number.
type namer map[string]int

func (n namer) of(archive, member string) string {
	member = strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(member, `\`, "/")), "/")
	name := archive + "!" + member
	if n[name]++; n[name] > 1 {
		return fmt.Sprintf("%s(%d)", name, n[name])
	}
	return name
}

// set is a data set: what goes by one name in a folder of the data, such as an archive and
// the folder with its labels.
type set struct {
	Name  string // folder/name
	Paths []string
}

// sets returns the data sets below DIR, in the order of their names.
func sets(dir string) ([]set, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []set
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			return nil, err
		}
		at := map[string]int{}
		for _, e := range entries {
			name := folder.Name() + "/" + stem(e.Name())
			i, ok := at[name]
			if !ok {
				i = len(all)
				at[name], all = i, append(all, set{Name: name})
			}
			all[i].Paths = append(all[i].Paths, filepath.Join(dir, folder.Name(), e.Name()))
		}
	}
	return all, nil
}

// stem returns a file's name without what says how it is packed.
func stem(name string) string {
	for {
		ext := path.Ext(name)
		switch ext {
		case ".gz", ".tgz", ".tar", ".zip", ".zst":
			name = strings.TrimSuffix(name, ext)
		default:
			return name
		}
	}
}

// leaves visits every leaf of the set.
func (s set) leaves(visit func(leaf) error) error {
	for _, p := range s.Paths {
		if err := walk(p, visit); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}
