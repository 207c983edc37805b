package packet

// fragments keeps the parts of packets until they are whole. It holds so many packets and
// bytes at most; the oldest give way.
type fragments struct {
	packets  map[fragmentKey]*fragmented
	order    []fragmentKey // of arrival of their first part; may name packets that are gone
	bytes    int
	seen     uint64
	torn     uint64
	overlaps uint64
}

type fragmentKey struct {
	from, to Addr
	id       uint32
}

// fragmented is a packet of which parts are missing.
type fragmented struct {
	key   fragmentKey
	at    int64 // of its first part
	data  []byte
	parts []part // in order of their places, apart from each other
	size  int    // of the whole; -1 until its last part is there
}

// part is a range of bytes that is there.
type part struct{ from, to int }

const (
	mostFragmented = 4096
	mostFragments  = 16 << 20        // bytes
	fragmentsWait  = int64(60 * 1e9) // RFC 8200, section 4.5
	mostPacket     = 65535
)

// add keeps a part, and returns the whole when it was the last one. Where parts overlap,
// what came first holds.
func (fs *fragments) add(p *Packet, id uint32, offset int, more bool, data []byte) (whole []byte) {
	fs.seen++
	if offset+len(data) > mostPacket || len(data) == 0 {
		fs.torn++
		return nil
	}
	if fs.packets == nil {
		fs.packets = map[fragmentKey]*fragmented{}
	}
	key := fragmentKey{p.From, p.To, id}
	f := fs.packets[key]
	if f != nil && (p.Time-f.at > fragmentsWait || p.Time < f.at-fragmentsWait) {
		fs.drop(f)
		f = nil
	}
	if f == nil {
		f = &fragmented{key: key, at: p.Time, size: -1}
		fs.packets[key] = f
		fs.order = append(fs.order, key)
	}
	fs.put(f, offset, data)
	if end := offset + len(data); !more && f.size < 0 {
		f.size = end
	}
	if len(f.parts) == 1 && f.parts[0].from == 0 && f.size >= 0 && f.parts[0].to >= f.size {
		fs.forget(f)
		return f.data[:f.size]
	}
	fs.bound()
	return nil
}

// put copies what is new of a part.
func (fs *fragments) put(f *fragmented, offset int, data []byte) {
	end := offset + len(data)
	if grown := end - len(f.data); grown > 0 {
		f.data = append(f.data, make([]byte, grown)...)
		fs.bytes += grown
	}
	at := offset
	var parts []part
	for _, o := range f.parts {
		if o.from < end && o.to > offset {
			for i := max(o.from, offset); i < min(o.to, end); i++ {
				if f.data[i] != data[i-offset] {
					fs.overlaps++
					break
				}
			}
		}
		if at < o.from && at < end {
			copy(f.data[at:min(end, o.from)], data[at-offset:])
		}
		at = max(at, o.to)
	}
	if at < end {
		copy(f.data[at:end], data[at-offset:])
	}
	merged := part{offset, end}
	for _, o := range f.parts {
		switch {
		case o.to < merged.from:
			parts = append(parts, o)
		case o.from > merged.to:
			parts = append(parts, merged)
			merged = o
		default:
			merged = part{min(o.from, merged.from), max(o.to, merged.to)}
		}
	}
	f.parts = append(parts, merged)
}

func (fs *fragments) drop(f *fragmented) {
	fs.torn++
	fs.forget(f)
}

func (fs *fragments) forget(f *fragmented) {
	fs.bytes -= len(f.data)
	delete(fs.packets, f.key)
}

// bound has the oldest packets give way while there are too many.
func (fs *fragments) bound() {
	for (len(fs.packets) > mostFragmented || fs.bytes > mostFragments || len(fs.order) > 4*mostFragmented) && len(fs.order) > 0 {
		key := fs.order[0]
		fs.order = fs.order[1:]
		if f := fs.packets[key]; f != nil {
			fs.drop(f)
		}
	}
}

// waiting returns how many packets are not whole yet.
func (fs *fragments) waiting() uint64 { return uint64(len(fs.packets)) }
