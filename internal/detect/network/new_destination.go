package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/plug"
)

// NewDestination finds machines that turn to places outside that they, and few others
// here, ever turned to.
var NewDestination = detect.Kind{
	Info:       plug.Info{Name: "network/new_destination", Summary: "a machine turns to places outside that are new to it and rare here"},
	Facet:      finding.Destination,
	Techniques: []attack.ID{"T1071"},
	Wants:      []event.Type{event.FlowType, event.TLSType, event.HTTPType},
	Signals: []detect.Signal{
		newPlaces: {Name: "new places outside", Says: "turned to {n} places outside that it had never turned to: {peers}", Model: detect.News},
	},
	Values: []detect.Value{placeOutside: peer()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		if s.Side != detect.Acts || ours(s.Peer()) || s.Peer().Key == 0 {
			return
		}
		if s.Head().Type == event.FlowType && (s.Flow().Outcome != event.Established || s.Flow().Open == 1 || housekeeping(s.View)) {
			return
		}
		m.Draw(newPlaces, s.Novelty(placeOutside), detect.Label{})
	},
}

const (
	newPlaces    = 0
	placeOutside = 0
)
