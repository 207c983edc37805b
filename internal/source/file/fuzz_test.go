package file

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/source"
)

// FuzzWalk looks for bytes that cost more than the limits, or break out of them.
func FuzzWalk(f *testing.F) {
	a := []byte("a line\n")
	for _, seed := range [][]byte{
		a, gz(a), zst(a), tarOf(member{"x", a}, member{"y", gz(a)}), zipOf(member{"x", a}, member{"d/y", gz(a)}), tarOfHoles(),
		gz(tarOf(member{"b.zip", zipOf(member{"c", zst(a)})})), zipOf(member{"a.zip", zipOf(member{"x", a})}), gz(make([]byte, 1<<20)),
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	l := Limits{Depth: 3, Members: 100, Ratio: 10, Free: 1 << 20, Unpack: 4 << 20, Spool: 1 << 20, Temp: dir}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		items, size := 0, int64(0)
		names := map[string]bool{}
		err := Walk(ctx, []string{p}, l, func(i source.Item) error {
			items++
			if !strings.HasPrefix(i.Name, p) || printable(i.Name) != i.Name {
				t.Errorf("an item named %q", i.Name)
			}
			if i.Reader == nil {
				if (i.Err == nil) == (i.Skip == "") {
					t.Errorf("%s is nothing", i.Name)
				}
				return nil
			}
			if names[i.Name] {
				t.Errorf("two items named %q", i.Name)
			}
			names[i.Name] = true
			n, _ := io.Copy(io.Discard, i.Reader)
			size += n
			return nil
		})
		if err != nil {
			t.Errorf("did not end: %v", err)
		}
		if items > 250 || size > l.Unpack+int64(len(data)) {
			t.Errorf("%d items of %d bytes from %d", items, size, len(data))
		}
	})
}
