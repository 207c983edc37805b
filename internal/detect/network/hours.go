package network

import (
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/plug"
)

// Hours finds machines that are busy at a time of day when they and their peers are not.
var Hours = detect.Kind{
	Info:  plug.Info{Name: "network/hours", Summary: "a machine is busy at an hour at which it never was"},
	Facet: finding.Hours,
	Wants: []event.Type{event.FlowType},
	Signals: []detect.Signal{
		oddHour: {Name: "busy hour", Says: "was busy at an hour at which it never was, with {peers}", Model: detect.Clock},
	},
	Observe: func(s *detect.Seen, m detect.Memory) {
		f := s.Flow()
		if s.Side == detect.Acts && f.Outcome == event.Established && f.Open == 0 && !housekeeping(s.View) {
			m.Add(oddHour, 1, detect.Label{})
		}
	},
}

const oddHour = 0
