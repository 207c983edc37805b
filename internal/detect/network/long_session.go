package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
)

// LongSession finds conversations with the outside that last far longer than others do,
// whether they have ended or go on. How long conversations last anywhere is known well
// enough to need no history: the prior is of the RITA authors' thresholds of 1 to 12 hours,
// read as one in ten and one in a thousand.
var LongSession = detect.Kind{
	Info:       plug.Info{Name: "network/long_session", Summary: "a conversation with a place outside lasts far longer than others do"},
	Facet:      finding.Session,
	Techniques: []attack.ID{"T1219", "T1573"},
	Wants:      []event.Type{event.FlowType},
	Signals: []detect.Signal{
		lasting: {Name: "length of a session it began", Says: "kept a session with {peers} open for {n} ({labels})", Unit: "seconds", Model: detect.Largest, Sort: finding.Decisive, First: learn.Prior{Mean: 6, Variance: 1.5, Often: 0.8}, Floor: 3600},
		held:    {Name: "length of a session it was the server of", Says: "was kept in a session by {peers} for {n} ({labels})", Unit: "seconds", Model: detect.Largest, Sort: finding.Decisive, First: learn.Prior{Mean: 6, Variance: 1.5, Often: 0.8}, Floor: 3600},
	},
	Observe: func(s *detect.Seen, m detect.Memory) {
		f := s.Flow()
		if ours(s.Peer()) || f.Outcome != event.Established || f.Number != tcp {
			return // nothing but TCP says that a conversation goes on
		}
		signal := lasting
		if s.Side == detect.Serves {
			signal = held
		}
		if f.Open == 1 {
			m.Foresee(signal, float64(f.Duration)/1e9, label(s.View))
			return
		}
		m.Add(signal, float64(f.Duration)/1e9, label(s.View))
	},
}

const (
	lasting = iota
	held
)
