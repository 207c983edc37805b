package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/narrate"
)

// findings lists those that no incident above tells.
func (b *builder) findings(p *page) {
	told := map[uint64]bool{}
	for _, i := range b.Incidents {
		for _, f := range i.Findings {
			told[f.ID] = told[f.ID] || i.Surfaced
		}
	}
	left := 0
	for _, f := range b.Findings {
		if told[f.ID] {
			continue
		}
		if len(p.Findings) == pageRows {
			left++
			continue
		}
		row := findingRow{
			Nats: decimal(f.Nats), When: short(f.From), Facet: f.Facet.String(), Why: narrate.Why(f, b.Names),
			Entity: cutCell(b.name(f.Entity), 28), What: cutCell(narrate.Predicate(f, b.Names), 240),
			Left: max(0, len(f.Evidence)-pageRecords),
		}
		row.Refs = b.where(f.Evidence[:min(pageRecords, len(f.Evidence))])
		p.Findings = append(p.Findings, row)
	}
	if left > 0 {
		p.Left = append(p.Left, count(int64(left), "weaker finding is", "weaker findings are")+" only in the output of --json.")
	}
}

// sources lists where records came from and what became of them: received is decoded
// and rejected, to the last one.
func (b *builder) sources(p *page) {
	folder := b.folder()
	p.Folder = narrate.Visible(folder)
	var sum, small Source
	all := slices.Clone(b.Sources)
	slices.SortStableFunc(all, func(a, b Source) int { // those with something wrong, then the largest
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(b.Records, a.Records))
	})
	left, wasted := 0, int64(0)
	for _, s := range all {
		sum.add(s)
		switch {
		case unread(s):
			small.add(s)
			wasted += s.Records
		case s.Records == 0 && s.Status == notTelemetry:
			if p.Aside++; len(p.Others) < pageOthers {
				p.Others = append(p.Others, tailCell(s.Path[len(folder):], 60))
			}
		case len(p.Sources) < pageSources:
			p.Sources = append(p.Sources, toRow(s, folder))
		default:
			left++
			small.add(s)
		}
	}
	p.Small = toRow(small, "")
	switch p.Small.Path.Text = count(int64(left), "smaller source", "smaller sources"); {
	case left > 0 && wasted > 0:
		p.Small.Path.Text += ", and those not read"
	case wasted > 0:
		p.Small.Path.Text = "Sources not read"
	case left == 0:
		p.Small.Path.Text = ""
	}
	for i, x := range b.troubles(unread) {
		if i == pageRows {
			p.Left = append(p.Left, "More reasons why sources could not be read are in the output of --json.")
			break
		}
		p.Unread = append(p.Unread, unreadRow{whole(x.sources), x.what, tailCell(x.example, 80)})
	}
	p.Total = toRow(sum, "")
}

// order is 0 for sources with something wrong, else 1.
func order(s Source) int {
	if s.wrong() {
		return 0
	}
	return 1
}

func (s *Source) add(t Source) {
	s.Records, s.Events, s.Rejected = s.Records+t.Records, s.Events+t.Events, s.Rejected+t.Rejected
}

// unread reports whether nothing at all came from a source that should have had something.
func unread(s Source) bool { return s.wrong() && s.Events == 0 }

func toRow(s Source, folder string) sourceRow {
	row := sourceRow{
		Path: tailCell(s.Path[len(folder):], 52), Format: narrate.Visible(s.Format), Records: whole(s.Records), Decoded: whole(s.Records - s.Rejected),
		Rejected: whole(s.Rejected), Events: whole(s.Events), Complaint: s.complaint(), Wrong: s.wrong(),
	}
	if s.Last != 0 {
		row.From, row.To = short(s.First), short(s.Last)
	}
	return row
}

func whole(n int64) string { return narrate.Number(float64(n)) }

func decimal(x float64) string { return fixed(x, 1) }

func thousandths(x float64) string { return fixed(x, 3) }

func fixed(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// upper begins s, which is ours, with a capital.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

type term struct{ Word, Means string }

// glossary explains the ten words that a reader meets here and may not know.
func glossary() []term {
	return []term{
		{"record", "One line, packet or message as a sensor wrote it. Every sentence here leads to the records it stands on."},
		{"event", "What a record says, in one form for all sensors. Contents that may identify a patient are never kept."},
		{"entity", "Somebody or something that takes part: a machine, an account, a mailbox, a controller, a service, a place outside."},
		{"facet", "A kind of evidence, such as volume, new destination or scan. Within a facet the strongest counts; facets add up."},
		{"nats", "The unit of surprise: minus the natural logarithm of how likely something is. 2.3 nats is one time in ten, 6.9 is one in a thousand, and what is independent adds up."},
		{"finding", "A claim that an entity did something unusual, by how much, and which records show it."},
		{"incident", "Findings that belong together, and what to make of them."},
		{"score", "An incident's risk on a scale from 0 to 100, on which 50 is what the budget asked for that day."},
		{"budget", "How many false incidents people are willing to look at. It decides how much evidence is asked for before one is shown."},
		{"learning", "What is normal is learned from what comes in. Until it has been learned for long enough, less is believed and more is said with care."},
	}
}
