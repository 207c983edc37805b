package segments

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"vedette/internal/event"
	"vedette/internal/text"
)

// file is an open file of events. Several queries may read it at the same time.
type file struct {
	f      *os.File
	pq     *parquet.File
	schema *parquet.Schema
	chunks []parquet.ColumnChunk // of the only row group
	rows   int
	about  string // the note that was written with it
}

// openFile opens a file of events. Its pages are checked when they are read.
// Note is what its index says of it; nil if that is not known.
func openFile(path string, note *about) (*file, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &file{f: in}
	if err := f.open(note); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), in.Close())
	}
	return f, nil
}

func (f *file) open(note *about) (err error) {
	defer damage(&err)
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	if note != nil {
		sum, err := tailSum(f.f, note.Tail, info.Size())
		if err != nil {
			return err
		}
		if sum != note.TailSum || info.Size() != note.Size {
			return errors.New("it has another checksum than its index says")
		}
	}
	p, err := parquet.OpenFile(f.f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	about, ok := p.Lookup(aboutKey)
	if sum, _ := p.Lookup(sumKey); !ok || sum != sumOf(about) || len(p.RowGroups()) != 1 {
		return errors.New("it was not written by this program, or is damaged")
	}
	f.pq, f.schema, f.chunks, f.about = p, p.Schema(), p.RowGroups()[0].ColumnChunks(), about
	f.rows = int(p.RowGroups()[0].NumRows())
	return nil
}

func (f *file) close() error { return f.f.Close() }

// tail returns where the pages of a file end, and the CRC-32C of what is behind them.
func (f *file) tail() (at int64, sum uint32, err error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, 0, err
	}
	at = info.Size()
	for _, c := range f.pq.Metadata().RowGroups[0].Columns {
		for _, index := range []int64{c.ColumnIndexOffset, c.OffsetIndexOffset} {
			if index > 0 {
				at = min(at, index)
			}
		}
	}
	sum, err = tailSum(f.f, at, info.Size())
	return at, sum, err
}

func tailSum(f *os.File, at, size int64) (uint32, error) {
	raw := make([]byte, max(0, size-at))
	if err := readAt(f, raw, at); err != nil {
		return 0, err
	}
	return crc32.Checksum(raw, castagnoli()), nil
}

// damage turns a panic of the Parquet reader into an error: it checks the contents of
// pages, but what lies between them it trusts.
func damage(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the file is damaged: %v", r)
	}
}

// chunk returns a column of the file; nil if it has none of that name, or it is empty.
func (f *file) chunk(path ...string) *parquet.FileColumnChunk {
	leaf, ok := f.schema.Lookup(path...)
	if !ok || leaf.ColumnIndex >= len(f.chunks) {
		return nil
	}
	c, ok := f.chunks[leaf.ColumnIndex].(*parquet.FileColumnChunk)
	if !ok || c.NumValues() == c.NullCount() {
		return nil
	}
	return c
}

// pages calls visit for each page of a column that holds some of rows, which ascend, with
// those of them that it holds and the number of its first row.
func pages(c *parquet.FileColumnChunk, rows []uint32, visit func(p parquet.Page, first int, rows []uint32) error) error {
	index, err := c.OffsetIndex()
	if err != nil {
		return err
	}
	in := c.Pages()
	page, end := 0, int(c.File().NumRows())
	for len(rows) > 0 {
		for page+1 < index.NumPages() && index.FirstRowIndex(page+1) <= int64(rows[0]) {
			page++
		}
		first, next := int(index.FirstRowIndex(page)), end
		if page+1 < index.NumPages() {
			next = int(index.FirstRowIndex(page + 1))
		}
		n, _ := slices.BinarySearch(rows, uint32(next))
		if n == 0 {
			err = errors.New("there is no such row")
			break
		}
		if err = in.SeekToRow(int64(first)); err != nil {
			break
		}
		var p parquet.Page
		if p, err = in.ReadPage(); err != nil {
			break
		}
		if int(p.NumRows()) != next-first {
			err = errors.New("a page has another number of rows than its index says")
		} else {
			err = visit(p, first, rows[:n])
		}
		parquet.Release(p)
		if err != nil {
			break
		}
		rows = rows[n:]
	}
	return errors.Join(err, in.Close())
}

// values reads column c for the given rows, which ascend. Strings are put in words.
func (f *file) values(c *column, rows []uint32, to []uint64, words *text.Arena) (err error) {
	defer damage(&err)
	clear(to[:len(rows)])
	chunk := f.chunk(c.name)
	if chunk == nil {
		return nil
	}
	d := decoder{kind: c.kind, words: c.words, arena: words}
	if v, ok := d.constant(chunk); ok {
		for i := range rows {
			to[i] = v
		}
		return nil
	}
	err = pages(chunk, rows, func(p parquet.Page, first int, rows []uint32) error {
		if err := d.use(p); err != nil {
			return err
		}
		out := to[:len(rows)]
		to = to[len(rows):]
		levels := p.DefinitionLevels()
		if p.NumNulls() == 0 {
			for i, r := range rows {
				out[i] = d.value(int(r) - first)
			}
			return nil
		}
		at, value := first, 0
		for i, r := range rows {
			for ; at < int(r); at++ {
				value += int(levels[at-first])
			}
			if levels[at-first] == 1 {
				out[i] = d.value(value)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading column %s: %w", c.name, err)
	}
	return nil
}

// each calls visit with the strings of the given rows in a column of lists: i is the place
// in rows.
func (f *file) each(path []string, rows []uint32, words *text.Arena, visit func(i int, r text.Ref)) (err error) {
	defer damage(&err)
	chunk := f.chunk(path...)
	if chunk == nil {
		return nil
	}
	d := decoder{kind: texts, arena: words}
	done := 0
	err = pages(chunk, rows, func(p parquet.Page, first int, rows []uint32) error {
		if err := d.use(p); err != nil {
			return err
		}
		levels := p.DefinitionLevels()
		at, value, next := first-1, 0, 0
		for i, again := range p.RepetitionLevels() {
			if again == 0 {
				at++
			}
			for next < len(rows) && int(rows[next]) < at {
				next++
			}
			if levels[i] == 0 {
				continue
			}
			if next < len(rows) && int(rows[next]) == at {
				visit(done+next, text.Ref(d.value(value)))
			}
			value++
		}
		done += len(rows)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading column %v: %w", path, err)
	}
	return nil
}

// ids calls visit with the id of each of rows, which ascend, and its place among them.
func (f *file) ids(rows []uint32, visit func(i int, id event.ID)) (err error) {
	defer damage(&err)
	chunk := f.chunk(idColumn)
	if chunk == nil {
		return errors.New("there is no column of ids")
	}
	done := 0
	err = pages(chunk, rows, func(p parquet.Page, first int, rows []uint32) error {
		data := p.Data()
		raw, size := data.FixedLenByteArray()
		for i, r := range rows {
			b := raw[(int(r)-first)*size:][:size]
			visit(done+i, event.ID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
		}
		done += len(rows)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading column %s: %w", idColumn, err)
	}
	return nil
}

// decoder makes values of what is in a page.
type decoder struct {
	kind  kind
	words []string
	arena *text.Arena

	// Of the page at hand.
	long    []uint64
	short   []uint32
	data    []byte // bits, or the bytes of strings
	offsets []uint32

	// Of the dictionary, if there is one. The pages of a column share it.
	indexed bool
	index   []int32
	known   []uint64 // what an index stands for, and one more; 0 is not looked up yet
}

// use directs d at a page.
func (d *decoder) use(p parquet.Page) error {
	data := p.Data()
	dict := p.Dictionary()
	if d.indexed = dict != nil; d.indexed {
		d.index = data.Int32()
		data = dict.Page().Data()
		if len(d.known) != dict.Len() {
			d.known = make([]uint64, dict.Len())
		}
	}
	switch d.kind {
	case count, signed, instant:
		d.long = data.Uint64()
	case small:
		d.short = data.Uint32()
	case flag, tri:
		d.data = data.Boolean()
	case texts, word:
		d.data, d.offsets = data.ByteArray()
		if d.kind == texts && d.arena == nil {
			return errors.New("there is nowhere to put strings")
		}
	}
	return nil
}

// constant returns the value that all rows of a column have, if it is the same.
func (d *decoder) constant(c *parquet.FileColumnChunk) (v uint64, ok bool) {
	low, high, ok := c.Bounds()
	if !ok || c.NullCount() > 0 || !parquet.Equal(low, high) {
		return 0, false
	}
	switch d.kind {
	case count, signed, instant:
		return low.Uint64(), true
	case small:
		return uint64(low.Uint32()), true
	case flag, tri:
		d.data = []byte{0}
		if low.Boolean() {
			d.data[0] = 1
		}
	default:
		if len(low.ByteArray()) >= maxBound || d.kind == texts && d.arena == nil { // it may be the beginning of one
			return 0, false
		}
		d.data, d.offsets = low.ByteArray(), []uint32{0, uint32(len(low.ByteArray()))}
	}
	return d.plain(0), true
}

// maxBound is as many bytes of the least and the greatest value as a file holds.
const maxBound = 16

// value returns the i-th value of the page, nulls not counted.
func (d *decoder) value(i int) uint64 {
	if !d.indexed {
		return d.plain(i)
	}
	x := d.index[i]
	if d.known[x] == 0 {
		d.known[x] = d.plain(int(x)) + 1
	}
	return d.known[x] - 1
}

func (d *decoder) plain(i int) uint64 {
	switch d.kind {
	case count, signed, instant:
		return d.long[i]
	case small:
		return uint64(d.short[i])
	case flag:
		return uint64(d.data[i/8] >> (i % 8) & 1)
	case tri:
		return 1 + uint64(d.data[i/8]>>(i%8)&1)
	}
	s := d.data[d.offsets[i]:d.offsets[i+1]]
	if d.kind == word {
		for w := range d.words {
			if string(s) == d.words[w] {
				return uint64(w)
			}
		}
		n, _ := strconv.ParseUint(string(s), 10, 64)
		return n
	}
	return uint64(d.arena.Put(unescape(s)))
}

// rebuilder makes events of rows again. It is used by one goroutine.
type rebuilder struct {
	layout  *layout
	block   block
	values  []uint64
	events  []uint32
	origins map[event.Origin]uint32
	refs    [][]text.Ref
}

// read appends the events of the given rows, which ascend, to b.
func (r *rebuilder) read(f *file, rows []uint32, b *event.Batch) error {
	if cap(r.values) < len(rows) {
		r.values = make([]uint64, len(rows))
	}
	if err := r.slots(f, rows, b); err != nil {
		return err
	}
	for i := range r.layout.columns {
		c := &r.layout.columns[i]
		if !slices.ContainsFunc(c.parts, func(p part) bool { return len(r.block.parts[p.space].at) > 0 }) {
			continue
		}
		if err := f.values(c, rows, r.values[:len(rows)], &b.Text); err != nil {
			return err
		}
		for _, p := range c.parts {
			if k := &r.block.parts[p.space]; len(k.at) > 0 {
				p.set(b, k.at, k.pos, r.values[:len(rows)])
			}
		}
	}
	r.share(b)
	return r.lists(f, rows, b)
}

// slots makes room for events of the types that are in rows.
func (r *rebuilder) slots(f *file, rows []uint32, b *event.Batch) error {
	types := r.values[:len(rows)]
	if err := f.values(&r.layout.columns[r.layout.place[typeColumn]], rows, types, nil); err != nil {
		return err
	}
	r.events = r.events[:0]
	for _, v := range types {
		t := event.Type(v)
		row, ok := slot(b, t)
		if !ok {
			return fmt.Errorf("an event of type %d, which is not known", v)
		}
		r.events = append(r.events, uint32(len(b.Events)))
		b.Events = append(b.Events, event.Envelope{Type: t, Row: row, Record: uint32(len(b.Records))})
		b.Records = append(b.Records, event.Record{Origin: uint32(len(b.Origins))})
		b.Origins = append(b.Origins, event.Origin{})
	}
	r.block.set(b, r.events)
	return nil
}

// share lets events of the same origin share it.
func (r *rebuilder) share(b *event.Batch) {
	if r.origins == nil {
		r.origins = map[event.Origin]uint32{}
	}
	clear(r.origins)
	first := b.Records[b.Events[r.events[0]].Record].Origin
	kept := b.Origins[:first]
	for _, e := range r.events {
		x := &b.Records[b.Events[e].Record].Origin
		o := b.Origins[*x]
		i, ok := r.origins[o]
		if !ok {
			i = uint32(len(kept))
			kept = append(kept, o)
			r.origins[o] = i
		}
		*x = i
	}
	b.Origins = kept
}

// lists reads what rows have any number of.
func (r *rebuilder) lists(f *file, rows []uint32, b *event.Batch) error {
	all := lists()
	for len(r.refs) < len(rows) {
		r.refs = append(r.refs, nil)
	}
	for n, l := range all {
		for i := range rows {
			r.refs[i] = r.refs[i][:0]
		}
		if err := f.each(l.path, rows, &b.Text, func(i int, s text.Ref) { r.refs[i] = append(r.refs[i], s) }); err != nil {
			return err
		}
		for i, e := range r.events {
			if err := r.fill(b, l, n == len(all)-1, e, r.refs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill gives event e what its list l holds. Values of attributes go with their names.
func (r *rebuilder) fill(b *event.Batch, l list, value bool, e uint32, refs []text.Ref) error {
	h := &b.Events[e]
	switch {
	case value:
		if len(refs) != int(h.Extras) {
			return errors.New("attributes have more names than values, or fewer")
		}
		for i, s := range refs {
			b.Extras[int(h.Extra)+i].Value = s
		}
	case l.path[0] == attributes:
		h.Extra, h.Extras = uint32(len(b.Extras)), uint8(len(refs))
		for _, s := range refs {
			b.Extras = append(b.Extras, event.Extra{Name: s})
		}
	case l.path[0] == dnsAnswers && h.Type == event.DNSType:
		b.DNS[h.Row].Answers = event.Texts{First: uint32(len(b.Texts)), N: uint32(len(refs))}
		b.Texts = append(b.Texts, refs...)
	case l.path[0] == mailTo && h.Type == event.MailType:
		b.Mails[h.Row].To = event.Texts{First: uint32(len(b.Texts)), N: uint32(len(refs))}
		b.Texts = append(b.Texts, refs...)
	}
	return nil
}

// slot appends an empty body of type t and returns its row.
func slot(b *event.Batch, t event.Type) (row uint32, ok bool) {
	switch t {
	case event.FlowType:
		return grow(&b.Flows), true
	case event.DNSType:
		return grow(&b.DNS), true
	case event.HTTPType:
		return grow(&b.HTTP), true
	case event.TLSType:
		return grow(&b.TLS), true
	case event.LogonType:
		return grow(&b.Logons), true
	case event.FileType:
		return grow(&b.Files), true
	case event.MailType:
		return grow(&b.Mails), true
	case event.LeaseType:
		return grow(&b.Leases), true
	case event.ControlType:
		return grow(&b.Controls), true
	case event.AlertType:
		return grow(&b.Alerts), true
	case event.SoftwareType:
		return grow(&b.Softwares), true
	case event.OtherType:
		return grow(&b.Others), true
	}
	return 0, false
}

func grow[T any](rows *[]T) uint32 {
	*rows = append(*rows, *new(T))
	return uint32(len(*rows) - 1)
}
