package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/plug"
)

// NewPeer finds machines that turn to machines and services of ours that they never used.
var NewPeer = detect.Kind{
	Info:       plug.Info{Name: "network/new_peer", Summary: "a machine turns to machines or services inside that it never used"},
	Facet:      finding.Lateral,
	Techniques: []attack.ID{"T1021"},
	Wants:      []event.Type{event.FlowType},
	Signals: []detect.Signal{
		peerMachines: {Name: "new machines inside", Says: "used {n} machines inside that it had never used: {peers} ({labels})", Model: detect.News},
		peerServices: {Name: "new services inside", Says: "used {n} services inside that it had never used: {labels} on {peers}", Model: detect.News},
	},
	Values: []detect.Value{peerMachine: peer(), peerService: service()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		if s.Side != detect.Acts || !ours(s.Peer()) || s.Flow().Outcome != event.Established || s.Flow().Open == 1 || housekeeping(s.View) {
			return
		}
		name := label(s.View)
		m.Draw(peerMachines, s.Novelty(peerMachine), name)
		m.Draw(peerServices, s.Novelty(peerService), name)
	},
}

const (
	peerMachines = iota
	peerServices
)

const (
	peerMachine = iota
	peerService
)
