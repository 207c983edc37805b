package file

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"

	"vedette/internal/fault"
	"vedette/internal/source"
)

// member is a file in an archive or folder.
type member struct {
	name string
	data []byte
}

func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func zst(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func tarOf(members ...member) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(m.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		w.WriteHeader(h)
		w.Write(m.data)
	}
	w.Close()
	return b.Bytes()
}

func zipOf(members ...member) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, _ := w.Create(m.name)
		f.Write(m.data)
	}
	w.Close()
	return b.Bytes()
}

// write makes files in a new folder, and returns it.
func write(t testing.TB, members ...member) string {
	t.Helper()
	dir := t.TempDir()
	for _, m := range members {
		p := filepath.Join(dir, m.name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, m.data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// walk returns what is found below dir, one string an item: its name from there, and its
// content, error or reason to skip.
func walk(t testing.TB, l Limits, dir string, paths ...string) (out []string) {
	t.Helper()
	if len(paths) == 0 {
		paths = []string{dir}
	}
	err := Walk(t.Context(), paths, l, func(i source.Item) error {
		out = append(out, strings.TrimPrefix(i.Name, dir+"/")+": "+content(i))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func content(i source.Item) string {
	switch {
	case i.Err != nil:
		return "ERROR " + i.Err.Error()
	case i.Skip != "":
		return "SKIP " + i.Skip
	}
	var head strings.Builder
	n, err := io.CopyN(&head, i.Reader, 40)
	text := head.String()
	if err == nil {
		var rest int64
		if rest, err = io.Copy(io.Discard, i.Reader); rest > 0 {
			text = fmt.Sprint(n+rest, " bytes")
		}
	}
	if err == io.EOF {
		err = nil
	}
	if err != nil {
		text += " ERROR " + err.Error()
	}
	return text
}

func TestWalk(t *testing.T) {
	a := []byte("a line\n")
	for _, test := range []struct {
		name  string
		files []member
		want  []string
	}{
		{"plain", []member{{"b.log", a}, {"a/x.log", a}, {"a.log", nil}}, []string{"a.log: ", "a/x.log: a line\n", "b.log: a line\n"}},
		{"compressed", []member{{"a.gz", gz(a)}, {"b.txt", zst(a)}, {"c", gz(zst(a))}}, []string{"a.gz: a line\n", "b.txt: a line\n", "c: a line\n"}},
		{
			"zstd_in_zstd",
			[]member{{"a.tar.zst", zst(tarOf(member{"x", zst(zst(a))}, member{"y", zst(a)}))}, {"b", zst(a)}},
			[]string{"a.tar.zst!x: a line\n", "a.tar.zst!y: a line\n", "b: a line\n"},
		},
		{"many_frames", []member{{"a.gz", append(gz(a), gz(a)...)}, {"b.zst", append(zst(a), zst(a)...)}}, []string{"a.gz: a line\na line\n", "b.zst: a line\na line\n"}},
		{"not_by_name", []member{{"a.gz", a}, {"b.log", tarOf(member{"x", a})}}, []string{"a.gz: a line\n", "b.log!x: a line\n"}},
		{"tar", []member{{"a.tar", tarOf(member{"d/", nil}, member{"d/x", a}, member{"y", gz(a)})}}, []string{"a.tar!d/x: a line\n", "a.tar!y: a line\n"}},
		{
			"nested",
			[]member{{"a.tar.gz", gz(tarOf(member{"b.zip", zipOf(member{"c.tar.zst", zst(tarOf(member{"d.gz", gz(a)}))})}))}},
			[]string{"a.tar.gz!b.zip!c.tar.zst!d.gz: a line\n"},
		},
		{
			"zip_in_zip",
			[]member{{"a.zip", zipOf(member{"d/", nil}, member{"b.zip", zipOf(member{"x", a}, member{"y", nil})})}},
			[]string{"a.zip!b.zip!x: a line\n", "a.zip!b.zip!y: "},
		},
		{
			"twins",
			[]member{{"a.tar", tarOf(member{"x", a}, member{"./x", a}, member{"x(2)", a}, member{"x", a})}},
			[]string{"a.tar!x: a line\n", "a.tar!x(2): a line\n", "a.tar!x(2)(2): a line\n", "a.tar!x(3): a line\n"},
		},
		{
			"hostile_names",
			[]member{{"a.zip", zipOf(member{"../../etc/passwd", a}, member{"/abs", a}, member{`w\y`, a}, member{"n\n\x1b[2J\u202e\xff", a})}},
			[]string{"a.zip!etc/passwd: a line\n", "a.zip!abs: a line\n", "a.zip!w/y: a line\n", "a.zip!n%0a%1b[2J%e2%80%ae%ff: a line\n"},
		},
		{
			"version_control",
			[]member{{".git/x", a}, {"a.tar", tarOf(member{"r/.git/x", a}, member{"r/.git/y", a}, member{"r/z", a})}, {"svn", a}},
			[]string{".git: SKIP a folder of version control", "a.tar!r/.git: SKIP a folder of version control", "a.tar!r/z: a line\n", "svn: a line\n"},
		},
		{"empty_archives", []member{{"a.zip", zipOf()}, {"b.tar", tarOf(member{"d/", nil})}}, []string{"a.zip: SKIP an archive with nothing in it"}},
		{"documents", []member{{"a.docx", zipOf(member{"[Content_Types].xml", a})}}, []string{"a.docx: ERROR an Office document: not telemetry that this version can read"}},
		{
			"too_deep",
			[]member{{"a", tarOf(member{"b", tarOf(member{"c", tarOf(member{"d", tarOf(member{"e", tarOf(member{"f", a})})})})})}},
			[]string{"a!b!c!d!e: ERROR " + errDepth.Error()},
		},
		{"compressed_again", []member{{"a", gz(gz(gz(gz(a))))}}, []string{"a: ERROR " + errLayers.Error()}},
		{"empty_folder", nil, []string{"DIR: ERROR there is nothing in this folder"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, test.files...)
			got := walk(t, DefaultLimits(), dir)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], dir, "DIR")
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestZipOfZstd(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zstd.ZipMethodWinZip, zstd.ZipCompressor())
	f, err := w.CreateHeader(&zip.FileHeader{Name: "x", Method: zstd.ZipMethodWinZip})
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("a line\n"))
	w.Close()
	if got := walk(t, DefaultLimits(), write(t, member{"a", b.Bytes()})); len(got) != 1 || got[0] != "a!x: a line\n" {
		t.Errorf("%q", got)
	}
}

func TestDamage(t *testing.T) {
	var log strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&log, "line %d %x\n", i, i*i*7919)
	}
	packed, text := gz([]byte(log.String())), []byte(log.String())
	tgz := gz(tarOf(member{"a", []byte("a")}, member{"b", text}, member{"c", []byte("c")}))
	wrong := bytes.Clone(packed)
	wrong[len(wrong)-6] ^= 1
	z := zipOf(member{"a", text}, member{"b", []byte("b")})
	lies := bytes.Clone(z)
	at := bytes.LastIndex(lies, []byte("PK\x01\x02"))
	first := bytes.Index(lies, []byte("PK\x01\x02"))
	copy(lies[first+24:], []byte{9, 0, 0, 0}) // uncompressed size of a
	crc := bytes.Clone(z)
	crc[at+16] ^= 1 // of b
	secret := bytes.Clone(z)
	secret[at+8] |= 1
	method := bytes.Clone(z)
	method[at+10] = 99
	for _, test := range []struct {
		name string
		data []byte
		want []string // what each item contains
	}{
		{"truncated_gzip", packed[:len(packed)/2], []string{"x:&bytes ERROR cut short"}},
		{"gzip_head_only", packed[:5], []string{"x: ERROR cut short"}},
		{"gzip_checksum", wrong, []string{"x:&bytes ERROR damaged: gzip: invalid checksum"}},
		{"gzip_garbage", append(bytes.Clone(packed), "garbage garbage"...), []string{"x:&bytes ERROR damaged"}},
		{"truncated_zstd", zst(text)[:len(zst(text))/2], []string{"x:&ERROR cut short"}},
		{"truncated_tar_gz", tgz[:len(tgz)/2], []string{"x!a: a", "x!b:&bytes ERROR cut short"}},
		{"truncated_tar", tarOf(member{"a", []byte("a")}, member{"b", text})[:3000], []string{"x!a: a", "x!b:&ERROR cut short"}},
		{"tar_header", append(tarOf(member{"a", []byte("a")})[:1024], bytes.Repeat([]byte("x"), 1024)...), []string{"x!a: a", "x: ERROR damaged"}},
		{"zip_cut", z[:len(z)-10], []string{"x: ERROR damaged"}},
		{"zip_lying_size", lies, []string{"x!a:&ERROR damaged", "x!b: b"}},
		{"zip_checksum", crc, []string{"x!a:&bytes", "x!b: b ERROR damaged: zip: checksum error"}},
		{"zip_encrypted", secret, []string{"x!a:&bytes", "x!b: ERROR encrypted"}},
		{"zip_method", method, []string{"x!a:&bytes", "x!b: ERROR packed by zip's method 99"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := walk(t, DefaultLimits(), write(t, member{"x", test.data}))
			if len(got) != len(test.want) {
				t.Fatalf("%q", got)
			}
			for i := range got {
				begin, contains, _ := strings.Cut(test.want[i], "&")
				if !strings.HasPrefix(got[i], begin) || !strings.Contains(got[i], contains) {
					t.Errorf("%q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	zeros := func(n int) []byte { return make([]byte, n) }
	few := Limits{Depth: 4, Members: 50, Ratio: 100, Free: 1 << 20, Unpack: 4 << 20, Spool: 2 << 20, Temp: t.TempDir()}
	layer := zipOf(member{"0", zeros(8 << 20)})
	for range 3 {
		layer = zipOf(member{"a.zip", layer}, member{"b.zip", layer}, member{"c.zip", layer}, member{"d.zip", layer})
	}
	var empties, noise []member
	for i := range 100 {
		empties = append(empties, member{fmt.Sprint(i), nil})
	}
	random := make([]byte, 3<<20)
	for i := range random {
		random[i] = byte(i * i >> 7 * 31 >> 3)
	}
	noise = append(noise, member{"a.zip", storedZip(t, random)})
	for _, test := range []struct {
		name string
		data []byte
		last string
	}{
		{"gzip_bomb", gz(zeros(16 << 20)), errBomb.Error()},
		{"gzip_in_gzip_bomb", gz(gz(zeros(64 << 20))), errBomb.Error()},
		{"zstd_bomb", zst(zeros(64 << 20)), errBomb.Error()},
		{"zip_bomb", zipOf(member{"0", zeros(16 << 20)}), errBomb.Error()},
		{"nested_zips", layer, errBomb.Error()},
		{"tar_gz_bomb", gz(tarOf(member{"a", zeros(16 << 20)}, member{"b", nil})), errBomb.Error()},
		{"members_of_tar", tarOf(empties...), errMembers.Error()},
		{"members_of_zip", zipOf(empties...), errMembers.Error()},
		{"members_of_both", tarOf(member{"a", zipOf(empties[:30]...)}, member{"b", zipOf(empties[:30]...)}), errMembers.Error()},
		{"spool", tarOf(noise...), errSpool.Error()},
		{"sparse", tarOfHoles(), errBomb.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := walk(t, few, write(t, member{"x", test.data}))
			if len(got) == 0 || !strings.HasSuffix(got[len(got)-1], test.last) {
				t.Errorf("%q", got)
			}
			if len(got) > 60 {
				t.Errorf("%d items", len(got))
			}
		})
	}
	if left, _ := os.ReadDir(few.Temp); len(left) > 0 {
		t.Errorf("%d temporary files stay behind", len(left))
	}
}

// TestBombOfBlankLines holds a bomb to a fraction of what it unpacks to, with the limits
// that everybody has.
func TestBombOfBlankLines(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	blank := bytes.Repeat([]byte("\n"), 1<<20)
	for range 1000 {
		w.Write(blank)
	}
	w.Close()
	got := walk(t, DefaultLimits(), write(t, member{"x", b.Bytes()}))
	var size int
	if _, err := fmt.Sscanf(got[0], "x: %d bytes ERROR", &size); err != nil || size > 400<<20 || !strings.HasSuffix(got[0], errBomb.Error()) {
		t.Errorf("%q", got)
	}
}

func storedZip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "x", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	f.Write(data)
	w.Close()
	return b.Bytes()
}

// tarOfHoles returns a tar of a few KiB that claims a member of 1 TiB of holes. The library
// writes no such thing, so the records that say so are put in by hand.
func tarOfHoles() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	body := "1\n1099511627775\n1\n"
	body += strings.Repeat("\x00", 512-len(body)) + "x"
	w.WriteHeader(&tar.Header{Name: "x", Mode: 0o644, Size: int64(len(body)), Format: tar.FormatPAX, PAXRecords: map[string]string{"VENDOR.keep": "1"}})
	w.Write([]byte(body))
	w.Close()
	records := ""
	for _, r := range []string{"major=1", "minor=0", "name=x", "realsize=1099511627776"} {
		r = " GNU.sparse." + r + "\n"
		records += fmt.Sprint(len(r)+2) + r
	}
	raw := b.Bytes()
	clear(raw[512:1024])
	copy(raw[512:], records)
	copy(raw[124:136], fmt.Sprintf("%011o\x00", len(records)))
	copy(raw[148:156], "        ")
	sum := 0
	for _, c := range raw[:512] {
		sum += int(c)
	}
	copy(raw[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

func TestWhatIsNoFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no links and pipes")
	}
	dir := write(t, member{"a/x.log", []byte("x")}, member{"b/y.log", []byte("y")})
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..", "a/loop")
	link("self", "self")
	link("gone", "dangling")
	link("b/y.log", "c.log")
	link("a", "z")
	pipe(t, filepath.Join(dir, "pipe"))
	want := []string{
		"a/x.log: x", "b/y.log: y", "dangling: ERROR a symbolic link to something that is not there", "pipe: ERROR a named pipe, which is not opened",
		"self: ERROR a symbolic link that leads in a circle",
	}
	if d := cmp.Diff(want, walk(t, DefaultLimits(), dir)); d != "" {
		t.Error(d)
	}
	if got := walk(t, DefaultLimits(), dir, dir+"/c.log", dir+"/b", dir+"/b/y.log", dir+"/b/../b", dir+"/missing", "/dev/null"); len(got) != 3 ||
		got[0] != "/dev/null: ERROR a device, which is not opened" || got[1] != "c.log: y" || got[2] != "missing: ERROR there is no such file or folder" {
		t.Errorf("%q", got)
	}
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	os.Chmod(dir+"/a", 0)
	defer os.Chmod(dir+"/a", 0o755)
	os.Chmod(dir+"/b/y.log", 0)
	if got := walk(t, DefaultLimits(), dir, dir+"/a", dir+"/b"); len(got) != 2 || !strings.Contains(got[0], "permission") || !strings.Contains(got[1], "permission") {
		t.Errorf("%q", got)
	}
}

func TestNamesAreAsGiven(t *testing.T) {
	dir := write(t, member{"d/x.log", nil}, member{"y.log", nil})
	t.Chdir(dir)
	for given, want := range map[string]string{".": "d/x.log y.log", "d/": "d/x.log", "./d/../y.log": "y.log", dir: dir + "/d/x.log " + dir + "/y.log"} {
		var names []string
		if err := Walk(t.Context(), []string{given}, DefaultLimits(), func(i source.Item) error {
			names = append(names, i.Name)
			return nil
		}); err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s: %q, %v", given, names, err)
		}
	}
}

func TestProgress(t *testing.T) {
	text := bytes.Repeat([]byte("line\n"), 100_000)
	dir := write(t, member{"a", text}, member{"b.gz", gz(text)}, member{"c.zip", zipOf(member{"x", text}, member{"y", text})},
		member{"d.tar", tarOf(member{"x", text}, member{"y", text})}, member{"e", nil}, member{"f.zip", []byte("PK\x03\x04 no zip")})
	tree, err := Find(t.Context(), []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, g := range tree.Groups(DefaultLimits()) {
		err := g.Each(t.Context(), func(i source.Item) error {
			if i.Reader == nil {
				return nil
			}
			_, err := io.ReadFull(i.Reader, make([]byte, 1000)) // the rest of it is passed over
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if now := tree.Done(); now < last || now > tree.Size() {
				t.Errorf("%s: %d of %d after %d", i.Name, now, tree.Size(), last)
			}
			last = tree.Done()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if tree.Done() != tree.Size() || tree.Size() == 0 {
		t.Errorf("done %d of %d", tree.Done(), tree.Size())
	}
}

func TestStops(t *testing.T) {
	dir := write(t, member{"a.tar.gz", gz(tarOf(member{"a", []byte("a")}, member{"b", []byte("b")}))}, member{"c", []byte("c")})
	stop := errors.New("stop")
	n := 0
	if err := Walk(t.Context(), []string{dir}, DefaultLimits(), func(source.Item) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("%d items, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	if err := Walk(ctx, []string{dir}, DefaultLimits(), func(i source.Item) error { n++; cancel(); return nil }); !errors.Is(err, context.Canceled) || n > 1 {
		t.Errorf("%d items, %v", n, err)
	}
	if err := Walk(ctx, []string{dir}, DefaultLimits(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if k := fault.KindOf(errBomb); k != fault.Unreadable {
		t.Errorf("a bomb is of kind %d", k)
	}
}
