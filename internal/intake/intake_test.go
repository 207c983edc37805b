package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// words is a format for tests: "#words" and then lines that say what becomes of them.
func words() decode.Kind {
	return decode.Kind{
		Info:  plug.Info{Name: "words"},
		Sniff: func(head []byte) bool { return bytes.HasPrefix(head, []byte("#words")) },
		New: func() decode.Record {
			return func(data []byte, emit *event.Emit) error {
				what, n, _ := bytes.Cut(data, []byte(" "))
				at, _ := strconv.ParseInt(string(n), 10, 64)
				switch string(what) {
				case "flow":
					emit.Flow(at)
				case "two":
					emit.Flow(at)
					emit.DNS(at - 1)
				case "silent":
				case "half": // wrong after it emitted
					emit.Flow(at)
					return decode.NoTime
				case "panic":
					emit.Flow(at)
					panic("oh")
				case "strange":
					return errors.New("a name: Jane Doe")
				case "wrapped":
					return fmt.Errorf("in a field: %w", decode.NotJSON)
				case "#words", "":
					return decode.NotRecord
				default:
					return decode.WrongShape
				}
				return nil
			}
		},
	}
}

func broken() decode.Kind {
	return decode.Kind{Info: plug.Info{Name: "broken"}, Sniff: func([]byte) bool { panic("oh") }}
}

// pile is a sink that takes a batch away after so many events.
type pile struct {
	size    int
	batches []*event.Batch
	fail    int // the call that fails, if not 0
	calls   int
}

// Batch implements Sink.
func (p *pile) Batch() (*event.Batch, error) {
	if p.calls++; p.calls == p.fail {
		return nil, errors.New("full")
	}
	if n := len(p.batches); n == 0 || len(p.batches[n-1].Events) >= p.size {
		p.batches = append(p.batches, new(event.Batch))
	}
	return p.batches[len(p.batches)-1], nil
}

func (p *pile) events() (n int) {
	for _, b := range p.batches {
		n += len(b.Events)
	}
	return n
}

func intakeOf(kinds ...decode.Kind) Intake {
	return Intake{Tenant: "t", Site: "s", Key: []byte("key"), Decoders: kinds}
}

// group makes a group of items.
func group(items ...source.Item) source.Group {
	return source.Group{Name: "group", Each: func(ctx context.Context, visit func(source.Item) error) error {
		for _, i := range items {
			if err := visit(i); err != nil {
				return err
			}
		}
		return nil
	}}
}

func item(name, content string) source.Item {
	return source.Item{Name: name, Reader: strings.NewReader(content)}
}

func TestAccounts(t *testing.T) {
	long := strings.Repeat("x", decode.MaxRecord+1)
	for _, test := range []struct {
		name string
		item source.Item
		want Source
	}{
		{
			"read", item("a", "#words\nflow 5\n\ntwo 3\r\nsilent\nflow 9"),
			Source{Format: "words", Records: 4, Decoded: 4, Events: 4, First: 2, Last: 9},
		},
		{
			"rejected", item("a", "#words\nflow 5\nhalf 1\nx\npanic 7\nstrange\nx\nwrapped\n"+long+"\nflow 6\n"),
			Source{Format: "words", Records: 9, Decoded: 2, Events: 2, First: 5, Last: 6, Rejected: map[decode.Reason]Rejects{
				decode.NoTime: {1, 3}, decode.WrongShape: {2, 4}, Failure: {2, 5}, decode.NotJSON: {1, 8}, decode.TooLong: {1, 9},
			}},
		},
		{"header_only", item("a", "#words\n"), Source{Format: "words"}},
		{"nothing_understood", item("a", "#words\nx\ny\nhalf\n"), Source{
			Format: "words", Status: Unreadable, Records: 3,
			Error:    "it looks like words, but none of its 3 records could be understood, most because: number of columns differs from the header",
			Rejected: map[decode.Reason]Rejects{decode.WrongShape: {2, 2}, decode.NoTime: {1, 4}},
		}},
		{
			"broken_off",
			source.Item{Name: "a", Reader: io.MultiReader(strings.NewReader("#words\nflow 5\nflow 12"), iotest.ErrReader(errors.New("cut short")))},
			Source{Format: "words", Status: Partly, Error: "cut short", Records: 1, Decoded: 1, Events: 1, First: 5, Last: 5},
		},
		{"broken_at_once", source.Item{Name: "a", Reader: iotest.ErrReader(errors.New("cut short"))}, Source{Status: Unreadable, Error: "cut short"}},
		{
			"broken_in_header",
			source.Item{Name: "a", Reader: io.MultiReader(strings.NewReader("#words\nfl"), iotest.ErrReader(errors.New("cut short")))},
			Source{Format: "words", Status: Unreadable, Error: "cut short"},
		},
		{"unreadable", source.Item{Name: "a", Err: errors.New("no permission")}, Source{Status: Unreadable, Error: "no permission"}},
		{"skipped", source.Item{Name: "a", Skip: "a folder of version control"}, Source{Status: NotTelemetry, Error: "a folder of version control"}},
		{"empty", item("a", ""), Source{Status: NotTelemetry, Error: "empty"}},
		{"only_a_mark", item("a", "\xef\xbb\xbf"), Source{Status: NotTelemetry, Error: "empty"}},
		{"marked", item("a", "\xef\xbb\xbf#words\nflow 1\n"), Source{Format: "words", Records: 1, Decoded: 1, Events: 1, First: 1, Last: 1}},
		{"capture_cut", item("a", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00"), Source{Status: Unreadable, Format: "pcap", Error: "the capture ends within its first header"}},
		{"capture_ng_cut", item("a", "\x0a\x0d\x0d\x0a"), Source{Status: Unreadable, Format: "pcap", Error: "the capture ends within its first header"}},
		{"utf16", item("a", "\xff\xfe#\x00w\x00"), Source{Status: NotRecognised, Error: source.ErrUTF16.Error()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &pile{size: 1}
			got, err := intakeOf(broken(), words()).ReadAll(t.Context(), []source.Group{group(test.item)}, []Sink{p})
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			test.want.Path = "a"
			if d := cmp.Diff(test.want, got[0]); d != "" {
				t.Error(d)
			}
			if s := got[0]; s.Records != s.Decoded+s.RejectedAll() || p.events() != int(s.Events) {
				t.Errorf("%d records, %d decoded, %d rejected; %d events, %d in the sink", s.Records, s.Decoded, s.RejectedAll(), s.Events, p.events())
			}
		})
	}
}

func TestStrangers(t *testing.T) {
	for _, test := range []struct{ name, head, status, contains string }{
		{"README", "hello", "not telemetry", "description"},
		{"d/x.tar!LICENSE.txt", "hello", "not telemetry", ""},
		{"a/labels.csv.gz", "uid,label\n", "not telemetry", ""},
		{"stratus-labels.csv", "uid,label\n", "not telemetry", ""},
		{"x/main.go", "package main\n", "not telemetry", ""},
		{"notice.log", "something\n", "not recognised", "format not recognised"},
		{"a.snoop", "snoop\x00\x00\x00\x00\x00\x00\x02", "not recognised", "snoop"},
		{"a.evtx", "ElfFile\x00", "not recognised", "EVTX"},
		{"a.pdf", "%PDF-1.7", "not recognised", "PDF"},
		{"a.exe", "MZ\x90\x00", "not recognised", "a program"},
		{"a.png", "\x89PNG\r\n", "not recognised", "an image"},
		{"a.xz", "\xfd7zXZ\x00", "not recognised", "packed by xz"},
		{"a.dcm", strings.Repeat("\x00", 128) + "DICM", "not recognised", "DICOM"},
		{"a", "\x00\x01\x02", "not recognised", "binary"},
		{"a", "caf\xe9 au lait, latin but text\n", "not recognised", "format not recognised"},
		{"a", strings.Repeat("\xe9\x81\x01", 30), "not recognised", "binary"},
		{"a", "{\"a\":1}\n", "not recognised", "JSON"},
		{"a", "<134>Oct 11 22:14:15 host x: y\n", "not recognised", "syslog"},
		{"a", "<html>\n", "not recognised", "XML or HTML"},
		{"a", "CEF:0|x|y\n", "not recognised", "CEF"},
		{"a", "X-Odd: 1\nReceived: from x\n by y\nSubject: z\n\nbody", "not recognised", "e-mail"},
		{"a", "time,src,dst\n1,2,3\n", "not recognised", "CSV"},
		{"a", "\n\n", "not recognised", "blank"},
		{"a", "Hello, world. This is prose.\nAnd more.", "not recognised", "format not recognised"},
	} {
		s, why := strange(test.name, []byte(test.head))
		if s.String() != test.status || !strings.Contains(why, test.contains) {
			t.Errorf("%s %.20q: %v, %q", test.name, test.head, s, why)
		}
	}
	if s, _ := intakeOf(words()).ReadAll(t.Context(), []source.Group{group(item("README.md", "#words\nflow 1\n"))}, []Sink{&pile{size: 1}}); s[0].Status != Read {
		t.Errorf("a log of that name is %v", s[0].Status)
	}
}

// story makes groups of many sizes.
func story() (groups []source.Group) {
	for g := range 40 {
		var items []source.Item
		for i := range g%3 + 1 {
			var b strings.Builder
			b.WriteString("#words\n")
			for n := range (g * 37 % 101) * 20 {
				fmt.Fprintf(&b, "flow %d\n", n*g+i)
			}
			items = append(items, item(fmt.Sprintf("g%02d!%d", g, i), b.String()))
		}
		group := group(items...)
		group.Size = int64(g * 37 % 101)
		groups = append(groups, group)
	}
	return groups
}

func TestWorkersMakeNoDifference(t *testing.T) {
	before := runtime.NumGoroutine()
	var want []Source
	var events int
	for _, workers := range []int{1, 2, 7} {
		sinks, piles := make([]Sink, workers), make([]*pile, workers)
		for i := range sinks {
			piles[i] = &pile{size: 500}
			sinks[i] = piles[i]
		}
		got, err := intakeOf(words()).ReadAll(t.Context(), story(), sinks)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range piles {
			n += p.events()
			for _, b := range p.batches {
				for i := range b.Events {
					v := event.View{Batch: b, I: i}
					if name := v.String(v.Origin().Source); !strings.HasPrefix(name, "g") || v.String(v.Origin().Tenant) != "t" {
						t.Fatalf("an event of %q", name)
					}
				}
			}
		}
		if workers == 1 {
			want, events = got, n
		}
		if d := cmp.Diff(want, got); d != "" || n != events {
			t.Errorf("%d workers: %d events, want %d; %s", workers, n, events, d)
		}
	}
	time.Sleep(10 * time.Millisecond)
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines stay behind", n-before)
	}
}

func TestEndsAtOnce(t *testing.T) {
	for _, workers := range []int{1, 3} {
		sinks := make([]Sink, workers)
		for i := range sinks {
			sinks[i] = &pile{size: 500, fail: 5}
		}
		if _, err := intakeOf(words()).ReadAll(t.Context(), story(), sinks); err == nil || err.Error() != "full" {
			t.Errorf("%d workers and a full sink: %v", workers, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for i := range sinks {
			sinks[i] = &pile{size: 500}
		}
		groups := append(story(), source.Group{Size: 1 << 20, Each: func(context.Context, func(source.Item) error) error { cancel(); return ctx.Err() }})
		if _, err := intakeOf(words()).ReadAll(ctx, groups, sinks); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers and an ended context: %v", workers, err)
		}
		cancel()
	}
}

func BenchmarkRead(b *testing.B) {
	content := "#words\n" + strings.Repeat("flow 1700000000000000000 and as much text as a log line may have, about a hundred bytes or so\n", 100_000)
	r := intakeOf(words()).reader(&once{})
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		s, err := r.read(b.Context(), item("a", content))
		if err != nil || s.Events != 100_000 {
			b.Fatal(s, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/record")
}

// once lends one batch, emptied.
type once struct{ b event.Batch }

// Batch implements Sink.
func (o *once) Batch() (*event.Batch, error) {
	if len(o.b.Events) > 10_000 {
		o.b.Reset()
	}
	return &o.b, nil
}
