package network_test

import (
	"fmt"
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
)

func TestNewPeer(t *testing.T) {
	const machinesNew, servicesNew = "new machines inside", "new services inside"
	run(t, network.NewPeer, []scene{
		{Name: "spreading", Finds: machinesNew, Tell: func(s *story) {
			for i := range 15 {
				s.Flow(11*hour+minute*clock(i), ann, machines(i), flow{Port: 445})
			}
		}},
		{Name: "spreading_to_colleagues", Finds: machinesNew, Tell: func(s *story) {
			for i := range 11 {
				s.Flow(11*hour+minute*clock(i), ann, detecttest.Colleague(i+1), flow{Port: 3389})
			}
		}},
		{Name: "other_services_of_servers_it_knows", Finds: servicesNew, Tell: func(s *story) {
			for i, port := range []uint16{22, 3389, 5985, 1433, 5900, 23} {
				s.Flow(11*hour+minute*clock(i), ann, detecttest.Server(i%3), flow{Port: port})
			}
		}},

		ordinary,
		{Name: "one_new_printer", Tell: func(s *story) { s.Flow(11*hour, ann, machines(1), flow{Port: 80}) }},
		{Name: "a_new_server_that_all_take_to", Tell: func(s *story) {
			for i := range detecttest.Colleagues {
				s.Flow(9*hour+5*minute*clock(i), detecttest.Colleague(i), "10.0.0.44", flow{Port: 445})
			}
		}},
		{Name: "an_administrator_who_always_did", Quiet: true, Tell: func(s *story) {
			n := 0
			s.Each(func(midnight clock) {
				for h := range clock(8) {
					for i := range clock(3) {
						s.Flow(midnight+(8+h)*hour+10*minute*i, ann, machines(n), flow{Port: 22})
						n++
					}
				}
			})
		}},
		{Name: "nobody_answers", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, machines(i), refused(445))
			}
		}},
		{Name: "names_clocks_and_discovery", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, machines(i), flow{Port: []uint16{53, 123, 137, 5353}[i%4], Protocol: "udp"})
			}
		}},
		{Name: "snapshots_of_open_flows", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, machines(i), flow{Port: 445, Open: true})
			}
		}},
		{Name: "a_server_gets_new_clients", Quiet: true, Tell: func(s *story) {
			for i := range 3 {
				s.Flow(11*hour+hour*clock(i), fmt.Sprintf("10.0.1.%d", 40+i), detecttest.Server(1), flow{Port: 445})
			}
		}},
		{Name: "places_outside", Quiet: true, Tell: func(s *story) {
			for i := range 40 {
				s.Flow(11*hour+second*clock(i), ann, places(i), flow{Port: 445})
			}
		}},
	})
}
