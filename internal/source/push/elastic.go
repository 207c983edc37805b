package push

import (
	"bytes"
	"net/http"
	"time"

	"github.com/valyala/fastjson"
)

// elasticError is how Elasticsearch words one.
type elasticError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// elastic adds what shippers for Elasticsearch need: bulk requests, and the two questions
// that they ask before the first. There are no indices, templates or policies: a shipper
// that wants to set them up must be told not to.
func (s *server) elastic() {
	for _, path := range []string{"POST /_bulk", "PUT /_bulk", "POST /{index}/_bulk", "PUT /{index}/_bulk"} {
		s.HandleFunc(path, s.handler(elasticWords, s.bulk))
	}
	s.HandleFunc("GET /{$}", s.handler(elasticWords, func(w http.ResponseWriter, _ *http.Request, _ *worker) *problem {
		type version struct {
			Number  string `json:"number"`
			Flavor  string `json:"build_flavor"`
			Type    string `json:"build_type"`
			Wire    string `json:"minimum_wire_compatibility_version"`
			Index   string `json:"minimum_index_compatibility_version"`
			Lucene  string `json:"lucene_version"`
			Preview bool   `json:"build_snapshot"`
		}
		elasticReply(w, struct {
			Name    string  `json:"name"`
			Cluster string  `json:"cluster_name"`
			UUID    string  `json:"cluster_uuid"`
			Version version `json:"version"`
			Tagline string  `json:"tagline"`
		}{"vedette", "vedette", "vedette", version{"8.17.0", "default", "tar", "7.17.0", "7.0.0", "9.12.0", false}, "You Know, for Search"})
		return nil
	}))
	license := s.handler(elasticWords, func(w http.ResponseWriter, _ *http.Request, _ *worker) *problem {
		type license struct {
			Status string `json:"status"`
			UID    string `json:"uid"`
			Type   string `json:"type"`
			Mode   string `json:"mode"`
		}
		elasticReply(w, struct {
			License license `json:"license"`
		}{license{"active", "vedette", "basic", "basic"}})
		return nil
	})
	s.HandleFunc("GET /_license", license)
	s.HandleFunc("GET /_xpack", license)
}

func elasticWords(p *problem) {
	kind := map[int]string{
		http.StatusUnauthorized: "security_exception", http.StatusTooManyRequests: "es_rejected_execution_exception",
		http.StatusServiceUnavailable: "unavailable_shards_exception",
	}[p.Status]
	if kind == "" {
		kind = "illegal_argument_exception"
	}
	p.Error = &elasticError{kind, p.Detail}
}

func elasticReply(w http.ResponseWriter, v any) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch") // clients refuse to speak to anything else
	reply(w, http.StatusOK, v)
}

// bulkItem is what became of one action.
type bulkItem struct {
	Index  string        `json:"_index"`
	ID     string        `json:"_id,omitempty"`
	Status int           `json:"status"`
	Result string        `json:"result,omitempty"`
	Error  *elasticError `json:"error,omitempty"`
}

// bulk takes the documents of a bulk request.
func (s *server) bulk(w http.ResponseWriter, r *http.Request, to *worker) *problem {
	b, p := s.read(w, r)
	if p != nil {
		return p
	}
	found, items, p := actions(b.data, r.PathValue("index"))
	if p != nil {
		b.free()
		return p
	}
	if _, p := s.submit(r, to, b, found.each); p != nil {
		return p
	}
	answer := struct {
		Took   int                   `json:"took"`
		Errors bool                  `json:"errors"`
		Items  []map[string]bulkItem `json:"items"` // each has the name of its action
	}{Items: items}
	for _, i := range items {
		for _, one := range i {
			answer.Errors = answer.Errors || one.Error != nil
		}
	}
	elasticReply(w, answer)
	return nil
}

// actions reads pairs of lines: what to do, and with what document. Only new documents are
// taken; other actions are answered as errors of their own.
func actions(data []byte, index string) (found *named, items []map[string]bulkItem, p *problem) {
	bad := func(detail string) (*named, []map[string]bulkItem, *problem) {
		return nil, nil, &problem{Status: http.StatusBadRequest, Detail: detail + "; nothing of the request was taken"}
	}
	found = &named{data: make([]byte, 0, len(data))}
	next := func() (line []byte) {
		line, data, _ = bytes.Cut(data, []byte("\n"))
		return bytes.TrimSpace(line)
	}
	var actionParser, parser fastjson.Parser
	for len(data) > 0 {
		line := next()
		if len(line) == 0 {
			continue
		}
		if len(items) == maxEvents {
			return bad("more than 100,000 actions")
		}
		if len(line) > maxLine {
			return bad("an action is longer than 1 MiB")
		}
		name, item, ok := action(&actionParser, line, index)
		if !ok {
			return bad("a line that should say what to do with the next one does not")
		}
		item.Status, item.Error = http.StatusBadRequest, &elasticError{"illegal_argument_exception", "only create and index are taken"}
		switch name {
		case "create", "index":
			doc := next()
			if len(doc) > maxLine {
				item.Error = &elasticError{"illegal_argument_exception", "the document is longer than 1 MiB"}
			} else if v, err := parser.ParseBytes(doc); err != nil || v.Type() != fastjson.TypeObject {
				item.Error = &elasticError{"document_parsing_exception", "the document is no JSON object"}
			} else {
				item.Status, item.Result, item.Error = http.StatusCreated, "created", nil
				found.data = appendDocument(found.data, doc, v)
				found.add(document(item.Index, v))
			}
		case "update":
			next()
		}
		items = append(items, map[string]bulkItem{name: item})
	}
	if len(items) == 0 {
		return bad("the body holds no action")
	}
	return found, items, nil
}

// document returns what a shipper says of a document beside what it shipped: the host, as
// its common schema has it, and the time.
func document(index string, v *fastjson.Value) said {
	host := v.GetStringBytes("host", "name")
	if len(host) == 0 {
		host = v.GetStringBytes("host")
	}
	of := said{host: string(host[:min(len(host), maxName)]), name: index}
	if t, err := time.Parse(time.RFC3339, string(v.GetStringBytes("@timestamp"))); err == nil && t.Year() >= 1971 && t.Year() < 2200 {
		of.time = t.UnixNano()
	}
	return of
}

// action reads a line such as {"create":{"_index":"logs"}}.
func action(p *fastjson.Parser, line []byte, index string) (name string, item bulkItem, ok bool) {
	v, err := p.ParseBytes(line)
	if err != nil {
		return "", item, false
	}
	o, err := v.Object()
	if err != nil || o.Len() != 1 {
		return "", item, false
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		name = string(key)
		ok = v.Type() == fastjson.TypeObject && (name == "create" || name == "index" || name == "update" || name == "delete")
		if b := v.GetStringBytes("_index"); len(b) > 0 {
			index = string(b)
		}
		item.ID = string(v.GetStringBytes("_id"))
	})
	if index == "" {
		index = "bulk"
	}
	item.Index = index
	return name, item, ok
}

// appendDocument appends the telemetry that a document is: what a shipper wrapped, if that
// is JSON itself, else the document.
func appendDocument(dst, doc []byte, v *fastjson.Value) []byte {
	message := bytes.TrimSpace(v.GetStringBytes("message"))
	if len(message) > 1 && message[0] == '{' && message[len(message)-1] == '}' && fastjson.ValidateBytes(message) == nil {
		return appendLine(dst, message)
	}
	return append(dst, doc...)
}
