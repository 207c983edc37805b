package network_test

import (
	"fmt"
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

// noise has a few alerts raised about Ann's machine every day, as they are about most.
func noise(s *story) {
	s.Each(func(midnight clock) {
		for range 10 {
			s.Alert(midnight+spread(s), ann, detecttest.Popular(1), "noise", event.Low)
		}
	})
}

func TestAlert(t *testing.T) {
	run(t, network.Alert, []scene{
		{Name: "kinds_that_were_never_raised", Finds: "new kinds of alerts", Tell: func(s *story) {
			noise(s)
			for i := range 6 {
				s.Alert(11*hour+minute*clock(i), ann, rare, fmt.Sprintf("trojan %d", i), event.Medium)
			}
		}},
		{Name: "hundreds", Finds: "alerts", Tell: func(s *story) {
			noise(s)
			for i := range 600 {
				s.Alert(11*hour+second*clock(i), ann, rare, "flood", event.Low)
			}
		}},
		{Name: "serious_ones", Finds: "serious alerts", Tell: func(s *story) {
			for i := range 8 {
				s.Alert(11*hour+minute*clock(i), ann, rare, "ransomware", event.Critical)
			}
		}},

		ordinary,
		{Name: "for_information", Quiet: true, Tell: func(s *story) {
			for i := range 600 {
				s.Alert(11*hour+second*clock(i), ann, rare, fmt.Sprintf("note %d", i), event.Informational)
			}
		}},
		{Name: "a_rule_that_fires_on_everybody_every_day", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range detecttest.Colleagues * 10 {
					s.Alert(midnight+spread(s), detecttest.Colleague(i%12), detecttest.Popular(0), "policy", event.Medium)
				}
			})
		}},
		{Name: "one_low_alert", Quiet: true, Tell: func(s *story) { s.Alert(11*hour, ann, rare, "odd packet", event.Low) }},
		{Name: "a_noisy_machine_as_always", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for range 200 {
					s.Alert(midnight+spread(s), ann, detecttest.Popular(1), "noise", event.Low)
				}
			})
		}},
	})
}
