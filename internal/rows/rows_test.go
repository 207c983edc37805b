package rows_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"vedette/internal/rows"
)

type row struct {
	A uint64
	B float64
	C uint32
	D uint16
	E [2]uint8
}

func TestSameAsEncodingBinary(t *testing.T) {
	in := []row{{1, 2.5, 3, 4, [2]uint8{5, 6}}, {1 << 60, -1, 7, 8, [2]uint8{9, 10}}}
	want, err := binary.Append(binary.LittleEndian.AppendUint32(nil, 2), binary.LittleEndian, in)
	if got := rows.Append(nil, in); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %x, encoding/binary writes %x (%v)", got, want, err)
	}
	var out []row
	r := rows.Reader{Src: append(want, 0xff)}
	if rows.Read(&r, &out); r.Err != nil || !slices.Equal(in, out) || len(r.Src) != 1 {
		t.Fatalf("read %v, %d bytes left: %v", out, len(r.Src), r.Err)
	}
}

func TestLyingLength(t *testing.T) {
	for _, src := range [][]byte{nil, {1}, {255, 255, 255, 255}, {1, 0, 0, 0, 1, 2, 3}} {
		var out []row
		if r := (rows.Reader{Src: src}); true {
			if rows.Read(&r, &out); r.Err == nil || len(out) > 0 {
				t.Errorf("%x: read %d rows and no error", src, len(out))
			}
		}
	}
}

func TestCheck(t *testing.T) {
	if err := rows.Check[row](); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"padding": rows.Check[struct {
			A uint8
			B uint64
		}](),
		"pointer": rows.Check[struct{ A *int }](),
		"string":  rows.Check[struct{ A string }](),
		"bool":    rows.Check[struct{ A bool }](),
		"int":     rows.Check[struct{ A int }](),
	} {
		if err == nil {
			t.Errorf("%s: passed as a row", name)
		}
	}
}
