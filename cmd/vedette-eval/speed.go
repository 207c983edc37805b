package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
)

// speed measures how fast the product is on one core, from reading Zeek's JSON to the end
// of its report, and on all of them.
func speed(ctx context.Context, b *bench) (r result, err error) {
	w, err := b.generate(ctx, workload{Lines: b.Lines, Entities: b.Entities, Days: b.Days})
	if err != nil {
		return r, err
	}
	defer w.remove()
	t := table{Title: "Runs", Head: []string{"run", "seconds", "CPU seconds", "events/s", "peak MiB"}}
	var rates, cpus, peaks []float64
	for i := range b.Runs {
		o, err := b.timed(ctx, w, job{oneCore: true})
		if err != nil {
			return r, err
		}
		rates = append(rates, float64(w.Lines)/o.Seconds)
		cpus = append(cpus, o.CPU)
		peaks = append(peaks, float64(o.Peak>>20))
		t.add(fmt.Sprintf("one core, %d", i+1), w, o)
	}
	all, err := b.timed(ctx, w, job{})
	if err != nil {
		return r, err
	}
	t.add("all cores", w, all)
	slices.Sort(rates)
	slices.Sort(cpus)
	name := w.String()
	n := len(rates)
	r.add(name, "one core, end to end", middle(rates), "events/s", fmt.Sprintf("median of %d runs, from %s to %s; whole process, wall clock", n, number(rates[0]), number(rates[n-1]))).least(400_000)
	r.add(name, "one core, by its CPU time", float64(w.Lines)/middle(cpus), "events/CPU s", fmt.Sprintf("%s CPU seconds; what others do on the machine shows less in it", number(middle(cpus))))
	r.add(name, "peak memory on one core", slices.Max(peaks), "MiB", "resident")
	r.add(name, "all cores, end to end", float64(w.Lines)/all.Seconds, "events/s", "one run, with nothing set")
	r.add(name, "peak memory on all cores", float64(all.Peak>>20), "MiB", "resident")
	r.Tables = append(r.Tables, t)
	lengths, err := b.lengthTable(w)
	r.Tables = append(r.Tables, lengths)
	return r, err
}

func (t *table) add(run string, w workload, o outcome) {
	t.Rows = append(t.Rows, []string{run, number(o.Seconds), number(o.CPU), number(float64(w.Lines) / o.Seconds), number(float64(o.Peak >> 20))})
}

// timed runs the product on a workload, and sees to it that it read all of it.
func (b *bench) timed(ctx context.Context, w workload, j job) (outcome, error) {
	o, err := b.analyze(ctx, j, w.dir)
	if err != nil {
		return o, err
	}
	if o.Exit != 0 || o.Summary == nil || o.Summary.Events != w.Lines {
		return o, fmt.Errorf("on %s: exit code %d, summary %+v", w, o.Exit, o.Summary)
	}
	b.say("%s: %.1f s, %s events/s, %d MiB", w, o.Seconds, number(float64(w.Lines)/o.Seconds), o.Peak>>20)
	return o, nil
}

// lengthTable shows how long generated lines are beside real ones.
func (b *bench) lengthTable(w workload) (table, error) {
	t := table{Title: "Lengths of lines in bytes, beside those of the conn logs in the data (columns written as JSON)", Head: []string{"lines", "number", "10 %", "50 %", "90 %", "99 %", "mean"}}
	row := func(name string, all []float64) {
		if len(all) == 0 {
			return
		}
		sum := 0.0
		for _, x := range all {
			sum += x
		}
		at := func(p float64) string { return number(all[int(p*float64(len(all)-1))]) }
		t.Rows = append(t.Rows, []string{name, number(float64(len(all))), at(0.1), at(0.5), at(0.9), at(0.99), number(sum / float64(len(all)))})
	}
	row("generated", w.lengths(min(100_000, int(w.Lines))))
	all, err := sets(b.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	for _, s := range all {
		lengths, err := s.connLengths()
		if err != nil {
			return t, err
		}
		row(s.Name, lengths)
	}
	return t, nil
}

// connLengths returns how long the lines of the conn logs of a set are as JSON.
func (s set) connLengths() (all []float64, err error) {
	err = s.leaves(func(l leaf) error {
		head, _ := l.Reader.Peek(headSize)
		kind := classify(head)
		if kind != zeekColumns && kind != zeekJSON {
			return nil
		}
		z := zeekLog{kind: kind}
		err := z.read(l.Reader, func(r *row) error {
			if r.Log == "conn" {
				all = append(all, float64(r.jsonLength()))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		return nil
	})
	slices.Sort(all)
	return all, err
}

// jsonLength returns how long a line with the record is.
func (r *row) jsonLength() int {
	n := len("{}\n") - 1
	one := func(name, value string) {
		n += len(`"":,`) + len(name) + len(value)
		if _, err := strconv.ParseFloat(value, 64); err != nil && !json.Valid([]byte(value)) {
			n += len(`""`)
		}
	}
	if r.keys != nil {
		for k, v := range r.keys {
			one(k, v)
		}
		return n
	}
	for i, name := range r.names {
		switch v := r.value; {
		case i >= len(v), v[i] == "-", v[i] == "(empty)":
		case v[i] == "T":
			one(name, "true")
		case v[i] == "F":
			one(name, "false")
		default:
			one(name, v[i])
		}
	}
	return n
}
