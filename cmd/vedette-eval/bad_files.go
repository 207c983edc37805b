package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
)

// How each bad input is made.

// goodLog returns some good lines.
func goodLog(n int, seed uint64) []byte {
	g := newGenerator(workload{Lines: int64(max(n, 1000)), Entities: 20, Seed: seed})
	var b []byte
	for range n {
		b = g.next(b)
	}
	return b
}

func put(dir, name string, parts ...[]byte) error {
	return os.WriteFile(filepath.Join(dir, name), bytes.Join(parts, nil), 0o644)
}

func nothing(string) error { return nil }

func secretFile(dir string) error {
	return errors.Join(put(dir, "secret.log", goodLog(goodLines, 2)), os.Chmod(filepath.Join(dir, "secret.log"), 0))
}

func secretFolder(dir string) error {
	secret := filepath.Join(dir, "secret")
	return errors.Join(os.Mkdir(secret, 0o755), put(secret, "conn.log", goodLog(goodLines, 2)), os.Chmod(secret, 0))
}

func halfLine(dir string) error {
	b := goodLog(goodLines+1, 2)
	return put(dir, "half.log", b[:len(b)-150])
}

const (
	twoGB   = 2 << 30
	eightGB = 8 << 30
	chunk   = 1 << 20
)

// repeat writes the same letter again and again.
func repeat(w io.Writer, letter byte, n int64) error {
	piece := bytes.Repeat([]byte{letter}, chunk)
	for ; n > 0; n -= chunk {
		if _, err := w.Write(piece[:min(n, chunk)]); err != nil {
			return err
		}
	}
	return nil
}

func writeTo(dir, name string, fill func(io.Writer) error) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(fill(w), w.Flush(), f.Close())
}

func longLine(dir string) error {
	return writeTo(dir, "long.log", func(w io.Writer) error {
		_, err := w.Write(goodLog(goodLines, 2))
		err = errors.Join(err, repeat(w, 'a', twoGB))
		_, last := w.Write(append([]byte("\n"), goodLog(goodLines, 3)...))
		return errors.Join(err, last)
	})
}

func longFile(dir string) error {
	return writeTo(dir, "long.log", func(w io.Writer) error { return repeat(w, 'a', twoGB) })
}

// bomb writes deflated data that unpack to head and a letter, some GB of it, without
// packing it all: the packed form of one piece is the same for all that follow it.
func bomb(w io.Writer, head []byte, letter byte, size int64) (sum uint32, n int64, err error) {
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return 0, 0, err
	}
	piece := bytes.Repeat([]byte{letter}, chunk)
	var ends [3]int
	for i, part := range [][]byte{append(bytes.Clone(head), piece...), piece, piece} {
		_, err = z.Write(part)
		err = errors.Join(err, z.Flush())
		ends[i] = packed.Len()
	}
	if err = errors.Join(err, z.Close()); err != nil {
		return 0, 0, err
	}
	all := packed.Bytes()
	if _, err := w.Write(all[:ends[1]]); err != nil {
		return 0, 0, err
	}
	sum = crc32.Update(crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, piece), crc32.IEEETable, piece)
	n = int64(len(head)) + 2*chunk
	for ; n < size; n += chunk {
		if _, err := w.Write(all[ends[1]:ends[2]]); err != nil {
			return 0, 0, err
		}
		sum = crc32.Update(sum, crc32.IEEETable, piece)
	}
	_, err = w.Write(all[ends[2]:])
	return sum, n, err
}

// A zip with one member that unpacks to good lines and then a line of 8 GB.
func flatBomb(dir string) error {
	return writeTo(dir, "bomb.zip", func(w io.Writer) error {
		var packed bytes.Buffer
		sum, n, err := bomb(&packed, goodLog(goodLines, 2), 'a', eightGB)
		if err != nil {
			return err
		}
		z := zip.NewWriter(w)
		m, err := z.CreateRaw(&zip.FileHeader{Name: "conn.log", Method: zip.Deflate, CRC32: sum, CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(n)})
		if err != nil {
			return err
		}
		_, err = packed.WriteTo(m)
		return errors.Join(err, z.Close())
	})
}

func blankBomb(dir string) error {
	return writeTo(dir, "blank.log.gz", func(w io.Writer) error {
		if _, err := w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}); err != nil {
			return err
		}
		sum, n, err := bomb(w, goodLog(goodLines, 2), '\n', eightGB)
		if err != nil {
			return err
		}
		return binary.Write(w, binary.LittleEndian, [2]uint32{sum, uint32(n)})
	})
}

// nestedBomb is ten zips in each zip, six deep, with 100 MB in each of the innermost.
func nestedBomb(dir string) error {
	pack := func(name string, body []byte, times int) ([]byte, error) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range times {
			m, err := z.Create(fmt.Sprintf(name, i))
			if err != nil {
				return nil, err
			}
			if _, err := m.Write(body); err != nil {
				return nil, err
			}
		}
		err := z.Close()
		return b.Bytes(), err
	}
	body, err := pack("conn-%d.log", append(goodLog(1, 2), bytes.Repeat([]byte{'\n'}, 100<<20)...), 1)
	for level := 1; level <= 6 && err == nil; level++ {
		body, err = pack("level-%d.zip", body, 10)
	}
	if err != nil {
		return err
	}
	return put(dir, "bomb.zip", body)
}

func linkLoops(dir string) error {
	in := func(name string) string { return filepath.Join(dir, name) }
	return errors.Join(
		os.Symlink("b", in("a")), os.Symlink("a", in("b")), // to each other, and nowhere
		os.Mkdir(in("folder"), 0o755), os.Symlink("..", in("folder/up")), // to the folder above
		os.Symlink("nowhere", in("dangling")),
	)
}

func emptyFolder(dir string) error { return os.Mkdir(filepath.Join(dir, "empty"), 0o755) }

func emptyFile(dir string) error { return put(dir, "empty.log") }

// noise returns bytes by chance.
func noise(n int) []byte {
	g := generator{state: 4}
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, g.random())
	}
	return b[:n]
}

func rubbish(dir string) error { return put(dir, "rubbish.log", noise(1<<20)) }

func rubbishLines(dir string) error {
	var bad []byte
	for i := range 50 {
		line := bytes.Map(func(r rune) rune {
			if r == '\n' || r == '\r' {
				return 'x'
			}
			return r
		}, noise(200 + i)[i:])
		bad = append(append(bad, line...), '\n')
	}
	return put(dir, "mixed.log", goodLog(goodLines, 2), bad, goodLog(goodLines, 3))
}

func gzipped(b []byte) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(b) // to memory: it can't go wrong
	_ = z.Close()
	return packed.Bytes()
}

func cutGzip(dir string) error {
	b := gzipped(goodLog(5000, 2))
	return put(dir, "cut.log.gz", b[:len(b)/2])
}

func wrongGzip(dir string) error {
	b := gzipped(goodLog(goodLines, 2))
	b[len(b)-8] ^= 0xff
	return put(dir, "wrong.log.gz", b)
}

func tarOf(name string, body []byte) ([]byte, error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = t.Write(body)
	}
	return b.Bytes(), errors.Join(err, t.Close())
}

func cutTar(dir string) error {
	b, err := tarOf("conn.log", goodLog(5000, 2))
	if err != nil {
		return err
	}
	return put(dir, "cut.tar", b[:len(b)/2])
}

// climbed is the name of what must never be written.
const climbed = "climbed.log"

func climbingTar(dir string) error {
	b, err := tarOf("../"+climbed, goodLog(goodLines, 2))
	if err != nil {
		return err
	}
	return put(dir, "climb.tar", b)
}

// lockedZip is a zip whose member is marked as encrypted.
func lockedZip(dir string) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	body := noise(1000)
	m, err := z.CreateRaw(&zip.FileHeader{Name: "conn.log", Method: zip.Store, Flags: 1, CRC32: crc32.ChecksumIEEE(body), CompressedSize64: 1000, UncompressedSize64: 1000})
	if err == nil {
		_, err = m.Write(body)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		return err
	}
	return put(dir, "locked.zip", b.Bytes())
}

func deepJSON(dir string) error {
	line := `{"ts":1767571200.5,"uid":"CAAAAAAAAAAAAAAAA","x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}\n"
	return put(dir, "deep.log", goodLog(goodLines, 2), []byte(line))
}

func utf16File(dir string) error {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(goodLog(goodLines, 2)))) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return put(dir, "wide.log", b)
}

func namedPipe(dir string) error { return makePipe(filepath.Join(dir, "pipe.log")) }
