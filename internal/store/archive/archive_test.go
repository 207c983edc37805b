package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"vedette/internal/fault"
)

var made = time.Date(2026, 3, 2, 1, 2, 3, 0, time.UTC)

const room = 1 << 30

func write(t rapid.TB, files map[string][]byte, order []string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, made)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range order {
		if err := w.Add(name, int64(len(files[name])), bytes.NewReader(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(About{Program: "test", Position: 7}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(b []byte) (Manifest, map[string][]byte, error) {
	got := map[string][]byte{}
	m, err := Read(bytes.NewReader(b), room, func(m Member, r io.Reader) (err error) {
		got[m.Name], err = io.ReadAll(r)
		return err
	})
	return m, got, err
}

// What is written is read again, and any byte that is changed or missing is noticed.
func TestReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, order := map[string][]byte{}, []string{}
		for i, b := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3000), 0, 6).Draw(t, "files") {
			name := fmt.Sprintf("events/%d/a.parquet", i)
			files[name], order = b, append(order, name)
		}
		b := write(t, files, order)
		m, got, err := readAll(b)
		if err != nil || m.Position != 7 || !m.Made.Equal(made) {
			t.Fatalf("%+v: %v", m, err)
		}
		if d := cmp.Diff(files, got); d != "" {
			t.Fatal(d)
		}
		if _, _, err := readAll(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("a part of it is taken for the whole")
		}
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if m, changed, err := readAll(b); err == nil && (!cmp.Equal(files, changed) || m.Position != 7) {
			t.Fatal("a changed bit is not noticed")
		}
	})
}

// forge writes an archive as an enemy would.
func forge(t testing.TB, m Manifest, headers []*tar.Header, bodies []string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, _ := zstd.NewWriter(&b)
	w := tar.NewWriter(z)
	list, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	headers = append(headers, &tar.Header{Typeflag: tar.TypeReg, Name: ManifestName, Size: int64(len(list))})
	for i, body := range append(bodies, string(list)) {
		if err := w.WriteHeader(headers[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForged(t *testing.T) {
	plain := func(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1} }
	for name, c := range map[string]struct {
		header *tar.Header
		says   string
	}{
		"upwards":      {plain("../x"), "no name"},
		"inner_dots":   {plain("events/../../x"), "no name"},
		"absolute":     {plain("/etc/x"), "no name"},
		"backslashes":  {plain(`events\..\x`), "no name"},
		"drive":        {plain("c:x"), "no name"},
		"link":         {&tar.Header{Typeflag: tar.TypeSymlink, Name: "events/x", Linkname: "/etc"}, "no plain file"},
		"device":       {&tar.Header{Typeflag: tar.TypeChar, Name: "events/x"}, "no plain file"},
		"folder":       {&tar.Header{Typeflag: tar.TypeDir, Name: "events/x/"}, "no plain file"},
		"extended":     {&tar.Header{Typeflag: tar.TypeReg, Name: "events/x", Size: 1, PAXRecords: map[string]string{"VENDOR.x": "y"}}, "no plain file"},
		"not_in_list":  {plain("events/x"), "not in its list"},
		"too_long":     {plain(strings.Repeat("x", 256)), "no name"},
		"end_of_lines": {plain("events/x\n"), "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			body := "x"
			if c.header.Typeflag != tar.TypeReg {
				body = ""
			}
			_, _, err := readAll(forge(t, Manifest{About: About{Format: 1}}, []*tar.Header{c.header}, []string{body}))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		_, _, err := readAll(forge(t, Manifest{About: About{Format: 1}}, []*tar.Header{plain("events/x"), plain("events/X")}, []string{"x", "x"}))
		if err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("newer", func(t *testing.T) {
		_, _, err := readAll(forge(t, Manifest{About: About{Format: 2, Program: "9.0"}}, nil, nil))
		if fault.KindOf(err) != fault.Unreadable || !strings.Contains(err.Error(), "newer vedette (9.0") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		_, _, err := readAll(forge(t, Manifest{About{Format: 1}, []Member{{Name: "events/x"}}}, nil, nil))
		if err == nil || !strings.Contains(err.Error(), "events/x is missing") {
			t.Errorf("the error is %v", err)
		}
	})
}

// A few bytes that unpack to more than there is room for are refused before they are unpacked.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z, _ := zstd.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "events/x", Size: room + 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	visited := false
	_, err := Read(&b, room, func(Member, io.Reader) error { visited = true; return nil })
	if fault.KindOf(err) != fault.Invalid || visited {
		t.Errorf("visited: %v, the error is %v", visited, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(write(f, map[string][]byte{"a": []byte("x")}, []string{"a"}))
	f.Add(forge(f, Manifest{About: About{Format: 1}}, []*tar.Header{{Typeflag: tar.TypeReg, Name: "../x", Size: 1}}, []string{"x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Read(bytes.NewReader(b), 1<<20, func(m Member, r io.Reader) error {
			if valid(m.Name) != nil {
				t.Errorf("%q is handed over", m.Name)
			}
			_, err := io.Copy(io.Discard, r)
			return err
		})
	})
}
