package look

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// Graph is who touched what in an incident: on the left those whom findings are about, on
// the right with whom, and a line for each pair. Those on the right who are touched alike
// are drawn as one when there are many. It is the same for the same incident.
type Graph struct {
	ID     string // of the table, within the page
	Label  string // the picture in words
	Height int
	Kinds  []Caption // above those of a kind on the right
	Actors []Node    // on the left
	Others []Node    // on the right
	Edges  []Edge
	Rows   []Row // the same as a table
	Left   int   // pairs that are not in it
	Cut    bool  // findings name no more, though there may be more
}

// Caption is a word at a height.
type Caption struct {
	Y    int
	Text string
}

// Node is one who takes part, or many. Brief is what a phone has room for.
type Node struct {
	Y, NameY, SubY int
	Name, Brief    string
	Sub, SubBrief  string
	Title          string
	Href           string
	Outside, Many  bool
	Tip            bool // it is touched, and not the other way round
}

// Edge is a line. Width is 1 to 3.
type Edge struct {
	Path  string
	Width int
}

// Row is a pair.
type Row struct {
	Who, WhoHref   string
	Whom, WhomHref string
	Passive        bool // it is the other who did it
	What, About    string
	Count, Since   string
}

const (
	mostOthers = 12 // on the right, before those alike are drawn as one
	mostActors = 8
	mostRows   = 200
	maxPeers   = 8 // that a finding names
	pitch      = 46
	head       = 26 // of a kind
	longName   = 40
	briefName  = 22
	longActor  = 24
	briefActor = 13
	longSub    = 62
	longAbout  = 28
	briefSub   = 32
)

// pair is all that an entity did with another.
type pair struct {
	who, whom entity.Key
	facets    []finding.Facet // in order of strength
	labels    []string
	ids       []uint64 // of the findings
	first     int64
	nats      float64
	passive   bool
	outside   bool
}

// NewGraph returns the graph of an incident. Href leads to the page of an entity; nil if
// there are none. ID is one that the page has not given yet.
func NewGraph(i incident.Incident, n narrate.Names, id string, href func(entity.Key) string) Graph {
	if href == nil {
		href = func(entity.Key) string { return "" }
	}
	g := Graph{ID: id}
	pairs := pairsOf(i, n)
	for _, f := range i.Findings {
		g.Cut = g.Cut || len(f.Peers) >= maxPeers
	}
	if len(pairs) == 0 {
		return g
	}
	d := drawing{g: &g, names: n, href: href, pairs: pairs, at: map[entity.Key]int{}}
	d.actors()
	d.others()
	d.place()
	d.table()
	who, whom := map[entity.Key]bool{}, map[entity.Key]bool{}
	for _, p := range pairs {
		who[p.who], whom[p.whom] = true, true
	}
	g.Label = "Who touched what: " + plural(len(who), "entity", "entities") + " with unusual behaviour, and " + plural(len(whom), "other", "others")
	return g
}

// pairsOf returns the pairs of an incident, the strongest first.
func pairsOf(i incident.Incident, n narrate.Names) []pair {
	at := map[[2]entity.Key]int{}
	var all []pair
	found := slices.Clone(i.Findings)
	slices.SortStableFunc(found, func(a, b finding.Finding) int { return cmp.Compare(b.Nats, a.Nats) })
	for _, f := range found {
		for _, o := range f.Peers {
			if o.Key == f.Entity || o.Key == 0 {
				continue
			}
			k := [2]entity.Key{f.Entity, o.Key}
			j, ok := at[k]
			if !ok {
				j = len(all)
				at[k] = j
				all = append(all, pair{who: f.Entity, whom: o.Key, first: f.From, nats: f.Nats, passive: true, outside: n.Kind(o.Key) == entity.External})
			}
			p := &all[j]
			p.ids = append(p.ids, f.ID)
			p.first = min(p.first, f.From)
			p.passive = p.passive && narrate.Passive(f)
			p.facets = union(p.facets, []finding.Facet{f.Facet})
			for _, l := range f.Labels {
				p.labels = union(p.labels, []string{narrate.Cut(narrate.Visible(l), 32)})
			}
		}
	}
	return all
}

// drawing is a graph that is being drawn.
type drawing struct {
	g     *Graph
	names narrate.Names
	href  func(entity.Key) string
	pairs []pair
	keys  []entity.Key       // on the left, the strongest first
	at    map[entity.Key]int // of those, where they are
	right []bundle
}

// bundle is one on the right, or many.
type bundle struct {
	whom  []entity.Key
	pairs []pair
}

func (b *bundle) outside() bool { return b.pairs[0].outside }

// actors chooses who stands on the left. Those for whom there is no room share a place.
func (d *drawing) actors() {
	for _, p := range d.pairs {
		if _, ok := d.at[p.who]; ok {
			continue
		}
		if len(d.keys) == mostActors {
			d.at[p.who] = mostActors - 1
			continue
		}
		d.at[p.who] = len(d.keys)
		d.keys = append(d.keys, p.who)
	}
}

// others chooses who stands on the right: ours first, then by whom they were touched.
func (d *drawing) others() {
	index := map[entity.Key]int{}
	var all []bundle
	for _, p := range d.pairs {
		j, ok := index[p.whom]
		if !ok {
			j = len(all)
			index[p.whom] = j
			all = append(all, bundle{whom: []entity.Key{p.whom}})
		}
		all[j].pairs = append(all[j].pairs, p)
	}
	if len(all) > mostOthers {
		all = d.alike(all)
	}
	if len(all) > mostOthers {
		all = rest(all)
	}
	slices.SortStableFunc(all, func(a, b bundle) int {
		if a.outside() != b.outside() {
			return map[bool]int{true: 1, false: -1}[a.outside()]
		}
		return cmp.Compare(d.at[a.pairs[0].who], d.at[b.pairs[0].who])
	})
	d.right = all
}

// alike makes one of those that are touched by the same in the same way.
func (d *drawing) alike(all []bundle) (some []bundle) {
	index := map[string]int{}
	for _, b := range all {
		var s strings.Builder
		for _, p := range b.pairs {
			s.WriteString(strconv.Itoa(d.at[p.who]) + what(p.facets) + strings.Join(p.labels, " ") + strconv.FormatBool(p.outside) + strconv.FormatBool(p.passive) + "\n")
		}
		j, ok := index[s.String()]
		if !ok {
			index[s.String()] = len(some)
			some = append(some, b)
			continue
		}
		some[j].whom, some[j].pairs = append(some[j].whom, b.whom...), append(some[j].pairs, b.pairs...)
	}
	return some
}

// rest keeps the strongest, and makes one of those others that are ours, and one of those
// that are not.
func rest(all []bundle) []bundle {
	some := slices.Clone(all[:mostOthers-2])
	var more [2]bundle
	for _, b := range all[mostOthers-2:] {
		m := &more[map[bool]int{false: 0, true: 1}[b.outside()]]
		m.whom, m.pairs = append(m.whom, b.whom...), append(m.pairs, b.pairs...)
	}
	for _, m := range more {
		if len(m.whom) > 0 {
			some = append(some, m)
		}
	}
	return some
}

// place says where all stand, and draws the lines.
func (d *drawing) place() {
	y, kind := 0, ""
	middle := make([][]int, len(d.keys)) // of an actor: the heights of those it touched
	for j := range d.right {
		b := &d.right[j]
		if k := map[bool]string{false: "Ours", true: "Outside"}[b.outside()]; k != kind {
			y += head
			d.g.Kinds = append(d.g.Kinds, Caption{y - 10, k})
			kind = k
		}
		d.g.Others = append(d.g.Others, d.other(b, y+pitch/2))
		for _, p := range b.pairs {
			if a := d.at[p.who]; !slices.Contains(middle[a], y+pitch/2) {
				middle[a] = append(middle[a], y+pitch/2)
			}
		}
		y += pitch
	}
	heights := d.spread(middle)
	for a := range d.keys {
		d.g.Actors = append(d.g.Actors, d.actor(a, heights[a]))
		y = max(y, heights[a]+pitch/2)
	}
	most := d.pairs[0].nats
	for j := range d.right {
		d.edges(&d.right[j], d.g.Others[j].Y, heights, most)
	}
	d.g.Height = y
}

// spread returns a height for each on the left: in the middle of those it touched, and
// apart from the others.
func (d *drawing) spread(middle [][]int) []int {
	heights, order := make([]int, len(d.keys)), make([]int, len(d.keys))
	for a, all := range middle {
		order[a] = a
		for _, y := range all {
			heights[a] += y
		}
		heights[a] /= max(1, len(all))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(heights[a], heights[b]) })
	low := 0
	for _, a := range order {
		heights[a] = max(heights[a], low+pitch/2)
		low = heights[a] + pitch/2
	}
	return heights
}

func (d *drawing) edges(b *bundle, y int, heights []int, most float64) {
	strongest := map[int]float64{}
	var order []int
	for _, p := range b.pairs {
		a := d.at[p.who]
		if _, ok := strongest[a]; !ok {
			order = append(order, a)
		}
		strongest[a] = max(strongest[a], p.nats)
	}
	for _, a := range order {
		e := Edge{Width: 1}
		switch share := strongest[a] / max(most, 1e-9); {
		case share >= 0.5:
			e.Width = 3
		case share >= 0.1:
			e.Width = 2
		}
		from, to := strconv.Itoa(heights[a]), strconv.Itoa(y)
		e.Path = "M0 " + from + "C50 " + from + " 50 " + to + " 100 " + to
		d.g.Edges = append(d.g.Edges, e)
	}
}

func (d *drawing) actor(a, y int) Node {
	k := d.keys[a]
	n := Node{Y: y, NameY: y + 5, Href: d.href(k), Outside: d.names.Kind(k) == entity.External}
	n.Name, n.Brief = d.name(k, longActor, briefActor)
	more := 0
	for who, at := range d.at { // any order: it is a count
		if at == a && who != k {
			more++
		}
	}
	if more > 0 {
		n.Many, n.Sub = true, "and "+strconv.Itoa(more)+" more"
	} else if all := d.names.Addresses(k); len(all) > 0 && all[0] != d.names.Name(k) {
		n.Sub = narrate.Cut(narrate.Visible(all[0]), longActor)
	}
	if n.Title = narrate.Name(d.names, k); n.Sub != "" {
		n.SubBrief = narrate.Cut(n.Sub, briefActor+2)
		n.NameY, n.SubY, n.Title = y-3, y+14, n.Title+", "+n.Sub
	}
	return n
}

func (d *drawing) other(b *bundle, y int) Node {
	n := Node{Y: y, NameY: y - 3, SubY: y + 14, Outside: b.outside(), Many: len(b.whom) > 1}
	var all pair
	for i, p := range b.pairs {
		if i == 0 {
			all = p
			all.facets, all.labels, all.ids = nil, nil, nil
		}
		all.first = min(all.first, p.first)
		all.passive = all.passive && p.passive
		all.facets, all.labels, all.ids = union(all.facets, p.facets), union(all.labels, p.labels), union(all.ids, p.ids)
	}
	n.Tip = !all.passive
	if n.Name, n.Brief = d.name(b.whom[0], longName, briefName); n.Many {
		second, _ := d.name(b.whom[1], longName/2, 0)
		first, brief := d.name(b.whom[0], longName/2, briefName-10)
		if n.Name = first + " and " + second; len(b.whom) > 2 {
			n.Name = first + ", " + second + " and " + strconv.Itoa(len(b.whom)-2) + " more"
		}
		n.Brief = brief + " and " + strconv.Itoa(len(b.whom)-1) + " more"
		n.Href = "#" + d.g.ID
	} else {
		n.Href = d.href(b.whom[0])
	}
	n.Sub = what(all.facets)
	n.SubBrief = n.Sub
	if l := narrate.Cut(about(all.labels), longAbout); l != "" {
		n.Sub, n.SubBrief = n.Sub+" · "+l, n.SubBrief+" · "+l
	}
	if all.passive {
		n.Sub = "came from there: " + n.Sub
	}
	whole := n.Sub + " · " + plural(len(all.ids), "finding", "findings") + ", since " + since(all.first)
	n.Title = n.Name + ": " + whole
	if n.Sub += " · since " + since(all.first); utf8.RuneCountInString(whole) <= longSub {
		n.Sub = whole
	}
	n.Sub, n.SubBrief = narrate.Cut(n.Sub, longSub), narrate.Cut(n.SubBrief, briefSub)
	return n
}

// union adds to all what is not there yet.
func union[T comparable](all, more []T) []T {
	for _, x := range more {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

// name returns what an entity is called, for a desk and for a phone.
func (d *drawing) name(k entity.Key, long, brief int) (string, string) {
	s := narrate.Name(d.names, k)
	return narrate.Cut(s, long), narrate.Cut(s, max(brief, 4))
}

// what names facets.
func what(all []finding.Facet) string {
	var names []string
	for _, f := range all[:min(3, len(all))] {
		names = append(names, f.String())
	}
	if len(all) > 3 {
		names = append(names, strconv.Itoa(len(all)-3)+" more")
	}
	return strings.Join(names, ", ")
}

// about says what it was about, as far as there is room.
func about(labels []string) string {
	if len(labels) > 2 {
		return strings.Join(labels[:2], ", ") + " and " + strconv.Itoa(len(labels)-2) + " more"
	}
	return strings.Join(labels, ", ")
}

// table lists the pairs, the strongest first.
func (d *drawing) table() {
	for i, p := range d.pairs {
		if i == mostRows {
			d.g.Left = len(d.pairs) - i
			break
		}
		d.g.Rows = append(d.g.Rows, Row{
			Who: narrate.Name(d.names, p.who), WhoHref: d.href(p.who), Whom: narrate.Name(d.names, p.whom), WhomHref: d.href(p.whom),
			Passive: p.passive, What: what(p.facets), About: about(p.labels), Count: plural(len(p.ids), "finding", "findings"), Since: since(p.first),
		})
	}
}

func since(at int64) string { return time.Unix(0, at).UTC().Format("2 Jan 15:04") }

func plural(n int, one, many string) string {
	if n != 1 {
		one = many
	}
	return strconv.Itoa(n) + " " + one
}
