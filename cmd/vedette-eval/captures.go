package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// expectation is what another tool says of a capture: so many records of a sort.
type expectation struct {
	capture string // end of its path, slashes for archives
	what    string // of the sorts below
	test    string // which of the tool's tests says so
	count   int64
}

// captures compares what is made of captures with what their collectors say is in them.
func captures(ctx context.Context, b *bench) (r result, err error) {
	all, err := sets(b.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return result{Skipped: "there is no data folder"}, nil
	}
	if err != nil {
		return r, err
	}
	differ := table{Title: "Captures on which the counts differ", Head: []string{"set", "capture", "sort", "expected", "ours", "why"}}
	for _, s := range all {
		want, err := s.expected()
		if err != nil {
			return r, err
		}
		if len(want) == 0 {
			continue
		}
		b.say("%s", s.Name)
		o, err := b.analyze(ctx, job{}, s.Paths...)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.Name, err)
		}
		r.compare(s.Name, want, o, &differ)
	}
	if len(r.Figures) == 0 {
		return result{Skipped: "the data folder has no captures with expectations"}, nil
	}
	if len(differ.Rows) > 0 {
		r.Tables = append(r.Tables, differ)
	}
	return r, nil
}

// expected reads what is expected of the captures of a set, from the file of that name. Its
// columns say which tool it comes from.
func (s set) expected() (all []expectation, err error) {
	heads := map[string]bool{} // logs whose first line names the columns: a count of lines is one too many
	err = s.leaves(func(l leaf) error {
		name := strings.ReplaceAll(l.Name, "!", "/")
		switch {
		case path.Base(name) == "expected.csv":
			all, err = readExpected(l.Reader)
			return err
		case strings.Contains(name, "/Baseline/"):
			if plainHead(l.Reader) {
				heads[name[strings.Index(name, "/Baseline/")+len("/Baseline/"):]] = true
			}
		}
		return nil
	})
	for i := range all {
		if e := &all[i]; heads[e.test+"/"+e.what] {
			e.count--
		}
	}
	return all, err
}

// readExpected reads the rows that count records, and leaves out those that ask for more.
func readExpected(in *bufio.Reader) (all []expectation, err error) {
	c := csv.NewReader(in)
	c.FieldsPerRecord = -1
	rows, err := c.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	known := sorts()
	add := func(capture, test, what, count string) {
		if n, err := strconv.ParseInt(count, 10, 64); err == nil && known[what] != nil {
			all = append(all, expectation{capture, what, test, n})
		}
	}
	_, zeek := at["trace"]
	_, suricata := at["event_type"]
	for _, row := range rows[1:] {
		switch {
		case len(row) < len(rows[0]):
		case zeek:
			add("Traces/"+row[at["trace"]], row[at["test"]], row[at["log"]], row[at["records"]])
		case suricata && row[at["match"]] == "{}":
			add(row[at["test"]]+"/"+row[at["pcap"]], row[at["test"]], row[at["event_type"]], row[at["count"]])
		}
	}
	return all, nil
}

// plainHead reports whether a log begins with a line that names its columns and is not marked
// as such.
func plainHead(r *bufio.Reader) bool {
	for {
		line, err := r.ReadString('\n')
		if strings.HasPrefix(line, "#") {
			if strings.HasPrefix(line, "#fields") {
				return false
			}
			if err == nil {
				continue
			}
		}
		first, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		return first == "ts" || first == "uid" || first == "id.orig_h" || first == "service"
	}
}

// compare compares. A capture of which different tests expect different counts, since they
// run with different settings, agrees if it does with one of them.
func (r *result) compare(name string, all []expectation, o outcome, differ *table) {
	type key struct{ capture, what string }
	want := map[key][]int64{}
	var order []key
	for _, e := range all {
		k := key{e.capture, e.what}
		if want[k] == nil {
			order = append(order, k)
		}
		want[k] = append(want[k], e.count)
	}
	made := map[string]map[string]int64{} // by the last parts of the path, as many as anybody asks for
	for _, s := range o.Sources {
		if s.Format == "pcap" {
			made[strings.ReplaceAll(s.Path, "!", "/")] = s.Datasets
		}
	}
	agree, of := map[string]int{}, map[string]int{}
	known := sorts()
	for _, k := range order {
		found, ok := capture(made, k.capture)
		if !ok {
			continue // it is not among the data
		}
		n := int64(0)
		for _, d := range known[k.what] {
			n += found[d]
		}
		of[k.what]++
		if slices.Contains(want[k], n) {
			agree[k.what]++
			continue
		}
		differ.Rows = append(differ.Rows, []string{name, k.capture, k.what, fmt.Sprint(want[k]), strconv.FormatInt(n, 10), why(k.capture)})
	}
	var whats []string
	for what := range of { // in any order: they are sorted
		whats = append(whats, what)
	}
	slices.SortFunc(whats, cmp.Compare[string])
	for _, what := range whats {
		r.add(name, what+": counts that agree", 100*float64(agree[what])/float64(of[what]), "%", fmt.Sprintf("%d of %d captures", agree[what], of[what])).least(95)
	}
}

// capture returns what was made of the capture whose path ends so.
func capture(made map[string]map[string]int64, end string) (map[string]int64, bool) {
	for path, m := range made { // in any order: a path has one end
		if strings.HasSuffix(path, "/"+end) {
			return m, true
		}
	}
	return nil, false
}

// why says why a capture's count differs and stays so, where that is known: by the end of its
// name, since what differs is a decision and not an accident of one file.
func why(capture string) string {
	for _, k := range []struct{ part, why string }{
		{"teredo", "a bubble with a payload behind it, of which only the bubble is read"},
		{"ayiya", "inside a tunnel of AYIYA, which is not opened yet"},
		{"mixed-vlan-mpls", "one request is of HTTP/0.9, which is not decoded"},
		{"dns_notify", "a NOTIFY, which tells of zones and makes no event"},
		{"dhcp", "each message makes an event here; there one for an exchange"},
		{"wstunnel", "TLS inside WebSocket, which is not decoded yet"},
		{"syn-data-ignore", "two attempts with one sequence number are one flow here"},
		{"input-http-ack", "that test has Suricata drop the flow"},
		{"webrtc", "DTLS, which is not decoded yet"},
		{"xmpp", "TLS follows STARTTLS of XMPP, which is not decoded yet"},
	} {
		if strings.Contains(strings.ToLower(capture), k.part) {
			return k.why
		}
	}
	return ""
}
