package entity

import (
	"testing"
	"unsafe"

	"vedette/internal/rows"
)

func TestRefIsARow(t *testing.T) {
	if err := rows.Check[Ref](); err != nil {
		t.Error(err)
	}
	if n := unsafe.Sizeof(Ref{}); n != 24 {
		t.Errorf("a Ref takes %d bytes, not 24", n)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Unknown; k <= External; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		} else {
			seen[s] = true
		}
	}
	for i := IP; i <= Unit; i++ {
		if s := i.String(); s == "" || seen[s] {
			t.Errorf("identifier type %d is called %q", i, s)
		} else {
			seen[s] = true
		}
	}
	if Kind(200).String() != "unknown" || IDType(200).String() != "" || NoID.String() != "" {
		t.Error("what is not known has a name")
	}
}
