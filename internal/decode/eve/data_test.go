package eve

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// TestSampleIsDecodedWhole counts the records of each type independently.
func TestSampleIsDecodedWhole(t *testing.T) { compareCounts(t, sample(t)) }

// TestStratosphere decodes what Suricata 6 wrote of an infected camera's traffic.
func TestStratosphere(t *testing.T) {
	data := fromArchive(t, "network/slips.tar.gz", "slips/test6-malicious.suricata.json")
	if !Kind.Sniff(data[:64<<10]) {
		t.Error("not recognised")
	}
	compareCounts(t, data)
	r := decodetest.Decode(t, Kind, data)
	flows, out := 0, uint64(0)
	for i := range r.Batch.Flows {
		flows, out = flows+1, out+r.Batch.Flows[i].BytesOut
	}
	wantFlows, wantOut := 0, uint64(0)
	for line := range bytes.Lines(data) {
		var v struct {
			Flow struct {
				Out uint64 `json:"bytes_toserver"`
			} `json:"flow"`
			Type string `json:"event_type"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Type == "flow" {
			wantFlows, wantOut = wantFlows+1, wantOut+v.Flow.Out
		}
	}
	if flows != wantFlows || out != wantOut {
		t.Errorf("%d flows with %d bytes out, want %d with %d", flows, out, wantFlows, wantOut)
	}
}

// compareCounts checks that every record is decoded, and that of each event_type there
// are as many as encoding/json finds.
func compareCounts(t *testing.T, data []byte) {
	t.Helper()
	want := map[string]int{}
	n := 0
	for line := range bytes.Lines(data) {
		var v struct {
			Type string `json:"event_type"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		want["eve/"+v.Type]++
		n++
	}
	r := decodetest.Decode(t, Kind, data)
	if r.Decoded != n || len(r.Rejected) > 0 {
		t.Errorf("%d of %d records decoded, rejected %v", r.Decoded, n, r.Rejected)
	}
	got := map[string]int{}
	for i := range r.Batch.Events {
		v := event.View{Batch: r.Batch, I: i}
		if v.Head().Index == 0 {
			got[v.String(v.Head().Dataset)]++
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	t.Log(got)
}

// fromArchive returns a file of the data that is shared by all who work on this, and
// skips the test where there is none.
func fromArchive(t *testing.T, archive, name string) []byte {
	t.Helper()
	root := cmp.Or(os.Getenv("VEDETTE_DATA"), filepath.Join("..", "..", "..", "..", "shared", "data"))
	f, err := os.Open(filepath.Join(root, archive))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no %s below %s: set VEDETTE_DATA", archive, root)
	} else if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if h.Name == name {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
}
