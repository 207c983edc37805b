package segments

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"vedette/internal/event"
	"vedette/internal/text"
)

const (
	blockRows = 2048      // whose values make one page of each column
	pageBytes = 256 << 10 // after which a page ends even before
)

// writer writes the events of one file.
type writer struct {
	layout  *layout
	out     *parquet.GenericWriter[any]
	batch   *event.Batch
	plain   bool // all strings of the batch are ASCII
	columns []*parquet.ColumnWriter
	schema  *parquet.Schema
	leaves  []int // number in the file of each column of the layout

	// Of the block at hand.
	block   block
	values  []uint64
	present []bool
	row     []parquet.Value
	nulls   []parquet.Value
}

// newWriter begins a file of so many rows, with about as the note on them.
func (l *layout) newWriter(to io.Writer, schema *parquet.Schema, rows int, about string) *writer {
	out := parquet.NewGenericWriter[any](to, schema,
		parquet.Compression(&parquet.Zstd),
		parquet.PageBufferSize(max(pageBytes*min(rows, blockRows)/blockRows, pageBytes/16)), // so that small files take little memory to write
		parquet.CreatedBy("vedette", "1", ""),
		parquet.KeyValueMetadata(aboutKey, about),
		parquet.KeyValueMetadata(sumKey, sumOf(about)),
		parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending(subjectColumn), parquet.Ascending(timeColumn))),
		parquet.DataPageStatistics(false),
		parquet.ColumnIndexSizeLimit(func([]string) int { return maxBound }),
	)
	w := &writer{
		layout: l, out: out, columns: out.ColumnWriters(), schema: schema,
		values: make([]uint64, blockRows), present: make([]bool, blockRows),
		row: make([]parquet.Value, 0, blockRows), nulls: make([]parquet.Value, blockRows),
	}
	for i := range l.columns {
		leaf, _ := schema.Lookup(l.columns[i].name)
		w.leaves = append(w.leaves, leaf.ColumnIndex)
	}
	return w
}

// from says which batch the events are of that are written next.
func (w *writer) from(b *event.Batch) { w.batch, w.plain = b, ascii(b.Text.Raw()) }

func (w *writer) close() error {
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("ending the file: %w", err)
	}
	return nil
}

// writeEvents writes the events of b in the given order, and about as the note on them.
func (l *layout) writeEvents(to io.Writer, b *event.Batch, order []uint32, about string) error {
	w := l.newWriter(to, l.schema(b, order), len(order), about)
	w.from(b)
	for len(order) > 0 {
		n := min(len(order), blockRows)
		if err := w.write(order[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	return w.close()
}

// write writes one block: a page of each column.
func (w *writer) write(events []uint32) error {
	w.block.set(w.batch, events)
	for i := range w.layout.columns {
		c := &w.layout.columns[i]
		if err := w.column(c, w.leaves[i], w.columns[w.leaves[i]]); err != nil {
			return fmt.Errorf("writing column %s: %w", c.name, err)
		}
	}
	id := make([]byte, 0, 16*len(events))
	err := w.made(events, idColumn, func(v event.View) parquet.Value {
		id = appendID(id, v.ID())
		return parquet.FixedLenByteArrayValue(id[len(id)-16:])
	})
	if err == nil {
		err = w.made(events, classColumn, func(v event.View) parquet.Value { return parquet.Int32Value(int32(v.Head().Type.Class())) })
	}
	if err != nil {
		return err
	}
	return w.lists(events)
}

// column writes the block's values of a column.
func (w *writer) column(c *column, leaf int, out *parquet.ColumnWriter) error {
	if !w.block.get(w.batch, c, w.values) {
		if _, err := out.WriteRowValues(w.nulls[:w.block.n]); err != nil {
			return err
		}
		return out.Flush()
	}
	level := 1
	if c.required() {
		level = 0
	}
	clear(w.present[:w.block.n])
	if c.always {
		for _, p := range c.parts {
			for _, pos := range w.block.parts[p.space].pos {
				w.present[pos] = true
			}
		}
	}
	w.row = w.row[:0]
	size := 0
	null := parquet.Value{}.Level(0, 0, leaf)
	last, x := ^w.values[0], null // rows that follow each other are often alike
	for i, v := range w.values[:w.block.n] {
		if v == 0 && !w.present[i] {
			w.row = append(w.row, null)
			continue
		}
		if v != last {
			last, x = v, w.value(c, v).Level(0, level, leaf)
		}
		w.row = append(w.row, x)
		if c.kind != texts {
			continue
		}
		if size += text.Ref(v).Len(); size >= pageBytes { // before the page becomes too large
			if _, err := out.WriteRowValues(w.row); err != nil {
				return err
			}
			w.row, size = w.row[:0], 0
		}
	}
	if _, err := out.WriteRowValues(w.row); err != nil {
		return err
	}
	return out.Flush()
}

func (w *writer) value(c *column, v uint64) parquet.Value {
	switch c.kind {
	case count, signed, instant:
		return parquet.Int64Value(int64(v))
	case small:
		return parquet.Int32Value(int32(v))
	case flag:
		return parquet.BooleanValue(v != 0)
	case tri:
		return parquet.BooleanValue(v == 2)
	case word:
		if v < uint64(len(c.words)) {
			return parquet.ByteArrayValue([]byte(c.words[v]))
		}
		return parquet.ByteArrayValue(strconv.AppendUint(nil, v, 10))
	}
	return w.text(text.Ref(v))
}

func (w *writer) text(r text.Ref) parquet.Value {
	s := w.batch.Text.Bytes(r)
	if !w.plain {
		s = escape(s)
	}
	return parquet.ByteArrayValue(s)
}

// made writes a column whose values are made of other fields.
func (w *writer) made(events []uint32, name string, value func(event.View) parquet.Value) error {
	leaf, _ := w.schema.Lookup(name)
	w.row = w.row[:0]
	for _, e := range events {
		w.row = append(w.row, value(event.View{Batch: w.batch, I: int(e)}).Level(0, 0, leaf.ColumnIndex))
	}
	out := w.columns[leaf.ColumnIndex]
	if _, err := out.WriteRowValues(w.row); err != nil {
		return fmt.Errorf("writing column %s: %w", name, err)
	}
	return out.Flush()
}

// lists writes the columns that hold any number of values a row.
func (w *writer) lists(events []uint32) error {
	extras := slices.ContainsFunc(events, func(e uint32) bool { return w.batch.Events[e].Extras > 0 })
	for _, l := range lists() {
		leaf, ok := w.schema.Lookup(l.path...)
		if !ok {
			return fmt.Errorf("there is no column %v", l.path)
		}
		out := w.columns[leaf.ColumnIndex]
		var err error
		if l.of == 0 && !extras || l.of != 0 && len(w.block.parts[l.of].at) == 0 {
			_, err = out.WriteRowValues(w.nulls[:len(events)])
		} else {
			err = w.list(&l, events, leaf.ColumnIndex, out)
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return fmt.Errorf("writing column %v: %w", l.path, err)
		}
	}
	return nil
}

func (w *writer) list(l *list, events []uint32, leaf int, out *parquet.ColumnWriter) error {
	w.row = w.row[:0]
	size := 0
	for _, e := range events {
		n := len(w.row)
		for r := range l.values(event.View{Batch: w.batch, I: int(e)}) {
			again := min(1, len(w.row)-n)
			w.row = append(w.row, w.text(r).Level(again, 1, leaf))
			size += r.Len()
		}
		if len(w.row) == n {
			w.row = append(w.row, parquet.Value{}.Level(0, 0, leaf))
		}
		if size >= pageBytes {
			if _, err := out.WriteRowValues(w.row); err != nil {
				return err
			}
			w.row, size = w.row[:0], 0
		}
	}
	_, err := out.WriteRowValues(w.row)
	return err
}

// list is a column that holds any number of values a row.
type list struct {
	path   []string
	of     event.Type // whose events may have any; 0 is all
	values func(event.View) func(yield func(text.Ref) bool)
}

// lists returns the columns that hold any number of values a row. Those of attributes
// come last, names before values.
func lists() []list {
	of := func(name string, t event.Type, which func(event.View) event.Texts) list {
		return list{[]string{name, "list", "element"}, t, func(v event.View) func(func(text.Ref) bool) {
			return func(yield func(text.Ref) bool) {
				if v.Head().Type != t {
					return
				}
				for _, r := range v.List(which(v)) {
					if !yield(r) {
						return
					}
				}
			}
		}}
	}
	extra := func(name string, which func(event.Extra) text.Ref) list {
		return list{[]string{attributes, "list", "element", name}, 0, func(v event.View) func(func(text.Ref) bool) {
			return func(yield func(text.Ref) bool) {
				for _, x := range v.Extras() {
					if !yield(which(x)) {
						return
					}
				}
			}
		}}
	}
	return []list{
		of(dnsAnswers, event.DNSType, func(v event.View) event.Texts { return v.DNS().Answers }),
		of(mailTo, event.MailType, func(v event.View) event.Texts { return v.Mail().To }),
		extra("name", func(x event.Extra) text.Ref { return x.Name }),
		extra("value", func(x event.Extra) text.Ref { return x.Value }),
	}
}

func appendID(b []byte, id event.ID) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, id[0]), id[1])
}

func ascii(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Strings in a Parquet file are UTF-8, and engines refuse a file where one is not. What
// sensors send may be anything. So a byte that is not part of valid UTF-8 becomes one of
// 128 characters of the private use area, and so do the bytes of these characters
// themselves: what is read back is what was written.
const (
	firstRaw = '\uef80' // stands for the byte 0x80
	lastRaw  = '\uefff'
	rawByte  = 0xee // which UTF-8 of these begins with
)

func escape(s []byte) []byte {
	if utf8.Valid(s) && bytes.IndexByte(s, rawByte) < 0 {
		return s
	}
	var out []byte
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 || r >= firstRaw && r <= lastRaw {
			for _, c := range s[:n] {
				out = utf8.AppendRune(out, firstRaw+rune(c-0x80))
			}
		} else {
			out = append(out, s[:n]...)
		}
		s = s[n:]
	}
	return out
}

func unescape(s []byte) []byte {
	if bytes.IndexByte(s, rawByte) < 0 {
		return s
	}
	var out []byte
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r >= firstRaw && r <= lastRaw {
			out = append(out, 0x80+byte(r-firstRaw))
		} else {
			out = append(out, s[:n]...)
		}
		s = s[n:]
	}
	return out
}
