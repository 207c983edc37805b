package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestKindOf(t *testing.T) {
	inner := Wrap(NotFound, io.EOF)
	for name, x := range map[string]struct {
		err  error
		want Kind
	}{
		"new":        {New(Invalid, "no such option"), Invalid},
		"wrapped":    {fmt.Errorf("reading: %w", inner), NotFound},
		"outermost":  {Wrap(Denied, inner), Denied},
		"joined":     {errors.Join(io.EOF, New(Conflict, "x")), Conflict},
		"plain":      {io.EOF, Internal},
		"nil":        {nil, Internal},
		"unreadable": {New(Unreadable, "x"), Unreadable},
	} {
		if got := KindOf(x.err); got != x.want {
			t.Errorf("%s: kind %d, want %d", name, got, x.want)
		}
	}
	if !errors.Is(inner, io.EOF) || inner.Error() != "EOF" {
		t.Errorf("%v lost what is inside", inner)
	}
	if Wrap(Denied, nil) != nil {
		t.Error("nothing became an error")
	}
}
