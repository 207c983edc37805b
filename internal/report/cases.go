package report

import (
	"math"

	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/look"
	"vedette/internal/narrate"
)

func (b *builder) cases(p *page) {
	rest := 0
	for _, i := range b.Incidents {
		row := b.row(i)
		switch {
		case i.Surfaced && len(p.Cases) < pageCases:
			v := b.view(i, row)
			v.Number = len(p.Cases) + 1
			p.Cases = append(p.Cases, v)
			if len(p.Contents) < pageContents {
				p.Contents = append(p.Contents, row)
			}
		case i.Surfaced && len(p.More) < pageRows:
			p.More = append(p.More, row)
		case !i.Surfaced && len(p.Hidden) < pageHidden:
			p.Hidden = append(p.Hidden, b.view(i, row))
		case !i.Surfaced && len(p.Rest) < pageRows:
			p.Rest = append(p.Rest, row)
		default:
			rest++
		}
	}
	if p.Reason = narrate.Visible(b.sameReason()); p.Reason != "" {
		for i := range p.Hidden {
			p.Hidden[i].Hidden = ""
		}
		for i := range p.Rest {
			p.Rest[i].Hidden = ""
		}
	}
	p.ContentsLeft = b.surfaced() - len(p.Contents)
	if rest > 0 {
		p.Left = append(p.Left, count(int64(rest), "incident is", "incidents are")+" not in this file at all; they are in the output of --json.")
	}
}

func (b *builder) row(i incident.Incident) caseRow {
	from, _ := narrate.Extent(i)
	return caseRow{"case-" + narrate.ID(i.ID), narrate.Title(i, b.Names), short(from), narrate.Visible(i.Hidden), i.Score}
}

func (b *builder) view(i incident.Incident, row caseRow) caseView {
	story := narrate.Story(i, b.Names)
	from, to := narrate.Extent(i)
	v := caseView{
		caseRow: row, Sentence: story[0].Text, Sure: sureness(i), Phase: upper(phases(i)), Affected: b.affected(i),
		From: narrate.Moment(from), To: narrate.Moment(to), Surfaced: i.Surfaced, Risk: thousandths(i.Risk), Threshold: thousandths(i.Threshold),
	}
	if int(math.Round(100*(1-math.Exp2(-i.Risk/i.Threshold)))) == i.Score {
		v.Formula = "100 × (1 − ½^(risk ÷ asked for))"
	}
	signals := map[string]narrate.Repeated{}
	for _, s := range narrate.Signals(i) {
		signals["finding/"+narrate.ID(s.Best.ID)] = s
	}
	number := map[uint64]int{}
	for _, s := range story[1:] {
		g, told := signals[s.Claim]
		line := sentenceView{Text: s.Text, Proof: b.proof(s.Evidence)}
		if !told && s.Claim != "untold" {
			v.Because = append(v.Because, line)
			continue
		}
		if told {
			line.Number, v.Told = len(v.Happened)+1, true
			line.Steps, line.Repeated = narrate.Working(g.Best), len(g.All)
			for _, f := range g.All {
				number[f.ID] = line.Number
			}
		}
		v.Happened = append(v.Happened, line)
	}
	v.Picture = b.picture(i, number)
	v.Graph = look.NewGraph(i, b.Names, row.Anchor+"-graph", nil)
	most, sum := 0.0, 0.0
	for _, f := range facets(i) {
		most = max(most, i.Facets[f])
	}
	for _, f := range facets(i) {
		v.Facets = append(v.Facets, facetRow{f.String(), thousandths(i.Facets[f]), percent(100 * i.Facets[f] / most)})
		sum += i.Facets[f]
	}
	if rest := i.Risk - sum; math.Abs(rest) >= 0.005 {
		v.Facets = append(v.Facets, facetRow{"what no facet explains", thousandths(rest), "0%"})
	}
	for _, k := range i.Entities[:min(pageEntities, len(i.Entities))] {
		v.Entities = append(v.Entities, b.describe(k))
	}
	v.EntitiesLeft = len(i.Entities) - len(v.Entities)
	return v
}

// describe says who an entity is: name, address, kind.
func (b *builder) describe(k entity.Key) string {
	s := narrate.Name(b.Names, k)
	if a := b.Names.Addresses(k); len(a) > 0 && a[0] != s {
		s += " (" + narrate.Cut(narrate.Visible(a[0]), 48) + ")"
	}
	return s + ", " + b.Names.Kind(k).String()
}

// proof looks up the records behind a sentence.
func (b *builder) proof(refs []finding.Ref) proof {
	p := proof{Label: count(int64(len(refs)), "record", "records"), Left: max(0, len(refs)-pageRecords)}
	at := map[string]int{}
	var columns [][]Field
	for i, e := range refs {
		where := narrate.Visible(b.Names.Where(e))
		if i == 0 {
			p.First = tail(where, 44)
		}
		if i == pageRecords {
			break
		}
		p.Refs = append(p.Refs, tailCell(where, 26))
		var fields []Field
		if b.Record != nil && b.records > 0 {
			b.records--
			fields = b.Record(e)
		}
		columns = append(columns, fields)
	}
	for i, fields := range columns {
		for _, f := range fields {
			j, ok := at[f.Name]
			if !ok {
				j = len(p.Rows)
				at[f.Name] = j
				p.Rows = append(p.Rows, proofRow{narrate.Cut(narrate.Visible(f.Name), 40), make([]cell, len(columns))})
			}
			c := &p.Rows[j].Cells[i]
			if c.Text != "" { // a list
				f.Value = c.whole() + ", " + f.Value
			}
			*c = value(f.Value)
		}
	}
	p.None = len(p.Rows) == 0
	return p
}

func (c cell) whole() string {
	if c.Full != "" {
		return c.Full
	}
	return c.Text
}

// tailCell is a reference or path, of which the end says most.
func tailCell(s string, n int) cell {
	s = narrate.Visible(s)
	if c := tail(s, n); c != s {
		return cell{c, narrate.Cut(s, 2000)}
	}
	return cell{s, ""}
}

func value(s string) cell { return cutCell(s, pageValue) }

func cutCell(s string, n int) cell {
	s = narrate.Cut(narrate.Visible(s), 2000)
	if c := narrate.Cut(s, n); c != s {
		return cell{c, s}
	}
	return cell{s, ""}
}
