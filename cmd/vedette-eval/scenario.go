package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// scenario is the logs of one capture of a data set, with what is known about them.
type scenario struct {
	set, name string
	dir       string            // where its logs were written, without the labels
	flows     map[string]truth  // by uid
	refs      map[string]string // "file#line" to uid
	labelled  bool
	logs      int
}

// truth is a flow and its label.
type truth struct {
	flow
	label
}

// title names the scenario.
func (s *scenario) title() string {
	if s.name == "" {
		return s.set
	}
	return s.set + "/" + s.name
}

// piece is a log of a scenario, as the first look at it found it.
type piece struct {
	log      string
	labelled bool
}

// scenarios writes the logs of a set to folders below dir, one for each capture, without
// the labels, so that the product cannot see them.
func (s set) scenarios(l *labels, dir string) ([]*scenario, error) {
	whole := len(l.tables[""]) > 0 // labels that know no files go for all of them
	folderOf := func(name string) string {
		if whole {
			return ""
		}
		return s.folder(name)
	}
	skip, err := s.twins(folderOf)
	if err != nil {
		return nil, err
	}
	found := map[string]*scenario{}
	err = s.leaves(func(lf leaf) error {
		head, _ := lf.Reader.Peek(headSize)
		kind := classify(head)
		if kind == noLog || skip[lf.Name] {
			return nil
		}
		where := folderOf(lf.Name)
		sc := found[where]
		if sc == nil {
			sc = &scenario{set: s.Name, name: where, flows: map[string]truth{}, refs: map[string]string{}, dir: filepath.Join(dir, fmt.Sprint(len(found)))}
			found[where] = sc
			if err := os.MkdirAll(sc.dir, 0o755); err != nil {
				return err
			}
		}
		return sc.take(lf, kind, l)
	})
	var all []*scenario
	for _, where := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[where])
	}
	return all, err
}

// twins finds logs that stand twice in a folder, with labels and without: those with.
func (s set) twins(folderOf func(string) string) (map[string]bool, error) {
	pieces := map[string]piece{}
	plain := map[string]bool{} // folder and log of those without labels
	err := s.leaves(func(lf leaf) error {
		head, _ := lf.Reader.Peek(headSize)
		kind := classify(head)
		if kind != zeekColumns {
			return nil
		}
		p := piece{}
		z := zeekLog{kind: kind}
		err := z.read(bufio.NewReader(bytes.NewReader(head)), func(r *row) error {
			p = piece{r.Log, p.labelled || slices.Contains(r.names, "label")}
			return nil
		})
		pieces[lf.Name] = p
		if !p.labelled {
			plain[folderOf(lf.Name)+"\n"+p.log] = true
		}
		return err
	})
	skip := map[string]bool{}
	for name, p := range pieces { // in any order: it goes from map to map
		skip[name] = p.labelled && plain[folderOf(name)+"\n"+p.log]
	}
	return skip, err
}

// take writes a log without its labels, and remembers what they said.
func (sc *scenario) take(lf leaf, kind sort, l *labels) error {
	sc.logs++
	name := fmt.Sprintf("%d-%s", sc.logs, strings.NewReplacer(":", ".", "!", ".").Replace(filepath.Base(lf.Name)))
	f, err := os.Create(filepath.Join(sc.dir, name))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	if kind == eveJSON {
		_, err = out.ReadFrom(lf.Reader)
	} else {
		z := zeekLog{kind: kind}
		z.onLine = func(line []byte, r *row) error {
			if r != nil {
				sc.learn(name, r, l)
			}
			_, err := out.Write(z.strip(line, r != nil))
			return err
		}
		err = z.read(lf.Reader, nil)
	}
	for _, e := range []error{out.Flush(), f.Close()} {
		if err == nil {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", lf.Name, err)
	}
	return nil
}

// learn remembers a record: which flow it is of, and what is said about it.
func (sc *scenario) learn(file string, r *row, l *labels) {
	uid := r.get("uid")
	if uid == "" {
		return
	}
	sc.refs[fmt.Sprintf("%s#%d", file, r.Line)] = uid
	x, ok := l.of(sc.name, r)
	sc.labelled = sc.labelled || ok
	old, seen := sc.flows[uid]
	if seen && (old.Label != "" || !ok) && old.Orig != "" {
		return
	}
	sc.flows[uid] = truth{r.flow(), x}
}

// strip returns a line without labels.
func (z *zeekLog) strip(line []byte, record bool) []byte {
	text := strings.TrimRight(string(line), "\r\n")
	if z.kind == zeekJSON {
		var o map[string]json.RawMessage
		if !record || z.row.keys["label"] == "" || json.Unmarshal(line, &o) != nil {
			return line
		}
		maps.DeleteFunc(o, func(k string, _ json.RawMessage) bool { return isLabel(k) })
		b, err := json.Marshal(o)
		if err != nil {
			return line
		}
		return append(b, '\n')
	}
	at := slices.IndexFunc(z.row.names, isLabel)
	header := !record && (strings.HasPrefix(text, "#fields") || strings.HasPrefix(text, "#types"))
	if at < 0 || !record && !header {
		return line
	}
	more := 0
	if header {
		at, more = at+1, 1
	}
	all := z.split(text, len(z.row.names)+more)
	if len(all) <= at {
		return line
	}
	return append([]byte(strings.Join(all[:at], z.sep)), '\n') // labels stand last
}

func isLabel(name string) bool {
	switch name {
	case "label", "detailedlabel", "detailed-label", "detailed_label":
		return true
	}
	return false
}
