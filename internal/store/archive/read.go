package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"vedette/internal/fault"
)

// Read reads an archive from its beginning to its end, and hands every file to visit, which
// need not read it all. The files are what the manifest says only when Read returns without
// an error. It refuses one whose files have more bytes together than most.
func Read(from io.Reader, most int64, visit func(m Member, r io.Reader) error) (Manifest, error) {
	m, err := read(from, most, visit)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is cut off: it ends before its list of contents")
	}
	if err != nil && fault.KindOf(err) == fault.Internal {
		err = fault.Wrap(fault.Unreadable, err)
	}
	return m, err
}

func read(from io.Reader, most int64, visit func(m Member, r io.Reader) error) (m Manifest, err error) {
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return m, fmt.Errorf("beginning to read: %w", err)
	}
	defer z.Close()
	t := tar.NewReader(z)
	var seen []Member
	names := map[string]bool{}
	for {
		h, err := t.Next()
		if err != nil {
			return m, err
		}
		if h.Typeflag != tar.TypeReg || odd(h) {
			return m, fault.New(fault.Invalid, fmt.Sprintf("%.300q is no plain file; an archive of Vedette holds nothing else", h.Name))
		}
		if h.Name == ManifestName {
			m, err = manifest(t, h.Size)
			if err == nil {
				err = ends(t, z)
			}
			if err == nil {
				err = m.compare(seen)
			}
			return m, err
		}
		if err := valid(h.Name); err != nil {
			return m, err
		}
		folded := strings.ToLower(h.Name)
		if names[folded] || len(seen) == mostMembers {
			return m, fault.New(fault.Invalid, fmt.Sprintf("%q is in the archive twice, or it holds too much", h.Name))
		}
		if names[folded] = true; h.Size > most {
			return m, fault.New(fault.Invalid, fmt.Sprintf("the files of the archive are larger than the room for them; %s would not fit", h.Name))
		}
		most -= h.Size
		member, err := take(Member{Name: h.Name, Size: h.Size}, t, visit)
		if err != nil {
			return m, fmt.Errorf("%s: %w", h.Name, err)
		}
		seen = append(seen, member)
	}
}

// odd reports whether a header says more than we write, such as that a file is mostly holes.
func odd(h *tar.Header) bool {
	for k := range h.PAXRecords { // any order: one is enough
		if k != "size" && k != "path" {
			return true
		}
	}
	return h.Size < 0
}

// take hands a file to visit, and returns it with its hash.
func take(m Member, from io.Reader, visit func(Member, io.Reader) error) (Member, error) {
	h := sha256.New()
	r := io.TeeReader(from, h)
	if err := visit(m, r); err != nil {
		return m, err
	}
	_, err := io.Copy(io.Discard, r)
	m.SHA256 = hex.EncodeToString(h.Sum(nil))
	return m, err
}

func manifest(r io.Reader, size int64) (m Manifest, err error) {
	if size > mostManifest {
		return m, fault.New(fault.Invalid, "its list of contents is too long")
	}
	b, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("its list of contents: %w", err)
	}
	if m.Format > Format {
		return m, fault.New(fault.Unreadable, fmt.Sprintf("it was written by a newer vedette (%s, format %d; this program reads up to %d); use that", m.Program, m.Format, Format))
	}
	if m.Format < 1 {
		return m, errors.New("its list of contents says no format")
	}
	return m, nil
}

// ends checks that nothing comes behind the manifest. What is compressed has a checksum of
// its own, which is checked at its end.
func ends(t *tar.Reader, z io.Reader) error {
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind its list of contents")
	}
	n, err := io.Copy(io.Discard, io.LimitReader(z, 1<<20)) // tar may pad
	if err == nil && n == 1<<20 {
		err = errors.New("something stands behind its list of contents")
	}
	return err
}

// compare compares what the manifest says with what was seen.
func (m Manifest) compare(seen []Member) error {
	if slices.Equal(m.Members, seen) {
		return nil
	}
	for i, s := range seen {
		switch {
		case i >= len(m.Members) || m.Members[i].Name != s.Name:
			return fmt.Errorf("%s is not in its list of contents", s.Name)
		case m.Members[i] != s:
			return fmt.Errorf("%s is not what its list of contents says: it was changed", s.Name)
		}
	}
	return fmt.Errorf("%s is missing", m.Members[len(seen)].Name)
}
