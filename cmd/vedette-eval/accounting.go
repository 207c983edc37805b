package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// tally is the independent account of a set.
type tally struct {
	leaves map[string]counted
	sorts  map[sort]int64 // records of each
}

type counted struct {
	sort    sort
	records int64
	err     error
}

// accounting holds the product's account of every set that has logs against a count of our
// own, file by file.
func accounting(ctx context.Context, b *bench) (r result, err error) {
	all, err := sets(b.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return result{Skipped: "there is no data folder"}, nil
	}
	if err != nil {
		return r, err
	}
	reasons := table{Title: "Why records were rejected", Head: []string{"set", "reason", "records"}}
	wrong := table{Title: "Files on which the counts differ", Head: []string{"file", "is", "counted", "by the product", "rejected"}}
	for _, s := range all {
		t, err := s.tally()
		if err != nil {
			return r, err
		}
		if len(t.sorts) == 0 {
			continue
		}
		b.say("%s", s.Name)
		o, err := b.analyze(ctx, job{}, s.Paths...)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.Name, err)
		}
		r.account(s.Name, t, o, &reasons, &wrong)
	}
	if len(r.Figures) == 0 {
		return result{Skipped: "the data folder has no Zeek or EVE logs"}, nil
	}
	for _, t := range []table{reasons, wrong} {
		if len(t.Rows) > 0 {
			r.Tables = append(r.Tables, t)
		}
	}
	return r, nil
}

// tally counts the records of every log of the set.
func (s set) tally() (tally, error) {
	t := tally{map[string]counted{}, map[sort]int64{}}
	err := s.leaves(func(l leaf) error {
		head, _ := l.Reader.Peek(headSize)
		c := counted{sort: classify(head)}
		if c.sort == noLog { // it counts only if the product thinks otherwise
			c.records, c.err = countLines(l.Reader, false)
		} else {
			c.sort, c.records, c.err = count(l.Reader)
			t.sorts[c.sort] += c.records
		}
		t.leaves[l.Name] = c
		return nil
	})
	return t, err
}

// account compares.
func (r *result) account(name string, t tally, o outcome, reasons, wrong *table) {
	var files, differ, ours, theirs, rejected, breaches, silent int64
	why := map[string]int64{}
	seen := map[string]bool{}
	fail := func(path string, c counted, s sourceLine) {
		if differ++; len(wrong.Rows) < 50 {
			wrong.Rows = append(wrong.Rows, []string{path, string(c.sort), number(float64(c.records)), number(float64(s.Records)), number(float64(s.Rejected))})
		}
	}
	for _, s := range o.Sources {
		c, known := t.leaves[s.Path]
		seen[s.Path] = true
		rejected += s.Rejected
		explained := int64(0)
		for reason, n := range s.Reasons {
			why[reason] += n
			explained += n
		}
		silent += max(0, s.Records-s.Rejected-s.Events)
		if s.Rejected > s.Records || s.Rejected != explained {
			breaches++
		}
		if c.sort == noLog && s.Format == "" {
			continue // both think that it is none
		}
		files++
		ours += c.records
		theirs += s.Records
		if !known || c.records != s.Records {
			fail(s.Path, c, s)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.leaves)) {
		if c := t.leaves[path]; c.sort != noLog && !seen[path] {
			files++
			ours += c.records
			fail(path, c, sourceLine{})
		}
	}
	if o.Summary == nil || o.Summary.Records != total(o.Sources, func(s sourceLine) int64 { return s.Records }) ||
		o.Summary.Rejected != rejected || o.Summary.Events != total(o.Sources, func(s sourceLine) int64 { return s.Events }) {
		breaches++
	}
	r.add(name, "logs", float64(files), "files", t.kinds()).least(1)
	r.add(name, "records", float64(theirs), "records", number(float64(ours))+" by an independent count").least(float64(ours))
	r.add(name, "logs on which the counts differ", float64(differ), "files", "").most(0)
	r.add(name, "rejected", float64(rejected), "records", fmt.Sprintf("for %d reasons", len(why)))
	r.add(name, "decoded but without an event", float64(silent), "records", "at least; such as records of the sensor's own state")
	r.add(name, "breaches of the account", float64(breaches), "sources", "rejected is not the sum of its reasons, or more than received; or the summary is not the sum of the sources").most(0)
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		reasons.Rows = append(reasons.Rows, []string{name, reason, number(float64(why[reason]))})
	}
}

func total(all []sourceLine, of func(sourceLine) int64) (n int64) {
	for _, s := range all {
		n += of(s)
	}
	return n
}

// kinds says how many records of each sort there are.
func (t tally) kinds() string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(t.sorts)) {
		parts = append(parts, fmt.Sprintf("%s %s", number(float64(t.sorts[k])), k))
	}
	return strings.Join(parts, ", ")
}
