package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strconv"

	"vedette/internal/look"
	"vedette/internal/narrate"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

// How much is in the page. What is left out is said, and is in the JSON.
const (
	pageCases    = 50  // incidents in full
	pageHidden   = 30  // those not shown to people, folded
	pageRows     = 200 // of each table
	pageRecords  = 5   // behind a sentence
	pageAllTold  = 500 // records in all
	pageValue    = 120 // characters of a value
	pageEntities = 12
	pageContents = 10
	pageOthers   = 10
	pageSources  = 40
)

// HTML writes the report as one file that needs nothing else: no network, no script.
func HTML(w io.Writer, r Report) error {
	t, err := template.New("page").Parse(pageSource)
	if err == nil {
		t, err = t.Parse(look.GraphTemplate)
	}
	if err != nil {
		return err
	}
	b := builder{Report: r, records: pageAllTold}
	return t.Execute(w, b.page())
}

type page struct {
	CSP          string
	CSS          template.CSS
	Headline     string
	Seen         string
	Promise      string
	Learning     string
	Progress     string // percent
	Learned      bool
	Contents     []caseRow // when there is more than one incident
	ContentsLeft int
	Cases        []caseView
	More         []caseRow // shown to people, but not in full here
	Hidden       []caseView
	Reason       string    // why they are not, if it is the same for all
	Rest         []caseRow // not shown to people, and not in full
	Findings     []findingRow
	Sources      []sourceRow
	Folder       string    // that all sources are in
	Small        sourceRow // the sources that have no row of their own
	Unread       []unreadRow
	Others       []cell // some of those that are not telemetry
	Aside        int    // how many those are
	Total        sourceRow
	Glossary     []term
	Left         []string
}

type caseRow struct {
	Anchor, Title, When, Hidden string
	Score                       int
}

type caseView struct {
	caseRow
	Number                int
	Sentence              string
	Sure, Phase, Affected string
	From, To              string
	Entities              []string
	EntitiesLeft          int
	Picture               picture
	Graph                 look.Graph
	Happened, Because     []sentenceView
	Risk, Threshold       string
	Formula               string // of the score, if it is that
	Facets                []facetRow
	Surfaced, Told        bool // Told: there are sentences with arithmetic
}

type sentenceView struct {
	Number   int
	Text     string
	Proof    proof
	Steps    []narrate.Step
	Repeated int
}

// proof is the records behind a sentence, side by side.
type proof struct {
	Label string
	First string
	Refs  []cell
	Rows  []proofRow
	Left  int
	None  bool // the records cannot be had
}

type proofRow struct {
	Name  string
	Cells []cell
}

// cell is a value, cut if it is long; then Full holds all of it.
type cell struct{ Text, Full string }

type facetRow struct{ Name, Nats, Width string }

type findingRow struct {
	Nats, When, Facet, Why string
	Entity, What           cell
	Refs                   []string
	Left                   int
}

type sourceRow struct {
	Path                                cell
	Format, Records, Decoded, Rejected  string
	Events, From, To, Complaint, Status string
	Wrong                               bool
}

type unreadRow struct {
	Sources, Why string
	Example      cell
}

type builder struct {
	Report
	records int // how many may still be put in
}

func (b *builder) page() page {
	style := look.Tokens + look.GraphStyle + pageStyle
	sum := sha256.Sum256([]byte(style))
	p := page{
		CSP: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		CSS: template.CSS(style), Headline: b.headline(), Seen: b.seen(), Promise: b.promise(), Learning: b.learning(),
		Progress: percent(100 * min(1, max(0, b.Report.Learning))), Learned: b.Report.Learning >= 1, Glossary: glossary(),
	}
	b.cases(&p)
	b.findings(&p)
	b.sources(&p)
	if b.records <= 0 {
		p.Left = append(p.Left, "Only the first "+strconv.Itoa(pageAllTold)+" records are in this file; references lead to the others.")
	}
	return p
}
