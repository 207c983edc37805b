package input

import (
	"net/netip"
	"testing"

	"vedette/internal/event"
)

func TestRoundTrip(t *testing.T) {
	var b, reuse event.Batch
	e := event.NewEmit(nil)
	e.Source(&b, "t", "s", "x")
	e.Begin(1, event.Claimed, []byte("line"))
	h, _ := e.Other(5)
	h.Dataset = e.Text([]byte("test"))
	in := Entry{Batch: &b, Marks: []Mark{{"a.log", []byte{1, 2}}, {"b.log", nil}}}
	out, err := Read(7, in.Append(nil), &reuse)
	if err != nil || out.At != 7 || out.Batch == nil || len(out.Batch.Events) != 1 || len(out.Marks) != 2 || out.Marks[0].Source != "a.log" || out.Marks[0].Place[1] != 2 {
		t.Fatalf("got %+v, %v", out, err)
	}
	tick := Entry{Tick: 9}
	if out, err := Read(8, tick.Append(nil), &reuse); err != nil || out.Tick != 9 || out.Batch != nil {
		t.Fatalf("got %+v, %v", out, err)
	}
	set := Entry{Setting: &Setting{Budget: 2.5, Own: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}}
	if out, err := Read(9, set.Append(nil), &reuse); err != nil || out.Setting == nil || !out.Setting.Equal(*set.Setting) || out.Batch != nil {
		t.Fatalf("got %+v, %v", out, err)
	}
	for b, n := set.Append(nil), 1; n < len(b); n++ {
		if _, err := Read(1, b[:n], &reuse); err == nil {
			t.Errorf("a setting cut to %d of %d bytes was read", n, len(b))
		}
	}
	whole := in.Append(nil)
	for n := range whole {
		if _, err := Read(1, whole[:n], &reuse); err == nil && n > 0 && n != len(whole)-len(b.Append(nil)) {
			t.Errorf("an entry cut to %d of %d bytes was read", n, len(whole))
		}
	}
}
