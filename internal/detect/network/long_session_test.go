package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestLongSession(t *testing.T) {
	const lasting, held = "length of a session it began", "length of a session it was the server of"
	run(t, network.LongSession, []scene{
		{Name: "a_tunnel_of_a_day", Finds: lasting, Tell: func(s *story) { s.Flow(0, ann, rare, flow{Port: 22, Lasts: 23 * hour}) }},
		{Name: "a_tunnel_that_goes_on", Finds: lasting, Tell: func(s *story) {
			for i := range 23 {
				s.Flow(0, ann, rare, flow{Port: 443, Lasts: hour * clock(i+1), Open: true})
			}
		}},
		{Name: "somebody_outside_stays", Finds: held, Tell: func(s *story) { s.Flow(0, rare, ann, flow{Port: 3389, Lasts: 20 * hour}) }},

		ordinary,
		{Name: "a_session_inside", Quiet: true, Tell: func(s *story) { s.Flow(0, ann, detecttest.Server(1), flow{Port: 22, Lasts: 23 * hour}) }},
		{Name: "a_tunnel_of_every_day", Quiet: true, Tell: func(s *story) { // all work by it
			s.Each(func(midnight clock) {
				for i := range detecttest.Colleagues {
					s.Flow(midnight+8*hour, detecttest.Colleague(i), "93.184.200.1", flow{Port: 443, Lasts: 9 * hour})
				}
			})
		}},
		{Name: "ssh_of_every_day_to_a_known_place", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) { s.Flow(midnight+8*hour, ann, "93.184.200.1", flow{Port: 22, Lasts: 8 * hour}) })
		}},
		{Name: "half_an_hour", Quiet: true, Tell: func(s *story) { s.Flow(10*hour, ann, rare, flow{Lasts: 30 * minute}) }},
		{Name: "datagrams_all_day", Quiet: true, Tell: func(s *story) { s.Flow(0, ann, rare, flow{Protocol: "udp", Lasts: 23 * hour}) }},
		{Name: "nobody_answers", Quiet: true, Tell: func(s *story) { s.Flow(0, ann, rare, flow{Lasts: 23 * hour, Outcome: event.Unanswered}) }},
	})
}
