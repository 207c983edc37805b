package zeek

import (
	"bytes"

	"vedette/internal/decode"
	"vedette/internal/event"
)

func http(r *record, at int64) error {
	h, p := r.emit.HTTP(at)
	if err := r.head(h); err != nil {
		return err
	}
	r.emit.Trust(event.Handshake)
	method, host, target := r.text(cMethod), decode.WithoutPort(r.lower(cHost)), r.text(cURI)
	switch {
	case string(method) == "CONNECT":
		// The target is the host and port that the proxy is to connect to: no path.
		p.Proxied = 1
		if len(host) == 0 {
			host = decode.WithoutPort(r.lowered(target))
		}
	case len(target) > 0:
		if target[0] != '/' && bytes.Contains(target[:min(len(target), 12)], []byte("://")) {
			p.Proxied = 1
		}
		decode.Target(p, r.emit, target)
	}
	p.Method = r.emit.Text(method)
	p.Host = r.emit.Text(host)
	p.Agent = r.put(cUserAgent)
	p.Referrer = r.emit.Text(decode.Host(r.lower(cReferrer)))
	p.Type = r.emit.Text(r.first(cRespMimeTypes))
	p.BytesOut, p.BytesIn = r.count(cRequestBodyLen), r.count(cResponseBodyLen)
	p.Status = uint32(min(r.count(cStatusCode), 1<<32-1))
	// Records of files name the connection, so they need not be named here. Who signs in
	// with a password in the clear is not kept, and neither is the password.
	r.dropOnly(cTransDepth, "1")
	r.dropOnly(cVersion, "1.1")
	r.drop(cUsername, cPassword, cOrigFUIDs, cRespFUIDs, cStatusMsg)
	return nil
}
