package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/plug"
	"vedette/internal/text"
)

// Beacon finds regular contact with places that few others here know: what an implant
// does that asks for orders, and what a vendor's agent does. The other way round it says
// less, for whoever is on the Internet is knocked at by machines, day and night. Programs
// that call home by a clock are everywhere, so scores are taken to be heavy until the
// estate shows otherwise.
var Beacon = detect.Kind{
	Info:       plug.Info{Name: "network/beacon", Summary: "a machine is in regular contact with a place that few others here know"},
	Facet:      finding.Beacon,
	Techniques: []attack.ID{"T1071", "T1573"},
	Wants:      []event.Type{event.FlowType, event.TLSType, event.HTTPType},
	Signals: []detect.Signal{
		calls:  {Name: "regularity of contact", Says: "contacted {peers} every {n} or so", Unit: "seconds", Model: detect.Beats, Sort: finding.Decisive, Hourly: 60, Heavy: 3},
		called: {Name: "regularity of being contacted", Says: "was contacted by {peers} every {n} or so", Unit: "seconds", Model: detect.Beats, Sort: finding.Decisive, Hourly: 12, Heavy: 6},
	},
	Values: []detect.Value{beaconPeer: peer()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		h := s.Head()
		if ours(s.Peer()) || s.Peer().Key == 0 || s.Novelty(beaconPeer).Estate > rare {
			return
		}
		at, size := h.Time, 0.0
		if h.Type == event.FlowType {
			f := s.Flow()
			if f.Open == 1 || housekeeping(s.View) {
				return
			}
			at, size = h.Time-f.Duration, float64(f.BytesOut)
		}
		signal := calls
		if s.Side == detect.Serves {
			signal = called
		}
		m.Beat(signal, text.Mix(uint64(s.Peer().Key), uint64(h.Object.Port)), at, size, detect.Label{})
	},
}

const (
	calls = iota
	called
)

const beaconPeer = 0
