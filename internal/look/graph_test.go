package look

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

// book names entities: even keys are outside.
type book struct{ say func(string) string }

func (b book) Name(k entity.Key) string { return b.say("host-" + strconv.Itoa(int(k))) }
func (b book) Addresses(k entity.Key) []string {
	return []string{b.say("10.0.0." + strconv.Itoa(int(k)))}
}

func (b book) Kind(k entity.Key) entity.Kind {
	if k%2 == 0 {
		return entity.External
	}
	return entity.Device
}

var plain = book{func(s string) string { return s }}

// found is a finding about who with so many others from a key on.
func found(id uint64, who, from entity.Key, n int, says string, facet finding.Facet, nats float64) finding.Finding {
	f := finding.Finding{ID: id, Entity: who, Facet: facet, Nats: nats, Says: says, Labels: []string{"tcp/445"}, From: int64(id) * 3600e9}
	for i := range n {
		f.Peers = append(f.Peers, finding.Peer{Key: from + entity.Key(i)})
	}
	return f
}

func draw(t *testing.T, g Graph) string {
	t.Helper()
	tm, err := template.New("page").Parse(GraphTemplate)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	if err := tm.ExecuteTemplate(&s, "graph", g); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

func TestGraph(t *testing.T) {
	href := func(k entity.Key) string { return fmt.Sprintf("/e/%d", k) }
	many := func(n int) (all []finding.Finding) {
		for i := 0; i < n; i += 8 {
			all = append(all, found(uint64(i+1), 1, entity.Key(100+i), min(8, n-i), "tried {peers}", finding.Scan, 20))
		}
		return all
	}
	mixed := append(many(500), found(900, 3, 7, 1, "was contacted by {peers}", finding.Beacon, 9), found(901, 5, 7, 1, "used {peers}", finding.Lateral, 30))
	for i := range 20 { // all of them different
		mixed = append(mixed, found(uint64(1000+i), entity.Key(21+2*i), entity.Key(2000+i), 1, "used {peers}", finding.Facet(i%9), float64(i)))
	}
	for _, c := range []struct {
		name           string
		found          []finding.Finding
		actors, others int
		rows, left     int
		says           []string
	}{
		{name: "nothing"},
		{name: "nobody named", found: []finding.Finding{found(1, 1, 9, 0, "", finding.Hours, 3)}},
		{name: "itself", found: []finding.Finding{found(1, 9, 9, 1, "", finding.Hours, 3)}},
		{name: "one", found: []finding.Finding{found(1, 1, 3, 1, "used {peers}", finding.Lateral, 3)}, actors: 1, others: 1, rows: 1, says: []string{"lateral · tcp/445 · 1 finding, since 1 Jan 01:00", `href="/e/3"`, `class="tip"`}},
		{name: "passive", found: []finding.Finding{found(1, 1, 4, 1, "was contacted by {peers}", finding.Beacon, 3)}, actors: 1, others: 1, rows: 1, says: []string{"came from there: beacon"}},
		{name: "twelve", found: append(many(8), found(9, 1, 300, 4, "used {peers}", finding.Lateral, 3)), actors: 1, others: 12, rows: 12},
		{name: "alike", found: append(many(40), found(90, 1, 301, 1, "used {peers}", finding.Lateral, 3)), actors: 1, others: 3, rows: 41, says: []string{"host-101, host-103 and 18 more", "5 findings, since 1 Jan 01:00"}},
		{name: "five hundred", found: mixed, actors: mostActors, others: mostOthers, rows: mostRows, left: 500 + 2 + 20 - mostRows, says: []string{"and 322 more"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewGraph(incident.Incident{Findings: c.found}, plain, "table", href)
			if len(g.Actors) != c.actors || len(g.Others) != c.others || len(g.Rows) != c.rows || g.Left != c.left {
				t.Fatalf("%d actors, %d others, %d rows and %d left; want %d, %d, %d, %d", len(g.Actors), len(g.Others), len(g.Rows), g.Left, c.actors, c.others, c.rows, c.left)
			}
			page := draw(t, g)
			for _, s := range c.says {
				if !strings.Contains(page, s) {
					t.Errorf("it does not say %q:\n%s", s, page)
				}
			}
			if strings.Contains(page, `class="tip"`) == (c.name == "passive") && c.rows > 0 {
				t.Error("the arrow is wrong")
			}
		})
	}
}

// TestGraphIsWhole: whatever is found, nobody is lost, nothing overlaps, and the picture is
// the same each time.
func TestGraphIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in incident.Incident
		pairs := map[[2]entity.Key]bool{}
		for i := range rapid.IntRange(0, 40).Draw(t, "findings") {
			who := entity.Key(rapid.IntRange(1, 14).Draw(t, "who"))
			from, n := entity.Key(rapid.IntRange(1, 60).Draw(t, "from")), rapid.IntRange(0, 8).Draw(t, "others")
			says := rapid.SampledFrom([]string{"used {peers}", "was contacted by {peers}"}).Draw(t, "says")
			f := found(uint64(i), who, from, n, says, finding.Facet(rapid.IntRange(0, 8).Draw(t, "facet")), rapid.SampledFrom([]float64{0, 2, 30, math.Inf(1)}).Draw(t, "nats"))
			in.Findings = append(in.Findings, f)
			for _, p := range f.Peers {
				if p.Key != who {
					pairs[[2]entity.Key{who, p.Key}] = true
				}
			}
		}
		g, again := NewGraph(in, plain, "x", nil), NewGraph(in, plain, "x", nil)
		if fmt.Sprint(g) != fmt.Sprint(again) {
			t.Fatal("it is another picture each time")
		}
		if len(g.Rows)+g.Left != len(pairs) {
			t.Fatalf("%d rows and %d more, of %d pairs", len(g.Rows), g.Left, len(pairs))
		}
		others := 0
		number := regexp.MustCompile(`and (\d+) more$`)
		for _, n := range g.Others {
			switch m := number.FindStringSubmatch(n.Name); {
			case m != nil:
				more, _ := strconv.Atoi(m[1])
				others += 2 + more
			case n.Many:
				others += 2
			default:
				others++
			}
		}
		whom := map[entity.Key]bool{}
		for p := range pairs {
			whom[p[1]] = true
		}
		if others != len(whom) || len(g.Others) > mostOthers || len(g.Actors) > mostActors {
			t.Fatalf("%d others in %d places, of %d; %d actors", others, len(g.Others), len(whom), len(g.Actors))
		}
		for _, side := range [][]Node{g.Actors, g.Others} {
			var all []int
			for _, n := range side {
				all = append(all, n.Y)
			}
			slices.Sort(all)
			for i, y := range all {
				if i > 0 && y-all[i-1] < pitch || y < pitch/2 || y > g.Height-pitch/2 {
					t.Fatalf("heights %v of %d", all, g.Height)
				}
			}
		}
	})
}

// TestGraphEscapes: what telemetry calls itself stays text.
func TestGraphEscapes(t *testing.T) {
	hostile := book{func(s string) string {
		return `"><script>alert(1)</script><a href='javascript:x' onclick=x>` + "\u202e\x1b\x00" + s + strings.Repeat("W", 300)
	}}
	f := found(1, 1, 100, 8, "used {peers}", finding.Lateral, 3)
	f.Labels = []string{hostile.say("tcp")}
	g := NewGraph(incident.Incident{Findings: []finding.Finding{f, found(2, 1, 200, 8, "used {peers}", finding.Scan, 3)}}, hostile, "x", func(k entity.Key) string { return "/entities/" + narrate.ID(uint64(k)) })
	page := draw(t, g)
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "href" && !regexp.MustCompile(`^(/entities/[0-9a-f]{16}|#x)$`).MatchString(a.Val) {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
		if n.Type == html.ElementNode && n.Data == "script" {
			t.Error("a script")
		}
		if n.Type == html.TextNode && len([]rune(strings.TrimSpace(n.Data))) > 160 {
			t.Errorf("a text of %d letters", len(n.Data))
		}
	}
	if strings.ContainsAny(page, "\u202e\x1b\x00") {
		t.Error("it holds what cannot be seen")
	}
}

// TestTokens: ink on paper can be read, in both themes and on paper (WCAG 2.2, 1.4.3).
func TestTokens(t *testing.T) {
	blocks := regexp.MustCompile(`\{\s*(--paper[^}]*)\}`).FindAllStringSubmatch(Tokens, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d themes", len(blocks))
	}
	for _, b := range blocks {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{3,6});`).FindAllStringSubmatch(b[1], -1) {
			colour[m[1]] = luminance(m[2])
		}
		for ink, least := range map[string]float64{"ink": 7, "quiet": 4.5, "accent": 4.5, "act": 4.5, "watch": 4.5, "fine": 4.5, "field": 3} {
			for _, on := range []string{"paper", "sheet", "faint"} {
				if c := contrast(colour[ink], colour[on]); c < least {
					t.Errorf("%s on %s: %.2f in %s", ink, on, c, b[1])
				}
			}
		}
		if c := contrast(colour["ink"], colour["band"]); c < 7 {
			t.Errorf("ink on the band: %.2f", c)
		}
		if c := contrast(colour["act"], colour["band"]); c < 3 {
			t.Errorf("a mark on the band: %.2f", c)
		}
	}
}

func luminance(hex string) float64 {
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	l := 0.0
	for i, w := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += w * c
	}
	return l
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
