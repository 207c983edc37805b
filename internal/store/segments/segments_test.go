package segments

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/input"
	"vedette/internal/text"
)

// alone returns the bytes of an event, which are the same wherever it stands.
func alone(v event.View) string {
	var one event.Batch
	var c event.Copier
	c.To(&one)
	c.Copy(v.Batch, v.I)
	return string(one.Append(nil))
}

const (
	start = 1795564800_000000000 // 2026-11-25
	hour  = int64(time.Hour)
)

// maker makes batches.
type maker struct {
	*rand.Rand
	position uint64
}

func newMaker(seed uint64) *maker { return &maker{Rand: rand.New(rand.NewPCG(seed, 7))} }

// batch returns n events of all types, every field of which is filled in, more or less.
func (m *maker) batch(n int, at int64) *event.Batch {
	b := new(event.Batch)
	e := event.NewEmit([]byte("key"))
	site := []string{"main", "Ward 7", ""}[m.IntN(3)]
	e.Source(b, "clinic", site, fmt.Sprintf("sensor-%d", m.IntN(3)))
	for range n {
		m.position++
		e.Begin(m.position, event.Trust(m.IntN(4)), []byte{byte(m.position)})
		for range 1 + m.IntN(2) {
			m.event(b, e, at+m.Int64N(hour))
		}
	}
	return b
}

func (m *maker) event(b *event.Batch, e *event.Emit, at int64) {
	h, list := m.body(e, at)
	h.Subject, h.Object = m.side(e), m.side(e)
	h.Dataset = e.Text([]byte([]string{"zeek/conn", "eve/dns", "x"}[m.IntN(3)]))
	if m.IntN(2) == 0 {
		h.Link = m.Uint64()
	}
	if list != nil {
		*list = e.List()
		for range m.IntN(4) {
			e.Listed(list, m.word())
		}
	}
	for range m.IntN(3) {
		e.Extra(m.word(), append(m.word(), 'x'))
	}
	body := bodyOf(b, h.Type)
	for i := range body.NumField() {
		m.fill(body.Type().Field(i).Name, body.Field(i), e)
	}
}

// body lends an event of some type.
func (m *maker) body(e *event.Emit, at int64) (h *event.Envelope, list *event.Texts) {
	switch event.Type(1 + m.IntN(int(event.Types)-1)) {
	case event.FlowType:
		h, _ = e.Flow(at)
	case event.DNSType:
		var d *event.DNS
		h, d = e.DNS(at)
		list = &d.Answers
	case event.HTTPType:
		h, _ = e.HTTP(at)
	case event.TLSType:
		h, _ = e.TLS(at)
	case event.LogonType:
		h, _ = e.Logon(at)
	case event.FileType:
		h, _ = e.File(at)
	case event.MailType:
		var l *event.Mail
		h, l = e.Mail(at)
		list = &l.To
	case event.LeaseType:
		h, _ = e.Lease(at)
	case event.ControlType:
		h, _ = e.Control(at)
	case event.AlertType:
		h, _ = e.Alert(at)
	case event.SoftwareType:
		h, _ = e.Software(at)
	default:
		h, _ = e.Other(at)
	}
	return h, list
}

// bodyOf returns the last body of a type.
func bodyOf(b *event.Batch, t event.Type) reflect.Value {
	field := map[event.Type]string{
		event.FlowType: "Flows", event.DNSType: "DNS", event.HTTPType: "HTTP", event.TLSType: "TLS", event.LogonType: "Logons",
		event.FileType: "Files", event.MailType: "Mails", event.LeaseType: "Leases", event.ControlType: "Controls",
		event.AlertType: "Alerts", event.SoftwareType: "Softwares", event.OtherType: "Others",
	}[t]
	all := reflect.ValueOf(b).Elem().FieldByName(field)
	return all.Index(all.Len() - 1)
}

// flags are the fields that are yes or no.
var flags = []string{"Open", "Answer", "Proxied", "Established", "Resumed", "ToServer", "TLS", "Request", "Write"}

// fill fills a field, so that a new one that is not kept is found out.
func (m *maker) fill(name string, f reflect.Value, e *event.Emit) {
	switch {
	case name == "Spare" || f.Type() == reflect.TypeFor[event.Texts]():
	case f.Type() == reflect.TypeFor[text.Ref]():
		if m.IntN(4) > 0 {
			f.SetUint(uint64(e.Text(m.word())))
		}
	case f.Type() == reflect.TypeFor[event.Blind]():
		f.Set(reflect.ValueOf(e.Blind(m.word())))
	case slices.Contains(flags, name):
		f.SetUint(m.Uint64N(2))
	case f.CanInt():
		f.SetInt(int64(m.number()))
	case f.CanUint():
		f.SetUint(m.number() & (1<<f.Type().Bits() - 1))
	default:
		panic("a field of another kind: " + name)
	}
}

func (m *maker) number() uint64 { return m.Uint64() >> m.IntN(64) * m.Uint64N(2) }

// word returns a string of any bytes.
func (m *maker) word() []byte {
	switch m.IntN(8) {
	case 0:
		return nil
	case 1:
		return []byte(string([]rune{rune(0xef7e + m.IntN(0x84)), 'é', '\ufffd'}))
	case 2:
		b := binary.LittleEndian.AppendUint64(nil, m.Uint64())
		return b[:m.IntN(9)]
	}
	return fmt.Appendf(nil, "word%d", m.IntN(50))
}

func (m *maker) side(e *event.Emit) entity.Ref {
	if m.IntN(20) == 0 {
		return entity.Ref{}
	}
	r := e.Entity(entity.Kind(m.IntN(9)), entity.IDType(1+m.IntN(9)), fmt.Appendf(nil, "10.0.0.%d", m.IntN(20)))
	r.Group, r.Port, r.Own, r.Local = uint16(m.IntN(3)), uint16(m.IntN(1<<16)), uint8(m.IntN(2)), entity.Tri(m.IntN(3))
	return r
}

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// entry is a batch and where it stands in the log.
type entry struct {
	at input.Position
	b  *event.Batch
}

func entries(seed uint64, n, each int) (all []entry) {
	m := newMaker(seed)
	for i := range n {
		all = append(all, entry{input.Position(3*i + 5), m.batch(each, start+int64(i)*hour/3)})
	}
	return all
}

func add(t testing.TB, s *Store, all []entry) {
	t.Helper()
	for _, e := range all {
		if err := s.Add(e.b, e.at); err != nil {
			t.Fatal(err)
		}
	}
}

func seal(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
}

// hits returns what a query yields.
func hits(t testing.TB, s *Store, q Query) (found []string, refs []Ref) {
	t.Helper()
	err := s.Events(context.Background(), q, func(r Ref, v event.View) error {
		found, refs = append(found, alone(v)), append(refs, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, refs
}

// expect returns what a query ought to yield.
func expect(all []entry, q Query) (want []string) {
	type hit struct {
		place Cursor
		bytes string
	}
	var found []hit
	for _, e := range all {
		for i := range e.b.Events {
			v := event.View{Batch: e.b, I: i}
			h := v.Head()
			subject, object := h.Subject.Key == q.Entity && q.Role != AsObject, h.Object.Key == q.Entity && q.Role != AsSubject
			switch {
			case q.Entity != 0 && !subject && !object,
				!q.From.IsZero() && h.Time < q.From.UnixNano(), !q.To.IsZero() && h.Time >= q.To.UnixNano(),
				len(q.Types) > 0 && !slices.Contains(q.Types, h.Type),
				q.Site != "" && v.String(v.Origin().Site) != q.Site:
				continue
			}
			found = append(found, hit{CursorOf(v), alone(v)})
		}
	}
	slices.SortFunc(found, func(a, b hit) int {
		if q.Newest {
			a, b = b, a
		}
		return a.place.compare(b.place)
	})
	for _, h := range found {
		if !q.After.Set || q.before(q.After, h.place) {
			want = append(want, h.bytes)
		}
	}
	if q.Limit > 0 && len(want) > q.Limit {
		want = want[:q.Limit]
	}
	return want
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: %d events, want %d; the first that differs is number %d:\n%s\nwant\n%s", what, len(got), len(want), i, show(got[i]), show(want[i]))
		}
	}
	t.Fatalf("%s: %d events, want %d", what, len(got), len(want))
}

func show(raw string) string {
	var b event.Batch
	if err := b.Read([]byte(raw)); err != nil {
		return err.Error()
	}
	var out strings.Builder
	for name, value := range (event.View{Batch: &b}).Fields {
		fmt.Fprintf(&out, "  %s=%q\n", name, value)
	}
	return out.String() + fmt.Sprintf("  %+v", *(event.View{Batch: &b}).Head())
}

func TestEventsComeBackAsTheyWere(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	all := entries(1, 20, 200)
	add(t, s, all)
	want := expect(all, Query{})
	got, refs := hits(t, s, Query{})
	same(t, "in memory", got, want)
	if refs[0] != (Ref{}) || s.Safe() != 0 {
		t.Errorf("an event that is not sealed has reference %v; safe is %d", refs[0], s.Safe())
	}
	seal(t, s)
	got, refs = hits(t, s, Query{})
	same(t, "sealed", got, want)
	if s.Safe() != all[len(all)-1].at {
		t.Errorf("safe is %d", s.Safe())
	}
	for i := 0; i < len(refs); i += 97 {
		r, err := ParseRef(refs[i].String())
		var b event.Batch
		v, err2 := s.Event(r, &b)
		if err != nil || err2 != nil || alone(v) != want[i] {
			t.Fatalf("event %v is another one: %v, %v", r, err, err2)
		}
	}
	var scanned []string
	err := s.Scan(context.Background(), Query{}, func(_ Ref, v event.View) error {
		scanned = append(scanned, alone(v))
		return nil
	})
	slices.Sort(scanned)
	slices.Sort(want)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "scanned", scanned, want)
}

func TestRowsAreSortedBySubjectAndTime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	add(t, s, entries(2, 10, 300))
	seal(t, s)
	last := map[string]*event.Envelope{}
	n := 0
	err := s.Scan(context.Background(), Query{}, func(r Ref, v event.View) error {
		h := *v.Head()
		if l := last[r.Segment]; l != nil && (l.Subject.Key > h.Subject.Key || l.Subject.Key == h.Subject.Key && l.Time > h.Time) {
			t.Errorf("%v is out of order", r)
		}
		last[r.Segment] = &h
		n++
		return nil
	})
	if err != nil || n != int(s.Stats().Rows) || n == 0 {
		t.Errorf("%d rows of %d: %v", n, s.Stats().Rows, err)
	}
}

func TestFind(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentRows: 900})
	all := entries(3, 12, 150)
	add(t, s, all)
	if n := s.Stats(); n.Segments < 2 || n.Open == 0 {
		t.Fatalf("%+v", n)
	}
	for _, e := range all {
		v := event.View{Batch: e.b, I: len(e.b.Events) / 2}
		p := Place{"clinic", v.String(v.Origin().Source), v.Record().Position, int(v.Head().Index)}
		n := 0
		err := s.Find(context.Background(), p, func(_ Ref, x event.View) error {
			if n++; alone(x) != alone(v) {
				t.Errorf("%v is another event", p)
			}
			return nil
		})
		if err != nil || n != 1 {
			t.Errorf("%v: found %d: %v", p, n, err)
		}
		p.Position = 1 << 50
		if err := s.Find(context.Background(), p, func(Ref, event.View) error { return errors.New("there is none") }); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Event(Ref{"1-2-3", 0}, new(event.Batch)); err == nil {
		t.Error("an event of no segment was found")
	}
}

func TestYieldEndsAQuery(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	add(t, s, entries(4, 3, 50))
	stop := errors.New("stop")
	for range 2 {
		n := 0
		yield := func(Ref, event.View) error { n++; return stop }
		if err := s.Events(context.Background(), Query{}, yield); !errors.Is(err, stop) || n != 1 {
			t.Errorf("Events went on: %v", err)
		}
		n = 0
		if err := s.Scan(context.Background(), Query{}, yield); !errors.Is(err, stop) || n != 1 {
			t.Errorf("Scan went on: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Events(ctx, Query{}, func(Ref, event.View) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("a query without a caller went on: %v", err)
		}
		seal(t, s)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"", "%", "a", "A", "..", ".", "a/b", "a\\b", "a.b", "ä", "%61", "a b", "C:", "-", "_"} {
		f := folder(name)
		if strings.ContainsAny(f, `/\:`) || f == "." || f == ".." || f == "" {
			t.Errorf("%q has folder %q", name, f)
		}
		if other, ok := seen[strings.ToLower(f)]; ok {
			t.Errorf("%q and %q share a folder", name, other)
		}
		seen[strings.ToLower(f)] = name
	}
	for _, bad := range []string{"", "#", "a", "a#", "#1", "a#-1", "a#4294967296"} {
		if _, err := ParseRef(bad); err == nil {
			t.Errorf("%q is a reference", bad)
		}
	}
}

func TestEscape(t *testing.T) {
	m := newMaker(5)
	for range 20000 {
		w := m.word()
		if m.IntN(2) == 0 {
			w = append(w, m.word()...)
		}
		e := escape(w)
		if !bytes.Equal(unescape(e), w) || !bytes.Equal([]byte(strings.ToValidUTF8(string(e), "?")), e) {
			t.Fatalf("%x became %x, and that %x", w, e, unescape(e))
		}
	}
}

// TestLongStrings: pages end before they become too large, and a column may have more of
// them than others.
func TestLongStrings(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	b := new(event.Batch)
	e := event.NewEmit(nil)
	e.Source(b, "t", "s", "x")
	for i := range 400 {
		e.Begin(uint64(i+1), event.Claimed, nil)
		_, o := e.Other(start + int64(i))
		if i%3 == 0 {
			o.Message = e.Text(bytes.Repeat([]byte{byte('a' + i%26), byte(i)}, 20_000))
		}
		for range i % 4 {
			e.Extra([]byte("name"), bytes.Repeat([]byte{byte(i), 'x'}, 5_000))
		}
		if i%5 == 0 {
			_, d := e.DNS(start + int64(i))
			d.Answers = e.List()
			for n := range 1 + i%256 {
				e.Listed(&d.Answers, fmt.Appendf(nil, "%0500d", i+n))
			}
		}
	}
	all := []entry{{1, b}}
	add(t, s, all)
	seal(t, s)
	got, refs := hits(t, s, Query{})
	same(t, "long strings", got, expect(all, Query{}))
	for i := 0; i < len(refs); i += 7 {
		var one event.Batch
		if v, err := s.Event(refs[i], &one); err != nil || alone(v) != got[i] {
			t.Fatalf("%v: %v", refs[i], err)
		}
	}
}

func TestFull(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentRows: 1000})
	n := 0
	for _, e := range entries(3, 4, 20) {
		add(t, s, []entry{e})
		if n += len(e.b.Events); s.Full() != float64(n)/1000 {
			t.Errorf("with %d events of 1000 it is %g full", n, s.Full())
		}
	}
	if seal(t, s); s.Full() != 0 {
		t.Errorf("after sealing it is %g full", s.Full())
	}
}
