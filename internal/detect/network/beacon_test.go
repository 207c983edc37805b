package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
)

func TestBeacon(t *testing.T) {
	const calls, called = "regularity of contact", "regularity of being contacted"
	run(t, network.Beacon, []scene{
		{Name: "every_minute", Finds: calls, Tell: func(s *story) { beats(s, 9*hour, ann, rare, minute, 0, 240, flow{Out: 300}) }},
		{Name: "every_minute_with_jitter", Finds: calls, Tell: func(s *story) { beats(s, 9*hour, ann, rare, minute, 0.3, 240, flow{Out: 300}) }},
		{Name: "every_five_minutes", Finds: calls, Tell: func(s *story) { beats(s, 9*hour, ann, rare, 5*minute, 0.2, 96, flow{Out: 300}) }},
		{Name: "every_ten_minutes_with_much_jitter", Finds: calls, Tell: func(s *story) { beats(s, 0, ann, rare, 10*minute, 0.5, 140, flow{Out: 300}) }},
		{Name: "every_hour", Finds: calls, Tell: func(s *story) { beats(s, 0, ann, rare, hour, 0.1, 24, flow{Out: 300}) }},
		{Name: "seen_by_its_handshakes", Finds: calls, Tell: func(s *story) {
			for i := range 60 {
				s.TLS(9*hour+5*minute*clock(i), ann, rare, "c2.example.com")
			}
		}},
		{Name: "one_visitor_of_many_comes_regularly", Finds: called, Tell: func(s *story) {
			for i := range 1000 {
				s.Flow(-day*clock(1+i%6)+spread(s), places(i), ann, flow{Port: 8443})
			}
			beats(s, 0, rare, ann, 5*minute, 0.1, 288, flow{Port: 8443})
		}},

		ordinary,
		{Name: "clock_outside", Quiet: true, Tell: func(s *story) {
			beats(s, 0, ann, rare, 64*second, 0, 1300, flow{Port: 123, Protocol: "udp", Out: 48})
		}},
		{Name: "name_server_outside", Quiet: true, Tell: func(s *story) { beats(s, 0, ann, rare, minute, 0, 1400, flow{Port: 53, Protocol: "udp"}) }},
		{Name: "ping", Quiet: true, Tell: func(s *story) { beats(s, 0, ann, rare, 10*second, 0, 3000, flow{Port: 8, Protocol: "icmp"}) }},
		{Name: "multicast", Quiet: true, Tell: func(s *story) { beats(s, 0, ann, "224.0.0.251", minute, 0, 1400, flow{Port: 5353, Protocol: "udp"}) }},
		{Name: "agent_that_all_have", Quiet: true, Tell: func(s *story) {
			for i := range detecttest.Colleagues {
				beats(s, -3*day+clock(i)*second, detecttest.Colleague(i), "93.184.200.1", 5*minute, 0.05, 1000, flow{})
			}
		}},
		{Name: "health_checks_between_own_machines", Quiet: true, Tell: func(s *story) { beats(s, 0, "10.0.0.80", "10.0.0.81", 10*second, 0, 8000, flow{Port: 80}) }},
		{Name: "reading_a_rare_site", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for range 25 {
					s.Flow(midnight+spread(s), ann, rare, flow{Out: uint64(1000 * s.Random())})
				}
			})
		}},
		{Name: "snapshots_of_an_open_flow", Quiet: true, Tell: func(s *story) {
			for i := range 200 {
				s.Flow(9*hour, ann, rare, flow{Open: true, Lasts: 5 * minute * clock(i+1)})
			}
		}},
		{Name: "the_same_record_again_and_again", Quiet: true, Tell: func(s *story) {
			for i := range 100 {
				s.Flow(9*hour+second*clock(i%3), ann, rare, flow{})
			}
		}},
		{Name: "five_tries_and_no_more", Quiet: true, Tell: func(s *story) { beats(s, 9*hour, ann, rare, minute, 0, 5, flow{}) }},
		{Name: "many_places_once", Quiet: true, Tell: func(s *story) {
			for i := range 200 {
				s.Flow(9*hour+minute*clock(i), ann, places(i), flow{})
			}
		}},
		{Name: "many_clients_of_a_server_of_ours", Quiet: true, Tell: func(s *story) {
			for i := range 300 {
				s.Flow(9*hour+minute*clock(i), places(i), "10.0.0.80", flow{Port: 443})
			}
		}},
	})
}
