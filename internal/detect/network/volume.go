package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
)

// Volume finds machines that move far more than they, at that time of day, ever did.
var Volume = detect.Kind{
	Info:       plug.Info{Name: "network/volume", Summary: "a machine moves far more than it does at that time of day"},
	Facet:      finding.Volume,
	Techniques: []attack.ID{"T1048", "T1041"},
	Wants:      []event.Type{event.FlowType},
	Signals: []detect.Signal{
		sentOut:   {Name: "bytes sent outside", Says: "sent {n} outside, most of it to {peers}", Unit: "bytes", First: learn.Prior{Mean: 11, Variance: 6, Often: 0.5}, Floor: 1 << 20},
		sentRare:  {Name: "bytes sent to rare places", Says: "sent {n} to places that few others here know: {peers}", Unit: "bytes", First: learn.Prior{Mean: 9, Variance: 6, Often: 0.1}, Floor: 1 << 20, Sort: finding.Here},
		sentIn:    {Name: "bytes sent inside", Says: "sent {n} to machines inside, most of it to {peers}", Unit: "bytes", First: learn.Prior{Mean: 11, Variance: 8, Often: 0.5}, Floor: 16 << 20},
		got:       {Name: "bytes received", Says: "received {n}, most of it from {peers}", Unit: "bytes", First: learn.Prior{Mean: 13, Variance: 8, Often: 0.7}, Floor: 64 << 20},
		servedOut: {Name: "bytes served outside", Says: "gave {n} to clients outside, most of it to {peers}", Unit: "bytes", First: learn.Prior{Mean: 11, Variance: 8, Often: 0.3}, Floor: 16 << 20},
		talks:     {Name: "conversations begun", Says: "began {n} conversations, most with {peers}", First: learn.Prior{Mean: 4, Variance: 4, Often: 0.8}, Floor: 200},
	},
	Values: []detect.Value{volumePeer: peer()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		f := s.Flow()
		if f.Open == 1 {
			return // its bytes come again when it has ended
		}
		if s.Side == detect.Serves {
			if !ours(s.Peer()) && f.BytesIn > 0 {
				m.Add(servedOut, float64(f.BytesIn), detect.Label{})
			}
			return
		}
		m.Add(talks, 1, detect.Label{})
		if f.BytesIn > 0 {
			m.Add(got, float64(f.BytesIn), detect.Label{})
		}
		switch {
		case f.BytesOut == 0:
		case ours(s.Peer()):
			m.Add(sentIn, float64(f.BytesOut), detect.Label{})
		default:
			m.Add(sentOut, float64(f.BytesOut), detect.Label{})
			if s.Novelty(volumePeer).Estate < rare {
				m.Add(sentRare, float64(f.BytesOut), detect.Label{})
			}
		}
	},
}

const (
	sentOut = iota
	sentRare
	sentIn
	got
	servedOut
	talks
)

const volumePeer = 0

const rare = 3 // a place that so many of our entities know, or fewer, is rare
