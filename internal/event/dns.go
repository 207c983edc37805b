package event

import "vedette/internal/text"

// DNS is one query with its answer, if there was one. OCSF 4003, DNS Activity.
type DNS struct {
	Query   text.Ref // the name asked for, lower case, without the final dot
	Kind    text.Ref // "A", "TXT"
	Code    text.Ref // the answer's response code: "NOERROR", "NXDOMAIN"; empty without answer
	Answers Texts    // addresses and names, as text
	TTL     uint32   // seconds, the least of the answers; 0 if not known
	Answer  uint8    // 1 if there was an answer
	Spare   [3]uint8
}

// Texts is a list of strings: Batch.Texts[First:][:N].
type Texts struct{ First, N uint32 }

// DNS lends a DNS query.
func (e *Emit) DNS(at int64) (*Envelope, *DNS) { return lend(e, DNSType, at, &e.batch.DNS) }

// List begins a list and [Emit.Listed] adds to it; one list at a time.
func (e *Emit) List() Texts { return Texts{First: uint32(len(e.batch.Texts))} }

// Listed adds s to the list t, which must be the one begun last. Beyond 256 strings it
// adds nothing.
func (e *Emit) Listed(t *Texts, s []byte) {
	if t.N < 256 {
		e.batch.Texts = append(e.batch.Texts, e.Text(s))
		t.N++
	}
}

// List returns the strings of a list.
func (v View) List(t Texts) []text.Ref { return v.Batch.Texts[t.First:][:t.N] }

// DNS returns the body of a DNS query.
func (v View) DNS() *DNS { return &v.Batch.DNS[v.Head().Row] }

func (d *DNS) texts(move func(*text.Ref)) {
	move(&d.Query)
	move(&d.Kind)
	move(&d.Code)
}
