package segments

import (
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// kind is how a value looks in a file. In memory all are 64 bits; a text is its [text.Ref].
type kind uint8

const (
	texts   kind = iota // STRING
	count               // INT64, unsigned: counts, keys and hashes
	signed              // INT64
	instant             // TIMESTAMP, nanoseconds, UTC; 0 is null
	small               // INT32, unsigned
	flag                // BOOLEAN
	tri                 // BOOLEAN; not said is null
	word                // STRING: one of words, or a number that has none
)

// column is a column of the file that holds one value a row. Types that mean the same by a
// field share its column.
type column struct {
	name  string
	kind  kind
	words []string // of kind word; an empty one is null
	// always says that zero is a value like others. Else it is null in the file, as it is
	// where the event's type has no such field.
	always bool
	parts  []part
}

// part is where the values of a column are in a batch.
type part struct {
	space space
	access
}

// space says which slice of a batch an index is of: that of the bodies of a type, or one
// of these.
type space uint8

const (
	envelopes = space(event.Types) + iota
	records
	origins
	spaces
)

// access reads and writes one field of many rows of a batch: the value of row at[i] stands
// at pos[i].
type access struct {
	get func(b *event.Batch, at, pos []uint32, to []uint64)
	set func(b *event.Batch, at, pos []uint32, from []uint64)
}

func of[B any, F number](s space, rows func(*event.Batch) []B, field func(*B) *F) part {
	return part{s, access{
		get: func(b *event.Batch, at, pos []uint32, to []uint64) {
			all := rows(b)
			for i, row := range at {
				to[pos[i]] = uint64(*field(&all[row]))
			}
		},
		set: func(b *event.Batch, at, pos []uint32, from []uint64) {
			all := rows(b)
			for i, row := range at {
				*field(&all[row]) = F(from[pos[i]])
			}
		},
	}}
}

type number interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64
}

func head[F number](field func(*event.Envelope) *F) part {
	return of(envelopes, func(b *event.Batch) []event.Envelope { return b.Events }, field)
}

func record[F number](field func(*event.Record) *F) part {
	return of(records, func(b *event.Batch) []event.Record { return b.Records }, field)
}

func origin(field func(*event.Origin) *text.Ref) part {
	return of(origins, func(b *event.Batch) []event.Origin { return b.Origins }, field)
}

// Names of columns that are asked for by name, and of those that are made of others.
const (
	timeColumn     = "time"
	idColumn       = "id"
	classColumn    = "class_uid"
	sourceColumn   = "source"
	positionColumn = "position"
	indexColumn    = "event_index"
	typeColumn     = "type"
	subjectColumn  = "subject_key"
	objectColumn   = "object_key"
	attributes     = "attributes"
	dnsAnswers     = "dns_answers"
	mailTo         = "mail_to"
)

// heads returns the columns of what all events have.
func heads() []column {
	types := make([]string, event.Types)
	for t := range event.Types {
		types[t] = t.String()
	}
	c := []column{
		{timeColumn, instant, nil, true, one(head(func(h *event.Envelope) *int64 { return &h.Time }))},
		{"tenant", texts, nil, false, one(origin(func(o *event.Origin) *text.Ref { return &o.Tenant }))},
		{"site", texts, nil, false, one(origin(func(o *event.Origin) *text.Ref { return &o.Site }))},
		{sourceColumn, texts, nil, false, one(origin(func(o *event.Origin) *text.Ref { return &o.Source }))},
		{positionColumn, count, nil, true, one(record(func(r *event.Record) *uint64 { return &r.Position }))},
		{indexColumn, small, nil, true, one(head(func(h *event.Envelope) *uint16 { return &h.Index }))},
		{"dataset", texts, nil, false, one(head(func(h *event.Envelope) *text.Ref { return &h.Dataset }))},
		{typeColumn, word, types, true, one(head(func(h *event.Envelope) *event.Type { return &h.Type }))},
		{"trust", word, []string{"claimed", "handshake", "authenticated"}, true, one(record(func(r *event.Record) *event.Trust { return &r.Trust }))},
		{"link", count, nil, false, one(head(func(h *event.Envelope) *uint64 { return &h.Link }))},
		{"content_hash", count, nil, true, one(record(func(r *event.Record) *uint64 { return &r.Content }))},
	}
	c = append(c, sides("subject", func(h *event.Envelope) *entity.Ref { return &h.Subject })...)
	return append(c, sides("object", func(h *event.Envelope) *entity.Ref { return &h.Object })...)
}

// sides returns the columns of one side of an event.
func sides(name string, side func(*event.Envelope) *entity.Ref) []column {
	var kinds, ids []string
	for k := range entity.External + 1 {
		kinds = append(kinds, k.String())
	}
	for t := range entity.Unit + 1 {
		ids = append(ids, t.String())
	}
	return []column{
		{name, texts, nil, false, one(head(func(h *event.Envelope) *text.Ref { return &side(h).Name }))},
		{name + "_key", count, nil, true, one(head(func(h *event.Envelope) *entity.Key { return &side(h).Key }))},
		{name + "_kind", word, kinds, true, one(head(func(h *event.Envelope) *entity.Kind { return &side(h).Kind }))},
		{name + "_id_type", word, ids, false, one(head(func(h *event.Envelope) *entity.IDType { return &side(h).Type }))},
		{name + "_port", small, nil, false, one(head(func(h *event.Envelope) *uint16 { return &side(h).Port }))},
		{name + "_group", small, nil, true, one(head(func(h *event.Envelope) *uint16 { return &side(h).Group }))},
		{name + "_own", flag, nil, true, one(head(func(h *event.Envelope) *uint8 { return &side(h).Own }))},
		{name + "_local", tri, nil, false, one(head(func(h *event.Envelope) *entity.Tri { return &side(h).Local }))},
	}
}

func one(p part) []part { return []part{p} }

// columns returns all columns that hold one value a row, in the order of the file.
func columns() []column {
	all := heads()
	place := map[string]int{}
	for _, c := range bodies() {
		i, ok := place[c.name]
		if !ok {
			i = len(all)
			place[c.name] = i
			all = append(all, column{name: c.name, kind: c.kind, words: c.words, always: c.always})
		}
		all[i].parts = append(all[i].parts, c.parts...)
	}
	return all
}
