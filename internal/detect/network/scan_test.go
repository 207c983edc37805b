package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestScan(t *testing.T) {
	run(t, network.Scan, []scene{
		{Name: "sweep_refused", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 60 {
				s.Flow(11*hour+second*2*dur(i), ann, machines(i), refused(445))
			}
		}},
		{Name: "sweep_unanswered", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*dur(i), ann, machines(i), flow{Port: 3389, Outcome: event.Unanswered})
			}
		}},
		{Name: "sweep_at_night_one_a_minute", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 90 {
				s.Flow(2*hour+minute*dur(i), ann, machines(i), refused(22))
			}
		}},
		{Name: "sweep_of_which_one_in_five_answers", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 80 {
				f := refused(445)
				if i%5 == 0 {
					f.Outcome = event.Established
				}
				s.Flow(11*hour+second*dur(i), ann, machines(i), f)
			}
		}},
		{Name: "sweep_of_places_outside", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 60 {
				s.Flow(11*hour+second*dur(i), ann, places(i), flow{Port: 23, Outcome: event.Unanswered})
			}
		}},
		{Name: "udp_sweep", Finds: "unanswered first contacts", Tell: func(s *story) {
			for i := range 150 {
				s.Flow(11*hour+second*dur(i), ann, machines(i), flow{Port: 161, Protocol: "udp", Outcome: event.Unanswered})
			}
		}},
		{Name: "ports_of_a_server", Finds: "unanswered ports", Tell: func(s *story) {
			for i := range 100 {
				s.Flow(11*hour+second*dur(i), ann, detecttest.Server(0), refused(uint16(1000+i)))
			}
		}},
		{Name: "ports_of_a_machine_it_did_not_know", Finds: "unanswered ports", Tell: func(s *story) {
			for i := range 100 {
				s.Flow(11*hour+second*dur(i), ann, machines(1), refused(uint16(1+i)))
			}
		}},

		ordinary,
		{Name: "server_is_down", Quiet: true, Tell: func(s *story) { // all try again and again
			for i := range 600 {
				s.Flow(10*hour+second*dur(i), detecttest.Colleague(i%12), detecttest.Server(1), flow{Port: 445, Outcome: event.Unanswered})
			}
		}},
		{Name: "network_is_down", Quiet: true, Tell: func(s *story) {
			for i := range 12 * 9 {
				f := flow{Outcome: event.Unanswered}
				to := detecttest.Popular(i / 12 % 6)
				if n := i / 12; n >= 6 {
					to, f.Port = detecttest.Server(n-6), []uint16{389, 445, 80}[n-6]
				}
				s.Flow(10*hour+second*dur(i), detecttest.Colleague(i%12), to, f)
			}
		}},
		{Name: "new_machine_finds_its_way", Quiet: true, Tell: func(s *story) {
			for i := range 60 {
				s.Flow(9*hour+second*10*dur(i), "10.0.1.99", machines(i), flow{Port: 445})
			}
		}},
		{Name: "one_in_five_is_switched_off", Quiet: true, Tell: func(s *story) {
			for i := range 100 {
				f := flow{Port: 9100}
				if s.Random() < 0.2 {
					f.Outcome = event.Unanswered
				}
				s.Flow(9*hour+minute*dur(i), ann, machines(i), f)
			}
		}},
		{Name: "mistyped_addresses", Quiet: true, Tell: func(s *story) {
			for i := range 6 {
				s.Flow(9*hour+minute*dur(i), ann, machines(i), refused(80))
			}
		}},
		{Name: "scanner_of_ours_that_always_scans", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range 100 {
					s.Flow(midnight+3*hour+second*dur(i), "10.0.0.66", machines(i), refused(443))
				}
			})
		}},
		{Name: "peer_to_peer_client_of_which_a_third_fails", Quiet: true, Tell: func(s *story) {
			n := 0
			s.Each(func(midnight clock) {
				for range 100 {
					f := flow{Port: 6881}
					if s.Random() < 0.33 {
						f.Outcome = event.Unanswered
					}
					s.Flow(midnight+spread(s), ann, places(n), f)
					n++
				}
			})
		}},
		{Name: "discovery_by_multicast", Quiet: true, Tell: func(s *story) {
			for i := range 200 {
				s.Flow(9*hour+second*dur(i), ann, "239.255.255.250", flow{Port: uint16(1900 + i), Protocol: "udp", Outcome: event.Unanswered})
			}
		}},
		{Name: "snapshots_of_open_flows", Quiet: true, Tell: func(s *story) {
			for i := range 100 {
				s.Flow(9*hour+second*dur(i), ann, machines(i), flow{Outcome: event.Unanswered, Open: true})
			}
		}},
		{Name: "many_clients_of_a_dead_port", Quiet: true, Tell: func(s *story) { // the server is no scanner
			for i := range 100 {
				s.Flow(9*hour+second*dur(i), machines(i), detecttest.Server(0), refused(8080))
			}
		}},
		{Name: "a_few_lost_datagrams", Quiet: true, Tell: func(s *story) {
			for i := range 30 {
				s.Flow(9*hour+minute*dur(i), ann, places(i), flow{Port: 443, Protocol: "udp", Outcome: event.Unanswered})
			}
		}},
	})
}
