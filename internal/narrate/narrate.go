// Package narrate puts findings and incidents into words. A sentence is a fixed template
// and a claim, so nothing is said that is not in the structure, and each sentence leads
// to the records it stands on.
//
// What comes from telemetry, such as a name, is made [Visible] and cut before it becomes
// part of a sentence, so that a sentence holds neither control characters nor changes of
// direction. It is plain text all the same: whoever puts it into markup escapes it.
package narrate

import (
	"math"
	"strconv"
	"strings"

	"vedette/internal/entity"
	"vedette/internal/finding"
)

// Names knows what entities are called. It returns the same answer each time.
type Names interface {
	// Name returns what people call the entity; empty if nobody knows.
	Name(entity.Key) string
	// Addresses returns the addresses it was seen with, the most telling first.
	Addresses(entity.Key) []string
	Kind(entity.Key) entity.Kind
}

// Sentence is one claim in words.
type Sentence struct {
	Text     string
	Evidence []finding.Ref // at most 16, the most telling first
	Claim    string        // names the claim within its incident: "opening", "finding/<id>", "link/1"
}

const (
	named   = 3 // how many of a list are said by name
	maxPeer = 8 // how many peers and labels a finding keeps at most
	u1      = 2.302585092994046
	longest = 48 // characters of a name within a sentence
)

// Why returns what a finding claims and why it is worth saying: when, who, what, what
// would be normal, how rare that is, and what it counts.
func Why(f finding.Finding, n Names) string {
	return sentence(f, n, full)
}

// detail says how much of what is known anyway a sentence repeats.
type detail struct{ date, year, address bool }

var full = detail{true, true, true}

func sentence(f finding.Finding, n Names, d detail) string {
	who := Name(n, f.Entity)
	if d.address {
		who = withAddress(n, f.Entity)
	}
	between := " "
	if strings.HasPrefix(f.Says, "{n}") {
		between = ": "
	}
	s := upper(span(f.From, f.To, d.date, d.year)) + ", " + who + between + Predicate(f, n) + "."
	if h := holders(f, n); h != "" {
		s += " " + h + "."
	}
	r := rarity(f, n)
	if f.Damping >= 1 && f.Habit <= 0 {
		return s + " " + r + "; " + Nats(f.Nats) + "."
	}
	s += " " + r + "."
	if f.Damping < 1 {
		s += " " + damping(f, n) + "."
	}
	if f.Habit > 0 {
		s += " The same was said before, so " + Nats(f.Habit) + " are taken off."
	}
	return s + " What counts is " + Nats(f.Nats) + "."
}

// Predicate returns the middle of the sentence alone: what was done, and in brackets
// what would be normal.
func Predicate(f finding.Finding, n Names) string {
	says := Visible(f.Says)
	if says == "" {
		says = "stood out by {n} " + Visible(f.Signal)
		if f.Unit != "" {
			says = "stood out by " + Visible(f.Signal) + " of {n}"
		}
	}
	if f.Unit == "" && f.Observed == 1 {
		says = singular(says)
	}
	if r := normal(f); r != "" {
		if i := strings.Index(says, ": {"); i >= 0 {
			says = says[:i] + " (" + r + ")" + says[i:]
		} else if s, ok := strings.CutSuffix(says, ")"); ok {
			says = s + "; " + r + ")"
		} else {
			says += " (" + r + ")"
		}
	}
	return strings.NewReplacer( // one pass: what is filled in is not looked at again
		"{n}", Quantity(f.Observed, f.Unit),
		"{peers}", peers(f, n),
		"{labels}", labels(f),
	).Replace(says)
}

// Passive reports whether a finding says what was done to its entity, and not by it.
func Passive(f finding.Finding) bool { return strings.HasPrefix(f.Says, "was ") }

func peers(f finding.Finding, n Names) string {
	var names []string
	for _, p := range f.Peers {
		names = append(names, Name(n, p.Key))
	}
	return list(names, len(f.Peers) >= maxPeer)
}

func labels(f finding.Finding) string {
	var names []string
	for _, l := range f.Labels {
		names = append(names, Cut(Visible(l), longest))
	}
	return list(names, len(f.Labels) >= maxPeer)
}

// list writes at most three names and how many more there are; open says that there may
// be more than that.
func list(names []string, open bool) string {
	switch n := len(names); {
	case n == 0:
		return "some that are not named"
	case n == 1:
		return names[0]
	case n <= named:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	case open:
		return strings.Join(names[:named], ", ") + " and at least " + strconv.Itoa(n-named) + " more"
	default:
		return strings.Join(names[:named], ", ") + " and " + strconv.Itoa(n-named) + " more"
	}
}

// normal returns what would have been normal, such as "normally 0 to 1 in an hour";
// empty if the finding does not say.
func normal(f finding.Finding) string {
	if f.Expected < 0 {
		return ""
	}
	mid, top := f.Expected, max(f.Expected, f.Usual)
	if mid == 0 && top == 0 && (f.Sort == finding.Decisive || f.History < 1 || f.Facet == finding.Beacon || f.Facet == finding.Scan) {
		return "" // nothing is known of what is normal, which is not the same as none
	}
	in, _ := window(f)
	if f.Unit == "seconds" {
		in = "" // how long something lasts is not a sum
	}
	if in != "" {
		in = " " + in
	}
	if f.Unit == "" && top < 20 {
		low, high := math.Floor(mid), math.Ceil(top)
		switch {
		case high == 0:
			return "normally none" + in
		case low == high:
			return "normally " + Quantity(low, "") + in
		}
		return "normally " + Quantity(low, "") + " to " + Quantity(high, "") + in
	}
	if mid == 0 && top == 0 {
		return "normally none" + in
	}
	a, b := Quantity(mid, f.Unit), Quantity(top, f.Unit)
	if a == b {
		return "normally about " + a + in
	}
	return "normally about " + a + " and seldom more than " + b + in
}

// rarity never says more than the history supports: who has seen 900 hours cannot know
// what happens once in a million.
func rarity(f finding.Finding, n Names) string {
	if f.History < 2 {
		if f.Sort == finding.Decisive {
			return "This needs no history to count"
		}
		return "There is no history yet that says how rare that is"
	}
	_, windows := window(f)
	of := " " + windows + " of comparable " + plural(n.Kind(f.Entity))
	odds := math.Exp(min(f.Raw, 700))
	switch {
	case odds < 2:
		return "By itself that is not rare"
	case odds >= f.History && f.Sort == finding.Decisive:
		return "This needs no history to count"
	case odds >= f.History:
		return "This is rarer than 1 in " + Rounded(f.History) + of + ", which is as far as the history goes"
	}
	return "This is reached in 1 of about " + Rounded(odds) + of
}

// holders says who else knows the peers, where that is hardly anybody.
func holders(f finding.Finding, n Names) string {
	alone, few, least := 0, uint32(0), ""
	for _, p := range f.Peers {
		if p.Holders == 1 {
			alone++
		}
		if p.Holders > 0 && p.Holders <= 3 && least == "" {
			few, least = p.Holders, Name(n, p.Key)
		}
	}
	switch {
	case least == "":
		return ""
	case len(f.Peers) == 1 && alone == 1:
		return "Nobody else here knows " + least
	case len(f.Peers) == 1:
		return "Only " + strconv.Itoa(int(few)) + " of ours know " + least
	case alone == 1:
		return "1 of those named is known to nobody else here"
	case alone > 1 && alone == len(f.Peers) && alone < maxPeer:
		return "None of them is known to anybody else here"
	case alone > 1 && len(f.Peers) >= maxPeer:
		return "At least " + strconv.Itoa(alone) + " of them are known to nobody else here"
	case alone > 1:
		return strconv.Itoa(alone) + " of them are known to nobody else here"
	}
	return ""
}

func damping(f finding.Finding, n Names) string {
	believed := ", so " + Percent(f.Damping) + " of it is believed"
	switch f.Sort {
	case finding.ForIt:
		return "What is normal for " + Name(n, f.Entity) + " has not been learned for long" + believed
	case finding.Here:
		return "What is normal here has not been learned for long" + believed
	}
	return "Of that, " + Percent(f.Damping) + " is believed"
}

// singular puts the first plural after {n} into the singular: the words are a
// detector's, so they are plain.
func singular(says string) string {
	i := strings.Index(says, "{n} ")
	if i < 0 {
		return says
	}
	i += len("{n} ")
	words := strings.SplitN(says[i:], " ", 5)
	for j, w := range words[:min(4, len(words))] {
		bare := strings.TrimRight(w, ":,;.")
		switch {
		case bare == "was" || bare == "is" || bare == "as" || bare == "has" || bare == "its" || strings.Contains(bare, "{"):
			return says
		case strings.HasSuffix(bare, "ss") || strings.HasSuffix(bare, "us") || !strings.HasSuffix(bare, "s"):
			continue
		}
		one := bare[:len(bare)-1]
		if s, ok := strings.CutSuffix(bare, "ies"); ok {
			one = s + "y"
		} else if strings.HasSuffix(bare, "sses") || strings.HasSuffix(bare, "xes") || strings.HasSuffix(bare, "ches") {
			one = bare[:len(bare)-2]
		}
		words[j] = one + w[len(bare):]
		if j+1 < len(words) && words[j+1] == "were" {
			words[j+1] = "was"
		}
		return says[:i] + strings.Join(words, " ")
	}
	return says
}

// Name returns what the entity is called, fit for a sentence.
func Name(n Names, k entity.Key) string {
	if s := n.Name(k); s != "" {
		return Cut(Visible(s), longest)
	}
	return "unnamed " + ID(uint64(k))
}

func withAddress(n Names, k entity.Key) string {
	name := Name(n, k)
	if all := n.Addresses(k); len(all) > 0 && all[0] != n.Name(k) {
		return name + " (" + Cut(Visible(all[0]), longest) + ")"
	}
	return name
}

func one(k entity.Kind) string {
	switch k {
	case entity.Device:
		return "machine"
	case entity.External:
		return "place outside"
	case entity.Unknown:
		return "entity"
	}
	return k.String()
}

func plural(k entity.Kind) string {
	switch k {
	case entity.Device:
		return "machines"
	case entity.Account:
		return "accounts"
	case entity.Mailbox:
		return "mailboxes"
	case entity.Principal:
		return "principals"
	case entity.Controller:
		return "controllers"
	case entity.Service:
		return "services"
	case entity.External:
		return "places outside"
	}
	return "entities"
}
