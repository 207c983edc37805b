package network

import (
	"vedette/internal/attack"
	"vedette/internal/detect"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/learn"
	"vedette/internal/plug"
	"vedette/internal/text"
)

// BruteForce finds guessing at passwords, by a machine of ours and at one, and sign-ins
// from where nobody signed in before.
var BruteForce = detect.Kind{
	Info:       plug.Info{Name: "network/brute_force", Summary: "many attempts to sign in fail, or one succeeds from where none did before"},
	Facet:      finding.Authentication,
	Techniques: []attack.ID{"T1110", "T1133"},
	Wants:      []event.Type{event.FlowType, event.LogonType},
	Signals: []detect.Signal{
		guesses:    {Name: "failed sign-ins", Says: "failed {n} times to sign in, to {peers} ({labels})", First: learn.Prior{Mean: 1, Variance: 0.7, Often: 0.05}, Floor: 5},
		guessed:    {Name: "failed sign-ins to it", Says: "was the target of {n} failed sign-ins, from {peers} ({labels})", First: learn.Prior{Mean: 1.5, Variance: 1.5, Often: 0.1}, Floor: 10},
		accounts:   {Name: "accounts tried in vain", Says: "tried {n} accounts in vain, among them {labels}", Model: detect.News, Floor: 5},
		brief:      {Name: "brief sessions with sign-in services", Says: "had {n} sessions of a few seconds with services that people sign in to ({labels}), with {peers}", First: learn.Prior{Mean: 1.5, Variance: 1, Often: 0.1}, Floor: 20},
		newComer:   {Name: "first sign-ins from outside", Says: "was signed in to from {n} places outside from where nobody had: {peers} ({labels})", Model: detect.News},
		newClients: {Name: "first sign-ins from inside", Says: "was signed in to from {n} machines from where nobody had: {peers} ({labels})", Model: detect.News},
	},
	Values: []detect.Value{user(), signedIn()},
	Observe: func(s *detect.Seen, m detect.Memory) {
		if s.Head().Type == event.FlowType {
			observeBrief(s, m)
			return
		}
		l := s.Logon()
		name := named(s.Bytes(l.Protocol))
		times := float64(max(1, l.Attempts))
		switch {
		case l.Result == event.Failure && s.Side == detect.Acts:
			m.Add(guesses, times, name)
			if l.User != 0 {
				m.Draw(accounts, s.Novelty(0), named(s.Bytes(l.User)))
			}
		case l.Result == event.Failure:
			m.Add(guessed, times, name)
		case l.Result == event.Success && s.Side == detect.Serves && ours(s.Peer()):
			m.Draw(newClients, s.Novelty(1), name)
		case l.Result == event.Success && s.Side == detect.Serves:
			m.Draw(newComer, s.Novelty(1), name)
		}
	},
}

const (
	guesses = iota
	guessed
	accounts
	brief
	newComer
	newClients
)

// user is the account that is signed in with.
func user() detect.Value {
	return detect.Value{Name: "user", Of: func(e event.View, s detect.Side) uint64 {
		if e.Head().Type != event.LogonType || e.Logon().User == 0 || s == detect.Serves {
			return 0
		}
		return text.Hash(3, e.Bytes(e.Logon().User))
	}}
}

// signedIn is the client of a sign-in that succeeded.
func signedIn() detect.Value {
	return detect.Value{Name: "signed in from", Of: func(e event.View, s detect.Side) uint64 {
		if e.Head().Type != event.LogonType || e.Logon().Result != event.Success || s == detect.Acts {
			return 0
		}
		return uint64(e.Head().Subject.Key)
	}}
}

// observeBrief counts sessions too short for work with services that people sign in to:
// what guessing looks like where nobody can look inside.
func observeBrief(s *detect.Seen, m detect.Memory) {
	f := s.Flow()
	if s.Side != detect.Acts || f.Outcome != event.Established || f.Open == 1 || f.Duration > 10e9 || f.Number != tcp {
		return
	}
	switch s.Head().Object.Port {
	case 21, 22, 23, 1433, 3306, 3389, 5432, 5900, 5985:
		m.Add(brief, 1, label(s.View))
	}
}
