package network

import (
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
	"vedette/internal/text"
)

// Alert weighs what other tools claim: not how loud it is, but how new for the machine
// and how rare here. A signature that fires all day says nothing.
var Alert = detect.Kind{
	Info:  plug.Info{Name: "network/alert", Summary: "another tool raises alerts that are new for a machine, or many more than it does"},
	Facet: finding.Third,
	Wants: []event.Type{event.AlertType},
	Signals: []detect.Signal{
		newAlerts: {Name: "new kinds of alerts", Says: "was named in {n} kinds of alerts for the first time: {labels}", Model: detect.News},
		alerts:    {Name: "alerts", Says: "was named in {n} alerts: {labels}", First: learn.Prior{Mean: 1.5, Variance: 2, Often: 0.1}, Floor: 10},
		serious:   {Name: "serious alerts", Says: "was named in {n} serious alerts: {labels}", First: learn.Prior{Mean: 0.7, Variance: 0.5, Often: 0.02}, Sort: finding.Here},
	},
	Values: []detect.Value{signature()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		a := s.Alert()
		if a.Severity == event.Informational {
			return
		}
		name := named(s.Bytes(a.Signature))
		m.Draw(newAlerts, s.Novelty(0), name)
		m.Add(alerts, 1, name)
		if a.Severity >= event.High {
			m.Add(serious, 1, name)
		}
	},
}

const (
	newAlerts = iota
	alerts
	serious
)

// signature is the kind of an alert.
func signature() detect.Value {
	return detect.Value{Name: "signature", Of: func(e event.View, s detect.Side) uint64 {
		return text.Hash(uint64(s), e.Bytes(e.Alert().ID))
	}}
}
