package event

import (
	"bytes"
	"testing"

	"vedette/internal/entity"
	"vedette/internal/rows"
	"vedette/internal/text"
)

func TestRows(t *testing.T) {
	for name, err := range map[string]error{
		"Origin": rows.Check[Origin](), "Record": rows.Check[Record](), "Envelope": rows.Check[Envelope](),
		"Extra": rows.Check[Extra](), "Flow": rows.Check[Flow](), "DNS": rows.Check[DNS](), "HTTP": rows.Check[HTTP](),
		"TLS": rows.Check[TLS](), "Logon": rows.Check[Logon](), "File": rows.Check[File](), "Mail": rows.Check[Mail](),
		"Lease": rows.Check[Lease](), "Control": rows.Check[Control](), "Alert": rows.Check[Alert](),
		"Software": rows.Check[Software](), "Other": rows.Check[Other](),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fill makes n records of one flow each, every tenth followed by a DNS query.
func fill(b *Batch, n int) {
	e := NewEmit([]byte("key"))
	e.Source(b, "t", "s", "conn.log")
	for i := range n {
		e.Begin(uint64(i+1), Handshake, []byte{byte(i)})
		h, f := e.Flow(int64(i + 1))
		h.Subject = e.Entity(entity.Device, entity.IP, []byte{'1', byte('0' + i%10)})
		h.Object = e.Entity(entity.Device, entity.IP, []byte("192.0.2.1"))
		h.Dataset = e.Text([]byte("test"))
		f.Protocol = e.Text([]byte("tcp"))
		if i%10 == 0 {
			e.Extra([]byte("a"), []byte("b"))
			h, d := e.DNS(int64(i + 1))
			h.Dataset = e.Text([]byte("test"))
			list := e.List()
			e.Listed(&list, []byte("192.0.2.9"))
			d.Query, d.Answers = e.Text([]byte("example.org")), list
		}
	}
}

func TestBytesAndIDs(t *testing.T) {
	var b, again Batch
	fill(&b, 100)
	if err := again.Read(b.Append(nil)); err != nil || !bytes.Equal(b.Append(nil), again.Append(nil)) {
		t.Fatalf("a batch that was read differs from the one written: %v", err)
	}
	seen := map[ID]bool{}
	for i := range b.Events {
		id := View{&b, i}.ID()
		if seen[id] || id != (View{&again, i}).ID() {
			t.Fatalf("the id of event %d is not its own, or not for ever", i)
		}
		seen[id] = true
	}
	if err := again.Read(append(b.Append(nil), 0)); err == nil {
		t.Error("a byte after the end of a batch was not noticed")
	}
}

func TestCopyKeepsEverything(t *testing.T) {
	var b, c Batch
	fill(&b, 100)
	var cp Copier
	cp.To(&c)
	for i := range b.Events {
		cp.Copy(&b, i)
	}
	if len(c.Origins) != 1 || len(c.Records) != len(b.Records) || len(c.Texts) != len(b.Texts) {
		t.Fatalf("%d origins, %d of %d records", len(c.Origins), len(c.Records), len(b.Records))
	}
	var d Batch
	cp.To(&d)
	for i := range c.Events {
		cp.Copy(&c, i)
	}
	if !bytes.Equal(c.Append(nil), d.Append(nil)) {
		t.Error("a copy of a copy has other bytes")
	}
	for i := range b.Events {
		v, w := View{&b, i}, View{&d, i}
		if v.ID() != w.ID() || v.String(v.Head().Subject.Name) != w.String(w.Head().Subject.Name) || len(v.Extras()) != len(w.Extras()) {
			t.Fatalf("event %d is another after copying", i)
		}
	}
}

func TestSizeIsThatOfTheBytes(t *testing.T) {
	var b Batch
	b.Origins, b.Records, b.Events = make([]Origin, 1), make([]Record, 2), make([]Envelope, 3)
	b.Extras, b.Texts = make([]Extra, 4), make([]text.Ref, 5)
	b.Flows, b.DNS, b.HTTP, b.TLS = make([]Flow, 6), make([]DNS, 7), make([]HTTP, 8), make([]TLS, 9)
	b.Logons, b.Files, b.Mails, b.Leases = make([]Logon, 10), make([]File, 11), make([]Mail, 12), make([]Lease, 13)
	b.Controls, b.Alerts, b.Softwares, b.Others = make([]Control, 14), make([]Alert, 15), make([]Software, 16), make([]Other, 17)
	const lengths = 4 * 18 // one before each slice
	if got, want := b.Size(), len(b.Append(nil))-lengths; got != want || b.Memory() != want {
		t.Errorf("size %d, memory %d, want %d", got, b.Memory(), want)
	}
}

func TestJoinedCopiersMakeTheSame(t *testing.T) {
	var a, b, one, many Batch
	fill(&a, 50)
	fill(&b, 60)
	var c, d, e Copier
	c.To(&one)
	d.To(&many)
	e.Join(&d)
	for i := range a.Events {
		c.Copy(&a, i)
		c.Copy(&b, i)
		d.Copy(&a, i)
		e.Copy(&b, i)
	}
	if !bytes.Equal(one.Append(nil), many.Append(nil)) || len(one.Origins) != 1 {
		t.Errorf("joined copiers make something else than one, or %d origins of one", len(one.Origins))
	}
	again := many.Append(nil)
	many.Reset()
	d.To(&many)
	for i := range a.Events {
		d.Copy(&a, i)
		e.Copy(&b, i)
	}
	if !bytes.Equal(again, many.Append(nil)) {
		t.Error("the second batch that is copied to is not like the first")
	}
	a.Reset()
	fill(&a, 7)
	d.Forget()
	many.Reset()
	d.To(&many)
	var want Batch
	c.To(&want)
	for i := range a.Events {
		c.Copy(&a, i)
		d.Copy(&a, i)
	}
	if !bytes.Equal(want.Append(nil), many.Append(nil)) {
		t.Error("a forgotten batch is remembered")
	}
}

func TestExpectedBatchIsNotMoved(t *testing.T) {
	var like, b Batch
	fill(&like, 1000)
	b.Expect(&like)
	memory := b.Memory()
	if fill(&b, 1000); b.Memory() != memory {
		t.Errorf("%d bytes of memory became %d", memory, b.Memory())
	}
	if !bytes.Equal(b.Append(nil), like.Append(nil)) {
		t.Error("it is filled with something else")
	}
}

func TestAbortTakesBack(t *testing.T) {
	var b, want Batch
	fill(&b, 10)
	fill(&want, 10)
	e := NewEmit(nil)
	e.Source(&b, "t", "s", "x")
	n := b.mark()
	e.Begin(1, Claimed, []byte("x"))
	e.HTTP(1)
	e.Extra([]byte("tcp"), []byte("tcp"))
	if e.Abort(); b.mark() != n {
		t.Error("an aborted record left something behind")
	}
}

func TestReusedBatchAllocatesNothing(t *testing.T) {
	var b Batch
	e := NewEmit(nil)
	once := func() {
		b.Reset()
		e.Source(&b, "t", "s", "conn.log")
		for i := range 1000 {
			e.Begin(uint64(i+1), Claimed, nil)
			h, _ := e.Flow(1)
			h.Subject = e.Entity(entity.Device, entity.IP, []byte{byte(i), byte(i >> 8)})
		}
	}
	once()
	if n := testing.AllocsPerRun(10, once); n > 3 { // the three names of the source
		t.Errorf("filling a reused batch with 1,000 events allocates %v times", n)
	}
}

func BenchmarkCopy(b *testing.B) {
	var from, to Batch
	fill(&from, 1000)
	var c Copier
	for b.Loop() {
		to.Reset()
		c.To(&to)
		for i := range from.Events {
			c.Copy(&from, i)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(from.Events)), "ns/event")
}

func BenchmarkBytes(b *testing.B) {
	var batch, again Batch
	var buf []byte
	fill(&batch, 1000)
	for b.Loop() {
		if buf = batch.Append(buf[:0]); again.Read(buf) != nil {
			b.Fatal("not read")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch.Events)), "ns/event")
}
