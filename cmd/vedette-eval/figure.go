package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// figure is one measurement.
type figure struct {
	Eval    string   `json:"eval"`
	Set     string   `json:"set"`
	Measure string   `json:"measure"`
	Value   float64  `json:"value"`
	Target  *float64 `json:"target"` // null if none was set
	Unit    string   `json:"unit"`
	Detail  string   `json:"detail"`

	atLeast bool // the target is the least that will do; else the most
}

// result is what an evaluation found.
type result struct {
	Figures []figure `json:"figures"`
	Tables  []table  `json:"tables,omitempty"`
	Skipped string   `json:"-"` // why it did not run, such as data that are not there
}

// table is what a single number can't say.
type table struct {
	Title string     `json:"title"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
}

// add adds a figure without a target.
func (r *result) add(set, measure string, value float64, unit, detail string) *figure {
	r.Figures = append(r.Figures, figure{Set: set, Measure: measure, Value: value, Unit: unit, Detail: detail})
	return &r.Figures[len(r.Figures)-1]
}

// most sets the target of a figure: no more than t.
func (f *figure) most(t float64) { f.Target, f.atLeast = &t, false }

// least sets the target of a figure: no less than t.
func (f *figure) least(t float64) { f.Target, f.atLeast = &t, true }

// met says whether the target was met; nothing if there is none.
func (f *figure) met() string {
	switch {
	case f.Target == nil:
		return ""
	case f.atLeast && f.Value >= *f.Target, !f.atLeast && f.Value <= *f.Target:
		return "met"
	}
	return "missed"
}

// goal writes the target with its direction.
func (f *figure) goal() string {
	switch {
	case f.Target == nil:
		return ""
	case f.atLeast:
		return "≥ " + number(*f.Target)
	}
	return "≤ " + number(*f.Target)
}

// number writes a number for people: a comma every three digits, few decimals.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "none"
	}
	prec := 0
	if a := math.Abs(x); x != math.Trunc(x) {
		switch {
		case a < 1:
			prec = 3
		case a < 100:
			prec = 2
		}
	}
	s := strconv.FormatFloat(x, 'f', prec, 64)
	whole, rest, _ := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest = strings.TrimRight(rest, "0"); rest != "" {
		whole += "." + rest
	}
	return sign + whole
}

// hide takes names of folders of this machine out of what people will read.
func (r *result) hide(folders ...string) {
	clean := func(s *string) {
		for _, f := range folders {
			*s = strings.ReplaceAll(*s, f+"/", "")
			*s = strings.ReplaceAll(*s, f, "")
		}
	}
	for i := range r.Figures {
		clean(&r.Figures[i].Set)
		clean(&r.Figures[i].Detail)
		if v := r.Figures[i].Value; math.IsNaN(v) || math.IsInf(v, 0) { // no number in JSON
			r.Figures[i].Value, r.Figures[i].Detail = -1, "not measurable; "+r.Figures[i].Detail
		}
	}
	for i := range r.Tables {
		for _, row := range r.Tables[i].Rows {
			for j := range row {
				clean(&row[j])
			}
		}
	}
}

// print writes the result, for programs or for people.
func (r *result) print(w io.Writer, name string, asJSON bool) error {
	for i := range r.Figures {
		r.Figures[i].Eval = name
	}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, f := range r.Figures {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	if r.Skipped != "" {
		fmt.Fprintf(&b, "%s: skipped: %s\n", name, r.Skipped)
	}
	for _, f := range r.Figures {
		goal := ""
		if m := f.met(); m != "" {
			goal = fmt.Sprintf("(%s %s)", m, f.goal())
		}
		fmt.Fprintf(&b, "%s | %s | %s: %s %s %s", name, f.Set, f.Measure, number(f.Value), f.Unit, goal)
		if f.Detail != "" {
			fmt.Fprintf(&b, " -- %s", f.Detail)
		}
		b.WriteByte('\n')
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n%s\n\n%s\n", t.Title, t.markdown())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown writes a table as Markdown does.
func (t table) markdown() string {
	var b strings.Builder
	row := func(cells []string) {
		b.WriteByte('|')
		for _, c := range cells {
			b.WriteString(" " + cell(c) + " |")
		}
		b.WriteByte('\n')
	}
	row(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		row(r)
	}
	return b.String()
}

// cell writes text that may come from data so that it stays in its cell.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "'").Replace(s)
}
