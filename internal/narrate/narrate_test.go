package narrate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/narrate"
)

type book map[entity.Key]string

func (b book) Name(k entity.Key) string { return b[k] }

func (b book) Addresses(k entity.Key) []string {
	if k == 1 {
		return []string{"10.0.0.14"}
	}
	return nil
}

func (b book) Kind(k entity.Key) entity.Kind {
	if k == 3 {
		return entity.External
	}
	return entity.Device
}

var names = book{1: "ws-114", 2: "srv-a", 3: "203.0.113.9", 4: "b", 5: "c", 6: "d", 7: "e", 8: "f", 9: "g"}

func at(clock string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-03-"+clock)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

func peers(first, n int) (all []finding.Peer) {
	for i := range n {
		all = append(all, finding.Peer{Key: entity.Key(first + i), Holders: 50})
	}
	return all
}

func lateral() finding.Finding {
	return finding.Finding{
		ID: 0xa1, Detector: "network/new_peer", Facet: finding.Lateral, Entity: 1, Peers: peers(2, 7), Techniques: []attack.ID{"T1021"},
		From: at("24 11:00:00"), To: at("24 12:00:00"), Signal: "new machines inside",
		Says: "contacted {n} internal machines it never used before: {peers}", Observed: 7, Expected: 0.1, Usual: 1,
		Native: 12, Raw: 9, Damping: 1, Nats: 9 - 2.302585092994046, History: 40000, Evidence: []finding.Ref{{Position: 4}, {Position: 9}},
	}
}

func ExampleWhy() {
	f := lateral()
	fmt.Println(narrate.Why(f, names))
	f.History = 912.7
	fmt.Println(narrate.Why(f, names))
	f.History, f.Observed, f.Peers = 0, 1, f.Peers[:1]
	f.Peers[0].Holders = 1
	fmt.Println(narrate.Why(f, names))
	f.Damping, f.Habit, f.Nats = 0.24, 1.5, 0
	fmt.Println(narrate.Why(f, names))
	// Output:
	// Between 11:00 and 12:00 UTC on 24 March 2026, ws-114 (10.0.0.14) contacted 7 internal machines it never used before (normally 0 to 1 in an hour): srv-a, 203.0.113.9, b and 4 more. This is reached in 1 of about 8,100 hours of comparable machines; 6.7 nats.
	// Between 11:00 and 12:00 UTC on 24 March 2026, ws-114 (10.0.0.14) contacted 7 internal machines it never used before (normally 0 to 1 in an hour): srv-a, 203.0.113.9, b and 4 more. This is rarer than 1 in 910 hours of comparable machines, which is as far as the history goes; 6.7 nats.
	// Between 11:00 and 12:00 UTC on 24 March 2026, ws-114 (10.0.0.14) contacted 1 internal machine it never used before (normally 0 to 1 in an hour): srv-a. Nobody else here knows srv-a. There is no history yet that says how rare that is; 6.7 nats.
	// Between 11:00 and 12:00 UTC on 24 March 2026, ws-114 (10.0.0.14) contacted 1 internal machine it never used before (normally 0 to 1 in an hour): srv-a. Nobody else here knows srv-a. There is no history yet that says how rare that is. What is normal for ws-114 has not been learned for long, so 24 % of it is believed. The same was said before, so 1.5 nats are taken off. What counts is 0.0 nats.
}

func ExampleWorking() {
	f := lateral()
	f.Damping, f.Habit = 0.75, 1.5
	f.Nats = 9*0.75 - 1.5 - 2.302585092994046
	for _, s := range narrate.Working(f) {
		fmt.Printf("%-1s %7s  %s\n", s.Sign, s.Value, s.What)
	}
	// Output:
	//    12.000  nats of surprise to the model: 7 was seen, normally 0 to 1 in an hour
	// →   9.000  nats once calibrated, by 40,000 windows of its peers
	// ×   0.750  how much of it is believed while little is known
	// −   1.500  taken off, for the same was said before
	// −   2.303  taken off always: one time in ten reaches that much
	// =   2.947  nats, which is what counts
}

func ExampleStory() {
	again := lateral()
	again.ID, again.From, again.To, again.Nats = 0xa2, at("24 13:00:00"), at("24 14:00:00"), 3
	again.Evidence = []finding.Ref{{Position: 40}}
	sent := finding.Finding{
		ID: 0xa3, Detector: "network/volume", Facet: finding.Volume, Entity: 2, Peers: peers(3, 1), Techniques: []attack.ID{"T1041"},
		From: at("24 12:00:00"), To: at("24 13:00:00"), Signal: "bytes sent outside", Says: "sent {n} to {peers}", Unit: "bytes",
		Observed: 2.1e9, Expected: 3.1e7, Usual: 3.1e8, Raw: 7, Damping: 1, Nats: 7 - 2.302585092994046, History: 5000, Evidence: []finding.Ref{{Position: 33}},
	}
	i := incident.Incident{
		Findings: []finding.Finding{lateral(), sent, again}, Entities: []entity.Key{1, 2, 3}, Risk: 11.4, Threshold: 8, Surfaced: true, Learning: 0.5,
		Links:      []incident.Link{{Finding: 0xa3, Strength: 2, Why: "both involve", Shared: 3, Holders: 2}, {Finding: 0xa2, Strength: 1, Why: "the same", Shared: 1}},
		Techniques: []attack.ID{"T1021", "T1041"},
	}
	fmt.Println(narrate.Title(i, names))
	for _, s := range narrate.Story(i, names) {
		fmt.Println(s.Claim, len(s.Evidence), s.Text)
	}
	// Output:
	// ws-114 and srv-a made unusual contacts inside (srv-a, 203.0.113.9, b and 4 more) and moved far more data than usual
	// opening 3 Between 11:00 and 14:00 UTC on 24 March 2026, ws-114 (10.0.0.14) and srv-a made unusual contacts inside (srv-a, 203.0.113.9, b and 4 more) and moved far more data than usual.
	// finding/00000000000000a1 3 Between 11:00 and 12:00 UTC, ws-114 contacted 7 internal machines it never used before (normally 0 to 1 in an hour): srv-a, 203.0.113.9, b and 4 more. This is reached in 1 of about 8,100 hours of comparable machines; 6.7 nats. That is the strongest of 2 findings of the same kind between 11:00 and 14:00 UTC.
	// finding/00000000000000a3 1 Between 12:00 and 13:00 UTC, srv-a sent 2.1 GB to 203.0.113.9 (normally about 31 MB and seldom more than 310 MB in an hour). This is reached in 1 of about 1,000 hours of comparable machines; 4.7 nats.
	// link/1 1 These findings are linked because both involve 203.0.113.9, which only 2 of our entities know.
	// link/2 1 These findings are linked because they are about the same machine, ws-114.
	// techniques 3 In the words of MITRE ATT&CK this looks like Remote Services (T1021, lateral movement) and Exfiltration Over C2 Channel (T1041, exfiltration).
	// learning 0 When this began, 50 % of the learning period had passed, so what is normal here was not yet well known.
	// surfaced 0 It is shown because its risk is 11.4 nats, and the budget asks for 8.0 nats.
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		x          float64
		unit, want string
	}{
		{0, "", "0"},
		{57, "", "57"},
		{0.5, "", "0.5"},
		{0.034, "", "0.034"},
		{3.04, "", "3"},
		{1234567, "", "1,234,567"},
		{-1234, "", "-1,234"},
		{0, "bytes", "0 B"},
		{999, "bytes", "999 B"},
		{1000, "bytes", "1 kB"},
		{999499, "bytes", "999 kB"},
		{999600, "bytes", "1 MB"},
		{2.14e9, "bytes", "2.1 GB"},
		{0.25, "seconds", "250 ms"},
		{1.5, "seconds", "1.5 s"},
		{59.99, "seconds", "1 min"},
		{90, "seconds", "1 min 30 s"},
		{3599.7, "seconds", "1 h"},
		{12000, "seconds", "3 h 20 min"},
		{86399, "seconds", "1 d"},
		{100 * 86400, "seconds", "100 d"},
		{12, "names", "12 names"},
		{math.NaN(), "", "an unknown number"},
		{math.Inf(1), "bytes", "+Inf EB"},
	} {
		if got := narrate.Quantity(c.x, c.unit); got != c.want {
			t.Errorf("Quantity(%v, %q) = %q, want %q", c.x, c.unit, got, c.want)
		}
	}
}

// TestRounded checks that "1 in ..." is never more than there is.
func TestRounded(t *testing.T) {
	for x, want := range map[float64]string{1: "1", 7.9: "7", 99.9: "99", 912.7: "910", 41250: "41,000", 8103: "8,100", 999999: "990,000", 1.99e6: "1.9 million", 3e13: "30 trillion", 1e300: "a thousand trillion"} {
		if got := narrate.Rounded(x); got != want {
			t.Errorf("Rounded(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestRarityIsNeverMoreThanHistory(t *testing.T) {
	f := lateral()
	f.Raw = 60
	for _, h := range []float64{0, 1.5, 2, 9, 10, 350, 8123, 1e6, 1e9} {
		f.History = h
		s := narrate.Why(f, names)
		if h < 2 != strings.Contains(s, "no history") {
			t.Errorf("history %v: %s", h, s)
		}
		if h >= 2 && !strings.Contains(s, "rarer than 1 in "+narrate.Rounded(h)+" hours") {
			t.Errorf("history %v: %s", h, s)
		}
	}
	f.Raw = -1
	if s := narrate.Why(f, names); !strings.Contains(s, "not rare") {
		t.Error(s)
	}
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		from, to int64
		want     string
	}{
		{0, 0, "at a time that is not known"},
		{at("24 11:00:00"), at("24 12:00:00"), "between 11:00 and 12:00 UTC on 24 March 2026"},
		{at("24 11:00:00"), at("24 12:00:00") - 1, "between 11:00 and 12:00 UTC on 24 March 2026"},
		{at("24 23:00:00"), at("25 00:00:00"), "between 23:00 and 24:00 UTC on 24 March 2026"},
		{at("24 11:00:05"), at("24 11:00:05"), "at 11:00:05 UTC on 24 March 2026"},
		{at("24 11:00:05"), at("24 10:00:00"), "at 11:00:05 UTC on 24 March 2026"},
		{at("24 22:00:00"), at("25 02:00:00"), "between 22:00 on 24 March and 02:00 UTC on 25 March 2026"},
	} {
		if got := narrate.Span(c.from, c.to); got != c.want {
			t.Errorf("Span = %q, want %q", got, c.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for s, want := range map[string]string{
		"ws-114": "ws-114", "Zürich 日本": "Zürich 日本", "a\x1b[31mb": `a\x1b[31mb`, "a\r\nb": `a\r\nb`, "\u202egpj.exe": `\u202egpj.exe`,
		"\xff\xfe": `\xff\xfe`, "a\u200bb\u2028": `a\u200bb\u2028`, "\ufffd": "\ufffd", `a\b`: `a\b`, "\x00": `\x00`,
	} {
		if got := narrate.Visible(s); got != want {
			t.Errorf("Visible(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestLongAndMissingNames(t *testing.T) {
	f := lateral()
	long := book{1: strings.Repeat("x", 5000) + "end"}
	f.Labels = []string{"{n}", "{peers}\n"}
	f.Says = "did {n}: {labels} and {peers}"
	f.Peers = peers(100, 8)
	s := narrate.Why(f, long)
	if len(s) > 600 || !strings.Contains(s, "end (") || !strings.Contains(s, `: {n} and {peers}\n and unnamed`) || !strings.Contains(s, "at least 5 more") {
		t.Error(s)
	}
	if s := narrate.Why(finding.Finding{}, book{}); strings.Contains(s, "%!") {
		t.Error(s)
	}
}

func TestConfidence(t *testing.T) {
	for p, want := range map[float64]string{1: "almost certain (100 %)", 0.999: "almost certain (99.9 %)", 0.7: "likely (70 %)", 0.5: "possible (50 %)", 0.01: "unlikely (1 %)", 0: "unlikely (0 %)"} {
		if got := narrate.Confidence(p); got != want {
			t.Errorf("Confidence(%v) = %q, want %q", p, got, want)
		}
	}
}

// TestLongStory checks that a story is bounded, in order of time, and says what it left out.
func TestLongStory(t *testing.T) {
	var i incident.Incident
	for j := range 200 {
		f := lateral()
		f.ID, f.Signal = uint64(j), fmt.Sprint(j%100)
		f.From, f.To = f.From-int64(j)*3600e9, f.To-int64(j)*3600e9
		f.Nats = float64(j % 17)
		i.Findings = append(i.Findings, f)
	}
	story := narrate.Story(i, names)
	if len(story) > 40 {
		t.Errorf("%d sentences", len(story))
	}
	all := ""
	for _, s := range story {
		all += s.Text + "\n"
	}
	if !strings.Contains(all, "76 weaker signals are not told here.") {
		t.Error(all)
	}
}

func TestWorkingIsHonest(t *testing.T) {
	f := lateral()
	f.Nats += 1
	last := narrate.Working(f)
	if s := last[len(last)-2]; s.Value != "1.000" || s.Sign != "+" {
		t.Errorf("%v", last)
	}
	f.Raw, f.Nats = 1, 0
	if s := narrate.Working(f); s[len(s)-1].What != "nats, for nothing counts below zero" {
		t.Errorf("%v", s)
	}
}
