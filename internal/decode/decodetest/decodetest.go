// Package decodetest checks what every decoder promises. Each decoder's test
// calls [Run] and its fuzz test calls [Fuzz].
package decodetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/text"
)

// Result is what became of the lines of a text.
type Result struct {
	Batch    *event.Batch
	Decoded  int
	Rejected map[decode.Reason]int
}

// Decode decodes the lines of data, as one source from its beginning.
func Decode(t testing.TB, k decode.Kind, data []byte) Result {
	t.Helper()
	r := Result{new(event.Batch), 0, map[decode.Reason]int{}}
	emit := event.NewEmit([]byte("a key for tests"))
	emit.Source(r.Batch, "tenant", "site", "test")
	dec := k.New()
	n := uint64(0)
	for line := range bytes.Lines(data) {
		n++
		line = bytes.Clone(bytes.TrimRight(line, "\r\n")) // so that whoever keeps it is found out
		emit.Begin(n, event.Claimed, line)
		err := dec(line, emit)
		for i := range line {
			line[i] = '!'
		}
		if err == nil {
			r.Decoded++
			continue
		}
		emit.Abort()
		reason, ok := errors.AsType[decode.Reason](err)
		if !ok {
			t.Fatalf("line %d: rejected with %v, which is no decode.Reason", n, err)
		}
		if reason != decode.NotRecord {
			r.Rejected[reason]++
		}
	}
	return r
}

// Run checks the decoder on a text that it must understand whole, on every way of
// cutting it short, and that the same text always makes the same batch.
func Run(t *testing.T, k decode.Kind, good []byte) {
	t.Helper()
	if !k.Sniff(good) {
		t.Error("does not recognise its own sample")
	}
	r := Decode(t, k, good)
	if len(r.Rejected) > 0 || r.Decoded == 0 || len(r.Batch.Events) == 0 {
		t.Fatalf("decoded %d records to %d events, rejected %v", r.Decoded, len(r.Batch.Events), r.Rejected)
	}
	checkMade(t, k.Makes, r.Batch)
	if again := Decode(t, k, good); !bytes.Equal(r.Batch.Append(nil), again.Batch.Append(nil)) {
		t.Error("decoding again made something else")
	}
	step := max(1, len(good)/2000)
	for n := 0; n < len(good); n += step {
		Decode(t, k, good[:n])
		k.Sniff(good[:n])
	}
}

// Fuzz lets the fuzzer look for input that the decoder cannot survive.
func Fuzz(f *testing.F, k decode.Kind, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > decode.MaxRecord {
			return
		}
		k.Sniff(data)
		checkMade(t, k.Makes, Decode(t, k, data).Batch)
	})
}

// checkMade checks that every event is of a type that may be made, and that every
// reference in the batch leads somewhere.
func checkMade(t testing.TB, makes []event.Type, b *event.Batch) {
	t.Helper()
	for i := range b.Events {
		v := event.View{Batch: b, I: i}
		h := v.Head()
		if !slices.Contains(makes, h.Type) {
			t.Errorf("made an event of type %v, which Makes does not list", h.Type)
		}
		if h.Time <= 0 {
			t.Errorf("made an event of type %v at time %d", h.Type, h.Time)
		}
		if h.Dataset == 0 {
			t.Errorf("made an event of type %v without a dataset", h.Type)
		}
		for _, r := range []text.Ref{h.Subject.Name, h.Object.Name, h.Dataset} {
			if !b.Text.Valid(r) {
				t.Fatalf("event %d has a reference to nowhere", i)
			}
		}
		if (h.Subject.Key == 0) != (h.Subject.Name == 0) || (h.Object.Key == 0) != (h.Object.Name == 0) {
			t.Errorf("event %d names an entity without a key, or the other way round", i)
		}
		for _, x := range v.Extras() {
			if !b.Text.Valid(x.Name) || !b.Text.Valid(x.Value) {
				t.Fatalf("event %d has an extra that leads nowhere", i)
			}
		}
	}
	var copied event.Batch
	var c event.Copier
	c.To(&copied)
	for i := range b.Events {
		c.Copy(b, i) // panics if a reference of a body leads nowhere
	}
	if err := new(event.Batch).Read(copied.Append(nil)); err != nil {
		t.Error(err)
	}
}
