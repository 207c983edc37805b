package file

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"

	"vedette/internal/fault"
	"vedette/internal/source"
)

// member counts one more member, and says whether there may be one.
func (u *unpacker) member() bool {
	u.members++
	if u.members > u.limits.Members && u.stop == nil {
		u.stop = errMembers
	}
	return u.stop == nil
}

func (u *unpacker) tar(name string, r io.Reader, depth int) error {
	if depth > u.limits.Depth {
		return u.broken(name, errDepth)
	}
	t := tar.NewReader(r)
	n := names{archive: name}
	u.told = false
	for {
		h, err := t.Next()
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			switch {
			case err == io.EOF && n.seen == nil:
				return u.visit(source.Item{Name: name, Skip: "an archive with nothing in it"})
			case err == io.EOF || u.told: // the item that ended with the error has told of it
				return u.in.ctx.Err()
			}
			return u.broken(name, err)
		}
		if !u.member() {
			return u.broken(name, u.stop)
		}
		member, skip, again := n.of(h.Name)
		if skip {
			if again {
				continue
			}
			err = u.visit(source.Item{Name: member, Skip: versionFolder})
		} else if u.told = false; h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeCont || h.Typeflag == tar.TypeGNUSparse {
			var r io.Reader = t
			if sparse(h) {
				r = &metered{u, t} // what is around it gives less than this
			}
			err = u.stream(member, r, depth+1, 0)
		} else {
			continue
		}
		if err != nil {
			return err
		}
		if u.stop != nil {
			if u.told {
				return u.in.ctx.Err()
			}
			return u.broken(name, u.stop)
		}
	}
}

// sparse reports whether a member has holes, which a tar does not hold.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range h.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// spool keeps a zip that comes as a stream where it can be read in any order.
func (u *unpacker) spool(name string, b *bufio.Reader, depth int) error {
	if depth > u.limits.Depth {
		return u.broken(name, errDepth)
	}
	const small = 1 << 20
	var mem bytes.Buffer
	n, err := io.CopyN(&mem, b, small+1)
	if err == io.EOF {
		return u.zip(name, bytes.NewReader(mem.Bytes()), n, depth)
	}
	if err != nil {
		return u.broken(name, err)
	}
	f, err := os.CreateTemp(u.limits.Temp, "vedette-zip-*")
	if err != nil {
		return u.broken(name, fault.Wrap(fault.Unavailable, fmt.Errorf("unpacking to a temporary file: %w", err)))
	}
	defer discard(f)
	_ = os.Remove(f.Name()) // where that is possible nothing is left behind, even after a crash
	w := &spooled{f}
	if n, err = io.Copy(w, io.LimitReader(io.MultiReader(&mem, b), u.limits.Spool+1)); err != nil {
		return u.broken(name, err)
	}
	if n > u.limits.Spool {
		return u.broken(name, errSpool)
	}
	return u.zip(name, f, n, depth)
}

// spooled words the errors of writing, to tell them from those of reading.
type spooled struct{ f *os.File }

// Write implements io.Writer.
func (s *spooled) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	if err != nil {
		err = fault.Wrap(fault.Unavailable, fmt.Errorf("unpacking to a temporary file: %w", err))
	}
	return n, err
}

func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name()) // again, for systems that remove no open file
}

func (u *unpacker) zip(name string, r io.ReaderAt, size int64, depth int) error {
	if depth > u.limits.Depth {
		return u.broken(name, errDepth)
	}
	if err := u.zipFits(r, size); err != nil {
		return u.broken(name, err)
	}
	bounded := &boundedAt{r, maxDirectory}
	z, err := zip.NewReader(bounded, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return u.broken(name, err)
	}
	bounded.left = 1<<63 - 1 // from here on the meter counts
	unzstd := zstd.ZipDecompressor(inline(innerWindow)...)
	z.RegisterDecompressor(zstd.ZipMethodWinZip, unzstd)
	z.RegisterDecompressor(zstd.ZipMethodPKWare, unzstd)
	if what := document(z.File); what != "" {
		return u.broken(name, fault.New(fault.Unreadable, what+": not telemetry that this version can read"))
	}
	if len(z.File) == 0 {
		return u.visit(source.Item{Name: name, Skip: "an archive with nothing in it"})
	}
	n := names{archive: name}
	for _, f := range z.File {
		if !u.member() {
			return u.broken(name, u.stop)
		}
		if strings.HasSuffix(f.Name, "/") || !f.Mode().IsRegular() {
			continue
		}
		if err := u.zipMember(&n, f, depth); err != nil {
			return err
		}
		if u.stop != nil {
			if u.told {
				return u.in.ctx.Err()
			}
			return u.broken(name, u.stop)
		}
	}
	return nil
}

func (u *unpacker) zipMember(n *names, f *zip.File, depth int) error {
	member, skip, again := n.of(f.Name)
	if skip {
		if again {
			return nil
		}
		return u.visit(source.Item{Name: member, Skip: versionFolder})
	}
	u.told = false
	if f.Flags&1 != 0 {
		return u.broken(member, errSecret)
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return u.broken(member, fault.New(fault.Unreadable, fmt.Sprintf("packed by zip's method %d, which this version does not know", f.Method)))
	}
	if err != nil {
		return u.broken(member, err)
	}
	defer r.Close() // it was only read
	return u.stream(member, &metered{u, r}, depth+1, 0)
}

// document returns what a zip is if it is more than a zip.
func document(files []*zip.File) string {
	for _, f := range files {
		switch f.Name {
		case "[Content_Types].xml":
			return "an Office document"
		case "mimetype":
			return "an OpenDocument or e-book"
		case "META-INF/MANIFEST.MF":
			return "a Java archive"
		}
	}
	return ""
}

const maxDirectory = 64 << 20 // bytes of a zip's directory, which is held in memory

// boundedAt reads no more than what is left.
type boundedAt struct {
	r    io.ReaderAt
	left int64
}

// ReadAt implements io.ReaderAt.
func (b *boundedAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errMembers
	}
	return b.r.ReadAt(p, off)
}

// zipFits looks at how many members a zip claims, since the reader believes it.
func (u *unpacker) zipFits(r io.ReaderAt, size int64) error {
	const endLen, locatorLen, end64Len = 22, 20, 56
	tail := make([]byte, min(size, endLen+locatorLen+1<<16))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	for i := len(tail) - endLen; i >= 0; i-- {
		if !bytes.HasPrefix(tail[i:], []byte("PK\x05\x06")) {
			continue
		}
		if n := uint64(binary.LittleEndian.Uint16(tail[i+10:])); n > uint64(u.limits.Members) {
			return errMembers
		}
		if i < locatorLen || !bytes.HasPrefix(tail[i-locatorLen:], []byte("PK\x06\x07")) {
			continue
		}
		var end [end64Len]byte
		at := int64(binary.LittleEndian.Uint64(tail[i-locatorLen+8:]))
		if at < 0 || at > size {
			continue // the reader will say so
		}
		if _, err := r.ReadAt(end[:], at); err == nil && binary.LittleEndian.Uint64(end[32:]) > uint64(u.limits.Members) {
			return errMembers
		}
	}
	return nil
}
