package desktest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/attack"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

// Hostile is what telemetry may hold, written by somebody who knows that a browser will
// show it.
const Hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{.Token}}javascript:alert(3)\u202egnp.exe\x00\x1b[2J"

// Fill makes a hospital of it, with n incidents more than the five that are told in full.
// All that comes from telemetry goes through say.
func (m *Memory) Fill(n int, say func(string) string) {
	for i, r := range auth.Roles() {
		m.AddPerson([]string{"vera", "anna", "rosa", "carl", "ada", "otto"}[i], r)
	}
	m.AddSession("ada")
	book := Book{}
	add := func(k entity.Key, kind entity.Kind, name string, at ...string) {
		e := book[k]
		e.Called, e.Is = say(name), kind
		for _, a := range at {
			e.At = append(e.At, say(a))
		}
		book[k] = e
	}
	add(1, entity.Device, "ws-114", "10.0.0.14")
	add(2, entity.Device, "pacs-1", "10.0.4.2")
	add(3, entity.External, "203.0.113.9")
	add(4, entity.Device, "infusion-gw", "10.0.7.1")
	add(5, entity.Device, "10.0.0.77", "10.0.0.77")
	add(6, entity.External, "cdn.example.net")
	add(7, entity.Account, "m.huber@clinic")
	for k := range entity.Key(8) {
		add(100+k, entity.Device, fmt.Sprintf("mr-%d", k+1), fmt.Sprintf("10.0.5.%d", k+1))
	}
	m.exfiltration(book, say)
	m.smaller(book, say)
	for i := range n {
		id := 0x10000 + uint64(i)
		t := m.Clock.Add(-time.Duration(i) * 7 * time.Minute)
		row := desk.Row{
			ID: id, Title: say(fmt.Sprintf("ws-%d turned to places outside that are new or rare here", i%400)), Who: []string{say(fmt.Sprintf("ws-%d", i%400)), "203.0.113.9"}, Surfaced: i%3 == 0,
			Score: 48 - i%40, Confidence: 0.3, Concluded: incident.Unjudged, Opened: t, Updated: t, Findings: 1 + i%5,
		}
		if !row.Surfaced {
			row.Hidden = say("its risk is below the level that the budget asks for")
		} else {
			row.Score = 50 + i%20
		}
		if i%17 == 3 {
			row.Closed, row.Verdict = true, incident.Benign
		}
		m.AddCase(desk.Case{Row: row, Names: book, Body: incident.Incident{ID: id, Opened: t.UnixNano(), Updated: t.UnixNano(), Entities: []entity.Key{1, 3}, Findings: []finding.Finding{m.beacon(say)}, Risk: 9, Threshold: 18.3, Score: row.Score, Verdict: incident.Unjudged, Confidence: 0.3, Learning: 1}})
	}
	m.world(book, say)
}

func (m *Memory) at(before time.Duration) int64 { return m.Clock.Add(-before).UnixNano() }

func refs(source uint32, first, n uint64) (all []finding.Ref) {
	for i := range n {
		all = append(all, finding.Ref{Source: source, Position: first + 3*i})
	}
	return all
}

func (m *Memory) beacon(say func(string) string) finding.Finding {
	return finding.Finding{
		ID: 0xa3, Detector: "network/beacon", Facet: finding.Beacon, Sort: finding.Here, Techniques: []attack.ID{"T1071"}, Entity: 1, Peers: []finding.Peer{{Key: 3, Holders: 2}}, Labels: []string{say("tls/443")},
		Time: m.at(110 * time.Minute), From: m.at(290 * time.Minute), To: m.at(110 * time.Minute), Signal: "regular contacts", Says: "contacted {peers} every {n} or so", Unit: "seconds",
		Observed: 61.2, Native: 9.1, Raw: 8.4, Damping: 0.62, Nats: 2.905, History: 2600, Evidence: refs(1, 77, 9),
	}
}

func (m *Memory) exfiltration(book Book, say func(string) string) {
	scan := func(id uint64, from, to time.Duration, nats float64) finding.Finding {
		return finding.Finding{
			ID: id, Detector: "network/scan", Facet: finding.Scan, Sort: finding.Decisive, Techniques: []attack.ID{"T1046"}, Entity: 5, Peers: []finding.Peer{{Key: 2, Holders: 40}, {Key: 4, Holders: 3}},
			Labels: []string{say("tcp/104"), "tcp/2575", "tcp/502"}, Time: m.at(to), From: m.at(from), To: m.at(to), Signal: "first contacts that failed",
			Says: "tried machines that it had never contacted and that did not answer, such as {peers} ({labels})", Unit: "nats", Observed: 57, Native: nats + 2.3026, Raw: nats + 2.3026, Damping: 1, Nats: nats, Evidence: refs(2, 500+id, 4),
		}
	}
	lateral := finding.Finding{
		ID: 0xa1, Detector: "network/new_peer", Facet: finding.Lateral, Sort: finding.ForIt, Techniques: []attack.ID{"T1021"}, Entity: 1, Labels: []string{say("tcp/445"), "tcp/3389"},
		Time: m.at(140 * time.Minute), From: m.at(200 * time.Minute), To: m.at(140 * time.Minute), Signal: "new machines inside", Says: "used {n} machines inside that it had never used: {peers} ({labels})",
		Observed: 7, Expected: 0.1, Usual: 1, Native: 17.31, Raw: 20.5, Damping: 1, Nats: 18.197, History: 900, Evidence: refs(0, 1204, 7),
	}
	for k := range 7 {
		lateral.Peers = append(lateral.Peers, finding.Peer{Key: entity.Key(100 + k), Holders: uint32(1 + k/3*24)})
	}
	volume := finding.Finding{
		ID: 0xa2, Detector: "network/volume", Facet: finding.Volume, Sort: finding.ForIt, Techniques: []attack.ID{"T1041"}, Entity: 1, Peers: []finding.Peer{{Key: 3, Holders: 1}},
		Time: m.at(20 * time.Minute), From: m.at(80 * time.Minute), To: m.at(20 * time.Minute), Signal: "bytes sent outside", Says: "sent {n} outside, most of it to {peers}", Unit: "bytes",
		Observed: 2.1e9, Expected: 31e6, Usual: 240e6, Native: 11.2, Raw: 12.8, Damping: 1, Habit: 0.4, Nats: 10.097, History: 41250, Evidence: refs(0, 2211, 2),
	}
	body := incident.Incident{
		ID: 0xbeef, Opened: m.at(350 * time.Minute), Updated: m.at(20 * time.Minute), Entities: []entity.Key{1, 3, 5},
		Findings: []finding.Finding{scan(0xb1, 370*time.Minute, 365*time.Minute, 6.5), scan(0xb2, 355*time.Minute, 350*time.Minute, 9.25), m.beacon(say), lateral, volume},
		Links:    []incident.Link{{Finding: 0xa2, Strength: 4.1, Why: "both involve", Shared: 3, Holders: 2}, {Finding: 0xa3, Strength: 4.1, Why: "both involve", Shared: 3, Holders: 2}, {Finding: 0xa1, Strength: 3, Why: "the same", Shared: 1}},
		Risk:     40.45, Threshold: 18.3, Score: 78, Surfaced: true, Verdict: incident.Malicious, Confidence: 0.83, Learning: 0.71,
		Techniques: []attack.ID{"T1046", "T1071", "T1021", "T1041"}, Phases: []attack.Tactic{attack.Discovery, attack.CommandAndControl, attack.LateralMovement, attack.Exfiltration},
	}
	body.Facets[finding.Lateral], body.Facets[finding.Volume], body.Facets[finding.Scan], body.Facets[finding.Beacon] = 18.197, 10.097, 9.25, 2.905
	m.AddCase(desk.Case{
		Row:  desk.Row{ID: 0xbeef, Version: 3, Title: say("ws-114 and 10.0.0.77 made unusual contacts inside (mr-1, mr-2, mr-3 and 4 more) and moved far more data than usual"), Who: []string{say("ws-114"), "203.0.113.9", "10.0.0.77"}, Surfaced: true, Score: 78, Confidence: 0.83, Concluded: incident.Malicious, Assignee: "anna", Opened: time.Unix(0, body.Opened), Updated: time.Unix(0, body.Updated), Findings: 5},
		Body: body, Names: book,
		Notes:   []desk.Note{{Author: "anna", Time: m.Clock.Add(-12 * time.Minute), Text: say("Called radiology: nobody there moves images today. ws-114 stands in the corridor by MR 2.\nWaiting for M. Huber to call back.")}},
		History: []desk.Event{{Time: m.Clock.Add(-350 * time.Minute), What: "put it together from 1 finding"}, {Time: m.Clock.Add(-139 * time.Minute), What: "surfaced it: its risk passed what the budget asks for"}, {Time: m.Clock.Add(-30 * time.Minute), Actor: "anna", What: "assigned it to anna"}, {Time: m.Clock.Add(-12 * time.Minute), Actor: "anna", What: "wrote a note"}},
		Similar: []desk.Row{{ID: 0xd00d, Title: say("ws-98 moved far more data than usual with share.example.org"), Surfaced: true, Closed: true, Score: 61, Verdict: incident.Benign, Updated: m.Clock.Add(-40 * 24 * time.Hour)}},
	})
}

func (m *Memory) smaller(book Book, say func(string) string) {
	for i, r := range []desk.Row{
		{ID: 0xcafe, Title: "infusion-gw kept up unusually regular contact with 203.0.113.9", Who: []string{"infusion-gw"}, Surfaced: true, Score: 66, Confidence: 0.61, Concluded: incident.Suspicious, Findings: 2},
		{ID: 0xf00d, Title: "m.huber@clinic signed in, or tried to, in an unusual way at pacs-1", Who: []string{"m.huber@clinic", "pacs-1"}, Surfaced: true, Score: 57, Confidence: 0.44, Concluded: incident.NeedsPerson, Findings: 3},
		{ID: 0xd00d, Title: "ws-98 moved far more data than usual with share.example.org", Who: []string{"ws-98"}, Surfaced: true, Closed: true, Score: 61, Confidence: 0.5, Verdict: incident.Benign, Concluded: incident.Suspicious, Findings: 1},
		{ID: 0xfade, Title: "mr-4 was reported by another tool", Who: []string{"mr-4"}, Hidden: "its risk is below the level that the budget asks for", Score: 12, Confidence: 0.12, Concluded: incident.Benign, Findings: 1},
	} {
		r.Title = say(r.Title)
		r.Opened = m.Clock.Add(-time.Duration(i+1) * 50 * time.Minute)
		r.Updated = r.Opened.Add(9 * time.Minute)
		body := incident.Incident{ID: r.ID, Opened: r.Opened.UnixNano(), Updated: r.Updated.UnixNano(), Entities: []entity.Key{4, 3}, Findings: []finding.Finding{m.beacon(say)}, Risk: 21, Threshold: 18.3, Score: r.Score, Surfaced: r.Surfaced, Hidden: r.Hidden, Verdict: r.Concluded, Confidence: r.Confidence, Learning: 1, Phases: []attack.Tactic{attack.CommandAndControl}}
		body.Facets[finding.Beacon] = 21
		m.AddCase(desk.Case{Row: r, Body: body, Names: book})
	}
}

// world adds entities, sources and what Home says of them.
func (m *Memory) world(book Book, say func(string) string) {
	ago := func(d time.Duration) time.Time { return m.Clock.Add(-d) }
	for k, b := range book {
		e := desk.Entity{Key: k, Kind: b.Is, Name: b.Called, Own: b.Is != entity.External, First: ago(70 * 24 * time.Hour), Last: ago(time.Duration(k) * time.Minute), Learned: 0.4 + float64(k%5)/8, Names: book}
		for _, a := range b.At {
			e.Identifiers = append(e.Identifiers, desk.Identifier{Type: entity.IP, Value: a, From: ago(9 * 24 * time.Hour), How: say("DHCP lease"), Now: true})
		}
		m.AddEntity(e)
	}
	e := m.entities[1]
	e.Group, e.Learned = say("workstations"), 0.71
	e.Identifiers = append(e.Identifiers, desk.Identifier{Type: entity.Hostname, Value: say("ws-114.clinic.example"), From: ago(70 * 24 * time.Hour), How: "Kerberos and DHCP", Now: true}, desk.Identifier{Type: entity.IP, Value: "10.0.0.131", From: ago(70 * 24 * time.Hour), To: ago(9 * 24 * time.Hour), How: "DHCP lease"}, desk.Identifier{Type: entity.MAC, Value: "00:1b:44:11:3a:b7", From: ago(70 * 24 * time.Hour), How: "ARP"})
	e.Peers = []desk.EntityRow{{Key: 5, Kind: entity.Device, Name: say("10.0.0.77"), Own: true, Learned: 1}, {Key: 100, Kind: entity.Device, Name: "mr-1", Own: true, Learned: 1}}
	e.Incidents = []desk.Row{m.cases[0xbeef].Row}
	e.Findings = m.cases[0xbeef].Body.Findings[2:]
	e.Compared, e.Looked = 412, 412
	e.Progress = desk.Progress{Entity: 85, Estate: 120, Full: 120}
	e.Firsts = []desk.First{
		{Signal: say("new machines inside"), Peer: desk.EntityRow{Key: 100, Kind: entity.Device, Name: say("mr-1"), Own: true}, Label: say("tcp/104"), Time: ago(2 * time.Hour)},
		{Signal: say("new machines inside"), Peer: desk.EntityRow{Key: 101, Kind: entity.Device, Name: "mr-2", Own: true}, Label: "tcp/104", Time: ago(2 * time.Hour)},
		{Signal: "new places outside", Peer: desk.EntityRow{Key: 3, Kind: entity.External, Name: say("203.0.113.9")}, Time: ago(5 * time.Hour)},
	}
	e.Signals = m.signals(say)
	m.entities[1] = e
	hours := func(base int64, stop int) (all []int64) {
		for h := range 24 {
			n := base + int64(float64(base)*0.6*math.Sin(float64(h-8)/24*2*math.Pi))
			if h >= stop {
				n = 0
			}
			all = append(all, n)
		}
		return all
	}
	m.AddSource(desk.Source{Name: say("core-switch"), Kind: "file", Format: "zeek/conn", Received: 1203991, Decoded: 1203990, Rejected: 1, Reasons: []desk.Reason{{Why: say("not valid JSON"), Count: 1}}, First: ago(90 * 24 * time.Hour), Last: ago(4 * time.Second), State: desk.Fine, Hours: hours(50000, 24)})
	m.AddSource(desk.Source{Name: "edge", Kind: "syslog/tls", Format: "suricata/eve", Received: 40211, Decoded: 39870, Rejected: 301, Lost: 40, Reasons: []desk.Reason{{Why: "not valid JSON", Count: 261}, {Why: "no time, or one that makes no sense", Count: 40}}, First: ago(60 * 24 * time.Hour), Last: ago(3 * time.Hour), State: desk.Gap, Says: say("Nothing has come since 11:20 UTC, where 1,700 records an hour are usual. Look whether Suricata runs and its log is written."), Hours: hours(1700, 21)})
	m.AddSource(desk.Source{Name: "radiology", Kind: "push", Format: "zeek", Received: 81022, Decoded: 81022, First: ago(20 * 24 * time.Hour), Last: ago(41 * time.Second), State: desk.Fine, Hours: hours(3400, 24)})
	p := desk.Promise{Budget: 1, Entities: 412, Learning: 1}
	for d := range 14 {
		day := desk.Day{Date: ago(time.Duration(13-d) * 24 * time.Hour), Surfaced: []int{0, 1, 0, 0, 2, 1, 0, 0, 1, 0, 3, 0, 1, 3}[d], False: []int{0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0}[d]}
		if d == 13 {
			day.Open = 3
		}
		p.Days = append(p.Days, day)
	}
	m.SetOverview(p, desk.Done{Records: 1325224, Events: 1324882, Findings: 61, Incidents: 9, Surfaced: 3})
}

// signals are a week of what a workstation did, with a night of theft at the end.
func (m *Memory) signals(say func(string) string) (all []desk.Signal) {
	for i, s := range []desk.Signal{
		{Name: say("bytes sent outside"), Unit: "bytes", Reading: desk.Sum},
		{Name: "conversations begun", Reading: desk.Sum},
		{Name: say("new machines inside"), Reading: desk.News},
		{Name: "length of a session it began", Unit: "seconds", Reading: desk.Largest},
		{Name: "busy hour", Reading: desk.Busy},
		{Name: "regularity of contact", Unit: "nats", Reading: desk.Rhythm},
		{Name: say("serious alerts"), Reading: desk.Sum},
		{Name: "alerts", Reading: desk.Sum},
	} {
		s.Window, s.Known, s.Ever, s.Detector = time.Hour, i != 7, i != 6, say("network/volume")
		scale := []float64{31e6, 40, 0.7, 900, 0, 0, 0, 0}[i]
		for h := range 7*24 + 1 {
			p := desk.Point{Time: m.Clock.Truncate(time.Hour).Add(time.Duration(h-7*24) * time.Hour), Own: 12, Often: 0.9, Open: h == 7*24}
			day := math.Sin(float64(p.Time.Hour()-7) / 11 * math.Pi)
			if p.Missing = p.Time.Hour() < 7 || p.Time.Hour() > 18 || p.Time.Weekday() == time.Sunday; p.Missing {
				day, p.Often, p.Own = 0, 0.04, 0
			}
			p.High = scale * []float64{2.4, 0.6}[min(1, int(p.Often+0.95)%2)]
			p.Observed = scale * day * (0.8 + 0.4*math.Sin(float64(h*h+i)))
			switch s.Reading {
			case desk.Busy:
				p.High, p.Observed = 1, 1
				if p.Missing {
					p.Observed = 0
				}
			case desk.News:
				p.Observed = math.Floor(p.Observed * 1.6)
			case desk.Rhythm:
				p.High, p.Often = 3.69, 1
			case desk.Sum:
				p.Low = p.High / 60 * math.Ceil(day)
			}
			if h > 7*24-4 && i < 3 {
				p.Missing, p.Observed, p.Finding = false, math.Round(scale*[]float64{20, 6, 8}[i]*float64(h-7*24+4)), true
			}
			s.Points = append(s.Points, p)
		}
		all = append(all, s)
	}
	return all
}

// Plain leaves a text as it is.
func Plain(s string) string { return s }

// Attack puts [Hostile] into a text.
func Attack(s string) string { return strings.TrimSpace(Hostile + s) }
