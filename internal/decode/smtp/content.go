package smtp

import (
	"bytes"
	"mime"
	"strings"

	"vedette/internal/decode"
)

// Bounds of what is kept of a message.
const (
	mostValue  = 4 << 10 // bytes of a header field, over all its lines
	mostFiles  = 16      // attachments
	mostNested = 8       // multiparts in each other
	mostName   = 255
)

// content is a message as far as it came (RFC 5322, RFC 2045): its head, and what each part
// of its body says of itself.
type content struct {
	subject, from, replyTo, id, agent, date, origin []byte

	files  []part
	carry  []byte // of a line that goes on in the next chunk
	bounds [][]byte
	body   bool // after the head, of the message or of the part at hand
	inside bool // a part, and not the message itself
	field  []byte
	value  []byte
	part   part
}

// part is a part of a body.
type part struct {
	name   []byte
	kind   []byte // media type
	coding coding
	chars  uint64 // of its content that count
}

type coding uint8

const (
	plain coding = iota
	base64
	quoted
)

// size returns how long the content is without its encoding.
func (p *part) size() uint64 {
	switch {
	case p.coding == base64:
		return p.chars * 3 / 4
	case p.coding == plain && p.chars >= 2:
		return p.chars - 2 // the end of the last line belongs to the boundary
	}
	return p.chars
}

// count takes a line of the content.
func (p *part) count(line []byte) {
	switch p.coding {
	case plain:
		p.chars += uint64(len(line)) + 2
	case base64:
		p.chars += uint64(len(bytes.TrimRight(line, "= \t")))
	case quoted:
		soft := bytes.HasSuffix(line, []byte("="))
		if p.chars += uint64(len(line)) - 2*uint64(bytes.Count(line, []byte("="))); soft {
			p.chars++
		} else {
			p.chars += 2
		}
	}
}

// piece takes bytes of a message that comes in chunks.
func (c *content) piece(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		rest := b[len(b):]
		if i >= 0 {
			b, rest = b[:i], b[i+1:]
		}
		c.carry = append(c.carry, b[:min(len(b), decode.MostLine-len(c.carry))]...)
		if b = rest; i >= 0 {
			c.line(bytes.TrimSuffix(c.carry, []byte("\r")))
			c.carry = c.carry[:0]
		}
	}
}

// close takes note that nothing more comes.
func (c *content) close() {
	if len(c.carry) > 0 {
		c.line(c.carry)
		c.carry = nil
	}
	c.took()
	c.ended()
}

// line takes a line.
func (c *content) line(line []byte) {
	switch {
	case c.body:
		if !c.boundary(line) {
			c.part.count(line)
		}
	case len(line) == 0:
		c.took()
		c.body = true
	case line[0] == ' ' || line[0] == '\t':
		if len(c.field) > 0 {
			c.value = append(c.value, line[:min(len(line), mostValue-len(c.value))]...)
		}
	default:
		c.took()
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(name) <= 64 {
			c.field = append(c.field[:0], bytes.ToLower(bytes.TrimSpace(name))...)
			c.value = append(c.value[:0], value[:min(len(value), mostValue)]...)
		}
	}
}

// boundary takes a line if it parts parts (RFC 2046, section 5.1).
func (c *content) boundary(line []byte) bool {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return false
	}
	for i := len(c.bounds) - 1; i >= 0; i-- {
		tail, ok := bytes.CutPrefix(line[2:], c.bounds[i])
		if !ok {
			continue
		}
		switch string(bytes.TrimRight(tail, " \t")) {
		case "":
			c.ended()
			c.bounds, c.body, c.inside = c.bounds[:i+1], false, true
			return true
		case "--":
			c.ended()
			c.bounds = c.bounds[:i]
			return true
		}
	}
	return false
}

// ended takes note that a part has ended. What has a name is an attachment.
func (c *content) ended() {
	if len(c.part.name) > 0 && len(c.files) < mostFiles {
		c.files = append(c.files, c.part)
	}
	c.part = part{}
}

// took takes note that a field of a head has ended.
func (c *content) took() {
	if len(c.field) == 0 {
		return
	}
	value := bytes.TrimSpace(c.value)
	if c.partField(value); !c.inside {
		if to := c.of(string(c.field)); to != nil && *to == nil {
			*to = bytes.Clone(value)
		}
	}
	c.field, c.value = c.field[:0], c.value[:0]
}

// of returns where a field of the message goes.
func (c *content) of(name string) *[]byte {
	switch name {
	case "subject":
		return &c.subject
	case "from":
		return &c.from
	case "reply-to":
		return &c.replyTo
	case "message-id":
		return &c.id
	case "user-agent", "x-mailer":
		return &c.agent
	case "date":
		return &c.date
	case "x-originating-ip":
		return &c.origin
	}
	return nil
}

// partField takes a field that says what a part is (RFC 2045, section 5; RFC 2183).
func (c *content) partField(value []byte) {
	switch string(c.field) {
	case "content-type":
		kind, param := parameters(value)
		c.part.kind = clip(kind, 127)
		if b := param("boundary"); len(b) > 0 && len(b) <= 70 && len(c.bounds) < mostNested && bytes.HasPrefix(kind, []byte("multipart/")) {
			c.bounds = append(c.bounds, []byte(b))
		}
		c.named(param("name"))
	case "content-disposition":
		_, param := parameters(value)
		c.named(param("filename"))
	case "content-transfer-encoding":
		switch string(bytes.ToLower(value)) {
		case "base64":
			c.part.coding = base64
		case "quoted-printable":
			c.part.coding = quoted
		}
	}
}

// named takes the name of a part. Some have their words encoded as in a head (RFC 2047).
func (c *content) named(name string) {
	if name == "" || len(c.part.name) > 0 {
		return
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	c.part.name = clip([]byte(name), mostName)
}

// parameters returns the value of a field, in lower case, and how to find its parameters,
// also in pieces (RFC 2231). What is not well-formed is read as mail programs read it.
func parameters(value []byte) (kind []byte, param func(name string) string) {
	if k, all, err := mime.ParseMediaType(string(value)); err == nil {
		return []byte(k), func(name string) string { return all[name] }
	}
	k, rest, _ := bytes.Cut(value, []byte(";"))
	return bytes.ToLower(bytes.TrimSpace(k)), func(name string) string { return loose(string(rest), name) }
}

// loose finds a parameter where quotes and separators are not as they should be.
func loose(rest, name string) string {
	for part := range strings.SplitSeq(rest, ";") {
		key, v, ok := strings.Cut(part, "=")
		if ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(v, "\" \t")
		}
	}
	return ""
}

// names returns the attachments' names, with commas.
func (c *content) names() []byte {
	var all []byte
	for i := range c.files {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, c.files[i].name...)
	}
	return all
}

// extensions returns those of their extensions that may be kept, with commas.
func (c *content) extensions() []byte {
	var all []byte
	for i := range c.files {
		if ext := decode.Extension(c.files[i].name); len(ext) > 0 {
			if len(all) > 0 {
				all = append(all, ',')
			}
			all = append(all, ext...)
		}
	}
	return all
}
