package eve

import (
	"bytes"

	"github.com/valyala/fastjson"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/text"
)

// http makes an event of a request with its answer. Version 6 called HTTP/2 an event
// type of its own.
func (d *decoder) http() bool {
	o := d.take("http")
	if o == nil {
		if o = d.take("http2"); o == nil {
			return false
		}
	}
	d.over()
	e, h := d.emit.HTTP(d.head.time)
	d.fill(e)
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "hostname":
			h.Host = d.host(str(v))
		case "url":
			d.target(h, str(v))
		case "http_user_agent":
			h.Agent = d.emit.Text(str(v))
		case "http_content_type":
			h.Type = d.emit.Text(mediaType(str(v)))
		case "http_refer":
			h.Referrer = d.emit.Text(d.lower(decode.Host(str(v))))
		case "http_method":
			h.Method = d.emit.Text(str(v))
		case "status":
			h.Status = uint32(min(num(v), 999))
		case "length":
			h.BytesIn = num(v)
		case "redirect":
			d.add("http.redirect.host", d.lower(decode.Host(str(v))))
		case "request_headers", "response_headers":
			d.keep("http", key, v)
			d.headers(h, v.GetArray())
		default:
			d.keep("http", key, v)
		}
	})
	if string(str(o.Get("http_method"))) == "CONNECT" {
		h.Proxied = 1
	}
	d.common()
	return true
}

func (d *decoder) host(s []byte) text.Ref {
	return d.emit.Text(d.lower(decode.WithoutPort(s)))
}

// target keeps what may be kept of a request target. Only a proxy is asked for a whole
// URL.
func (d *decoder) target(h *event.HTTP, url []byte) {
	if bytes.HasPrefix(url, []byte("/libhtp::")) {
		return // the sensor's own word for a request that it did not see
	}
	decode.Target(h, d.emit, url)
	if i := bytes.Index(url, []byte("://")); i > 0 && i < 10 {
		h.Proxied = 1
	}
}

// headers fills in what HTTP/2 says in headers and EVE not otherwise.
func (d *decoder) headers(h *event.HTTP, a []*fastjson.Value) {
	for _, v := range a[:min(len(a), 64)] {
		value := v.GetStringBytes("value")
		switch string(v.GetStringBytes("name")) {
		case ":authority":
			if h.Host == 0 {
				h.Host = d.host(value)
			}
		case ":method":
			if h.Method == 0 {
				h.Method = d.emit.Text(value)
			}
		case ":path":
			if h.Path.Length == 0 {
				d.target(h, value)
			}
		case ":status":
			if n := digits(value); h.Status == 0 && n > 0 && n < 1000 {
				h.Status = uint32(n)
			}
		case "user-agent":
			if h.Agent == 0 {
				h.Agent = d.emit.Text(value)
			}
		case "content-type":
			if h.Type == 0 {
				h.Type = d.emit.Text(mediaType(value))
			}
		}
	}
}

// mediaType cuts the parameters off: a boundary or file name is content.
func mediaType(s []byte) []byte {
	if i := bytes.IndexByte(s, ';'); i >= 0 {
		s = s[:i]
	}
	return bytes.TrimSpace(s[:min(len(s), 128)])
}
