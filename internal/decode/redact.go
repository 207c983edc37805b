package decode

import (
	"bytes"
	"strconv"

	"vedette/internal/event"
	"vedette/internal/text"
)

// Shape proves nothing about content: a patient's name looks like a file name, a path
// segment or a keyword. So what is kept of such fields is a closed list, and lengths and
// keyed hashes of the rest.

// Target fills in what is kept of a request target or URL: the length and hash of its
// path and query, and the extension if it is on the closed list.
func Target(h *event.HTTP, emit *event.Emit, target []byte) {
	if i := bytes.Index(target, []byte("://")); i >= 0 && i < 10 {
		target = target[i+3:]
		if j := bytes.IndexByte(target, '/'); j >= 0 {
			target = target[j:]
		} else {
			target = nil
		}
	}
	path, query, _ := bytes.Cut(target, []byte("?"))
	h.Path, h.Query = emit.Blind(path), emit.Blind(query)
	h.Extension = emit.Text(Extension(path))
}

// FileName fills in what is kept of a file's name or path.
func FileName(f *event.File, emit *event.Emit, name []byte) {
	f.Name = emit.Blind(name)
	f.Extension = emit.Text(Extension(name))
}

// Host returns the host of a URL, without user, port and path; nil if there is none.
func Host(url []byte) []byte {
	if i := bytes.Index(url, []byte("://")); i >= 0 {
		url = url[i+3:]
	}
	if i := bytes.IndexAny(url, "/?#"); i >= 0 {
		url = url[:i]
	}
	if i := bytes.LastIndexByte(url, '@'); i >= 0 {
		url = url[i+1:]
	}
	return WithoutPort(url)
}

// WithoutPort returns host without ":port" and without the brackets of an IPv6 literal.
func WithoutPort(host []byte) []byte {
	if len(host) > 0 && host[0] == '[' {
		if i := bytes.IndexByte(host, ']'); i > 0 {
			return host[1:i]
		}
		return host
	}
	if i := bytes.IndexByte(host, ':'); i >= 0 && bytes.Count(host, []byte(":")) == 1 {
		return host[:i]
	}
	return host
}

// Extension returns the extension of a name if it is on the closed list, else nil. The
// list is what detectors ask about: programs, scripts, archives, documents, images. It is
// in lower case, whatever the name is in.
func Extension(name []byte) []byte {
	i := bytes.LastIndexByte(name, '.')
	if i < 0 || len(name)-i-1 > len("torrent") {
		return nil
	}
	var low [8]byte
	ext := append(low[:0], name[i+1:]...)
	for i, c := range ext {
		if 'A' <= c && c <= 'Z' {
			ext[i] = c + 'a' - 'A'
		}
	}
	switch e := string(ext); e {
	case "exe", "dll", "sys", "scr", "com", "msi", "bat", "cmd", "ps1", "vbs", "js", "jse", "wsf", "hta", "lnk", "jar", "sh", "py", "elf", "so",
		"php", "asp", "aspx", "jsp", "cgi", "pl", "html", "htm", "css", "xml", "json", "txt", "csv", "log", "ini", "inf", "reg",
		"zip", "rar", "7z", "gz", "tar", "cab", "iso", "img", "vhd", "vhdx", "bak", "tmp", "dmp", "dit", "hiv", "kirbi",
		"doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "pptm", "rtf", "pdf", "one", "eml", "msg",
		"png", "jpg", "jpeg", "gif", "bmp", "ico", "svg", "webp", "mp3", "mp4", "dcm", "hl7", "torrent", "apk", "bin", "dat", "db", "sql":
		return []byte(e)
	}
	return nil
}

// Extra keeps a field that the type of the event has no place for. Fields whose names say
// that they hold content, secrets or names of files and people's documents are blinded.
func Extra(emit *event.Emit, name, value []byte) { Keep(emit, name, value, Sensitive(name)) }

// Keep is [Extra] for decoders that asked [Sensitive] once about a column, not at every
// value.
func Keep(emit *event.Emit, name, value []byte, sensitive bool) {
	if len(value) == 0 {
		return
	}
	if sensitive || len(value) > maxExtra {
		var buf [64]byte
		value = appendBlinded(buf[:0], emit, value)
	}
	emit.Extra(name, value)
}

const maxExtra = 512 // bytes; a longer value is content, whatever its name says

// Blinded returns a text that stands for value: its length and keyed hash.
func Blinded(emit *event.Emit, value []byte) []byte { return appendBlinded(nil, emit, value) }

func appendBlinded(dst []byte, emit *event.Emit, value []byte) []byte {
	b := emit.Blind(value)
	dst = strconv.AppendUint(append(dst, "blinded "...), b.Length, 10)
	return strconv.AppendUint(append(dst, " bytes #"...), b.Hash, 16)
}

// Sensitive reports whether a field of that name may hold secrets, content, or what
// names a patient. It goes by the last part of a dotted name.
func Sensitive(name []byte) bool {
	if i := bytes.LastIndexByte(name, '.'); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	for _, word := range sensitive() {
		if len(name) >= len(word) && containsFold(name, word) {
			return true
		}
	}
	return false
}

func sensitive() []string {
	return []string{
		"passw", "secret", "token", "cookie", "authorization", "payload", "packet", "body", "content_data",
		"uri", "url", "path", "query_string", "referrer", "refer", "filename", "file_name", "subject", "patient",
		"message_text", "arg", "params", "community", "data_raw", "printable",
	}
}

// containsFold reports whether s contains word, which is in lower case, in any case.
func containsFold(s []byte, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		j := 0
		for j < len(word) && s[i+j]|0x20 == word[j]|0x20 {
			j++
		}
		if j == len(word) {
			return true
		}
	}
	return false
}

// Lower returns s in lower case ASCII, in s's own memory if nothing changes and else in
// buf's.
func Lower(buf, s []byte) []byte {
	for i, c := range s {
		if 'A' <= c && c <= 'Z' {
			buf = append(buf[:0], s...)
			for ; i < len(buf); i++ {
				if c := buf[i]; 'A' <= c && c <= 'Z' {
					buf[i] = c + 'a' - 'A'
				}
			}
			return buf
		}
	}
	return s
}

// LinkOf returns the link of records that share a connection identifier.
func LinkOf(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	return text.Hash(1, id)
}
