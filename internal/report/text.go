package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// Options says what the terminal is like.
type Options struct {
	Width  int  // columns; 0 is 80
	Colour bool // whether it shows colours; false when the output is piped
}

// How much fits a screen: the rest is in the page and in the JSON.
const (
	textIncidents = 3 // with all that is to be said
	textTitles    = 12
	textSentences = 6 // of the first, and half as many of the others
	textRefs      = 3
	textFindings  = 10
	textHidden    = 3
	textSources   = 8
)

// Text writes the report for people on a terminal.
func Text(w io.Writer, r Report, o Options) error {
	t := terminal{w: w, width: min(max(o.Width, 40), 100), colour: o.Colour}
	if o.Width == 0 {
		t.width = 80
	}
	t.para("", "", t.style(bold, r.headline()))
	t.para("", "", r.seen())
	t.para("", "", r.promise()+" "+r.learning())
	t.incidents(r)
	t.hidden(r)
	t.findings(r)
	t.sources(r)
	t.summary(r)
	return t.err
}

const (
	bold  = "1"
	quiet = "2"
	act   = "31"
)

// terminal writes lines until one fails.
type terminal struct {
	w      io.Writer
	width  int
	colour bool
	err    error
}

func (t *terminal) line(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, strings.TrimRight(s, " ")+"\n")
	}
}

// style marks a whole paragraph or cell; colours mean nothing that words do not say.
func (t *terminal) style(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// para writes s in lines of the terminal's width. The first begins with head, the
// others with rest, which is as wide.
func (t *terminal) para(head, rest, s string) {
	on, off := "", ""
	if strings.HasPrefix(s, "\x1b[") { // a style of ours holds for all lines
		i := strings.IndexByte(s, 'm') + 1
		on, off = s[:i], "\x1b[0m"
		s = strings.TrimSuffix(s[i:], off)
	}
	at := head
	line, used := "", columns(head)
	for _, word := range strings.Fields(s) {
		n := columns(word)
		if line != "" && used+1+n > t.width {
			t.line(at + on + line + off)
			at, line, used = rest, "", columns(rest)
		}
		if line != "" {
			line += " "
			used++
		}
		line += word
		used += n
	}
	t.line(at + on + line + off)
}

func (t *terminal) title(s string) {
	t.line("")
	t.line(t.style(bold, s))
}

func (t *terminal) incidents(r Report) {
	n := 0
	for _, i := range r.Incidents {
		if !i.Surfaced {
			continue
		}
		n++
		if n == textIncidents+1 {
			t.title("More incidents")
		}
		if n <= textIncidents {
			t.incident(r, i, n)
		} else if n <= textTitles {
			t.oneLine(r, i)
		}
	}
	if n > textTitles {
		t.line("     and " + narrate.Number(float64(n-textTitles)) + " more; --html FILE writes all of them")
	}
}

// oneLine names an incident after its score.
func (t *terminal) oneLine(r Report, i incident.Incident) {
	s := narrate.Title(i, r.Names) + ", " + short(from(i)) + " UTC"
	if i.Hidden != "" && i.Hidden != r.sameReason() {
		s += " (" + narrate.Visible(i.Hidden) + ")"
	}
	t.para(fmt.Sprintf("%3d  ", i.Score), "     ", s)
}

func (t *terminal) incident(r Report, i incident.Incident, n int) {
	story := narrate.Story(i, r.Names)
	t.line("")
	head := strconv.Itoa(n) + "  "
	in := strings.Repeat(" ", len(head))
	t.para(t.style(act, head), in, t.style(bold, story[0].Text))
	t.para(in, in, t.style(quiet, sureness(i)+" · phase: "+phases(i)+" · affected: "+r.affected(i)+
		" · score "+strconv.Itoa(i.Score)+" of 100, 50 is the threshold"))
	most := textSentences
	if n > 1 {
		most /= 2
	}
	said := 0
	for _, s := range story[1:] {
		mark := "–  "
		if strings.HasPrefix(s.Claim, "finding/") {
			if said++; said > most {
				continue
			}
			mark = fmt.Sprintf("%-3s", strconv.Itoa(said)+".")
		} else if n > 1 && s.Claim != "surfaced" && s.Claim != "link/1" {
			continue
		}
		t.para(in+mark, in+"   ", s.Text)
		if len(s.Evidence) > 0 && strings.HasPrefix(s.Claim, "finding/") {
			t.para(in+"   ", in+"   ", t.style(quiet, r.refs(s.Evidence)))
		}
	}
	if said > most {
		t.para(in+"–  ", in+"   ", count(int64(said-most), "later sentence is", "later sentences are")+" left out here.")
	}
}

// refs names at most three records.
func (r Report) refs(all []finding.Ref) string {
	var s []string
	last := ""
	for i, e := range all {
		if i == textRefs {
			return "see " + strings.Join(s, ", ") + " and " + strconv.Itoa(len(all)-textRefs) + " more"
		}
		where := narrate.Visible(r.Names.Where(e))
		path := where[:strings.LastIndexByte(where, '#')+1]
		if path != "" && path == last { // the same file: its place is enough
			where = where[len(path)-1:]
		}
		s, last = append(s, where), path
	}
	return "see " + strings.Join(s, ", ")
}

// hidden names the strongest of what is not shown, so that a quiet report is no riddle.
func (t *terminal) hidden(r Report) {
	n := 0
	for _, i := range r.Incidents {
		if i.Surfaced {
			continue
		}
		if n++; n == 1 {
			t.title("Below the line")
		}
		if n <= textHidden {
			t.oneLine(r, i)
		}
	}
	if n > textHidden {
		t.line("     and " + count(int64(n-textHidden), "other case", "other cases") + " that scored less")
	}
	if n > 0 {
		t.para("", "", t.style(quiet, "The first column is the score; from 50 on, an incident is shown."))
	}
}

func from(i incident.Incident) int64 { at, _ := narrate.Extent(i); return at }

func (t *terminal) findings(r Report) {
	if len(r.Findings) == 0 {
		return
	}
	shown := r.Findings[:min(textFindings, len(r.Findings))]
	title := "Findings"
	if len(shown) < len(r.Findings) {
		title = "Findings (the " + strconv.Itoa(len(shown)) + " strongest of " + narrate.Number(float64(len(r.Findings))) + ")"
	}
	t.title(title)
	rows := [][]string{{"nats", "when, UTC", "entity", "facet", "what"}}
	for _, f := range shown {
		rows = append(rows, []string{
			strconv.FormatFloat(f.Nats, 'f', 1, 64), short(f.From), narrate.Cut(narrate.Name(r.Names, f.Entity), 20),
			f.Facet.String(), narrate.Predicate(f, r.Names),
		})
	}
	t.table(rows, 0)
}

func (t *terminal) sources(r Report) {
	all := r.troubles(func(Source) bool { return true })
	if len(all) == 0 {
		return
	}
	t.title("What could not be read, or not whole")
	for _, x := range all[:min(textSources, len(all))] {
		s := count(x.sources, "source", "sources")
		if x.rejected > 0 {
			s += ", " + narrate.Number(float64(x.rejected)) + " of " + count(x.records, "record", "records") + " rejected"
		}
		such := ", such as "
		if x.sources == 1 {
			such = ", "
		}
		t.para("–  ", "   ", s+": "+x.what+such+x.example)
	}
	if n := len(all) - textSources; n > 0 {
		t.line("   and " + count(int64(n), "other reason", "other reasons"))
	}
}

func (t *terminal) summary(r Report) {
	t.title("Summary")
	decoded := r.Records - r.Rejected
	events := narrate.Number(float64(r.Events))
	if r.Late > 0 {
		events += ", and " + narrate.Number(float64(r.Late)) + " from before what was learned already"
	}
	rows := [][]string{
		{"records", narrate.Number(float64(r.Records)) + " = " + narrate.Number(float64(decoded)) + " decoded + " + narrate.Number(float64(r.Rejected)) + " rejected"},
		{"events", events},
		{"entities", narrate.Number(float64(r.Entities))},
		{"findings", narrate.Number(float64(len(r.Findings)))},
		{"incidents", narrate.Number(float64(len(r.Incidents))) + ", " + narrate.Number(float64(r.surfaced())) + " of them shown"},
		{"learning", narrate.Percent(r.Learning)},
	}
	if r.Seconds > 0 {
		rows = append(rows, []string{"took", narrate.Duration(r.Seconds)})
	}
	for _, row := range rows {
		t.para(fmt.Sprintf("%-11s", row[0]), strings.Repeat(" ", 11), row[1])
	}
	if len(r.Findings) > 0 {
		t.para("", "", t.style(quiet, "`vedette show REF` prints the record that a reference such as path#line leads to."))
	}
}

// table writes rows in columns; those named are aligned to the right. The last column
// takes what is left of the width and is cut where it ends.
func (t *terminal) table(rows [][]string, right ...int) {
	last := len(rows[0]) - 1
	widths := make([]int, last)
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], columns(row[i]))
		}
	}
	for n, row := range rows {
		line := ""
		for i, w := range widths {
			pad := strings.Repeat(" ", w-columns(row[i]))
			if slices.Contains(right, i) {
				line += pad + row[i] + "  "
			} else {
				line += row[i] + pad + "  "
			}
		}
		line += fit(row[last], max(16, t.width-columns(line)))
		if n == 0 {
			line = t.style(quiet, line)
		}
		t.line(line)
	}
}

// fit cuts s to n columns.
func fit(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		if used += wide(r); used > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// columns returns how many columns of a terminal s takes.
func columns(s string) (n int) {
	if len(s) == utf8.RuneCountInString(s) && !strings.Contains(s, "\x1b") {
		return len(s)
	}
	skip := false
	for _, r := range s {
		switch {
		case r == '\x1b':
			skip = true // a style of ours
		case skip:
			skip = r != 'm'
		default:
			n += wide(r)
		}
	}
	return n
}

// wide returns 2 for the scripts that take two columns, 0 for marks that take none.
func wide(r rune) int {
	switch {
	case r >= 0x300 && r < 0x370:
		return 0
	case r >= 0x1100 && r < 0x1160, r >= 0x2e80 && r < 0xa4d0, r >= 0xac00 && r < 0xd7a4,
		r >= 0xf900 && r < 0xfb00, r >= 0xfe30 && r < 0xfe70, r >= 0xff00 && r < 0xff61,
		r >= 0x1f300 && r < 0x1f650, r >= 0x20000 && r < 0x40000:
		return 2
	}
	return 1
}
