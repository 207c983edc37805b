package backup

import (
	"bytes"
	"encoding/binary"
	"testing"

	"vedette/internal/store/journal"
)

func entry(at uint64, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, at)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

func TestEntries(t *testing.T) {
	two := append(entry(7, "seven"), entry(8, "eight")...)
	for name, c := range map[string]struct {
		raw  []byte
		n    int
		fine bool
	}{
		"two":      {two, 2, true},
		"none":     {nil, 0, true},
		"cut_head": {two[:len(two)-8], 1, false},
		"cut_data": {two[:len(two)-1], 1, false},
		"empty":    {entry(1, ""), 0, false},
		"too_long": {append(entry(1, "")[:8], 0xff, 0xff, 0xff, 0xff), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			n, fine := 0, true
			for e, err := range entriesOf(bytes.NewReader(c.raw), int64(len(c.raw))) {
				if err != nil {
					fine = false
				} else if n++; len(e.data) != 5 || e.at < 7 {
					t.Errorf("%d: %q", e.at, e.data)
				}
			}
			if n != c.n || fine != c.fine {
				t.Errorf("%d entries, fine: %v", n, fine)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]kind{
		"learned/learned": snapshots, "state/state.db": people, "sources.json": books, "journal/entries": log, "keys/state/key": keys,
		"keys/learned/key": keys, "events/sealed": events, "events/local/main/2026/03/02/1-2-0.parquet": events, "events/x.index": events,
		"state/key": unknown, "control.sock": unknown, "events/x.sh": unknown, "learned/key": unknown, "restoring": unknown, "journal/mark": unknown,
	} {
		if got, _ := kindOf(name); got != want {
			t.Errorf("%s is of kind %d, not %d", name, got, want)
		}
	}
}

func FuzzEntries(f *testing.F) {
	f.Add(append(entry(7, "seven"), entry(8, "eight")...))
	f.Add(entry(1, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		for e, err := range entriesOf(bytes.NewReader(b), int64(len(b))) {
			if err == nil && (len(e.data) == 0 || len(e.data) > journal.MaxEntry) {
				t.Errorf("an entry of %d bytes", len(e.data))
			}
			total += len(e.data)
		}
		if total > len(b) {
			t.Errorf("%d bytes came out of %d", total, len(b))
		}
	})
}
