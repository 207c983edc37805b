package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// read returns what Lines makes of r, one string a line: position and text.
func read(l *Lines) (out []string) {
	for {
		line, err := l.Next()
		switch {
		case err == nil:
			out = append(out, fmt.Sprintf("%d %s", l.Position(), line))
		case errors.Is(err, ErrTooLong):
			out = append(out, fmt.Sprintf("%d too long", l.Position()))
		case err == io.EOF:
			return out
		default:
			return append(out, err.Error())
		}
	}
}

func TestLines(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"one", "a\n", []string{"1 a"}},
		{"without_end", "a\nb", []string{"1 a", "2 b"}},
		{"dos", "a\r\nb\r\n", []string{"1 a", "2 b"}},
		{"blank", "\n\r\n\na", []string{"1 ", "2 ", "3 ", "4 a"}},
		{"longest", "12345678\n12345678\r\n12345678", []string{"1 12345678", "2 12345678", "3 12345678"}},
		{"too_long", "123456789\nb\n123456789\r\n", []string{"1 too long", "2 b", "3 too long"}},
		{"far_too_long", strings.Repeat("x", 100) + "\nb\n" + strings.Repeat("y", 100), []string{"1 too long", "2 b", "3 too long"}},
		{"mark", "\xef\xbb\xbfa\nb", []string{"1 a", "2 b"}},
		{"mark_alone", "\xef\xbb\xbf", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"at once": strings.NewReader(test.text), "in bytes": iotest.OneByteReader(strings.NewReader(test.text)),
				"with the end": iotest.DataErrReader(strings.NewReader(test.text)),
			} {
				l := NewLines(8)
				l.Reset(r)
				if _, err := l.Head(20); err != nil {
					t.Fatal(err)
				}
				if got := read(l); strings.Join(got, "|") != strings.Join(test.want, "|") {
					t.Errorf("%s: %q, want %q", name, got, test.want)
				}
			}
		})
	}
}

func TestHeadTakesNothing(t *testing.T) {
	l := NewLines(10)
	l.Reset(iotest.HalfReader(strings.NewReader("one\ntwo\nthree\n")))
	for _, n := range []int{2, 9, 100} {
		head, err := l.Head(n)
		if want := "one\ntwo\nthree\n"[:min(n, 14)]; string(head) != want || err != nil {
			t.Errorf("head of %d is %q, %v", n, head, err)
		}
	}
	if got := read(l); len(got) != 3 {
		t.Errorf("after it: %q", got)
	}
}

func TestOtherEncodings(t *testing.T) {
	for _, text := range []string{"\xff\xfea\x00", "\xfe\xff\x00a", "\xff\xfe\x00\x00a\x00\x00\x00", "\x00\x00\xfe\xff"} {
		l := NewLines(10)
		l.Reset(strings.NewReader(text))
		if _, err := l.Head(100); !errors.Is(err, ErrUTF16) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestBrokenStreamGivesNoHalfLine(t *testing.T) {
	l := NewLines(10)
	l.Reset(io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(errors.New("broken"))))
	if got := read(l); strings.Join(got, "|") != "1 a|broken" {
		t.Errorf("%q", got)
	}
	if _, err := l.Next(); err == nil {
		t.Error("the error does not stay")
	}
	l.Reset(idle{})
	if _, err := l.Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that does nothing: %v", err)
	}
}

type idle struct{}

// Read implements io.Reader.
func (idle) Read([]byte) (int, error) { return 0, nil }

// endless gives n bytes of one line, then a newline and a short line.
type endless struct {
	n    int64
	rest string
}

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	if e.n > 0 {
		n := int(min(int64(len(p)), e.n))
		clear(p[:n])
		e.n -= int64(n)
		return n, nil
	}
	n := copy(p, e.rest)
	if e.rest = e.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestLineOfTwoGigabytes(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := NewLines(1 << 20)
	l.Reset(&endless{2 << 30, "\nnext\n"})
	if got := read(l); strings.Join(got, "|") != "1 too long|2 next" {
		t.Errorf("%q", got)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 10<<20 {
		t.Errorf("allocated %d MiB", n>>20)
	}
}

func BenchmarkLines(b *testing.B) {
	text := bytes.Repeat([]byte(strings.Repeat("x", 150)+"\n"), 100_000)
	l := NewLines(1 << 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		l.Reset(bytes.NewReader(text))
		for n := 0; ; n++ {
			if _, err := l.Next(); err != nil {
				if n != 100_000 {
					b.Fatal(n, err)
				}
				break
			}
		}
	}
}
