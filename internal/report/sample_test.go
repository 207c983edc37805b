package report

import (
	"fmt"
	"strconv"
	"time"

	"vedette/internal/attack"
	"vedette/internal/entity"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

// book is what entities are called in tests.
type book map[entity.Key]struct {
	name      string
	kind      entity.Kind
	addresses []string
}

func (b book) Name(k entity.Key) string        { return b[k].name }
func (b book) Kind(k entity.Key) entity.Kind   { return b[k].kind }
func (b book) Addresses(k entity.Key) []string { return b[k].addresses }
func (b book) Where(r finding.Ref) string {
	return []string{"radiology/conn.log", "radiology/ssl.log", "edge/eve.json"}[r.Source%3] + "#" + strconv.FormatUint(r.Position, 10)
}

func names() book {
	b := book{
		1: {"ws-114", entity.Device, []string{"10.0.0.14", "fe80::14"}},
		2: {"pacs-1", entity.Device, []string{"10.0.4.2"}},
		3: {"203.0.113.9", entity.External, nil},
		4: {"infusion-gw", entity.Device, []string{"10.0.7.1"}},
		5: {"10.0.0.77", entity.Device, []string{"10.0.0.77"}},
		6: {"cdn.example.net", entity.External, nil},
	}
	for i := range 8 {
		k := entity.Key(100 + i)
		b[k] = struct {
			name      string
			kind      entity.Kind
			addresses []string
		}{fmt.Sprintf("mr-%d", i+1), entity.Device, nil}
	}
	return b
}

func at(clock string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-03-24 "+clock)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

func refs(source uint32, first, n uint64) (all []finding.Ref) {
	for i := range n {
		all = append(all, finding.Ref{Source: source, Position: first + 3*i})
	}
	return all
}

func lateral() finding.Finding {
	f := finding.Finding{
		ID: 0xa1, Detector: "network/new_peer", Facet: finding.Lateral, Sort: finding.ForIt, Techniques: []attack.ID{"T1021"},
		Entity: 1, Labels: []string{"tcp/445", "tcp/3389"}, Time: at("12:00:00"), From: at("11:00:00"), To: at("12:00:00"),
		Signal: "new machines inside", Says: "used {n} machines inside that it had never used: {peers} ({labels})",
		Observed: 7, Expected: 0.1, Usual: 1, Native: 17.31, Raw: 20.5, Damping: 1, Nats: 20.5 - 2.302585092994046, History: 900,
		Evidence: refs(0, 1204, 7),
	}
	for i := range 7 {
		f.Peers = append(f.Peers, finding.Peer{Key: entity.Key(100 + i), Holders: uint32(1 + i/3*4)})
	}
	return f
}

func volume() finding.Finding {
	return finding.Finding{
		ID: 0xa2, Detector: "network/volume", Facet: finding.Volume, Sort: finding.ForIt, Techniques: []attack.ID{"T1041"},
		Entity: 1, Peers: []finding.Peer{{Key: 3, Holders: 1}}, Time: at("14:00:00"), From: at("13:00:00"), To: at("14:00:00"),
		Signal: "bytes sent outside", Says: "sent {n} outside, most of it to {peers}", Unit: "bytes",
		Observed: 2.1e9, Expected: 31e6, Usual: 240e6, Native: 11.2, Raw: 12.8, Damping: 1, Habit: 0, Nats: 12.8 - 2.302585092994046, History: 41250,
		Evidence: refs(0, 2211, 2),
	}
}

func beacon() finding.Finding {
	return finding.Finding{
		ID: 0xa3, Detector: "network/beacon", Facet: finding.Beacon, Sort: finding.Here, Techniques: []attack.ID{"T1071"},
		Entity: 1, Peers: []finding.Peer{{Key: 3, Holders: 2}}, Labels: []string{"tls/443"}, Time: at("12:30:00"), From: at("09:30:00"), To: at("12:30:00"),
		Signal: "regular contacts", Says: "contacted {peers} every {n} or so", Unit: "seconds",
		Observed: 61.2, Native: 9.1, Raw: 8.4, Damping: 0.62, Nats: 8.4*0.62 - 2.302585092994046, History: 2600,
		Evidence: refs(1, 77, 9),
	}
}

func scan(clock, end string, id uint64, nats float64) finding.Finding {
	return finding.Finding{
		ID: id, Detector: "network/scan", Facet: finding.Scan, Sort: finding.Decisive, Techniques: []attack.ID{"T1046"},
		Entity: 5, Peers: []finding.Peer{{Key: 2, Holders: 40}, {Key: 4, Holders: 3}}, Labels: []string{"tcp/104", "tcp/2575", "tcp/502"},
		Time: at(end), From: at(clock), To: at(end), Signal: "first contacts that failed",
		Says: "tried machines that it had never contacted and that did not answer, such as {peers} ({labels})", Unit: "nats", Observed: 57, Native: nats + 2.302585092994046, Raw: nats + 2.302585092994046, Damping: 1, Nats: nats,
		Evidence: refs(2, 500+id, 4),
	}
}

func third() finding.Finding {
	return finding.Finding{
		ID: 0xa9, Detector: "alert/third_party", Facet: finding.Third, Sort: finding.Here, Entity: 4,
		Peers: []finding.Peer{{Key: 6, Holders: 212}}, Labels: []string{"ET POLICY curl User-Agent"}, Time: at("16:05:00"), From: at("16:00:00"), To: at("16:05:00"),
		Signal: "alerts of others", Says: "{n} serious alerts were raised about it: {labels}", Observed: 1, Expected: 0.2, Usual: 2, Native: 5.2, Raw: 5.9, Damping: 0.24, Habit: 0.4,
		Nats: 0, History: 310, Evidence: refs(2, 9001, 1),
	}
}

func sample() Report {
	first := incident.Incident{
		ID: 0xbeef, Opened: at("11:00:00"), Updated: at("14:00:00"), Entities: []entity.Key{1, 3, 5},
		Findings: []finding.Finding{
			scan("08:10:00", "08:15:00", 0xb1, 6.5), scan("08:25:00", "08:30:00", 0xb2, 9.25), beacon(), lateral(), volume(),
		},
		Links: []incident.Link{
			{Finding: 0xa2, Strength: 4.1, Why: "both involve", Shared: 3, Holders: 2},
			{Finding: 0xa3, Strength: 4.1, Why: "both involve", Shared: 3, Holders: 2},
			{Finding: 0xa1, Strength: 3, Why: "the same", Shared: 1},
		},
		Risk: 18.197415 + 10.497415 + 9.25 + 2.905415, Threshold: 18.3, Score: 79, Surfaced: true, Verdict: incident.Malicious, Confidence: 0.83, Learning: 0.71,
		Techniques: []attack.ID{"T1046", "T1071", "T1021", "T1041"},
		Phases:     []attack.Tactic{attack.Discovery, attack.CommandAndControl, attack.LateralMovement, attack.Exfiltration},
	}
	first.Facets[finding.Lateral], first.Facets[finding.Volume], first.Facets[finding.Scan] = 18.197415, 10.497415, 9.25
	first.Facets[finding.Beacon] = 2.905415
	second := incident.Incident{
		ID: 0xcafe, Opened: at("16:00:00"), Updated: at("16:05:00"), Entities: []entity.Key{4, 6}, Findings: []finding.Finding{third()},
		Risk: 0.4, Threshold: 18.3, Score: 2, Hidden: "its risk is below the level that the budget asks for", Verdict: incident.Benign, Confidence: 0.2, Learning: 0.71,
	}
	second.Facets[finding.Third] = 0.4
	return Report{
		Sources: []Source{
			{Path: "radiology/conn.log", Format: "zeek/conn", Records: 1203991, Events: 1203990, Rejected: 1, Reasons: map[string]int64{"not valid JSON": 1}, First: at("00:00:01"), Last: at("23:59:58"), Status: "read"},
			{Path: "radiology/ssl.log", Format: "zeek/ssl", Records: 81022, Events: 81022, First: at("00:00:07"), Last: at("23:59:41"), Status: "read"},
			{Path: "edge/eve.json", Format: "suricata/eve", Records: 40211, Events: 39870, Rejected: 341, Reasons: map[string]int64{"no time, or one that makes no sense": 40, "not valid JSON": 301}, First: at("00:02:00"), Last: at("21:17:12"), Status: "read", Problem: "ends in the middle of a record"},
			{Path: "SOURCES.md", Status: "not telemetry"},
		},
		Findings:  []finding.Finding{lateral(), volume(), scan("08:25:00", "08:30:00", 0xb2, 9.25), scan("08:10:00", "08:15:00", 0xb1, 6.5), beacon(), third()},
		Incidents: []incident.Incident{first, second}, Entities: 412, Records: 1325224, Events: 1324882, Rejected: 342, Seconds: 3.21,
		Learning: 0.71, Budget: 1, Names: names(), Record: record,
	}
}

func record(r finding.Ref) []Field {
	return []Field{
		{"time", "2026-03-24T11:04:05.123456Z"},
		{"type", "flow"},
		{"class_uid", "4001"},
		{"dataset", "zeek/conn"},
		{"source", "radiology/conn.log"},
		{"position", strconv.FormatUint(r.Position, 10)},
		{"src", "10.0.0.14"},
		{"src_port", "49712"},
		{"dst", "10.0.4.2"},
		{"dst_port", "445"},
		{"protocol_name", "tcp"},
		{"bytes_out", "182044"},
		{"path", "blinded, 41 bytes, #00af31b2c4d5e6f7"},
	}
}
