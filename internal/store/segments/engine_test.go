package segments

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"vedette/internal/decode"
	decoders "vedette/internal/decode/all"
	"vedette/internal/event"
	"vedette/internal/input"
)

// row is a row as another program sees it that knows nothing of this package.
type row struct {
	Time        time.Time `parquet:"time,timestamp(nanosecond)"`
	ID          [16]byte  `parquet:"id"`
	Tenant      *string   `parquet:"tenant,optional"`
	Site        *string   `parquet:"site,optional"`
	Source      *string   `parquet:"source,optional"`
	Position    uint64    `parquet:"position"`
	EventIndex  uint32    `parquet:"event_index"`
	Dataset     *string   `parquet:"dataset,optional"`
	Type        string    `parquet:"type"`
	ClassUID    uint32    `parquet:"class_uid"`
	Trust       string    `parquet:"trust"`
	Subject     *string   `parquet:"subject,optional"`
	SubjectKey  uint64    `parquet:"subject_key"`
	SubjectPort *uint32   `parquet:"subject_port,optional"`
	ObjectOwn   bool      `parquet:"object_own"`
	ObjectLocal *bool     `parquet:"object_local,optional"`
	Protocol    *string   `parquet:"protocol,optional"`
	BytesOut    *uint64   `parquet:"bytes_out,optional"`
	Duration    *int64    `parquet:"duration_ns,optional"`
	Outcome     *string   `parquet:"outcome,optional"`
	Query       *string   `parquet:"dns_query,optional"`
	Answers     []string  `parquet:"dns_answers,list"`
	To          []string  `parquet:"mail_to,list"`
	Attributes  []struct {
		Name  string `parquet:"name"`
		Value string `parquet:"value"`
	} `parquet:"attributes,list"`
}

// TestOtherEnginesReadIt reads a file as any program would, by names of columns.
func TestOtherEnginesReadIt(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	written := entries(41, 4, 100)
	add(t, s, written)
	seal(t, s)
	byID := map[event.ID]event.View{}
	for _, e := range written {
		for i := range e.b.Events {
			v := event.View{Batch: e.b, I: i}
			byID[v.ID()] = v
		}
	}
	n := 0
	for _, g := range s.segments {
		got, err := parquet.ReadFile[row](g.path + eventsExt)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			v, ok := byID[event.ID{bigEndian(r.ID[:8]), bigEndian(r.ID[8:])}]
			if !ok {
				t.Fatalf("no event has id %x", r.ID)
			}
			n++
			checkRow(t, &r, v)
		}
	}
	if n != len(byID) {
		t.Errorf("%d rows of %d", n, len(byID))
	}
}

func bigEndian(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

func checkRow(t *testing.T, r *row, v event.View) {
	t.Helper()
	h := v.Head()
	str := func(name string, got *string, want string) {
		t.Helper()
		if want = string(escape([]byte(want))); got == nil && want != "" || got != nil && *got != want {
			t.Errorf("%s is %v, want %q", name, got, want)
		}
	}
	str("tenant", r.Tenant, v.String(v.Origin().Tenant))
	str("site", r.Site, v.String(v.Origin().Site))
	str("subject", r.Subject, v.String(h.Subject.Name))
	port := uint32(0)
	if r.SubjectPort != nil {
		port = *r.SubjectPort
	}
	if !r.Time.Equal(time.Unix(0, h.Time)) || r.Position != v.Record().Position || r.Type != h.Type.String() || r.ClassUID != h.Type.Class() ||
		r.SubjectKey != uint64(h.Subject.Key) || port != uint32(h.Subject.Port) || r.ObjectOwn != (h.Object.Own == 1) || len(r.Attributes) != int(h.Extras) ||
		(r.ObjectLocal == nil) != (h.Object.Local == 0) || r.ObjectLocal != nil && *r.ObjectLocal != (h.Object.Local == 2) {
		t.Errorf("row %+v is another event than %+v", *r, *h)
	}
	switch h.Type {
	case event.FlowType:
		str("protocol", r.Protocol, v.String(v.Flow().Protocol))
		if r.BytesOut == nil || *r.BytesOut != v.Flow().BytesOut || r.Duration != nil && *r.Duration != v.Flow().Duration {
			t.Errorf("bytes_out is %v, duration_ns %v", r.BytesOut, r.Duration)
		}
		if (r.Outcome == nil) != (v.Flow().Outcome == 0) || v.Flow().Outcome == event.Refused && *r.Outcome != "refused" {
			t.Errorf("outcome is %v", r.Outcome)
		}
	case event.DNSType:
		str("dns_query", r.Query, v.String(v.DNS().Query))
		for i, a := range v.List(v.DNS().Answers) {
			str("answer", &r.Answers[i], v.String(a))
		}
	case event.MailType:
		if len(r.To) != int(v.Mail().To.N) {
			t.Errorf("mail_to is %q", r.To)
		}
	default:
		if r.BytesOut != nil && h.Type != event.HTTPType || r.Query != nil || len(r.Answers) > 0 {
			t.Errorf("a row of type %s has fields of others: %+v", h.Type, *r)
		}
	}
}

// TestColumnNames holds the names and types that other programs rely on: add to them, never
// change them.
func TestColumnNames(t *testing.T) {
	s := newLayout()
	b := newMaker(1).batch(1, start)
	var out strings.Builder
	for _, f := range s.schema(b, []uint32{0}).Fields() {
		out.WriteString(f.Name() + " ")
		if f.Leaf() {
			out.WriteString(f.Type().String())
		} else {
			out.WriteString("LIST")
		}
		if f.Optional() {
			out.WriteString("?")
		}
		out.WriteByte('\n')
	}
	const golden = "testdata/columns.golden"
	want, err := os.ReadFile(golden)
	if err != nil && os.Getenv("VEDETTE_UPDATE") == "" {
		t.Fatal(err)
	}
	if os.Getenv("VEDETTE_UPDATE") != "" {
		err = errors.Join(os.MkdirAll("testdata", 0o750), os.WriteFile(golden, []byte(out.String()), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	} else if out.String() != string(want) {
		t.Errorf("the columns are\n%swant\n%s", out.String(), want)
	}
}

// TestRealRecords writes what the decoders make of real records, and reads it again.
// VEDETTE_RECORDS may name a folder with more of them.
func TestRealRecords(t *testing.T) {
	o := Options{}
	dir := t.TempDir()
	if keep := os.Getenv("VEDETTE_KEEP"); keep != "" { // for other engines to try
		dir = keep
	}
	s := open(t, dir, o)
	at := input.Position(0)
	var written []string
	events := 0
	for _, root := range []string{"../../decode", "../../../testdata/demo/2026-03-02", os.Getenv("VEDETTE_RECORDS")} {
		if root == "" {
			continue
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(path, "fuzz") {
				return err
			}
			b := decoded(t, path)
			if b == nil || len(b.Events) == 0 {
				return nil
			}
			at++
			for i := range b.Events {
				written = append(written, alone(event.View{Batch: b, I: i}))
			}
			events += len(b.Events)
			return s.Add(b, at)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	seal(t, s)
	var got []string
	types := map[event.Type]int{}
	if err := s.Scan(context.Background(), Query{}, func(_ Ref, v event.View) error {
		got = append(got, alone(v))
		types[v.Head().Type]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(written)
	slices.Sort(got)
	same(t, "real records", got, written)
	n := s.Stats()
	t.Logf("%d events of types %v in %d segments, %.1f bytes each", n.Rows, types, n.Segments, float64(n.Bytes)/float64(n.Rows))
	if len(types) < 8 {
		t.Errorf("only types %v", types)
	}
}

// decoded returns the events of a file, if any decoder recognises it.
func decoded(t *testing.T, path string) *event.Batch {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
		if raw, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	kinds := decoders.Kinds()
	i := slices.IndexFunc(kinds, func(k decode.Kind) bool { return k.Sniff(raw[:min(len(raw), decode.HeadSize)]) })
	if i < 0 {
		return nil
	}
	b := new(event.Batch)
	e := event.NewEmit([]byte("key"))
	e.Source(b, "clinic", "main", path)
	dec := kinds[i].New()
	n := uint64(0)
	for line := range bytes.Lines(raw) {
		n++
		line = bytes.TrimRight(line, "\r\n")
		e.Begin(n, event.Claimed, line)
		if dec(line, e) != nil {
			e.Abort()
		}
	}
	return b
}
