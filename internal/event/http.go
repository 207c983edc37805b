package event

import "vedette/internal/text"

// HTTP is one request with its answer, if there was one. OCSF 4002, HTTP Activity.
// Paths and queries may name patients, so of them only lengths and hashes are kept.
type HTTP struct {
	Method    text.Ref
	Host      text.Ref // the Host header, lower case, without port; empty if absent
	Agent     text.Ref // the User-Agent header
	Referrer  text.Ref // host of the Referer header only
	Type      text.Ref // media type of the answer's body
	Extension text.Ref // of the path, if it is one of the closed list, such as "exe"
	Path      Blind
	Query     Blind
	BytesOut  uint64 // of the request's body
	BytesIn   uint64 // of the answer's body
	Status    uint32 // 0 without answer
	Proxied   uint8  // 1 if the request went to a proxy
	Spare     [3]uint8
}

// HTTP lends an HTTP request.
func (e *Emit) HTTP(at int64) (*Envelope, *HTTP) { return lend(e, HTTPType, at, &e.batch.HTTP) }

// HTTP returns the body of an HTTP request.
func (v View) HTTP() *HTTP { return &v.Batch.HTTP[v.Head().Row] }

func (h *HTTP) texts(move func(*text.Ref)) {
	move(&h.Method)
	move(&h.Host)
	move(&h.Agent)
	move(&h.Referrer)
	move(&h.Type)
	move(&h.Extension)
}
