// Package archive writes and reads the one file that a backup is: a tar archive under
// zstd, whose last member says what was before it.
//
// It is written and read as a stream, in memory that does not grow with it. The last
// member, [ManifestName], is JSON with the name, the size and the SHA-256 of every other, so a
// file that was cut off, changed or mixed with another is found out. Formats: POSIX.1-2017
// pax (the tar), RFC 8878 (zstd), FIPS 180-4 (SHA-256).
package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// Format is the version of the format that is written, and the newest that is read.
const Format = 1

// ManifestName is the name of the last member.
const ManifestName = "manifest.json"

const (
	mostMembers  = 500_000
	mostManifest = 128 << 20
	mostName     = 255
	mostWindow   = 8 << 20 // of the compression, which is memory
)

// About is what a backup is of.
type About struct {
	Format   int            `json:"format"`
	Program  string         `json:"program"` // the version that wrote it
	Site     string         `json:"site"`
	Made     time.Time      `json:"made"`
	Learned  input.Position `json:"learned"`  // the entry of the log that the learned state stands for; 0 if there is none
	First    input.Position `json:"first"`    // the first entry of the log that is in it
	Position input.Position `json:"position"` // the last; First-1 if there is none
	Keys     bool           `json:"keys"`     // whether the keys are in it
}

// Member is a file in an archive.
type Member struct {
	Name   string `json:"name"` // below the data folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Manifest is the last member.
type Manifest struct {
	About
	Members []Member `json:"members"`
}

// Writer writes an archive. Close ends it; an archive that was not closed is no archive.
type Writer struct {
	zip     *zstd.Encoder
	tar     *tar.Writer
	members []Member
	made    time.Time
}

// NewWriter returns a writer of an archive that was made at a time.
func NewWriter(to io.Writer, made time.Time) (*Writer, error) {
	z, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(mostWindow))
	if err != nil {
		return nil, fmt.Errorf("beginning an archive: %w", err)
	}
	return &Writer{zip: z, tar: tar.NewWriter(z), made: made.Truncate(time.Second)}, nil
}

// Add adds a file of a known size.
func (w *Writer) Add(name string, size int64, from io.Reader) error {
	if err := valid(name); err != nil {
		return err
	}
	if len(w.members) == mostMembers {
		return fault.New(fault.Invalid, fmt.Sprintf("an archive holds at most %d files", mostMembers))
	}
	if err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.made}); err != nil {
		return fmt.Errorf("archiving %s: %w", name, err)
	}
	h := sha256.New()
	if n, err := io.Copy(io.MultiWriter(w.tar, h), io.LimitReader(from, size)); err != nil {
		return fmt.Errorf("archiving %s: %w", name, err)
	} else if n != size {
		return fault.New(fault.Unreadable, fmt.Sprintf("archiving %s: it has %d bytes and not %d", name, n, size))
	}
	w.members = append(w.members, Member{name, size, hex.EncodeToString(h.Sum(nil))})
	return nil
}

// Close writes the manifest and ends the archive.
func (w *Writer) Close(about About) error {
	about.Format, about.Made = Format, w.made
	b, err := json.MarshalIndent(Manifest{about, w.members}, "", " ")
	if err == nil {
		err = w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: ManifestName, Size: int64(len(b)), Mode: 0o600, ModTime: w.made})
	}
	if err == nil {
		_, err = w.tar.Write(b)
	}
	if err = errors.Join(err, w.tar.Close(), w.zip.Close()); err != nil {
		return fmt.Errorf("ending an archive: %w", err)
	}
	return nil
}

// valid refuses a name that could lead out of a folder on any system.
func valid(name string) error {
	bad := !fs.ValidPath(name) || name == "." || name == ManifestName || len(name) > mostName ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`\:*?"<>|`, r) })
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || strings.HasSuffix(part, ".") || strings.HasPrefix(part, " ") || strings.HasSuffix(part, " ")
	}
	if bad {
		return fault.New(fault.Invalid, fmt.Sprintf("%.300q is no name that a file of an archive may have", name))
	}
	return nil
}
