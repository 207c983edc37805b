package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/plug"
)

// Scan finds machines that feel their way: along the network, or along the ports of a
// machine. No history makes that normal, so it needs none.
var Scan = detect.Kind{
	Info:       plug.Info{Name: "network/scan", Summary: "a machine tries many others, or many ports, that do not answer"},
	Facet:      finding.Scan,
	Techniques: []attack.ID{"T1046", "T1018"},
	Wants:      []event.Type{event.FlowType},
	Signals: []detect.Signal{
		sweep: {Name: "unanswered first contacts", Says: "tried machines that it had never contacted and that did not answer, such as {peers} ({labels})", Unit: "nats", Model: detect.Trials, Sort: finding.Decisive, Floor: 20},
		ports: {Name: "unanswered ports", Says: "tried ports that did not answer, such as {labels}, on {peers}", Unit: "nats", Model: detect.Trials, Sort: finding.Decisive, Floor: 20},
	},
	Values: []detect.Value{scanPeer: peer(), scanEndpoint: endpoint()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		f := s.Flow()
		if s.Side != detect.Acts || f.Outcome == event.UnknownOutcome || f.Open == 1 || many(s.Bytes(s.Head().Object.Name)) || reply(s.View) || !s.Novelty(scanEndpoint).First {
			return
		}
		weight := 1.0
		if f.Number != tcp {
			weight = 0.3 // silence is an answer where nothing is acknowledged
		}
		signal := ports
		if s.Novelty(scanPeer).First {
			signal = sweep
		}
		m.Try(signal, f.Outcome == event.Established, weight, label(s.View))
	},
}

const (
	sweep = iota
	ports
)

const (
	scanPeer = iota
	scanEndpoint
)
