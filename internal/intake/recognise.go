package intake

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"vedette/internal/decode"
)

func isEnd(err error) bool { return err == io.EOF }

// end accounts for how the item ended.
func (r *reader) end(err error) {
	s := &r.s
	if !isEnd(err) {
		s.Status, s.Error = Partly, err.Error()
		if s.Decoded == 0 {
			s.Status = Unreadable
		}
		return
	}
	if s.Records > 0 && s.Decoded == 0 {
		s.Status = Unreadable
		s.Error = fmt.Sprintf("it looks like %s, but none of its %d records could be understood, most because: %s", s.Format, s.Records, s.most())
	}
}

// most returns the most frequent reason for rejection.
func (s *Source) most() (most decode.Reason) {
	for why, n := range s.Rejected {
		if m := s.Rejected[most]; n.Count > m.Count || n.Count == m.Count && (most == "" || why < most) {
			most = why
		}
	}
	return most
}

// Recognise returns the decoder for what begins with head, if one knows it.
func (in Intake) Recognise(head []byte) (decode.Kind, bool) { return recognise(in.Decoders, head) }

// recognise returns the first decoder that knows what begins with head.
func recognise(all []decode.Kind, head []byte) (decode.Kind, bool) {
	i := slices.IndexFunc(all, func(k decode.Kind) bool { return sniff(k, head) })
	if i < 0 {
		return decode.Kind{}, false
	}
	return all[i], true
}

// sniff asks a decoder, and survives it.
func sniff(k decode.Kind, head []byte) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return k.Sniff(head)
}

// strange says what an item is that no decoder knows.
func strange(name string, head []byte) (Status, string) {
	if bystander(name) {
		return NotTelemetry, "by its name a description, a label, a setting or source code"
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, "\r\n"), []byte(">== Total ===")) {
		return NotTelemetry, "a summary that Zeek writes of its other logs"
	}
	for _, m := range magics() {
		if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.magic)) {
			return NotRecognised, m.what
		}
	}
	if mail(head) {
		return NotRecognised, "an e-mail message: this version reads logs only"
	}
	if isBinary(head) {
		return NotRecognised, "format not recognised: it is binary"
	}
	return NotRecognised, described(head)
}

// bystander reports whether an item goes by a name that things have which lie beside
// telemetry and are none. The content was looked at before: a log may have any name.
func bystander(name string) bool {
	if i := strings.LastIndexByte(name, '!'); i >= 0 {
		name = name[i+1:]
	}
	name = strings.ToLower(path.Base(name))
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	for _, pattern := range bystanders() {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// bystanders are patterns of lower-case names without .gz and .zst: what describes, labels,
// checks or configures a set of data, what systems leave about, and source code.
func bystanders() []string {
	return []string{
		"readme*", "license*", "licence*", "copying*", "authors*", "changelog*", "makefile", "dockerfile", "*.md", "*.rst",
		"labels.csv", "labels.config", "*-labels.csv", "*_labels.csv", "expected.csv", "expected-*.csv", "*-reference.csv",
		"sha256sums*", "md5sums*", "*.sha256", "*.md5", "*.sig", "*.asc",
		"*.yaml", "*.yml", "*.toml", "*.ini", "*.cfg", "*.conf", "*.rules", "*.mod", "*.sum",
		"*.go", "*.py", "*.sh", "*.c", "*.h", "*.js", "*.css", "*.html", "*.ipynb", "*.zeek", "*.lua", "*.rb", "*.ps1",
		".gitignore", ".gitattributes", ".gitkeep", ".ds_store", "._*", "thumbs.db", "desktop.ini",
	}
}

// magic is how a kind of file begins that this version does not read.
type magic struct {
	at    int
	magic string
	what  string
}

func magics() []magic {
	const (
		other  = ": not telemetry that this version can read"
		packed = ": this version unpacks gzip, zstd, zip and tar"
	)
	return []magic{
		{128, "DICM", "a DICOM object" + other}, // first: before it anything may stand
		{0, "snoop\x00\x00\x00", "a capture in the format of snoop: this version reads pcap and pcapng"},
		{0, "ElfFile\x00", "a Windows event log (EVTX): this version does not read them"},
		{0, "LfLe", "a Windows event log (EVT): this version does not read them"},
		{4, "LfLe", "a Windows event log (EVT): this version does not read them"},
		{0, "%PDF", "a PDF document" + other},
		{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document, or an Outlook message" + other},
		{0, "{\\rtf", "an RTF document" + other},
		{0, "\x89PNG", "an image" + other},
		{0, "\xff\xd8\xff", "an image" + other},
		{0, "GIF8", "an image" + other},
		{0, "II*\x00", "an image" + other},
		{0, "\x7fELF", "a program" + other},
		{0, "MZ", "a program" + other},
		{0, "\xcf\xfa\xed\xfe", "a program" + other},
		{0, "\xca\xfe\xba\xbe", "a program" + other},
		{0, "SQLite format 3\x00", "an SQLite database" + other},
		{0, "PAR1", "a Parquet file: this version does not read them"},
		{0, "MSH|", "HL7 messages: this version does not read them from files"},
		{0, "BZh", "packed by bzip2" + packed},
		{0, "\xfd7zXZ\x00", "packed by xz" + packed},
		{0, "\x04\x22\x4d\x18", "packed by lz4" + packed},
		{0, "7z\xbc\xaf\x27\x1c", "packed by 7-Zip" + packed},
		{0, "Rar!\x1a\x07", "packed by RAR" + packed},
		{0, "\x1f\x9d", "packed by compress" + packed},
	}
}

// isBinary reports whether head is no text: it holds a NUL, or much that is no UTF-8 or
// control characters.
func isBinary(head []byte) bool {
	bad, n := 0, 0
	for rest := head; len(rest) > 0; n++ {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == 0:
			return true
		case r == utf8.RuneError && size == 1 && len(rest) >= utf8.UTFMax, r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != 0x1b:
			bad++
		}
		rest = rest[size:]
	}
	return bad*10 > n
}

// described says what a text looks like that no decoder knows.
func described(head []byte) string {
	line, rest, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	switch {
	case len(line) == 0:
		return "format not recognised: it holds blank lines only"
	case line[0] == '{' || line[0] == '[':
		return "format not recognised: it is JSON, of no sort that this version knows"
	case line[0] == '<' && len(line) > 2 && '0' <= line[1] && line[1] <= '9':
		return "format not recognised: it looks like syslog, which this version does not read from files"
	case line[0] == '<':
		return "format not recognised: it is XML or HTML"
	case bytes.HasPrefix(line, []byte("CEF:")) || bytes.HasPrefix(line, []byte("LEEF:")):
		return "format not recognised: it looks like CEF or LEEF, which this version does not read from files"
	}
	for _, comma := range []string{",", ";", "\t"} {
		if n := bytes.Count(line, []byte(comma)); n > 0 && (len(second) == 0 || bytes.Count(second, []byte(comma)) == n) {
			return "format not recognised: it looks like a table (CSV), of no sort that this version knows"
		}
	}
	return "format not recognised"
}

// mail reports whether head begins an e-mail message: with a block of headers, among them
// some that every message has.
func mail(head []byte) bool {
	known := 0
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		name, _, ok := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0:
			return known > 1
		case line[0] == ' ' || line[0] == '\t' || bytes.HasPrefix(line, []byte("From ")): // goes on, or begins an mbox
			continue
		case !ok || bytes.ContainsAny(name, " \t,;{\"|/"):
			return known > 3
		}
		switch strings.ToLower(string(name)) {
		case "received", "return-path", "delivered-to", "from", "to", "date", "subject", "message-id", "mime-version", "content-type":
			known++
		}
	}
	return known > 1
}
