package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestNewDestination(t *testing.T) {
	run(t, network.NewDestination, []scene{
		{Name: "rare_places_at_once", Finds: "new places outside", Tell: func(s *story) {
			for i := range 6 {
				s.Flow(11*hour+minute*clock(i), ann, places(i), flow{})
			}
		}},
		{Name: "seen_by_their_handshakes", Finds: "new places outside", Tell: func(s *story) {
			for i := range 6 {
				s.TLS(11*hour+minute*clock(i), ann, places(i), "x.example.com")
			}
		}},

		ordinary,
		{Name: "a_rollout", Tell: func(s *story) {
			for i := range detecttest.Colleagues {
				s.Flow(10*hour+5*minute*clock(i), detecttest.Colleague(i), "93.184.200.1", flow{})
			}
		}},
		{Name: "a_curious_reader_as_always", Quiet: true, Tell: func(s *story) {
			n := 0
			s.Each(func(midnight clock) {
				for range 30 {
					s.Flow(midnight+spread(s), ann, places(n), flow{})
					n++
				}
			})
		}},
		{Name: "a_place_that_colleagues_know", Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range 8 {
					s.Flow(midnight+spread(s), detecttest.Colleague(i+1), "93.184.200.1", flow{})
				}
			})
			s.Flow(11*hour, ann, "93.184.200.1", flow{})
		}},
		{Name: "nobody_answers", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, places(i), flow{Outcome: event.Unanswered})
			}
		}},
		{Name: "a_pool_of_clocks", Quiet: true, Tell: func(s *story) {
			for i := range 20 {
				s.Flow(11*hour+second*clock(i), ann, places(i), flow{Port: 123, Protocol: "udp"})
			}
		}},
		{Name: "machines_inside", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, machines(i), flow{})
			}
		}},
		{Name: "visitors_of_a_server_of_ours", Quiet: true, Tell: func(s *story) {
			for i := range 100 {
				s.Flow(11*hour+second*clock(i), places(i), "10.0.0.80", flow{})
			}
		}},
	})
}
