package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Labels: what the authors of a data set say about its flows. They stand in tables (CSV)
// with the columns uid and label beside or inside an archive, in columns of the logs
// themselves, or, for want of those, in a sentence of a README such as "Malicious
// connections at 1337/TCP port".

// label is what is said about one flow.
type label struct{ Label, Detail string }

func (l label) bad() bool { return strings.EqualFold(l.Label, "malicious") }

// labels are those of a data set.
type labels struct {
	tables map[string]map[string]label // by folder of the log, or "" for all, and uid
	ports  map[string]string           // by folder: "1337/tcp", from a README
	inline map[string]bool             // folders whose logs have a column of labels
	opened bool                        // a log of connections that are still open is among the logs
}

// found reports whether there are any.
func (l *labels) found() bool { return len(l.tables)+len(l.ports)+len(l.inline) > 0 }

// folder returns the folder of a log within its data set: what comes after the archive,
// less a first folder of the archive's own name.
func (s set) folder(name string) string {
	for _, p := range s.Paths {
		if rest, ok := strings.CutPrefix(name, filepath.ToSlash(p)); ok && rest != "" && strings.IndexByte("!/", rest[0]) >= 0 {
			name = strings.TrimLeft(rest, "!/")
			break
		}
	}
	own := s.Name[strings.LastIndexByte(s.Name, '/')+1:]
	dir := path.Dir(strings.ReplaceAll(name, "!", "/"))
	dir = strings.TrimPrefix(dir+"/", own+"/")
	return strings.Trim(dir, "/")
}

var badPort = regexp.MustCompile(`(?i)\bmalicious\b[^.\n]*?\b(\d{1,5})/(tcp|udp)\b`)

// labels looks for everything that is said about the set's flows.
func (s set) labels() (*labels, error) {
	all := &labels{map[string]map[string]label{}, map[string]string{}, map[string]bool{}, false}
	err := s.leaves(func(l leaf) error {
		head, err := l.Reader.Peek(headSize)
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return nil // broken: the product may say so, here it is of no use
		}
		base := strings.ToLower(path.Base(strings.ReplaceAll(l.Name, "!", "/")))
		kind := classify(head)
		switch {
		case kind == zeekColumns || kind == zeekJSON:
			z := zeekLog{kind: kind}
			err := z.read(bufio.NewReader(strings.NewReader(string(head))), func(r *row) error {
				all.opened = all.opened || r.Log == "open_conn"
				if r.get("label") != "" {
					all.inline[s.folder(l.Name)] = true
				}
				return nil
			})
			return err
		case strings.HasPrefix(base, "readme"):
			if m := badPort.FindStringSubmatch(string(head)); m != nil {
				all.ports[s.folder(l.Name)] = m[1] + "/" + strings.ToLower(m[2])
			}
		default:
			return all.table(l.Reader)
		}
		return nil
	})
	return all, err
}

// table reads a table of labels, if it is one.
func (l *labels) table(r *bufio.Reader) error {
	first, _ := r.Peek(1024)
	line, _, _ := strings.Cut(string(first), "\n")
	columns := strings.Split(strings.TrimRight(line, "\r"), ",")
	at := func(name string) int { return slices.Index(columns, name) }
	uid, is, detail, file := at("uid"), at("label"), at("detailedlabel"), at("file")
	if uid < 0 || is < 0 {
		return nil
	}
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.ReuseRecord, c.LazyQuotes = true, true
	for n := 0; ; n++ {
		row, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		get := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			return strings.Clone(row[i])
		}
		if n == 0 || get(uid) == "" || get(is) == "" {
			continue
		}
		dir := ""
		if file >= 0 {
			dir = strings.Trim(path.Dir(get(file)), "/.")
		}
		if l.tables[dir] == nil {
			l.tables[dir] = map[string]label{}
		}
		l.tables[dir][get(uid)] = label{get(is), strings.Trim(get(detail), "-")}
	}
}

// of returns what is said about a record of a log in a folder.
func (l *labels) of(dir string, r *row) (label, bool) {
	uid := r.get("uid")
	for _, d := range []string{dir, ""} {
		if x, ok := l.tables[d][uid]; ok && uid != "" {
			return x, true
		}
	}
	if is := r.get("label"); is != "" {
		return label{is, r.get("detailedlabel") + r.get("detailed-label")}, true
	}
	if port := l.ports[dir]; port != "" {
		f := r.flow()
		if f.Port+"/"+f.Proto == port {
			return label{"Malicious", "port " + port}, true
		}
		return label{"Unlabelled", ""}, true
	}
	return label{}, false
}
