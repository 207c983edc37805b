package event

import "vedette/internal/text"

// Copier copies single events from batches to one batch. What it makes depends only on the
// events and their order, not on the batches that they come from: origins are in the new
// batch once, and neighbours that share a record share its copy.
//
// It remembers the strings that it copied last, so one copier for each batch that is
// copied from, all of them joined, is faster than a single one for all.
type Copier struct {
	out    *output
	from   *Batch
	turn   uint32  // of out, when from was begun with
	age    uint32  // of what cache may tell
	origin uint32  // of from, whose copy is to
	to     uint32  // of out
	cache  []moved // direct-mapped by place in from's arena
	move   func(*text.Ref)
}

// output is the batch that joined copiers copy to.
type output struct {
	batch   *Batch
	turn    uint32 // grows with every batch
	origins map[Origin]uint32
}

// moved is a string and where its copy is.
type moved struct {
	from, to text.Ref
	age      uint32
}

const cacheBits = 9

// To directs copies to b, those of all joined copiers too.
func (c *Copier) To(b *Batch) {
	if c.out == nil {
		c.Join(&Copier{out: &output{origins: map[Origin]uint32{}}})
	}
	c.out.batch = b
	c.out.turn++
	clear(c.out.origins)
}

// Join makes c copy to where d copies, now and after every [Copier.To] of either. D was
// directed before.
func (c *Copier) Join(d *Copier) {
	c.out, c.from = d.out, nil
	if c.cache == nil {
		c.cache = make([]moved, 1<<cacheBits)
		c.move = c.text // made once: it allocates
	}
}

// Forget must be called when the batch that was copied from last holds other events now.
func (c *Copier) Forget() { c.from = nil }

// Copy appends event i of b.
func (c *Copier) Copy(b *Batch, i int) {
	if c.from != b || c.turn != c.out.turn {
		c.begin(b)
	}
	to := c.out.batch
	h := b.Events[i]
	h.Record = c.record(h.Record)
	first := uint32(len(to.Extras))
	for _, x := range b.Extras[h.Extra:][:h.Extras] {
		c.text(&x.Name)
		c.text(&x.Value)
		to.Extras = append(to.Extras, x)
	}
	h.Extra = first
	c.text(&h.Subject.Name)
	c.text(&h.Object.Name)
	c.text(&h.Dataset)
	h.Row = c.body(h.Type, h.Row)
	to.Events = append(to.Events, h)
}

// begin makes what c remembers void.
func (c *Copier) begin(b *Batch) {
	c.from, c.turn, c.origin = b, c.out.turn, ^uint32(0)
	if c.age++; c.age == 0 {
		clear(c.cache)
		c.age = 1
	}
}

func (c *Copier) text(r *text.Ref) {
	if *r == 0 {
		return
	}
	m := &c.cache[uint64(*r>>32)*0x9e3779b97f4a7c15>>(64-cacheBits)]
	if m.from != *r || m.age != c.age {
		*m = moved{*r, c.out.batch.Text.Put(c.from.Text.Bytes(*r)), c.age}
	}
	*r = m.to
}

func (c *Copier) record(i uint32) uint32 {
	r := c.from.Records[i]
	if r.Origin != c.origin {
		c.origin, c.to = r.Origin, c.place(c.from.Origins[r.Origin])
	}
	r.Origin = c.to
	to := c.out.batch
	if n := len(to.Records); n == 0 || to.Records[n-1] != r {
		to.Records = append(to.Records, r)
	}
	return uint32(len(to.Records) - 1)
}

// place returns where the copy of an origin is.
func (c *Copier) place(o Origin) uint32 {
	c.text(&o.Tenant)
	c.text(&o.Site)
	c.text(&o.Source)
	i, ok := c.out.origins[o]
	if !ok {
		b := c.out.batch
		i = uint32(len(b.Origins))
		b.Origins = append(b.Origins, o)
		c.out.origins[o] = i
	}
	return i
}

func (c *Copier) body(t Type, i uint32) uint32 {
	a, b := c.from, c.out.batch
	switch t {
	case FlowType:
		return copyRow(c, a.Flows, &b.Flows, i)
	case DNSType:
		row := copyRow(c, a.DNS, &b.DNS, i)
		c.list(&b.DNS[row].Answers)
		return row
	case HTTPType:
		return copyRow(c, a.HTTP, &b.HTTP, i)
	case TLSType:
		return copyRow(c, a.TLS, &b.TLS, i)
	case LogonType:
		return copyRow(c, a.Logons, &b.Logons, i)
	case FileType:
		return copyRow(c, a.Files, &b.Files, i)
	case MailType:
		row := copyRow(c, a.Mails, &b.Mails, i)
		c.list(&b.Mails[row].To)
		return row
	case LeaseType:
		return copyRow(c, a.Leases, &b.Leases, i)
	case ControlType:
		return copyRow(c, a.Controls, &b.Controls, i)
	case AlertType:
		return copyRow(c, a.Alerts, &b.Alerts, i)
	case SoftwareType:
		return copyRow(c, a.Softwares, &b.Softwares, i)
	}
	return copyRow(c, a.Others, &b.Others, i)
}

// body is a row that can show its strings.
type body[T any] interface {
	*T
	texts(move func(*text.Ref))
}

func copyRow[T any, B body[T]](c *Copier, from []T, to *[]T, i uint32) uint32 {
	*to = append(*to, from[i])
	row := len(*to) - 1
	B(&(*to)[row]).texts(c.move)
	return uint32(row)
}

func (c *Copier) list(t *Texts) {
	from, to := c.from.Texts[t.First:][:t.N], c.out.batch
	t.First = uint32(len(to.Texts))
	for _, r := range from {
		c.text(&r)
		to.Texts = append(to.Texts, r)
	}
}
