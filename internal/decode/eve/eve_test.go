package eve

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

const (
	begin = `{"timestamp":"2019-06-24T14:11:37.5+0000","flow_id":7,"src_ip":"10.0.0.1","src_port":40000,"dest_ip":"10.0.0.2","dest_port":`
	tcp80 = begin + `80,"proto":"TCP","event_type":`
	udp   = begin + `53,"proto":"UDP","event_type":`
)

// sample is what Suricata 7.0.10 wrote of captures from suricata-verify.
func sample(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/suricata-7.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// samples is the sample and a line of every type of event that it lacks.
func samples(t testing.TB) []byte {
	b := sample(t)
	for _, c := range cases() {
		b = append(append(b, c.line...), '\n')
	}
	return b
}

func TestKind(t *testing.T) { decodetest.Run(t, Kind, samples(t)) }

func FuzzDecode(f *testing.F) {
	seeds := [][]byte{sample(f), {}, []byte("\n"), []byte(`{"event_type":"dns","timestamp":"2019-06-24T14:11:37Z"}`)}
	for line := range bytes.Lines(samples(f)) {
		seeds = append(seeds, line)
	}
	decodetest.Fuzz(f, Kind, seeds...)
}

func TestTypes(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			got := unkeyed(decoded(t, c.line))
			if want := strings.TrimSpace(c.want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// unkeyed leaves keyed hashes out: which they are is not the decoder's affair.
func unkeyed(s string) string { return regexp.MustCompile(`#[0-9a-f]+\b`).ReplaceAllString(s, "#") }

// decoded describes the events of a line, one a line, with the trust of the record.
func decoded(t testing.TB, line string) string {
	t.Helper()
	r := decodetest.Decode(t, Kind, []byte(line))
	var all []string
	for reason, n := range r.Rejected {
		if n > 0 {
			all = append(all, "rejected: "+string(reason))
		}
	}
	for i := range r.Batch.Events {
		v := event.View{Batch: r.Batch, I: i}
		trust := [...]string{"claimed ", "handshake "}[v.Record().Trust]
		all = append(all, trust+describe(v))
	}
	return strings.Join(all, "\n")
}

func TestRejects(t *testing.T) {
	for line, want := range map[string]decode.Reason{
		`x`:                                    decode.NotJSON,
		`{"event_type":"flow"`:                 decode.NotJSON,
		`[1]`:                                  decode.NotObject,
		`"a"`:                                  decode.NotObject,
		`{}`:                                   errType,
		`{"timestamp":"2019-06-24T14:11:37Z"}`: errType,
		`{"timestamp":"2019-06-24T14:11:37Z","event_type":7}`:                                    errType,
		`{"event_type":"flow"}`:                                                                  decode.NoTime,
		`{"event_type":"flow","timestamp":0}`:                                                    decode.NoTime,
		`{"event_type":"flow","timestamp":"1969-12-31T23:59:59Z"}`:                               decode.NoTime,
		`{"event_type":"flow","timestamp":"2019-02-29T00:00:00Z"}`:                               decode.NoTime,
		`{"event_type":"x","timestamp":"2019-06-24T14:11:37Z","src_ip":"10.0.0.256"}`:            errAddress,
		`{"event_type":"x","timestamp":"2019-06-24T14:11:37Z","dest_ip":"example.com"}`:          errAddress,
		`{"a":"` + strings.Repeat("a", small) + `","b":` + strings.Repeat("[", 100) + `}`:        errDeep,
		`{"a":"` + strings.Repeat("\\\"", small) + `","b":` + strings.Repeat(`{"a":`, 100) + `}`: errDeep,
	} {
		r := decodetest.Decode(t, Kind, []byte(line))
		if r.Rejected[want] != 1 || r.Decoded != 0 || len(r.Batch.Events) != 0 {
			t.Errorf("%.100s: decoded %d, rejected %v, want %q", line, r.Decoded, r.Rejected, want)
		}
	}
	for _, line := range []string{"", "  ", "\t"} {
		if err := Kind.New()([]byte(line), event.NewEmit(nil)); err != decode.NotRecord {
			t.Errorf("%q: %v, want NotRecord", line, err)
		}
	}
}

func TestSniff(t *testing.T) {
	yes := []string{
		tcp80 + `"http"}`,
		`{"timestamp":"2019-06-24T14:11:37Z","event_type":"stats","stats":{"uptime":1}}`,
		"half of a record\"}\n" + tcp80 + `"http"}` + "\n",
		string(sample(t)),
		tcp80 + `"http","http":{"hostname":"` + strings.Repeat("a", decode.HeadSize),
	}
	no := []string{
		"", "\n", "{", `{}`, `[]`, `{"event_type":"x"}`, `{"timestamp":"2019-06-24T14:11:37Z"}`,
		`{"timestamp":"2019-06-24T14:11:37Z","event_type":"login","user":"x"}`, // somebody else's
		`{"timestamp":1561385497,"event_type":"x","src_ip":"10.0.0.1"}`,
		"#fields\tts\tuid\n", strings.Repeat("[", 1<<17), strings.Repeat("a", decode.HeadSize),
	}
	for _, s := range yes {
		if !Kind.Sniff([]byte(s)[:min(len(s), decode.HeadSize)]) {
			t.Errorf("%.100s is not recognised", s)
		}
	}
	for _, s := range no {
		if Kind.Sniff([]byte(s)[:min(len(s), decode.HeadSize)]) {
			t.Errorf("%.100s is taken for EVE", s)
		}
	}
}

// TestAllocations holds the decoder to making no garbage on what there is most of. The
// one of HTTP is the extension of the path.
func TestAllocations(t *testing.T) {
	for line, most := range map[string]float64{flowLine: 0, dnsLine: 0, tlsLine: 0, httpLine: 1, alertLine: 0} {
		var b event.Batch
		emit, dec := event.NewEmit(nil), Kind.New()
		once := func() {
			b.Reset()
			emit.Source(&b, "t", "s", "x")
			for range 100 {
				emit.Begin(1, event.Claimed, []byte(line))
				if err := dec([]byte(line), emit); err != nil {
					t.Fatal(err)
				}
			}
		}
		once()
		copies := 100.0 // of line
		if n := testing.AllocsPerRun(10, once); n > 100*most+2*copies+10 {
			t.Errorf("100 records like %.60s make %v allocations", line, n)
		}
	}
}

// TestTold has the time that is said beside a record count where the record has none.
func TestTold(t *testing.T) {
	const told = int64(1_700_000_000_000_000_000)
	for line, want := range map[string]int64{
		`{"event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"type":"query","rrname":"a.example"}}`:                                          told,
		`{"timestamp":"soon","event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"type":"query","rrname":"a.example"}}`:                       told,
		`{"timestamp":"2020-09-13T12:26:40.5+0000","event_type":"dns","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","dns":{"type":"query","rrname":"a.example"}}`: 1_600_000_000_500_000_000,
	} {
		var b event.Batch
		emit := event.NewEmit([]byte("key"))
		emit.Source(&b, "t", "s", "x")
		emit.Begin(1, event.Claimed, []byte(line))
		emit.Tell(told)
		if err := Kind.New()([]byte(line), emit); err != nil || len(b.Events) != 1 || b.Events[0].Time != want {
			t.Errorf("%s: %v, %+v", line, err, b.Events)
		}
	}
}
